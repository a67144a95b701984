"""Statistics of a rhythm in which three cells burst in turn."""

from itertools import pairwise
from typing import no_type_check

import equinox as eqx
import numba
import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neuropil.simulate.bursts import Bursts

TRIPHASIC_SHARE = 0.9
"""Of the periods must hold exactly one burst of each cell in a triphasic rhythm."""

PYLORIC_SHARE = 0.7
"""Of the triphasic periods must have their bursts in order in a pyloric rhythm."""


class TriphasicRhythm(eqx.Module):
    """What the bursts of three cells, the first of which sets the pace, say about the rhythm.

    `statistics` are the fifteen published ones, `names` and `units` say which. A period runs
    from one burst of the first cell to its next. `period_variation` is the coefficient of
    variation of the periods; `end_phases` are the ends of the bursts of the second and third
    cell, as parts of the period after the burst of the first begins; `spikes_per_burst` counts
    for each cell. `triphasic_share` is the share of the periods that hold exactly one beginning
    of a burst of each cell, `ordered_share` that of these with the three conditions of Prinz et
    al. 2004: the second cell begins before the third, ends before the third, and begins after
    the end of the first.

    A statistic that does not exist is not a number: periods and what is measured by them need
    two bursts of the first cell, durations one burst of the cell, their variation two periods;
    phases, lags and gaps need a triphasic rhythm.
    """

    statistics: Float[np.ndarray, "circuits statistics"]
    period_variation: Float[np.ndarray, " circuits"]
    end_phases: Float[np.ndarray, "circuits 2"]
    spikes_per_burst: Float[np.ndarray, "circuits 3"]
    triphasic_share: Float[np.ndarray, " circuits"]
    ordered_share: Float[np.ndarray, " circuits"]
    names: tuple[str, ...] = eqx.field(static=True)
    units: tuple[str, ...] = eqx.field(static=True)

    @property
    def is_triphasic(self) -> Bool[np.ndarray, " circuits"]:
        """At least 0.9 of the periods hold exactly one burst of each cell."""
        return self.triphasic_share >= TRIPHASIC_SHARE

    @property
    def is_pyloric(self) -> Bool[np.ndarray, " circuits"]:
        """Triphasic, and in order in at least 0.7 of the triphasic periods."""
        return self.is_triphasic & (self.ordered_share >= PYLORIC_SHARE)

    def of(self, name: str) -> Float[np.ndarray, " circuits"]:
        """One statistic of all circuits. Raises `ValueError` for a name that is not there."""
        if name not in self.names:
            raise ValueError(f"name must be one of {', '.join(self.names)}; got {name!r}")
        return self.statistics[:, self.names.index(name)]

    def to_xarray(self) -> xr.Dataset:
        """One variable for each statistic, over `circuit`."""
        named = {
            name: ("circuit", self.statistics[:, number], {"units": unit})
            for number, (name, unit) in enumerate(zip(self.names, self.units, strict=True))
        }
        return xr.Dataset(
            {
                **named,
                "period variation": ("circuit", self.period_variation),
                "triphasic share": ("circuit", self.triphasic_share),
                "ordered share": ("circuit", self.ordered_share),
                "is pyloric": ("circuit", self.is_pyloric),
            }
        )


def triphasic_rhythm(bursts: Bursts) -> TriphasicRhythm:
    """The statistics of the rhythm of all circuits.

    Cycle period; durations of bursts; duty cycles (duration over period); phases at which the
    second and third cell begin; lags from beginning to beginning and from end to beginning, from
    the first to the second and from the second to the third cell; and the latter as parts of
    the period. Means over bursts, or over triphasic periods where two cells are compared. Source:
    Goncalves et al., eLife 9:e56261 (2020), after Prinz et al., Nature Neuroscience 7:1345 (2004).

    Raises `ValueError` unless there are three cells.
    """
    cells = bursts.cell_names
    if len(cells) != 3:
        raise ValueError(f"bursts must be those of 3 cells, got {len(cells)}: {', '.join(cells)}")
    periods, durations, sizes, begins, ends, shares = _measure(
        bursts.begins, bursts.ends, bursts.spikes, bursts.counts
    )
    period = periods[:, 0]
    is_triphasic = (shares[:, 0] >= TRIPHASIC_SHARE)[:, None]
    begins, ends = np.where(is_triphasic, begins, np.nan), np.where(is_triphasic, ends, np.nan)
    starts_to_starts = np.diff(begins, axis=1)
    ends_to_starts = begins[:, 1:] - ends[:, :-1]
    statistics = np.concatenate(
        [
            period[:, None],
            durations,
            durations / period[:, None],
            begins[:, 1:] / period[:, None],
            starts_to_starts,
            ends_to_starts,
            ends_to_starts / period[:, None],
        ],
        axis=1,
    )
    pairs = [f"{first} to {second}" for first, second in pairwise(cells)]
    return TriphasicRhythm(
        statistics=statistics,
        period_variation=periods[:, 1] / period,
        end_phases=ends[:, 1:] / period[:, None],
        spikes_per_burst=sizes,
        triphasic_share=shares[:, 0],
        ordered_share=shares[:, 1],
        names=(
            "cycle period",
            *(f"{cell} burst duration" for cell in cells),
            *(f"{cell} duty cycle" for cell in cells),
            *(f"{cell} start phase" for cell in cells[1:]),
            *(f"{pair} start to start" for pair in pairs),
            *(f"{pair} end to start" for pair in pairs),
            *(f"{pair} phase gap" for pair in pairs),
        ),
        units=("ms",) * 4 + ("",) * 5 + ("ms",) * 4 + ("",) * 2,
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def _measure(begins, ends, sizes, counts):
    """Of each circuit: mean and deviation of the periods, mean durations and sizes of bursts,
    mean beginnings and ends of bursts within triphasic periods, and the two shares.
    """
    n = begins.shape[0]
    periods, shares = np.full((n, 2), np.nan), np.full((n, 2), np.nan)
    durations, spikes = np.full((n, 3), np.nan), np.full((n, 3), np.nan)
    starts, stops = np.full((n, 3), np.nan), np.full((n, 3), np.nan)
    for circuit in range(n):
        for cell in range(3):
            m = counts[circuit, cell]
            if m:
                lengths = ends[circuit, cell, :m] - begins[circuit, cell, :m]
                durations[circuit, cell] = lengths.mean()
                spikes[circuit, cell] = sizes[circuit, cell, :m].mean()
        n_periods = counts[circuit, 0] - 1
        if n_periods < 1:
            continue
        lengths = begins[circuit, 0, 1 : n_periods + 1] - begins[circuit, 0, :n_periods]
        periods[circuit, 0] = lengths.mean()
        if n_periods > 1:
            squares = ((lengths - lengths.mean()) ** 2).sum()
            periods[circuit, 1] = np.sqrt(squares / (n_periods - 1))
        n_triphasic, n_ordered = 0, 0
        begin_sum, end_sum = np.zeros(3), np.zeros(3)
        for period in range(n_periods):
            low, high = begins[circuit, 0, period], begins[circuit, 0, period + 1]
            begin, end = np.zeros(3), np.zeros(3)
            is_triphasic = True
            for cell in range(3):
                own = begins[circuit, cell, : counts[circuit, cell]]
                first, after = np.searchsorted(own, low), np.searchsorted(own, high)
                if after - first != 1:
                    is_triphasic = False
                    break
                begin[cell], end[cell] = own[first] - low, ends[circuit, cell, first] - low
            if is_triphasic:
                n_triphasic += 1
                begin_sum += begin
                end_sum += end
                if begin[1] <= begin[2] and end[1] <= end[2] and end[0] <= begin[1]:
                    n_ordered += 1
        shares[circuit, 0] = n_triphasic / n_periods
        if n_triphasic:
            starts[circuit], stops[circuit] = begin_sum / n_triphasic, end_sum / n_triphasic
            shares[circuit, 1] = n_ordered / n_triphasic
    return periods, durations, spikes, starts, stops, shares


__all__ = ["PYLORIC_SHARE", "TRIPHASIC_SHARE", "TriphasicRhythm", "triphasic_rhythm"]
