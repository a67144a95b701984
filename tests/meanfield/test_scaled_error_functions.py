"""Scaled error functions and their differences against 40-digit values."""

import importlib.util
import json
from functools import partial
from importlib import resources
from pathlib import Path

import jax
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


@jax.jit
def growing(start, stop, distance):
    return growing_integral(start, stop, distance, share_lost(distance * (start + stop)))


def exact_f(order, y):
    y = mp.mpf(y)
    if order == 0 and y < 5:
        return mp.exp(y * y) * mp.erfc(y)
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
    values = jax.jit(partial(scaled_repeated_integral, order))(STARTS)
    assert largest_error(values, [exact_f(order, y) for y in STARTS]) < 1e-14


@pytest.mark.parametrize("order", range(HIGHEST_ORDER + 1))
def test_differences_of_repeated_integrals_keep_their_accuracy(order):
    values = jax.jit(partial(repeated_integral_difference, order))(STARTS, STOPS, DISTANCES)
    pairs = zip(STARTS, STOPS, strict=True)
    exact = [exact_f(order, start) - exact_f(order, stop) for start, stop in pairs]
    assert largest_error(values, exact) < 1e-14


def test_the_recurrence_of_repeated_integrals():
    @jax.jit
    def first_and_sum(y):
        f = [scaled_repeated_integral(n, y) for n in range(HIGHEST_ORDER + 1)]
        return [(f[n - 2], 2 * n * f[n] + 2 * y * f[n - 1]) for n in range(2, HIGHEST_ORDER + 1)]

    for first, total in first_and_sum(STARTS):
        np.testing.assert_allclose(first, total, rtol=2e-14)


def test_the_integral_of_erfcx():
    starts, stops, distances = STARTS[:14], STOPS[:14], DISTANCES[:14]
    values = jax.jit(integral_difference)(starts, stops, distances)
    with mp.workdps(30):
        exact = [
            mp.quad(
                lambda t: exact_f(0, mp.sinh(t)) * mp.cosh(t),
                [mp.asinh(start), mp.asinh((start + stop) / 2), mp.asinh(stop)],
                method="gauss-legendre",
            )
            for start, stop in zip(starts, stops, strict=True)
        ]
    assert largest_error(values, exact) < 1e-14


def test_the_growing_integral():
    starts = np.concatenate([[0.0, 0.0], RNG.uniform(0, 26, 30), 10 ** RNG.uniform(-3, 1, 30)])
    stops = starts + np.concatenate([[1e-9, 26.0], 10 ** RNG.uniform(-8, 1.2, 60)])
    distances = stops - starts
    with mp.workdps(60):
        exact = [
            mp.exp(-(mp.mpf(stop) ** 2)) * (mp.erfi(stop) - mp.erfi(start)) * mp.sqrt(mp.pi) / 2
            for start, stop in zip(starts, stops, strict=True)
        ]
    values = growing(starts, stops, distances)
    assert largest_error(values, exact) < 3e-14


def test_growth_has_no_upper_end():
    assert growing(1e8, 1e8 + 1.0, 1.0) == pytest.approx(0.5e-8, rel=1e-7)


def test_the_share_lost():
    exponents = np.concatenate([[0.0], 10 ** RNG.uniform(-15, 3, 500), [0.4999999, 0.5, 0.5000001]])
    np.testing.assert_allclose(jax.jit(share_lost)(exponents), -np.expm1(-exponents), rtol=1e-15)


def test_the_stored_polynomials_are_those_of_the_script():
    path = Path(__file__).resolve().parents[2] / "tools" / "firing_rate_polynomials.py"
    spec = importlib.util.spec_from_file_location("firing_rate_polynomials", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    powers = script.monomial(script.cut(script.chebyshev(script.f_of(1))))
    table = resources.files("neuropil.meanfield").joinpath("firing_rate_polynomials.json")
    stored = json.loads(table.read_text())["f1"]["powers"]
    assert stored == [float(power) for power in powers]
