"""Which neurons are alike in all that trees of connections can see: weighted colour refinement."""

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Integer

from neuropil.connectivity.connectome import Connectome
from neuropil.connectivity.feature_groups import bisected_groups
from neuropil.connectivity.natural_scaling import natural_scaling
from neuropil.connectivity.partitions import Partition, groups_of
from neuropil.connectivity.random_streams import scrambled

SAME_STRENGTH = 1e-12


@dataclass(frozen=True)
class ColourRefinement:
    """The colour of every neuron, round by round, and what is lost by keeping colours alone.

    `colours[t, i]` is the colour of neuron i after t rounds, numbered by first appearance;
    round 0 is the start. The defect of neuron i is the sum over colours of |its total weight
    from that colour - the mean over neurons of its own colour|, in the unit of the weights;
    `largest_defect` and `mean_defect` are taken over neurons, and are 0 (to rounding) for an
    equitable partition. `is_stable` says whether another round would change nothing. `bound` is
    the larger of the largest total in- and out-strength.
    """

    colours: Integer[np.ndarray, "rounds neurons"]
    n_colours: Integer[np.ndarray, " rounds"]
    largest_defect: Float[np.ndarray, " rounds"]
    mean_defect: Float[np.ndarray, " rounds"]
    is_stable: bool
    bound: float

    def tree_error_bound(self, vertices: int, *, round_number: int = -1) -> float:
        """How far a tree observable of the coloured network can be from that of the network.

        For any tree of so many `vertices` and functions of the potential that are at most 1 in
        magnitude and depend on the neuron by its colour alone, the observables of the network and
        of `step_kernel(connectome, colours[round_number])` differ by at most
        (vertices - 2) C^(vertices - 2) times the mean defect, C = `bound`. The edges of the tree
        are replaced one by one, from the leaves on: what is above an edge is bounded by the
        out-strengths in mean, what is below and beside it by the in-strengths, and the last one,
        at the root, makes no difference. Raises `ValueError` for fewer than 1 vertex.
        """
        if vertices < 1:
            raise ValueError(f"vertices must be at least 1, got {vertices}")
        replaced = max(vertices - 2, 0)
        return replaced * self.bound**replaced * float(self.mean_defect[round_number])


def colour_refinement(
    connectome: Connectome,
    *,
    tolerance: float = 0.0,
    resolution: int | None = None,
    depth: int | None = None,
    initial: Partition | None = None,
) -> ColourRefinement:
    """Colour neurons by whom they listen to, and those by whom they listen to, and so on.

    A round gives two neurons the same colour when they had the same colour and receive the same
    total weight from every colour. With `tolerance` 0 the stable colouring is the coarsest
    equitable partition that is finer than `initial` (default: all alike): neurons of one colour
    have the same tree observables, and the step kernel over the colours keeps all of them
    exactly. Total weights within 1e-12 of the largest in-strength count as the same, as sums in
    another order differ by rounding.

    A positive `tolerance` (in the unit of the weights) compares totals rounded to its multiples.
    With a `resolution` instead, a round splits the neurons of each initial group by their total
    weights from all colours into at most so many colours in all, those that differ most apart
    (`bisected_groups`), and rounds after the first go on while the mean defect falls. More
    colours need not have a smaller defect: where the wiring is random, they split noise.
    `depth` is the largest number of rounds: depth d decides all trees of height d.

    A round takes time proportional to the edges, but for sorting the totals. Raises `ValueError`
    for a negative tolerance or depth, a resolution smaller than the number of initial groups or
    given together with a tolerance, or an initial partition of another size.

    Sources: Grohe, Kersting, Mladenov and Selman, "Dimension reduction via colour refinement",
    ESA 2014 (weighted); Dell, Grohe and Rattan, "Lovasz meets Weisfeiler and Leman", ICALP 2018
    (colours and trees).
    """
    n = connectome.n_neurons
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance must be finite and not negative, got {tolerance}")
    if depth is not None and depth < 0:
        raise ValueError(f"depth must not be negative, got {depth}")
    start = np.zeros(n, np.int64) if initial is None else groups_of(initial, n)[1]
    start = _by_first_appearance(start)
    if resolution is not None:
        if tolerance:
            raise ValueError("resolution and tolerance are two ways: give one of them")
        if resolution < start.max() + 1:
            raise ValueError(
                f"resolution must be at least the number of initial groups, {start.max() + 1}, "
                f"got {resolution}"
            )
    scaling = natural_scaling(connectome)
    width = SAME_STRENGTH * scaling.in_strength
    strengths = _strengths(connectome, start, width)
    rounds, defects, is_stable = [start], [_defects(start, strengths)], False
    while depth is None or len(rounds) <= depth:
        if resolution is None:
            colours = _refined(rounds[-1], strengths, tolerance)
            is_stable = colours.max() == rounds[-1].max()
        else:
            colours = _split(start, strengths, resolution)
            is_stable = np.array_equal(colours, rounds[-1])
        if is_stable:
            break
        strengths = _strengths(connectome, colours, width)
        defect = _defects(colours, strengths)
        if resolution is not None and len(rounds) > 1 and defect[1] >= defects[-1][1]:
            break
        rounds.append(colours)
        defects.append(defect)
    return ColourRefinement(
        np.stack(rounds),
        np.array([colours.max() + 1 for colours in rounds]),
        np.array([largest for largest, _ in defects]),
        np.array([mean for _, mean in defects]),
        bool(is_stable),
        scaling.bound,
    )


Strengths = tuple[np.ndarray, np.ndarray, np.ndarray]


def _strengths(connectome: Connectome, colours: np.ndarray, width: float) -> Strengths:
    """Each neuron's total weight from every colour it listens to, by row: starts, colours, sums.

    Sums that follow each other within `width` are made equal.
    """
    from_colour = np.empty(connectome.n_edges, np.int64)
    total = np.empty(connectome.n_edges)
    start = np.zeros(connectome.n_neurons + 1, np.int64)
    _sum_by_colour(
        connectome.row_start,
        connectome.presynaptic,
        connectome.weights,
        colours,
        colours.max() + 1,
        start,
        from_colour,
        total,
    )
    return start, from_colour[: start[-1]], _merged(total[: start[-1]], width)


def _merged(total: np.ndarray, width: float) -> np.ndarray:
    values, which = np.unique(np.append(total, 0.0), return_inverse=True)
    group = np.concatenate([[0], np.cumsum(np.diff(values) > width)])
    lowest = values[np.searchsorted(group, np.arange(group[-1] + 1))]
    lowest[group[which[-1]]] = 0.0
    return lowest[group[which[:-1]]]


def _refined(colours: np.ndarray, strengths: Strengths, tolerance: float) -> np.ndarray:
    start, from_colour, total = strengths
    if tolerance:
        total = np.rint(total / tolerance)
    first, second = np.empty(colours.size, np.uint64), np.empty(colours.size, np.uint64)
    # Adding zero turns -0 into 0, so that equal numbers have equal bits.
    _sign(colours, start, from_colour, (total + 0.0).view(np.uint64), first, second)
    return _by_first_appearance(_ranks(first, second))


def _ranks(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The place of each pair among the different pairs."""
    order = np.lexsort((second, first))
    changes = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    ranks = np.empty(first.size, np.int64)
    ranks[order] = np.concatenate([[0], np.cumsum(changes)])
    return ranks


def _by_first_appearance(colours: np.ndarray) -> np.ndarray:
    _, first, which = np.unique(colours, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[which]


def _split(start: np.ndarray, strengths: Strengths, resolution: int) -> np.ndarray:
    row_start, from_colour, total = strengths
    features = np.zeros((start.size, from_colour.max(initial=0) + 1))
    features[np.repeat(np.arange(start.size), np.diff(row_start)), from_colour] = total
    return _by_first_appearance(bisected_groups(features, start, resolution))


def _defects(colours: np.ndarray, strengths: Strengths) -> tuple[float, float]:
    """Largest and mean over neurons of the L1 distance of strengths from those of the colour."""
    start, from_colour, total = strengths
    defect = np.zeros(colours.size)
    order = np.argsort(colours, kind="stable")
    _measure_defects(colours, order, start, from_colour, total, colours.max() + 1, defect)
    return float(defect.max(initial=0.0)), float(defect.mean())


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sum_by_colour(row_start, presynaptic, weights, colours, n_colours, start, from_colour, total):
    slot_of = np.full(n_colours, -1, np.int64)
    end = 0
    for row in range(row_start.size - 1):
        begin = end
        for edge in range(row_start[row], row_start[row + 1]):
            colour = colours[presynaptic[edge]]
            slot = slot_of[colour]
            if slot < begin:
                slot = end
                slot_of[colour] = slot
                from_colour[slot] = colour
                total[slot] = 0.0
                end += 1
            total[slot] += weights[edge]
        start[row + 1] = end


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sign(colours, start, from_colour, bits, first, second):
    """Two 64-bit sums over (colour, total) that do not depend on the order of the colours."""
    for row in range(colours.size):
        own = np.uint64(colours[row])
        one, other = scrambled(own), scrambled(~own)
        for slot in range(start[row], start[row + 1]):
            if bits[slot] != 0:
                entry = scrambled(scrambled(np.uint64(from_colour[slot])) ^ bits[slot])
                one += scrambled(entry)
                other += scrambled(~entry)
        first[row], second[row] = one, other


@numba.njit(cache=True, nogil=True)
@no_type_check
def _measure_defects(colours, order, start, from_colour, total, n_colours, defect):
    mean = np.zeros(n_colours)
    touched = np.empty(n_colours, np.int64)
    is_touched = np.zeros(n_colours, np.bool_)
    begin = 0
    while begin < order.size:
        end = begin
        while end < order.size and colours[order[end]] == colours[order[begin]]:
            end += 1
        count = 0
        for member in order[begin:end]:
            for slot in range(start[member], start[member + 1]):
                colour = from_colour[slot]
                if not is_touched[colour]:
                    is_touched[colour] = True
                    touched[count] = colour
                    mean[colour] = 0.0
                    count += 1
                mean[colour] += total[slot] / (end - begin)
        for member in order[begin:end]:
            # Colours that this member does not listen to count with their whole mean.
            seen = 0.0
            for slot in range(start[member], start[member + 1]):
                expected = mean[from_colour[slot]]
                defect[member] += abs(total[slot] - expected)
                seen += abs(expected)
            defect[member] -= seen
        magnitude = 0.0
        for place in range(count):
            magnitude += abs(mean[touched[place]])
            is_touched[touched[place]] = False
        for member in order[begin:end]:
            defect[member] = max(0.0, defect[member] + magnitude)
        begin = end


__all__ = ["ColourRefinement", "colour_refinement"]
