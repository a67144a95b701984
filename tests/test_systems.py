"""What every system promises, whatever it describes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.system import AbstractNoisySystem
from systems import SYSTEMS

TIME = jnp.asarray(0.0)


@pytest.fixture(params=SYSTEMS, ids=str)
def example(request):
    return SYSTEMS[request.param]


def test_every_component_has_a_name(example):
    system, state = example
    assert len(set(system.state_names)) == len(system.state_names) == state.size
    assert isinstance(system.state_unit, str)


def test_the_vector_field_is_finite_and_has_the_shape_of_the_state(example):
    system, state = example
    change = system.vector_field(TIME, state)
    assert change.shape == state.shape
    assert change.dtype == state.dtype
    assert np.all(np.isfinite(change))
    assert np.any(np.asarray(change) != 0)


def test_the_jacobian_equals_finite_differences(example):
    system, state = example
    shifts = 1e-5 * jnp.eye(state.size)

    @eqx.filter_jit
    def both(system, state):
        def field(state):
            return system.vector_field(TIME, state)

        columns = jax.vmap(lambda shift: field(state + shift) - field(state - shift))(shifts)
        return jax.jacfwd(field)(state), columns.T / 2e-5

    jacobian, differences = both(system, state)
    np.testing.assert_allclose(jacobian, differences, rtol=1e-6, atol=1e-8)


def test_compiled_and_batched_evaluation_agree_with_plain(example):
    system, state = example
    states = jnp.stack([state, state + 0.1, state - 0.2])
    together = eqx.filter_jit(lambda s, x: jax.vmap(lambda y: s.vector_field(TIME, y))(x))
    for one, batched in zip(states, together(system, states), strict=True):
        np.testing.assert_allclose(batched, system.vector_field(TIME, one), rtol=1e-12, atol=1e-14)


def test_parameters_are_leaves_that_survive_a_round_trip(example):
    system, state = example
    leaves, structure = jax.tree.flatten(system)
    again = jax.tree.unflatten(structure, leaves)
    np.testing.assert_array_equal(again.vector_field(TIME, state), system.vector_field(TIME, state))
    parameters, _ = eqx.partition(system, eqx.is_inexact_array)
    assert jax.tree.leaves(parameters)


def test_the_vector_field_is_differentiable_in_the_parameters(example):
    system, state = example

    def size(system):
        return jnp.sum(system.vector_field(TIME, state) ** 2)

    gradient = eqx.filter_jit(eqx.filter_grad(size))(system)
    leaves = jax.tree.leaves(gradient)
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
    assert any(np.any(np.asarray(leaf) != 0) for leaf in leaves)


def test_noise_has_the_shape_of_the_state_and_is_not_negative(example):
    system, state = example
    if isinstance(system, AbstractNoisySystem):
        amplitude = system.noise_amplitude(TIME, state)
        assert amplitude.shape == state.shape
        assert np.all(np.asarray(amplitude) >= 0)
