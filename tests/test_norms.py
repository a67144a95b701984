import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.norms import maximum_norm


@pytest.mark.parametrize("columns", [1, 5, 16])
def test_a_missing_number_is_never_overlooked(columns):
    values = np.random.default_rng(0).normal(size=(3, 100, columns))
    plain = np.abs(values).max(axis=1)
    for rows in ([], [0], [57], [99], range(100)):
        broken = values.copy()
        broken[1, list(rows), -1] = np.nan
        by_column = jax.jit(jax.vmap(lambda block: maximum_norm(block, axis=0)))(broken)
        expected = plain.copy()
        expected[1, -1] = np.nan if len(rows) else plain[1, -1]
        np.testing.assert_array_equal(by_column, expected)
        whole = jax.jit(maximum_norm)(broken)
        assert np.isnan(whole) == bool(len(rows))


def test_infinity_is_a_number():
    assert maximum_norm(jnp.array([1.0, -jnp.inf])) == jnp.inf
