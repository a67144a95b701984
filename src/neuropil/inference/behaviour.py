"""What a circuit is asked to do: statistics of its activity, and what they have to be."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from neuropil.inference.black_box import BlackBox
from neuropil.inference.support import Parameters

Statistics = Mapping[str, Float[Array, ""] | float]


class Behaviour(eqx.Module):
    """Statistics of a model's activity and the values that their means, and spreads, must take.

    `statistics(parameters)` takes the parameters by name and returns numbers by name; with
    `draws` of one or more it is `statistics(parameters, key)`, and the constraints hold for the
    average over that many draws of the noise, the same ones for all parameters. It is a function
    that JAX can trace, or a `BlackBox`. Where a statistic is not finite the parameters are
    outside the behaviour's domain and have no share in the answer.

    - `means`: the mean that each statistic must have over the distribution of parameters.
    - `variances`: the mean square distance from that target which a statistic must have
      (of those in `means`).
    - `variances_at_most`: bounds on that mean square distance, where it may also be less.
    - `at_least`, `at_most`: bounds on means, for statistics that are not in `means`.
    - `tolerance`: how far a constraint may be off, in units of the target's spread (the root of
      the variance where one is asked for, else the spread of the statistic over the answer).
    """

    statistics: Callable[..., Any]
    means: dict[str, float] = eqx.field(static=True)
    variances: dict[str, float] = eqx.field(static=True)
    variances_at_most: dict[str, float] = eqx.field(static=True)
    at_least: dict[str, float] = eqx.field(static=True)
    at_most: dict[str, float] = eqx.field(static=True)
    units: dict[str, str] = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)
    draws: int = eqx.field(static=True)

    def __init__(
        self,
        statistics: Callable[..., Statistics] | BlackBox,
        means: Mapping[str, float] | None = None,
        *,
        variances: Mapping[str, float] | None = None,
        variances_at_most: Mapping[str, float] | None = None,
        at_least: Mapping[str, float] | None = None,
        at_most: Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        tolerance: float = 0.05,
        draws: int = 0,
    ):
        """Raises `ValueError` for targets that are missing, not finite or contradict each other."""
        self.statistics = statistics
        self.means = _finite("means", means)
        self.variances = _finite("variances", variances)
        self.variances_at_most = _finite("variances_at_most", variances_at_most)
        self.at_least = _finite("at_least", at_least)
        self.at_most = _finite("at_most", at_most)
        self.units = dict(units or {})
        self.tolerance, self.draws = float(tolerance), int(draws)
        if not (self.means or self.at_least or self.at_most):
            raise ValueError("a behaviour needs at least one target: means, at_least or at_most")
        for field in ("variances", "variances_at_most"):
            for name, variance in getattr(self, field).items():
                if name not in self.means:
                    raise ValueError(f"{field}[{name!r}] needs means[{name!r}], which is missing")
                if variance <= 0:
                    raise ValueError(f"{field}[{name!r}] must be positive, got {variance}")
        for name in set(self.variances) & set(self.variances_at_most):
            raise ValueError(f"{name!r} is in variances, which leaves nothing to bound")
        for name in [*self.at_least, *self.at_most]:
            if name in self.means:
                raise ValueError(f"{name!r} is in means, which leaves nothing to bound")
        for name in set(self.at_least) & set(self.at_most):
            if self.at_least[name] >= self.at_most[name]:
                raise ValueError(
                    f"at_least[{name!r}] must lie below at_most[{name!r}], "
                    f"got {self.at_least[name]} and {self.at_most[name]}"
                )
        if not self.tolerance > 0:
            raise ValueError(f"tolerance must be positive, got {tolerance}")
        if self.draws < 0:
            raise ValueError(f"draws must not be negative, got {draws}")

    @property
    def names(self) -> tuple[str, ...]:
        """The statistics that are constrained, in order."""
        return tuple(dict.fromkeys([*self.means, *self.at_least, *self.at_most]))

    def asked_variance(self, name: str) -> float | None:
        """The variance that a statistic must have or may have at most, if one was given."""
        return self.variances.get(name, self.variances_at_most.get(name))

    @property
    def is_black_box(self) -> bool:
        """Whether the statistics come from outside JAX, so that only their values are known."""
        return isinstance(self.statistics, BlackBox)

    def values(
        self, parameters: Parameters, keys: Key[Array, " draws"] | None
    ) -> Float[Array, "draws statistics"]:
        """The constrained statistics, one row for each draw of the noise (one without noise).

        Raises `KeyError` when the function does not return a statistic that has a target.
        """
        if self.draws == 0 or keys is None:
            return self._row(self.statistics(parameters))[None]
        return jax.vmap(lambda key: self._row(self.statistics(parameters, key)))(keys)

    def _row(self, found: Statistics) -> Float[Array, " statistics"]:
        missing = [name for name in self.names if name not in found]
        if missing:
            raise KeyError(f"statistics returned {sorted(found)}, without {missing}")
        return jnp.stack([jnp.asarray(found[name], float).reshape(()) for name in self.names])


class Constraints(eqx.Module):
    """The rows of a behaviour: means, mean squares about the target, and bounds.

    A row's *feature* is what it averages, less its target, over its scale, so that every row asks
    for a mean of zero (or a sign) and a natural parameter is a pure number. Rows of one kind and
    statistic keep their place when targets change.
    """

    statistic: Int[Array, " rows"]
    is_square: Bool[Array, " rows"]
    sign: Int[Array, " rows"]
    centre: Float[Array, " rows"]
    target: Float[Array, " rows"]
    scale: Float[Array, " rows"]

    def features(self, values: Float[Array, " statistics"]) -> Float[Array, " rows"]:
        """The features of one set of statistics."""
        chosen = values[self.statistic] - self.centre
        return (jnp.where(self.is_square, chosen * chosen, chosen) - self.target) / self.scale


def constraint_rows(behaviour: Behaviour) -> list[tuple[str, str]]:
    """(kind, statistic) of each row.

    Kinds are `mean`, `variance`, `variance at most`, `at least` and `at most`.
    """
    return [
        *(("mean", name) for name in behaviour.means),
        *(("variance", name) for name in behaviour.variances),
        *(("variance at most", name) for name in behaviour.variances_at_most),
        *(("at least", name) for name in behaviour.at_least),
        *(("at most", name) for name in behaviour.at_most),
    ]


def constraints_of(behaviour: Behaviour, spread: Float[np.ndarray, " statistics"]) -> Constraints:
    """The rows of a behaviour; `spread` scales the means that have no variance of their own."""
    rows = constraint_rows(behaviour)
    place = {name: number for number, name in enumerate(behaviour.names)}
    entries: list[tuple[float, float, float, int]] = []
    for kind, name in rows:
        variance = behaviour.asked_variance(name)
        own = float(spread[place[name]])
        match kind:
            case "mean":
                width = float(np.sqrt(variance)) if variance else own
                entries.append((behaviour.means[name], 0.0, width, 0))
            case "variance":
                square = behaviour.variances[name]
                entries.append((behaviour.means[name], square, float(np.sqrt(2.0)) * square, 0))
            case "variance at most":
                square = behaviour.variances_at_most[name]
                entries.append((behaviour.means[name], square, float(np.sqrt(2.0)) * square, -1))
            case "at least":
                entries.append((behaviour.at_least[name], 0.0, own, 1))
            case _:
                entries.append((behaviour.at_most[name], 0.0, own, -1))
    centre, target, scale, sign = zip(*entries, strict=True)
    return Constraints(
        jnp.asarray([place[name] for _, name in rows]),
        jnp.asarray([kind.startswith("variance") for kind, _ in rows]),
        jnp.asarray(sign),
        jnp.asarray(centre, float),
        jnp.asarray(target, float),
        jnp.asarray(scale, float),
    )


def carried(
    before: Constraints, after: Constraints, eta: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Natural parameters of the same density, in the features of other targets and scales.

    A square about one target is a square about another, plus a multiple of the statistic.
    """
    plain = eta / np.asarray(before.scale)
    shift = np.asarray(after.centre) - np.asarray(before.centre)
    statistic, is_square = np.asarray(before.statistic), np.asarray(before.is_square)
    for row in np.flatnonzero(is_square):
        mean = np.flatnonzero((statistic == statistic[row]) & ~is_square)[0]
        plain[mean] += 2 * shift[row] * plain[row]
    return plain * np.asarray(after.scale)


def _finite(name: str, targets: Mapping[str, Any] | None) -> dict[str, float]:
    found = {key: float(value) for key, value in (targets or {}).items()}
    for key, value in found.items():
        if not np.isfinite(value):
            raise ValueError(f"{name}[{key!r}] must be finite, got {value}")
    return found


__all__ = ["Behaviour", "Constraints", "Statistics", "carried", "constraint_rows", "constraints_of"]
