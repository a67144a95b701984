"""Folds, Hopf points and branch points between the points of a walk, in fixed buffers."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from neuropil.analysis.branch_points import BranchPoint, polish_branch_point
from neuropil.analysis.eigenvalue_signs import crosses_in_pairs
from neuropil.analysis.folds import Fold, polish_fold
from neuropil.analysis.hopf_points import HopfPoint, polish_hopf_point
from neuropil.analysis.parameters import Residual
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength

SpecialPoint = TypeVar("SpecialPoint", Fold, HopfPoint, BranchPoint)


class SpecialPoints(NamedTuple):
    """All that were found, each a buffer that is not a number past the last one."""

    folds: Fold
    hopf_points: HopfPoint
    branch_points: BranchPoint


def special_points(residual: Residual, method: PseudoArclength, points: Points) -> SpecialPoints:
    """Bracketed by test functions from one point of the walk to the next, and polished."""
    crosses = points.border_sign[:-1] * points.border_sign[1:] < 0
    slope = points.tangent_parameter
    turns = slope[:-1] * slope[1:] < 0
    pairs = crosses_in_pairs(points.n_unstable, points.pair_sign)
    pairs &= jnp.isfinite(points.parameter[1:])

    def halfway(before, share):
        """State, parameter and tangent between two points, and how far apart these are."""

        def between(values):
            return values[before] + share * (values[before + 1] - values[before])

        apart = points.state[before + 1] - points.state[before]
        moved = points.parameter[before + 1] - points.parameter[before]
        length = jnp.linalg.norm(jnp.append(apart, moved))
        fields = (points.state, points.parameter, points.tangent_state)
        return (*map(between, fields), jnp.linalg.norm(apart), length)

    def fold(before):
        share = slope[before] / (slope[before] - slope[before + 1])
        state, parameter, tangent, apart, _ = halfway(before, share)
        return polish_fold(residual, state, parameter, tangent, largest_move=apart)

    def hopf_point(before):
        state, parameter, _, _, length = halfway(before, 0.5)
        return polish_hopf_point(residual, state, parameter, largest_move=length)

    def branch_point(before):
        state, parameter, _, _, length = halfway(before, 0.5)
        return polish_branch_point(residual, state, parameter, largest_move=length)

    state, nothing = jnp.full(points.state.shape[1], jnp.nan), jnp.asarray(jnp.nan)
    # In one dimension there is no pair of eigenvalues.
    hopf_rows = method.maximum_hopf_points if state.size > 1 else 0
    return SpecialPoints(
        # Where branches cross, one of them may turn: that is no fold.
        folds=_each(turns & ~crosses, fold, Fold(state, nothing, nothing), method.maximum_folds),
        hopf_points=_each(
            pairs,
            hopf_point,
            HopfPoint(state, nothing, nothing, nothing),
            hopf_rows,
            keep=lambda found: jnp.isfinite(found.angular_frequency),
        ),
        branch_points=_each(
            crosses,
            branch_point,
            BranchPoint(state, nothing, nothing),
            method.maximum_branch_points,
        ),
    )


def _each(
    brackets: Bool[Array, " steps"],
    polish: Callable[[Int[Array, ""]], SpecialPoint],
    nothing: SpecialPoint,
    rows: int,
    *,
    keep: Callable[[SpecialPoint], Bool[Array, ""]] = lambda _: jnp.asarray(True),
) -> SpecialPoint:
    """Polish in every bracket, and keep the first `rows` that are to be kept.

    A loop over the brackets, so that a batch pays for as many as the one with the most has.
    """
    empty = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (rows, *leaf.shape)), nothing)
    if rows == 0:
        return empty
    places = jnp.arange(brackets.size)

    def proceed(now):
        last, count, _ = now
        return jnp.any(brackets & (places > last)) & (count < rows)

    def following(now):
        last, count, found = now
        place = jnp.argmax(brackets & (places > last))
        one = polish(place)
        # What is not kept is written past the end, which drops it.
        kept = keep(one)
        row = jnp.where(kept, count, rows)
        found = jax.tree.map(lambda all, new: all.at[row].set(new, mode="drop"), found, one)
        return place, count + kept.astype(count.dtype), found

    # What begins as part of a batch is traced once, where it would be twice otherwise.
    count = 0 * jnp.sum(brackets)
    empty = jax.tree.map(lambda leaf: leaf + count.astype(leaf.dtype), empty)
    return jax.lax.while_loop(proceed, following, (count - 1, count, empty))[2]


__all__ = ["SpecialPoints", "special_points"]
