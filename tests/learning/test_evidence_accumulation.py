"""Evidence over time: the ideal observer, and cells with weights that make them one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.learning.classification.evidence_accumulation import (
    EvidenceAccumulation,
    IntegratingCells,
)

KEY = jax.random.key(0)
TASK = EvidenceAccumulation(0.25, 40)


def test_the_ideal_observer_scores_what_is_said():
    evidence, causes = map(np.asarray, TASK.trials(KEY, 20_000))
    right = np.mean((evidence.sum(axis=1) > 0) == (causes == 1))
    assert abs(right - TASK.best_accuracy) < 4 * np.sqrt(0.25 / 20_000)
    forgetting = 0.8 ** np.arange(40)[::-1]
    right = np.mean((evidence @ forgetting > 0) == (causes == 1))
    assert abs(right - TASK.accuracy_of(forgetting)) < 4 * np.sqrt(0.25 / 20_000)


@given(st.lists(st.floats(0.01, 5), min_size=40, max_size=40))
def test_no_other_weights_do_better(weights):
    assert TASK.accuracy_of(np.array(weights)) <= TASK.best_accuracy + 1e-12


def with_weights(cells, **values):
    def fields(each):
        return [getattr(each, name) for name in values]

    return eqx.tree_at(fields, cells, [jnp.asarray(value, float) for value in values.values()])


def test_one_cell_that_is_told_how_forgets_as_computed():
    # Small inputs keep tanh linear: h is then a sum with factors 1 - rate + rate w.
    made = IntegratingCells(1, time_constant=100.0, step=10.0, noise=0.0, key=KEY)
    size = 1e-4
    cell = with_weights(
        made, weights=[[0.5]], input_weights=[size], bias=[0.0],
        readout=[[0.0], [1.0]], readout_bias=[0.0, 0.0],
    )  # fmt: skip
    evidence, _ = TASK.trials(KEY, 50)
    outputs = jax.vmap(lambda each: cell(each, key=KEY))(evidence)
    factor = 0.95 ** np.arange(40)[::-1]
    np.testing.assert_allclose(outputs[:, 1], 0.1 * size * evidence @ factor, rtol=1e-5)
    assert np.all(outputs[:, 0] == 0)


def test_neighbours_on_a_ring():
    made = IntegratingCells(6, time_constant=20.0, step=20.0, neighbours=3, noise=0.0, key=KEY)
    cells = with_weights(made, input_weights=np.zeros(6))

    def state(bias):
        # After two steps a bias has reached the neighbours and nobody else.
        states = []
        for cell in range(6):
            seen = with_weights(cells, readout=np.eye(6)[[cell, cell]], readout_bias=[0.0, 0.0])
            seen = eqx.tree_at(lambda each: each.bias, seen, bias)
            states.append(seen(jnp.zeros(2), key=KEY)[0])
        return jnp.stack(states)

    reached = np.abs(np.asarray(jax.jacobian(state)(jnp.zeros(6)))) > 1e-12
    for cell in range(6):
        near = {(cell - 1) % 6, cell, (cell + 1) % 6}
        assert set(np.flatnonzero(reached[cell])) == near


def test_noise_is_there_and_averages_out():
    cells = IntegratingCells(1, time_constant=20.0, step=20.0, noise=0.3, key=KEY)
    still = with_weights(
        cells, weights=[[0.0]], input_weights=[0.0], readout=[[1.0], [0.0]], readout_bias=[0.0, 0.0]
    )
    keys = jax.random.split(KEY, 4000)
    values = jax.vmap(lambda key: still(jnp.zeros(3), key=key))(keys)[:, 0]
    # h = tanh(noise): no memory, and the spread of the noise itself after inversion.
    assert np.std(np.arctanh(values)) == pytest.approx(0.3, rel=0.05)
    assert abs(np.mean(values)) < 4 * 0.3 / np.sqrt(4000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvidenceAccumulation(0.0), "strength"),
        (lambda: EvidenceAccumulation(0.1, 0), "steps"),
        (lambda: IntegratingCells(0, time_constant=1.0, step=1.0, key=KEY), "cells"),
        (lambda: IntegratingCells(1, time_constant=1.0, step=2.0, key=KEY), r"\(0, 1.0\] ms"),
        (
            lambda: IntegratingCells(3, time_constant=1.0, step=1.0, neighbours=2, key=KEY),
            "neighbours must be an odd number",
        ),
        (lambda: IntegratingCells(1, time_constant=1.0, step=1.0, noise=-1.0, key=KEY), "noise"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
