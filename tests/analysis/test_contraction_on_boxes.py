"""Uniqueness by contraction: conditions (17) and (19) of the neuron-glia paper, and others."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from zero_problems import Given, box

from neuropil.analysis import bound, contraction, contraction_of_bounds, fixed_points
from neuropil.circuits import TripartiteMotif, tripartite_motif_figure_2
from neuropil.system import Box


def motif(a=(1.5, 1.25), b=(2.0, 2.5), c=(1.0, -0.8), d=(0.9, -1.0), e=2.0, h=1.0):
    pairs = {"neuron_decay": a, "synapse_decay": b, "hebbian_gain": c, "glial_gain": d}
    return TripartiteMotif(
        **{name: jnp.asarray(value) for name, value in pairs.items()},
        astrocyte_decay=e,
        coincidence_gain=h,
    )


def largest_slopes(system):
    """Of F of eq. (15), with 1 for phi and psi' and 1/4 for phi': what leads to (19)."""
    a, b, c, d = (
        np.asarray(leaf)
        for leaf in (
            system.neuron_decay,
            system.synapse_decay,
            np.abs(system.hebbian_gain),
            np.abs(system.glial_gain),
        )
    )
    e, h = float(system.astrocyte_decay), abs(float(system.coincidence_gain))
    w = np.asarray(system.invariant_box(uniform=True).upper)[2]
    return np.array(
        [
            [0, w / 4 / a[0], 0, 1 / a[0], 0],
            [w / 4 / a[1], 0, 1 / a[1], 0, 0],
            [c[0] / 4 / b[0], c[0] / 4 / b[0], 0, 0, d[0] / b[0]],
            [c[1] / 4 / b[1], c[1] / 4 / b[1], 0, 0, d[1] / b[1]],
            [h / 4 / e, h / 4 / e, 0, 0, 0],
        ]
    )


def conditions_19(system):
    a, b = np.asarray(system.neuron_decay), np.asarray(system.synapse_decay)
    c, d = np.abs(system.hebbian_gain), np.abs(system.glial_gain)
    ratio = abs(float(system.coincidence_gain / system.astrocyte_decay))
    w = np.asarray(system.invariant_box(uniform=True).upper)[2]
    return bool(np.all(a > 1) and np.sum(d / b) < 1 and w / np.min(a) + np.sum(c / b) + ratio < 4)


def test_the_closed_form_is_the_one_norm_of_the_largest_slopes():
    system = motif()
    assert conditions_19(system)
    closed = contraction_of_bounds(largest_slopes(system))
    np.testing.assert_allclose(
        closed.norms.one, largest_slopes(system).sum(axis=0).max(), rtol=1e-14
    )
    assert closed.unique
    assert "one" in closed.proved_by
    # Over the box itself phi stays below 1, so that the norm is smaller.
    omega = system.invariant_box(uniform=True)
    on_box = contraction(system, omega)
    assert np.all(on_box.bounds <= closed.bounds * (1 + 1e-12) + 1e-12)
    assert on_box.norms.one <= closed.norms.one * (1 + 1e-12)
    assert on_box.unique


@given(st.integers(0, 2**32 - 1))
def test_where_the_conditions_hold_the_one_norm_is_below_one(seed):
    generator = np.random.default_rng(seed)
    system = motif(
        a=generator.uniform(0.9, 3, 2),
        b=generator.uniform(1, 4, 2),
        c=generator.normal(size=2),
        d=generator.normal(size=2),
        h=generator.uniform(0, 2),
    )
    one = contraction_of_bounds(largest_slopes(system)).norms.one
    np.testing.assert_allclose(one, largest_slopes(system).sum(axis=0).max(), rtol=1e-13)
    assert (one < 1) == conditions_19(system)


def test_where_contraction_is_proved_there_is_exactly_one_equilibrium():
    system = motif()
    found = bound(system)
    proved = contraction(system, found.box)
    assert proved.unique
    assert proved.exists
    assert len(fixed_points(system, found.box)) == 1
    assert proved.sentence.startswith("exactly one fixed point: the ")


def test_three_equilibria_are_never_called_one():
    system = tripartite_motif_figure_2()
    proved = contraction(system, system.invariant_box())
    assert not proved.unique
    assert proved.proved_by == ()
    assert "no norm proves a single fixed point" in proved.sentence
    assert min(proved.norms) == proved.norms.weighted


@pytest.mark.parametrize(
    ("bounds", "proved_by"),
    [
        ([[0.0, 3.0], [0.1, 0.0]], {"weighted"}),
        ([[0.3, 0.6], [0.3, 0.6]], {"weighted", "two", "infinity"}),
        ([[0.3, 0.3], [0.6, 0.6]], {"weighted", "two", "one"}),
        ([[0.2, 0.1], [0.1, 0.2]], {"weighted", "two", "one", "infinity"}),
        ([[1.0, 0.0], [0.0, 0.1]], set()),
        ([[0.5, 100.0], [0.0, 0.5]], {"weighted"}),
    ],
)
def test_the_norm_that_proves_is_named(bounds, proved_by):
    found = contraction_of_bounds(np.array(bounds))
    assert set(found.proved_by) == proved_by
    assert [getattr(found.norms, n) for n in found.proved_by] == sorted(
        getattr(found.norms, n) for n in found.proved_by
    )
    assert found.unique == bool(proved_by)


@given(arrays(float, (4, 4), elements=st.floats(0, 1e3, allow_subnormal=False)))
def test_norms_bound_those_of_the_matrix_and_the_weighted_one_is_the_smallest(matrix):
    found = contraction_of_bounds(matrix)
    norms = found.norms
    assert norms.one >= np.linalg.norm(matrix, 1)
    assert norms.infinity >= np.linalg.norm(matrix, np.inf)
    assert norms.two >= np.linalg.norm(matrix, 2) * (1 - 1e-14)
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    assert norms.weighted >= radius * (1 - 1e-9) - 1e-9
    rows = (matrix @ found.weights) / found.weights
    assert norms.weighted >= rows.max()
    assert norms.weighted <= norms.infinity
    np.testing.assert_allclose(norms.one, np.linalg.norm(matrix, 1), rtol=1e-13, atol=1e-290)


def test_the_rates_of_a_linear_flow_are_its_logarithmic_norms():
    matrix = np.array([[-3.0, 0.5, 0.0], [1.0, -2.0, 0.25], [0.0, 0.5, -1.5]])
    flow = Given(lambda x, p: jnp.asarray(matrix) @ x, 3)
    found = contraction(flow, box(3, -1.0, 1.0))
    rates = found.logarithmic_norms
    np.testing.assert_allclose(rates.one, -1.0, rtol=1e-12)
    np.testing.assert_allclose(rates.infinity, -0.75, rtol=1e-12)
    np.testing.assert_allclose(
        rates.two, np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).max(), rtol=1e-6
    )
    np.testing.assert_allclose(rates.weighted, np.linalg.eigvals(matrix).real.max(), rtol=1e-6)
    # F = x + f / decay has the diagonal taken out, row by row over the decay.
    np.testing.assert_allclose(
        found.bounds, (matrix - np.diag(np.diag(matrix))) / -np.diag(matrix)[:, None], atol=1e-15
    )


def test_the_decay_can_be_given_and_time_constants_do_not_matter():
    slow = motif()
    found = contraction(slow, slow.invariant_box())
    rates = np.array(
        [*slow.neuron_decay / 10, *slow.synapse_decay / 10, slow.astrocyte_decay / 1000]
    )
    given_decay = contraction(slow, slow.invariant_box(), decay=rates)
    np.testing.assert_allclose(given_decay.bounds, found.bounds, rtol=1e-12, atol=1e-14)


def test_a_box_that_is_left_proves_at_most_one():
    found = contraction(Given(lambda x, p: p - x, 1, 5.0), box(1, -1.0, 1.0))
    assert found.unique
    assert not found.exists
    assert found.sentence.startswith("at most one fixed point")


def test_bad_arguments_name_themselves():
    with pytest.raises(ValueError, match="bounds must be square"):
        contraction_of_bounds(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="bounds must hold numbers of at least 0"):
        contraction_of_bounds(np.array([[-1.0]]))
    with pytest.raises(ValueError, match="bounds must hold numbers of at least 0"):
        contraction_of_bounds(np.array([[np.nan]]))
    system = Given(lambda x, p: -x, 2)
    with pytest.raises(ValueError, match="decay must hold 2 positive numbers"):
        contraction(system, box(2, -1.0, 1.0), decay=np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="lower end of the box must have 2 components"):
        contraction(system, Box(np.zeros(1), np.ones(1)))
