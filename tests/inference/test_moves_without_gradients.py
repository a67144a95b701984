"""Moves that need values alone: they keep a density, and their kinds suit its shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.inference import Behaviour, BlackBox, Interval, Support
from neuropil.inference.behaviour import constraints_of
from neuropil.inference.moves_without_gradients import gradient_free_sweeps
from neuropil.inference.target import Natural, Points, Problem, place_black_box

KEY = jax.random.key(0)


def walked(problem, natural, start, keys):
    """The points after each sweep, and the tuning that was found."""
    points, tuning = place_black_box(problem, natural, np.asarray(start)), np.zeros(0)
    stations = []
    for key in keys:
        points, tuning, _ = gradient_free_sweeps(
            lambda y: place_black_box(problem, natural, y),
            problem.support.groups,
            key,
            points,
            tuning,
            sweeps=1,
        )
        stations.append((points, tuning))
    return stations


def comb(z: np.ndarray) -> np.ndarray:
    """Small in the middle of each of sixteen teeth."""
    return (np.sin(8 * np.pi * z) / 0.15) ** 2


def test_the_density_is_kept_and_each_kind_goes_as_far_as_its_coordinates_allow():
    """Six coordinates within narrow teeth and six that are free."""
    behaviour = Behaviour(
        BlackBox(lambda p: {"x": comb(p["stiff"]).sum(axis=1)}, batched=True), {"x": 6.0}
    )
    support = Support({name: Interval(-1.0, 1.0, shape=(6,)) for name in ("stiff", "loose")})
    problem = Problem(behaviour, support, constraints_of(behaviour, np.ones(1)), None)
    natural = Natural(jnp.zeros(()), jnp.array([-0.5]))
    draw_key, own_key, key = jax.random.split(KEY, 3)
    grid = np.linspace(-1, 1, 40_001)[1:-1]
    weights = np.exp(-0.5 * comb(grid))
    weights /= weights.sum()
    start = np.array(support.draw(draw_key, 1024))
    places = np.asarray(jax.random.choice(own_key, grid, (1024, 6), p=jnp.asarray(weights)))
    start[:, :6] = 2 * np.arctanh(places)
    stations = walked(problem, natural, start, jax.random.split(key, 150))
    stiff = [float(points.statistics.mean()) / 6 for points, _ in stations]
    loose = [float(jnp.mean(points.coordinates[:, 6:] ** 2)) for points, _ in stations]
    points, tuning = stations[-1]
    assert np.mean(stiff) == pytest.approx(weights @ comb(grid), rel=0.05)
    assert np.mean(loose[30:]) == pytest.approx(np.pi**2 / 3, rel=0.05)
    of_all, _, of_stiff, of_loose = np.exp(tuning[1:5])
    assert of_loose > 5 * of_stiff
    assert of_loose > 5 * of_all
    _, drawn_stiff, drawn_loose, _ = tuning[5:]
    assert drawn_stiff < 0.01
    assert drawn_loose > 0.5
    left = np.corrcoef(start[:, 6], np.asarray(points.coordinates)[:, 6])[0, 1]
    assert abs(left) < 0.2


@pytest.mark.parametrize("free", [1, 2, 4, 30])
def test_one_group_of_all_coordinates_is_enough(free):
    behaviour = Behaviour(BlackBox(lambda p: {"x": p["x"][:, 0]}, batched=True), {"x": 0.5})
    support = Support({"x": Interval(0.0, 1.0, shape=(free,))})
    problem = Problem(behaviour, support, constraints_of(behaviour, np.ones(1)), None)
    natural = Natural(jnp.zeros(()), jnp.zeros(1))
    start = support.draw(KEY, 512)
    stations = walked(problem, natural, start, jax.random.split(KEY, 80))
    squares = [float(jnp.mean(points.coordinates**2)) for points, _ in stations]
    assert np.mean(squares[10:]) == pytest.approx(np.pi**2 / 3, rel=0.08)


@pytest.mark.parametrize("correlation", [0.0, 0.95])
def test_a_normal_density_is_forgotten_in_a_few_sweeps(correlation):
    """Chains of eight coordinates in two groups, one unlike the other in scale and place."""
    free, count = 8, 1024
    lags = np.abs(np.subtract.outer(np.arange(free), np.arange(free)))
    scale = np.geomspace(1e-3, 1e3, free)
    covariance = correlation**lags * np.outer(scale, scale)
    precision, middle = np.linalg.inv(covariance), 3 * scale

    def evaluate(places):
        deviation = places - middle
        density = -0.5 * np.sum((deviation @ precision) * deviation, axis=1)
        nothing = np.zeros((len(places), 1))
        return Points(places, density, np.zeros_like(places), nothing, nothing, density)

    random = np.random.default_rng(3)
    start = random.multivariate_normal(middle, covariance, count, method="cholesky")
    points, _, acceptance = gradient_free_sweeps(
        evaluate, (slice(0, 4), slice(4, 8)), KEY, evaluate(start), np.zeros(0), sweeps=20
    )
    found = (np.asarray(points.coordinates) - middle) / scale
    left = np.mean(found * (start - middle) / scale, axis=0)
    assert acceptance > 0.6
    assert np.abs(left).max() < 0.15
    np.testing.assert_allclose(np.cov(found.T), covariance / np.outer(scale, scale), atol=0.15)


def test_draws_from_others_that_are_narrower_keep_the_density():
    """Tails beyond a box of logistic coordinates: uniform numbers, half of which are kept out."""
    behaviour = Behaviour(
        BlackBox(
            lambda p: {"x": np.where(np.abs(p["x"][:, 0]) > 0.5, p["x"][:, 0], np.nan)},
            batched=True,
        ),
        {"x": 0.0},
    )
    support = Support({"x": Interval(-1.0, 1.0, shape=(3,))})
    problem = Problem(behaviour, support, constraints_of(behaviour, np.ones(1)), None)
    natural = Natural(jnp.zeros(()), jnp.zeros(1))
    draws = np.asarray(support.draw(KEY, 4096))
    start = draws[np.abs(np.tanh(draws[:, 0] / 2)) > 0.5][:1024]
    stations = walked(problem, natural, start, jax.random.split(KEY, 100))
    values = np.concatenate([np.asarray(p.statistics)[:, 0] for p, _ in stations[10:]])
    assert np.mean(np.abs(values)) == pytest.approx(0.75, abs=0.01)
    assert np.mean(values) == pytest.approx(0.0, abs=0.03)
    assert np.abs(values).min() > 0.5
