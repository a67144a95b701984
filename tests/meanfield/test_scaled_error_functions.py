"""Scaled error functions and their differences against 40-digit values."""

import importlib.util
import json
from importlib import resources
from pathlib import Path

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from neuropil.meanfield.scaled_error_functions import (
    HIGHEST_ORDER,
    growing_integral,
    integral_difference,
    repeated_integral_difference,
    scaled_repeated_integral,
    share_lost,
)

RNG = np.random.default_rng(5)
STARTS = np.concatenate([[0.0, 0.0, 1e-12], 10 ** RNG.uniform(-4, 4, 40)])
STOPS = STARTS + np.concatenate([[1e-9, 30.0, 1.0], 10 ** RNG.uniform(-8, 4, 40)])
DISTANCES = STOPS - STARTS


def exact_f(order, y):
    y = mp.mpf(y)
    value = mp.hyperu(mp.mpf(order + 1) / 2, mp.mpf(1) / 2, y * y)
    return value / (mp.sqrt(mp.pi) * 2**order)


def largest_error(values, exact):
    return max(float(abs(mp.mpf(float(v)) / x - 1)) for v, x in zip(values, exact, strict=True))


@pytest.fixture(autouse=True)
def forty_digits():
    with mp.workdps(40):
        yield


@pytest.mark.parametrize("order", range(HIGHEST_ORDER + 1))
def test_repeated_integrals(order):
    values = scaled_repeated_integral(order, jnp.asarray(STARTS))
    assert largest_error(values, [exact_f(order, y) for y in STARTS]) < 1e-14


@pytest.mark.parametrize("order", range(HIGHEST_ORDER + 1))
def test_differences_of_repeated_integrals_keep_their_accuracy(order):
    values = repeated_integral_difference(
        order, jnp.asarray(STARTS), jnp.asarray(STOPS), jnp.asarray(DISTANCES)
    )
    pairs = zip(STARTS, STOPS, strict=True)
    exact = [exact_f(order, start) - exact_f(order, stop) for start, stop in pairs]
    assert largest_error(values, exact) < 1e-14


def test_the_recurrence_of_repeated_integrals():
    y = jnp.asarray(STARTS)
    for n in range(2, HIGHEST_ORDER + 1):
        three_terms = 2 * n * scaled_repeated_integral(n, y)
        three_terms += 2 * y * scaled_repeated_integral(n - 1, y)
        np.testing.assert_allclose(scaled_repeated_integral(n - 2, y), three_terms, rtol=2e-14)


def test_the_integral_of_erfcx():
    values = integral_difference(jnp.asarray(STARTS), jnp.asarray(STOPS), jnp.asarray(DISTANCES))
    exact = [
        mp.quad(
            lambda t: exact_f(0, mp.sinh(t)) * mp.cosh(t),
            mp.linspace(mp.asinh(start), mp.asinh(stop), 8),
        )
        for start, stop in zip(STARTS, STOPS, strict=True)
    ]
    assert largest_error(values, exact) < 1e-14


def test_the_growing_integral():
    starts = np.concatenate([[0.0, 0.0], RNG.uniform(0, 26, 60), 10 ** RNG.uniform(-3, 1, 60)])
    stops = starts + np.concatenate([[1e-9, 26.0], 10 ** RNG.uniform(-8, 1.2, 120)])
    distances = stops - starts
    with mp.workdps(60):
        exact = [
            mp.exp(-(mp.mpf(stop) ** 2)) * (mp.erfi(stop) - mp.erfi(start)) * mp.sqrt(mp.pi) / 2
            for start, stop in zip(starts, stops, strict=True)
        ]
    gained = share_lost(jnp.asarray(distances * (starts + stops)))
    values = growing_integral(
        jnp.asarray(starts), jnp.asarray(stops), jnp.asarray(distances), gained
    )
    assert largest_error(values, exact) < 3e-14


def test_growth_has_no_upper_end():
    value = growing_integral(*(jnp.asarray(x) for x in (1e8, 1e8 + 1.0, 1.0, 1.0)))
    assert value == pytest.approx(0.5e-8, rel=1e-7)


def test_the_share_lost():
    exponents = np.concatenate([[0.0], 10 ** RNG.uniform(-15, 3, 500), [0.4999999, 0.5, 0.5000001]])
    np.testing.assert_allclose(
        share_lost(jnp.asarray(exponents)), -np.expm1(-exponents), rtol=1e-15
    )


def test_the_stored_polynomials_are_those_of_the_script():
    path = Path(__file__).resolve().parents[2] / "tools" / "firing_rate_polynomials.py"
    spec = importlib.util.spec_from_file_location("firing_rate_polynomials", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    powers = script.monomial(script.cut(script.chebyshev(script.f_of(1))))
    table = resources.files("neuropil.meanfield").joinpath("firing_rate_polynomials.json")
    stored = json.loads(table.read_text())["f1"]["powers"]
    assert stored == [float(power) for power in powers]
