"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.gong_2023_bandits import configuration as numbers
from neuropil.studies.gong_2023_bandits.claims import claims
from neuropil.studies.gong_2023_bandits.comparisons import (
    CHANGING,
    NETWORKS,
    STATIONARY,
    run_algorithms,
    run_gaps,
    run_network,
)
from neuropil.studies.gong_2023_bandits.contexts import (
    run_numbers,
    run_return,
    run_signals,
)
from neuropil.studies.gong_2023_bandits.dynamics import run_dynamics
from neuropil.studies.gong_2023_bandits.figures import figures
from neuropil.studies.gong_2023_bandits.readings import (
    GROUPS,
    run_amplitudes,
    run_group,
    run_windows,
)
from neuropil.studies.gong_2023_bandits.time_scales import run_dense, run_ratios, run_strong
from neuropil.types import RandomKey

Work = Callable[[Mapping[str, Any], RandomKey], xr.Dataset]


def _work(configuration: Mapping[str, Any]) -> dict[str, Work]:
    """What is computed."""
    work: dict[str, Work] = {
        "flip-flop-time-scales": partial(run_ratios, name="flip-flop"),
        "stationary-time-scales": partial(run_ratios, name="stationary"),
        "strong-astrocytes": run_strong,
    }
    for task in (*CHANGING, *STATIONARY):
        for family in NETWORKS:
            # Among the ratios of `run_ratios` is the documented one.
            if family != "neuroglia" or f"{task}-time-scales" not in work:
                work[f"{task}-{family}"] = partial(run_network, name=task, family=family)
        work[f"{task}-algorithms"] = partial(run_algorithms, name=task)
    for family in (*NETWORKS, "algorithms"):
        work[f"gaps-{family}"] = partial(run_gaps, family=family)
    for group in GROUPS:
        work[f"readings-{group}"] = partial(run_group, group=group)
    work["readings-amplitudes"] = run_amplitudes
    for window in configuration["readings"]["windows"]:
        work[f"window-{window}"] = partial(run_windows, window=window)
    work["contexts-number"] = run_numbers
    work["contexts-return"] = run_return
    work["contexts-signals"] = run_signals
    work["dynamics"] = run_dynamics
    if configuration["networks"]["dense"]:
        work["dense"] = run_dense
    return work


class GongBanditsStudy(AbstractStudy):
    """Neuron-glia networks that learn bandits online, against everything else."""

    name = "gong-2023-bandits"
    title = "Neuron-glia networks that learn while contexts change, and what makes them learn"
    source = (
        "L. Gong, F. Pasqualetti, T. Papouin and S. Ching, "
        '"Astrocytes as a mechanism for meta-plasticity and contextually-guided network function"'
    )

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """One for each family of agents on each task, and one for each question beyond."""
        return [Shard(index, name) for index, name in enumerate(_work(configuration))]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """The flip-flop by time-scale ratio (figure 5A)."""
        del configuration
        return ["flip-flop-time-scales"]

    def run_shard(self, configuration: Mapping[str, Any], index: int, key: RandomKey) -> xr.Dataset:
        """Compute one piece."""
        return list(_work(configuration).values())[index](configuration, key)

    def claims(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> list[Claim]:
        """The ledger."""
        return claims(configuration, results)

    def figures(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> Iterable[DrawnFigure]:
        """Figures 4, 5 and 10 to 14, the readings, and what lies beyond the document."""
        return figures(configuration, results)
