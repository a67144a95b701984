"""Cross mapping on coupled maps whose direction is known, and surrogates against their spectra."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.analysis.cross_mapping import DelayEmbedding, cross_map, forecast_skill
from neuropil.analysis.surrogates import CircularShifts, RandomPhases, TwinSurrogates

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def logistic_maps(x_on_y: float, y_on_x: float, samples: int = 1000):
    """x and y of Sugihara et al. 2012 (Fig. 1), after a transient."""
    x, y = 0.4, 0.2
    rows = []
    for _ in range(samples + 200):
        x, y = x * (3.8 - 3.8 * x - y_on_x * y), y * (3.5 - 3.5 * y - x_on_y * x)
        rows.append((x, y))
    return np.array(rows[200:]).T


PLANE = DelayEmbedding(2)


@pytest.fixture(scope="module")
def one_way():
    x, y = logistic_maps(x_on_y=0.1, y_on_x=0.0)
    return {
        "x from y": cross_map(y, x, PLANE, key=KEY, n_surrogates=99),
        "y from x": cross_map(x, y, PLANE, key=KEY, n_surrogates=99),
    }


def test_the_cause_is_read_from_the_effect(one_way):
    found = one_way["x from y"]
    assert found.skill > 0.9
    assert found.p_value == 0.01
    # Convergent: more states, nearer neighbours.
    means = found.skills.mean(axis=1)
    assert np.all(np.diff(means) > 0)
    assert found.growth > 0.3
    assert found.growth_p_value < 0.1


def test_the_effect_is_not_read_from_the_cause(one_way):
    assert one_way["y from x"].skill < 0.3
    assert one_way["y from x"].growth < 0.3


def test_maps_that_do_not_meet_show_nothing():
    x, y = logistic_maps(0.0, 0.0)
    found = cross_map(y, x, PLANE, key=KEY, n_surrogates=99)
    assert abs(found.skill) < 0.15
    assert found.p_value > 0.05


def test_both_ways_show_both_ways():
    x, y = logistic_maps(0.1, 0.02)
    skills = [cross_map(*pair, PLANE, key=KEY, n_surrogates=19).skill for pair in ((y, x), (x, y))]
    assert min(skills) > 0.5


def test_false_alarms_are_as_rare_as_promised():
    # Smooth series without any relation, for which unshifted statistics would see one.
    smooth = RandomPhases().draw(np.cumsum(RNG.normal(size=300)), 120, key=KEY)
    found = [
        cross_map(
            smooth[2 * k], smooth[2 * k + 1], DelayEmbedding(2, 3, 5), key=KEY,
            library_sizes=[280], libraries=1, n_surrogates=39,
        ).p_value
        for k in range(60)
    ]  # fmt: skip
    # 60 tests at 0.1: six expected, fourteen once in a thousand times.
    assert np.sum(np.array(found) <= 0.1) < 14


def test_a_lag_finds_where_the_cause_was():
    x, _ = logistic_maps(0.0, 0.0)
    late = np.concatenate([np.zeros(3), x[:-3]])
    skills = {
        lag: cross_map(
            late, x, PLANE, key=KEY, lag=lag, library_sizes=[900], libraries=1, n_surrogates=1
        ).skill
        for lag in (0, 3)
    }
    # At lag 3 the cause is a coordinate of the state itself.
    assert skills[3] > 0.99
    assert skills[3] > skills[0]


def test_estimates_are_those_of_a_plain_loop():
    effect, cause = RNG.normal(size=(2, 60))
    embedding = DelayEmbedding(2, 2, 3)
    found = cross_map(effect, cause, embedding, key=KEY, n_surrogates=1)
    states = np.array([[effect[t], effect[t - 2]] for t in range(2, 60)])
    estimates = []
    for t in range(58):
        far = [s for s in range(58) if abs(s - t) > 3]
        distance = np.array([np.linalg.norm(states[t] - states[s]) for s in far])
        near = np.argsort(distance)[:3]
        weight = np.exp(-distance[near] / distance[near[0]])
        estimates.append(np.sum(weight * cause[2:][np.array(far)[near]]) / weight.sum())
    assert found.skill == pytest.approx(np.corrcoef(estimates, cause[2:])[0, 1], rel=1e-10)


def test_several_channels_are_one_state():
    x, y = logistic_maps(0.1, 0.0)
    both = cross_map(
        np.stack([x, y], axis=1), x, DelayEmbedding(1), key=KEY, library_sizes=[900], libraries=1,
        n_surrogates=1,
    )  # fmt: skip
    assert both.skill > 0.99


def test_chaos_is_forecast_and_noise_is_not():
    x, _ = logistic_maps(0.0, 0.0)
    near, far = (forecast_skill(x, DelayEmbedding(1), horizon=h) for h in (1, 40))
    assert near > 0.999
    assert far < 0.5
    assert abs(forecast_skill(RNG.normal(size=500), DelayEmbedding(2))) < 0.2


@given(st.integers(10, 65), st.integers(1, 4))
def test_shifts_keep_all_values_and_their_order_on_a_circle(size, smallest):
    series = np.arange(size, dtype=float)
    for row in CircularShifts(smallest).draw(series, 8, key=KEY):
        shift = int(row.argmin())
        assert smallest <= shift <= size - smallest
        np.testing.assert_array_equal(np.roll(row, -shift), series)


@given(st.integers(8, 65), st.integers(0, 1000))
def test_random_phases_keep_the_spectrum(size, seed):
    series = np.random.default_rng(seed).normal(size=size)
    drawn = RandomPhases().draw(series, 3, key=jax.random.key(seed))
    spectrum = np.abs(np.fft.rfft(series))
    np.testing.assert_allclose(
        np.abs(np.fft.rfft(drawn, axis=1)), np.tile(spectrum, (3, 1)), atol=1e-9
    )
    np.testing.assert_allclose(drawn.mean(axis=1), np.full(3, series.mean()), atol=1e-12)


def test_twins_follow_the_law_of_the_system():
    x, _ = logistic_maps(0.0, 0.0, samples=400)
    drawn = TwinSurrogates(1, recurrence=0.02).draw(x, 5, key=KEY)
    # Each step is one of the map, but for seams at the end of the series and small jumps
    # between twins.
    error = np.abs(drawn[:, 1:] - 3.8 * drawn[:, :-1] * (1 - drawn[:, :-1]))
    assert np.mean(error < 0.05) > 0.95
    assert np.all(np.abs(drawn.mean(axis=1) - x.mean()) < 0.05)
    # They are not the series: paths part.
    assert np.abs(np.corrcoef(drawn, x)[0, 5]) < 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DelayEmbedding(0), "dimension must be at least 1"),
        (lambda: DelayEmbedding(2, 0), "delay must be at least 1"),
        (lambda: DelayEmbedding(2, 1, -1), "exclusion must be at least 0"),
        (lambda: cross_map(np.arange(9.0), np.arange(8.0), key=KEY), "as long, got 9 and 8"),
        (lambda: cross_map(np.ones(50), np.arange(50.0), key=KEY), "series must vary"),
        (lambda: cross_map(np.arange(50.0), np.ones(50), key=KEY), "cause must vary"),
        (lambda: cross_map(np.arange(4.0), np.arange(4.0), key=KEY), "need at least 5"),
        (
            lambda: cross_map(np.append(np.arange(9.0), np.nan), np.arange(10.0), key=KEY),
            "effect must be finite",
        ),
        (
            lambda: cross_map(np.arange(50.0), np.arange(50.0), key=KEY, library_sizes=[3]),
            "library_sizes must lie in 5 ... 48, got 3",
        ),
        (lambda: cross_map(np.arange(50.0), np.arange(50.0), key=KEY, libraries=0), "libraries"),
        (lambda: forecast_skill(np.arange(50.0), PLANE, horizon=0), "horizon"),
        (lambda: CircularShifts(0), "smallest"),
        (lambda: CircularShifts(30).draw(np.arange(50.0), 1, key=KEY), "at least 61 samples"),
        (lambda: TwinSurrogates(recurrence=1.0), "recurrence"),
        (lambda: RandomPhases().draw(np.arange(9.0), 0, key=KEY), "number"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
