"""Methods for systems driven by white noise: fixed steps, reproducible paths."""

from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np
from jaxtyping import Array, Float

from neuropil.simulate.methods import (
    AbstractMethod,
    Scheme,
    drift_of,
    number_field,
    require_positive,
)
from neuropil.system import AbstractNoisySystem, AbstractSystem
from neuropil.types import RandomKey, Scalar, State


class StochasticEuler(AbstractMethod):
    """Euler-Maruyama steps of fixed length `step`, in ms, for any noise in the Ito sense.

    Weak order 1; strong order 1/2, and 1 where the noise does not depend on the state. Two runs
    with the same key and the same times follow the same Brownian path whenever one step is the
    other halved some number of times.

    Raises `ValueError` for a step that is not positive.
    """

    step: Float[Array, ""] = number_field()

    def __check_init__(self):
        require_positive(self, "step")

    @property
    def fixed_step(self) -> Scalar | None:
        """The step."""
        return self.step

    def require(self, system: AbstractSystem, start: State, key: RandomKey | None) -> None:
        """The system must have noise, and there must be a key."""
        _require_noise(system, key)

    def scheme(
        self,
        system: AbstractSystem,
        start: State,
        begin: Scalar,
        end: Scalar,
        key: RandomKey | None,
    ) -> Scheme:
        """The vector field and the noise as they stand."""
        noise = _noise_of(system, start, begin, end, self.step, key)
        terms: diffrax.AbstractTerm = diffrax.MultiTerm(drift_of(system), noise)
        return Scheme(terms, diffrax.Euler(), diffrax.ConstantStepSize(), self.step)


class StochasticHeun(AbstractMethod):
    """Heun steps of fixed length `step`, in ms, for noise of each component's own.

    The amplitude of the noise may depend on time and on the component it drives, on no other;
    the drift is corrected from the Ito to the Stratonovich sense, in which the formula
    converges. Strong order 1; of order 2 where the noise vanishes. Paths as in
    `StochasticEuler`.

    Raises `ValueError` for a step that is not positive, and, when integrating, for noise that
    depends on another component at the start.
    """

    step: Float[Array, ""] = number_field()

    def __check_init__(self):
        require_positive(self, "step")

    @property
    def fixed_step(self) -> Scalar | None:
        """The step."""
        return self.step

    def require(self, system: AbstractSystem, start: State, key: RandomKey | None) -> None:
        """The system must have noise of each component's own, and there must be a key."""
        noisy = _require_noise(system, key)
        leaves = jax.tree.leaves((system, start))
        if not any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            _require_own_noise(noisy, start)

    def scheme(
        self,
        system: AbstractSystem,
        start: State,
        begin: Scalar,
        end: Scalar,
        key: RandomKey | None,
    ) -> Scheme:
        """The noise, and the vector field in the Stratonovich sense."""
        noise = _noise_of(system, start, begin, end, self.step, key)
        drift = diffrax.ODETerm(_stratonovich_drift(system))
        terms: diffrax.AbstractTerm = diffrax.MultiTerm(drift, noise)
        return Scheme(terms, diffrax.Heun(), diffrax.ConstantStepSize(), self.step)


def _stratonovich_drift(system: AbstractSystem) -> Callable[[Any, State, Any], State]:
    """f - (g dg/dx) / 2: the same process when its noise is read in the Stratonovich sense."""
    assert isinstance(system, AbstractNoisySystem)

    def drift(time: Any, state: State, _: Any) -> State:
        def amplitude_at(at: State) -> State:
            return system.noise_amplitude(time, at)

        change = jax.jvp(amplitude_at, (state,), (amplitude_at(state),))[1]
        return system.vector_field(time, state) - 0.5 * change

    return drift


def _noise_of(
    system: AbstractSystem,
    start: State,
    begin: Scalar,
    end: Scalar,
    step: Scalar,
    key: RandomKey | None,
) -> diffrax.ControlTerm:
    assert isinstance(system, AbstractNoisySystem)
    assert key is not None
    # The tree halves its interval; with a power of two steps in it, steps are its own nodes.
    n_steps = jnp.ceil((end - begin) / step - 1e-6)
    levels = jnp.ceil(jnp.log2(n_steps) - 1e-9).astype(int)
    true_step = (end - begin) / n_steps
    last = jnp.maximum(end, begin + jnp.ldexp(true_step, levels))
    shape = jax.ShapeDtypeStruct(start.shape, start.dtype)
    path = diffrax.VirtualBrownianTree(begin, last, true_step / 2, shape=shape, key=key)

    def diffusion(time: Any, state: State, _: Any) -> lineax.DiagonalLinearOperator:
        return lineax.DiagonalLinearOperator(system.noise_amplitude(time, state))

    return diffrax.ControlTerm(diffusion, path)


def _require_noise(system: AbstractSystem, key: RandomKey | None) -> AbstractNoisySystem:
    if not isinstance(system, AbstractNoisySystem):
        raise ValueError(
            f"system must be an AbstractNoisySystem for this method, got "
            f"{type(system).__name__}; without noise use `NonStiff` or `Stiff`"
        )
    if key is None:
        raise ValueError("key must be a typed JAX key, as from `jax.random.key(seed)`, got None")
    return system


def _require_own_noise(system: AbstractNoisySystem, start: State) -> None:
    def amplitude_at(state):
        return system.noise_amplitude(jnp.zeros(()), state)

    # A diagonal derivative multiplies every direction element by element.
    ones, other = jnp.ones_like(start), jnp.linspace(1.0, 2.0, start.size)
    diagonal = jax.jvp(amplitude_at, (start,), (ones,))[1]
    along = jax.jvp(amplitude_at, (start,), (other,))[1]
    differing = np.flatnonzero(~np.isclose(along, diagonal * other, rtol=1e-9, atol=1e-12))
    if differing.size:
        raise ValueError(
            f"system has noise on {system.state_names[differing[0]]} that depends on another "
            "component; `StochasticHeun` takes noise that depends on its own component only, "
            "`StochasticEuler` takes any"
        )


__all__ = ["StochasticEuler", "StochasticHeun"]
