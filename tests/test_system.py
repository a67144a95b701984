import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.system import (
    AbstractSlowFastSystem,
    join_states,
    layer,
    slow_drift,
    split_state,
)

NOW = jnp.asarray(0.5)


class Coupled(AbstractSlowFastSystem):
    """A linear system in time and state whose slow components are wherever they are said to be."""

    matrix: jax.Array
    slow: tuple[bool, ...]

    @property
    def state_names(self):
        return tuple(f"y{i}" for i in range(len(self.slow)))

    @property
    def state_unit(self):
        return "mV"

    @property
    def is_slow(self):
        return np.array(self.slow, bool)

    def vector_field(self, time, state):
        return self.matrix @ state + time


def coupled(*slow):
    generator = np.random.default_rng(len(slow))
    return Coupled(jnp.asarray(generator.normal(size=(len(slow), len(slow)))), slow)


masks = st.lists(st.booleans(), min_size=1, max_size=6).map(tuple)


@given(masks)
def test_states_are_split_and_joined(slow):
    system = coupled(*slow)
    state = jnp.arange(1.0, len(slow) + 1)
    fast_part, slow_part = split_state(system, state)
    np.testing.assert_array_equal(fast_part, np.asarray(state)[~system.is_slow])
    np.testing.assert_array_equal(slow_part, np.asarray(state)[system.is_slow])
    np.testing.assert_array_equal(join_states(system, fast_part, slow_part), state)


@pytest.mark.parametrize("slow", [(False, True), (True, False, True), (True, False, False, True)])
def test_layer_and_drift_make_up_the_vector_field(slow):
    system = coupled(*slow)
    state = jnp.linspace(-1.0, 2.0, len(slow))
    fast_part, slow_part = split_state(system, state)
    frozen = layer(system, slow_part)
    whole = np.asarray(system.vector_field(NOW, state))
    np.testing.assert_array_equal(frozen.vector_field(NOW, fast_part), whole[~system.is_slow])
    np.testing.assert_array_equal(
        slow_drift(system, NOW, fast_part, slow_part), whole[system.is_slow]
    )
    fast_names = [f"y{i}" for i, is_slow in enumerate(slow) if not is_slow]
    assert frozen.state_names == tuple(fast_names)
    assert frozen.state_unit == "mV"


def test_a_layer_is_differentiable_and_batched_in_the_slow_state():
    system = coupled(True, False, True)
    fast = jnp.asarray([0.3])

    def speed(slow_state):
        return layer(system, slow_state).vector_field(NOW, fast)[0]

    gradient = jax.grad(speed)(jnp.asarray([1.0, -2.0]))
    np.testing.assert_allclose(gradient, system.matrix[1, jnp.array([0, 2])], rtol=1e-15)
    grid = jnp.asarray([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    np.testing.assert_allclose(
        jax.vmap(speed)(grid), [speed(slow_state) for slow_state in grid], rtol=1e-15
    )


def test_parts_of_the_wrong_size_are_refused():
    system = coupled(True, False, True)
    with pytest.raises(ValueError, match=r"slow_state must hold 2 components, got shape \(1,\)"):
        layer(system, 1.0)
    with pytest.raises(ValueError, match="slow_state must be finite, got"):
        layer(system, np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"fast_state must hold 1 components, got shape \(2,\)"):
        join_states(system, jnp.ones(2), jnp.ones(2))
    with pytest.raises(ValueError, match=r"slow_state must hold 2 components, got shape \(3,\)"):
        slow_drift(system, NOW, jnp.ones(1), jnp.ones(3))
