"""The ganglion in the study bittner-2018: steps against each other, and claims that can fail."""

import numpy as np
import pytest
import xarray as xr

from neuropil.circuits import pyloric_circuit_5a
from neuropil.studies import Verdict
from neuropil.studies.bittner_2018 import STUDY
from neuropil.studies.bittner_2018 import stomatogastric as ganglion
from neuropil.studies.bittner_2018.claims import stomatogastric as claims

NUMBERS = STUDY.configuration("quick")["stomatogastric"]


def test_both_scales_vary_what_they_say():
    cells, synapses = ganglion.support(False), ganglion.support(True)
    assert (cells.dimension, synapses.dimension) == (31, 7)
    assert sorted(group.stop - group.start for group in cells.groups) == [7, 8, 8, 8]


def near_figure_5a(step, gates_first):
    """Rhythms of circuits near that of figure 5a."""
    spread = np.random.default_rng(0).uniform(-0.05, 0.05, (8, ganglion.SYNAPSES))
    synapses = np.log10(np.asarray(pyloric_circuit_5a().synaptic_conductances)) + spread
    return ganglion.rhythms(
        {"log_synapses": synapses}, step=step, duration=6000.0, gates_first=gates_first
    )


def test_gates_first_at_a_coarser_step_is_nearer_than_the_published_order():
    """The rate of the bursts; a burst may have a spike more or less at any step."""
    exact = near_figure_5a(0.01, True)
    place = list(NUMBERS["targets"]).index("burst_rate")
    published, own = (
        ganglion.typical_shift(NUMBERS, near_figure_5a(*how), exact)[place]
        for how in ((NUMBERS["published_step"], False), (NUMBERS["step"], True))
    )
    assert own < 0.1 * published


def test_only_circuits_whose_bursts_come_in_order_have_statistics():
    rhythm = near_figure_5a(NUMBERS["step"], True)
    assert 0 < rhythm.is_pyloric.sum() < 8
    for values in ganglion.statistics_of(rhythm).values():
        np.testing.assert_array_equal(np.isfinite(values), rhythm.is_pyloric)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.25, Verdict.NOT_REPRODUCED), (0.05, Verdict.REPRODUCED)]
)
def test_the_published_step_is_judged_by_what_it_shifts(shift, verdict):
    names = list(ganglion.UNITS)
    shifts = np.linspace(0.0, shift, len(names))
    data = xr.Dataset(
        {"published_shift": ("name", shifts), "own_shift": ("name", shifts / 10)}, {"name": names}
    )
    claim = claims.step({"stomatogastric": NUMBERS}, {"stomatogastric": data})
    assert claim.verdict == verdict
    assert claim.values["published_shift"] == shift
    assert names[-1] in claim.measured


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.88, Verdict.NOT_REPRODUCED), (0.93, Verdict.REPRODUCED)]
)
def test_a_rhythm_is_judged_by_the_circuits_that_have_it(share, verdict):
    data = xr.Dataset({"pyloric_share": share, "uniform_pyloric_share": 0.01, "fresh_sets": 1000})
    assert claims.rhythm({"stomatogastric": data}).verdict == verdict
