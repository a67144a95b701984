"""Spread, slide and gather: who hears whom, and at what cost."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.learning.astrocyte import Gather, Slide, Spread, uniform_step

KINDS = {"s": Spread, "d": Slide, "g": Gather}


def draw(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@st.composite
def wirings(draw_from):
    kind = draw_from(st.sampled_from("sdg"))
    neighbours = draw_from(st.integers(1, 5))
    stride = 1 if kind == "d" else draw_from(st.integers(1, neighbours))
    axes = draw_from(st.integers(1, 2))
    largest = 9 if axes == 1 else 7
    cells = tuple(draw_from(st.integers(neighbours, largest)) for _ in range(axes))
    return kind, cells, neighbours, stride, draw_from(st.booleans())


@pytest.mark.slow
@given(wirings())
def test_sums_are_the_product_with_the_full_matrix(drawn):
    wiring = KINDS[drawn[0]](*drawn[1:])
    bands = draw((wiring.neighbourhood, *wiring.owners))
    signal = draw(wiring.cells, 1)
    found = eqx.filter_jit(wiring.sums)(bands, signal)
    assert found.shape == wiring.reached
    expected = wiring.matrix(bands) @ np.ravel(signal)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=0, atol=1e-12)


@given(wirings())
def test_no_cell_is_left_out_and_none_hears_more_than_its_neighbourhood(drawn):
    wiring = KINDS[drawn[0]](*drawn[1:])
    heard = wiring.matrix(np.ones((wiring.neighbourhood, *wiring.owners))) > 0
    most = heard.sum(axis=1 if wiring.letter != "s" else 0).max()
    assert 1 <= most <= wiring.neighbourhood
    assert wiring.n_connections == heard.sum()
    if wiring.stride == 1:
        assert heard.any(axis=0).all()
        assert heard.any(axis=1).all()


@pytest.mark.parametrize("kind", "sdg")
@pytest.mark.parametrize("neighbours", [2, 3, 6])
def test_signals_move_to_neighbours_only(kind, neighbours):
    """In coordinates centred on each layer, a signal moves by less than a neighbourhood."""
    wiring = KINDS[kind]((20,), neighbours)
    after, before, _ = wiring.edges()
    moved = (after - wiring.reached[0] / 2) - (before - 10.0)
    assert np.abs(moved).max() <= neighbours / 2
    expected = {"s": 20 * neighbours, "g": (21 - neighbours) * neighbours}
    lost = sum(range((neighbours - 1) // 2 + 1)) + sum(range(neighbours // 2 + 1))
    assert wiring.n_connections == expected.get(kind, 20 * neighbours - lost)


def test_a_spread_is_a_gather_the_other_way():
    for periodic in (False, True):
        gather = Gather((14,), 4, 2, periodic)
        spread = Spread(gather.reached, 4, 2, periodic)
        assert spread.reached == gather.cells
        bands = draw((4, 6))
        np.testing.assert_array_equal(spread.matrix(bands), gather.matrix(bands).T)


def test_a_ring_has_no_beginning():
    ring = Slide((9,), 3, periodic=True)
    bands, signal = jnp.broadcast_to(draw((3, 1)), (3, 9)), draw(9)
    turned = ring.sums(bands, jnp.roll(signal, 4))
    np.testing.assert_allclose(turned, jnp.roll(ring.sums(bands, signal), 4), atol=1e-14)


@pytest.mark.parametrize("kind", [Spread, Gather])
def test_cells_of_a_ring_hear_the_nearest_angles(kind):
    wiring = kind((17,), 3, periodic=True)
    after, before, _ = wiring.edges()
    apart = np.abs(after / wiring.reached[0] - before / 17)
    narrow = min(wiring.reached[0], 17)
    assert np.minimum(apart, 1 - apart).max() <= 2 / narrow
    sizes = np.bincount(after), np.bincount(before)
    assert all(size.min() >= 1 for size in sizes)


@pytest.mark.parametrize("kind", "sdg")
def test_a_product_of_lines_is_a_sheet(kind):
    rows, columns = KINDS[kind]((5,), 3), KINDS[kind]((6,), 3)
    sheet = KINDS[kind]((5, 6), 3)
    u, v, signal = draw((3, *rows.owners)), draw((3, *columns.owners), 1), draw((5, 6), 2)
    bands = (u[:, None, :, None] * v[None, :, None, :]).reshape(9, *sheet.owners)
    expected = rows.matrix(u) @ np.asarray(signal) @ columns.matrix(v).T
    np.testing.assert_allclose(sheet.sums(bands, signal), expected, atol=1e-13)


@pytest.mark.parametrize("kind", "sdg")
def test_no_array_is_larger_than_the_bands(kind):
    """Neither forward nor backward is there a matrix of all cells by all cells."""
    step = uniform_step(KINDS[kind]((500,), 3), key=jax.random.key(0))
    signal = jnp.ones(500)

    def loss(bands, x):
        return jnp.sum(step.wiring.sums(bands, x) ** 2)

    jaxpr = jax.make_jaxpr(jax.grad(loss, (0, 1)))(step.bands, signal)
    sizes = [v.aval.size for eqn in jaxpr.jaxpr.eqns for v in eqn.outvars]
    assert 500 <= max(sizes) <= 3 * 502


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gather((2,), 3), "cells must be at least 3"),
        (lambda: Gather((5, 2), 3), "cells must be at least 3"),
        (lambda: Spread((0,), 3), "cells must be at least 1"),
        (lambda: Slide((5,), 0), "neighbours must be at least 1"),
        (lambda: Spread((5,), 3, 4), "stride must lie between 1 and neighbours = 3"),
        (lambda: Slide((5,), 3, 2), "stride must be 1 for a slide"),
        (lambda: Slide((2,), 3, periodic=True), "on a ring"),
    ],
)
def test_impossible_wirings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
