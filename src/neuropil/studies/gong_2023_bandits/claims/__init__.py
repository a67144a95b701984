"""The ledger of the study: sections 2.2 and 2.3, SI.6, and what lies beyond them."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.gong_2023_bandits.claims import (
    answer,
    changing,
    contexts,
    dynamics,
    readings,
    stationary,
    time_scales,
)


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims: stationary and changing bandits, time scales, readings, and what lies beyond."""
    chapters = (stationary, changing, time_scales, answer, readings, contexts, dynamics)
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]
