"""The firing rate against 50-digit values, limits, symmetries, and its refusals."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.meanfield.firing_rate import firing_rate, log_firing_rate

TABLE = json.loads((Path(__file__).parent / "firing_rate_references.json").read_text())
NAMES = TABLE["arguments"]
CASES = TABLE["cases"]
POINTS = np.array([case["arguments"] for case in CASES])
SMALLEST = mp.mpf(10) ** -304


def of_vector(function, values):
    first, second, *others = values
    return function(first, second, **dict(zip(NAMES[2:], others, strict=True)))


def rate_of(values):
    return of_vector(firing_rate, values)


EVERYTHING = jax.jit(
    jax.vmap(
        lambda values: {
            "rate": rate_of(values),
            "log_rate": of_vector(log_firing_rate, values),
            "gradient": jax.grad(rate_of)(values),
            "hessian": jax.hessian(rate_of)(values),
        }
    )
)


@pytest.fixture(scope="module")
def computed():
    return {name: np.asarray(value) for name, value in EVERYTHING(POINTS).items()}


def relative_error(value, exact) -> float:
    exact = mp.mpf(exact)
    if abs(exact) < SMALLEST:
        return float(abs(value))
    return float(abs(mp.mpf(float(value)) / exact - 1))


def worst(errors):
    i = int(np.argmax(errors))
    return errors[i], dict(zip(NAMES, POINTS[i], strict=True))


def test_the_table_covers_rates_from_1e_minus_200_per_second_to_saturation():
    rates = [1000 * mp.mpf(case["rate"]) for case in CASES]
    assert min(rates) < mp.mpf(10) ** -1000
    assert any(mp.mpf(10) ** -200 < rate < mp.mpf(10) ** -195 for rate in rates)
    assert any(rate > mp.mpf("499.9") for rate in rates)


def test_rates_agree_with_50_digit_quadrature(computed):
    errors = [
        relative_error(value, case["rate"])
        for value, case in zip(computed["rate"], CASES, strict=True)
    ]
    error, where = worst(errors)
    assert error < 1e-12, where


def test_logarithms_agree_where_rates_underflow(computed):
    errors = [
        relative_error(value, case["log_rate"])
        for value, case in zip(computed["log_rate"], CASES, strict=True)
    ]
    error, where = worst(errors)
    assert error < 1e-13, where
    assert computed["log_rate"].min() < -9e5


@pytest.mark.parametrize(("column", "name"), list(enumerate(NAMES)))
def test_first_derivatives_agree_in_every_argument(computed, column, name):
    errors = [
        relative_error(gradient[column], case["gradient"][column])
        for gradient, case in zip(computed["gradient"], CASES, strict=True)
    ]
    error, where = worst(errors)
    assert error < 1e-12, (name, where)


def test_forward_and_reverse_mode_agree(computed):
    forward = jax.jit(jax.vmap(jax.jacfwd(rate_of)))(POINTS)
    np.testing.assert_allclose(forward, computed["gradient"], rtol=1e-13, atol=1e-304)


def test_second_derivatives_agree_in_every_pair_of_arguments(computed):
    """Relative to the two terms, 2 nu^3 T_i T_j and nu^2 T_ij, of which each is the difference."""
    pairs = list(zip(*np.triu_indices(7), strict=True))
    for point, case, hessian in zip(POINTS, CASES, computed["hessian"], strict=True):
        gradient = [mp.mpf(value) for value in case["gradient"]]
        for (j, k), text in zip(pairs, case["hessian"], strict=True):
            exact = mp.mpf(text)
            product = 2 * gradient[j] * gradient[k] / mp.mpf(case["rate"])
            size = abs(product) + abs(exact - product)
            if size > SMALLEST:
                for value in (hessian[j, k], hessian[k, j]):
                    assert abs(value - exact) < 1e-12 * size, (NAMES[j], NAMES[k], point)


def test_second_derivatives_with_a_refractory_period_agree_relative_to_themselves(computed):
    """With t_ref > 0 the rate bends towards saturation, so the two terms do not cancel."""
    for case, hessian in zip(CASES, computed["hessian"], strict=True):
        arguments = dict(zip(NAMES, case["arguments"], strict=True))
        if arguments["refractory_period"] > 0 and arguments["threshold"] > arguments["reset"] + 0.1:
            for column in (0, 1):
                error = relative_error(hessian[0, column], case["hessian"][column])
                assert error < 1e-9, arguments


def textbook_rate(mean_input, noise):
    """The formula as printed, with the default parameters."""
    a, b = (10 - mean_input) / noise, (20 - mean_input) / noise
    integral = mp.quad(lambda u: mp.exp(u * u) * (1 + mp.erf(u)), mp.linspace(a, b, 5))
    return 1 / (2 + 20 * mp.sqrt(mp.pi) * integral)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean_input", "noise"),
    [
        (15.0, 4.0),
        (24.0, 2.0),
        (5.0, 3.0),
    ],
)
def test_derivatives_agree_with_numerical_differentiation_of_the_formula(mean_input, noise):
    with mp.workdps(30):
        point = (mp.mpf(mean_input), mp.mpf(noise))
        exact = {
            order: mp.diff(textbook_rate, point, order)
            for order in [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0)]
        }
    e, s = 0, 1
    derivative = {
        (0, 0): firing_rate,
        (1, 0): jax.grad(firing_rate, e),
        (0, 1): jax.grad(firing_rate, s),
        (2, 0): jax.grad(jax.grad(firing_rate, e), e),
        (1, 1): jax.grad(jax.grad(firing_rate, s), e),
        (0, 2): jax.jacfwd(jax.jacrev(firing_rate, s), s),
        (3, 0): jax.grad(jax.grad(jax.grad(firing_rate, e), e), e),
    }
    for order, value in exact.items():
        assert relative_error(derivative[order](mean_input, noise), value) < 1e-11, order


@pytest.mark.slow
def test_derivatives_end_with_a_message():
    derivative = firing_rate
    for _ in range(4):
        derivative = jax.grad(derivative, 1)
    with pytest.raises(NotImplementedError, match="differentiated three times"):
        derivative(15.0, 4.0)


def test_the_rate_where_a_known_implementation_has_the_wrong_slope():
    slope = jax.grad(firing_rate)(25.0, 1.0)
    assert 1e6 * slope == pytest.approx(4579.444412575652, rel=1e-13)


@given(
    mean_input=st.floats(-200, 1e4),
    step=st.floats(1e-6, 1e3),
    noise=st.floats(1e-3, 1e3),
    refractory_period=st.floats(0, 10),
)
def test_more_input_means_more_spikes(mean_input, step, noise, refractory_period):
    less, more = log_firing_rate(
        np.array([mean_input, mean_input + step]), noise, refractory_period=refractory_period
    )
    assert more > less or more - less > -1e-13 * max(1.0, abs(less))
    slope = jax.grad(log_firing_rate)(mean_input, noise, refractory_period=refractory_period)
    assert slope > 0


@given(refractory_period=st.floats(0.1, 10), noise=st.floats(1e-3, 1e3))
def test_strong_input_leaves_only_the_refractory_period(refractory_period, noise):
    rate = firing_rate(1e15, noise, refractory_period=refractory_period)
    assert rate == pytest.approx(1 / refractory_period, rel=1e-11)


@pytest.mark.parametrize("mean_input", [20.5, 25.0, 80.0, 1e4])
@pytest.mark.parametrize("refractory_period", [0.0, 2.0])
def test_without_noise_the_neuron_is_a_clock(mean_input, refractory_period):
    interval = refractory_period + 20 * np.log1p(10 / (mean_input - 20))
    rate = firing_rate(mean_input, 1e-7, refractory_period=refractory_period)
    assert rate == pytest.approx(1 / interval, rel=1e-12)


@given(
    factor=st.floats(1e-3, 1e3),
    mean_input=st.floats(-20, 60),
    noise=st.floats(2, 50),
    leak_potential=st.floats(-20, 20),
)
def test_units_do_not_matter(factor, mean_input, noise, leak_potential):
    rate = firing_rate(mean_input, noise, leak_potential=leak_potential)
    in_other_volts = firing_rate(
        factor * mean_input,
        factor * noise,
        threshold=factor * 20.0,
        reset=factor * 10.0,
        leak_potential=factor * leak_potential,
    )
    in_other_seconds = firing_rate(
        mean_input,
        noise,
        leak_potential=leak_potential,
        membrane_time_constant=factor * 20.0,
        refractory_period=factor * 2.0,
    )
    assert in_other_volts == pytest.approx(float(rate), rel=1e-11)
    assert factor * in_other_seconds == pytest.approx(float(rate), rel=1e-12)


def test_only_the_distance_to_the_resting_potential_matters():
    rate = firing_rate(15.0, 4.0)
    shifted = firing_rate(15.0, 4.0, threshold=-50.0, reset=-60.0, leak_potential=-70.0)
    assert shifted == rate


def test_a_small_distance_of_large_potentials_is_not_lost_to_rounding():
    """-50.1 + 70.7 - 2.3 is not a double; its rounding error is magnified a thousandfold here."""
    arguments = {"threshold": -50.1, "reset": -60.3, "leak_potential": -70.7}
    with mp.workdps(25):
        exact = {name: mp.mpf(value) for name, value in arguments.items()}
        centre = exact["leak_potential"] + mp.mpf(2.3)
        b = (exact["threshold"] - centre) / mp.mpf(0.9)
        a = (exact["reset"] - centre) / mp.mpf(0.9)
        points = [b - (b - a) * mp.mpf(j) / 12 for j in range(13)][::-1]
        integral = mp.quad(lambda u: mp.exp(u * u) * mp.erfc(-u), points)
        rate = 1 / (2 + 20 * mp.sqrt(mp.pi) * integral)
    assert relative_error(firing_rate(2.3, 0.9, **arguments), rate) < 2e-13


extreme = st.fixed_dictionaries(
    {
        "mean_input": st.floats(-1e6, 1e6),
        "noise": st.floats(-8, 6).map(lambda x: 10.0**x),
        "membrane_time_constant": st.floats(-3, 4).map(lambda x: 10.0**x),
        "refractory_period": st.one_of(st.just(0.0), st.floats(-6, 3).map(lambda x: 10.0**x)),
        "threshold": st.floats(-100, 100),
        "width": st.floats(-6, 4).map(lambda x: 10.0**x),
        "leak_potential": st.floats(-100, 100),
    }
)


@pytest.mark.slow
@given(extreme, st.booleans())
def test_extreme_parameters_give_finite_rates_and_derivatives(parameters, at_threshold):
    parameters = dict(parameters)
    parameters["reset"] = parameters["threshold"] - parameters.pop("width")
    if at_threshold:
        parameters["mean_input"] = parameters["threshold"] - parameters["leak_potential"]
    values = [parameters[name] for name in NAMES]
    found = EVERYTHING(np.broadcast_to(values, POINTS.shape))
    rate, gradient = float(found["rate"][0]), np.asarray(found["gradient"][0])
    assert 0 <= rate <= (1 + 1e-12) / max(parameters["refractory_period"], 1e-300)
    assert np.all(np.isfinite(found["log_rate"]))
    assert np.all(np.isfinite(gradient))
    assert np.all(np.isfinite(found["hessian"]))
    signs = dict(zip(NAMES, gradient, strict=True))
    assert signs["mean_input"] >= 0
    assert signs["threshold"] <= 0 <= signs["reset"]
    assert signs["membrane_time_constant"] <= 0


def test_arguments_broadcast_and_transformations_agree():
    mean_inputs, noises = np.array([[5.0], [15.0], [30.0]]), np.array([1.0, 4.0])
    rates = firing_rate(mean_inputs, noises, reset=np.array([10.0, 12.0]))
    assert rates.shape == (3, 2)
    one = firing_rate(30.0, 4, reset=12)
    assert one.shape == ()
    assert rates[2, 1] == pytest.approx(float(one), rel=1e-14)
    over_noise = jax.vmap(lambda s, r: firing_rate(mean_inputs[:, 0], s, reset=r), out_axes=1)
    mapped = jax.jit(over_noise)(noises, np.array([10.0, 12.0]))
    np.testing.assert_allclose(mapped, rates, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("noise", 0.0, "noise must be positive, got 0.0"),
        ("noise", np.array([1.0, -2.0]), "noise must be positive, got -2.0"),
        ("membrane_time_constant", -20.0, "membrane_time_constant must be positive, got -20.0"),
        ("refractory_period", -1.0, "refractory_period must not be negative, got -1.0"),
        ("mean_input", np.nan, "mean_input must be finite, got nan"),
        ("leak_potential", np.inf, "leak_potential must be finite, got inf"),
        ("reset", 20.0, "threshold must lie above reset, got threshold 20.0 mV and reset 20.0 mV"),
        ("threshold", 5.0, "threshold must lie above reset, got threshold 5.0 mV and reset 10.0"),
        ("noise", np.ones(3), r"must broadcast, got mean_input \(2,\), noise \(3,\)"),
    ],
)
@pytest.mark.parametrize("function", [firing_rate, log_firing_rate])
def test_senseless_arguments_name_themselves(function, name, value, message):
    arguments = {"mean_input": np.array([10.0, 15.0]), "noise": 4.0, name: value}
    with pytest.raises(ValueError, match=message):
        function(**arguments)
    arguments["noise"] = jnp.asarray(arguments["noise"])
    with pytest.raises(ValueError, match=message):
        jax.jit(lambda unknown: function(**{"mean_input": unknown, **arguments}))(1.0)
