"""Cells of comparison against their formulas, written again in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning import (
    gru_cell,
    leaky_cell,
    leaky_filter_cell,
    lstm_cell,
    vanilla_cell,
)
from neuropil.learning.cells.cell import parameters_of, with_parameters

MAKERS = {
    "vanilla": vanilla_cell,
    "gru": gru_cell,
    "lstm": lstm_cell,
    "leaky": leaky_cell,
    "filter": leaky_filter_cell,
}
SIZES = {
    "vanilla": {"units": 5},
    "gru": {"units": 5},
    "lstm": {"units": 5},
    "leaky": {"units": 4, "slow_units": 3},
    "filter": {"units": 6},
}


def logistic(x):
    return 1 / (1 + np.exp(-x))


def vanilla(x, state, w, u, b, c):
    h = np.tanh(w @ x + b + u @ state + c)
    return h, h


def gru(x, state, w, u, b, c):
    n = state.size
    reset, update, new = (slice(k * n, (k + 1) * n) for k in range(3))
    r = logistic(w[reset] @ x + b[reset] + u[reset] @ state + c[reset])
    z = logistic(w[update] @ x + b[update] + u[update] @ state + c[update])
    candidate = np.tanh(w[new] @ x + b[new] + r * (u[new] @ state + c[new]))
    h = (1 - z) * candidate + z * state
    return h, h


def lstm(x, state, w, u, b, c):
    n = state.size // 2
    h, memory = state[:n], state[n:]
    i, f, g, o = (w @ x + b + u @ h + c).reshape(4, n)
    memory = logistic(f) * memory + logistic(i) * np.tanh(g)
    h = logistic(o) * np.tanh(memory)
    return h, np.concatenate([h, memory])


@pytest.mark.parametrize(("name", "formula"), [("vanilla", vanilla), ("gru", gru), ("lstm", lstm)])
def test_stacked_layers_follow_their_formulas(name, formula):
    key = jax.random.key(2)
    cell = MAKERS[name](arms=3, channels=2, key=key, units=5, layers=2, input_gain=1.7)
    state = cell.initial_state()
    mirrored = [np.asarray(part) for part in state]
    for trial in range(4):
        stimulus = np.array([np.sin(trial), 1.0])
        state = cell.step(state, jnp.asarray(stimulus))
        below = 1.7 * stimulus
        for number in range(2):
            groups = [
                np.asarray(getattr(cell, group)[number])
                for group in ("input_weights", "recurrent_weights", "input_bias", "recurrent_bias")
            ]
            below, mirrored[number] = formula(below, mirrored[number], *groups)
        for found, expected in zip(state, mirrored, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-14)
        expected = np.asarray(cell.readout_weights) @ below + np.asarray(cell.readout_bias)
        np.testing.assert_allclose(cell.read(state), expected, atol=1e-14)


def test_the_filter_is_a_geometric_approach_to_the_input():
    cell = leaky_filter_cell(arms=2, channels=3, key=jax.random.key(0), units=4, rate=0.2)
    stimulus = jnp.array([1.0, -2.0, 0.5])
    state = jax.lax.fori_loop(0, 9, lambda _, s: cell.step(s, stimulus), cell.initial_state())
    expected = (1 - 0.8**9) * np.asarray(cell.input_weights @ stimulus)
    np.testing.assert_allclose(state, expected, rtol=1e-12)


def test_slow_units_move_by_the_ratio_of_time_scales():
    cell = leaky_cell(
        arms=2, channels=1, key=jax.random.key(0), units=4, slow_units=3, time_scale_ratio=0.05
    )
    equal = leaky_cell(
        arms=2, channels=1, key=jax.random.key(0), units=4, slow_units=3, time_scale_ratio=1.0
    )
    moved, moved_equal = (np.asarray(c.step(c.initial_state(), jnp.ones(1))) for c in (cell, equal))
    np.testing.assert_allclose(moved[:4], moved_equal[:4], rtol=1e-13)
    np.testing.assert_allclose(moved[4:], 0.05 * moved_equal[4:], rtol=1e-13)


@pytest.mark.parametrize("name", MAKERS)
def test_groups_can_be_taken_out_and_put_back(name):
    cell = MAKERS[name](arms=3, channels=2, key=jax.random.key(1), **SIZES[name])
    doubled = jax.tree.map(lambda leaf: 2 * leaf, parameters_of(cell, cell.groups))
    again = with_parameters(cell, doubled)
    for group in cell.groups:
        for old, new in zip(
            jax.tree.leaves(getattr(cell, group)),
            jax.tree.leaves(getattr(again, group)),
            strict=True,
        ):
            np.testing.assert_array_equal(2 * old, new)
    assert cell.channels == 2
    assert cell.arms == 3
    single = MAKERS[name](
        arms=3, channels=2, key=jax.random.key(1), dtype=jnp.float32, **SIZES[name]
    )
    state = single.step(single.initial_state(), jnp.ones(2, jnp.float32))
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {np.dtype("float32")}


@pytest.mark.parametrize("name", MAKERS)
def test_no_units_are_refused(name):
    with pytest.raises(ValueError, match="units"):
        MAKERS[name](arms=3, channels=2, key=jax.random.key(1), **(SIZES[name] | {"units": 0}))


def test_shapes_are_named():
    cell = gru_cell(arms=3, channels=2, key=jax.random.key(1), units=4)
    with pytest.raises(ValueError, match=r"recurrent_bias\[1\]"):
        type(cell)(
            **{group: getattr(cell, group) for group in cell.groups if group != "recurrent_bias"},
            recurrent_bias=(cell.recurrent_bias[0], jnp.zeros(3)),
            input_gain=cell.input_gain,
        )
