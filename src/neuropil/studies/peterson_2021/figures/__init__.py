"""The figures of the study: Fig. 3 and 4 anew, and what the document leaves open."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.peterson_2021.figures import beyond, learning, theory


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """Learning, controls, disturbances, complexity, leak, integration and cross mapping."""
    images = configuration["images"]["names"]
    return as_far_as_run(
        partial(learning.xor, results),
        *(
            partial(learning.curves, results, name, front)
            for name in images
            for front in ("projection", "autoencoder")
        ),
        *(partial(learning.controls, results, name) for name in images),
        *(
            partial(learning.disturbances, configuration, results, kind)
            for kind in ("leak", "loss", "noise")
        ),
        partial(theory.penalties, results),
        partial(theory.equivalence, results),
        partial(beyond.integration, configuration, results),
        partial(beyond.examples, configuration, results),
        partial(beyond.cross_mapping, configuration, results),
    )


__all__ = ["figures"]
