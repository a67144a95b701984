"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from neuropil.studies.bittner_2018 import configuration as numbers
from neuropil.studies.bittner_2018.claims import claims
from neuropil.studies.bittner_2018.discrimination import run_discrimination
from neuropil.studies.bittner_2018.figures import figures
from neuropil.studies.bittner_2018.go_no_go import run_go_no_go
from neuropil.studies.bittner_2018.go_no_go_path import run_go_no_go_path
from neuropil.studies.bittner_2018.heterogeneous_rates import run_heterogeneous_rates
from neuropil.studies.bittner_2018.hub import run_hub
from neuropil.studies.bittner_2018.linear_system import run_linear_system, run_printed_example
from neuropil.studies.bittner_2018.stable_amplification import run_stable_amplification
from neuropil.studies.bittner_2018.stomatogastric import run_stomatogastric
from neuropil.studies.bittner_2018.three_fixed_points import run_three_fixed_points
from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.types import RandomKey

Work = Callable[..., xr.Dataset]

_KEEP_THEIR_STATE = "stomatogastric", "stable-amplification"
"""Shards that take a folder `checkpoint`, by how their names begin."""


def _work(configuration: Mapping[str, Any]) -> dict[str, Work]:
    """What is computed, the longest first."""
    sizes = sorted(configuration["stable_amplification"]["neurons"], reverse=True)
    return {
        "stomatogastric": run_stomatogastric,
        "go-no-go": run_go_no_go,
        "printed-example": run_printed_example,
        **{
            f"stable-amplification-{size}": partial(run_stable_amplification, neurons=size)
            for size in sizes
        },
        "three-fixed-points": run_three_fixed_points,
        "heterogeneous-rates": run_heterogeneous_rates,
        "linear-system": run_linear_system,
        "hub": run_hub,
        "discrimination": run_discrimination,
        "go-no-go-path": run_go_no_go_path,
    }


class BittnerStudy(AbstractStudy):
    """Distributions of parameters of largest entropy that yield a behaviour."""

    name = "bittner-2018"
    title = "Degenerate solution networks: all parameters that yield a behaviour"
    source = (
        'S. R. Bittner and J. P. Cunningham, "Degenerate solution networks (DSNs) for theoretical '
        'neuroscience" (abstract, Cosyne 2019); scaling study: Bittner et al., eLife 2021'
    )

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """One for each problem, and for each size of the scaling study."""
        return [Shard(index, name) for index, name in enumerate(_work(configuration))]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """The linear system, as it was meant and as it was printed."""
        return ["linear-system", "printed-example"]

    def run_shard(self, configuration: Mapping[str, Any], index: int, key: RandomKey) -> xr.Dataset:
        """Compute one piece."""
        return list(_work(configuration).values())[index](configuration, key)

    def resume_shard(
        self, configuration: Mapping[str, Any], index: int, key: RandomKey, workspace: Path
    ) -> xr.Dataset:
        """Compute one piece, the longest ones from where they were stopped."""
        name, work = list(_work(configuration).items())[index]
        if name.startswith(_KEEP_THEIR_STATE):
            return work(configuration, key, checkpoint=workspace)
        return work(configuration, key)

    def claims(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> list[Claim]:
        """The ledger."""
        return claims(configuration, results)

    def figures(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> Iterable[DrawnFigure]:
        """Pair plots, entropies against the published runs, the trap, and a path."""
        return figures(configuration, results)
