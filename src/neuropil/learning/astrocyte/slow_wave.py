"""Waves that take time: cells that approach their activity slowly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.network import AstrocyteNetwork
from neuropil.learning.astrocyte.steps import draws_for
from neuropil.types import RandomKey


class SlowWave(eqx.Module):
    """A network whose cells are leaky integrators in time,

        tau_l da_l/dt = -a_l + step_l(a_{l-1}(t)),

    with the input in place of a_0 and all cells at 0 at the start. For an input that stays, every
    layer comes to the activity of the network without time, one layer after the other
    (the integration that Peterson, "What can astrocytes compute?", expects of slow calcium).

    `time_constants` are in ms, one value or one for each step; they are leaves without a
    gradient. Raises `ValueError` unless they are finite, positive and fit the steps.
    """

    network: AstrocyteNetwork
    time_constants: Float[Array, "..."] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=1000.0
    )

    def __check_init__(self):
        number = len(self.network.steps)
        if self.time_constants.shape not in ((), (number,)):
            raise ValueError(
                f"time_constants must be one value or one for each of {number} steps, "
                f"got shape {self.time_constants.shape}"
            )
        if isinstance(self.time_constants, jax.core.Tracer):
            return
        values = np.ravel(self.time_constants)
        if not np.all(np.isfinite(values) & (values > 0)):
            raise ValueError(f"time_constants must be finite and positive, got {values}")

    def __call__(
        self,
        inputs: Float[Array, "times ..."],
        *,
        time_step: float,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> Float[Array, "times ..."]:
        """Activity of the last layer at the end of every time step.

        `inputs` are constant over each time step of `time_step` ms; over it a cell moves to its
        target by the share 1 - exp(-time_step / tau), exact where the layer before is constant.
        Disturbances are drawn anew in every time step. Raises `ValueError` for inputs of another
        width, a time step that is not positive, and a missing key.
        """
        return self.activity(inputs, time_step=time_step, key=key, training=training)[-1]

    def activity(
        self,
        inputs: Float[Array, "times ..."],
        *,
        time_step: float,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> tuple[Float[Array, "times ..."], ...]:
        """Activity of the layers after every step, at the end of every time step."""
        steps = self.network.steps
        if inputs.shape[1:] != steps[0].cells:
            raise ValueError(
                f"inputs must have shape (times, *{steps[0].cells}), got {inputs.shape}"
            )
        if not time_step > 0:
            raise ValueError(f"time_step must be positive, got {time_step}")
        constants = jnp.broadcast_to(lax.stop_gradient(self.time_constants), (len(steps),))
        shares = -jnp.expm1(-time_step / constants).astype(inputs.dtype)

        def advance(layers, now):
            number, arriving = now
            drawn = None if key is None else jax.random.fold_in(key, number)
            draws = draws_for(steps, drawn, arriving.dtype, training=training)
            before = (arriving, *layers[:-1])
            layers = tuple(
                layer + share * (step.respond(below, own, training=training) - layer)
                for layer, share, step, below, own in zip(
                    layers, shares, steps, before, draws, strict=True
                )
            )
            return layers, layers

        silent = tuple(jnp.zeros(step.reached, inputs.dtype) for step in steps)
        _, layers = lax.scan(advance, silent, (jnp.arange(inputs.shape[0]), inputs))
        return layers


__all__ = ["SlowWave"]
