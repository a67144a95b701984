"""What simulating conductance-based circuits gives."""

import equinox as eqx
import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neuropil.result import NotSolved
from neuropil.simulate.conductance_endings import FINISHED, sentence


class ConductanceSpikes(eqx.Module):
    """Spikes of many circuits of conductance-based cells, and the voltages that were sampled.

    `times[circuit, cell, :counts[circuit, cell]]` are the spike times in ms, ascending; what
    follows is not a number. `voltages` (mV) are those at `sample_times`, not a number where a
    circuit had ended. `final_states` has one row a circuit, in the order of the system's
    `state_names`. `endings` is 0 where all went well; `end_times` and `failing_cells` say when
    and in which cell the others ended, and `failure` says it in words.
    """

    times: Float[np.ndarray, "circuits cells longest"]
    counts: Int[np.ndarray, "circuits cells"]
    sample_times: Float[np.ndarray, " samples"]
    voltages: Float[np.ndarray, "circuits samples cells"]
    final_states: Float[np.ndarray, "circuits dimension"]
    endings: Int[np.ndarray, " circuits"]
    end_times: Float[np.ndarray, " circuits"]
    failing_cells: Int[np.ndarray, " circuits"]
    cell_names: tuple[str, ...] = eqx.field(static=True)
    duration: float = eqx.field(static=True)

    @property
    def n_circuits(self) -> int:
        """Number of circuits."""
        return self.endings.size

    @property
    def is_complete(self) -> np.ndarray:
        """Which circuits reached the end."""
        return self.endings == FINISHED

    def of(self, circuit: int, cell: str) -> Float[np.ndarray, " spikes"]:
        """Spike times (ms) of one cell. Raises `ValueError` where there is none such."""
        if cell not in self.cell_names:
            raise ValueError(f"cell must be one of {', '.join(self.cell_names)}; got {cell!r}")
        if not 0 <= circuit < self.n_circuits:
            raise ValueError(f"circuit must be 0 to {self.n_circuits - 1}, got {circuit}")
        number = self.cell_names.index(cell)
        return self.times[circuit, number, : self.counts[circuit, number]]

    @property
    def failure(self) -> str:
        """What went wrong, where, when and the remedy; of several circuits, the first."""
        failed = np.flatnonzero(self.endings != FINISHED)
        if not failed.size:
            return ""
        first = failed[0]
        cell = self.cell_names[self.failing_cells[first]]
        told = sentence(int(self.endings[first]), cell, float(self.end_times[first]))
        return f"{failed.size} of {self.n_circuits} circuits ended early; circuit {first}: {told}"

    def raise_unless_successful(self) -> None:
        """Raise `NotSolved` with `failure` where a circuit did not reach the end."""
        if self.failure:
            raise NotSolved(
                f"conductance_spikes: {self.failure}. (`throw=False` returns what there is.)"
            )

    def to_xarray(self) -> xr.Dataset:
        """`spike_time` over `circuit`, `cell` and `spike`, and what was sampled."""
        return xr.Dataset(
            {
                "spike_time": (("circuit", "cell", "spike"), self.times, {"units": "ms"}),
                "spike_count": (("circuit", "cell"), self.counts),
                "voltage": (("circuit", "time", "cell"), self.voltages, {"units": "mV"}),
                "ending": ("circuit", self.endings),
                "end_time": ("circuit", self.end_times, {"units": "ms"}),
            },
            coords={
                "cell": ("cell", list(self.cell_names)),
                "time": ("time", self.sample_times, {"units": "ms"}),
            },
            attrs={"duration": self.duration, "duration_units": "ms"},
        )


__all__ = ["ConductanceSpikes"]
