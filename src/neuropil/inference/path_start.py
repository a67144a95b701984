"""Where a path starts: at the reference, or at the answer to other targets."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from neuropil.inference.behaviour import carried, constraints_of
from neuropil.inference.distribution import ParameterDistribution, placed, row_labels
from neuropil.inference.path_state import PathState, empty_pool
from neuropil.inference.target import Natural, Points, Problem, place_batch
from neuropil.types import RandomKey

_MOST_ROUNDS = 50
"""Draws for each particle that is wanted, after which a behaviour's domain is too small."""

_FIRST_LOG_STEP = float(np.log(0.3))


def drawn_start(
    problem: Problem,
    size: int,
    repeats: int,
    batch_size: int | None,
    key: RandomKey,
    *,
    rounds_for_all: int,
) -> tuple[Problem, PathState]:
    """`repeats` populations of `size` particles from the reference, and the scales they show.

    In a small domain, where `rounds_for_all` draws for each particle are not enough, each
    population has fewer draws than particles, an eighth at least, and repeats them: what follows
    has to move them. Raises `ValueError` when hardly any draw has finite statistics, or
    one does not vary.
    """
    count = repeats * size
    bounded = problem.support.starts_at_answer
    reference = 0.0 if bounded else 1.0
    rows = problem.constraints.target.size
    natural = Natural(jnp.asarray(reference), jnp.zeros(rows))
    found: list[Points] = []
    owners: list[Int[np.ndarray, " inside"]] = []
    inside = np.zeros(repeats, int)
    rounds = 0
    while inside.min() < (size if rounds < rounds_for_all else -(-size // 8)):
        if rounds == max(_MOST_ROUNDS, rounds_for_all):
            raise ValueError(
                f"statistics are finite at only {inside.sum()} of {rounds * count} draws from the "
                "support: narrow it to where the model shows the activity that they measure"
            )
        key, draw = jax.random.split(key)
        points = place_batch(problem, natural, problem.support.draw(draw, count), batch_size)
        keep = np.flatnonzero(np.isfinite(np.asarray(points.log_density)))
        found.append(jax.tree.map(lambda leaf, keep=keep: np.asarray(leaf)[keep], points))
        owners.append(keep // size)
        inside += np.bincount(owners[-1], minlength=repeats)
        rounds += 1
    owner = np.concatenate(owners)
    chosen = np.concatenate(
        [np.resize(np.flatnonzero(owner == number), size) for number in range(repeats)]
    )
    points = jax.tree.map(lambda *leaves: jnp.asarray(np.concatenate(leaves)[chosen]), *found)
    statistics = np.asarray(points.statistics)
    low, high = np.quantile(statistics, [0.16, 0.84], axis=0)
    spread = np.where(high > low, 0.5 * (high - low), statistics.std(axis=0))
    for name, width in zip(problem.behaviour.names, spread, strict=True):
        if not width > 0:
            raise ValueError(
                f"statistic {name!r} does not vary over the support: it cannot be constrained"
            )
    constraints = constraints_of(problem.behaviour, spread)
    problem = eqx.tree_at(lambda p: p.constraints, problem, constraints)
    if problem.behaviour.draws:
        points = place_batch(problem, natural, points.coordinates, batch_size)
    else:
        points = points._replace(features=jax.vmap(constraints.features)(points.statistics))
    log_z = _log_shares(inside, rounds * size) - (
        float(points.log_reference[0]) if bounded else 0.0
    )
    return problem, PathState(
        step=0,
        sampling=0,
        reference=reference,
        eta=np.zeros(rows),
        scale=np.asarray(constraints.scale),
        points=points,
        log_step=_FIRST_LOG_STEP,
        log_z=np.tile(log_z, (3, 1)),
        inside_share=float(inside.mean() / (rounds * size)),
        simulations=rounds * count,
        pool=empty_pool(points),
        trace=np.zeros((0, 4)),
    )


def carried_start(
    problem: Problem,
    start: ParameterDistribution,
    size: int,
    repeats: int,
    batch_size: int | None,
    key: RandomKey,
) -> tuple[Problem, PathState]:
    """The state that holds an answer to other targets of the same statistics.

    Raises `ValueError` when support or constraints are not the same but for their targets.
    """
    old = start.problem
    if old.support.labels != problem.support.labels or row_labels(old) != row_labels(problem):
        raise ValueError(
            "start must have the same parameters and constraints but for the targets: "
            f"{list(old.support.labels)} under {row_labels(old)}, "
            f"got {list(problem.support.labels)} under {row_labels(problem)}"
        )
    squares = (start.statistics - start.mean(start.statistics)) ** 2
    deviations = np.sqrt(np.maximum(start.mean(squares), 1e-300))
    problem = eqx.tree_at(
        lambda p: p.constraints, problem, constraints_of(problem.behaviour, deviations)
    )
    eta = carried(old.constraints, problem.constraints, start.eta)
    noise = np.asarray(jax.random.gumbel(key, start.log_weights.shape, float))
    keys = start.log_weights + noise
    chosen = np.concatenate(
        [
            _heaviest(np.flatnonzero(start.population % repeats == number), keys, size)
            for number in range(repeats)
        ]
    )
    natural = Natural(jnp.zeros(()), jnp.asarray(eta))
    points = place_batch(problem, natural, start.coordinates[chosen], batch_size)
    # Both exponents describe one density and differ by a constant.
    before = np.mean(np.asarray(placed(old, start.eta, points.coordinates).features), axis=0)
    constant = float(before @ start.eta - np.asarray(points.features).mean(axis=0) @ eta)
    return problem, PathState(
        step=0,
        sampling=0,
        reference=0.0,
        eta=eta,
        scale=np.asarray(problem.constraints.scale),
        points=points,
        log_step=_FIRST_LOG_STEP,
        log_z=np.full((3, repeats), start.log_partition.value - constant),
        inside_share=start.inside_share,
        simulations=2 * repeats * size,
        pool=empty_pool(points),
        trace=np.zeros((0, 4)),
    )


def _log_shares(inside: Int[np.ndarray, " repeats"], drawn: int) -> Float[np.ndarray, " repeats"]:
    """Pseudo-values of the logarithm of the share that lies inside, one for each population.

    Their spread is that of the estimate and their mean has lost its bias to first order (the
    jackknife), where logarithms of the single shares would all be too low.
    """
    repeats = len(inside)
    together = np.log(inside.sum() / (repeats * drawn))
    without = np.log((inside.sum() - inside) / ((repeats - 1) * drawn))
    return repeats * together - (repeats - 1) * without


def _heaviest(
    members: Int[np.ndarray, " members"], keys: Float[np.ndarray, " samples"], size: int
) -> Int[np.ndarray, " size"]:
    """`size` of the members, those with the largest keys; all of them repeated where too few."""
    order = members[np.argsort(-keys[members])]
    return np.resize(order, size)


__all__ = ["carried_start", "drawn_start"]
