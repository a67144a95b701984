"""A full matrix product by neighbours alone: the moves of a systolic wave.

Inputs x_1 ... x_n stand in a line and accumulators h_1 ... h_r come in from the right. In every
round each pair (x_i, h_j) that stands side by side changes places, and h_j takes w_ji x_i along.
Every pair meets once, in round n - i + j, so that n + r - 1 rounds make W x.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Places = Int[np.ndarray, " places"]


class Move(NamedTuple):
    """One step of a wave before it has an activation: its letter, its cells and its weights.

    Cells are numbered from `first_before` and `first_after`; `after`, `before` and `weight` list
    the connections in use, in these numbers. `bias` holds one value for each cell after.
    `hidden` marks the step that ends in the hidden units.
    """

    letter: str
    neighbours: int
    first_before: int
    n_before: int
    first_after: int
    n_after: int
    after: Places
    before: Places
    weight: Float[np.ndarray, " places"]
    bias: Float[np.ndarray, " cells"]
    hidden: bool


class Region(NamedTuple):
    """Cells first ... last of a layer."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.last - self.first + 1

    def grown(self, by: int) -> "Region":
        """With `by` more cells at both ends."""
        return Region(self.first - by, self.last + by)


def product_moves(
    weights: Float[np.ndarray, "outputs inputs"],
    bias: Float[np.ndarray, " outputs"],
    region: Region,
    reach: int,
    *,
    hidden: bool,
) -> tuple[list[Move], Region]:
    """Moves that turn inputs in cells 1 ... n of a region into W x + b in cells 1 ... r.

    A step takes `reach` rounds at once, for it has 2 reach + 1 neighbours: what a cell takes
    along in several rounds is linear in what stood within `reach` of it before. A region grows
    at both ends where accumulators need room, and shrinks where both ends are free.
    """
    r, n = weights.shape
    rounds = n + r - 1
    moves = []
    for begun in range(0, rounds, reach):
        ended = min(begun + reach, rounds)
        after, before, weight = _connections(weights, begun, ended)
        needed = Region(int(after.min()), int(after.max()))
        final = ended == rounds
        if needed.first < region.first or needed.last > region.last:
            letter, following = "s", region.grown(reach)
        elif needed.first >= region.first + reach and needed.last <= region.last - reach:
            letter, following = "g", region.grown(-reach)
        else:
            letter, following = "d", region
        offset = np.zeros(following.size)
        if final:
            offset[1 - following.first : 1 - following.first + r] = bias
        moves.append(
            Move(
                letter,
                2 * reach + 1,
                region.first,
                region.size,
                following.first,
                following.size,
                after,
                before,
                weight,
                offset,
                hidden and final,
            )
        )
        region = following
    return moves, region


def _connections(
    weights: Float[np.ndarray, "outputs inputs"], begun: int, ended: int
) -> tuple[Places, Places, Float[np.ndarray, " places"]]:
    """Cells after, cells before and weights of the rounds from `begun` to `ended`."""
    r, n = weights.shape
    i, j = np.arange(1, n + 1), np.arange(1, r + 1)

    def inputs(time: int) -> Places:
        return i + np.clip(time - (n - i), 0, r)

    def accumulators(time: int) -> Places:
        return n + j - np.clip(time - (j - 1), 0, n)

    still = i[ended < n - i + r] - 1
    old = j[begun >= j] - 1
    row, column = np.meshgrid(j, i, indexing="ij")
    meeting = n - column + row
    output, source = np.nonzero((begun < meeting) & (meeting <= ended))
    after = [inputs(ended)[still], accumulators(ended)[old], accumulators(ended)[output]]
    before = [inputs(begun)[still], accumulators(begun)[old], inputs(begun)[source]]
    weight = [np.ones(still.size), np.ones(old.size), weights[output, source]]
    return np.concatenate(after), np.concatenate(before), np.concatenate(weight)


def trimming_moves(
    region: Region, target: Region, kept: Region, reach: int
) -> tuple[list[Move], Region]:
    """Gathers that cut a region down to a target inside it, with the cells in `kept` in place.

    A gather of k neighbours cuts k - 1 cells, at either end or at both; the last one has fewer
    neighbours where fewer are left to cut.
    """
    moves = []
    while region != target:
        left, right = target.first - region.first, region.last - target.last
        cut_left = min(left, 2 * reach)
        cut_right = min(right, 2 * reach - cut_left)
        following = Region(region.first + cut_left, region.last - cut_right)
        cells = np.arange(kept.first, kept.last + 1)
        moves.append(
            Move(
                "g",
                cut_left + cut_right + 1,
                region.first,
                region.size,
                following.first,
                following.size,
                cells,
                cells,
                np.ones(cells.size),
                np.zeros(following.size),
                False,
            )
        )
        region = following
    return moves, region


__all__ = ["Move", "Region", "product_moves", "trimming_moves"]
