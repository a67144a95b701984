"""Flows against densities whose entropy and normalisation are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.inference.behaviour import Behaviour, constraints_of
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.domains import Interval, RealLine
from neuropil.inference.evidence import Estimate
from neuropil.inference.flow import log_densities, reference_flow
from neuropil.inference.flow_architecture import AutoregressiveFlow, CouplingFlow
from neuropil.inference.flow_base import base_of
from neuropil.inference.flow_fit import fit_flow, flow_divergence
from neuropil.inference.logistic import log_logistic
from neuropil.inference.support import Support
from neuropil.inference.target import Problem
from neuropil.result import Outcome

SMALL = CouplingFlow(layers=2, width=16, knots=4)
LINE = Support({"a": RealLine(), "b": RealLine(scale=2.0)})
SQUARE = Support({"a": Interval(0.0, 1.0), "b": Interval(-2.0, 2.0)})
NOTHING = Estimate(0.0, 0.0, 0.0, 0.0)


def distribution(support, values, *, statistics=None, eta=(0.0,), log_partition=0.0, weights=None):
    """An answer that consists of given samples; `values` has a column for each parameter."""
    columns = dict(zip(support.names, jnp.asarray(values).T, strict=True))
    coordinates = np.asarray(jax.vmap(support.coordinates)(columns))
    behaviour = Behaviour(statistics or (lambda p: {"a": p["a"]}), {"a": 0.0})
    count = len(coordinates)
    return ParameterDistribution(
        problem=Problem(behaviour, support, constraints_of(behaviour, np.ones(1)), None),
        eta=np.asarray(eta, float),
        coordinates=coordinates,
        log_weights=np.full(count, -np.log(count)) if weights is None else weights,
        statistics=np.zeros((count, 1)),
        population=np.arange(count) * 8 // count,
        natural_parameters={},
        log_partition=NOTHING._replace(value=log_partition),
        entropy=NOTHING,
        entropy_gap=0.0,
        constraints=(),
        inside_share=1.0,
        simulations=0,
        steps=0,
        trace=np.zeros((0, 4)),
        outcome=Outcome.SUCCESSFUL,
    )


def shaken(flow, key):
    """A flow far from the identity: its layers with noise added."""
    leaves, structure = jax.tree.flatten(eqx.filter(flow.bijection, eqx.is_inexact_array))
    keys = jax.random.split(key, len(leaves))
    moved = [
        leaf + 0.1 * jax.random.normal(k, leaf.shape, leaf.dtype)
        for leaf, k in zip(leaves, keys, strict=True)
    ]
    others = eqx.filter(flow.bijection, eqx.is_inexact_array, inverse=True)
    layers = eqx.combine(jax.tree.unflatten(structure, moved), others)
    return eqx.tree_at(lambda f: f.bijection, flow, layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "density_first"),
    [
        pytest.param(SMALL, False, marks=pytest.mark.slow),
        (CouplingFlow(layers=3, width=8, knots=0), True),
        pytest.param(SMALL, True, marks=pytest.mark.slow),
        pytest.param(AutoregressiveFlow(layers=2, width=8, knots=4), True, marks=pytest.mark.slow),
        pytest.param(AutoregressiveFlow(layers=2, width=8, knots=4), False, marks=pytest.mark.slow),
    ],
)
def test_density_of_any_weights_integrates_to_one(architecture, density_first):
    flow = reference_flow(SQUARE, architecture, jax.random.key(0), density_first=density_first)
    flow = shaken(flow, jax.random.key(1))
    draws = flow.draw(jax.random.key(2), 1000)
    known = log_densities(flow, draws[0]) + jax.vmap(SQUARE.log_volume)(draws[0])
    np.testing.assert_allclose(known, draws[1], rtol=1e-6, atol=1e-6)
    # The midpoint rule in the quantiles of a logistic twice as wide, which leaves no tail out.
    grid = (np.arange(160) + 0.5) / 160
    wide = 2 * np.log(grid / (1 - grid))
    places = np.stack(np.meshgrid(wide, wide), axis=-1).reshape(-1, 2)
    sparser = 0.5 * grid * (1 - grid)
    cell = 1 / np.multiply.outer(sparser, sparser).ravel() / 160**2
    volumes = np.asarray(jax.vmap(SQUARE.log_volume)(jnp.asarray(places)))
    density = np.exp(np.asarray(log_densities(flow, jnp.asarray(places))) + volumes)
    assert density @ cell == pytest.approx(1, abs=3e-3)
    reference = np.exp(jax.vmap(log_logistic)(jnp.asarray(places)))
    assert np.abs(density / reference - 1).max() > 0.2


def test_a_fresh_flow_is_the_reference():
    flow = reference_flow(SQUARE, SMALL, jax.random.key(0))
    entropy = flow.entropy(jax.random.key(1), 4096)
    assert entropy.value == pytest.approx(np.log(4), abs=1e-3)
    values = flow.sample(jax.random.key(2), 4096)
    assert set(values) == {"a", "b"}
    assert values["b"].min() >= -2
    assert values["b"].max() <= 2
    assert values["a"].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
def test_one_parameter():
    support = Support({"a": RealLine(centre=1.0, scale=2.0)})
    flow = shaken(reference_flow(support, SMALL, jax.random.key(0)), jax.random.key(1))
    grid = np.linspace(-60, 60, 40_001)
    assert np.trapezoid(np.exp(flow.log_density({"a": grid})), grid) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_base_finds_islands_and_tails():
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], (4000, 1))
    islands = 0.1 * random.standard_normal((4000, 2)) + 0.99 * signs
    base = base_of(islands, jax.random.key(0), 8)
    assert len(base.log_weights) > 1
    drawn = np.asarray(base.draw(jax.random.key(1), 4000))
    assert (drawn[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.05)
    assert np.abs(drawn.mean(axis=1)).min() > 0.3
    grid = np.linspace(-3, 3, 301)
    points = jnp.asarray(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2))
    mass = np.exp(jax.vmap(base.log_density)(points)).sum() * 0.02**2
    assert mass == pytest.approx(1, abs=1e-3)
    tails = random.logistic(scale=np.sqrt(3) / np.pi, size=(4000, 2))
    assert base_of(tails, jax.random.key(0), 1).is_logistic
    assert not base_of(random.standard_normal((4000, 2)), jax.random.key(0), 1).is_logistic


@pytest.mark.slow
def test_fit_to_a_weighted_gaussian():
    # Samples twice as wide as the target, with the weights that make up for it.
    random = np.random.default_rng(1)
    factor = np.array([[1.0, 0.0], [0.8, 0.6]])
    noise = random.standard_normal((40_000, 2))
    wide = np.array([0.5, -1.0]) + np.sqrt(2) * noise @ factor.T
    log_weights = -0.5 * np.sum(noise**2, axis=1)
    log_weights -= np.log(np.exp(log_weights).sum())
    found = fit_flow(
        distribution(LINE, wide, weights=log_weights), SMALL, key=jax.random.key(0), steps=200
    )
    truth = np.log(2 * np.pi * np.e) + np.log(0.6)
    entropy = found.entropy(jax.random.key(1))
    assert entropy.value == pytest.approx(truth, abs=0.03)
    assert entropy.lower < entropy.value < entropy.upper
    fresh = random.standard_normal((20_000, 2))
    true = -0.5 * np.sum(fresh**2, axis=1) - np.log(2 * np.pi) - np.log(0.6)
    a, b = (np.array([0.5, -1.0]) + fresh @ factor.T).T
    lost = true - found.log_density({"a": a, "b": b})
    assert -3 * lost.std() / np.sqrt(20_000) < lost.mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [CouplingFlow(), AutoregressiveFlow()], ids=["c", "a"])
def test_fit_to_two_islands_in_a_box(architecture):
    # |a - 1/2| is truncated exponential from 1/4 on, so that the ends of the box carry most;
    # b leans to one side. The natural parameters of both are known.
    random = np.random.default_rng(2)
    rate, lean = 12.0, 0.7

    def draw(count):
        outwards = 0.25 + np.log1p(random.random(count) * np.expm1(rate * 0.25)) / rate
        a = 0.5 + outwards * random.choice([-1, 1], count)
        return a, np.log(np.exp(-2 * lean) + random.random(count) * 2 * np.sinh(2 * lean)) / lean

    a, b = draw(40_000)
    log_z = np.log(2 * np.exp(0.25 * rate) * np.expm1(0.25 * rate) / rate)
    log_z += np.log(2 * np.sinh(2 * lean) / lean)

    def statistics(parameters):
        apart = jnp.abs(parameters["a"] - 0.5)
        # Between the islands lies a trough of 40 nats, where the answer has no mass to speak of.
        trough = jnp.where(apart < 0.25, -40.0, 0.0)
        return {"a": rate * apart + lean * parameters["b"] + trough}

    answer = distribution(
        SQUARE, np.stack([a, b], axis=1), statistics=statistics, eta=[1.0], log_partition=log_z
    )
    flow = fit_flow(answer, architecture, key=jax.random.key(0), steps=2000)
    truth = log_z - rate * np.abs(a - 0.5).mean() - lean * b.mean()
    assert flow.entropy(jax.random.key(1)).value == pytest.approx(truth, abs=0.03)
    # What the likelihood maximises is the divergence the other way round, over the answer's draws.
    a, b = draw(20_000)
    lost = rate * np.abs(a - 0.5) + lean * b - log_z - flow.log_density({"a": a, "b": b})
    assert -3 * lost.std() / np.sqrt(20_000) < lost.mean() < 0.02
    # Layers are continuous, so that a bridge stays between the islands: little, and its depth in
    # nats is what the divergence counts.
    across = flow.sample(jax.random.key(2), 20_000)["a"]
    leaked = (np.abs(across - 0.5) < 0.25).mean()
    assert leaked < 0.01
    divergence = flow_divergence(answer, flow, jax.random.key(4), count=20_000)
    assert divergence.divergence.value == pytest.approx(40 * leaked, abs=0.06)
    assert divergence.effective_share > 0.9
    assert divergence.outside_share == 0
    assert (across < 0.5).mean() == pytest.approx(0.5, abs=0.025)


@pytest.mark.slow
def test_divergence_of_the_reference_is_known():
    # The flow is uniform on [0, 1] x [-2, 2], the answer exponential in the first parameter.
    eta = -2.0
    log_z = np.log(4 * np.expm1(eta) / eta)
    answer = distribution(SQUARE, np.full((8, 2), 0.5), eta=[eta], log_partition=log_z)
    flow = reference_flow(SQUARE, SMALL, jax.random.key(0))
    found = flow_divergence(answer, flow, jax.random.key(1), count=20_000)
    assert found.divergence.value == pytest.approx(log_z - np.log(4) - eta / 2, abs=0.02)
    assert found.log_weight_variance == pytest.approx(eta**2 / 12, rel=0.05)
    squares = 4 * np.expm1(2 * eta) / (2 * eta) / 4
    assert found.effective_share == pytest.approx((np.exp(log_z) / 4) ** 2 / squares, rel=0.03)


@pytest.mark.slow
def test_draws_outside_the_domain_are_counted():
    def statistics(parameters):
        return {"a": jnp.where(parameters["a"] < 0.25, jnp.nan, parameters["a"])}

    answer = distribution(SQUARE, np.full((8, 2), 0.5), statistics=statistics, eta=[1.0])
    flow = reference_flow(SQUARE, SMALL, jax.random.key(0))
    found = flow_divergence(answer, flow, jax.random.key(1))
    assert found.outside_share == pytest.approx(0.25, abs=0.03)


def test_bad_input():
    answer = distribution(SQUARE, np.full((8, 2), 0.5))
    with pytest.raises(ValueError, match="layers must be one or more, got 0"):
        CouplingFlow(layers=0)
    with pytest.raises(ValueError, match="knots must not be negative, got -1"):
        AutoregressiveFlow(knots=-1)
    with pytest.raises(ValueError, match="reach must be positive, got 0"):
        CouplingFlow(reach=0.0)
    with pytest.raises(ValueError, match="steps must be positive, got 0"):
        fit_flow(answer, key=jax.random.key(0), steps=0)
    flow = reference_flow(SQUARE, SMALL, jax.random.key(0))
    with pytest.raises(ValueError, match="count must be two or more, got 1"):
        flow_divergence(answer, flow, jax.random.key(0), count=1)
    with pytest.raises(ValueError, match="count must be one or more, got 0"):
        flow.sample(jax.random.key(0), 0)
    with pytest.raises(ValueError, match=r"parameters must be \['a', 'b'\]"):
        flow.log_density({"a": np.zeros(3)})
