"""The ledger of the study: the theorem, its hypotheses, and the formulae of the slides."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.jabin_2023.claims import connectomes, convergence, formulae


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims: convergence of the observables, real connectomes, misprints."""
    chapters = (convergence, connectomes, formulae)
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]


__all__ = ["claims"]
