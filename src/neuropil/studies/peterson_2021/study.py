"""The study as the machinery sees it: shards of work, claims and figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.peterson_2021 import configuration as numbers
from neuropil.studies.peterson_2021.claims import claims
from neuropil.studies.peterson_2021.classifiers import run_colearning, run_projection, run_xor
from neuropil.studies.peterson_2021.complexity import run_complexity
from neuropil.studies.peterson_2021.cross_mapping import run_cross_mapping
from neuropil.studies.peterson_2021.disturbances import run_disturbances
from neuropil.studies.peterson_2021.equivalence import run_equivalence
from neuropil.studies.peterson_2021.figures import figures
from neuropil.studies.peterson_2021.integration import run_integration
from neuropil.studies.peterson_2021.networks import CONTROLS, FORMS
from neuropil.types import RandomKey

Work = Callable[[Mapping[str, Any], RandomKey], xr.Dataset]

COMPARED = (*FORMS, "neurons")


def _work(configuration: Mapping[str, Any]) -> dict[str, Work]:
    """What is computed, the longest first."""
    images = configuration["images"]["names"]
    levels = configuration["integration"]["noise"]
    return {
        **{
            f"disturbances-{form}".replace("_", "-"): partial(
                run_disturbances, images=images[0], form=form
            )
            for form in configuration["disturbances"]["forms"]
        },
        **{
            f"{name}-autoencoder": partial(run_colearning, images=name, kinds=COMPARED)
            for name in images
        },
        **{
            f"{name}-projection": partial(run_projection, images=name, kinds=COMPARED)
            for name in images
        },
        **{
            f"{name}-controls": partial(run_projection, images=name, kinds=CONTROLS)
            for name in images
        },
        "xor": run_xor,
        **{
            f"integration-noise-{level:g}": partial(run_integration, noise=level)
            for level in levels
        },
        "cross-mapping": run_cross_mapping,
        "equivalence": run_equivalence,
        "complexity": run_complexity,
    }


class PetersonStudy(AbstractStudy):
    """Waves between nearest neighbours that compute, learn, fail and integrate."""

    name = "peterson-2021"
    title = "What can astrocytes compute? Waves between neighbours that learn, fail and integrate"
    source = 'E. J. Peterson, "What can astrocytes compute?" (bioRxiv, 2021)'

    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on."""
        return numbers.configuration(scale)

    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """One for each task and front end, each kind of steps under disturbance, each question."""
        return [Shard(index, name) for index, name in enumerate(_work(configuration))]

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """Images behind a random projection, the theorem, and the formulae of complexity."""
        images = configuration["images"]["names"]
        return [f"{images[0]}-projection", "equivalence", "complexity"]

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
        """Learning, disturbances, complexity, the theorem, integration and cross mapping."""
        return figures(configuration, results)
