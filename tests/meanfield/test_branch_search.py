import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neuropil.meanfield.branch_search import bracketed_root, crossings

GRID = jnp.linspace(-2.0, 2.0, 21)


@jax.jit
def roots_of_cubic(coefficients):
    def cubic(x):
        return jnp.polyval(coefficients, x)

    found = crossings(cubic, GRID, maximum=5)
    refine = jax.vmap(lambda *bracket: bracketed_root(cubic, *bracket, tolerance=1e-13))
    return found, refine(found.lower, found.upper, found.lower_value, found.upper_value)


@given(roots=st.lists(st.floats(-1.9, 1.9), min_size=3, max_size=3), scale=st.floats(0.1, 10.0))
def test_all_roots_of_a_cubic_are_found(roots, scale):
    """Two in one cell as well, down to a fiftieth of a cell; three are not asked for."""
    roots = np.sort(roots)
    assume(np.diff(roots).min() >= 0.004 and np.ptp(roots) >= 0.2)
    found, solved = roots_of_cubic(jnp.asarray(scale * np.poly(roots)))
    assert int(found.number) == 3
    np.testing.assert_array_equal(found.exists, [True, True, True, False, False])
    np.testing.assert_allclose(solved[:3], roots, atol=1e-9)


def test_a_root_on_the_grid_counts_once():
    for slope in (1.0, -1.0):
        found = crossings(lambda x, s=slope: s * x, GRID, maximum=3)
        assert int(found.number) == 1


def test_more_roots_than_there_is_room_for_are_counted():
    found = crossings(lambda x: jnp.sin(5 * x), GRID, maximum=3)
    assert int(found.number) == 7
    assert bool(jnp.all(found.exists))


def test_what_is_not_a_number_is_told():
    found = crossings(lambda x: jnp.sqrt(x), GRID, maximum=3)
    assert not bool(found.is_finite)


@pytest.mark.parametrize("power", [1.0, 3.0, 0.2])
def test_evaluations_are_at_most_one_more_than_those_of_bisection(power):
    counter = []

    def function(x):
        jax.debug.callback(lambda: counter.append(1))
        return jnp.sign(x - 0.3) * jnp.abs(x - 0.3) ** power

    lower, upper = jnp.asarray(-1.0), jnp.asarray(2.0)
    values = function(lower), function(upper)
    jax.effects_barrier()
    counter.clear()
    root = bracketed_root(function, lower, upper, *values, tolerance=1e-9)
    jax.effects_barrier()
    np.testing.assert_allclose(root, 0.3, atol=3.1e-9)
    assert len(counter) <= 31
    if power == 1.0:
        assert len(counter) <= 12
