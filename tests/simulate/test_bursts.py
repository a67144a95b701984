"""Bursts and triphasic rhythms in spike trains that were made to have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.simulate import ConductanceSpikes, find_bursts, triphasic_rhythm

CELLS = ("first", "second", "third")


def record(trains, duration, names=CELLS):
    """Spikes of circuits from lists of times: one list a circuit, of one array a cell."""
    counts = np.array([[len(train) for train in circuit] for circuit in trains])
    times = np.full((*counts.shape, max(1, counts.max())), np.nan)
    for i, circuit in enumerate(trains):
        for j, train in enumerate(circuit):
            times[i, j, : len(train)] = train
    n = len(trains)
    return ConductanceSpikes(
        times, counts, np.zeros(0), np.zeros((n, 0, len(names))), np.zeros((n, 1)),
        np.zeros(n, int), np.full(n, duration), np.zeros(n, int), names, duration,
    )  # fmt: skip


def spikes_of(begins, length, n=6):
    return np.concatenate([begin + np.linspace(0.0, length, n) for begin in begins])


@given(
    lengths=st.lists(st.floats(41.0, 400.0), min_size=1, max_size=8),
    pauses=st.lists(st.floats(150.5, 900.0), min_size=8, max_size=8),
    n=st.integers(5, 12),
)
def test_bursts_are_found_where_they_were_put(lengths, pauses, n):
    begins = 1000.0 + np.cumsum([5.0] + [a + b for a, b in zip(lengths, pauses, strict=False)])
    begins = begins[: len(lengths)]
    train = np.concatenate(
        [begin + np.linspace(0, length, n) for begin, length in zip(begins, lengths, strict=True)]
    )
    alone = np.array([100.0, 500.0])  # before the window
    found = find_bursts(record([[np.concatenate([alone, train])]], 1e5, ("cell",)))
    assert found.counts[0, 0] == len(lengths)
    np.testing.assert_allclose(found.begins[0, 0], begins)
    np.testing.assert_allclose(found.durations[0, 0], lengths, atol=1e-9)
    assert np.all(found.spikes[0, 0] == n)


def test_single_spikes_and_short_bursts_do_not_count():
    train = np.array([1000.0, 2000.0, 2040.0, 3000.0, 3041.0, 4000.0])
    found = find_bursts(record([[train]], 5000.0, ("cell",)))
    np.testing.assert_array_equal(found.begins[0, 0], [3000.0])
    every = find_bursts(record([[train]], 5000.0, ("cell",)), shortest_burst=0.0)
    np.testing.assert_array_equal(every.begins[0, 0], [2000.0, 3000.0])
    assert find_bursts(record([[[]]], 5000.0, ("cell",))).counts[0, 0] == 0


@given(
    period=st.floats(900.0, 2500.0),
    lengths=st.tuples(*[st.floats(0.05, 0.2)] * 3),
    phases=st.tuples(st.floats(0.25, 0.45), st.floats(0.5, 0.75)),
)
def test_a_periodic_rhythm_gives_back_its_numbers(period, lengths, phases):
    n = 8
    starts = 1000.0 + period * (0.02 + np.arange(n))
    offsets = np.array([0.0, *phases]) * period
    durations = np.array(lengths) * period
    trains = [spikes_of(starts + a, b, 12) for a, b in zip(offsets, durations, strict=True)]
    rhythm = triphasic_rhythm(find_bursts(record([trains], 1e5), shortest_burst=10.0))
    expected = [
        period,
        *durations,
        *lengths,
        *phases,
        *np.diff(offsets),
        *(offsets[1:] - offsets[:-1] - durations[:-1]),
        *((offsets[1:] - offsets[:-1] - durations[:-1]) / period),
    ]
    np.testing.assert_allclose(rhythm.statistics[0], expected, rtol=1e-9, atol=1e-9)
    assert rhythm.period_variation[0] < 1e-9
    np.testing.assert_allclose(rhythm.end_phases[0], np.array(phases) + lengths[1:], rtol=1e-9)
    np.testing.assert_array_equal(rhythm.spikes_per_burst[0], 12)
    assert rhythm.triphasic_share[0] == 1
    ordered = phases[0] + lengths[1] <= phases[1] + lengths[2]
    assert rhythm.is_pyloric[0] == ordered
    np.testing.assert_array_equal(rhythm.of("cycle period"), rhythm.statistics[:, 0])
    assert len(set(rhythm.names)) == len(rhythm.units) == rhythm.statistics.shape[1] == 15


def test_the_wrong_order_is_triphasic_but_not_pyloric():
    starts = 1000.0 + 1500.0 * np.arange(6)
    first, second, third = (spikes_of(starts + a, 200.0) for a in (0.0, 400.0, 800.0))
    rhythm = triphasic_rhythm(
        find_bursts(record([[first, second, third], [first, third, second]], 1e5))
    )
    np.testing.assert_array_equal(rhythm.is_triphasic, [True, True])
    np.testing.assert_array_equal(rhythm.is_pyloric, [True, False])
    np.testing.assert_array_equal(rhythm.ordered_share, [1.0, 0.0])


def test_a_tenth_of_the_periods_may_lack_a_burst():
    starts = 1000.0 + 1500.0 * np.arange(11)
    first, second = spikes_of(starts, 200.0), spikes_of(starts + 400.0, 200.0)
    trains = [[first, second, spikes_of(np.delete(starts, missing) + 800.0, 200.0)]
              for missing in ([2], [2, 5])]  # fmt: skip
    rhythm = triphasic_rhythm(find_bursts(record(trains, 1e5)))
    np.testing.assert_allclose(rhythm.triphasic_share, [0.9, 0.8])
    np.testing.assert_array_equal(rhythm.is_triphasic, [True, False])
    names = rhythm.names
    exists = np.isfinite(rhythm.statistics)
    assert np.all(exists[0])
    needs_triphasic = [any(word in name for word in ("phase", "to start")) for name in names]
    np.testing.assert_array_equal(exists[1], ~np.array(needs_triphasic))


def test_statistics_that_do_not_exist_are_not_numbers():
    starts = 1000.0 + 1500.0 * np.arange(4)
    burst = spikes_of(starts, 200.0)
    silent = triphasic_rhythm(find_bursts(record([[[], [], []], [[], burst, []]], 1e5)))
    assert np.all(np.isnan(silent.statistics[0]))
    assert silent.of("second burst duration")[1] == pytest.approx(200.0)
    assert np.isnan(silent.of("second duty cycle")[1])
    assert not np.any(silent.is_pyloric)
    one_period = triphasic_rhythm(find_bursts(record([[burst[:12], [], []]], 1e5)))
    assert one_period.of("cycle period")[0] == pytest.approx(1500.0)
    assert np.isnan(one_period.period_variation[0])
    assert silent.to_xarray()["cycle period"].attrs["units"] == "ms"


def test_a_simulation_that_ended_early_has_no_bursts():
    starts = 1000.0 + 1500.0 * np.arange(4)
    burst = spikes_of(starts, 200.0)
    spikes = record([[burst] * 3, [burst] * 3], 1e4)
    spikes.endings[1] = 1
    bursts = find_bursts(spikes)
    np.testing.assert_array_equal(bursts.counts, [[4] * 3, [0] * 3])
    assert np.all(np.isnan(triphasic_rhythm(bursts).statistics[1]))


def test_bad_input_is_named():
    spikes = record([[[], [], []]], 5000.0)
    for options, text in (
        ({"begin": 5000.0}, "begin must lie in the simulation of 5000.0 ms"),
        ({"longest_interval": 0.0}, "longest_interval must be positive"),
        ({"shortest_burst": -1.0}, "shortest_burst must not be negative"),
    ):
        with pytest.raises(ValueError, match=text):
            find_bursts(spikes, **options)
    with pytest.raises(ValueError, match="bursts must be those of 3 cells, got 1"):
        triphasic_rhythm(find_bursts(record([[[]]], 5000.0, ("cell",))))
    with pytest.raises(ValueError, match="name must be one of cycle period"):
        triphasic_rhythm(find_bursts(spikes)).of("period")
