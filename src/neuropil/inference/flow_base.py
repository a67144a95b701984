"""The noise that a flow starts from: one cloud, or one for each island of a sample."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.inference.bridge import mixture_of
from neuropil.inference.logistic import log_logistic
from neuropil.types import RandomKey, Scalar

_UNIT_LOGISTIC = float(np.sqrt(3) / np.pi)
"""The scale of a logistic variable with variance one."""

_POINTS_A_CLOUD = 40


class FlowBase(eqx.Module):
    """A mixture of clouds of logistic or normal noise, each with its own place and shape.

    `inverse_factors` are lower triangular and turn a cloud into noise of unit variance. Logistic
    noise has the tails of parameters that press against the ends of their intervals.
    """

    log_weights: Float[Array, " clouds"]
    means: Float[Array, "clouds free"]
    inverse_factors: Float[Array, "clouds free free"]
    is_logistic: bool = eqx.field(static=True)

    def draw(self, key: RandomKey, count: int) -> Float[Array, "count free"]:
        """Independent draws."""
        which_key, noise_key = jax.random.split(key)
        shape = (count, self.means.shape[1])
        if self.is_logistic:
            noise = _UNIT_LOGISTIC * jax.random.logistic(noise_key, shape, float)
        else:
            noise = jax.random.normal(noise_key, shape, float)
        factors = jax.vmap(
            lambda inverse: jax.scipy.linalg.solve_triangular(
                inverse, jnp.eye(shape[1]), lower=True
            )
        )(self.inverse_factors)
        if len(self.log_weights) == 1:
            return self.means + noise @ factors[0].T
        which = jax.random.categorical(which_key, self.log_weights, shape=(count,))
        return self.means[which] + jnp.einsum("nij,nj->ni", factors[which], noise)

    def log_density(self, point: Float[Array, " free"]) -> Scalar:
        """Log density, normalised."""
        inverse = jnp.tril(self.inverse_factors)
        noise = jnp.einsum("kij,kj->ki", inverse, point[None] - self.means)
        if self.is_logistic:
            each = jax.vmap(log_logistic)(noise / _UNIT_LOGISTIC)
            each = each - point.shape[0] * np.log(_UNIT_LOGISTIC)
        else:
            each = -0.5 * jnp.sum(noise**2 + np.log(2 * np.pi), axis=1)
        volumes = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(inverse, axis1=1, axis2=2))), axis=1)
        weights = jax.nn.log_softmax(self.log_weights)
        return jax.scipy.special.logsumexp(weights + each + volumes)


def unit_base(dimension: int, *, is_logistic: bool) -> FlowBase:
    """One cloud with mean zero and the identity for its covariance."""
    eye = jnp.eye(dimension)[None]
    return FlowBase(jnp.zeros(1), jnp.zeros((1, dimension)), eye, is_logistic)


def base_of(points: Float[np.ndarray, "points free"], key: RandomKey, most_clouds: int) -> FlowBase:
    """The base that suits a sample of mean zero and unit covariance best, found in closed form.

    One cloud or several (by k-means), normal or logistic: whichever makes half of the sample most
    likely, given the other half.
    """
    count, free = points.shape
    half = count // 2
    candidates = [unit_base(free, is_logistic=kind) for kind in (True, False)]
    wanted = points[:half][: most_clouds * _POINTS_A_CLOUD * free]
    if most_clouds > 1 and len(wanted) >= 2 * _POINTS_A_CLOUD * free:
        mixture = mixture_of(wanted, key)
        inverse = jnp.linalg.inv(mixture.factors)
        candidates += [
            FlowBase(mixture.log_weights, mixture.means, jnp.tril(inverse), kind)
            for kind in (True, False)
        ]
    kept = jnp.asarray(points[half:][:4096])
    likelihood = [float(jnp.mean(_log_densities(base, kept))) for base in candidates]
    return candidates[int(np.argmax(likelihood))]


@eqx.filter_jit
def _log_densities(base: FlowBase, points: Float[Array, "points free"]) -> Float[Array, " points"]:
    return jax.vmap(base.log_density)(points)


__all__ = ["FlowBase", "base_of", "unit_base"]
