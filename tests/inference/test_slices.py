"""Conditional and marginal densities, coverage, and plain arrays, on a known distribution."""

import jax
import numpy as np
import pytest
from scipy.stats import truncnorm

from neuropil.inference import (
    Behaviour,
    Interval,
    Support,
    conditional_slice,
    coverage,
    flattened,
    for_corner,
    marginal_slice,
    prior_draws,
    reweighted,
    simulator,
    unflattened,
)

SQUARE = Support({"a": Interval(-1.0, 1.0, unit="mV"), "b": Interval(-1.0, 1.0, shape=(2,))})
BEHAVIOUR = Behaviour(
    lambda p: {"a": p["a"], "sum": p["b"].sum()},
    {"a": 0.2, "sum": 0.0},
    variances={"a": 0.09, "sum": 0.16},
)


def answer(seed, count=40_000):
    draws = prior_draws(SQUARE, count, key=jax.random.key(seed))
    found = simulator(BEHAVIOUR, SQUARE, key=jax.random.key(0))(draws)
    statistics = {"a": found[:, 0], "sum": found[:, 1]}
    return reweighted(BEHAVIOUR, SQUARE, unflattened(SQUARE, draws), statistics)


@pytest.fixture(scope="module")
def known():
    return answer(1)


def normal_of(known):
    """The law of `a`: a normal law cut to [-1, 1], from the natural parameters."""
    linear, square = (known.natural_parameters[row].value for row in ("mean a", "variance a"))
    centre, width = 0.2 - linear / (2 * square), np.sqrt(-0.5 / square)
    return truncnorm((-1 - centre) / width, (1 - centre) / width, centre, width)


def test_the_law_of_a_has_the_moments_asked_for(known):
    law = normal_of(known)
    assert law.mean() == pytest.approx(0.2, abs=0.005)
    assert law.var() == pytest.approx(0.09, abs=0.002)


def test_a_conditional_slice_is_the_density(known):
    grid = np.linspace(-1, 1, 401)
    found = conditional_slice(known, {"a": 0.0, "b": np.array([0.1, -0.4])}, {"a": grid})
    np.testing.assert_allclose(found.values, normal_of(known).pdf(grid), rtol=1e-3)
    assert found["a"].attrs["units"] == "mV"


def test_a_conditional_slice_in_a_plane_depends_on_the_sum_alone(known):
    grid = np.linspace(-0.5, 0.5, 21)
    plane = conditional_slice(known, {"a": 0.3, "b": np.zeros(2)}, {"b[0]": grid, "b[1]": grid})
    values = plane.values
    for shift in (-5, 0, 3):
        line = np.diag(values[:, ::-1], shift)
        np.testing.assert_allclose(line, line[0], rtol=1e-9)
    assert plane.integrate(["b[0]", "b[1]"]).item() == pytest.approx(1.0)


def test_a_marginal_slice_has_the_density_in_its_intervals(known):
    found = marginal_slice(known, ["a"], bins=20)
    truth = normal_of(known).pdf(found["a"].values)
    inside = (found.lower <= truth) & (truth <= found.upper)
    assert inside.mean() >= 0.75
    assert found.density.sum().item() * 0.1 == pytest.approx(1.0, rel=1e-3)


def test_equal_answers_cover_each_other_and_others_do_not(known):
    covered = coverage(known, answer(2))
    away = (covered.covered - covered.level) / covered.standard_error
    assert np.abs(away).max() < 4
    narrow = Behaviour(
        BEHAVIOUR.statistics, {"a": 0.2, "sum": 0.0}, variances={"a": 0.02, "sum": 0.16}
    )
    draws = prior_draws(SQUARE, 40_000, key=jax.random.key(3))
    statistics = {"a": draws[:, 0], "sum": draws[:, 1] + draws[:, 2]}
    other = reweighted(narrow, SQUARE, unflattened(SQUARE, draws), statistics)
    found = coverage(known, other)
    assert (found.covered > found.level + 0.04).sum() >= 3


def test_arrays_go_there_and_back(known):
    rows = flattened(SQUARE, known.parameters)
    assert rows.shape == (len(known.log_weights), 3)
    back = unflattened(SQUARE, rows)
    np.testing.assert_array_equal(back["b"], known.parameters["b"])


def test_corner_draws_what_it_is_given(known):
    corner = pytest.importorskip("corner")
    arguments = for_corner(known)
    assert arguments["labels"] == ["a (mV)", "b[0]", "b[1]"]
    assert len(corner.corner(**arguments).axes) == 9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: conditional_slice(d, d.parameters, {"c": np.arange(3.0)}), "one or two of a"),
        (lambda d: conditional_slice(d, {"a": 0.0}, {"a": np.arange(3.0)}), "at must be"),
        (lambda d: conditional_slice(d, {}, {"a": np.zeros(3)}), "ascending"),
        (lambda d: marginal_slice(d, ["a", "a"]), "one or two of a"),
        (lambda d: marginal_slice(d, ["a"], bins=1), "at least 2"),
        (lambda d: coverage(d, d, (1.0,)), "between 0 and 1"),
        (lambda d: unflattened(SQUARE, np.zeros((2, 2))), "3 columns"),
    ],
)
def test_bad_input_is_named(known, call, message):
    with pytest.raises(ValueError, match=message):
        call(known)
