"""The logistic distribution, from which all unconstrained coordinates are drawn.

Each function takes one exponential, its derivative follows from its value, and neither loses
digits in the tails: with thousands of coordinates these take longer than most statistics do.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.custom_jvp
def lesser_share(y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The distribution function at -|y|: the probability of lying beyond y, on its side."""
    ratio = jnp.exp(-jnp.abs(y))
    return ratio / (1.0 + ratio)


@lesser_share.defjvp
def _lesser_share_jvp(primals, tangents):
    (y,), (along,) = primals, tangents
    share = lesser_share(y)
    # At 0, where the share has a kink, the slope from above.
    return share, jnp.where(y < 0, 1.0, -1.0) * share * (1.0 - share) * along


@jax.custom_jvp
def _log_density(y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    distance = jnp.abs(y)
    return -(distance + 2.0 * jnp.log1p(jnp.exp(-distance)))


@_log_density.defjvp
def _log_density_jvp(primals, tangents):
    (y,), (along,) = primals, tangents
    return _log_density(y), (1.0 - 2.0 * jax.nn.sigmoid(y)) * along


def log_logistic(y: Float[Array, "... variables"]) -> Float[Array, "..."]:
    """Log density of independent standard logistic variables, along the last axis."""
    return jnp.sum(_log_density(y), axis=-1)


__all__ = ["lesser_share", "log_logistic"]
