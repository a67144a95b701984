import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.meanfield.gaussian_nodes import normal_nodes, spread
from neuropil.meanfield.pseudo_transient import PseudoTransient, settle
from neuropil.result import Outcome


def test_linear_map_settles_at_its_solution():
    rng = np.random.default_rng(0)
    matrix, offset = jnp.asarray(rng.normal(size=(6, 6)) / 3), jnp.asarray(rng.normal(size=6))
    settled = settle(lambda x: matrix @ x + offset, jnp.zeros(6), PseudoTransient())
    assert settled.outcome == Outcome.SUCCESSFUL
    assert np.allclose(settled.value, np.linalg.solve(np.eye(6) - matrix, offset), rtol=1e-9)
    assert settled.residual <= 1e-12 * np.max(np.abs(settled.value))


@pytest.mark.parametrize(("start", "expected"), [(-0.1, -1), (0.1, 1), (3.0, 1), (-3.0, -1)])
def test_of_several_fixed_points_the_flow_chooses(start, expected):
    """x -> tanh(4 x) has stable fixed points near -1 and 1 and an unstable one at 0."""
    settled = settle(lambda x: jnp.tanh(4 * x), jnp.array([start]), PseudoTransient())
    assert settled.outcome == Outcome.SUCCESSFUL
    assert np.isclose(settled.value[0], expected * 0.99932930, atol=1e-6)


def test_settles_where_the_iteration_cycles():
    settled = settle(lambda x: 3 - 5 * jnp.tanh(x), jnp.array([0.0]), PseudoTransient())
    value = settled.value[0]
    assert np.isclose(value, 3 - 5 * np.tanh(value), rtol=1e-12)
    assert 5 / np.cosh(value) ** 2 > 1


def test_failure_is_an_outcome():
    endless = settle(lambda x: x + 1, jnp.array([0.0]), PseudoTransient(max_steps=7))
    assert endless.outcome == Outcome.MAXIMUM_STEPS_REACHED
    assert endless.steps == 7
    broken = settle(lambda x: jnp.sqrt(x - 10), jnp.array([0.0]), PseudoTransient())
    assert broken.outcome == Outcome.NOT_FINITE


@pytest.mark.parametrize(
    "field", [{"tolerance": 0.0}, {"max_steps": 0}, {"first_step": -1.0}], ids=str
)
def test_bad_method_is_named(field):
    (name, value), *_ = field.items()
    with pytest.raises(ValueError, match=f"{name} must be positive, got {value}"):
        PseudoTransient(**field)


def test_normal_nodes_have_normal_moments():
    nodes, probability = normal_nodes(8)
    double_factorials = {0: 1, 2: 1, 4: 3, 6: 15, 8: 105, 10: 945, 12: 10395, 14: 135135}
    for power, moment in double_factorials.items():
        assert np.isclose(probability @ nodes**power, moment, rtol=1e-12)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        normal_nodes(0)


def test_spread_is_the_lognormal_mean_and_variance():
    centre, variance = jnp.array([0.3, -1.0]), jnp.array([0.2, 0.7])
    mean, spread_variance = spread(jnp.exp, centre, variance, 40)
    expected = np.exp(centre + variance / 2)
    assert np.allclose(mean, expected, rtol=1e-12)
    assert np.allclose(spread_variance, expected**2 * np.expm1(variance), rtol=1e-10)
    mean, spread_variance = spread(jnp.exp, centre, variance, 1)
    assert np.allclose(mean, np.exp(centre), rtol=1e-15)
    assert np.all(spread_variance == 0)
