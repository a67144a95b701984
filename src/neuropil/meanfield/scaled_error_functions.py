"""Integrals of the scaled complementary error function over an interval."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import dawsn, erfcx
from jaxtyping import Array, Float

Values = Float[Array, "..."]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


@jax.custom_jvp
def scaled_interval_integral(gap: Values, width: Values, noise: Values) -> Values:
    """exp(-max(b, 0)^2) int_a^b erfcx(-u) du for b = gap / noise, a = (gap - width) / noise.

    Derivatives treat the factor in front as a constant.
    """
    b, a = gap / noise, (gap - width) / noise
    b_up, a_up = jnp.maximum(b, 0.0), jnp.maximum(a, 0.0)
    b_down, a_down = jnp.maximum(-b, 0.0), jnp.maximum(-a, 0.0)
    decay = jnp.exp(-(b_up - a_up) * (b_up + a_up))
    scale = jnp.exp(-b_up * b_up)
    positive = 2 * (dawsn(b_up) - decay * dawsn(a_up))
    return positive + scale * (_integral(b_down, a_down) - _integral(a_up, b_up))


def _integral(lower: Values, upper: Values) -> Values:
    """Integral of erfcx from `lower` to `upper`, both non-negative."""
    start, stop = jnp.arcsinh(lower), jnp.arcsinh(upper)
    total = jnp.zeros_like(lower)
    for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
        t = start + (stop - start) * (0.5 * (node + 1.0))
        total = total + weight * erfcx(jnp.sinh(t)) * jnp.cosh(t)
    return 0.5 * (stop - start) * total


@scaled_interval_integral.defjvp
def _integral_derivative(primals, tangents):
    gap, width, noise = primals
    d_gap, d_width, d_noise = tangents
    b, a = gap / noise, (gap - width) / noise
    scale = jax.lax.stop_gradient(jnp.maximum(b, 0.0) ** 2)
    upper, lower = _scaled(b, scale), _scaled(a, scale)
    change = (upper - lower) * d_gap + lower * d_width - (b * upper - a * lower) * d_noise
    return scaled_interval_integral(gap, width, noise), change / noise


def _scaled(x: Values, scale: Values) -> Values:
    """exp(-scale) erfcx(-x), for scale >= max(x, 0)^2."""
    inner = jnp.exp(-scale) * erfcx(jnp.abs(x))
    above = 2 * jnp.exp(jnp.maximum(x, 0.0) ** 2 - scale) - inner
    return jnp.where(x > 0, above, inner)
