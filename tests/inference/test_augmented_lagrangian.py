"""The augmented Lagrangian against maximum-entropy distributions in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from neuropil.inference.augmented_lagrangian import AugmentedLagrangian
from neuropil.inference.behaviour import Behaviour
from neuropil.inference.black_box import BlackBox
from neuropil.inference.domains import Interval, RealLine
from neuropil.inference.flow_architecture import CouplingFlow
from neuropil.inference.maximum_entropy import maximum_entropy
from neuropil.inference.support import Support
from neuropil.result import Outcome

QUICK = AugmentedLagrangian(
    architecture=CouplingFlow(layers=2, width=8, knots=0),
    epochs=5,
    iterations=400,
    batch_size=200,
    learning_rate=1e-2,
    samples=8192,
)
BOX = Support({"a": Interval(0.0, 4.0), "b": Interval(-1.0, 1.0)})


def first_two(parameters):
    return {"a": parameters["a"], "b": parameters["b"]}


def truncated_exponential(low, high, mean):
    """eta and entropy of the maximum-entropy distribution of that mean on an interval."""
    width = high - low

    def missing(eta):
        return low + width / -np.expm1(-eta * width) - 1 / eta - mean

    side = (1e-9, 60 / width) if mean > (low + high) / 2 else (-60 / width, -1e-9)
    eta = brentq(missing, *side)
    return eta, np.log(np.exp(eta * low) * np.expm1(eta * width) / eta) - eta * mean


@pytest.mark.slow
def test_truncated_exponentials_on_a_box():
    behaviour = Behaviour(first_two, {"a": 1.0, "b": 0.2})
    found = maximum_entropy(behaviour, BOX, QUICK, key=jax.random.key(0), check=False)
    eta_a, entropy_a = truncated_exponential(0, 4, 1.0)
    eta_b, entropy_b = truncated_exponential(-1, 1, 0.2)
    truth = entropy_a + entropy_b
    assert found.outcome == Outcome.SUCCESSFUL
    # Where constraints are off within their tolerance, entropy is off by eta times as much.
    slack = sum(
        abs(eta) * (abs(report.reached.value - report.target) + report.reached.standard_error)
        for eta, report in zip((eta_a, eta_b), found.constraints, strict=True)
    )
    assert found.entropy.lower < truth + slack
    assert found.entropy.value > truth - 0.05 - slack
    assert found.entropy.value + found.entropy_gap >= truth - 1e-3
    assert found.log_partition.lower >= truth - 0.02
    for label, eta in (("mean a", eta_a), ("mean b", eta_b)):
        natural = found.natural_parameters[label]
        assert natural.lower - 0.02 < eta < natural.upper + 0.02
        assert natural.value == pytest.approx(eta, abs=0.3)
    assert found.flow is not None
    kept = found.sample(jax.random.key(1), 100)
    np.testing.assert_array_equal(found.log_density(kept), found.flow.log_density(kept))
    assert found.simulations > 5 * 400 * 200


@pytest.mark.slow
def test_goes_on_from_a_checkpoint(tmp_path):
    behaviour = Behaviour(first_two, {"a": 1.0, "b": 0.2})
    short = AugmentedLagrangian(
        architecture=QUICK.architecture,
        epochs=2,
        iterations=20,
        batch_size=200,
        repeats=10,
        samples=1024,
    )

    class Interrupted(Exception):
        pass

    class Halting(AugmentedLagrangian):
        def finished(self, problem, state):
            if state.step == 1:
                raise Interrupted
            return super().finished(problem, state)

        def __repr__(self):
            return repr(short)

    halting = Halting(**{name: getattr(short, name) for name in vars(short)})

    def solve(method, folder):
        return maximum_entropy(
            behaviour,
            BOX,
            method,
            key=jax.random.key(3),
            checkpoint=folder,
            check=False,
            throw=False,
        )

    with pytest.raises(Interrupted):
        solve(halting, tmp_path / "halted")
    resumed, whole = solve(short, tmp_path / "halted"), solve(short, tmp_path / "whole")
    np.testing.assert_array_equal(resumed.coordinates, whole.coordinates)
    np.testing.assert_array_equal(resumed.eta, whole.eta)
    assert resumed.entropy == whole.entropy


@pytest.mark.slow
def test_mean_and_variance_on_a_line():
    behaviour = Behaviour(lambda p: {"a": p["a"]}, {"a": 0.5}, variances={"a": 0.49}, tolerance=0.1)
    support = Support({"a": RealLine(scale=0.6)})
    found = maximum_entropy(behaviour, support, QUICK, key=jax.random.key(0), check=False)
    truth = 0.5 * np.log(2 * np.pi * np.e * 0.49)
    # Of all densities with the variance that was reached, the Gaussian's has the most entropy.
    variance, mean = found.constraints[1].reached, found.constraints[0].reached
    most = 0.5 * np.log(2 * np.pi * np.e * (variance.upper + abs(mean.value - 0.5)))
    assert found.entropy.lower < most
    assert found.entropy.value == pytest.approx(truth, abs=0.1)
    assert found.entropy.value + found.entropy_gap >= truth - 1e-3
    assert found.natural_parameters["variance a"].value == pytest.approx(-1 / 0.98, abs=0.25)


@pytest.mark.slow
def test_bound_that_binds_and_bound_that_does_not():
    behaviour = Behaviour(first_two, at_most={"a": 1.0}, at_least={"b": -0.5}, tolerance=0.1)
    found = maximum_entropy(behaviour, BOX, QUICK, key=jax.random.key(0), check=False)
    eta, entropy = truncated_exponential(0, 4, 1.0)
    assert found.natural_parameters["at most a"].value == pytest.approx(eta, abs=0.3)
    assert found.natural_parameters["at least b"].value == 0
    assert found.entropy.value == pytest.approx(entropy + np.log(2), abs=0.08)


def test_what_it_cannot_do_is_refused():
    boxed = Behaviour(BlackBox(first_two), {"a": 1.0})
    with pytest.raises(ValueError, match=r"AugmentedLagrangian needs gradients.*BlackBox"):
        maximum_entropy(boxed, BOX, QUICK, key=jax.random.key(0), check=False)
    holed = Behaviour(lambda p: {"a": jnp.where(p["a"] < 1, jnp.nan, p["a"])}, {"a": 2.0})
    with pytest.raises(ValueError, match=r"finite in only 7.* % of the support"):
        maximum_entropy(holed, BOX, QUICK, key=jax.random.key(0), check=False)
    flat = Behaviour(lambda p: {"a": 0.0 * p["a"]}, {"a": 0.0})
    with pytest.raises(ValueError, match="'a' does not vary"):
        maximum_entropy(flat, BOX, QUICK, key=jax.random.key(0), check=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"batch_size": 7}, "batch_size must be even and positive, got 7"),
        ({"penalty": -1.0}, "penalty must be positive, got -1"),
        ({"growth": 1.0}, "growth must exceed 1, got 1"),
        ({"repeats": 2}, "repeats must be three or more, got 2"),
        ({"samples": 1000}, "samples must be a multiple of 32.*got 1000"),
    ],
)
def test_settings_outside_their_range(settings, message):
    with pytest.raises(ValueError, match=message):
        AugmentedLagrangian(**settings)
