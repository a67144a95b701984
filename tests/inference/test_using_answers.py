"""Inequalities, noise, failures, black boxes, tables, other targets, and interruption."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, root

from neuropil.inference import (
    AugmentedLagrangian,
    Behaviour,
    BlackBox,
    Interval,
    NaturalPath,
    Support,
    maximum_entropy,
    predict,
    reweighted,
    sensitivity,
)
from neuropil.result import NotSolved

KEY = jax.random.key(0)
UNIT = Support({"x": Interval(0.0, 1.0)})
SMALL = NaturalPath(particles=2048)


def slope_of_mean(mean: float) -> float:
    """Of the density exp(slope x) on [0, 1] with this mean."""
    return brentq(lambda s: 1 / (1 - np.exp(-s)) - 1 / s - mean, 1e-6, 50)


def entropy_of_slope(slope: float) -> float:
    return np.log(np.expm1(slope) / slope) - slope * (1 / (1 - np.exp(-slope)) - 1 / slope)


def tilted(slope: float, curvature: float, power: int) -> float:
    """Of the density exp(slope x + curvature (x - 0.3)^2) on [0, 1], the moment about 0.3."""

    def moment(power):
        return quad(
            lambda x: (x - 0.3) ** power * np.exp(slope * x + curvature * (x - 0.3) ** 2), 0, 1
        )[0]

    return moment(power) / moment(0)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_bound_on_a_variance_binds_only_where_it_is_exceeded(share):
    free = brentq(lambda slope: tilted(slope, 0.0, 1), -20, 20)
    bound = share * tilted(free, 0.0, 2)
    found = maximum_entropy(
        Behaviour(lambda p: {"x": p["x"]}, {"x": 0.3}, variances_at_most={"x": bound}),
        UNIT,
        SMALL,
        key=KEY,
    )
    slope, curvature = free, 0.0
    if share < 1:
        slope, curvature = root(
            lambda eta: [tilted(*eta, 1), tilted(*eta, 2) - bound], (free, -5.0)
        ).x
    for name, exact in {"mean x": slope, "variance at most x": curvature}.items():
        eta = found.natural_parameters[name]
        assert eta.value == pytest.approx(exact, abs=4 * eta.standard_error)
        assert eta.standard_error <= 0.1 * abs(exact)
    assert all(report.met for report in found.constraints)


@pytest.mark.slow
def test_a_bound_that_holds_anyway_leaves_the_uniform_distribution():
    found = maximum_entropy(
        Behaviour(lambda p: {"x": p["x"]}, at_least={"x": 0.3}), UNIT, SMALL, key=KEY
    )
    assert found.eta == pytest.approx(0.0)
    assert found.entropy.value == pytest.approx(0.0, abs=0.01)


@pytest.mark.slow
def test_a_bound_that_binds_is_an_equality():
    found = maximum_entropy(
        Behaviour(lambda p: {"x": p["x"]}, at_least={"x": 0.7}), UNIT, SMALL, key=KEY
    )
    slope = slope_of_mean(0.7)
    eta = found.natural_parameters["at least x"]
    assert eta.value == pytest.approx(slope, abs=5 * eta.standard_error + 1e-3)
    assert found.entropy.value == pytest.approx(entropy_of_slope(slope), abs=0.02)


@pytest.mark.slow
def test_noise_is_averaged_over_draws_of_it():
    """E[(x + noise)^2] = x^2 + variance of the noise: the draws must see the noise."""

    def statistics(p, key):
        return {"square": (p["x"] + 0.5 * jax.random.normal(key)) ** 2}

    target = 1 / 3 + 0.25
    found = maximum_entropy(
        Behaviour(statistics, {"square": target}, draws=400), UNIT, SMALL, key=KEY
    )
    # The answer would be uniform with infinitely many draws.
    assert found.entropy.value == pytest.approx(0.0, abs=0.05)


@pytest.mark.slow
def test_parameters_without_statistics_are_counted_and_have_no_share():
    def statistics(p):
        return {"x": jnp.where(p["x"] < 0.25, jnp.nan, p["x"])}

    found = maximum_entropy(Behaviour(statistics, {"x": 0.625}), UNIT, SMALL, key=KEY)
    assert found.inside_share == pytest.approx(0.75, abs=0.03)
    assert found.entropy.value == pytest.approx(np.log(0.75), abs=0.02)
    assert found.parameters["x"].min() >= 0.25
    assert np.isneginf(found.log_density({"x": np.array([0.1])}))
    assert "finite in 7" in found.summary()


def raises_below(p):
    if p["x"] < 0.25:
        raise RuntimeError("no activity")
    return {"x": float(p["x"])}


def test_a_black_box_loses_only_the_evaluations_that_fail():
    method = NaturalPath(particles=512, most_rounds=6)
    behaviour = Behaviour(BlackBox(raises_below), {"x": 0.7}, tolerance=0.2)
    found = maximum_entropy(behaviour, UNIT, method, key=KEY, throw=False)
    slope = slope_of_mean((0.7 - 0.25) / 0.75) / 0.75
    assert found.natural_parameters["mean x"].value == pytest.approx(slope, abs=0.6)
    assert found.inside_share == pytest.approx(0.75, abs=0.06)


@pytest.mark.slow
def test_a_black_box_agrees_with_the_traced_function():
    def statistics(p):
        return {"sum": p["x"] + p["y"] ** 2}

    support = Support({"x": Interval(0, 1), "y": Interval(0, 1)})
    answers = [
        maximum_entropy(
            Behaviour(each, {"sum": 1.2}, variances={"sum": 0.04}), support, SMALL, key=KEY
        )
        for each in (statistics, BlackBox(statistics, batched=True))
    ]
    traced, outside = answers
    assert outside.entropy.value == pytest.approx(traced.entropy.value, abs=0.03)
    for name, eta in traced.natural_parameters.items():
        other = outside.natural_parameters[name]
        error = np.hypot(eta.standard_error, other.standard_error)
        assert abs(eta.value - other.value) < 5 * error


def test_recorded_simulations_give_the_same_answer():
    x = np.random.default_rng(0).uniform(0, 1, 40_000)
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.7})
    found = reweighted(behaviour, UNIT, {"x": x}, {"x": x})
    slope = slope_of_mean(0.7)
    eta = found.natural_parameters["mean x"]
    assert eta.value == pytest.approx(slope, abs=5 * eta.standard_error)
    assert found.entropy.value == pytest.approx(entropy_of_slope(slope), abs=0.01)
    assert found.effective_samples > 10_000


@pytest.mark.slow
def test_other_targets_start_from_an_answer():
    def behaviour(mean, variance):
        return Behaviour(lambda p: {"x": p["x"]}, {"x": mean}, variances={"x": variance})

    first = maximum_entropy(behaviour(0.5, 0.02), UNIT, SMALL, key=KEY, check=False)
    second = maximum_entropy(behaviour(0.6, 0.015), UNIT, SMALL, first, key=KEY, check=False)
    fresh = maximum_entropy(behaviour(0.6, 0.015), UNIT, SMALL, key=KEY, check=False)
    assert second.entropy.value == pytest.approx(fresh.entropy.value, abs=0.02)
    assert second.steps <= fresh.steps
    other = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.6})
    with pytest.raises(ValueError, match="but for the targets"):
        maximum_entropy(other, UNIT, SMALL, first, key=KEY, check=False)


@pytest.mark.slow
def test_fresh_simulations_meet_the_targets():
    def statistics(p, key):
        return {"x": p["x"] + 0.01 * jax.random.normal(key)}

    behaviour = Behaviour(statistics, {"x": 0.6}, variances={"x": 0.02}, draws=1)
    found = maximum_entropy(behaviour, UNIT, SMALL, key=KEY, check=False)
    fresh = predict(found, 1000, key=jax.random.key(1))
    assert fresh.means["x"].lower - 0.01 < 0.6 < fresh.means["x"].upper + 0.01
    assert fresh.deviations["x"] == pytest.approx(0.02**0.5, rel=0.1)
    assert fresh.failed == 0


@pytest.mark.slow
def test_sensitivity_finds_what_is_stiff_and_what_is_free():
    """Constrain 2 y + x alone: along (1, -2) nothing changes. The names are not in order."""

    def statistics(p):
        return {"sum": 2 * p["y"] + p["x"]}

    support = Support({"y": Interval(0, 1), "x": Interval(0, 1)})
    targets = {"means": {"sum": 1.5}, "variances": {"sum": 0.02}}
    found = maximum_entropy(Behaviour(statistics, **targets), support, SMALL, key=KEY, check=False)
    assert list(found.parameters) == ["y", "x"]
    at = {"x": np.array(0.5), "y": np.array(0.5)}
    curvature = sensitivity(found, at, scaled=False)
    assert curvature.labels == ("y", "x")
    eta = found.natural_parameters["variance sum"].value
    expected = 2 * eta * np.array([[4.0, 2.0], [2.0, 1.0]])
    assert curvature.hessian == pytest.approx(expected, rel=1e-9)
    assert curvature.eigenvalues[1] == pytest.approx(0.0, abs=1e-6 * abs(eta))
    assert abs(curvature.directions[:, 1] @ [2.0, 1.0]) < 1e-6
    outside = maximum_entropy(
        Behaviour(BlackBox(statistics, batched=True), **targets), support, SMALL, key=KEY,
        check=False,
    )  # fmt: skip
    fitted = sensitivity(outside, at, scaled=False)
    assert fitted.eigenvalues[0] == pytest.approx(curvature.eigenvalues[0], rel=0.3)
    assert abs(fitted.directions[:, 0] @ curvature.directions[:, 0]) > 0.97


def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.8}, variances={"x": 0.01})
    whole = maximum_entropy(behaviour, UNIT, SMALL, key=KEY, check=False)
    step, count = NaturalPath.step, [0]

    def interrupted(*arguments):
        count[0] += 1
        if count[0] == 5:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(NaturalPath, "step", interrupted)
    call = {"key": KEY, "check": False, "checkpoint": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        maximum_entropy(behaviour, UNIT, SMALL, **call)
    assert (tmp_path / "progress.txt").read_text().startswith("step 4: entropy ")
    monkeypatch.setattr(NaturalPath, "step", step)
    resumed = maximum_entropy(behaviour, UNIT, SMALL, **call)
    assert resumed.entropy == whole.entropy
    assert np.array_equal(resumed.coordinates, whole.coordinates)
    other = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.7}, variances={"x": 0.01})
    with pytest.raises(ValueError, match="holds another inference"):
        maximum_entropy(other, UNIT, SMALL, **call)


def test_what_was_simulated_before_an_interruption_is_not_simulated_again(tmp_path):
    calls = [0]

    def simulator(parameters):
        calls[0] += len(parameters["x"])
        if calls[0] == 2 * 512:
            raise KeyboardInterrupt
        return {"x": parameters["x"]}

    behaviour = Behaviour(BlackBox(simulator, batched=True), {"x": 0.8})
    method = NaturalPath(particles=512, sweeps=1, most_moves=1, most_steps=1)

    def solve(folder):
        calls[0] -= calls[0] % 512
        before = calls[0]
        found = maximum_entropy(
            behaviour, UNIT, method, key=KEY, check=False, throw=False, checkpoint=folder
        )
        return found, calls[0] - before

    with pytest.raises(KeyboardInterrupt):
        solve(tmp_path / "interrupted")
    resumed, after = solve(tmp_path / "interrupted")
    whole, altogether = solve(tmp_path / "whole")
    assert after == altogether - 512
    assert np.array_equal(resumed.coordinates, whole.coordinates)


def test_the_state_of_another_method_is_refused(tmp_path):
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.8})
    call = {"key": KEY, "check": False, "checkpoint": tmp_path, "throw": False}
    maximum_entropy(behaviour, UNIT, NaturalPath(particles=512, most_steps=1), **call)
    other = AugmentedLagrangian(epochs=1, iterations=1)
    with pytest.raises(ValueError, match="choose another"):
        maximum_entropy(behaviour, UNIT, other, **call)


@pytest.mark.slow
def test_too_few_steps_are_reported():
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.95}, variances={"x": 0.0004})
    method = NaturalPath(particles=512, most_steps=2)
    with pytest.raises(NotSolved, match="maximum number of steps"):
        maximum_entropy(behaviour, UNIT, method, key=KEY, check=False)
    found = maximum_entropy(behaviour, UNIT, method, key=KEY, check=False, throw=False)
    assert "NOT met" in found.summary()
