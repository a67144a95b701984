import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.circuits import LinearSystem, leading_eigenvalue
from neuropil.simulate import NonStiff, integrate

GRADIENT = jax.jit(jax.jacrev(leading_eigenvalue))
ENTRIES = st.lists(st.floats(-10.0, 10.0), min_size=4, max_size=4)


@given(entries=ENTRIES)
def test_the_closed_form_equals_the_eigensolver(entries):
    matrix = np.array(entries).reshape(2, 2)
    found = leading_eigenvalue(jnp.asarray(matrix))
    eigenvalues = np.linalg.eigvals(matrix)
    # Near a double eigenvalue both are only accurate to the root of rounding.
    np.testing.assert_allclose(found.growth_rate, eigenvalues.real.max(), atol=1e-6)
    np.testing.assert_allclose(found.angular_frequency, np.abs(eigenvalues.imag).max(), atol=1e-6)


@given(entries=ENTRIES)
def test_gradients_are_finite_everywhere(entries):
    for leaf in GRADIENT(jnp.asarray(entries).reshape(2, 2)):
        assert np.all(np.isfinite(leaf))


@pytest.mark.parametrize(
    "matrix", [[[0.0, 1.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [-1.0, -1.0]]]
)
def test_gradients_are_finite_at_a_double_eigenvalue(matrix):
    growth, frequency = GRADIENT(jnp.asarray(matrix))
    np.testing.assert_array_equal(growth, [[0.5, 0.0], [0.0, 0.5]])
    np.testing.assert_array_equal(frequency, np.zeros((2, 2)))


@pytest.mark.parametrize("matrix", [[[1.0, 2.0], [0.5, -1.0]], [[1.0, -2.0], [0.5, 0.3]]])
def test_gradients_equal_those_of_the_general_eigensolver(matrix):
    """The same pair of eigenvalues, beside one far below, in three dimensions."""
    matrix = jnp.asarray(matrix)

    def embedded(small):
        return leading_eigenvalue(jnp.diag(jnp.array([0.0, 0.0, -9.0])).at[:2, :2].set(small))

    np.testing.assert_allclose(leading_eigenvalue(matrix), embedded(matrix), atol=1e-14)
    for closed, general in zip(
        GRADIENT(matrix), jax.jit(jax.jacrev(embedded))(matrix), strict=True
    ):
        np.testing.assert_allclose(closed, general, atol=1e-13)


def test_what_is_not_a_number_stays_so():
    found = leading_eigenvalue(jnp.array([[jnp.nan, 1.0], [0.0, 1.0]]))
    assert np.isnan(found.growth_rate)
    assert np.isnan(found.angular_frequency)


def test_solutions_grow_and_turn_at_the_rates_of_the_leading_eigenvalue():
    system = LinearSystem([[0.5, -6.0], [6.0, 0.1]], time_constant=1000.0)
    growth, frequency = system.leading_eigenvalue
    np.testing.assert_allclose(growth, 0.3e-3)
    period = 2 * np.pi / float(frequency)
    found = integrate(system, NonStiff(1e-9, 1e-12), [1.0, 0.3], times=[0.0, period])
    np.testing.assert_allclose(
        found.final_state, np.exp(float(growth) * period) * np.array([1.0, 0.3]), rtol=1e-6
    )


def test_the_bias_moves_the_point_of_rest():
    system = LinearSystem([[-1.0, 0.5], [0.0, -2.0]], [3.0, 4.0], 5.0)
    rest = jnp.array([4.0, 2.0])
    np.testing.assert_allclose(system.vector_field(jnp.asarray(0.0), rest), 0.0, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]],), "matrix must be square"),
        (([[1.0, np.nan], [0.0, 1.0]],), "matrix must be finite"),
        ((np.eye(2), [1.0, 2.0, 3.0]), "bias must be one value or one for each of 2"),
        ((np.eye(2), 0.0, -1.0), "time_constant must be positive, got -1"),
        ((np.eye(2), 0.0, [1.0, 2.0]), "time_constant must be one value"),
    ],
)
def test_bad_parameters_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LinearSystem(*arguments)
