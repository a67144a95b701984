"""Behaviours whose statistics exist in a small part of the support."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from neuropil.inference import (
    Behaviour,
    BlackBox,
    Interval,
    NaturalPath,
    Support,
    maximum_entropy,
)
from neuropil.inference.behaviour import constraints_of
from neuropil.inference.evidence import estimate_of_repeats
from neuropil.inference.path_start import drawn_start
from neuropil.inference.target import Problem
from neuropil.result import Outcome

KEY = jax.random.key(1)
CENTRE, RADIUS = 0.3, 0.08
SQUARE = Support({"z": Interval(0.0, 1.0, shape=(2,))})


def across_a_disc(parameters):
    """The first coordinate from the centre of a disc, in radii; not a number outside of it."""
    away = (parameters["z"] - CENTRE) / RADIUS
    return {"across": jnp.where(jnp.dot(away, away) < 1, away[0], jnp.nan)}


def integral(eta: float, power: int) -> float:
    """Of x^power exp(eta x) over the unit disc."""
    return quad(lambda x: x**power * np.exp(eta * x) * 2 * np.sqrt(1 - x * x), -1, 1)[0]


@pytest.fixture(scope="module")
def answer():
    """A disc of 2 % of the square, in which the mean is asked to lie off the centre."""
    return maximum_entropy(
        Behaviour(across_a_disc, {"across": 0.3}),
        SQUARE,
        NaturalPath(particles=1024),
        key=KEY,
        check=False,
    )


def test_a_disc_has_its_tilt_and_its_entropy(answer):
    eta = brentq(lambda eta: integral(eta, 1) / integral(eta, 0) - 0.3, 0, 10)
    entropy = np.log(integral(eta, 0)) - 0.3 * eta + 2 * np.log(RADIUS)
    assert answer.natural_parameters["mean across"].value == pytest.approx(eta, rel=0.15)
    assert answer.entropy.value == pytest.approx(entropy, abs=4 * answer.entropy.standard_error)
    assert answer.entropy.standard_error < 0.03
    assert answer.inside_share == pytest.approx(np.pi * RADIUS**2, rel=0.3)


def test_no_draw_is_there_twice_in_the_end(answer):
    assert len(np.unique(answer.coordinates, axis=0)) > 0.95 * len(answer.coordinates)


def test_the_share_that_few_draws_show_comes_with_its_error():
    """Over many starts: no bias of the logarithm of the share, and errors of the size stated."""
    behaviour = Behaviour(across_a_disc, {"across": 0.3})
    problem = Problem(behaviour, SQUARE, constraints_of(behaviour, np.ones(1)), None)
    method = NaturalPath(particles=256)
    starts = [method.init(problem, key)[1].log_z[2] for key in jax.random.split(KEY, 60)]
    found = np.array([estimate_of_repeats(each)[:2] for each in starts])
    off = found[:, 0] - np.log(np.pi * RADIUS**2)
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))
    assert off.std() == pytest.approx(np.sqrt(np.mean(found[:, 1] ** 2)), rel=0.35)


def test_more_draws_at_the_start_know_the_share_better():
    behaviour = Behaviour(across_a_disc, {"across": 0.3})
    problem = Problem(behaviour, SQUARE, constraints_of(behaviour, np.ones(1)), None)
    few, many = (
        drawn_start(problem, 64, 16, None, KEY, rounds_for_all=rounds)[1] for rounds in (1, 200)
    )
    assert many.simulations > 2 * few.simulations
    assert many.log_z[2].std() < 0.7 * few.log_z[2].std()
    distinct = [len(np.unique(state.points.coordinates, axis=0)) for state in (few, many)]
    assert distinct[0] < 1024 == distinct[1]


@pytest.mark.parametrize("connected", [False, True])
def test_islands_that_no_move_connects_are_named(connected):
    """Small balls in six dimensions; no run is as exact as is asked.

    Moves along gradients do not leave a ball; draws from what all the balls look like do.
    """
    centres = np.random.default_rng(3).uniform(0.2, 0.8, size=(30, 6))

    def inside_one(parameters):
        away = parameters["z"][None, :] - centres
        inside = (jnp.sum(away**2, axis=1) < 0.22**2).any()
        return {"x": jnp.where(inside, parameters["z"][0], jnp.nan)}

    of_many = jax.jit(jax.vmap(inside_one))
    found = maximum_entropy(
        Behaviour(
            BlackBox(of_many, batched=True) if connected else inside_one,
            {"x": float(centres[:, 0].mean())},
            tolerance=1e-4,
        ),
        Support({"z": Interval(0.0, 1.0, shape=(6,))}),
        NaturalPath(particles=256, sweeps=8, leaps=2, most_moves=1, most_rounds=12),
        key=KEY,
        check=False,
        throw=False,
    )
    if connected:
        assert found.outcome == Outcome.MAXIMUM_STEPS_REACHED
    else:
        assert found.outcome == Outcome.POPULATIONS_APART
        assert "start_rounds" in found.outcome.sentence
