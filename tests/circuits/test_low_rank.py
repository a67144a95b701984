import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import LowRankNetwork, RankOneStatistics, sample_low_rank_network

TIME = jnp.asarray(0.0)
FULL = {
    "mean_m": 0.7,
    "mean_n": -0.4,
    "deviation_m": 1.5,
    "deviation_n": 0.8,
    "strength": 1.2,
    "mean_input": 0.3,
    "covariance_m_input": 0.6,
    "covariance_n_input": -0.5,
    "deviation_input": 0.9,
}


def test_the_vector_field_is_that_of_the_full_matrix():
    generator = np.random.default_rng(0)
    m, n, chi = (generator.normal(size=shape) for shape in ((7, 2), (7, 2), (7, 7)))
    drive, state = generator.normal(size=7), generator.normal(size=7)
    network = LowRankNetwork(m, n, drive, chi, 0.9, 2.0)
    connectivity = 0.9 * chi + sum(np.outer(m[:, r], n[:, r]) for r in range(2)) / 7
    expected = (-state + connectivity @ np.tanh(state) + drive) / 2.0
    np.testing.assert_allclose(network.vector_field(TIME, jnp.asarray(state)), expected, rtol=1e-13)
    states = jnp.asarray(generator.normal(size=(3, 7)))
    np.testing.assert_allclose(network.overlaps(states), np.tanh(states) @ n / 7, rtol=1e-13)


def test_samples_have_the_stated_moments():
    """Means and covariances of (m, n, I), and the identity of the variance of the input."""
    statistics = RankOneStatistics(**FULL | {"strength": 0.0})
    network = sample_low_rank_network(statistics, 400_000, key=jax.random.key(0))
    assert network.random_weights is None
    drawn = np.stack([network.m[:, 0], network.n[:, 0], network.external_input])
    covariance = [[1.5**2, 0, 0.6], [0, 0.8**2, -0.5], [0.6, -0.5, 0]]
    covariance[2][2] = 0.6**2 / 1.5**2 + 0.5**2 / 0.8**2 + 0.9**2
    np.testing.assert_allclose(drawn.mean(axis=1), [0.7, -0.4, 0.3], atol=0.012)
    np.testing.assert_allclose(np.cov(drawn), covariance, atol=0.02)
    np.testing.assert_allclose(statistics.input_variance, covariance[2][2], rtol=1e-14)


def test_random_weights_have_variance_one_over_n():
    network = sample_low_rank_network(RankOneStatistics(**FULL), 800, key=jax.random.key(1))
    chi = np.asarray(network.random_weights)
    assert abs(chi.mean()) < 4 / 800 / np.sqrt(800)
    np.testing.assert_allclose(chi.var() * 800, 1.0, atol=4 * np.sqrt(2) / 800)
    assert float(network.strength) == 1.2


def test_statistics_without_spread_have_no_division_by_zero():
    value, gradient = jax.value_and_grad(
        lambda d: RankOneStatistics(deviation_m=d, deviation_input=2.0).input_variance
    )(0.0)
    assert (float(value), float(gradient)) == (4.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strength": -0.1}, "strength must not be negative, got -0.1"),
        ({"deviation_n": -1.0}, "deviation_n must not be negative"),
        ({"mean_m": np.inf}, "mean_m must be finite"),
        ({"mean_n": [1.0, 2.0]}, r"mean_n must be one value, got shape \(2,\)"),
        ({"deviation_m": 0.0}, "covariance_m_input must be 0 where deviation_m is 0, got 0.6"),
    ],
)
def test_bad_statistics_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        RankOneStatistics(**FULL | changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), np.ones(4)), "m and n must both have one row for each neuron"),
        ((np.ones(3), np.ones(3), np.ones(2)), "external_input must be one value or one for each"),
        ((np.ones(3), np.ones(3), 0.0, np.ones((2, 2))), "random_weights must be None or have"),
        ((np.ones(3), [1.0, np.nan, 0.0]), "n must be finite"),
        ((np.ones(3), np.ones(3), 0.0, None, 0.0, 0.0), "time_constant must be positive"),
    ],
)
def test_bad_networks_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LowRankNetwork(*arguments)


def test_a_network_has_neurons():
    with pytest.raises(ValueError, match="n_neurons must be at least 1, got 0"):
        sample_low_rank_network(RankOneStatistics(), 0, key=jax.random.key(0))
