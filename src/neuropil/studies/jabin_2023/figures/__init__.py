"""The figures of the study: what the slides state, drawn from networks and their limits."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.jabin_2023.figures import convergence, limits


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """A network and its limit, convergence, hypotheses, connectomes, the hierarchy."""
    return as_far_as_run(
        partial(limits.network_and_limit, configuration, results),
        partial(convergence.all_families, results),
        partial(limits.observables, results),
        partial(convergence.two_errors, results),
        partial(limits.neural_field, results),
        partial(convergence.connectomes, configuration, results),
        partial(convergence.hierarchy, results),
    )


__all__ = ["figures"]
