"""What a dynamical system is to every verb: parameters as fields, equations as methods."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.types import Scalar, State


class Box(NamedTuple):
    """The states between two corners: `lower <= state <= upper`, component by component."""

    lower: State
    upper: State


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


class AbstractSpikingSystem(AbstractNoisySystem):
    """Neurons of one variable, the membrane potential, that fire, are reset and drive each other.

    `circuits.IntegrateAndFire` says what the fields mean and holds all of them; a class of one's
    own gives the same. Each is one value or one for each neuron, but for `delay`, `coupling` and
    `synaptic_time_constant`, which are one value.
    """

    hazard: eqx.AbstractVar[Callable[[State], State] | None]
    hazard_bound: eqx.AbstractVar[Float[Array, "..."] | None]
    threshold: eqx.AbstractVar[Float[Array, "..."]]
    reset: eqx.AbstractVar[Float[Array, "..."]]
    refractory_period: eqx.AbstractVar[Float[Array, "..."]]
    poisson_rate: eqx.AbstractVar[Float[Array, "..."]]
    poisson_jump: eqx.AbstractVar[Float[Array, "..."]]
    delay: eqx.AbstractVar[Scalar]
    coupling: eqx.AbstractVar[Scalar]
    synaptic_time_constant: eqx.AbstractVar[Scalar]

    @property
    def rate_bound(self) -> Float[Array, "..."] | None:
        """A rate that the hazard never exceeds, in spikes/ms: the stated one, or its own."""
        if self.hazard_bound is not None or self.hazard is None:
            return self.hazard_bound
        return getattr(self.hazard, "bound", None)

    @property
    def relaxation(self) -> tuple[Float[Array, "..."], Float[Array, "..."]] | None:
        """(rate, rest) where the vector field is rate * (rest - v), in 1/ms and mV, else None."""
        return None


class AbstractSlowFastSystem(AbstractSystem):
    """A system some of whose components change much more slowly than the others.

    Declaring which ones is all it takes: `split_state`, `join_states`, `layer` and `slow_drift`
    follow from the vector field.
    """

    @property
    @abstractmethod
    def is_slow(self) -> Bool[np.ndarray, " dimension"]:
        """One truth value for each component of the state."""


def split_state(
    system: AbstractSlowFastSystem, state: State
) -> tuple[Float[Array, " fast"], Float[Array, " slow"]]:
    """The fast and the slow components of a state, each in their order within the state."""
    is_slow = system.is_slow
    return _chosen(state, np.flatnonzero(~is_slow)), _chosen(state, np.flatnonzero(is_slow))


def join_states(
    system: AbstractSlowFastSystem,
    fast_state: Float[Array, " fast"],
    slow_state: Float[Array, " slow"],
) -> State:
    """The state with the given fast and slow components: the inverse of `split_state`.

    Raises `ValueError` when there are not as many as the system has.
    """
    is_slow = system.is_slow
    n_slow = int(is_slow.sum())
    for name, part, size in (
        ("fast_state", fast_state, is_slow.size - n_slow),
        ("slow_state", slow_state, n_slow),
    ):
        if part.shape != (size,):
            raise ValueError(f"{name} must hold {size} components, got shape {part.shape}")
    place = np.empty(is_slow.size, np.int64)
    place[np.flatnonzero(~is_slow)] = np.arange(is_slow.size - n_slow)
    place[np.flatnonzero(is_slow)] = np.arange(is_slow.size - n_slow, is_slow.size)
    return _chosen(jnp.concatenate([fast_state, slow_state]), place)


class LayerSystem(AbstractSystem):
    """The fast components of a system while its slow ones stand still: made by `layer`."""

    whole: AbstractSlowFastSystem
    slow_state: Float[Array, " slow"]

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the fast components."""
        slow = self.whole.is_slow
        return tuple(name for name, s in zip(self.whole.state_names, slow, strict=True) if not s)

    @property
    def state_unit(self) -> str:
        """The unit of the whole system."""
        return self.whole.state_unit

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the fast components."""
        joined = join_states(self.whole, state, self.slow_state)
        return split_state(self.whole, self.whole.vector_field(time, joined))[0]


def layer(
    system: AbstractSlowFastSystem, slow_state: float | Float[Array | np.ndarray, "..."]
) -> LayerSystem:
    """The layer system: what the fast components do while the slow ones are held at `slow_state`.

    The singular limit of Fenichel's theory, in the time of the fast components; of noise it
    keeps none. `slow_state` is in state units, one value for each slow component (a number will
    do where there is one). Differentiable in it, and batched by `jax.vmap`.

    Raises `ValueError` for a wrong number of components or one that is not finite.
    """
    held = jnp.atleast_1d(jnp.asarray(slow_state, float))
    n_slow = int(system.is_slow.sum())
    if held.shape != (n_slow,):
        raise ValueError(f"slow_state must hold {n_slow} components, got shape {held.shape}")
    if not isinstance(held, jax.core.Tracer) and not np.all(np.isfinite(held)):
        raise ValueError(f"slow_state must be finite, got {held}")
    return LayerSystem(system, held)


def slow_drift(
    system: AbstractSlowFastSystem,
    time: Scalar,
    fast_state: Float[Array, " fast"],
    slow_state: Float[Array, " slow"],
) -> Float[Array, " slow"]:
    """Time derivative of the slow components, in state units per millisecond.

    On the critical manifold, where the layer is at rest, this is the reduced flow.
    """
    state = join_states(system, fast_state, slow_state)
    return split_state(system, system.vector_field(time, state))[1]


def _chosen(
    array: Float[Array, " whole"], positions: Int[np.ndarray, " part"]
) -> Float[Array, " part"]:
    """The elements at fixed positions, as a slice where they are neighbours."""
    if positions.size and np.all(np.diff(positions) == 1):
        return array[positions[0] : positions[-1] + 1]
    return array[positions]


__all__ = [
    "AbstractNoisySystem",
    "AbstractSlowFastSystem",
    "AbstractSpikingSystem",
    "AbstractSystem",
    "Box",
    "LayerSystem",
    "join_states",
    "layer",
    "slow_drift",
    "split_state",
]
