"""Targets that cannot be had are explained, and bad input is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.inference import (
    Behaviour,
    BlackBox,
    HalfLine,
    Interval,
    NaturalPath,
    RealLine,
    Support,
    feasibility,
    maximum_entropy,
    reweighted,
)

KEY = jax.random.key(0)
SQUARE = Support({"x": Interval(-1, 1), "y": Interval(-1, 1)})


def both(p):
    return {"x": p["x"], "sum": p["x"] + 0.1 * p["y"]}


def squared(p):
    return {"x": p["x"], "x squared": p["x"] ** 2}


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        (Behaviour(squared, {"x": 0.5, "x squared": 0.2}), "Jensen"),
        (Behaviour(both, {"x": 1.5}), r"target 1.5 of 'x' is out of reach: the largest .* 0.99"),
        (Behaviour(both, at_least={"x": 1.5}), "out of reach"),
        (Behaviour(both, at_most={"x": -1.5}), "out of reach: the smallest"),
        (Behaviour(both, {"x": 0.0}, variances={"x": 1.1}), "is at most"),
        (Behaviour(both, {"x": 0.8, "sum": -0.8}), "contradict each other"),
        (Behaviour(lambda p: {"same": 0 * p["x"]}, {"same": 0.0}), "does not vary"),
    ],
)
def test_impossible_targets_are_explained(behaviour, fault):
    with pytest.raises(ValueError, match=fault):
        maximum_entropy(behaviour, SQUARE, key=KEY)


@pytest.mark.slow
def test_a_black_box_is_searched_without_gradients():
    def statistics(p):
        return {"sum": p["x"] + p["y"]}

    behaviour = Behaviour(BlackBox(statistics, batched=True), {"sum": 2.5})
    with pytest.raises(ValueError, match="out of reach"):
        maximum_entropy(behaviour, SQUARE, key=KEY)
    possible = Behaviour(BlackBox(statistics, batched=True), {"sum": 1.9})
    assert feasibility(possible, SQUARE, key=KEY).faults == ()


def test_possible_targets_have_no_faults():
    found = feasibility(Behaviour(both, {"x": 0.3, "sum": 0.31}), SQUARE, key=KEY)
    assert found.faults == ()
    assert found.highest["x"] == pytest.approx(1.0, abs=0.01)
    assert found.inside_share == 1.0


@pytest.mark.slow
def test_entropy_without_bound_is_recognised():
    line = Support({"x": RealLine()})
    with pytest.raises(ValueError, match="grows without end"):
        maximum_entropy(Behaviour(lambda p: {"x": p["x"]}, {"x": 0.8}), line, key=KEY)
    bounded = Behaviour(lambda p: {"x": p["x"]}, {"x": 0.8}, variances={"x": 1.0})
    assert feasibility(bounded, line, key=KEY).faults == ()
    assert (
        feasibility(
            Behaviour(lambda p: {"x": p["x"]}, {"x": 0.8}), Support({"x": HalfLine()}), key=KEY
        ).faults
        == ()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"means": {}}, "at least one target"),
        ({"means": {"x": np.nan}}, r"means\['x'\] must be finite"),
        ({"means": {"x": 0.0}, "variances": {"x": 0.0}}, "must be positive"),
        ({"means": {"x": 0.0}, "variances": {"y": 1.0}}, r"needs means\['y'\]"),
        ({"means": {"x": 0.0}, "variances_at_most": {"y": 1.0}}, r"at_most\['y'\] needs means"),
        ({"means": {"x": 0.0}, "variances_at_most": {"x": -1.0}}, "must be positive, got -1"),
        (
            {"means": {"x": 0.0}, "variances": {"x": 1.0}, "variances_at_most": {"x": 1.0}},
            "'x' is in variances, which leaves nothing to bound",
        ),
        ({"means": {"x": 0.0}, "at_least": {"x": 1.0}}, "leaves nothing to bound"),
        ({"at_least": {"x": 1.0}, "at_most": {"x": 0.0}}, "must lie below"),
        ({"means": {"x": 0.0}, "tolerance": 0.0}, "tolerance must be positive"),
        ({"means": {"x": 0.0}, "draws": -1}, "draws must not be negative"),
    ],
)
def test_bad_targets_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Behaviour(both, **arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interval(1.0, 0.0), "lower must lie below upper"),
        (lambda: Interval(0.0, np.inf), "must be finite"),
        (lambda: HalfLine(scale=-1.0), "scale must be positive"),
        (lambda: Support({}), "at least one parameter"),
        (lambda: NaturalPath(particles=100), "multiple of repeats"),
        (lambda: NaturalPath(least_share=1.5), "least_share must lie between"),
        (lambda: BlackBox(both, batched=True, processes=2), "batched=False"),
        (lambda: BlackBox(both, time_limit=1.0), "time_limit needs processes"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_statistics_that_are_hardly_ever_finite_are_refused():
    behaviour = Behaviour(lambda p: {"x": jnp.where(p["x"] > 2, p["x"], jnp.nan)}, {"x": 0.5})
    with pytest.raises(ValueError, match="statistics are finite at 0 of 2048 draws"):
        maximum_entropy(behaviour, SQUARE, key=KEY)


def test_a_table_must_fit_its_behaviour():
    x = np.linspace(-0.99, 0.99, 320)
    box = Support({"x": Interval(-1, 1)})
    behaviour = Behaviour(lambda p: {"s": p["x"]}, {"s": 0.2})
    with pytest.raises(ValueError, match="no \\['s'\\]"):
        reweighted(behaviour, box, {"x": x}, {"t": x})
    with pytest.raises(ValueError, match="one length"):
        reweighted(behaviour, box, {"x": x}, {"s": x[:-1]})
    with pytest.raises(ValueError, match="bounded or have a base measure"):
        reweighted(behaviour, Support({"x": RealLine()}), {"x": x}, {"s": x})
