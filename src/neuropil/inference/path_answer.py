"""What the particles at the end of a path say: natural parameters, entropy, and intervals."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from neuropil.inference.behaviour import constraint_rows
from neuropil.inference.distribution import ConstraintReport, ParameterDistribution, row_labels
from neuropil.inference.dual import Tilt, tilt
from neuropil.inference.evidence import Estimate, estimate_of_log, estimate_of_repeats
from neuropil.inference.path_state import (
    PathState,
    Pool,
    astray,
    empty_pool,
    grows_without_bound,
    leaves_for_squares,
    signs,
)
from neuropil.inference.target import Problem
from neuropil.result import Outcome

_ROUNDS_TO_COMPARE, _APART = 4, 0.7
_ROUNDS_TO_SHED, _NARROWER = 8, 0.9


class Interim(NamedTuple):
    """The pooled particles so far; `near`: the answer is within their reach."""

    near: bool
    precise: bool
    mean: Float[np.ndarray, " rows"]
    entropy: float


def shed(problem: Problem, state: PathState) -> PathState:
    """Without the older half of the rounds where intervals are narrower without it.

    Rounds that are as good as each other make them wider by their number when they go; those in
    which populations still lay where each had arrived do not.
    """
    rounds = len(state.pool.features)
    if rounds < _ROUNDS_TO_SHED:
        return state
    later = state._replace(pool=Pool(*(each[rounds // 2 :] for each in state.pool)))
    narrower = _width(problem, later) < _NARROWER * _width(problem, state)
    return later if narrower else state


def _width(problem: Problem, state: PathState) -> float:
    """The intervals of the constraints, each in units of its tolerance: their root mean square."""
    reports = _reports(problem, state, _solved(problem, state))
    halves = [(each.reached.upper - each.reached.value) / each.tolerance for each in reports]
    return float(np.sqrt(np.mean(np.square(halves))))


def interim(problem: Problem, state: PathState) -> Interim:
    """Whether the particles hold the answer, and with intervals as narrow as was asked."""
    pooled = state.pool.features.reshape(-1, state.eta.size)
    mean = pooled.mean(axis=0)
    solved = _solved(problem, state)
    # The sample may carry the answer a little way; further, the particles have to go along.
    if not solved.converged or np.std(pooled @ solved.change) > 0.3:
        return Interim(False, False, mean, float(state.log_z[2].mean() - state.eta @ mean))
    reports = _reports(problem, state, solved)
    return Interim(
        True,
        all(report.met for report in reports),
        mean,
        float(state.log_z[2].mean() + solved.log_ratio),
    )


def answer_of(problem: Problem, state: PathState) -> ParameterDistribution:
    """The distribution as the particles have it."""
    rows = state.eta.size
    rounds, count = state.pool.features.shape[:2]
    if rounds == 0:
        state = state._replace(pool=empty_pool(state.points).joined(state.points, 1))
        rounds = 1
    solved = _solved(problem, state)
    reports = _reports(problem, state, solved)
    eta = state.eta + solved.change
    weights = np.exp(solved.log_weights)
    features = state.pool.features.reshape(-1, rows)
    repeats = state.log_z.shape[1]
    # Where each population would put eta: to first order, the mean that it misses through the
    # inverse covariance.
    means = _population_means(state, weights)
    covariance = (features * weights[:, None]).T @ features
    active = eta != 0
    shift = np.zeros((repeats, rows))
    shift[:, active] = -np.linalg.lstsq(
        covariance[np.ix_(active, active)], means[:, active].T, rcond=1e-12
    )[0].T
    scale = np.asarray(problem.constraints.scale)
    natural = {
        label: estimate_of_repeats(
            (eta[row] + shift[:, row]) / scale[row], value=eta[row] / scale[row]
        )
        for row, label in enumerate(row_labels(problem))
    }
    log_z = estimate_of_log(state.log_z[2] + solved.log_ratio)
    half = np.array([r.reached.upper - r.reached.value for r in reports]) / scale
    off = np.where(active, np.abs(solved.residual), 0.0)
    sampled = state.step > 0 and state.sampling > 0
    if sampled and solved.converged and all(report.met for report in reports):
        outcome = Outcome.SUCCESSFUL
    elif leaves_for_squares(state):
        outcome = Outcome.VARIANCE_FAR_OFF
    elif grows_without_bound(state.trace):
        outcome = Outcome.ENTROPY_UNBOUNDED
    elif astray(state.trace):
        outcome = Outcome.DIVERGED
    elif _stay_apart(state, np.array([not report.met for report in reports])):
        outcome = Outcome.POPULATIONS_APART
    else:
        outcome = Outcome.MAXIMUM_STEPS_REACHED
    population = np.tile(np.repeat(np.arange(repeats), count // repeats), rounds)
    return ParameterDistribution(
        problem,
        eta,
        state.pool.coordinates.reshape(-1, state.pool.coordinates.shape[-1]),
        solved.log_weights,
        state.pool.statistics.reshape(-1, state.pool.statistics.shape[-1]),
        population,
        natural,
        log_z,
        Estimate(
            log_z.value - float(eta @ solved.residual),
            log_z.standard_error,
            log_z.lower,
            log_z.upper,
        ),
        float(np.abs(eta) @ (half + off)),
        tuple(reports),
        state.inside_share,
        state.simulations,
        state.step,
        state.trace,
        outcome,
    )


def _stay_apart(state: PathState, rows: Bool[np.ndarray, " rows"]) -> bool:
    """Whether means of populations differ over all rounds as much as in one, in one of these rows.

    Where particles move between the parts of the solution, means over rounds differ less.
    """
    rounds, count, n_rows = state.pool.features.shape
    if rounds < _ROUNDS_TO_COMPARE or not rows.any():
        return False
    repeats = state.log_z.shape[1]
    means = state.pool.features.reshape(rounds, repeats, count // repeats, n_rows).mean(axis=2)
    of_one = means.var(axis=1).mean(axis=0)
    of_all = means.mean(axis=0).var(axis=0)
    return bool(np.any((of_all > _APART * of_one)[rows]))


def _solved(problem: Problem, state: PathState) -> Tilt:
    pooled = state.pool.features.reshape(-1, state.eta.size)
    return tilt(pooled, signs(problem, state), state.eta)


def _population_means(
    state: PathState, weights: Float[np.ndarray, " samples"]
) -> Float[np.ndarray, "repeats rows"]:
    """The weighted mean features of each population, over all rounds."""
    rounds, count, rows = state.pool.features.shape
    repeats = state.log_z.shape[1]
    shape = (rounds, repeats, count // repeats)
    w = weights.reshape(shape)
    weighted = (w[..., None] * state.pool.features.reshape(*shape, rows)).sum(axis=(0, 2))
    return weighted / w.sum(axis=(0, 2))[:, None]


def _reports(problem: Problem, state: PathState, solved: Tilt) -> list[ConstraintReport]:
    """What each row reached, with intervals from the spread between populations."""
    weights = np.exp(solved.log_weights)
    features = state.pool.features.reshape(-1, state.eta.size)
    means = _population_means(state, weights)
    constraints = problem.constraints
    scale, target = np.asarray(constraints.scale), np.asarray(constraints.target)
    centre, sign = np.asarray(constraints.centre), np.asarray(constraints.sign)
    is_square = np.asarray(constraints.is_square)
    names = [name for _, name in constraint_rows(problem.behaviour)]
    reports = []
    for row, label in enumerate(row_labels(problem)):
        average = float(weights @ features[:, row])
        offset = target[row] if is_square[row] else centre[row]
        reached = estimate_of_repeats(
            offset + scale[row] * means[:, row], value=offset + scale[row] * average
        )
        own = problem.behaviour.asked_variance(names[row]) is not None
        spread = scale[row] * (1.0 if own else np.sqrt(weights @ (features[:, row] - average) ** 2))
        tolerance = problem.behaviour.tolerance * float(spread)
        low, high = reached.lower - offset, reached.upper - offset
        if sign[row] > 0:
            met = low >= -tolerance
        elif sign[row] < 0:
            met = high <= tolerance
        else:
            met = max(abs(low), abs(high)) <= tolerance
        reports.append(ConstraintReport(label, float(offset), reached, tolerance, bool(met)))
    return reports


__all__ = ["Interim", "answer_of", "interim", "shed"]
