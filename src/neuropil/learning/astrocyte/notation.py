"""Waves written as letters: s for spread, d for slide, g for gather."""

import re

from neuropil.learning.astrocyte.neighbourhoods import Cells
from neuropil.learning.astrocyte.wiring import AbstractWiring, Gather, Slide, Spread

WIRINGS: dict[str, type[Spread] | type[Slide] | type[Gather]] = {
    "s": Spread,
    "d": Slide,
    "g": Gather,
}


def letters(notation: str) -> str:
    """The steps of a notation as bare letters: "(s, d, g)", "s d g" and "sdg" are the same.

    Raises `ValueError` for any other letter, with its place, and when there is no step.
    """
    bare = re.sub(r"[\s,()]", "", notation)
    if not bare:
        raise ValueError(f"notation must hold at least one step s, d or g, got {notation!r}")
    for place, letter in enumerate(bare):
        if letter not in WIRINGS:
            raise ValueError(
                f"notation may hold only s (spread), d (slide) and g (gather), got {letter!r} "
                f"as step {place + 1} of {notation!r}"
            )
    return bare


def wirings(
    notation: str,
    width: int | Cells,
    *,
    neighbours: int = 3,
    stride: int = 1,
    periodic: bool = False,
) -> tuple[AbstractWiring, ...]:
    """The wiring of every step, starting at `width` cells (or cells along each axis of a sheet).

    The stride is that of spreads and gathers. Raises `ValueError`, naming the step, when it
    cannot be taken from the width at which it stands.
    """
    cells = (width,) if isinstance(width, int) else tuple(width)
    steps: list[AbstractWiring] = []
    bare = letters(notation)
    for place, letter in enumerate(bare):
        pace = 1 if letter == "d" else stride
        try:
            step = WIRINGS[letter](cells, neighbours, pace, periodic)
        except ValueError as error:
            raise ValueError(
                f"notation {bare!r} cannot be walked from width {width}: step {place + 1} "
                f"({letter}): {error}"
            ) from error
        steps.append(step)
        cells = step.reached
    return tuple(steps)


def widths(
    notation: str, width: int | Cells, *, neighbours: int = 3, stride: int = 1
) -> tuple[Cells, ...]:
    """Cells before the first and after every step; errors as for `wirings`."""
    steps = wirings(notation, width, neighbours=neighbours, stride=stride)
    return (steps[0].cells, *(step.reached for step in steps))


__all__ = ["letters", "widths", "wirings"]
