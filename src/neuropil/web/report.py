"""The report of a run: one HTML file that needs nothing beside itself."""

import base64
import json
import shlex
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from neuropil.studies import OutputFailed, RunDamaged, RunResult, StoredFigure, Verdict
from neuropil.studies.files import write_text
from neuropil.studies.store import FIGURE_DOTS_PER_INCH

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("neuropil.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

SHOWN_DOTS_PER_INCH = 110

_WIDTH_IN_PNG = slice(16, 20)  # of every PNG file: four bytes, the largest first

# A word and a sign with each colour: the verdict must be readable without seeing colours.
_SIGNS = {
    Verdict.REPRODUCED: ("reproduced", "✓"),
    Verdict.NOT_REPRODUCED: ("differs", "✗"),
    Verdict.NOT_TESTED: ("untested", "–"),
}


def report_html(run: RunResult) -> str:
    """The report of a run as HTML, with its figures inside.

    Raises `RunDamaged` when a figure's file is missing.
    """
    return _TEMPLATES.get_template("report.html").render(
        run=run,
        study=run.identity["study"],
        scale=run.identity["scale"],
        seed=run.identity["seed"],
        signs=_SIGNS,
        counts={verdict: run.count(verdict) for verdict in Verdict},
        figures=[_embedded(figure) for figure in run.figures],
        configuration=json.dumps(run.identity["configuration"], indent=2, ensure_ascii=False),
        sessions=run.provenance["sessions"],
        mixed_versions=_has_mixed_versions(run.provenance["sessions"]),
        command=repeat_command(run),
    )


def write_report(run: RunResult, path: Path | None = None) -> Path:
    """Write the report, by default as `report.html` in the run's folder; returns where it is.

    Raises `OutputFailed` when the file cannot be written.
    """
    path = run.folder / "report.html" if path is None else path
    if path.is_dir():
        raise OutputFailed(f"cannot write {path}: it is a folder, name a file in it")
    write_text(path, report_html(run))
    return path


def repeat_command(run: RunResult) -> str:
    """What to type to make the same run again: a shell command, or Python where none exists."""
    scale, seed = run.identity["scale"], run.identity["seed"]
    reference = run.identity["study"]["reference"]
    if reference is None:
        return f"neuropil.studies.reproduce(study, scale={scale!r}, seed={seed})"
    return f"neuropil reproduce {shlex.quote(reference)} --scale {scale} --seed {seed}"


@dataclass(frozen=True)
class _EmbeddedFigure:
    """A figure as text for the page, with the width at which it is shown, in CSS pixels."""

    name: str
    caption: str
    alt: str
    data: str
    width: int


def _embedded(figure: StoredFigure) -> _EmbeddedFigure:
    try:
        png = figure.png.read_bytes()
    except OSError as error:
        raise RunDamaged(f"{figure.png} is missing: repeat the run, which draws it") from error
    (pixels,) = struct.unpack(">I", png[_WIDTH_IN_PNG])
    return _EmbeddedFigure(
        name=figure.name,
        caption=figure.caption,
        alt=figure.alt,
        data="data:image/png;base64," + base64.b64encode(png).decode("ascii"),
        width=round(pixels * SHOWN_DOTS_PER_INCH / FIGURE_DOTS_PER_INCH),
    )


def _has_mixed_versions(sessions: list[dict[str, Any]]) -> bool:
    """Whether shards of one run were computed with different versions or devices."""
    circumstances = {
        json.dumps([session["versions"], session["device"], session["settings"]])
        for session in sessions
        if session["shards"]
    }
    return len(circumstances) > 1
