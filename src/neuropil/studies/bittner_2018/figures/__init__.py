"""The figures of the study: pair plots, the path to an answer, entropies, and the trap."""

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from neuropil.studies.bittner_2018.figures import (
    across,
    go_no_go,
    linear_system,
    stable_amplification,
    stomatogastric,
)
from neuropil.studies.contract import DrawnFigure


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """Linear systems, the scaling study, Go/No-Go, the ganglion, and across the documents."""
    yield linear_system.pairs(results)
    yield linear_system.directions_and_path(results)
    yield linear_system.printed(configuration, results)
    yield stable_amplification.entropies(configuration, results)
    yield go_no_go.pairs(results)
    yield go_no_go.trap(results)
    yield stomatogastric.synapses(results)
    yield stomatogastric.predicted(configuration, results)
    yield stomatogastric.hub(results)
    yield from across.figures(configuration, results)


__all__ = ["figures"]
