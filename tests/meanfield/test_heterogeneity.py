import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dense_networks import (
    MIDPOINT,
    SLOPE,
    WIDTH,
    dense_sonet,
    erdos_renyi,
    fixed_point,
    linear_fixed_point,
    linear_rate,
    logistic_rate,
)

from neuropil.meanfield.heterogeneity import perturbed_rates
from neuropil.meanfield.pseudo_transient import PseudoTransient
from neuropil.meanfield.wiring_moments import WiringMoments, random_graph_moments, wiring_moments
from neuropil.result import NotSolved, Outcome

EXTERNAL = 14.0


def networks():
    """One network of each kind, small enough to halve the strength many times."""
    rng = np.random.default_rng(5)
    alphas = {"reciprocal": 0.6, "convergent": 0.3, "divergent": 0.25, "chain": 0.15}
    mixed = np.where(np.arange(100) < 80, 1.0, -4.0)
    return {
        "erdos_renyi": erdos_renyi(rng, 100, 0.2),
        "sonet": dense_sonet(rng, 100, 0.2, **alphas),
        "mixed": erdos_renyi(rng, 100, 0.2) * mixed[None, :],
        "weighted": erdos_renyi(rng, 100, 0.2) * rng.lognormal(0, 0.7, size=(100, 100)),
    }


NETWORKS = networks()


def errors_at(matrix, moments, strength):
    """Absolute errors of the two means and relative errors of the two variances."""
    inputs = fixed_point(matrix, logistic_rate, strength, EXTERNAL, tolerance=3e-15)
    rates = np.asarray(logistic_rate(inputs))
    theory = perturbed_rates(logistic_rate, moments, strength=strength, external_input=EXTERNAL)
    return np.array(
        [
            theory.mean_input - inputs.mean(),
            theory.mean_rate - rates.mean(),
            theory.variance_input / inputs.var() - 1,
            theory.variance_rate / rates.var() - 1,
        ]
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_errors_fall_at_the_predicted_orders(name):
    """Halving the strength divides errors in the means by 8 and in the variances by 4."""
    matrix = NETWORKS[name]
    moments = wiring_moments(matrix)
    coarse, fine = (errors_at(matrix, moments, g) for g in (0.16, 0.08))
    order = np.log2(np.abs(coarse / fine))
    assert np.all(np.abs(order[:2] - 3) < 0.25), order
    assert np.all(order[2:] > 1.75), order


@pytest.mark.parametrize("name", NETWORKS)
def test_mean_and_variance_of_in_strength_alone_are_right_to_first_order(name):
    matrix = NETWORKS[name]
    full = wiring_moments(matrix)
    moments = WiringMoments(full.mean_in_strength, full.variance_in_strength)
    coarse, fine = (np.abs(errors_at(matrix, moments, g)) for g in (0.02, 0.01))
    assert np.all(fine[2:] < 0.6 * coarse[2:])
    assert np.all(fine[2:] < 5e-3)


def amplification(draw, strength, repeats):
    """Var E / (g mean(r))^2 of linear neurons: the mean over networks and its standard error."""
    ratios = []
    for _ in range(repeats):
        inputs = linear_fixed_point(draw(), strength, 10.0)
        ratios.append(np.var(inputs) / (strength * np.mean(linear_rate(inputs))) ** 2)
    return np.mean(ratios), np.std(ratios) / np.sqrt(repeats)


def predicted_amplification(moments, strength):
    theory = perturbed_rates(linear_rate, moments, strength=strength, external_input=10.0)
    return theory.variance_input / (strength * theory.mean_rate) ** 2, theory


@pytest.mark.parametrize("gain", [0.2, 0.4])
def test_recurrent_amplification_in_balanced_erdos_renyi_networks(gain):
    """Var E = g^2 r^2 Var d / (1 - g^2 r'^2 Q) where r is linear and only Q acts."""
    neurons, p = 400, 0.2
    signs = np.where(np.arange(neurons) < 320, 1.0, -4.0)
    moments = random_graph_moments(neurons, p, presynaptic_weight=signs)
    strength = np.sqrt(gain / float(moments.residual_variance)) / SLOPE
    rng = np.random.default_rng(11)
    measured, error = amplification(
        lambda: erdos_renyi(rng, neurons, p) * signs[None, :], strength, 60
    )
    predicted, theory = predicted_amplification(moments, strength)
    assert np.isclose(theory.recurrent_gain, gain)
    assert np.isclose(predicted, moments.variance_in_strength / (1 - gain))
    # What finite size adds: 8 % at 100 and 5 % at 200 neurons for the smaller gain.
    assert abs(predicted - measured) < 4 * error + 20 / neurons * measured
    # without the amplification the measurement excludes the theory
    assert abs(moments.variance_in_strength - measured) > 8 * error


@pytest.mark.parametrize(("pair_correlation", "gain"), [(-0.6, 0.8), (0.6, 0.55)])
def test_reciprocal_pairs_change_the_amplification(pair_correlation, gain):
    neurons = 200
    rng = np.random.default_rng(13)

    def draw():
        noise = rng.normal(size=(neurons, neurons)) / np.sqrt(neurons)
        upper = np.triu(noise, 1)
        spread = np.sqrt(1 - pair_correlation**2)
        return upper + np.tril(pair_correlation * upper.T + spread * noise, -1)

    moments = WiringMoments(
        mean_in_strength=0.0,
        variance_in_strength=1.0,
        covariance_in_out=pair_correlation,
        residual_variance=1.0,
        residual_reciprocity=pair_correlation,
    )
    strength = gain / SLOPE
    measured, error = amplification(draw, strength, 150)
    predicted, _ = predicted_amplification(moments, strength)
    assert abs(predicted - measured) < 4 * error + 4 / neurons * measured
    without = eqx.tree_at(lambda m: m.residual_reciprocity, moments, jnp.asarray(0.0))
    blind, _ = predicted_amplification(without, strength)
    assert abs(blind - measured) > 8 * error


def test_chains_shift_the_mean():
    """Mean input exceeds the uniform state by the covariance of in- and out-degree."""
    rng = np.random.default_rng(17)
    alphas = {"reciprocal": 0.4, "convergent": 0.3, "divergent": 0.3, "chain": 0.25}
    matrix = dense_sonet(rng, 400, 0.1, **alphas)
    moments = wiring_moments(matrix)
    strength = 1.0
    inputs = fixed_point(matrix, linear_rate, strength, 10.0)
    theory = perturbed_rates(linear_rate, moments, strength=strength, external_input=10.0)
    shift = inputs.mean() - float(theory.uniform_input)
    assert np.isclose(theory.mean_input - theory.uniform_input, shift, rtol=0.1)
    blind = eqx.tree_at(lambda m: m.covariance_in_out, moments, jnp.asarray(0.0))
    unshifted = perturbed_rates(linear_rate, blind, strength=strength, external_input=10.0)
    assert np.isclose(unshifted.mean_input, unshifted.uniform_input, rtol=1e-14)


def test_regular_network_has_no_heterogeneity():
    theory = perturbed_rates(
        logistic_rate, WiringMoments(20.0, 0.0), strength=1.0, external_input=EXTERNAL
    )
    assert theory.variance_input == 0
    assert theory.variance_rate == 0
    assert np.isclose(theory.mean_input, EXTERNAL + 20.0 * theory.mean_rate, rtol=1e-12)
    rate = float(logistic_rate(theory.uniform_input))
    assert np.isclose(theory.slope, rate * (1 - rate / 0.2) / WIDTH)
    assert np.isclose(theory.curvature, theory.slope * (1 - 2 * rate / 0.2) / WIDTH)


def test_batches_of_strengths_agree_with_single_calls():
    moments = random_graph_moments(100, 0.2, convergent=0.2, chain=0.1, divergent=0.1)
    strengths = jnp.array([0.1, 0.5, 1.0])
    batch = jax.vmap(
        lambda g: perturbed_rates(
            logistic_rate, moments, strength=g, external_input=EXTERNAL, throw=False
        )
    )(strengths)
    for index, strength in enumerate(strengths):
        one = perturbed_rates(logistic_rate, moments, strength=strength, external_input=EXTERNAL)
        assert np.isclose(batch.variance_rate[index], one.variance_rate, rtol=1e-9)
        assert np.isclose(batch.mean_input[index], one.mean_input, rtol=1e-12)


def test_leaving_the_regime_is_an_outcome():
    moments = WiringMoments(0.0, 100.0, residual_variance=100.0)
    steep = 1.1 / (10 * 0.2 / 4 / WIDTH)
    with pytest.raises(NotSolved, match=r"recurrent gain 1\.21, must be below 1"):
        perturbed_rates(logistic_rate, moments, strength=steep, external_input=MIDPOINT)
    result = perturbed_rates(
        logistic_rate, moments, strength=steep, external_input=MIDPOINT, throw=False
    )
    assert result.outcome == Outcome.DIVERGED
    with pytest.raises(NotSolved, match="maximum number of steps"):
        perturbed_rates(
            logistic_rate,
            WiringMoments(100.0, 1.0),
            PseudoTransient(max_steps=1),
            strength=1.0,
            external_input=EXTERNAL,
        )
