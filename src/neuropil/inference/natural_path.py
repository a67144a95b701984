"""From the reference to the answer along natural parameters, with particles that follow."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.inference.bridge import bridged
from neuropil.inference.checkpoint import filled
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.dual import active_rows, longest_step, newton_direction
from neuropil.inference.evidence import log_ratio
from neuropil.inference.methods import AbstractInferenceMethod
from neuropil.inference.moves import largest_correlation
from neuropil.inference.path_answer import answer_of, interim, shed
from neuropil.inference.path_moves import MoveSettings, moved
from neuropil.inference.path_start import carried_start, drawn_start
from neuropil.inference.path_state import (
    PathState,
    astray,
    blank_state,
    empty_pool,
    grows_without_bound,
    leaves_for_squares,
    signs,
)
from neuropil.inference.target import (
    Natural,
    Problem,
    log_density,
    place_batch,
)
from neuropil.types import RandomKey


class PathStep(NamedTuple):
    """What one step did, for those who watch: `fraction` is the part of the Newton step taken."""

    sampling: bool
    fraction: float
    acceptance: float
    looks: int
    residual: Float[np.ndarray, " rows"]
    entropy: float


_FEWEST_ROUNDS, _NEAR = 4, 0.3
_FORGOTTEN = 0.1
_MANY_COORDINATES = 64


class NaturalPath(AbstractInferenceMethod):
    """Follow the natural parameters from zero, where the answer is the reference itself.

    Newton steps on the convex dual, each as long as the particles' effective sample size allows;
    after each the particles are weighted, redrawn and moved. No island of solutions is lost that
    the reference can see, no penalty is tuned, and natural parameters, normalising constant and
    samples come out together. Moves follow gradients (Hamiltonian Monte Carlo) where statistics
    are traced by JAX, and what particles learn from each other where they are a black box.

    - `particles`: how many, in `repeats` populations whose spread gives every interval; `None`
      takes 32,768 for up to 20 coordinates and 20 constrained moments, and fewer for more of
      either, down to 2,048.
    - `least_share`: the share of effective particles that a step must leave.
    - `sweeps`, `leaps`: moves for each look at how far particles have come, and leapfrog steps of
      each; `most_moves`: how many looks at most, for each step of the path. `None` takes two
      sweeps of 8 leaps and 6 looks; from 64 coordinates on, where particles have further to go,
      one sweep of 32 leaps and 4 looks where there are gradients.
    - `most_rounds`: rounds of moves at the answer until every interval is narrow enough, and as
      many at most before those until the particles have forgotten how they arrived; where the
      older half of the rounds makes intervals wider it is left out.
    - `batch_size`: how many particles are evaluated at once (`None`: all), to bound the memory.
    - `start_rounds`: how many draws from the reference for each particle, until every one has its
      own inside the behaviour's domain; then an eighth is enough, and they are repeated. Where
      moves hardly lead from one part of a small domain to another, more rounds at the answer do
      not make intervals narrower.
    """

    particles: int | None = None
    repeats: int = 16
    least_share: float = 0.6
    sweeps: int | None = None
    leaps: int | None = None
    most_moves: int | None = None
    most_steps: int = 500
    most_rounds: int = 24
    batch_size: int | None = None
    start_rounds: int = 4

    def __check_init__(self) -> None:
        """Raises `ValueError` for settings outside their range."""
        if self.repeats < 3:
            raise ValueError(f"repeats must be three or more, got {self.repeats}")
        if self.particles is not None and (
            self.particles < 16 * self.repeats or self.particles % self.repeats
        ):
            raise ValueError(
                f"particles must be a multiple of repeats ({self.repeats}) and at least "
                f"{16 * self.repeats}, got {self.particles}"
            )
        if not 0 < self.least_share < 1:
            raise ValueError(f"least_share must lie between 0 and 1, got {self.least_share}")
        for name in ("sweeps", "leaps", "most_moves", "most_steps", "most_rounds", "start_rounds"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be one or more, got {value}")

    def init(self, problem: Problem, key: RandomKey) -> tuple[Problem, PathState]:
        """Particles drawn from the reference inside the behaviour's domain, and the scales.

        Raises `ValueError` when hardly any draw has finite statistics, or one does not vary.
        """
        draw_key, move_key = jax.random.split(key)
        problem, state = drawn_start(
            problem,
            self._size(problem),
            self.repeats,
            self.batch_size,
            draw_key,
            rounds_for_all=self.start_rounds,
        )
        places = np.asarray(state.points.coordinates)
        if len(np.unique(places, axis=0)) < len(places):
            natural = Natural(jnp.asarray(state.reference), jnp.asarray(state.eta))
            state = moved(problem, natural, state, move_key, self._settings(problem)).state
        return problem, state

    def restart(
        self, problem: Problem, start: ParameterDistribution, key: RandomKey
    ) -> tuple[Problem, PathState]:
        """The state that holds an answer to other targets of the same statistics.

        Raises `ValueError` when support or constraints are not the same but for their targets.
        """
        size = self._size(problem)
        return carried_start(problem, start, size, self.repeats, self.batch_size, key)

    def resumed(
        self, problem: Problem, leaves: Sequence[np.ndarray], key: RandomKey
    ) -> tuple[Problem, PathState]:
        """The state that a checkpoint kept; nothing is simulated again."""
        state = filled(blank_state(), leaves)
        scale = jnp.asarray(state.scale)
        return eqx.tree_at(lambda p: p.constraints.scale, problem, scale), state

    def step(
        self, problem: Problem, state: PathState, key: RandomKey
    ) -> tuple[PathState, PathStep]:
        """One step along the path, or one round of moves at its end."""
        if state.sampling:
            return self._round(problem, state, key)
        return self._advance(problem, state, key)

    def _advance(
        self, problem: Problem, state: PathState, key: RandomKey
    ) -> tuple[PathState, PathStep]:
        features = np.asarray(state.points.features)
        log_reference = np.asarray(state.points.log_reference)
        sign = signs(problem, state)
        mean = features.mean(axis=0)
        active = active_rows(sign, state.eta, mean)
        # A square is not rewarded before all else is near: while a reference with exponential
        # tails is there its mean comes when more of the reference is gone, and in a box the
        # particles would leave for its far corners, where squares are largest.
        is_square = np.asarray(problem.constraints.is_square)
        near = _is_near(features, mean, active & ~is_square)
        held = active & is_square & ((state.reference > 0) or not near)
        held &= state.eta + newton_direction(features, active) > 0
        active &= ~held
        withdrawn = state.reference == 0 and bool(np.any(held & (state.eta > 0)))
        near = _is_near(features, mean, active)
        removal = -_removed(state.reference) if near else 0.0
        direction = newton_direction(features, active, log_reference, removal)
        change = np.where(
            held | ((sign != 0) & (sign * (state.eta + direction) < 0)), -state.eta, direction
        )
        works = removal * log_reference + features @ change
        fraction = longest_step(works, self.least_share)
        works = fraction * works
        eta = state.eta + fraction * change
        reference = state.reference + fraction * removal
        if reference < 1e-12:
            reference = 0.0
        natural = Natural(jnp.asarray(reference), jnp.asarray(eta))
        redraw_key, move_key = jax.random.split(key)
        chosen = _redrawn(works.reshape(self.repeats, -1), redraw_key)
        points = jax.tree.map(lambda leaf: leaf[jnp.asarray(chosen)], state.points)
        if problem.behaviour.is_black_box:
            points = points._replace(
                log_density=log_density(
                    natural, points.coordinates, points.features, points.log_reference
                )
            )
        else:
            points = place_batch(problem, natural, points.coordinates, self.batch_size)
        state, acceptance, looks = moved(
            problem, natural, state._replace(points=points), move_key, self._settings(problem)
        )
        points = state.points
        after = removal * fraction * np.asarray(points.log_reference) + np.asarray(
            points.features
        ) @ (fraction * change)
        ratios = np.array(
            [
                log_ratio(first, second)
                for first, second in zip(
                    works.reshape(self.repeats, -1), after.reshape(self.repeats, -1), strict=True
                )
            ]
        ).T
        log_z = state.log_z + ratios
        mean = np.asarray(points.features).mean(axis=0)
        error = np.asarray(points.features).std(axis=0) / np.sqrt(len(features))
        active = active_rows(sign, eta, mean, slack=4 * error)
        settled = np.all(np.abs(mean[active]) <= np.maximum(0.05, 4 * error[active]))
        arrived = fraction == 1.0 and reference == 0.0 and settled
        state = state._replace(
            step=state.step + 1,
            sampling=int(arrived),
            reference=reference,
            eta=eta,
            log_z=log_z,
            withdrawn=state.withdrawn + withdrawn,
        )
        entropy = float(
            log_z[2].mean() - eta @ mean - reference * np.mean(np.asarray(points.log_reference))
        )
        info = PathStep(False, fraction, acceptance, looks, np.where(active, mean, 0.0), entropy)
        return _traced(state, info), info

    def _round(
        self, problem: Problem, state: PathState, key: RandomKey
    ) -> tuple[PathState, PathStep]:
        natural = Natural(jnp.asarray(state.reference), jnp.asarray(state.eta))
        before = np.asarray(state.points.features)
        state, acceptance, looks = moved(problem, natural, state, key, self._settings(problem))
        points = state.points
        # Means that still lag behind the natural parameters would be taken for theirs, and no
        # spread between populations would tell.
        left = largest_correlation(before, np.asarray(points.features))
        memory = state.memory * float(np.clip(left, 0.0, _FORGOTTEN ** (1 / self.most_rounds)))
        state = state._replace(step=state.step + 1, memory=memory)
        if memory > _FORGOTTEN:
            mean = np.asarray(points.features).mean(axis=0)
            entropy = float(state.log_z[2].mean() - state.eta @ mean)
            info = PathStep(True, 1.0, acceptance, looks, mean, entropy)
            return _traced(state, info), info
        kept = max(1, int(4e7 // max(points.coordinates.size, 1)))
        state = shed(
            problem,
            state._replace(sampling=state.sampling + 1, pool=state.pool.joined(points, kept)),
        )
        found = interim(problem, state)
        if not found.near:
            state = state._replace(sampling=0, pool=empty_pool(points), memory=1.0)
        else:
            state = state._replace(precise=int(found.precise))
        info = PathStep(True, 1.0, acceptance, looks, found.mean, found.entropy)
        return _traced(state, info), info

    def finished(self, problem: Problem, state: PathState) -> bool:
        """Whether every interval lies within its tolerance, or all steps are spent."""
        return bool(
            state.step >= self.most_steps
            or state.sampling > self.most_rounds
            or ((state.precise or leaves_for_squares(state)) and state.sampling > _FEWEST_ROUNDS)
            or (not state.sampling and (grows_without_bound(state.trace) or astray(state.trace)))
        )

    def answer(self, problem: Problem, state: PathState, key: RandomKey) -> ParameterDistribution:
        """The particles of the last rounds, weighted so that the constraints hold."""
        natural = Natural(jnp.zeros(()), jnp.asarray(state.eta))
        count = state.points.log_density.shape[0]

        def evaluate(coordinates: Float[Array, "points free"]) -> Float[np.ndarray, " points"]:
            return np.asarray(
                place_batch(problem, natural, coordinates, self.batch_size).log_density
            )

        def by_population(values: object) -> Float[np.ndarray, "repeats points ..."]:
            whole = np.asarray(values)
            return whole.reshape(self.repeats, -1, *whole.shape[1:])

        points = place_batch(problem, natural, state.points.coordinates, self.batch_size)
        log_z = bridged(
            evaluate,
            by_population(points.coordinates),
            by_population(points.log_density),
            key,
            count // self.repeats,
        )
        if state.reference == 0 and np.std(log_z) < np.std(state.log_z[2]):
            state = state._replace(log_z=np.stack([*state.log_z[:2], log_z]))
        return answer_of(problem, state._replace(simulations=state.simulations + 2 * count))

    def describe(self, problem: Problem, info: PathStep) -> dict[str, str]:
        """Entropy so far, the worst constraint in units of its spread, and the moves."""
        return {
            "entropy": f"{info.entropy:.3f}",
            "worst constraint": f"{np.abs(info.residual).max():.3g}",
            "step": f"{info.fraction:.2f}",
            "acceptance": f"{info.acceptance:.2f}",
        }

    def _settings(self, problem: Problem) -> MoveSettings:
        far = problem.support.dimension >= _MANY_COORDINATES and not problem.behaviour.is_black_box
        sweeps, leaps, most_moves = (
            usual if asked is None else asked
            for asked, usual in zip(
                (self.sweeps, self.leaps, self.most_moves),
                (1, 32, 4) if far else (2, 8, 6),
                strict=True,
            )
        )
        return MoveSettings(sweeps, leaps, most_moves, self.batch_size)

    def _size(self, problem: Problem) -> int:
        if self.particles is not None:
            return self.particles // self.repeats
        wanted = 32_768 * 20 / max(20, problem.support.dimension, problem.constraints.target.size)
        return max(int(wanted), 2_048) // self.repeats


def _is_near(
    features: Float[np.ndarray, "points rows"],
    mean: Float[np.ndarray, " rows"],
    rows: Bool[np.ndarray, " rows"],
) -> bool:
    """Whether the means of these rows are zero within a part of their spread."""
    return bool(np.all(np.abs(mean[rows]) <= _NEAR * features.std(axis=0)[rows]))


def _traced(state: PathState, info: PathStep) -> PathState:
    row = [state.reference, info.entropy, np.abs(info.residual).max(), state.simulations]
    return state._replace(trace=np.concatenate([state.trace, np.array([row])]))


def _removed(reference: float) -> float:
    """How much of the reference goes next: half of what is left, at the end all."""
    return reference if reference < 2e-3 else 0.5 * reference


def _redrawn(
    works: Float[np.ndarray, "repeats points"], key: RandomKey
) -> Int[np.ndarray, " repeats*points"]:
    """Systematic redrawing within each population, by weight."""
    repeats, size = works.shape
    offsets = np.asarray(jax.random.uniform(key, (repeats,), float))
    chosen = []
    for number in range(repeats):
        weights = np.exp(works[number] - works[number].max())
        edges = np.cumsum(weights) / weights.sum()
        places = (np.arange(size) + offsets[number]) / size
        chosen.append(number * size + np.minimum(np.searchsorted(edges, places), size - 1))
    return np.concatenate(chosen)


__all__ = ["NaturalPath", "PathStep"]
