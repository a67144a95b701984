import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from dense_networks import dense_sonet, fixed_point, logistic_rate

from neuropil.connectivity.bivariate_normal import correlation_from_excess, threshold_of
from neuropil.meanfield.heterogeneity import perturbed_rates
from neuropil.meanfield.sonet_limit import sonet_kernel, sonet_limit_network, sonet_limit_rates
from neuropil.meanfield.wiring_moments import random_graph_moments
from neuropil.result import NotSolved

EXTERNAL = 14.0
P, CONVERGENT, CHAIN = 0.2, 0.4, 0.2
KERNEL = {"connection_probability": P, "convergent": CONVERGENT, "chain": CHAIN}


def limit(transfer=logistic_rate, external_input=EXTERNAL, **changes):
    return sonet_limit_rates(
        transfer, external_input, **{"total_strength": 100.0, **KERNEL, **changes}
    )


@pytest.mark.parametrize(("divergent", "chain"), [(0.3, 0.2), (0.9, -0.1)])
def test_kernel_is_the_edge_probability_averaged_over_the_out_variable(divergent, chain):
    kernel = sonet_kernel(P, CONVERGENT, chain)
    rho_conv, rho_chain = (correlation_from_excess(a, P) for a in (CONVERGENT, chain))
    rho_div = correlation_from_excess(divergent, P)
    private = np.sqrt(1 - rho_conv - rho_div)
    spread = np.sqrt(rho_div - rho_chain**2 / rho_conv)
    for receiver in (-0.7, 0.0, 0.9):
        for sender in (-0.5, 0.6):
            mean = rho_chain / rho_conv * sender

            def joint(y, receiver=receiver, mean=mean):
                edge = scipy.special.ndtr((receiver + y - threshold_of(P)) / private)
                return edge * np.exp(-(((y - mean) / spread) ** 2) / 2)

            expected, _ = scipy.integrate.quad(
                joint, mean - 12 * spread, mean + 12 * spread, epsabs=1e-13, epsrel=1e-12
            )
            expected /= spread * np.sqrt(2 * np.pi)
            found = kernel(jnp.array([receiver]), jnp.array([sender]))[0, 0]
            assert np.isclose(found, expected, rtol=1e-10)


def test_kernel_has_the_statistics_it_was_made_from():
    kernel = sonet_kernel(P, CONVERGENT, CHAIN)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    x = jnp.asarray(np.sqrt(kernel.in_variance) * nodes)
    edge = np.asarray(kernel(x, x))
    in_degree, out_degree = edge @ weights, weights @ edge
    assert np.isclose(weights @ in_degree, P, rtol=1e-12)
    assert np.isclose(weights @ in_degree**2, P**2 * (1 + CONVERGENT), rtol=1e-12)
    assert np.isclose(weights @ (in_degree * out_degree), P**2 * (1 + CHAIN), rtol=1e-12)


@pytest.mark.slow
def test_fixed_point_by_a_plain_loop_on_a_fine_grid():
    """Trapezium rule over the in-variable instead of Gauss-Hermite nodes."""
    found = limit(total_strength=300.0)
    kernel = sonet_kernel(P, CONVERGENT, CHAIN)
    grid = np.linspace(-8, 8, 801) * np.sqrt(kernel.in_variance)
    density = scipy.stats.norm.pdf(grid, 0, np.sqrt(kernel.in_variance)) * (grid[1] - grid[0])
    edge = np.asarray(kernel(jnp.asarray(grid), jnp.asarray(grid)))
    current = np.full(801, EXTERNAL)
    for _ in range(400):
        current = EXTERNAL + 300.0 * edge @ (density * np.asarray(logistic_rate(current)))
    rate = np.asarray(logistic_rate(current))
    assert np.allclose(found.input_at(jnp.asarray(grid))[0], current, rtol=1e-8)
    assert np.isclose(found.mean_rate, density @ rate, rtol=1e-8)
    assert np.isclose(found.variance_rate, density @ (rate - density @ rate) ** 2, rtol=1e-6)
    assert found.residual < 1e-9


@pytest.mark.slow
def test_quantiles_are_those_of_the_in_variable():
    found = limit(total_strength=300.0)
    levels = np.array([0.01, 0.3, 0.5, 0.99])
    x = np.sqrt(found.kernel.in_variance) * scipy.stats.norm.ppf(levels)
    inputs, deviation = found.input_at(jnp.asarray(x))
    assert np.allclose(found.input_quantiles(levels), inputs, rtol=1e-12)
    assert np.allclose(found.rate_quantiles(levels), logistic_rate(inputs), rtol=1e-12)
    assert np.all(deviation == 0)
    inhibited = limit(total_strength=-100.0)
    assert np.all(np.diff(inhibited.input_quantiles(levels)) > 0)
    middle = (np.arange(300) + 0.5) / 300
    assert np.isclose(np.mean(inhibited.rate_quantiles(middle)), inhibited.mean_rate, rtol=2e-3)
    noisy = limit(squared_strength=400.0)
    rates = np.asarray(noisy.rate_quantiles(middle))
    assert np.isclose(rates.mean(), noisy.mean_rate, rtol=1e-3)
    assert np.isclose(rates.var(), noisy.variance_rate, rtol=2e-2)


def test_uniform_network_is_the_scalar_mean_field():
    """Without convergent pairs all neurons are alike."""
    found = limit(convergent=0.0, chain=0.0)
    assert found.in_variable.shape == (1,)
    assert np.isclose(found.mean_input, EXTERNAL + 100.0 * P * found.mean_rate, rtol=1e-11)
    assert found.variance_input == 0


def test_finite_size_agrees_with_perturbation_of_erdos_renyi_networks():
    """Two derivations of Var E; the second expands in the strength."""
    neurons = 401
    relative = []
    for strength in (0.4, 0.2):
        finite = limit(
            convergent=0.0,
            chain=0.0,
            total_strength=strength * (neurons - 1),
            squared_strength=strength**2 * (neurons - 1),
        )
        theory = perturbed_rates(
            logistic_rate,
            random_graph_moments(neurons, P),
            strength=strength,
            external_input=EXTERNAL,
        )
        rate = finite.mean_rate
        exact = strength**2 * (neurons - 1) * P * (1 - P) * (rate**2 + finite.variance_rate)
        assert np.isclose(finite.variance_input, exact, rtol=1e-10)
        assert np.isclose(finite.mean_rate, theory.mean_rate, rtol=1e-4)
        relative.append(abs(float(finite.variance_input / theory.variance_input) - 1))
    assert relative[0] < 1e-2
    assert relative[1] < 0.3 * relative[0]


def distance_to_limit(neurons, graphs, rng, *, total_strength, divergent, reciprocal):
    """Mean distance between sorted one-neuron rates and the quantiles of the limit."""
    expected = np.asarray(
        limit(total_strength=total_strength).rate_quantiles((np.arange(neurons) + 0.5) / neurons)
    )
    distances = []
    for _ in range(graphs):
        matrix = dense_sonet(
            rng,
            neurons,
            P,
            reciprocal=reciprocal,
            convergent=CONVERGENT,
            divergent=divergent,
            chain=CHAIN,
        )
        inputs = fixed_point(
            matrix, logistic_rate, total_strength / (neurons - 1), EXTERNAL, tolerance=1e-9
        )
        distances.append(np.mean(np.abs(np.sort(np.asarray(logistic_rate(inputs))) - expected)))
    return np.mean(distances)


@pytest.mark.slow
@pytest.mark.parametrize(("divergent", "reciprocal"), [(0.3, 0.5), (0.9, 0.5), (0.3, 2.0)])
def test_networks_approach_the_limit_whatever_their_divergent_and_reciprocal_pairs(
    divergent, reciprocal
):
    """Sixteen times the neurons: a quarter of the distance, were it sampling noise alone."""
    rng = np.random.default_rng(21)
    statistics = {"total_strength": 100.0, "divergent": divergent, "reciprocal": reciprocal}
    small = distance_to_limit(60, 60, rng, **statistics)
    large = distance_to_limit(960, 10, rng, **statistics)
    spread = float(jnp.sqrt(limit().variance_rate))
    assert large < 0.4 * small
    assert large < 0.2 * spread


@pytest.mark.slow
def test_changed_convergent_pairs_do_not_approach_the_same_limit():
    """The distance that convergent pairs make is one that the test above would see."""
    levels = (np.arange(960) + 0.5) / 960
    changed = limit(convergent=0.7).rate_quantiles(levels)
    distance = np.mean(np.abs(np.asarray(changed - limit().rate_quantiles(levels))))
    assert distance > 0.2 * float(jnp.sqrt(limit().variance_rate))


def test_limit_network_has_the_same_fixed_point():
    found = limit()
    network, probability = sonet_limit_network(
        logistic_rate, EXTERNAL, total_strength=100.0, **KERNEL
    )
    assert np.allclose(probability, found.probability)
    assert np.allclose(network.next_input(found.input_current), found.input_current, rtol=1e-11)


def test_more_nodes_change_nothing():
    coarse, fine = limit(), limit(nodes=64)
    assert np.isclose(coarse.mean_rate, fine.mean_rate, rtol=1e-12)
    assert np.isclose(coarse.variance_rate, fine.variance_rate, rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"convergent": -0.1}, "convergent must not be negative, got -0.1"),
        ({"convergent": 0.0}, "chain must be 0 when convergent is 0, got 0.2"),
        ({"chain": 3.0}, "chain is 3.0, a latent covariance of .* must stay strictly within"),
        ({"connection_probability": 0.0}, "probability is 0.0"),
        ({"squared_strength": -1.0}, "squared_strength must not be negative, got -1.0"),
        ({"nodes": 0}, "nodes and noise_nodes must be at least 1, got 0, 15"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        limit(**changes)


def test_bad_levels_and_failure_are_named():
    with pytest.raises(ValueError, match="levels must lie strictly between 0 and 1"):
        limit().rate_quantiles(np.array([0.0, 0.5]))
    with pytest.raises(NotSolved, match=r"SONET limit: not solved\. A value became infinite"):
        limit(total_strength=jnp.nan)
