"""Folds, Hopf points and branch points between the points of a walk, in fixed buffers."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.analysis.branch_points import BranchPoint, branch_point_of
from neuropil.analysis.eigenvalue_signs import crosses_in_pairs
from neuropil.analysis.extended_newton import BRANCH_POINT, FOLD, HOPF_POINT, Polished, polish
from neuropil.analysis.folds import Fold, fold_of
from neuropil.analysis.hopf_points import HopfPoint, hopf_point_of
from neuropil.analysis.parameters import Residual
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength


class SpecialPoints(NamedTuple):
    """All that were found, each a buffer that is not a number past the last one."""

    folds: Fold
    hopf_points: HopfPoint
    branch_points: BranchPoint


def special_points(residual: Residual, method: PseudoArclength, points: Points) -> SpecialPoints:
    """Bracketed by test functions from one point of the walk to the next, and polished."""
    size = points.state.shape[1]
    rows = {
        FOLD: method.maximum_folds,
        # In one dimension there is no pair of eigenvalues.
        HOPF_POINT: method.maximum_hopf_points if size > 1 else 0,
        BRANCH_POINT: method.maximum_branch_points,
    }
    kinds = tuple(kind for kind in rows if rows[kind])
    slope = points.tangent_parameter

    def between(kind: Int[Array, ""], before: Int[Array, ""]) -> Polished:
        """The special point between a point of the walk and the next one."""
        turn = slope[before] / (slope[before] - slope[before + 1])
        share = jnp.where(kind == FOLD, turn, 0.5)
        apart = points.state[before + 1] - points.state[before]
        moved = points.parameter[before + 1] - points.parameter[before]
        bent = points.tangent_state[before + 1] - points.tangent_state[before]
        return polish(
            residual,
            kinds,
            kind,
            points.state[before] + share * apart,
            points.parameter[before] + share * moved,
            points.tangent_state[before] + share * bent,
            jnp.linalg.norm(jnp.append(apart, moved)),
        )

    found = _each(_brackets(points), {kind: rows[kind] for kind in kinds}, between, size)
    return SpecialPoints(
        folds=jax.vmap(fold_of)(found[FOLD]),
        hopf_points=jax.vmap(hopf_point_of)(found[HOPF_POINT]),
        branch_points=jax.vmap(branch_point_of)(found[BRANCH_POINT]),
    )


def _brackets(points: Points) -> dict[int, Bool[Array, " steps"]]:
    """Between which neighbouring points of a walk there is a special point of each kind."""
    crosses = points.border_sign[:-1] * points.border_sign[1:] < 0
    turns = points.tangent_parameter[:-1] * points.tangent_parameter[1:] < 0
    pairs = crosses_in_pairs(points.n_unstable, points.pair_sign)
    return {
        # Where branches cross, one of them may turn: that is no fold.
        FOLD: turns & ~crosses,
        HOPF_POINT: pairs & jnp.isfinite(points.parameter[1:]),
        BRANCH_POINT: crosses,
    }


def _each(
    brackets: dict[int, Bool[Array, " steps"]],
    limits: dict[int, int],
    polished_in: Callable[[Int[Array, ""], Int[Array, ""]], Polished],
    size: int,
) -> dict[int, Polished]:
    """Polish in every bracket, and keep the first of each kind, as many as its limit says.

    One loop over the brackets of all kinds: Newton's method is compiled once, and a batch pays
    for as many as the one with the most has. What is left over is not a number.
    """
    buffers = {kind: jnp.full((limits.get(kind, 0), size + 3), jnp.nan) for kind in brackets}
    if limits:
        numbers = list(limits.values())
        firsts = np.cumsum(numbers) - numbers
        filled = _filled(
            jnp.stack([brackets[kind] for kind in limits]),
            jnp.array(list(limits)),
            jnp.array(numbers),
            jnp.array(firsts),
            polished_in,
            jnp.concatenate([buffers[kind] for kind in limits]),
        )
        for kind, first, number in zip(limits, firsts, numbers, strict=True):
            buffers[kind] = filled[first : first + number]
    return {kind: Polished(rows[:, :size], *rows[:, size:].T) for kind, rows in buffers.items()}


def _filled(
    brackets: Bool[Array, "kinds steps"],
    kinds: Int[Array, " kinds"],
    limits: Int[Array, " kinds"],
    firsts: Int[Array, " kinds"],
    polished_in: Callable[[Int[Array, ""], Int[Array, ""]], Polished],
    rows: Float[Array, "rows entries"],
) -> Float[Array, "rows entries"]:
    """Those of a kind begin at its row in `firsts`."""
    steps = brackets.shape[1]
    places = jnp.arange(brackets.size)

    def waiting(last, counts):
        return (brackets & (counts < limits)[:, None]).ravel() & (places > last)

    def proceed(now):
        last, counts, _ = now
        return jnp.any(waiting(last, counts))

    def following(now):
        last, counts, rows = now
        place = jnp.argmax(waiting(last, counts))
        kind, before = place // steps, place % steps
        one = polished_in(kinds[kind], before)
        # What is no Hopf point is written past the end, which drops it.
        kept = (kinds[kind] != HOPF_POINT) | (one.square > 0)
        row = jnp.where(kept, firsts[kind] + counts[kind], len(rows))
        entries = jnp.append(one.state, jnp.stack([one.parameter, one.square, one.residual]))
        counts = counts.at[kind].add(kept.astype(counts.dtype))
        return place, counts, rows.at[row].set(entries, mode="drop")

    # What begins as part of a batch is traced once, where it would be twice otherwise.
    none = 0 * jnp.sum(brackets, axis=1)
    start = (jnp.sum(none) - 1, none, rows + jnp.sum(none).astype(rows.dtype))
    return jax.lax.while_loop(proceed, following, start)[2]


__all__ = ["SpecialPoints", "special_points"]
