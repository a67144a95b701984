"""More variance than typical parameters have: it is said, and a bound is solved in its place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.inference import (
    Behaviour,
    Interval,
    NaturalPath,
    ParameterDistribution,
    Support,
    maximum_entropy,
)
from neuropil.result import NotSolved

MEAN = 0.05


def solved(dimension: int, *, is_bound: bool) -> ParameterDistribution:
    """Mean squares in a box, asked for 20 times the variance that Gaussian numbers have."""
    wider = {"x": 20 * 2 * MEAN**2 / dimension}
    return maximum_entropy(
        Behaviour(
            lambda parameters: {"x": jnp.mean(parameters["z"] ** 2)},
            {"x": MEAN},
            variances=None if is_bound else wider,
            variances_at_most=wider if is_bound else None,
        ),
        Support({"z": Interval(-1.0, 1.0, shape=(dimension,))}),
        NaturalPath(particles=1024),
        key=jax.random.key(0),
        check=False,
    )


def test_variance_from_far_off_is_refused_with_advice():
    with pytest.raises(NotSolved, match="variances_at_most"):
        solved(40, is_bound=False)


def test_as_a_bound_it_leaves_gaussian_numbers():
    """The box is 4.5 standard deviations wide on each side, and does not matter.

    With ten particles a dimension natural parameters are right only if no particle has a part in
    the shape of its own steps.
    """
    dimension = 100
    answer = solved(dimension, is_bound=True)
    entropy = 0.5 * dimension * np.log(2 * np.pi * np.e * MEAN)
    assert answer.entropy.value == pytest.approx(entropy, abs=4 * answer.entropy.standard_error)
    assert answer.entropy.standard_error < 0.2
    slope = answer.natural_parameters["mean x"]
    assert slope.value == pytest.approx(-0.5 * dimension / MEAN, abs=4 * slope.standard_error)
    assert slope.standard_error < 5
    assert answer.natural_parameters["variance at most x"].value == 0
