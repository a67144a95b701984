"""Claims on what the document expects beyond its figures: cells needed for integration."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.peterson_2021.claims.intervals import median, median_difference

Results = Mapping[str, xr.Dataset]

NEEDED = 0.9
"""Of the way from chance to the ideal observer."""
_CHANCE = 0.5


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Cells, precision of weights, and whether it is the kind or its time constant."""
    shards = [f"integration-noise-{level:g}" for level in configuration["integration"]["noise"]]
    return as_far_as_run(
        *(
            partial(statement, results, shard)
            for shard in shards
            for statement in (fewer_cells, precision, time_constant)
        )
    )


def cells_needed(data: xr.Dataset, kind: str) -> float:
    """The fewest cells whose median accuracy is good enough; infinite where none is."""
    goal = _CHANCE + NEEDED * (float(data.best) - _CHANCE)
    medians = np.median(data.accuracy.sel(kind=kind).values, axis=1)
    enough = data.cells.values[medians >= goal]
    return float(enough[0]) if enough.size else np.inf


def fewer_cells(results: Results, shard: str) -> Claim:
    """Astrocytes need fewer."""
    data = results[shard]
    local, neurons = (cells_needed(data, kind) for kind in ("slow, local", "fast, all to all"))
    return judged(
        local < neurons,
        identifier=f"cells-{shard}",
        where="Astrocyte complexity; Discussion",
        statement="To integrate evidence, astrocytes need fewer cells than neurons "
        f"({_noise(data)}).",
        published="expected: several neurons with exacting properties against natural integration",
        measured=f"cells needed for {NEEDED:.0%} of the way to the ideal observer "
        f"({float(data.best):.3f}): {_count(local)} and {_count(neurons)}; median accuracy of one "
        f"cell {_at(data, 'slow, local', 0)} and {_at(data, 'fast, all to all', 0)}",
        rule="fewer cells, by median accuracy over seeds",
        values={"astrocytes": local, "neurons": neurons},
        otherwise="both kinds need as many, or more than were tried",
    )


def precision(results: Results, shard: str) -> Claim:
    """Neurons need exact weights."""
    data = results[shard].isel(cells=-1)
    error = float(data.error[-2])
    lost = {
        kind: median_difference(
            data.accuracy_with_errors.sel(kind=kind).values[:, 0],
            data.accuracy_with_errors.sel(kind=kind, error=error).values,
        )
        for kind in ("slow, local", "fast, all to all")
    }
    astrocytes, neurons = lost["slow, local"], lost["fast, all to all"]
    return judged(
        neurons.lower > astrocytes.upper,
        identifier=f"precision-{shard}",
        where="Astrocyte complexity",
        statement=f"Integration by neurons takes exacting properties ({_noise(data)}).",
        published="several cells, or circuits, with exacting properties",
        measured=f"accuracy lost when all weights among {int(data.cells)} cells are off by "
        f"{error:.0%}: {neurons} for neurons, {astrocytes} for astrocytes",
        rule="the 95 % interval of neurons lies above that of astrocytes",
        values={"neurons": neurons.value, "astrocytes": astrocytes.value},
        otherwise="the two intervals overlap: at this error the loss of neurons is not told from "
        "that of astrocytes",
    )


def time_constant(results: Results, shard: str) -> Claim:
    """Is it the kind, or how slow it is?"""
    data = results[shard].isel(cells=0)
    slow = median_difference(
        data.accuracy.sel(kind="slow, all to all").values,
        data.accuracy.sel(kind="slow, local").values,
    )
    fast = median_difference(
        data.accuracy.sel(kind="slow, local").values, data.accuracy.sel(kind="fast, local").values
    )
    return judged(
        abs(slow.value) < abs(fast.value) and fast.lower > 0,
        identifier=f"time-constant-{shard}",
        where="beyond the document",
        statement="It is the time constant that integrates, not locality: neurons as slow as "
        f"astrocytes do as well, astrocytes as fast as neurons do not ({_noise(data)}).",
        published="slow calcium dynamics, combined with waves, generate natural integration",
        measured=f"one cell: slow minus fast {fast}; all to all minus local, both slow {slow}",
        rule="the interval of slow minus fast lies above 0, and the other difference is smaller",
        values={"slow_minus_fast": fast.value, "wiring": slow.value},
        otherwise="one cell of either kind does as well, or seeds are too few to tell",
    )


def _at(data: xr.Dataset, kind: str, place: int) -> str:
    return str(median(data.accuracy.sel(kind=kind).values[place]))


def _count(cells: float) -> str:
    return f"{cells:.0f}" if np.isfinite(cells) else "more than were tried"


def _noise(data: xr.Dataset) -> str:
    return f"noise {float(data.noise):g} in every cell"


__all__ = ["NEEDED", "cells_needed", "claims"]
