import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rank_one_networks import existing

from neuropil.circuits import RankOneStatistics, sample_low_rank_network
from neuropil.meanfield import (
    HighestBranch,
    chaotic_branches,
    chaotic_solution,
    stationary_branches,
)
from neuropil.meanfield.correlation_series import correlation_coefficients
from neuropil.result import Outcome
from neuropil.simulate import NonStiff, integrate

CASES = {
    "no structure": {"strength": 2.0, "deviation_m": 0.0, "deviation_n": 0.0},
    "structure": {"mean_m": 2.0, "mean_n": 1.2, "deviation_m": 0.3, "strength": 2.8},
    "input": {
        "mean_m": 2.0,
        "mean_n": 1.2,
        "deviation_m": 0.3,
        "strength": 2.8,
        "covariance_n_input": 0.1,
        "deviation_input": 0.3,
    },
}


def published_residuals(statistics, overlap, variance, persistent):
    """The equations as printed, with Phi = ln cosh and nested averages."""
    z = np.linspace(-9, 9, 601)
    weight = np.exp(-0.5 * z**2)
    weight /= weight.sum()
    s = {name: float(value) for name, value in vars(statistics).items()}
    g, mean = s["strength"], s["mean_m"] * overlap + s["mean_input"]
    fixed = (
        s["deviation_m"] ** 2 * overlap**2
        + 2 * s["covariance_m_input"] * overlap
        + float(statistics.input_variance)
    )

    def log_cosh(x):
        return np.logaddexp(x, -x) - np.log(2)

    within, across = np.sqrt(variance - persistent), np.sqrt(max(persistent, 0.0))
    x = mean + within * z[None, :] + across * z[:, None]
    alone = mean + np.sqrt(variance) * z
    energy = weight @ log_cosh(alone) ** 2 - weight @ (log_cosh(x) @ weight) ** 2
    return (
        (variance**2 - persistent**2) / 2 - g**2 * energy - fixed * (variance - persistent),
        persistent - g**2 * (weight @ (np.tanh(x) @ weight) ** 2) - fixed,
        overlap
        - s["mean_n"] * (weight @ np.tanh(alone))
        - s["covariance_n_input"] * (weight @ (1 - np.tanh(alone) ** 2)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_published_equations_are_solved(name):
    statistics = RankOneStatistics(**CASES[name])
    found = chaotic_branches(statistics)
    assert int(found.number) >= 1
    for overlap, variance, persistent in zip(
        *(existing(found, field) for field in ("overlap", "variance", "persistent_variance")),
        strict=True,
    ):
        assert persistent < variance
        # The first equation is one of squares of variances.
        scale = [variance**2, variance, 1.0]
        residuals = published_residuals(statistics, overlap, variance, persistent)
        np.testing.assert_allclose(residuals / np.array(scale), 0.0, atol=1e-9)


@pytest.mark.slow
def test_chaos_without_structure_has_no_persistent_part():
    """Sompolinsky, Crisanti and Sommers: Delta_0^2 / 2 = g^2 (<Phi^2> - <Phi>^2)."""
    found = chaotic_branches(RankOneStatistics(**CASES["no structure"]))
    assert int(found.number) == 1
    np.testing.assert_allclose(found.persistent_variance[0], 0.0, atol=1e-14)
    # Close to g = 1 the variance is that of their expansion, (g - 1) + O((g - 1)^2).
    near = chaotic_branches(RankOneStatistics(strength=1.001, deviation_m=0.0, deviation_n=0.0))
    np.testing.assert_allclose(near.variance[0], 1e-3, rtol=5e-3)


@pytest.mark.slow
def test_chaos_begins_where_the_bulk_reaches_one():
    """Just above, both variances leave the stationary one continuously; below, there is none."""

    def at(strength):
        return RankOneStatistics(mean_m=1.0, mean_n=0.5, strength=strength, deviation_input=0.5)

    low, high = 1.0, 3.0
    for _ in range(45):
        middle = 0.5 * (low + high)
        radius = float(existing(stationary_branches(at(middle)), "bulk_radius").max())
        low, high = (low, middle) if radius > 1 else (middle, high)
    assert int(chaotic_branches(at(low - 1e-4)).number) == 0
    above = chaotic_branches(at(high + 1e-4))
    stationary = stationary_branches(at(high + 1e-4))
    assert int(above.number) == 1
    np.testing.assert_allclose(above.variance[0], stationary.variance[0], atol=1e-4)
    gap = float(above.variance[0] - above.persistent_variance[0])
    assert 0 < gap < 2e-3


def test_no_chaos_in_networks_at_rest():
    found = chaotic_branches(RankOneStatistics(3.5, 1.0, strength=0.8, deviation_input=1.0))
    assert int(found.number) == 0
    assert int(found.outcome) == Outcome.SUCCESSFUL
    assert np.all(np.isnan(found.overlap))
    nothing = chaotic_solution(RankOneStatistics(strength=0.5), HighestBranch())
    assert not bool(nothing.exists)


def highest(z):
    statistics = RankOneStatistics(
        z[0], z[1], 0.3, 1.0, z[2], covariance_n_input=z[3], deviation_input=0.3
    )
    found = chaotic_solution(statistics, HighestBranch(), throw=False)
    return jnp.stack([found.overlap, found.variance, found.persistent_variance])


@pytest.mark.slow
def test_derivatives_equal_differences_and_are_zero_where_there_is_no_chaos():
    """Zero, as a chaotic solution that takes over from a stationary one by `jnp.where` needs."""
    z = jnp.array([2.0, 1.2, 2.8, 0.1])
    derivative = jax.jit(jax.jacrev(highest))
    differences = jnp.stack(
        [(highest(z + s) - highest(z - s)) / 2e-5 for s in 1e-5 * jnp.eye(4)], axis=1
    )
    np.testing.assert_allclose(derivative(z), differences, atol=1e-7)
    np.testing.assert_array_equal(derivative(z.at[2].set(0.5)), np.zeros((3, 4)))


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (0.8, 3.0), (-1.5, 6.0)])
@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.95])
def test_the_series_is_the_correlation(mean, variance, correlation):
    powers = correlation_coefficients(jnp.asarray(mean), jnp.asarray(variance), terms=160)
    z = np.linspace(-9, 9, 601)
    weight = np.exp(-0.5 * z**2)
    weight /= weight.sum()
    shared, own = np.sqrt(variance * correlation), np.sqrt(variance * (1 - correlation))
    inner = np.tanh(mean + shared * z[:, None] + own * z[None, :]) @ weight
    series = np.asarray(powers) @ correlation ** np.arange(160.0)
    np.testing.assert_allclose(series, weight @ inner**2, atol=1e-10)


@pytest.mark.slow
def test_a_finite_network_is_as_chaotic_as_predicted():
    """With a strong input, which leaves no slow fluctuations of what persists."""
    statistics = RankOneStatistics(
        1.0, 1.0, 0.3, 1.0, 2.5, covariance_n_input=0.5, deviation_input=1.0
    )
    expected = chaotic_solution(statistics, HighestBranch())
    network = sample_low_rank_network(statistics, 800, key=jax.random.key(0))
    begin = 0.3 * network.m[:, 0] + network.external_input
    times = np.concatenate([[0.0], np.arange(40.0, 200.0, 1.0)])
    states = np.asarray(integrate(network, NonStiff(1e-3, 1e-4), begin, times=times).states)[1:]
    overlap = np.asarray(network.overlaps(jnp.asarray(states))).mean()
    np.testing.assert_allclose(overlap, expected.overlap, atol=0.08)
    np.testing.assert_allclose(states.var(axis=1).mean(), expected.variance, rtol=0.12)
    # Averages over times far apart share what persists and no fluctuation.
    early, late = states[:50].mean(axis=0), states[-50:].mean(axis=0)
    persistent = np.cov(early, late)[0, 1]
    np.testing.assert_allclose(persistent, expected.persistent_variance, rtol=0.25)
