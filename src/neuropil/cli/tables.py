"""Text that fits the terminal."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence

from neuropil.studies import Claim, Verdict

NARROW = 60
"""Below this many characters a table is a list."""

GAP = 2

_COLOURS = {
    Verdict.REPRODUCED: "32",
    Verdict.NOT_REPRODUCED: "33",
    Verdict.NOT_TESTED: "2",
}
_HEADINGS = ("Statement", "Published", "Measured", "Verdict")
_VERDICT_WIDTH = 14
_NARROWEST = 12


def terminal_width() -> int:
    """Width of the terminal in characters, 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def colours_wanted() -> bool:
    """Whether the output is a terminal that shows colours, and nobody asked for none."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def claims_table(claims: Sequence[Claim], width: int, *, colour: bool = False) -> str:
    """The ledger as a table of `width` characters, and the reasons under it."""
    lines = _list(claims, width, colour) if width < NARROW else _table(claims, width, colour)
    reasons = [
        textwrap.fill(f"{claim.identifier}: {claim.explanation}", width, subsequent_indent=" " * 4)
        for claim in claims
        if claim.explanation
    ]
    if reasons:
        lines += ["", *textwrap.wrap("Where a claim differs or was not tested:", width), *reasons]
    counts = [
        f"{number} {verdict}"
        for verdict in Verdict
        if (number := sum(claim.verdict is verdict for claim in claims))
    ]
    return "\n".join(
        [*lines, "", textwrap.fill(f"{len(claims)} claims: {', '.join(counts)}", width)]
    )


def definitions(entries: Sequence[tuple[str, str]], width: int) -> str:
    """Names with what they mean, in two columns, the second wrapped."""
    margin = max((len(name) for name, _ in entries), default=0) + GAP
    return "\n".join(
        textwrap.fill(
            meaning,
            max(width, margin + 20),
            initial_indent=name.ljust(margin),
            subsequent_indent=" " * margin,
        )
        if meaning
        else name
        for name, meaning in entries
    )


def _table(claims: Sequence[Claim], width: int, colour: bool) -> list[str]:
    rows = [(c.statement, c.published or "-", c.measured or "-", c.verdict.value) for c in claims]
    widths = _column_widths(rows, width)
    rule = "─" * min(width, sum(widths) + GAP * (len(widths) - 1))
    lines = ["", *_row(_HEADINGS, widths, ""), rule]
    for claim, row in zip(claims, rows, strict=True):
        lines += _row(row, widths, _COLOURS[claim.verdict] if colour else "")
        lines.append(rule)
    return lines


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Each column as wide as its text where all fits; else wide in proportion to its text."""
    columns = list(zip(_HEADINGS, *rows, strict=True))
    natural = [max(map(len, column)) for column in columns]
    verdict = min(natural[3], _VERDICT_WIDTH)
    room = width - verdict - GAP * 3
    widths = [min(each, _NARROWEST) for each in natural[:3]]
    texts = [sum(map(len, column)) for column in columns[:3]]
    while sum(widths) < room and widths != natural[:3]:
        # One more character where it saves most lines.
        growing = [column for column in range(3) if widths[column] < natural[column]]
        widths[max(growing, key=lambda column: texts[column] / widths[column])] += 1
    return [*widths, verdict]


def _row(cells: Sequence[str], widths: Sequence[int], colour: str) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, each, break_on_hyphens=False)
        for cell, each in zip(cells, widths, strict=True)
    ]
    lines = []
    for number in range(max(len(cell) for cell in wrapped)):
        parts = [
            (cell[number] if number < len(cell) else "").ljust(each)
            for cell, each in zip(wrapped, widths, strict=True)
        ]
        parts[-1] = _coloured(parts[-1].rstrip(), colour)
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _list(claims: Sequence[Claim], width: int, colour: bool) -> list[str]:
    lines = []
    for claim in claims:
        lines += ["", *textwrap.wrap(claim.statement, width)]
        for name, value in (("published", claim.published), ("measured", claim.measured)):
            lines += textwrap.wrap(
                f"{name}: {value or '-'}", width, initial_indent="  ", subsequent_indent="    "
            )
        lines.append(
            "  " + _coloured(claim.verdict.value, _COLOURS[claim.verdict] if colour else "")
        )
    return lines


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text
