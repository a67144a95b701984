"""Particles: moves that keep a density, and answers that wait until arrivals are forgotten."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.inference import Behaviour, Interval, NaturalPath, Support
from neuropil.inference.behaviour import constraints_of
from neuropil.inference.moves import hamiltonian_sweeps, largest_correlation
from neuropil.inference.path_answer import shed
from neuropil.inference.path_state import Pool
from neuropil.inference.target import Natural, Problem, place_all

KEY = jax.random.key(0)


def box(dimension: int, mean: float) -> Problem:
    """The first of many numbers in a box has this mean."""
    behaviour = Behaviour(lambda p: {"x": p["x"][0]}, {"x": mean})
    support = Support({"x": Interval(0.0, 1.0, shape=(dimension,))})
    return Problem(behaviour, support, constraints_of(behaviour, np.ones(1)), None)


def test_few_particles_a_dimension_keep_the_density():
    """Uniform numbers in a box are standard logistic coordinates, of variance pi^2 / 3."""
    dimension, count = 40, 800
    problem = box(dimension, 0.5)
    natural = Natural(jnp.zeros(()), jnp.zeros(1))
    points = place_all(problem, natural, problem.support.draw(KEY, count))
    squares = []
    for key in jax.random.split(KEY, 60):
        points, _, acceptance = hamiltonian_sweeps(
            problem, natural, key, points, float(np.log(0.5)), sweeps=2, leaps=4, batch_size=None
        )
        squares.append(float(jnp.mean(points.coordinates**2)))
    assert 0.5 < acceptance < 1
    # The mean over these moves has an error of 0.006; steps shaped by their own particles bring
    # 0.13 more.
    assert np.mean(squares[20:]) == pytest.approx(np.pi**2 / 3, abs=0.04)


def test_the_answer_is_read_off_when_the_arrival_is_forgotten():
    method = NaturalPath(particles=2048, sweeps=1, leaps=1, most_moves=1)
    problem, state = method.init(box(3, 0.8), KEY)
    arrival = None
    while not len(state.pool.features):
        if state.sampling == 0:
            arrival = None
        elif arrival is None:
            arrival = np.asarray(state.points.features)
        state, _ = method.step(problem, state, jax.random.fold_in(KEY, state.step))
    assert largest_correlation(arrival, state.pool.features[0]) < 0.2


@pytest.mark.parametrize("lasting", [False, True])
def test_rounds_in_which_populations_lay_where_they_arrived_are_shed(lasting):
    """Means of populations that fade over the rounds, or that differ by chance in each."""
    problem, state = NaturalPath(particles=256).init(box(3, 0.5), KEY)
    random = np.random.default_rng(1)
    rounds, repeats, size = 24, 16, 16
    offsets = (
        random.standard_normal((repeats, 1, 1))
        * np.exp(-0.3 * np.arange(rounds))[:, None, None, None]
    )
    noise = random.standard_normal((rounds, repeats, size, 1))
    features = (noise + lasting * offsets).reshape(rounds, -1, 1)
    pool = Pool(np.zeros((rounds, repeats * size, 3)), features, features)
    kept = len(shed(problem, state._replace(pool=pool)).pool.features)
    assert kept == (rounds // 2 if lasting else rounds)
