import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from dense_networks import (
    SLOPE,
    erdos_renyi,
    fixed_point,
    linear_fixed_point,
    linear_rate,
    logistic_rate,
)

from neuropil.meanfield.degree_mean_field import (
    StrengthDistribution,
    degree_mean_field,
    strengths_of_degrees,
    strengths_of_moments,
    strengths_of_weights,
)
from neuropil.meanfield.heterogeneity import perturbed_rates
from neuropil.meanfield.wiring_moments import WiringMoments, random_graph_moments
from neuropil.result import NotSolved

EXTERNAL = 14.0


def chung_lu(rng, in_weight, out_weight):
    """Independent edges with probability proportional to in_weight[post] out_weight[pre]."""
    probability = np.outer(in_weight, out_weight) / out_weight.sum()
    assert probability.max() < 1
    matrix = (rng.random(probability.shape) < probability).astype(float)
    np.fill_diagonal(matrix, 0)
    return matrix


def heterogeneous_network(rng, neurons):
    """In-degrees over a factor of about ten, correlated with out-degrees."""
    shared = np.clip(rng.normal(size=neurons), -1.5, 1.5)
    in_weight = neurons * 0.1 * np.exp(0.6 * shared - 0.18)
    out_weight = np.exp(0.4 * shared + 0.4 * rng.normal(size=neurons))
    return chung_lu(rng, in_weight, np.minimum(out_weight, 4.0))


@pytest.mark.slow
def test_matches_single_neurons_of_a_strongly_heterogeneous_network():
    """One neuron at a time, from below threshold to saturation, and better with more partners."""
    errors = []
    for neurons in (100, 400):
        matrix = heterogeneous_network(np.random.default_rng(2), neurons)
        strength = 180.0 / neurons * 4
        inputs = fixed_point(matrix, logistic_rate, strength, EXTERNAL)
        theory = degree_mean_field(
            logistic_rate, strengths_of_weights(matrix), strength=strength, external_input=EXTERNAL
        )
        rates = np.asarray(logistic_rate(inputs))
        assert rates.min() < 0.1
        assert rates.max() > 0.19
        assert np.isclose(theory.mean_rate, rates.mean(), rtol=0.01)
        assert np.isclose(theory.variance_rate, rates.var(), rtol=0.1)
        deviation = (inputs - theory.input_current) / theory.input_deviation
        # deviations from the class mean are those of the draw of partners
        assert 0.7 < np.std(deviation) < 1.4
        errors.append(np.std(inputs - theory.input_current) / np.std(inputs))
    assert errors[1] < 0.65 * errors[0]


def test_chain_correction_removes_the_bias_of_the_mean():
    matrix = heterogeneous_network(np.random.default_rng(3), 400)
    strength = 0.6
    rates = np.asarray(logistic_rate(fixed_point(matrix, logistic_rate, strength, EXTERNAL)))
    d, k = matrix.sum(axis=1), matrix.sum(axis=0)
    joint, independent = (
        degree_mean_field(logistic_rate, strengths, strength=strength, external_input=EXTERNAL)
        for strengths in (
            strengths_of_degrees(d, k, possible_partners=399),
            strengths_of_degrees(d, possible_partners=399),
        )
    )
    bias = abs(float(independent.mean_rate) - rates.mean())
    assert abs(float(joint.mean_rate) - rates.mean()) < 0.1 * bias
    partner = (k @ rates) / k.sum()
    assert np.isclose(joint.partner_rate[0], partner, rtol=5e-3)
    assert independent.partner_rate[0] < 0.97 * partner


def test_self_consistency_by_a_plain_loop():
    d, k = np.array([2.0, 8.0, 20.0]), np.array([1.0, 5.0, 4.0])
    counts = np.array([30.0, 50.0, 20.0])
    theory = degree_mean_field(
        logistic_rate,
        strengths_of_degrees(d, k, multiplicity=counts),
        strength=2.0,
        external_input=EXTERNAL,
    )
    theta = 0.0
    for _ in range(500):
        rates = np.asarray(logistic_rate(EXTERNAL + 2.0 * d * theta))
        theta = np.sum(counts * k * rates) / np.sum(counts * k)
    assert np.isclose(theory.partner_rate[0], theta, rtol=1e-11)
    assert np.allclose(theory.rate, rates, rtol=1e-11)
    assert np.isclose(theory.mean_rate, np.average(rates, weights=counts), rtol=1e-11)
    mean = np.average(rates, weights=counts)
    assert np.isclose(theory.variance_rate, np.average((rates - mean) ** 2, weights=counts))
    assert np.all(theory.input_deviation == 0)


def test_histogram_equals_the_sequence_it_counts():
    rng = np.random.default_rng(4)
    degree = rng.binomial(200, 0.1, size=400).astype(float)
    values, counts = np.unique(degree, return_counts=True)
    one, other = (
        degree_mean_field(logistic_rate, strengths, strength=1.0, external_input=EXTERNAL)
        for strengths in (
            strengths_of_degrees(degree, possible_partners=200),
            strengths_of_degrees(values, multiplicity=counts.astype(float), possible_partners=200),
        )
    )
    assert np.isclose(one.mean_rate, other.mean_rate, rtol=1e-11)
    assert np.isclose(one.variance_rate, other.variance_rate, rtol=1e-9)


def test_two_classes_of_linear_neurons_in_closed_form():
    """Var E = g^2 (theta^2 Var d + q v) and v = r'^2 Var E, so Var E is amplified by the draw."""
    strengths = StrengthDistribution(
        jnp.array([[4.0], [-4.0]]), jnp.ones((2, 1)), jnp.full((2, 1), 36.0), jnp.ones(2)
    )
    strength, slope = 10.0, SLOPE
    theory = degree_mean_field(linear_rate, strengths, strength=strength, external_input=10.0)
    rate = 0.05 + slope * 10.0
    gain = (strength * slope) ** 2 * 36.0
    assert np.isclose(theory.mean_rate, rate, rtol=1e-11)
    assert np.isclose(theory.variance_input, (strength * rate) ** 2 * 16.0 / (1 - gain), rtol=1e-10)
    assert np.isclose(theory.variance_rate, slope**2 * theory.variance_input, rtol=1e-10)
    assert np.isclose(theory.partner_variance[0], theory.variance_rate, rtol=1e-10)


def test_broad_erdos_renyi_and_perturbation_agree_where_both_hold():
    moments = random_graph_moments(2000, 0.1)
    classes = strengths_of_moments(moments)
    relative = []
    for strength in (0.02, 0.01):
        theory = degree_mean_field(
            logistic_rate, classes, strength=strength, external_input=EXTERNAL
        )
        expected = perturbed_rates(
            logistic_rate, moments, strength=strength, external_input=EXTERNAL
        )
        assert np.isclose(theory.mean_rate, expected.mean_rate, rtol=1e-6)
        assert np.isclose(theory.variance_input, expected.variance_input, rtol=1e-3)
        relative.append(float(theory.variance_rate / expected.variance_rate) - 1)
    assert abs(relative[1]) < 1e-3
    assert abs(relative[1]) < 0.6 * abs(relative[0])


def test_partner_draw_amplifies_balanced_networks():
    """Excitation and inhibition that cancel on average: only the spread of partners is left."""
    neurons, p = 400, 0.2
    rng = np.random.default_rng(8)
    signs = np.where(np.arange(neurons) < 320, 1.0, -4.0)
    ratios, predictions, plain = [], [], []
    for _ in range(20):
        matrix = erdos_renyi(rng, neurons, p) * signs[None, :]
        dispersion = neurons * p * (1 - p) * np.mean(signs**2)
        strength = np.sqrt(0.4 / dispersion) / SLOPE
        inputs = linear_fixed_point(matrix, strength, 10.0)
        theory = degree_mean_field(
            linear_rate, strengths_of_weights(matrix), strength=strength, external_input=10.0
        )
        ratios.append(np.var(inputs))
        predictions.append(float(theory.variance_input))
        plain.append(float(np.var(theory.input_current)))
    measured, error = np.mean(ratios), np.std(np.subtract(ratios, predictions)) / np.sqrt(20)
    assert abs(np.mean(predictions) - measured) < 4 * error + 0.02 * measured
    assert np.mean(plain) < 0.75 * measured


def test_moments_of_the_lognormal_classes():
    moments = WiringMoments(20.0, 60.0, covariance_in_out=25.0, residual_variance=12.0)
    strengths = strengths_of_moments(moments)
    weight, d = np.asarray(strengths.multiplicity), np.asarray(strengths.in_strength[:, 0])
    k = np.asarray(strengths.out_strength[:, 0]) * 20.0
    assert np.isclose(weight @ d, 20.0)
    assert np.isclose(weight @ (d - 20.0) ** 2, 60.0)
    assert np.isclose(weight @ k, 20.0)
    assert np.isclose(weight @ ((d - 20.0) * (k - 20.0)), 25.0)
    assert np.all(strengths.in_dispersion == 12.0)
    assert np.all(np.asarray(strengths_of_moments(WiringMoments(5.0, 0.0)).in_strength) == 5.0)


def test_strengths_of_a_signed_matrix():
    matrix = np.array([[0, 2.0, -1.0], [1.0, 0, -3.0], [4.0, 5.0, 0]])
    strengths = strengths_of_weights(scipy.sparse.csr_array(matrix))
    assert np.array_equal(strengths.in_strength, [[2, -1], [1, -3], [9, 0]])
    assert np.array_equal(strengths.out_strength, [[5, 0], [7, 0], [0, 4]])
    # two excitatory senders: row (0, 2) has dispersion 4 - 4/2; one inhibitory: nothing to draw
    assert np.allclose(strengths.in_dispersion, [[2, 0], [0.5, 0], [0.5, 0]])


def test_two_states_are_told_apart_by_the_start():
    degrees = np.array([18.0, 20.0, 22.0])
    found = []
    for start in (8.0, 30.0):
        theory = degree_mean_field(
            logistic_rate,
            strengths_of_degrees(degrees),
            start=start,
            strength=5.0,
            external_input=8.0,
        )
        theta = float(logistic_rate(start))
        for _ in range(500):
            theta = np.mean(np.asarray(logistic_rate(8.0 + 5.0 * degrees * theta)))
        assert np.isclose(theory.mean_rate, theta, rtol=1e-11)
        found.append(theta)
    assert found[1] > 10 * found[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strengths_of_degrees(np.array([-1.0, 2.0])), "in_degree must not be negative"),
        (
            lambda: strengths_of_degrees(np.array([3.0]), possible_partners=2),
            "in_degree reaches 3, above possible_partners = 2",
        ),
        (
            lambda: strengths_of_degrees(np.array([3.0]), np.array([0.0])),
            "every population needs a sender",
        ),
        (
            lambda: strengths_of_degrees(np.array([3.0, np.nan])),
            "in_strength holds values that are not finite",
        ),
        (lambda: strengths_of_weights(np.zeros((3, 3))), "no connection"),
        (lambda: strengths_of_weights(np.zeros((3, 2))), "must be a square matrix"),
        (
            lambda: strengths_of_moments(WiringMoments(-1.0, 2.0)),
            "mean_in_strength must be positive, got -1",
        ),
        (
            lambda: strengths_of_moments(WiringMoments(1.0, 2.0, covariance_in_out=-1.5)),
            "covariance_in_out must exceed -1, got -1.5",
        ),
    ],
)
def test_bad_strengths_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_call_is_named():
    strengths = strengths_of_degrees(np.array([3.0, 4.0]))
    with pytest.raises(ValueError, match=r"external_input must be one value or one for each of 2"):
        degree_mean_field(logistic_rate, strengths, strength=1.0, external_input=jnp.ones(3))
    with pytest.raises(ValueError, match="noise_nodes must be at least 1, got 0"):
        degree_mean_field(logistic_rate, strengths, strength=1.0, external_input=1.0, noise_nodes=0)
    with pytest.raises(NotSolved, match="degree mean-field theory"):
        degree_mean_field(linear_rate, strengths, strength=jnp.nan, external_input=1.0)
