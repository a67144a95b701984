"""The figures of the study: what the slides state, drawn from networks and their limits."""

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from neuropil.studies.contract import DrawnFigure
from neuropil.studies.jabin_2023.figures import convergence, limits


def figures(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Iterator[DrawnFigure]:
    """A network and its limit, convergence, hypotheses, connectomes, the hierarchy."""
    yield limits.network_and_limit(configuration, results)
    yield convergence.all_families(results)
    yield limits.observables(results)
    yield convergence.two_errors(results)
    yield limits.neural_field(results)
    yield convergence.connectomes(configuration, results)
    yield convergence.hierarchy(results)


__all__ = ["figures"]
