"""Figures 1 to 4 of the poster, and those of its future work."""

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.tang_2012.figures import future_work, poster, spiking


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """All figures, in the order of the poster and then of its future work."""
    yield from poster.figures(configuration, results)
    yield from future_work.figures(configuration, results)
    yield from spiking.figures(configuration, results)
