"""Figures 4, 5 and 10 to 14, the readings, and what lies beyond the document."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.figures import (
    beyond,
    comparisons,
    readings,
    time_scales,
)


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """All figures, in the order of the document, then the readings and what lies beyond it."""
    return as_far_as_run(
        partial(comparisons.performance, results),
        partial(time_scales.single_runs, results),
        partial(time_scales.projections, results),
        partial(comparisons.convergence, results),
        partial(comparisons.gaps, results),
        partial(comparisons.changing, results),
        partial(time_scales.impact, results),
        partial(comparisons.eight_arms, results),
        partial(time_scales.strong, results),
        partial(readings.table, results),
        partial(readings.windows, configuration, results),
        partial(readings.amplitudes, results),
        partial(beyond.memory, results),
        partial(beyond.signals, results),
        partial(beyond.dynamics, results),
    )
