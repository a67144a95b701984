"""The ledger of the study: learning, disturbances, complexity, the theorem, and beyond."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.peterson_2021.claims import (
    cross_mapping,
    disturbances,
    integration,
    learning,
    theory,
)


def claims(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims."""
    chapters = (theory, learning, disturbances, integration, cross_mapping)
    return [claim for chapter in chapters for claim in chapter.claims(configuration, results)]


__all__ = ["claims"]
