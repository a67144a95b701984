"""What the particles at the end of a path say: natural parameters, entropy, and intervals."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from neuropil.inference.distribution import ConstraintReport, ParameterDistribution, row_labels
from neuropil.inference.dual import Tilt, tilt
from neuropil.inference.evidence import Estimate, estimate_of_repeats
from neuropil.inference.target import Points, Problem
from neuropil.result import Outcome

_LITTLE_REFERENCE, _HALVINGS, _GAIN = 0.2, 4, 0.05
_ASTRAY = 1e3


class PathState(NamedTuple):
    """Where a run stands; all that the next step needs and a checkpoint holds.

    The particles are `repeats` populations that never mix, one after the other; only the natural
    parameters are chosen from all of them together, so that the spread between populations is an
    honest error. `log_z` has three rows: forward, backward, both (see `evidence.LogRatio`).
    `trace` has a row for each step: reference, entropy, largest missing constraint in units of
    its scale, simulations.
    """

    step: int
    sampling: int
    reference: float
    eta: Float[np.ndarray, " rows"]
    scale: Float[np.ndarray, " rows"]
    points: Points
    log_step: float
    log_z: Float[np.ndarray, "3 repeats"]
    inside_share: float
    simulations: int
    pool: Float[np.ndarray, "rounds points free"]
    pool_features: Float[np.ndarray, "rounds points rows"]
    pool_statistics: Float[np.ndarray, "rounds points statistics"]
    precise: int
    trace: Float[np.ndarray, "steps 4"]


class Interim(NamedTuple):
    """The pooled particles so far; `near`: the answer is within their reach."""

    near: bool
    precise: bool
    mean: Float[np.ndarray, " rows"]
    entropy: float


def grows_without_bound(trace: Float[np.ndarray, "steps 4"]) -> bool:
    """Whether removing the rest of the reference goes on to add entropy, as much each time.

    Where there is an answer the reference pulls at it in proportion to what is left of it, so
    that each halving adds half of what the one before did.
    """
    low = (trace[:, 0] > 0) & (trace[:, 0] < _LITTLE_REFERENCE)
    if low.sum() < _HALVINGS:
        return False
    reference, entropy = trace[low, 0], trace[low, 1]
    gained = np.diff(entropy)[-_HALVINGS + 1 :] / -np.diff(np.log2(reference))[-_HALVINGS + 1 :]
    return bool(np.all(gained > _GAIN) and gained[-1] > 0.7 * gained[0])


def astray(trace: Float[np.ndarray, "steps 4"]) -> bool:
    """Whether the constraints have been left far behind instead of met."""
    missing = trace[:, 2]
    return bool(
        len(missing)
        and (not np.isfinite(missing[-1]) or missing[-1] > _ASTRAY * max(1.0, missing[0]))
    )


def interim(problem: Problem, state: PathState) -> Interim:
    """Whether the particles hold the answer, and with intervals as narrow as was asked."""
    pooled = state.pool_features.reshape(-1, state.eta.size)
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
    rounds, count = state.pool_features.shape[:2]
    if rounds == 0:
        state = state._replace(
            pool=np.asarray(state.points.coordinates)[None],
            pool_features=np.asarray(state.points.features)[None],
            pool_statistics=np.asarray(state.points.statistics)[None],
        )
        rounds = 1
    solved = _solved(problem, state)
    reports = _reports(problem, state, solved)
    eta = state.eta + solved.change
    weights = np.exp(solved.log_weights)
    features = state.pool_features.reshape(-1, rows)
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
    log_z = estimate_of_repeats(state.log_z[2] + solved.log_ratio)
    half = np.array([r.reached.upper - r.reached.value for r in reports]) / scale
    off = np.where(active, np.abs(solved.residual), 0.0)
    sampled = state.step > 0 and state.sampling > 0
    if sampled and solved.converged and all(report.met for report in reports):
        outcome = Outcome.SUCCESSFUL
    elif grows_without_bound(state.trace):
        outcome = Outcome.ENTROPY_UNBOUNDED
    elif astray(state.trace):
        outcome = Outcome.DIVERGED
    else:
        outcome = Outcome.MAXIMUM_STEPS_REACHED
    population = np.tile(np.repeat(np.arange(repeats), count // repeats), rounds)
    return ParameterDistribution(
        problem,
        eta,
        state.pool.reshape(-1, state.pool.shape[-1]),
        solved.log_weights,
        state.pool_statistics.reshape(-1, state.pool_statistics.shape[-1]),
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


def _solved(problem: Problem, state: PathState) -> Tilt:
    pooled = state.pool_features.reshape(-1, state.eta.size)
    return tilt(pooled, np.asarray(problem.constraints.sign), state.eta)


def _population_means(
    state: PathState, weights: Float[np.ndarray, " samples"]
) -> Float[np.ndarray, "repeats rows"]:
    """The weighted mean features of each population, over all rounds."""
    rounds, count, rows = state.pool_features.shape
    repeats = state.log_z.shape[1]
    shape = (rounds, repeats, count // repeats)
    w = weights.reshape(shape)
    weighted = (w[..., None] * state.pool_features.reshape(*shape, rows)).sum(axis=(0, 2))
    return weighted / w.sum(axis=(0, 2))[:, None]


def _reports(problem: Problem, state: PathState, solved: Tilt) -> list[ConstraintReport]:
    """What each row reached, with intervals from the spread between populations."""
    weights = np.exp(solved.log_weights)
    features = state.pool_features.reshape(-1, state.eta.size)
    means = _population_means(state, weights)
    constraints = problem.constraints
    scale, target = np.asarray(constraints.scale), np.asarray(constraints.target)
    centre, sign = np.asarray(constraints.centre), np.asarray(constraints.sign)
    is_square = np.asarray(constraints.is_square)
    variances = problem.behaviour.variances
    reports = []
    for row, label in enumerate(row_labels(problem)):
        average = float(weights @ features[:, row])
        offset = target[row] if is_square[row] else centre[row]
        reached = estimate_of_repeats(
            offset + scale[row] * means[:, row], value=offset + scale[row] * average
        )
        own = label.split(" ", 1)[1] in variances
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


__all__ = ["Interim", "PathState", "answer_of", "interim"]
