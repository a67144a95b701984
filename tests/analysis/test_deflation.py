"""Newton's method with deflation finds what branch and prune finds, and proves it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zero_problems import (
    EQUILIBRIA_FIGURE_2,
    Given,
    box,
    chebyshev_polynomial,
    figure_9_layer,
    layer_box,
)

from neuropil.analysis import DeflatedNewton, fixed_points
from neuropil.circuits import tripartite_motif_figure_2
from neuropil.result import NotSolved

KEY = jax.random.key(3)


def himmelblau(x, p):
    u, v = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    return jnp.stack([4 * x[0] * u + 2 * v, 2 * u + 4 * x[1] * v])


PROBLEMS = {
    "motif": (tripartite_motif_figure_2(), tripartite_motif_figure_2().invariant_box()),
    "layer": (figure_9_layer(0.8), layer_box()),
    "himmelblau": (Given(himmelblau, 2), box(2, -5.0, 5.0)),
    "chebyshev": (Given(lambda x, p: chebyshev_polynomial(x, 9), 1), box(1, -1.1, 1.2)),
    "one": (Given(lambda x, p: jnp.cos(x) - x, 1), box(1, -10.0, 10.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_deflation_finds_what_branch_and_prune_finds(name):
    system, ends = PROBLEMS[name]
    found = fixed_points(system, ends, DeflatedNewton(), key=KEY)
    proved = fixed_points(system, ends)
    assert len(found) == len(proved)
    np.testing.assert_allclose(found.state, proved.state, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(found.n_unstable, proved.n_unstable)
    assert proved.complete
    assert not found.complete
    assert "that there are no others in the box is not proved" in found.sentence


@pytest.mark.slow
def test_the_motif_again_from_another_key_and_the_same_from_the_same():
    motif = tripartite_motif_figure_2()
    ends = motif.invariant_box(uniform=True)
    for seed in range(3):
        found = fixed_points(motif, ends, DeflatedNewton(), key=jax.random.key(seed))
        np.testing.assert_allclose(found.state, EQUILIBRIA_FIGURE_2, rtol=1e-12, atol=1e-12)
    again = fixed_points(motif, ends, DeflatedNewton(), key=jax.random.key(2))
    np.testing.assert_array_equal(again.enclosure.lower, found.enclosure.lower)


@pytest.mark.slow
def test_forty_dimensions():
    """x = 2 mean tanh(x) has three solutions, all components alike: 0 and +-1.9150080481545."""
    system = Given(lambda x, p: 2.0 * jnp.mean(jnp.tanh(x)) - x, 40)
    found = fixed_points(system, box(40, -3.0, 3.0), DeflatedNewton(patience=20), key=KEY)
    level = 1.9150080481545375
    np.testing.assert_allclose(
        found.state, np.array([[-level], [0.0], [level]]) * np.ones(40), atol=1e-12
    )
    np.testing.assert_array_equal(found.n_unstable, [0, 1, 0])


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is():
    found = fixed_points(
        Given(lambda x, p: x * x + 0.5, 1), box(1, -1.0, 1.0), DeflatedNewton(), key=KEY
    )
    assert len(found) == 0
    assert found.n_examined == 50


@pytest.mark.slow
def test_zeros_outside_the_box_do_not_count():
    found = fixed_points(
        Given(lambda x, p: (x - 0.5) * (x - 3.0), 1), box(1, 0.0, 1.0), DeflatedNewton(), key=KEY
    )
    np.testing.assert_allclose(found.state, [[0.5]], rtol=1e-14)


def test_a_degenerate_zero_stays_undecided():
    system = Given(lambda x, p: x**2 * (x - 2.0), 1)
    found = fixed_points(system, box(1, -1.0, 3.0), DeflatedNewton(), key=KEY, throw=False)
    np.testing.assert_allclose(found.state, [[2.0]], rtol=1e-14)
    near = (found.undecided.lower - 1e-3 <= 0.0) & (found.undecided.upper + 1e-3 >= 0.0)
    assert near.all()
    assert len(near) >= 1
    with pytest.raises(NotSolved, match="undecided"):
        fixed_points(system, box(1, -1.0, 3.0), DeflatedNewton(), key=KEY)


def test_bad_arguments_name_themselves():
    system = Given(lambda x, p: -x, 1)
    with pytest.raises(ValueError, match="key must be given: the starts of DeflatedNewton"):
        fixed_points(system, box(1, -1.0, 1.0), DeflatedNewton())
    with pytest.raises(ValueError, match="starts must be positive, got 0"):
        DeflatedNewton(starts=0)
    with pytest.raises(ValueError, match="patience must be positive, got -2"):
        DeflatedNewton(patience=-2)
