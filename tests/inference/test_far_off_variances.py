"""More variance than typical parameters have: it is said, and a bound is solved in its place."""

import jax
import pytest
from closed_forms import ClosedForm, mean_square

from neuropil.inference import NaturalPath, ParameterDistribution, maximum_entropy
from neuropil.result import Outcome

MEAN = 0.05


def asked(dimension: int, kind: str) -> ClosedForm:
    """A mean square, and 20 times the variance that those of Gaussian numbers have."""
    return mean_square(dimension, MEAN, **{kind: {"x": 20 * 2 * MEAN**2 / dimension}})


def solved(problem: ClosedForm, *, throw: bool = True) -> ParameterDistribution:
    return maximum_entropy(
        problem.behaviour,
        problem.support,
        NaturalPath(particles=1024),
        key=jax.random.key(0),
        check=False,
        throw=throw,
    )


def test_variance_from_far_off_is_refused_and_taken_as_a_bound():
    problem = asked(40, "variances")
    answer = solved(problem, throw=False)
    assert answer.outcome is Outcome.VARIANCE_FAR_OFF
    assert "variances_at_most" in answer.summary()
    assert [report.met for report in answer.constraints] == [True, False]
    assert answer.entropy.value == pytest.approx(
        problem.entropy, abs=4 * answer.entropy.standard_error
    )
    assert answer.natural_parameters["variance x"].value == 0


def test_as_a_bound_it_changes_nothing():
    """With ten particles a dimension this needs that none shapes its own steps."""
    problem = asked(100, "variances_at_most")
    answer = solved(problem)
    assert answer.entropy.value == pytest.approx(
        problem.entropy, abs=4 * answer.entropy.standard_error
    )
    assert answer.entropy.standard_error < 0.2
    slope = answer.natural_parameters["mean x"]
    assert slope.value == pytest.approx(problem.eta["mean x"], abs=4 * slope.standard_error)
    assert slope.standard_error < 5
    assert answer.natural_parameters["variance at most x"].value == 0
