"""Whether a behaviour can be had on a support at all, and if not, why."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.inference.behaviour import Behaviour, constraints_of
from neuropil.inference.boundedness import entropies_in_boxes, goes_on_growing
from neuropil.inference.distribution import placed, row_labels
from neuropil.inference.dual import tilt
from neuropil.inference.support import Support
from neuropil.inference.target import Problem
from neuropil.types import RandomKey, Scalar

_CLIMBS, _CLIMBERS, _STEPS = 6, 32, 150
_CLOUDS, _CLOUD = 10, 200


class Feasibility(NamedTuple):
    """What was found before optimising: `faults` are sentences, none where all seems well.

    `inside_share` is the share of draws with finite statistics; `lowest` and `highest` are the
    extremes of each statistic that draws and searches came upon. A search may miss an extreme, a
    fault of reach says so by naming what was found.
    """

    faults: tuple[str, ...]
    inside_share: float
    lowest: dict[str, float]
    highest: dict[str, float]
    simulations: int


def feasibility(
    behaviour: Behaviour, support: Support, *, key: RandomKey, draws: int = 2048
) -> Feasibility:
    """Whether the targets of a behaviour can be had on a support, before optimising anything.

    Looks for statistics of which one is the square of the other with means that no distribution
    has (Jensen), targets beyond the extremes of their statistic, variances larger than the
    extremes allow, and targets that can be had each but not all at once. Where draws do not
    reach, climbs along gradients (or evolves, where statistics are a black box) go further. On an
    unbounded support it also looks whether entropy has a maximum (not for a black box).
    """
    noise_key, key = jax.random.split(key)
    constraints = constraints_of(behaviour, np.ones(len(behaviour.names)))
    problem = Problem(behaviour, support, constraints, noise_key if behaviour.draws else None)
    return faults_of(problem, key, draws=draws)


def faults_of(problem: Problem, key: RandomKey, *, draws: int = 2048) -> Feasibility:
    """`feasibility` of a problem."""
    behaviour = problem.behaviour
    names = behaviour.names
    key, draw_key = jax.random.split(key)
    nothing = np.zeros(problem.constraints.target.size)
    drawn = placed(problem, nothing, problem.support.draw(draw_key, draws))
    inside = np.isfinite(np.asarray(drawn.log_density))
    share = float(inside.mean())
    coordinates = np.asarray(drawn.coordinates)[inside]
    statistics = np.asarray(drawn.statistics)[inside]
    if len(coordinates) < 2:
        fault = f"statistics are finite at {inside.sum()} of {draws} draws from the support"
        return Feasibility((fault,), share, {}, {}, draws)
    spread = np.maximum(statistics.std(axis=0), 1e-300)
    problem = eqx.tree_at(lambda p: p.constraints, problem, constraints_of(behaviour, spread))
    search = _Search(problem, coordinates, statistics, draws)
    faults = _constant(names, statistics) or _squares(problem, statistics)
    for place_, name in enumerate(names):
        faults += search.reach(name, place_)
    if not faults:
        faults = search.jointly(key)
    support = problem.support
    if not (faults or behaviour.is_black_box or support.starts_at_answer or support.base):
        entropies = entropies_in_boxes(problem, key)
        if goes_on_growing(entropies):
            grown = ", ".join(f"{each.value:.2f}" for each in entropies)
            faults = [
                "no distribution has the largest entropy: in boxes around the reference, each 8 "
                f"times as wide as the one before, it grows without end ({grown} nats); bound the "
                "support, constrain more, or give a base measure"
            ]
    return Feasibility(
        tuple(faults),
        share,
        dict(zip(names, search.statistics.min(axis=0).tolist(), strict=True)),
        dict(zip(names, search.statistics.max(axis=0).tolist(), strict=True)),
        search.simulations,
    )


def _constant(names: tuple[str, ...], statistics: np.ndarray) -> list[str]:
    return [
        f"statistic {name!r} is {values[0]:.6g} everywhere: it does not vary and cannot be "
        "constrained"
        for name, values in zip(names, statistics.T, strict=True)
        if np.ptp(values) <= 1e-12 * np.abs(values).max()
    ]


def _squares(problem: Problem, statistics: np.ndarray) -> list[str]:
    """Pairs of statistics of which one is the square of the other."""
    faults = []
    names, means = problem.behaviour.names, problem.behaviour.means
    for first, base in enumerate(names):
        for second, square in enumerate(names):
            if first == second or base not in means or square not in means:
                continue
            if not np.allclose(statistics[:, first] ** 2, statistics[:, second], rtol=1e-9):
                continue
            if means[square] < means[base] ** 2:
                faults.append(
                    f"means[{square!r}] = {means[square]:.6g} cannot be: {square!r} is the square "
                    f"of {base!r}, whose mean is to be {means[base]:.6g}, and a mean square is at "
                    f"least the square of the mean, {means[base] ** 2:.6g} (Jensen)"
                )
    return faults


class _Goal(NamedTuple):
    """A sum of statistics and features with these weights, to be made as large as it gets."""

    statistics: Float[Array, " statistics"]
    features: Float[Array, " rows"]

    def value(self, problem: Problem, statistics: Float[Array, " statistics"]) -> Scalar:
        """The sum at one place."""
        features = problem.constraints.features(statistics)
        return jnp.dot(self.statistics, statistics) + jnp.dot(self.features, features)


class _Search:
    """The points seen so far, and climbs from the best of them."""

    def __init__(
        self, problem: Problem, coordinates: np.ndarray, statistics: np.ndarray, simulations: int
    ):
        self.problem = problem
        self.coordinates, self.statistics = coordinates, statistics
        self.simulations = simulations

    def reach(self, name: str, column: int) -> list[str]:
        """Faults of one statistic by itself."""
        behaviour = self.problem.behaviour
        unit = f" {behaviour.units[name]}" if behaviour.units.get(name) else ""
        faults = []
        for targets, ends in (
            (behaviour.means, (-1, 1)),
            (behaviour.at_least, (1,)),
            (behaviour.at_most, (-1,)),
        ):
            for end in ends:
                if name not in targets:
                    continue
                if end * (targets[name] - self._extreme(column, end)) >= 0:
                    self._climb(self._towards(column, end))
                found = self._extreme(column, end)
                if end * (targets[name] - found) >= 0:
                    side = "largest" if end > 0 else "smallest"
                    faults.append(
                        f"the target {targets[name]:.6g} {unit} of {name!r} is out of reach: the "
                        f"{side} value found on the support is {found:.6g} {unit}".replace(
                            "  ", " "
                        )
                    )
        variance = behaviour.variances.get(name)
        if variance is not None and not faults:
            low, high = self._extreme(column, -1), self._extreme(column, 1)
            mean = behaviour.means[name]
            most = (high - mean) * (mean - low)
            if variance > most:
                for end in (-1, 1):
                    self._climb(self._towards(column, end))
                low, high = self._extreme(column, -1), self._extreme(column, 1)
                most = (high - mean) * (mean - low)
            if variance > most:
                faults.append(
                    f"variances[{name!r}] = {variance:.6g} cannot be: between {low:.6g} and "
                    f"{high:.6g}, the extremes found, the variance about {mean:.6g} is at most "
                    f"{most:.6g}"
                )
        return faults

    def jointly(self, key: RandomKey) -> list[str]:
        """Whether all targets can be met at once: a direction in which none is reached says no."""
        constraints = self.problem.constraints
        sign = np.asarray(constraints.sign)
        direction = np.zeros(sign.size)
        for _ in range(_CLIMBS):
            features = np.asarray(_features(self.problem, jnp.asarray(self.statistics)))
            # Extremes of a wide range would drown the rest in rounding.
            solved = tilt(features, sign, np.zeros(sign.size), max_steps=60)
            if solved.converged:
                return []
            direction = solved.change / max(np.abs(solved.change).max(), 1e-300)
            best = float((features @ direction).max())
            if best > 0:
                return []
            none = jnp.zeros(self.statistics.shape[1])
            self._climb(_Goal(none, jnp.asarray(direction)))
        features = np.asarray(_features(self.problem, jnp.asarray(self.statistics)))
        best = float((features @ direction).max())
        if best > 0:
            return []
        labels = row_labels(self.problem)
        parts = [
            f"{weight:+.2g} x ({label})"
            for label, weight in zip(labels, direction, strict=True)
            if abs(weight) > 0.02
        ]
        return [
            "the targets contradict each other on this support: in units of the targets' spread, "
            f"{' '.join(parts)} would have to average zero, and the largest value found is "
            f"{best:.4g}"
        ]

    def _towards(self, column: int, end: int) -> _Goal:
        weights = np.zeros(self.statistics.shape[1])
        weights[column] = end
        rows = self.problem.constraints.target.size
        return _Goal(jnp.asarray(weights), jnp.zeros(rows))

    def _extreme(self, column: int, end: int) -> float:
        values = self.statistics[:, column]
        return float(values.max() if end > 0 else values.min())

    def _climb(self, goal: _Goal) -> None:
        if self.problem.behaviour.is_black_box:
            self._evolve(goal)
            return
        best = np.argsort(_heights(self.problem, goal, self.statistics))[-_CLIMBERS:]
        start = np.resize(self.coordinates[best], (_CLIMBERS, self.coordinates.shape[1]))
        ends, statistics = _climbed(self.problem, goal, jnp.asarray(start))
        self._add(np.asarray(ends), np.asarray(statistics), _STEPS * _CLIMBERS)

    def _evolve(self, goal: _Goal) -> None:
        """Normal clouds around the best, again and again (the cross-entropy method)."""
        random = np.random.default_rng(len(self.coordinates))
        rows = self.problem.constraints.target.size
        for _ in range(_CLOUDS):
            heights = _heights(self.problem, goal, self.statistics)
            best = self.coordinates[np.argsort(heights)[-max(20, len(heights) // 50) :]]
            spread = best.std(axis=0) * random.standard_normal((_CLOUD, best.shape[1]))
            cloud = best[random.integers(len(best), size=_CLOUD)] + spread
            found = placed(self.problem, np.zeros(rows), jnp.asarray(cloud))
            self._add(np.asarray(found.coordinates), np.asarray(found.statistics), _CLOUD)

    def _add(self, coordinates: np.ndarray, statistics: np.ndarray, simulations: int) -> None:
        inside = np.all(np.isfinite(statistics), axis=1)
        self.coordinates = np.concatenate([self.coordinates, coordinates[inside]])
        self.statistics = np.concatenate([self.statistics, statistics[inside]])
        self.simulations += simulations


@eqx.filter_jit
def _climbed(
    problem: Problem, goal: _Goal, start: Float[Array, "climbers free"]
) -> tuple[Float[Array, "climbers free"], Float[Array, "climbers statistics"]]:
    """Gradient steps of a set length in each coordinate's own scale, keeping the best place."""
    keys = problem.draw_keys()

    def height(y: Float[Array, " free"]) -> tuple[Scalar, Array]:
        values = problem.behaviour.values(problem.support.parameters(y), keys)
        statistics = jnp.mean(values, axis=0)
        return goal.value(problem, statistics), statistics

    def climb(y: Float[Array, " free"]) -> tuple[Array, Array]:
        def step(number: Int[Array, ""], carry: tuple) -> tuple:
            y, mean, square, best_height, best, best_statistics = carry
            (value, statistics), slope = jax.value_and_grad(height, has_aux=True)(y)
            slope = jnp.where(jnp.isfinite(slope), slope, 0.0)
            better = value > best_height
            best_height = jnp.where(better, value, best_height)
            best = jnp.where(better, y, best)
            best_statistics = jnp.where(better, statistics, best_statistics)
            mean = 0.9 * mean + 0.1 * slope
            square = 0.99 * square + 0.01 * slope**2
            count = number + 1.0
            move = (mean / (1 - 0.9**count)) / (jnp.sqrt(square / (1 - 0.99**count)) + 1e-12)
            return y + 0.2 * move, mean, square, best_height, best, best_statistics

        zero = jnp.zeros_like(y)
        first = (y, zero, zero, jnp.asarray(-jnp.inf), y, height(y)[1])
        *_, best, statistics = jax.lax.fori_loop(0, _STEPS, step, first)
        return best, statistics

    return jax.vmap(climb)(start)


@eqx.filter_jit
def _goal_values(
    problem: Problem, goal: _Goal, statistics: Float[Array, "points statistics"]
) -> Float[Array, " points"]:
    return jax.vmap(lambda each: goal.value(problem, each))(statistics)


def _heights(
    problem: Problem, goal: _Goal, statistics: Float[np.ndarray, "points statistics"]
) -> Float[np.ndarray, " points"]:
    return np.asarray(_goal_values(problem, goal, jnp.asarray(statistics)))


@eqx.filter_jit
def _features(
    problem: Problem, statistics: Float[Array, "points statistics"]
) -> Float[Array, "points rows"]:
    return jax.vmap(problem.constraints.features)(statistics)


__all__ = ["Feasibility", "faults_of", "feasibility"]
