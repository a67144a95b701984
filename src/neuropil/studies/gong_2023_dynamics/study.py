"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.gong_2023_dynamics import configuration as numbers
from neuropil.studies.gong_2023_dynamics.circuits_of_figures import run_circuit
from neuropil.studies.gong_2023_dynamics.claims import claims
from neuropil.studies.gong_2023_dynamics.figures import figures
from neuropil.studies.gong_2023_dynamics.layers import run_layer
from neuropil.studies.gong_2023_dynamics.reduction import run_alone, run_context
from neuropil.studies.gong_2023_dynamics.theorems import (
    run_boundedness,
    run_existence,
    run_uniqueness,
)
from neuropil.studies.gong_2023_dynamics.two_fixed_points import run_positive, run_window
from neuropil.types import RandomKey

Work = Callable[[Mapping[str, Any], RandomKey], xr.Dataset]

WORK: dict[str, Work] = {
    "boundedness": run_boundedness,
    "existence": run_existence,
    "uniqueness": run_uniqueness,
    "window": run_window,
    "positive": run_positive,
    "figure-2": partial(run_circuit, figure="figure-2"),
    "figure-8a": partial(run_circuit, figure="figure-8a"),
    "layer-figure-9": partial(run_layer, figure="figure-9"),
    "layer-figure-2": partial(run_layer, figure="figure-2"),
    "slow-fast": run_alone,
    "slow-fast-context": run_context,
}
SLOW_FAST = "slow-fast", "slow-fast-context"


class GongDynamicsStudy(AbstractStudy):
    """Neuron-glia motifs: bounds, every fixed point, pseudo-bifurcation, slow-fast dynamics."""

    name = "gong-2023-dynamics"
    title = "Dynamics of neuron-glia circuits: fixed points, bifurcations and slow-fast analysis"
    source = (
        "L. Gong, F. Pasqualetti, T. Papouin and S. Ching, "
        '"Astrocytes as a mechanism for meta-plasticity and contextually-guided network '
        'function", sections 2.1.1 to 2.1.3 and SI.1 to SI.5'
    )

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """One for each theorem, figure and diagram."""
        return [Shard(index, name) for index, name in enumerate(WORK)]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """Everything but the slow-fast analysis and the layer of Fig. 2."""
        return [name for name in WORK if name not in ("layer-figure-2", *SLOW_FAST)]

    def run_shard(self, configuration: Mapping[str, Any], index: int, key: RandomKey) -> xr.Dataset:
        """Compute one piece."""
        return list(WORK.values())[index](configuration, key)

    def claims(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> list[Claim]:
        """The ledger."""
        return claims(configuration, results)

    def figures(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> Iterable[DrawnFigure]:
        """Figures 2, 7, 8 and 9 of the paper, and the reduction behind Fig. 2D."""
        return figures(configuration, results)
