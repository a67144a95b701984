"""What an agent may see of the context: a code for each, made weaker, noisy, late or rare."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.learning.bandits.means import AbstractMeans
from neuropil.types import RandomKey

_GOLDEN = 0.6180339887498949


class ContextSignal(eqx.Module):
    """A code of the context, times `amplitude`, plus normal noise of deviation `noise`.

    Row c of `code` stands for context c. The signal is `delay` trials late: the code of the first
    context is shown until then. A share `withheld` of all stretches of `stretch` trials shows
    zero instead; which stretches do so is fixed and spread as evenly as possible (stretch s where
    the fractional part of s times the golden ratio is below the share). Noise is added then, too.

    Raises `ValueError`, naming the argument, for a code that is no finite table, an amplitude
    that is not finite, negative noise or delay, a share outside [0, 1], and stretches of less
    than one trial.
    """

    code: Float[Array, "contexts channels"] = eqx.field(
        converter=lambda values: jnp.asarray(values, float)
    )
    amplitude: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=1.0
    )
    noise: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=0.0
    )
    delay: Int[Array, ""] = eqx.field(converter=lambda value: jnp.asarray(value), default=0)
    withheld: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=0.0
    )
    stretch: Int[Array, ""] = eqx.field(converter=lambda value: jnp.asarray(value), default=1)

    def __check_init__(self):
        if self.code.ndim != 2 or not self.code.size:
            raise ValueError(
                "code must have a row for each context and a column for each channel, got shape "
                f"{self.code.shape}"
            )
        for name, low, high in (
            ("code", -np.inf, np.inf),
            ("amplitude", -np.inf, np.inf),
            ("noise", 0, np.inf),
            ("delay", 0, np.inf),
            ("withheld", 0, 1),
            ("stretch", 1, np.inf),
        ):
            value = getattr(self, name)
            if name != "code" and value.ndim:
                raise ValueError(f"{name} must be one number, got shape {value.shape}")
            if isinstance(value, jax.core.Tracer):
                continue
            numbers = np.ravel(value)
            wrong = numbers[~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high))]
            if wrong.size:
                raise ValueError(
                    f"{name} must be finite and lie in [{low}, {high}], got {wrong[0]}"
                )

    @property
    def contexts(self) -> int:
        """Number of contexts that have a code."""
        return self.code.shape[-2]

    @property
    def channels(self) -> int:
        """Numbers that an agent sees in a trial."""
        return self.code.shape[-1]

    def is_withheld(self, trial: Int[Array, ""]) -> Bool[Array, ""]:
        """Whether the trial shows no context."""
        place = _GOLDEN * (trial.astype(int) // self.stretch.astype(int)).astype(float)
        return place - jnp.floor(place) < self.withheld

    def at(
        self, means: AbstractMeans, trial: Int[Array, ""], key: RandomKey
    ) -> Float[Array, " channels"]:
        """The signal in a trial of a task with these means."""
        seen = means.label(jnp.maximum(trial.astype(int) - self.delay.astype(int), 0))
        shown = jnp.where(self.is_withheld(trial), 0.0, self.amplitude * self.code[seen])
        return shown + self.noise * jax.random.normal(key, shown.shape)


def scalar_code(contexts: int) -> Float[Array, "contexts 1"]:
    """One channel from -1 to 1 in equal steps: -1, 1 for two contexts, 1 for a single one.

    The document's coding is one number, whose values it does not state. Raises `ValueError` for
    fewer than one context.
    """
    _require_contexts(contexts)
    values = jnp.ones(1) if contexts == 1 else jnp.linspace(-1.0, 1.0, contexts)
    return values[:, None]


def one_hot_code(contexts: int) -> Float[Array, "contexts contexts"]:
    """A channel for each context. Raises `ValueError` for fewer than one context."""
    _require_contexts(contexts)
    return jnp.eye(contexts)


def constant_code(contexts: int) -> Float[Array, "contexts 1"]:
    """One channel that is 1 in every context and tells nothing of it.

    Raises `ValueError` for fewer than one context.
    """
    _require_contexts(contexts)
    return jnp.ones((contexts, 1))


def _require_contexts(contexts: int) -> None:
    if contexts < 1:
        raise ValueError(f"contexts must be at least 1, got {contexts}")


__all__ = ["ContextSignal", "constant_code", "one_hot_code", "scalar_code"]
