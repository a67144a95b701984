"""Pieces of branches between certified states, found from both of their ends and joined."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int

from neuropil.analysis.continuation import follow
from neuropil.analysis.fixed_points import FixedPointsBatch
from neuropil.analysis.parameters import Residual
from neuropil.analysis.pseudo_arclength import Points, PseudoArclength
from neuropil.analysis.quick_compilation import quickly_compiled
from neuropil.analysis.special_points import SpecialPoints
from neuropil.result import Outcome

BATCH = 16
"""Walks are padded to a multiple of this, so that few sizes are compiled."""

MATCH = 1e-6
"""A walk ends at a certified state if it comes this close, relative to the size of the state."""

DOWN, UP = 0, 1


class Segment(NamedTuple):
    """The points from one certified state to the next, ports at both ends.

    A port is a certified state with the side on which the branch leaves it: row * 2 + side.
    """

    first: int
    last: int
    parameter: Float64[np.ndarray, " points"]
    state: Float64[np.ndarray, "points dimension"]
    n_unstable: Int[np.ndarray, " points"]
    special: SpecialPoints


class Join(NamedTuple):
    """All segments, each once, and sentences on what does not fit."""

    segments: list[Segment]
    mismatches: list[str]


@quickly_compiled
def _follow_all(
    residual: Residual,
    method: PseudoArclength,
    starts: Float[Array, "walks dimension"],
    begins: Float[Array, " walks"],
    untils: Float[Array, " walks"],
) -> tuple[Points, SpecialPoints]:
    return jax.vmap(lambda *walk: follow(residual, method, *walk))(starts, begins, untils)


def segments(
    residual: Residual,
    method: PseudoArclength,
    grid: Float64[np.ndarray, " grid"],
    roots: FixedPointsBatch,
    name: str,
) -> Join:
    """Follow every certified state both ways to the next grid value, or back to its own.

    Every segment is found twice, once from each end. What is found only once, or does not end at
    a certified state, is a mismatch.
    """
    row_of_walk = np.repeat(np.arange(len(roots.state)), 2)
    side = np.tile([DOWN, UP], len(roots.state))
    to = roots.system_index[row_of_walk] + np.where(side == UP, 1, -1)
    inside = (to >= 0) & (to < len(grid))
    row_of_walk, side, to = row_of_walk[inside], side[inside], to[inside]
    if row_of_walk.size == 0:
        return Join([], [])
    padded = np.resize(np.arange(row_of_walk.size), -(-row_of_walk.size // BATCH) * BATCH)
    points, special = _follow_all(
        residual,
        method,
        jnp.asarray(roots.state[row_of_walk][padded]),
        jnp.asarray(grid[roots.system_index[row_of_walk]][padded]),
        jnp.asarray(grid[to][padded]),
    )
    points, special = jax.tree.map(np.asarray, (points, special))
    found: dict[int, Segment] = {}
    mismatches = []
    for walk, (row, way) in enumerate(zip(row_of_walk, side, strict=True)):
        here = float(grid[roots.system_index[row]])
        whence = f"the branch from {name} = {here:.8g}, {roots.state_names} = {roots.state[row]}"
        if points.outcome[walk] != Outcome.SUCCESSFUL:
            sentence = Outcome(int(points.outcome[walk])).sentence
            mismatches.append(f"{whence}, going {'up' if way else 'down'}, was lost: {sentence}")
            continue
        count = int(points.count[walk])
        onwards = bool(points.reached_end[walk])
        at = int(to[walk] if onwards else roots.system_index[row])
        end = points.state[walk, count - 1]
        last = _match(roots, at, end)
        if last is None:
            mismatches.append(
                f"{whence} ends at {name} = {grid[at]:.8g}, state {end}, where none is certified; "
                "it may have left the box"
            )
            continue
        first_port = int(2 * row + way)
        found[first_port] = Segment(
            first=first_port,
            last=int(2 * last + (1 - way if onwards else way)),
            parameter=points.parameter[walk, :count],
            state=points.state[walk, :count],
            n_unstable=points.n_unstable[walk, :count],
            special=jax.tree.map(lambda leaf, walk=walk: leaf[walk], special),
        )
    for port, segment in found.items():
        back = found.get(segment.last)
        if segment.last == port or back is None or back.last != port:
            place = float(segment.parameter[0])
            mismatches.append(
                f"followed from {name} = {place:.8g}, state {segment.state[0]}, a branch arrives "
                f"at {name} = {float(segment.parameter[-1]):.8g}, state {segment.state[-1]}, but "
                "not the other way round: two branches may be too close for the steps"
            )
    once = [segment for port, segment in found.items() if port < segment.last]
    return Join(once, mismatches)


def _match(roots: FixedPointsBatch, at: int, state: Float64[np.ndarray, " n"]) -> int | None:
    """The certified state at a grid value that this one is, if there is just one."""
    rows = np.flatnonzero(roots.system_index == at)
    reach = MATCH * np.maximum(np.abs(state).max(), 1.0)
    near = np.abs(roots.state[rows] - state).max(axis=1, initial=0.0) <= reach
    return int(rows[near][0]) if np.sum(near) == 1 else None


class Chain(NamedTuple):
    """Segments joined at certified states; `closed` if the last ends where the first begins."""

    parameter: Float64[np.ndarray, " points"]
    state: Float64[np.ndarray, "points dimension"]
    n_unstable: Int[np.ndarray, " points"]
    closed: bool


def chains(found: list[Segment]) -> list[Chain]:
    """Distinct branches: segments that share a certified state, in order."""
    by_port = {port: segment for segment in found for port in (segment.first, segment.last)}
    ends = [port for port in by_port if port ^ 1 not in by_port]
    # From the open ends first; what is left over then are closed curves.
    used: set[int] = set()
    joined = []
    for begin in (*sorted(ends), *sorted(by_port)):
        if begin in used:
            continue
        port = begin
        pieces: list[list[np.ndarray]] = []
        while port in by_port and port not in used:
            segment = by_port[port]
            onwards = segment.first == port
            step = 1 if onwards else -1
            used |= {segment.first, segment.last}
            # A piece begins at the state where the last one ended.
            skip = 1 if pieces else 0
            pieces.append(
                [
                    values[::step][skip:]
                    for values in (segment.parameter, segment.state, segment.n_unstable)
                ]
            )
            port = (segment.last if onwards else segment.first) ^ 1
        parameter, state, n_unstable = (np.concatenate(part) for part in zip(*pieces, strict=True))
        joined.append(Chain(parameter, state, n_unstable, closed=port == begin))
    return joined


__all__ = ["Chain", "Join", "Segment", "chains", "segments"]
