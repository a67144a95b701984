import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import quick_compilation
from neuropil.analysis.quick_compilation import quickly_compiled


@quickly_compiled
def applied(function, x):
    return function(x) ** 2


def wave(x):
    return jnp.sin(3.0 * x)


def test_values_and_derivatives_are_the_same_alone_and_as_a_part():
    x = jnp.linspace(0.0, 1.0, 5)
    expected = np.sin(3.0 * np.asarray(x)) ** 2
    slope = 3.0 * np.sin(6.0 * np.asarray(x))
    np.testing.assert_allclose(applied(wave, x), expected, rtol=1e-14)
    np.testing.assert_allclose(jax.jit(lambda y: applied(wave, y))(x), expected, rtol=1e-14)
    at = jax.vmap(lambda y: applied(wave, y))
    np.testing.assert_allclose(at(x), expected, rtol=1e-14)
    slopes = jax.vmap(jax.grad(lambda y: applied(wave, y)))(x)
    np.testing.assert_allclose(slopes, slope, rtol=1e-12)


def test_what_is_traced_may_hide_in_a_function_or_be_constant():
    one = jnp.asarray(1.0)
    hidden = jax.grad(lambda scale: applied(lambda x: scale * x, one))
    np.testing.assert_allclose(hidden(jnp.asarray(1.5)), 3.0, rtol=1e-14)
    constant = jax.jit(lambda y: y + applied(wave, one))
    np.testing.assert_allclose(constant(one), 1.0 + np.sin(3.0) ** 2, rtol=1e-14)


def test_options_that_xla_does_not_know_are_left_out(monkeypatch):
    assert quick_compilation._known_options() in ({}, quick_compilation._OPTIONS)
    monkeypatch.setattr(quick_compilation, "_OPTIONS", {"xla_cpu_no_such_option": True})
    assert quick_compilation._known_options.__wrapped__() == {}


def test_what_is_compiled_is_kept():
    traced = []

    @quickly_compiled
    def counted(x):
        traced.append(None)
        return 2.0 * x

    for value in (1.0, 2.0, 3.0):
        assert float(counted(jnp.asarray(value))) == 2.0 * value
    assert len(traced) == 1
    with pytest.raises(TypeError, match="missing a required argument"):
        counted()
