"""From a trained flow and its Lagrange multipliers to an answer with intervals and a bound."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import logsumexp

from neuropil.inference.behaviour import constraint_rows
from neuropil.inference.distribution import ConstraintReport, ParameterDistribution, row_labels
from neuropil.inference.dual import newton_direction
from neuropil.inference.evidence import Estimate, estimate_of_repeats, log_ratio
from neuropil.inference.flow import Flow, log_densities
from neuropil.inference.logistic import log_logistic
from neuropil.inference.moves import hamiltonian_sweeps
from neuropil.inference.target import Natural, Points, Problem, place_all
from neuropil.result import Outcome
from neuropil.types import RandomKey

_SWEEPS, _LEAPS = 12, 8


def lagrangian_answer(
    problem: Problem,
    flow: Flow,
    eta: Float[np.ndarray, " rows"],
    key: RandomKey,
    *,
    populations: int,
    samples: int,
    simulations: int,
    trace: Float[np.ndarray, "steps 4"],
    finite: bool,
    batch_size: int | None,
) -> ParameterDistribution:
    """Fresh samples of the flow, and the bound that its multipliers put on the entropy.

    Entropy and constraints are the flow's own, from `samples` draws in independent groups. For
    any natural parameters eta, the maximum is at most log Z(eta) - eta . target (weak duality), so
    that the upper end of the interval of log Z less the lower end of the flow's entropy bounds
    what is missing. What the flow gains by missing constraints is added at the price of eta, else
    a flow that cheats would look better than one that does not. Natural parameters are the
    multipliers; their intervals reach to where a Newton step on the dual would put them.
    """
    draw_key, bound_key = jax.random.split(key)
    each = samples // populations
    natural = Natural(jnp.zeros(()), jnp.asarray(eta))
    coordinates, _ = flow.draw(draw_key, each * populations)
    points = place_all(problem, natural, coordinates, batch_size)
    features = np.asarray(points.features).reshape(populations, each, -1)
    log_flow = np.asarray(log_densities(flow, coordinates)).reshape(populations, each)
    entropy = estimate_of_repeats(-log_flow.mean(axis=1))
    log_z, shift = _dual_value(problem, flow, natural, bound_key, populations, each, batch_size)
    scale = np.asarray(problem.constraints.scale)
    reports = constraint_reports(problem, features)
    missed = [
        (abs(report.reached.value - report.target) + report.reached.upper - report.reached.value)
        / scale[row]
        for row, report in enumerate(reports)
    ]
    met = all(report.met for report in reports)
    if not finite:
        outcome = Outcome.NOT_FINITE
    else:
        outcome = Outcome.SUCCESSFUL if met else Outcome.MAXIMUM_STEPS_REACHED
    draws = max(problem.behaviour.draws, 1)
    spent = each * populations * (2 + _SWEEPS * _LEAPS) * draws
    return ParameterDistribution(
        problem=problem,
        eta=eta,
        coordinates=np.asarray(coordinates),
        log_weights=np.full(each * populations, -np.log(each * populations)),
        statistics=np.asarray(points.statistics),
        population=np.repeat(np.arange(populations), each),
        natural_parameters={
            label: _reaching(eta[row] / scale[row], shift[:, row] / scale[row])
            for row, label in enumerate(row_labels(problem))
        },
        log_partition=log_z,
        entropy=entropy,
        entropy_gap=float(log_z.upper - entropy.lower + np.abs(eta) @ np.array(missed)),
        constraints=tuple(reports),
        inside_share=1.0,
        simulations=simulations + spent,
        steps=len(trace),
        trace=trace,
        outcome=outcome,
        flow=flow,
    )


def constraint_reports(
    problem: Problem, features: Float[np.ndarray, "populations points rows"]
) -> list[ConstraintReport]:
    """What each row reached, with intervals from the spread between populations."""
    constraints = problem.constraints
    scale, sign = np.asarray(constraints.scale), np.asarray(constraints.sign)
    offset = np.where(constraints.is_square, constraints.target, constraints.centre)
    means = features.mean(axis=1)
    tolerances = problem.behaviour.tolerance * row_spread(
        problem, features.reshape(-1, features.shape[-1])
    )
    reports = []
    for row, label in enumerate(row_labels(problem)):
        reached = estimate_of_repeats(offset[row] + scale[row] * means[:, row])
        low, high = reached.lower - offset[row], reached.upper - offset[row]
        off = max(-low if sign[row] >= 0 else -np.inf, high if sign[row] <= 0 else -np.inf)
        reports.append(
            ConstraintReport(
                label,
                float(offset[row]),
                reached,
                float(tolerances[row]),
                bool(off <= tolerances[row]),
            )
        )
    return reports


def row_spread(
    problem: Problem, features: Float[np.ndarray, "points rows"]
) -> Float[np.ndarray, " rows"]:
    """The spread of each row's target, in the row's own units, of which tolerances are a part.

    That is what the variance asked for implies; where none is, the spread over the points.
    """
    behaviour = problem.behaviour
    spread = np.asarray(problem.constraints.scale) * features.std(axis=0)
    for row, (kind, name) in enumerate(constraint_rows(behaviour)):
        variance = behaviour.asked_variance(name)
        if variance is not None:
            spread[row] = np.sqrt(variance) if kind == "mean" else np.sqrt(2.0) * variance
    return spread


def _dual_value(
    problem: Problem,
    flow: Flow,
    natural: Natural,
    key: RandomKey,
    populations: int,
    each: int,
    batch_size: int | None,
) -> tuple[Estimate, Float[np.ndarray, "populations rows"]]:
    """log Z of the exponential family, and the Newton step that each population would take.

    Half of the proposals are the flow's and half the reference's, so that an island that the flow
    has lost still counts; they are redrawn by weight and moved, and the ratio is Bennett's.
    """
    flow_key, reference_key, choice_key, move_key = jax.random.split(key, 4)
    half = each // 2
    free = problem.support.dimension
    drawn = jnp.concatenate(
        [
            flow.draw(flow_key, populations * half)[0].reshape(populations, half, free),
            problem.support.draw(reference_key, populations * half).reshape(
                populations, half, free
            ),
        ],
        axis=1,
    ).reshape(-1, free)
    proposals = place_all(problem, natural, drawn, batch_size)
    works = np.asarray(proposals.log_density - _proposal_densities(flow, drawn))
    works = np.where(np.isfinite(works), works, -np.inf).reshape(populations, -1)
    random = np.random.default_rng(np.asarray(jax.random.key_data(choice_key)))
    chosen = np.concatenate(
        [
            random.choice(2 * half, 2 * half, p=np.exp(own - logsumexp(own))) + number * 2 * half
            for number, own in enumerate(works)
        ]
    )
    start: Points = jax.tree.map(lambda leaf: leaf[jnp.asarray(chosen)], proposals)
    moved, _, _ = hamiltonian_sweeps(
        problem,
        natural,
        move_key,
        start,
        float(np.log(0.3)),
        sweeps=_SWEEPS,
        leaps=_LEAPS,
        batch_size=batch_size,
    )
    back = np.asarray(moved.log_density - _proposal_densities(flow, moved.coordinates))
    log_z = estimate_of_repeats(
        np.array(
            [
                log_ratio(first, second).both
                for first, second in zip(works, back.reshape(populations, -1), strict=True)
            ]
        )
    )
    features = np.asarray(moved.features)
    sign = np.asarray(problem.constraints.sign)
    active = (sign == 0) | (np.asarray(natural.features) != 0)
    # To first order the step is linear in the mean that a population misses.
    overall = newton_direction(features, active)
    means = features.reshape(populations, -1, features.shape[1]).mean(axis=1)
    centred = features[:, active] - features[:, active].mean(axis=0)
    covariance = centred.T @ centred / len(features)
    away = means[:, active] - features[:, active].mean(axis=0)
    shift = np.tile(overall, (populations, 1))
    shift[:, active] -= np.linalg.lstsq(covariance, away.T, rcond=1e-12)[0].T
    return log_z, shift


@eqx.filter_jit
def _proposal_densities(
    flow: Flow, coordinates: Float[Array, "points free"]
) -> Float[Array, " points"]:
    """Log density of the proposals, in unconstrained coordinates."""

    def density(y: Float[Array, " free"]) -> Float[Array, ""]:
        return jnp.logaddexp(flow.traced_log_density(y), log_logistic(y)) - np.log(2)

    return jax.lax.map(density, coordinates, batch_size=4096)


def _reaching(value: float, shifts: Float[np.ndarray, " populations"]) -> Estimate:
    """A value whose interval holds that of the value after the shifts."""
    there = estimate_of_repeats(value + shifts)
    return Estimate(
        float(value),
        float(np.hypot(there.standard_error, there.value - value)),
        min(float(value), there.lower),
        max(float(value), there.upper),
    )


__all__ = ["constraint_reports", "lagrangian_answer", "row_spread"]
