"""What simulating spikes gives."""

import equinox as eqx
import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neuropil.result import NotSolved
from neuropil.simulate.spike_endings import FINISHED, sentence


class Spikes(eqx.Module):
    """Spikes of all realisations of a network, and the membrane potentials that were sampled.

    The spikes of realisation r are `times[s]` (ms, ascending) of `neurons[s]` for
    s = `start[r]` to `start[r + 1]`; `of(r)` gives them. `potentials` (mV) are those of
    `sampled_neurons` at `sample_times`, not a number where a realisation had ended. `endings`
    holds a number a realisation, 0 where all went well; `failing_neurons`, `end_times` and
    `failing_values` say where, when and at what value the others ended, and `failure` says it in
    words.
    """

    times: Float[np.ndarray, " spikes"]
    neurons: Int[np.ndarray, " spikes"]
    start: Int[np.ndarray, " realisations_plus_one"]
    sample_times: Float[np.ndarray, " samples"]
    sampled_neurons: Int[np.ndarray, " sampled"]
    potentials: Float[np.ndarray, "realisations samples sampled"]
    endings: Int[np.ndarray, " realisations"]
    failing_neurons: Int[np.ndarray, " realisations"]
    end_times: Float[np.ndarray, " realisations"]
    failing_values: Float[np.ndarray, " realisations"]
    n_neurons: int = eqx.field(static=True)
    duration: float = eqx.field(static=True)

    @property
    def n_realisations(self) -> int:
        """Number of realisations."""
        return self.start.size - 1

    @property
    def n_spikes(self) -> Int[np.ndarray, " realisations"]:
        """Number of spikes of each realisation."""
        return np.diff(self.start)

    def of(
        self, realisation: int
    ) -> tuple[Float[np.ndarray, " spikes"], Int[np.ndarray, " spikes"]]:
        """Times and neurons of one realisation. Raises `ValueError` where there is none."""
        if not 0 <= realisation < self.n_realisations:
            raise ValueError(
                f"realisation must be 0 to {self.n_realisations - 1}, got {realisation}"
            )
        chosen = slice(self.start[realisation], self.start[realisation + 1])
        return self.times[chosen], self.neurons[chosen]

    def rates(
        self, begin: float = 0.0, end: float | None = None
    ) -> Float[np.ndarray, "realisations neurons"]:
        """Spikes/ms of each neuron between two times (ms), by default over all of it.

        Raises `ValueError` unless 0 <= begin < end <= duration.
        """
        end = self.duration if end is None else end
        if not 0 <= begin < end <= self.duration:
            raise ValueError(
                f"begin and end must satisfy 0 <= begin < end <= {self.duration}, got {begin} "
                f"and {end} ms"
            )
        rates = np.empty((self.n_realisations, self.n_neurons))
        for realisation in range(self.n_realisations):
            times, neurons = self.of(realisation)
            first, last = np.searchsorted(times, [begin, end])
            rates[realisation] = np.bincount(neurons[first:last], minlength=self.n_neurons)
        return rates / (end - begin)

    def population_rate(
        self, bin_width: float
    ) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, "realisations bins"]]:
        """Middle of each bin (ms), and the mean rate over neurons in it, in spikes/ms.

        Raises `ValueError` for a width that is not positive or exceeds the duration.
        """
        if not 0 < bin_width <= self.duration:
            raise ValueError(f"bin_width must be above 0 and at most {self.duration}: {bin_width}")
        n_bins = int(self.duration / bin_width * (1 + 1e-12))
        edges = np.arange(n_bins + 1) * bin_width
        counts = [np.histogram(self.of(r)[0], edges)[0] for r in range(self.n_realisations)]
        return edges[:-1] + bin_width / 2, np.array(counts) / (bin_width * self.n_neurons)

    @property
    def failure(self) -> str:
        """What went wrong, where, when and the remedy; of several realisations, the first."""
        failed = np.flatnonzero(self.endings != FINISHED)
        if not failed.size:
            return ""
        r = failed[0]
        told = sentence(
            int(self.endings[r]),
            int(self.failing_neurons[r]),
            float(self.end_times[r]),
            float(self.failing_values[r]),
        )
        return f"realisation {r} of {self.n_realisations}: {told}"

    def raise_unless_successful(self) -> None:
        """Raise `NotSolved` with `failure` where a realisation did not reach the end."""
        if self.failure:
            raise NotSolved(f"spikes: {self.failure}. (`throw=False` returns what there is.)")

    def to_xarray(self) -> xr.Dataset:
        """All spikes as `spike_time` and `neuron` over `spike`, and what was sampled.

        `potential` has dimensions `realisation`, `time` (ms) and `sampled_neuron`; `spike_count`
        counts over `realisation` and `neuron_number`.
        """
        realisation = np.repeat(np.arange(self.n_realisations), self.n_spikes)
        counts = np.rint(self.rates() * self.duration).astype(np.int64)
        return xr.Dataset(
            {
                "spike_time": ("spike", self.times, {"units": "ms"}),
                "neuron": ("spike", self.neurons),
                "realisation_of_spike": ("spike", realisation),
                "spike_count": (("realisation", "neuron_number"), counts),
                "potential": (
                    ("realisation", "time", "sampled_neuron"),
                    self.potentials,
                    {"units": "mV"},
                ),
                "end_time": ("realisation", self.end_times, {"units": "ms"}),
                "ending": ("realisation", self.endings),
            },
            coords={
                "time": ("time", self.sample_times, {"units": "ms"}),
                "sampled_neuron": ("sampled_neuron", self.sampled_neurons),
            },
            attrs={"duration": self.duration, "duration_units": "ms"},
        )


__all__ = ["Spikes"]
