"""What a dynamical system is to every verb: parameters as fields, equations as methods."""

from abc import abstractmethod

import equinox as eqx

from neuropil.types import Scalar, State


class AbstractSystem(eqx.Module):
    """A circuit or a reduction of one: fields are parameters, methods are equations.

    A system does not run, plot, fit or save itself: `simulate`, `analysis`, `inference` and
    `learning` take it as an argument. There is no batch axis; use `jax.vmap` outside.
    """

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """One name for each component of the state."""

    @property
    @abstractmethod
    def state_unit(self) -> str:
        """The unit of the state, empty when it has none."""

    @abstractmethod
    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the state, in state units per millisecond."""


class AbstractNoisySystem(AbstractSystem):
    """A system driven by independent white noise on each component (Ito sense)."""

    @abstractmethod
    def noise_amplitude(self, time: Scalar, state: State) -> State:
        """Coefficient of the Wiener increments, in state units per square-root millisecond."""
