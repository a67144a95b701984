"""A system at one time, as a function of its state alone."""

import equinox as eqx
from jaxtyping import Array, Float

from neuropil.system import AbstractSystem
from neuropil.types import State


class VectorFieldAt(eqx.Module):
    """The vector field of `system` at `time` (ms); its arrays are the parameters, time the last.

    Of systems that are stacked along an axis the time is too.
    """

    system: AbstractSystem
    time: Float[Array, "..."]

    def __call__(self, state: State) -> State:
        """The vector field at a state."""
        return self.system.vector_field(self.time, state)
