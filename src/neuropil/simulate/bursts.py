"""Bursts: groups of spikes with long pauses between them."""

from typing import no_type_check

import equinox as eqx
import numba
import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neuropil.simulate.conductance_record import ConductanceSpikes


class Bursts(eqx.Module):
    """Bursts of many circuits, padded to the longest list of them.

    `begins[circuit, cell, :counts[circuit, cell]]` are the times of the first spikes of the
    bursts, `ends` those of the last (ms), `spikes` how many there are in each; what follows is
    not a number, or 0.
    """

    begins: Float[np.ndarray, "circuits cells bursts"]
    ends: Float[np.ndarray, "circuits cells bursts"]
    spikes: Int[np.ndarray, "circuits cells bursts"]
    counts: Int[np.ndarray, "circuits cells"]
    cell_names: tuple[str, ...] = eqx.field(static=True)

    @property
    def durations(self) -> Float[np.ndarray, "circuits cells bursts"]:
        """From the first spike of each burst to the last, in ms."""
        return self.ends - self.begins

    def to_xarray(self) -> xr.Dataset:
        """`begin`, `end` and `spike_count` over `circuit`, `cell` and `burst`."""
        axes = ("circuit", "cell", "burst")
        return xr.Dataset(
            {
                "begin": (axes, self.begins, {"units": "ms"}),
                "end": (axes, self.ends, {"units": "ms"}),
                "spike_count": (axes, self.spikes),
                "burst_count": (("circuit", "cell"), self.counts),
            },
            coords={"cell": ("cell", list(self.cell_names))},
        )


def find_bursts(
    spikes: ConductanceSpikes,
    *,
    begin: float = 1000.0,
    longest_interval: float = 150.0,
    shortest_burst: float = 40.0,
) -> Bursts:
    """Group the spikes after `begin` ms into bursts.

    A burst ends where the next spike is `longest_interval` ms or more away; the first begins
    with the first spike and the last ends with the last, whether or not the window cuts it.
    Bursts that last `shortest_burst` ms or less, single spikes among them, do not count. A
    circuit whose simulation ended early has no bursts, and so no statistics of them. The
    defaults are those of the published analysis (Goncalves et al., eLife 9:e56261, 2020), which
    takes the peaks of spikes instead of their rise through the threshold.

    Raises `ValueError` for an interval that is not positive, a negative duration, and a begin
    outside the simulation.
    """
    if not (np.isfinite(longest_interval) and longest_interval > 0):
        raise ValueError(f"longest_interval must be positive, got {longest_interval} ms")
    if not (np.isfinite(shortest_burst) and shortest_burst >= 0):
        raise ValueError(f"shortest_burst must not be negative, got {shortest_burst} ms")
    if not 0 <= begin < spikes.duration:
        raise ValueError(
            f"begin must lie in the simulation of {spikes.duration} ms, got {begin} ms"
        )
    complete = np.where(spikes.is_complete[:, None], spikes.counts, 0)
    begins, ends, sizes, counts = _group(
        spikes.times, complete, begin, longest_interval, shortest_burst
    )
    longest = int(counts.max(initial=0))
    return Bursts(
        begins[..., :longest], ends[..., :longest], sizes[..., :longest], counts, spikes.cell_names
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def _group(times, counts, begin, longest_interval, shortest_burst):
    begins, ends = np.full(times.shape, np.nan), np.full(times.shape, np.nan)
    sizes, found = np.zeros(times.shape, np.int64), np.zeros(counts.shape, np.int64)
    for circuit in range(times.shape[0]):
        for cell in range(times.shape[1]):
            own = times[circuit, cell, : counts[circuit, cell]]
            first, n = np.searchsorted(own, begin), 0
            for last in range(first, own.size):
                is_end = last + 1 == own.size or own[last + 1] - own[last] >= longest_interval
                if not is_end:
                    continue
                if own[last] - own[first] > shortest_burst:
                    begins[circuit, cell, n], ends[circuit, cell, n] = own[first], own[last]
                    sizes[circuit, cell, n] = last - first + 1
                    n += 1
                first = last + 1
            found[circuit, cell] = n
    return begins, ends, sizes, found


__all__ = ["Bursts", "find_bursts"]
