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


def test_gates_first_at_a_coarser_step_is_nearer_than_the_published_order():
    """Circuits near that of figure 5a: what each step changes, in units of the targets' spread."""
    spread = np.random.default_rng(0).uniform(-0.05, 0.05, (8, ganglion.SYNAPSES))
    synapses = np.log10(np.asarray(pyloric_circuit_5a().synaptic_conductances)) + spread

    def shift(step, gates_first):
        coarse, fine = (
            ganglion.rhythms(
                {"log_synapses": synapses}, step=each, duration=6000.0, gates_first=first
            )
            for each, first in ((step, gates_first), (0.01, True))
        )
        assert fine.is_triphasic.sum() >= 6
        return ganglion.typical_shift(NUMBERS, coarse, fine)

    published = shift(NUMBERS["published_step"], False)
    own, finer = shift(NUMBERS["step"], True), shift(NUMBERS["fine_step"], True)
    assert own.max() < 0.5 * published.max()
    assert finer.max() < 0.3 * own.max()


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
