"""Scalar code of functions of JAX against JAX itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import LinearDrift, SigmoidHazard
from neuropil.simulate.elementwise_code import elementwise_code

N = 7
EACH = jnp.linspace(1.0, 2.0, N)
POTENTIALS = np.array([-60.0, -3.5, -1.0, 0.25, 1.0, 7.5, 40.0])
FUNCTIONS = {
    "sigmoid": SigmoidHazard(),
    "sigmoids": SigmoidHazard(maximum=EACH, midpoint=10 * EACH, width=EACH),
    "linear": LinearDrift(EACH, 3.0),
    "cubic": lambda v: v - v**3 / 3 + 0.5,
    "exponential": lambda v: (-v + 2.0 * jnp.exp((v - 20.0) / 2.0)) / 20.0,
    "rectified": lambda v: jnp.maximum(v - 1.0, 0.0) ** 1.5,
    "pieces": lambda v: jnp.where((v > 1.0) & ~(v > 8.0), EACH * v, jnp.clip(v, -2.0, 2.0)),
    "smooth": lambda v: jax.nn.softplus(v) + jax.scipy.special.erf(v) + jnp.tanh(v) * jnp.sin(v),
    "powers": lambda v: v**-2 + jnp.abs(v) ** 0.3 + jnp.sqrt(v**2 + 1.0),
    "jitted": jax.jit(lambda v: jnp.minimum(v, 2.0) / (1.0 + v**2)),
    "undefined": lambda v: jnp.log(v) + jnp.sqrt(v),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_jax(name):
    code = elementwise_code(FUNCTIONS[name], N, name="hazard")
    found = [code.function(v, i, code.scalars, code.rows) for i, v in enumerate(POTENTIALS)]
    expected = FUNCTIONS[name](jnp.asarray(POTENTIALS))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-300)


def test_other_parameters_compile_nothing():
    first = elementwise_code(SigmoidHazard(0.1, 3.0), N, name="hazard")
    second = elementwise_code(SigmoidHazard(0.2, 4.0), N, name="hazard")
    assert first.function is second.function
    assert second.function(4.0, 0, second.scalars, second.rows) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda v: v - jnp.mean(v), "uses `reduce_sum`"),
        (lambda v: v @ jnp.asarray(np.eye(N)), "an array of shape"),
        (lambda v: jnp.interp(v, jnp.arange(3.0), jnp.arange(3.0)), "uses `iota`"),
    ],
)
def test_functions_of_other_neurons_are_refused(function, message):
    with pytest.raises(ValueError, match=f"drift must act element by element.*{message}"):
        elementwise_code(function, N, name="drift")
