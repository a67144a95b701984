"""Where a parameter may lie, and how the whole real line is laid over that set."""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.inference.logistic import lesser_share, log_logistic
from neuropil.types import ArrayLike, Scalar

Unconstrained = Float[Array, " free"]


_REACH = 10.0


class AbstractDomain(eqx.Module):
    """A set of parameter values, drawn as `value(y)` with y standard logistic and independent.

    The distribution of `value(y)` is the *reference*: the uniform distribution where the set is
    bounded, else one of the stated centre and scale.
    """

    shape: eqx.AbstractVar[tuple[int, ...]]
    unit: eqx.AbstractVar[str]

    @property
    def n_free(self) -> int:
        """How many unconstrained coordinates the values take."""
        return int(np.prod(self.shape, dtype=int))

    @property
    @abstractmethod
    def is_bounded(self) -> bool:
        """Whether the volume is finite, so that the uniform distribution exists."""

    def within(self, factor: float) -> "AbstractDomain":
        """A bounded part of an unbounded set: `factor` times a box that holds the reference."""
        return self

    @abstractmethod
    def value(self, coordinates: Unconstrained) -> Float[Array, "..."]:
        """The parameter values at unconstrained coordinates."""

    @abstractmethod
    def coordinates(self, value: Float[ArrayLike, "..."]) -> Unconstrained:
        """The unconstrained coordinates of a value: the inverse of `value`."""

    @abstractmethod
    def log_reference(self, coordinates: Unconstrained) -> Scalar:
        """Log density of the reference with respect to the values, at unconstrained coordinates."""


class Interval(AbstractDomain):
    """Values between two ends; the ends are numbers or arrays that fill `shape`."""

    lower: Float[Array, "..."]
    upper: Float[Array, "..."]
    shape: tuple[int, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def __init__(
        self,
        lower: Float[ArrayLike, "..."] | int,
        upper: Float[ArrayLike, "..."] | int,
        *,
        shape: tuple[int, ...] = (),
        unit: str = "",
    ):
        """Raises `ValueError` for ends that are not finite, not in order, or of another shape."""
        self.lower = _filled("lower", lower, shape)
        self.upper = _filled("upper", upper, shape)
        self.shape, self.unit = shape, unit
        low, high = np.asarray(self.lower), np.asarray(self.upper)
        if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
            raise ValueError(f"lower and upper must be finite, got {low} and {high}")
        if not np.all(low < high):
            raise ValueError(f"lower must lie below upper, got {low} and {high}")

    @property
    def is_bounded(self) -> bool:
        """Always."""
        return True

    def value(self, coordinates: Unconstrained) -> Float[Array, "..."]:
        """A logistic rise from the lower end to the upper."""
        # From the nearer end, so that values close to either keep their digits.
        width = self.upper - self.lower
        y = coordinates.reshape(self.shape)
        inwards = width * lesser_share(y)
        return jnp.where(y < 0, self.lower + inwards, self.upper - inwards)

    def coordinates(self, value: Float[ArrayLike, "..."]) -> Unconstrained:
        """The logit of the position within the interval."""
        value = jnp.asarray(value, float)
        return (jnp.log(value - self.lower) - jnp.log(self.upper - value)).reshape(-1)

    def log_reference(self, coordinates: Unconstrained) -> Scalar:
        """Minus the log volume, wherever it is."""
        return -jnp.sum(jnp.log(self.upper - self.lower))


class HalfLine(AbstractDomain):
    """Values above a lower end; the reference is exponential with mean `scale` above it."""

    lower: Float[Array, "..."]
    scale: Float[Array, "..."]
    shape: tuple[int, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def __init__(
        self,
        lower: Float[ArrayLike, "..."] | int = 0.0,
        *,
        scale: Float[ArrayLike, "..."] | int = 1.0,
        shape: tuple[int, ...] = (),
        unit: str = "",
    ):
        """Raises `ValueError` for an end that is not finite or a scale that is not positive."""
        self.lower = _filled("lower", lower, shape)
        self.scale = _positive("scale", scale, shape)
        self.shape, self.unit = shape, unit

    @property
    def is_bounded(self) -> bool:
        """Never."""
        return False

    def within(self, factor: float) -> AbstractDomain:
        """From the lower end to ten times the scale, times `factor`."""
        upper = self.lower + _REACH * factor * self.scale
        return Interval(self.lower, upper, shape=self.shape, unit=self.unit)

    def value(self, coordinates: Unconstrained) -> Float[Array, "..."]:
        """The softplus, which is exponentially distributed when its argument is logistic."""
        return self.lower + self.scale * jax.nn.softplus(coordinates.reshape(self.shape))

    def coordinates(self, value: Float[ArrayLike, "..."]) -> Unconstrained:
        """The inverse of the softplus."""
        above = (jnp.asarray(value, float) - self.lower) / self.scale
        return (above + jnp.log(-jnp.expm1(-above))).reshape(-1)

    def log_reference(self, coordinates: Unconstrained) -> Scalar:
        """Exponential."""
        above = jax.nn.softplus(coordinates.reshape(self.shape))
        return -jnp.sum(above + jnp.log(self.scale))


class RealLine(AbstractDomain):
    """Any real values; the reference is logistic with the stated centre and scale."""

    centre: Float[Array, "..."]
    scale: Float[Array, "..."]
    shape: tuple[int, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        centre: Float[ArrayLike, "..."] | int = 0.0,
        scale: Float[ArrayLike, "..."] | int = 1.0,
        shape: tuple[int, ...] = (),
        unit: str = "",
    ):
        """Raises `ValueError` for a centre that is not finite or a scale that is not positive."""
        self.centre = _filled("centre", centre, shape)
        self.scale = _positive("scale", scale, shape)
        self.shape, self.unit = shape, unit

    @property
    def is_bounded(self) -> bool:
        """Never."""
        return False

    def within(self, factor: float) -> AbstractDomain:
        """Ten times the scale to either side of the centre, times `factor`."""
        reach = _REACH * factor * self.scale
        return Interval(self.centre - reach, self.centre + reach, shape=self.shape, unit=self.unit)

    def value(self, coordinates: Unconstrained) -> Float[Array, "..."]:
        """Shifted and scaled."""
        return self.centre + self.scale * coordinates.reshape(self.shape)

    def coordinates(self, value: Float[ArrayLike, "..."]) -> Unconstrained:
        """Shifted and scaled back."""
        return ((jnp.asarray(value, float) - self.centre) / self.scale).reshape(-1)

    def log_reference(self, coordinates: Unconstrained) -> Scalar:
        """Logistic."""
        return log_logistic(coordinates) - jnp.sum(jnp.log(self.scale))


class Simplex(AbstractDomain):
    """Fractions that sum to one. Volumes are taken in all fractions but the last."""

    shape: tuple[int, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def __init__(self, parts: int, *, unit: str = ""):
        """Raises `ValueError` for fewer than two parts."""
        if parts < 2:
            raise ValueError(f"parts must be two or more, got {parts}")
        self.shape, self.unit = (parts,), unit

    @property
    def n_free(self) -> int:
        """One less than there are parts."""
        return self.shape[0] - 1

    @property
    def is_bounded(self) -> bool:
        """Always."""
        return True

    def value(self, coordinates: Unconstrained) -> Float[Array, "..."]:
        """A stick broken so that logistic coordinates give the uniform distribution."""
        left = jax.nn.log_sigmoid(-coordinates) / self._pieces_left
        before = jnp.concatenate([jnp.zeros(1), jnp.cumsum(left)])
        broken = jnp.log(-jnp.expm1(left))
        return jnp.exp(before + jnp.concatenate([broken, jnp.zeros(1)]))

    def coordinates(self, value: Float[ArrayLike, "..."]) -> Unconstrained:
        """The breaks that give these fractions."""
        parts = jnp.asarray(value, float)
        left_over = jnp.cumsum(parts[::-1])[::-1]
        log_tail = (jnp.log(left_over[1:]) - jnp.log(left_over[:-1])) * self._pieces_left
        return jnp.log(-jnp.expm1(log_tail)) - log_tail

    def log_reference(self, coordinates: Unconstrained) -> Scalar:
        """Minus the log volume of the simplex, 1 / (parts - 1)!."""
        return jnp.asarray(jax.scipy.special.gammaln(float(self.shape[0])))

    @property
    def _pieces_left(self) -> Float[Array, " free"]:
        return jnp.arange(self.n_free, 0, -1).astype(float)


def _filled(
    name: str, value: Float[ArrayLike, "..."] | int, shape: tuple[int, ...]
) -> Float[Array, "..."]:
    array = np.asarray(value, float)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {array}")
    try:
        return jnp.asarray(np.broadcast_to(array, shape))
    except ValueError:
        raise ValueError(f"{name} must fill shape {shape}, got shape {array.shape}") from None


def _positive(
    name: str, value: Float[ArrayLike, "..."] | int, shape: tuple[int, ...]
) -> Float[Array, "..."]:
    array = _filled(name, value, shape)
    if not np.all(np.asarray(array) > 0):
        raise ValueError(f"{name} must be positive, got {np.asarray(array)}")
    return array


BaseMeasure = Callable[[dict[str, Float[Array, "..."]]], Scalar]

__all__ = [
    "AbstractDomain",
    "BaseMeasure",
    "HalfLine",
    "Interval",
    "RealLine",
    "Simplex",
    "Unconstrained",
]
