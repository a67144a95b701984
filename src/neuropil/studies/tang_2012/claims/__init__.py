"""The ledger of the study: what the poster states, and what it left to do."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.tang_2012.claims import (
    connectomes,
    fixed_points,
    heterogeneity,
    networks,
    spiking,
)


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims, in the order of the poster and then of its future work."""
    chapters = (networks, fixed_points, heterogeneity, connectomes, spiking)
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]
