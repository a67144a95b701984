"""The ledger of the study: linear systems, networks of low rank, and the scaling study."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.bittner_2018.claims import (
    across,
    go_no_go,
    linear_system,
    stable_amplification,
    stomatogastric,
)
from neuropil.studies.claims import Claim


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims."""
    chapters = (
        linear_system,
        go_no_go,
        stable_amplification,
        stomatogastric,
        across,
    )
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]


__all__ = ["claims"]
