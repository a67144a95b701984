"""Figures 2, 7, 8 and 9 of the paper, and the slow-fast picture behind Fig. 2D."""

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_dynamics.figures import diagrams, phase_space, windows


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """All figures, in the order of the paper."""
    yield phase_space.figure_2(results)
    yield diagrams.figure_2e(results)
    yield phase_space.vector_fields(results)
    yield diagrams.slow_fast(configuration, results)
    yield windows.figure_7(configuration, results)
    yield phase_space.figure_8(results)
    yield diagrams.figure_9(results)
