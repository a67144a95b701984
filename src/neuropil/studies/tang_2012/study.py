"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.tang_2012 import configuration as numbers
from neuropil.studies.tang_2012.branches import run_bistable, run_mixed, run_saturation
from neuropil.studies.tang_2012.claims import claims
from neuropil.studies.tang_2012.ensemble import run_ensemble
from neuropil.studies.tang_2012.figures import figures
from neuropil.studies.tang_2012.limit import run_limit
from neuropil.studies.tang_2012.neuron import run_neuron
from neuropil.studies.tang_2012.spiking_networks import run_delays, run_network, run_sweep
from neuropil.studies.tang_2012.whole_connectomes import run_connectome
from neuropil.types import RandomKey

Work = Callable[[Mapping[str, Any], RandomKey], xr.Dataset]


class TangStudy(AbstractStudy):
    """Heterogeneous firing rates on random and real wiring, and the poster's future work."""

    name = "tang-2012"
    title = "Heterogeneous firing rates modeled in densely connected recurrent neural networks"
    source = (
        "K. Tang, Y. Hu and E. Shea-Brown, poster, University of Washington; equation 1 from "
        "J. Trousdale, Y. Hu, E. Shea-Brown and K. Josic, PLoS Comput. Biol. 8(3), 2012"
    )

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """Ensembles, branches, connectomes, sizes of the limit, and spiking networks."""
        return [Shard(index, name) for index, name in enumerate(_work(configuration))]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """The neuron, the random networks of the poster, and pieces of real connectomes."""
        sizes, real = configuration["ensemble"]["sizes"], configuration["real_families"]
        kinds = numbers.KINDS
        random = [
            f"{family}-{kind}-{size}"
            for family in numbers.RANDOM_FAMILIES
            for size in sizes
            for kind in kinds
        ]
        return ["neuron", *random, *(f"{family}-excitatory-{sizes[-1]}" for family in real)]

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
        """Figures 1 to 4 of the poster and those of its future work."""
        return figures(configuration, results)


def _work(configuration: Mapping[str, Any]) -> dict[str, Work]:
    """What each shard computes, by name."""
    work: dict[str, Work] = {"neuron": run_neuron}
    sizes = configuration["ensemble"]["sizes"]
    wanted = [(family, size) for family in numbers.RANDOM_FAMILIES for size in sizes]
    wanted += [(family, sizes[-1]) for family in configuration["real_families"]]
    for family, size in wanted:
        for kind in numbers.KINDS:
            work[f"{family}-{kind}-{size}"] = partial(
                run_ensemble, family=family, kind=kind, size=size
            )
    work["branches-mixed"] = run_mixed
    work["branches-bistable"] = run_bistable
    work["branches-saturation"] = run_saturation
    for name in configuration["connectomes"]["names"]:
        work[f"whole-{name}"] = partial(run_connectome, name=name)
    for size in configuration["sonet_limit"]["sizes"]:
        work[f"limit-{size}"] = partial(run_limit, size=size)
    # A shard's random numbers follow its place in this list: later work goes at the end.
    for name, (family, kind, neurons, duration) in configuration["spiking"]["networks"].items():
        work[f"spikes-{name}"] = partial(
            run_network, family=family, kind=kind, size=neurons, duration=duration
        )
    work["spikes-sweep"] = run_sweep
    work["spikes-delays"] = run_delays
    return work
