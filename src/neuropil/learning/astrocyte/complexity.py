"""How many steps, cells and parameters a wave needs to get from one width to another.

Source of the question: Peterson, "What can astrocytes compute?", section Astrocyte complexity.
"""

import heapq
import math
from typing import NamedTuple

from neuropil.learning.astrocyte.notation import wirings

MOST_STATES = 200_000
"""States of the search over strides after which widths count as out of reach."""
LARGEST_WIDTH = 1_000_000
"""Width beyond which that search does not go; a wave there is steps away from any way back."""


class WavePath(NamedTuple):
    """A shortest wave: its notation, its widths, and what it costs.

    `steps` is the number of steps, `cells` counts those of all layers with the first and the
    last, `parameters` counts the weights of connections that exist and one bias for each cell
    that receives. Without any step the notation is empty.
    """

    notation: str
    widths: tuple[int, ...]
    steps: int
    cells: int
    parameters: int

    def transmission_time(self, time_per_step: float) -> float:
        """Time in which a wave arrives, in the unit of the time that one step takes."""
        return time_per_step * self.steps


def shortest_wave(
    before: int,
    after: int,
    *,
    neighbours: int = 3,
    stride: int = 1,
    mixing: bool = False,
    narrowest: int | None = None,
    widest: bool = False,
) -> WavePath:
    """The wave from `before` to `after` cells on an open line with the fewest steps.

    With `mixing`, every cell at the end can depend on every cell at the start; otherwise only
    the width counts. No layer is narrower than `narrowest`, the smaller of the two ends unless
    given: a wave through fewer cells could depend on all inputs and yet carry fewer numbers.
    Among waves of as many steps, that with the fewest cells is given or, with `widest`, that
    which spreads first and gathers last, and so has room for the most parameters.

    At stride 1 both widths must leave the same remainder modulo k - 1, as a step changes the
    width by k - 1 or not at all. The numbers are then |m - n| / (k - 1) for the width and
    ceil((m + n - 2) / (k - 1)) with mixing: a step moves a signal by at most k - 1 cells from one
    end towards the other, and the signals of the first and the last input must each cross all
    cells. Other strides are searched exhaustively in the order of the number of steps, and then
    of cells; `widest` is for stride 1.

    Raises `ValueError` for widths below one, and for those that no wave connects.
    """
    lowest = min(before, after) if narrowest is None else narrowest
    _require(before, after, neighbours, stride, lowest)
    if stride == 1:
        notation = _at_stride_one(before, after, neighbours, mixing, lowest, widest)
    elif widest:
        raise ValueError(f"widest must be False for a stride above 1, got stride {stride}")
    else:
        notation = _searched(before, after, neighbours, stride, mixing, lowest)
    if not notation:
        return WavePath("", (before,), 0, before, 0)
    steps = wirings(notation, before, neighbours=neighbours, stride=stride)
    widths = (before, *(step.reached[0] for step in steps))
    connections = sum(step.n_connections for step in steps)
    parameters = connections + sum(widths[1:])
    return WavePath(" ".join(notation), widths, len(steps), sum(widths), parameters)


def _require(before: int, after: int, neighbours: int, stride: int, lowest: int) -> None:
    for name, value in (("before", before), ("after", after), ("neighbours", neighbours)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if not 1 <= stride <= neighbours:
        raise ValueError(f"stride must lie between 1 and neighbours = {neighbours}, got {stride}")
    if not 1 <= lowest <= min(before, after):
        raise ValueError(
            f"narrowest must lie between 1 and the smaller width {min(before, after)}, got {lowest}"
        )


def _at_stride_one(
    before: int, after: int, neighbours: int, mixing: bool, lowest: int, widest: bool
) -> str:
    """Letters of the shortest wave at stride 1.

    What the first input has not reached yet, at the far end, shrinks by k - 1 in a gather, by
    (k - 1) // 2 in a slide and not in a spread; likewise for the last input. So only the numbers
    of steps of each kind matter, and their order is free as far as widths allow.
    """
    change = neighbours - 1
    if change == 0:
        if before != after or (mixing and before > 1):
            raise ValueError(f"after must be {before} with 1 neighbour and no mixing, got {after}")
        return ""
    growth, rest = divmod(after - before, change)
    if rest:
        raise ValueError(
            f"after must differ from before = {before} by a multiple of neighbours - 1 = {change} "
            f"at stride 1, or no wave gets there, got {after}"
        )
    kinds = _shortest_kinds(before - 1 if mixing else 0, max(0, -growth), neighbours)
    if widest:
        gathers, slides = max(kinds)
        return "s" * (gathers + growth) + "d" * slides + "g" * gathers
    waves = [
        _narrow(before, gathers, slides, gathers + growth, change, lowest)
        for gathers, slides in kinds
    ]
    return min(waves, key=lambda wave: _cells(before, wave, change))


def _shortest_kinds(missing: int, gathers: int, neighbours: int) -> list[tuple[int, int]]:
    """Numbers of gathers and slides, at least `gathers`, of all waves of the fewest steps.

    `missing` cells are still to be reached from the far end; a gather beyond those that the
    widths ask for costs a spread too.
    """
    change, reach = neighbours - 1, (neighbours - 1) // 2
    kinds = []
    for more in range(gathers, max(gathers, -(-missing // change)) + 1):
        left = max(0, missing - more * change)
        if left == 0 or reach:
            kinds.append((more, -(-left // reach) if left else 0))
    fewest = min(2 * more + slides for more, slides in kinds)
    return [(more, slides) for more, slides in kinds if 2 * more + slides == fewest]


def _cells(width: int, wave: str, change: int) -> int:
    total = width
    for letter in wave:
        width += {"s": change, "d": 0, "g": -change}[letter]
        total += width
    return total


def _narrow(width: int, gathers: int, slides: int, spreads: int, change: int, lowest: int) -> str:
    """The order with the fewest cells: down at once, slides there, up as late as possible."""
    letters = ""
    while gathers or slides or spreads:
        if gathers and width - change >= lowest:
            letters, gathers, width = letters + "g", gathers - 1, width - change
        elif slides:
            letters, slides = letters + "d", slides - 1
        else:
            letters, spreads, width = letters + "s", spreads - 1, width + change
    return letters


def _searched(
    before: int, after: int, neighbours: int, stride: int, mixing: bool, lowest: int
) -> str:
    """Letters of the shortest wave at any stride, by search over widths and what has mixed.

    The cells that depend on one input are an interval, and those of the inputs between the first
    and the last lie between theirs. Hence the last cell that the first input reaches and the
    first cell that the last input reaches say how much has mixed.
    """
    first = (before, 0, before - 1) if mixing else (before, 0, 0)
    queue: list[tuple[int, int, str, tuple[int, int, int]]] = [(0, before, "", first)]
    seen: set[tuple[int, int, int]] = set()
    while queue and len(seen) < MOST_STATES:
        steps, cells, letters, state = heapq.heappop(queue)
        width, reached, begun = state
        if width == after and (not mixing or (reached == width - 1 and begun == 0)):
            return letters
        if state in seen:
            continue
        seen.add(state)
        for letter, following in _following(state, neighbours, stride, mixing):
            if lowest <= following[0] <= LARGEST_WIDTH and following not in seen:
                cost = (steps + 1, cells + following[0], letters + letter, following)
                heapq.heappush(queue, cost)
    raise ValueError(
        f"after must be a width that waves of {neighbours} neighbours at stride {stride} reach "
        f"from {before}; none was found among {len(seen)} states, got {after}"
    )


def _following(
    state: tuple[int, int, int], k: int, stride: int, mixing: bool
) -> list[tuple[str, tuple[int, int, int]]]:
    width, reached, begun = state
    wide = stride * (width - 1) + k
    spread = (wide, stride * reached + k - 1, stride * begun)
    slide = (
        width,
        min(width - 1, reached + (k - 1) // 2),
        max(0, begun - k // 2),
    )
    narrow = (width - k) // stride + 1
    gather = (narrow, min(narrow - 1, reached // stride), max(0, -((k - 1 - begun) // stride)))
    options = [("s", spread), ("d", slide)]
    # An input whose only cells lie behind the last neighbourhood is lost for good.
    if narrow >= 1 and (not mixing or gather[2] < narrow):
        options.append(("g", gather))
    if mixing:
        return options
    return [(letter, (following[0], 0, 0)) for letter, following in options]


def fewest_mixing_steps(before: int, after: int, *, neighbours: int = 3) -> int:
    """ceil((m + n - 2) / (k - 1)): no wave at stride 1 mixes all inputs in fewer steps."""
    _require(before, after, neighbours, 1, 1)
    if neighbours == 1:
        raise ValueError("neighbours must be at least 2 for inputs to mix, got 1")
    return math.ceil((before + after - 2) / (neighbours - 1))


def neural_layer(before: int, after: int) -> WavePath:
    """The neural counterpart: one layer from all cells to all, m + n cells, m n + n parameters."""
    _require(before, after, 1, 1, 1)
    return WavePath("", (before, after), 1, before + after, before * after + after)


def document_penalty(before: int, after: int) -> float:
    """The layer "penalty" l as the document states it, for k = 3.

    |m - n| / 2 - 1 when both widths are even or both odd, |m - n + 1| / 2 - 1 when they are not,
    and m - 2 when they are the same. It may be no whole number, and negative.
    """
    _require(before, after, 1, 1, 1)
    if before == after:
        return before - 2.0
    if (before - after) % 2 == 0:
        return abs(before - after) / 2 - 1
    return abs(before - after + 1) / 2 - 1


def penalty(before: int, after: int, *, mixing: bool = False) -> int | None:
    """Steps beyond the one of neurons, exactly, for k = 3; None where no wave gets there."""
    if (before - after) % 2:
        return None
    return shortest_wave(before, after, mixing=mixing).steps - 1


__all__ = [
    "WavePath",
    "document_penalty",
    "fewest_mixing_steps",
    "neural_layer",
    "penalty",
    "shortest_wave",
]
