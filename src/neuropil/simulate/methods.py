"""What a method of integration is, and the methods for systems without noise."""

from abc import abstractmethod
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.system import AbstractSystem
from neuropil.types import RandomKey, Scalar, State


def number_field(**options: Any) -> Any:
    """A field that takes a number and holds it as an array, so that a new one compiles nothing."""
    return eqx.field(converter=lambda value: jnp.asarray(value, float), **options)


class Scheme(NamedTuple):
    """What `diffrax` is given: equations, formula for a step, choice of its length.

    `ends_at_saved` makes a step end at every time that is saved, where the interpolation of the
    formula is less accurate than its steps.
    """

    terms: diffrax.AbstractTerm
    solver: diffrax.AbstractSolver
    step_control: diffrax.AbstractStepSizeController
    first_step: Scalar
    ends_at_saved: bool = False


class AbstractMethod(eqx.Module):
    """How a system is integrated."""

    @property
    @abstractmethod
    def fixed_step(self) -> Scalar | None:
        """The step, in ms, when it is fixed: states are then saved on its multiples only."""

    @abstractmethod
    def require(self, system: AbstractSystem, start: State, key: RandomKey | None) -> None:
        """Raise `ValueError`, naming the argument, when the method does not fit the others."""

    @abstractmethod
    def scheme(
        self,
        system: AbstractSystem,
        start: State,
        begin: Scalar,
        end: Scalar,
        key: RandomKey | None,
    ) -> Scheme:
        """How to integrate the system from `start` at `begin` to `end`, in ms."""


class NonStiff(AbstractMethod):
    """Explicit Runge-Kutta steps of adaptive length; noise is left out.

    The right choice unless the fastest time constant is far below the times of interest. Order 5
    by default (Tsitouras 2011), with states between steps interpolated to order 4; order 8
    (Dormand and Prince, 13 stages) is cheaper at tight tolerances and few saved times, as a step
    ends at each of them. The estimated error of a step is kept below
    `absolute_tolerance + relative_tolerance * |state|`, as a root mean square over components.

    Raises `ValueError` for tolerances that are not positive, or another order.
    """

    relative_tolerance: Float[Array, ""] = number_field(default=1e-6)
    absolute_tolerance: Float[Array, ""] = number_field(default=1e-9)
    order: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        require_positive(self, "relative_tolerance", "absolute_tolerance")
        if self.order not in (5, 8):
            raise ValueError(f"order must be 5 or 8, got {self.order}")

    @property
    def fixed_step(self) -> Scalar | None:
        """None: steps are adaptive."""
        return None

    def require(self, system: AbstractSystem, start: State, key: RandomKey | None) -> None:
        """Every system will do; there must be no key."""
        _require_no_key(key)

    def scheme(
        self,
        system: AbstractSystem,
        start: State,
        begin: Scalar,
        end: Scalar,
        key: RandomKey | None,
    ) -> Scheme:
        """The vector field with an explicit formula."""
        is_high = self.order == 8
        solver = diffrax.Dopri8() if is_high else diffrax.Tsit5()
        return Scheme(
            drift_of(system),
            solver,
            _step_control(self, begin, end),
            _first_step(self, system, start, begin, end),
            ends_at_saved=is_high,
        )


class Stiff(AbstractMethod):
    """Implicit Runge-Kutta steps of adaptive length; noise is left out.

    For systems whose fastest time constant is far below the times of interest: order 5,
    L-stable (Kvaerno 2004). Every step solves dense linear systems of the size of the state, so
    it suits up to a few hundred components; and a step ends at every saved time, so save few.
    Tolerances as in `NonStiff`.

    Raises `ValueError` for tolerances that are not positive.
    """

    relative_tolerance: Float[Array, ""] = number_field(default=1e-6)
    absolute_tolerance: Float[Array, ""] = number_field(default=1e-9)

    def __check_init__(self):
        require_positive(self, "relative_tolerance", "absolute_tolerance")

    @property
    def fixed_step(self) -> Scalar | None:
        """None: steps are adaptive."""
        return None

    def require(self, system: AbstractSystem, start: State, key: RandomKey | None) -> None:
        """Every system will do; there must be no key."""
        _require_no_key(key)

    def scheme(
        self,
        system: AbstractSystem,
        start: State,
        begin: Scalar,
        end: Scalar,
        key: RandomKey | None,
    ) -> Scheme:
        """The vector field with an implicit formula."""
        return Scheme(
            drift_of(system),
            diffrax.Kvaerno5(),
            _step_control(self, begin, end),
            _first_step(self, system, start, begin, end),
            ends_at_saved=True,
        )


def drift_of(system: AbstractSystem) -> diffrax.ODETerm:
    """The vector field as `diffrax` takes it."""

    def drift(time: Any, state: State, _: Any) -> State:
        return system.vector_field(time, state)

    return diffrax.ODETerm(drift)


def require_positive(method: AbstractMethod, *names: str) -> None:
    """Raise `ValueError` unless these fields are positive and finite, where they are known."""
    for name in names:
        value = getattr(method, name)
        if not isinstance(value, jax.core.Tracer) and not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")


def _require_no_key(key: RandomKey | None) -> None:
    if key is not None:
        raise ValueError(
            "key must be None for a method that draws no random numbers; noise needs "
            "`StochasticEuler` or `StochasticHeun`"
        )


def _step_control(
    method: NonStiff | Stiff, begin: Scalar, end: Scalar
) -> diffrax.AbstractStepSizeController:
    # A shorter step would hardly move the time beyond its rounding.
    shortest = 16 * jnp.finfo(begin.dtype).eps * jnp.maximum(jnp.abs(begin), jnp.abs(end))
    return diffrax.PIDController(
        rtol=method.relative_tolerance,
        atol=method.absolute_tolerance,
        dtmin=shortest,
        force_dtmin=False,
    )


def _first_step(
    method: NonStiff | Stiff, system: AbstractSystem, start: State, begin: Scalar, end: Scalar
) -> Scalar:
    """A hundredth of the time in which the state changes by itself, whatever the vector field.

    `diffrax` would look one step ahead as well, and not return where there is no number.
    """
    scale = method.absolute_tolerance + method.relative_tolerance * jnp.abs(start)
    size = jnp.sqrt(jnp.mean((start / scale) ** 2))
    speed = jnp.sqrt(jnp.mean((system.vector_field(begin, start) / scale) ** 2))
    step = 0.01 * jnp.maximum(size, 1.0) / speed
    longest = 0.01 * (end - begin)
    return jnp.where((step > 0) & (step < longest), step, longest)


__all__ = [
    "AbstractMethod",
    "NonStiff",
    "Scheme",
    "Stiff",
    "drift_of",
    "number_field",
    "require_positive",
]
