"""The figures of the study: pair plots, the path to an answer, entropies, and the trap."""

from collections.abc import Iterator, Mapping
from functools import partial
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
from neuropil.studies.finished_shards import as_far_as_run


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """Linear systems, the scaling study, Go/No-Go, the ganglion, and across the documents."""
    return as_far_as_run(
        partial(linear_system.pairs, results),
        partial(linear_system.directions_and_path, results),
        partial(linear_system.printed, configuration, results),
        partial(stable_amplification.entropies, configuration, results),
        partial(go_no_go.pairs, results),
        partial(go_no_go.trap, results),
        partial(stomatogastric.synapses, results),
        partial(stomatogastric.ranges, results),
        partial(stomatogastric.predicted, configuration, results),
        partial(stomatogastric.rasters, configuration, results),
        partial(stomatogastric.hub, results),
        partial(across.figures, configuration, results),
    )


__all__ = ["figures"]
