"""Figures 2, 7, 8 and 9 of the paper, and the slow-fast picture behind Fig. 2D."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_dynamics.figures import diagrams, phase_space, windows


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """All figures, in the order of the paper."""
    return as_far_as_run(
        partial(phase_space.figure_2, results),
        partial(diagrams.figure_2e, results),
        partial(phase_space.vector_fields, results),
        partial(diagrams.slow_fast, configuration, results),
        partial(windows.figure_7, configuration, results),
        partial(phase_space.figure_8, results),
        partial(diagrams.figure_9, results),
    )
