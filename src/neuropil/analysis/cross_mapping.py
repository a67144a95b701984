"""Convergent cross mapping: does one time series leave its mark on the states of another?"""

from collections.abc import Sequence

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.spatial import cKDTree

from neuropil.analysis.surrogates import AbstractSurrogates, CircularShifts
from neuropil.types import RandomKey

Series = Float[np.ndarray | Array, " times"] | Float[np.ndarray | Array, "times channels"]
_SMALLEST_DISTANCE = 1e-12


class DelayEmbedding(eqx.Module):
    """States of a system as the latest values of what is seen of it (Takens).

    A state at time t holds x(t), x(t - delay), ..., `dimension` values for each channel, `delay`
    samples apart. States at most `exclusion` samples apart in time are never taken for
    neighbours, as they are close because little time has passed. Raises `ValueError`, naming the
    field, for a dimension or delay below 1 and a negative exclusion.
    """

    dimension: int = eqx.field(static=True, default=3)
    delay: int = eqx.field(static=True, default=1)
    exclusion: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        for name, least in (("dimension", 1), ("delay", 1), ("exclusion", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")

    @property
    def first(self) -> int:
        """The first sample at which there is a state."""
        return (self.dimension - 1) * self.delay

    def states(self, series: Series) -> Float[np.ndarray, "states coordinates"]:
        """States from sample `first` to the last, every channel scaled to unit variance."""
        values = np.asarray(series, float)
        values = values[:, None] if values.ndim == 1 else values
        spread = values.std(axis=0)
        if not np.all(spread > 0):
            raise ValueError("series must vary in every channel, got a constant one")
        values = values / spread
        size = len(values) - self.first
        return np.concatenate(
            [values[self.first - k * self.delay :][:size] for k in range(self.dimension)], axis=1
        )


class CrossMapping(eqx.Module):
    """How well states of one series tell the values of another.

    `skills` are correlations of estimated and true values, for each number of states in the
    library and each library drawn; `skill` is that with all states, `surrogate_skills` the same
    for surrogates of the estimated series. Skill that is there by chance is there for surrogates
    too; skill that comes from a common law grows with the library ("convergent").
    """

    library_sizes: Int[np.ndarray, " sizes"]
    skills: Float[np.ndarray, "sizes libraries"]
    skill: float
    surrogate_skills: Float[np.ndarray, " surrogates"]

    @property
    def p_value(self) -> float:
        """Share of surrogates, and the series itself, that are estimated at least as well."""
        above = np.sum(self.surrogate_skills >= self.skill)
        return float((1 + above) / (1 + len(self.surrogate_skills)))

    @property
    def growth(self) -> float:
        """Skill with all states minus mean skill with the fewest."""
        return float(self.skill - np.mean(self.skills[0]))

    @property
    def growth_p_value(self) -> float:
        """Share of the smallest libraries, and one more, that are as good as all states."""
        above = np.sum(self.skills[0] >= self.skill)
        return float((1 + above) / (1 + self.skills.shape[1]))


def cross_map(
    effect: Series,
    cause: Float[np.ndarray | Array, " _times"],
    embedding: DelayEmbedding | None = None,
    *,
    key: RandomKey,
    library_sizes: Sequence[int] | None = None,
    libraries: int = 20,
    surrogates: AbstractSurrogates | None = None,
    n_surrogates: int = 199,
    lag: int = 0,
) -> CrossMapping:
    """Estimate `cause` from states of `effect`: if `cause` acts on `effect`, that can be done.

    Sugihara et al., "Detecting causality in complex ecosystems", Science 2012. The value of the
    cause at the time of a state (`lag` samples before it) is the mean over the E + 1 nearest
    states, E the number of coordinates, with weights exp(-d / d_1) in their distances d, d_1 the
    shortest. The library, the states among which neighbours are looked for, is drawn `libraries`
    times at random for each size (by default from a few to all, evenly spaced on a logarithmic
    scale). Surrogates are of the cause, by default circular shifts of at least an eighth of the
    series.

    A strong cause without feedback makes the effect a function of it (synchrony); estimates
    then succeed in both directions. Raises `ValueError`, naming the argument, for series that
    differ in length, are constant, too short or not finite, for library sizes below E + 2 or
    above the number of states, and for numbers below 1.
    """
    embedding = DelayEmbedding() if embedding is None else embedding
    surrogates = CircularShifts(max(1, len(cause) // 8)) if surrogates is None else surrogates
    values = _require_series(effect, cause, lag, embedding)
    states = embedding.states(effect)
    times = np.arange(embedding.first, len(values))
    inside = (times - lag >= 0) & (times - lag < len(values))
    states, times = states[inside], times[inside]
    least, most = states.shape[1] + 2, len(states)
    if most < least + 2 * embedding.exclusion:
        raise ValueError(
            f"effect gives {most} states, but {states.shape[1]} coordinates and exclusion "
            f"{embedding.exclusion} need at least {least + 2 * embedding.exclusion}"
        )
    sizes = _sizes(library_sizes, least + 2 * embedding.exclusion, most)
    if libraries < 1 or n_surrogates < 1:
        raise ValueError(
            f"libraries and n_surrogates must be at least 1, got {libraries} and {n_surrogates}"
        )
    drawing, shifting = jax.random.split(key)
    true = values[times - lag]
    skills = np.empty((len(sizes), libraries))
    orders = np.stack(
        [
            np.asarray(jax.random.permutation(own, most))
            for own in jax.random.split(drawing, libraries)
        ]
    )
    for row, size in enumerate(sizes):
        for column in range(libraries):
            library = np.sort(orders[column, :size])
            neighbours, weights = _neighbours(states, library, embedding.exclusion)
            skills[row, column] = _skill(true[None], neighbours, weights)[0]
    neighbours, weights = _neighbours(states, np.arange(most), embedding.exclusion)
    drawn = surrogates.draw(values, n_surrogates, key=shifting)[:, times - lag]
    return CrossMapping(
        np.asarray(sizes),
        skills,
        float(_skill(true[None], neighbours, weights)[0]),
        _skill(drawn, neighbours, weights),
    )


def forecast_skill(series: Series, embedding: DelayEmbedding, *, horizon: int = 1) -> float:
    """Correlation of the series `horizon` samples ahead with its forecast from similar states.

    The mean over channels. The forecast is the mean of what followed the nearest states, with
    the weights of `cross_map` (Sugihara and May, "Nonlinear forecasting as a way of
    distinguishing chaos from measurement error", Nature 1990); the dimension with the highest
    skill is the usual choice for an embedding. Raises `ValueError` as `cross_map`, and for a
    horizon below 1.
    """
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, got {horizon}")
    values = np.asarray(series, float)
    values = values[:, None] if values.ndim == 1 else values
    _require_series(series, values[:, 0], 0, embedding)
    states = embedding.states(series)[:-horizon]
    ahead = values[embedding.first + horizon :].T
    needed = states.shape[1] + 2 + 2 * embedding.exclusion
    if len(states) < needed:
        raise ValueError(f"series must give at least {needed} states, got {len(states)}")
    neighbours, weights = _neighbours(states, np.arange(len(states)), embedding.exclusion)
    return float(np.mean(_skill(ahead, neighbours, weights)))


def _neighbours(
    states: Float[np.ndarray, "states coordinates"],
    library: Int[np.ndarray, " size"],
    exclusion: int,
) -> tuple[Int[np.ndarray, "states near"], Float[np.ndarray, "states near"]]:
    """The nearest states of the library for every state, and their weights."""
    near = states.shape[1] + 1
    # Whatever is excluded lies among the nearest, so that so many more are enough.
    asked = min(near + 2 * exclusion + 1, len(library))
    distances, found = cKDTree(states[library]).query(states, asked)
    found = library[found]
    apart = np.abs(found - np.arange(len(states))[:, None]) > exclusion
    order = np.argsort(~apart, axis=1, kind="stable")[:, :near]
    distances = np.take_along_axis(distances, order, axis=1)
    shortest = np.maximum(distances[:, :1], _SMALLEST_DISTANCE)
    weights = np.exp(-distances / shortest)
    return np.take_along_axis(found, order, axis=1), weights / weights.sum(axis=1, keepdims=True)


def _skill(
    true: Float[np.ndarray, "series states"],
    neighbours: Int[np.ndarray, "states near"],
    weights: Float[np.ndarray, "states near"],
) -> Float[np.ndarray, " series"]:
    estimated = np.einsum("sin,in->si", true[:, neighbours], weights)
    centred = true - true.mean(axis=1, keepdims=True)
    moved = estimated - estimated.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(centred, axis=1) * np.linalg.norm(moved, axis=1)
    return np.sum(centred * moved, axis=1) / np.maximum(scale, _SMALLEST_DISTANCE)


def _require_series(
    effect: Series, cause: Float[np.ndarray | Array, " _times"], lag: int, embedding: DelayEmbedding
) -> Float[np.ndarray, " _times"]:
    values = np.asarray(cause, float)
    if len(effect) != len(values):
        raise ValueError(
            f"effect and cause must be as long, got {len(effect)} and {len(values)} samples"
        )
    for name, series in (("effect", np.asarray(effect, float)), ("cause", values)):
        if not np.all(np.isfinite(series)):
            raise ValueError(f"{name} must be finite at all times")
    if len(values) <= embedding.first + abs(lag):
        raise ValueError(
            f"effect must be longer than {embedding.first + abs(lag)} samples for this embedding "
            f"and lag, got {len(values)}"
        )
    if not np.std(values) > 0:
        raise ValueError("cause must vary, got a constant series")
    return values


def _sizes(given: Sequence[int] | None, least: int, most: int) -> list[int]:
    if given is None:
        return np.unique(np.geomspace(least, most, 6).astype(int)).tolist()
    for size in given:
        if not least <= size <= most:
            raise ValueError(f"library_sizes must lie in {least} ... {most}, got {size}")
    if len(given) == 0:
        raise ValueError("library_sizes must hold at least one size, got none")
    return sorted(int(size) for size in given)


__all__ = ["CrossMapping", "DelayEmbedding", "cross_map", "forecast_skill"]
