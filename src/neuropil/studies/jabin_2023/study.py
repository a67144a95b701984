"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.jabin_2023 import configuration as numbers
from neuropil.studies.jabin_2023.claims import claims
from neuropil.studies.jabin_2023.convergence import run_family
from neuropil.studies.jabin_2023.correlated import run_correlated
from neuropil.studies.jabin_2023.families import FAMILIES
from neuropil.studies.jabin_2023.figures import figures
from neuropil.studies.jabin_2023.hierarchy import run_hierarchy
from neuropil.studies.jabin_2023.misprints import run_misprints
from neuropil.studies.jabin_2023.neural_field import run_neural_field
from neuropil.studies.jabin_2023.picture import run_picture
from neuropil.studies.jabin_2023.real_connectomes import run_connectome
from neuropil.studies.jabin_2023.splitting import run_split
from neuropil.types import RandomKey

Work = Callable[[Mapping[str, Any], RandomKey], xr.Dataset]


def _work(configuration: Mapping[str, Any]) -> dict[str, Work]:
    """What is computed, the longest first."""
    real = configuration["connectomes"]["names"]
    return {
        **{name: partial(run_family, name=name) for name in FAMILIES},
        "split": run_split,
        **{name: partial(run_connectome, name=name) for name in real},
        "correlated": run_correlated,
        "neural-field": run_neural_field,
        "hierarchy": run_hierarchy,
        "misprints": run_misprints,
        "picture": run_picture,
    }


class JabinStudy(AbstractStudy):
    """Tree-indexed observables of integrate-and-fire networks and their mean-field limit."""

    name = "jabin-2023"
    title = "The mean-field limit of integrate-and-fire networks without symmetry"
    source = (
        'P.-E. Jabin, "Some new approaches to the mean-field limit of integrate and fire systems" '
        "(slides; with D. Poyato, J. Soler and D. Zhou; Jabin and Zhou, arXiv:2309.04046)"
    )

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """One for each family of networks, each connectome and each question."""
        return [Shard(index, name) for index, name in enumerate(_work(configuration))]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """Dense networks, a real connectome, the hierarchy, and the formulae of the slides."""
        real = configuration["connectomes"]["names"]
        return ["dense", real[0], "neural-field", "hierarchy", "misprints", "picture"]

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
        """Convergence, the split error, neural field, connectomes, hierarchy and misprints."""
        return figures(configuration, results)
