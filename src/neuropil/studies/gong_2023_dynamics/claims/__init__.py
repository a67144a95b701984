"""The ledger of the study: sections 2.1.1 to 2.1.3 and SI.1 to SI.5."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.gong_2023_dynamics.claims import equilibria, pseudo_bifurcation, theorems


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims: theorems, equilibria of the figures, the fold, and slow-fast dynamics."""
    chapters = (theorems, equilibria, pseudo_bifurcation)
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]
