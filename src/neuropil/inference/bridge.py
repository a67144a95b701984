"""The normalising constant of a sampled density, by a bridge to a mixture of Gaussians."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.cluster.vq import kmeans2

from neuropil.inference.evidence import log_ratio
from neuropil.types import RandomKey, Scalar

_MOST_CLUSTERS, _POINTS_A_CLUSTER = 32, 40
_FEWEST_FOR_COVARIANCE = 2
_WIDENED = 1.3
"""Clusters are cut at their borders, so that Gaussians of their covariances are too narrow."""


class GaussianMixture(eqx.Module):
    """A normalised density with one Gaussian for each cluster of a sample."""

    log_weights: Float[Array, " clusters"]
    means: Float[Array, "clusters free"]
    factors: Float[Array, "clusters free free"]

    def draw(self, key: RandomKey, count: int) -> Float[Array, "count free"]:
        """Independent draws."""
        which_key, noise_key = jax.random.split(key)
        which = jax.random.categorical(which_key, self.log_weights, shape=(count,))
        noise = jax.random.normal(noise_key, (count, self.means.shape[1]), float)
        return self.means[which] + jnp.einsum("nij,nj->ni", self.factors[which], noise)

    def log_density(self, point: Float[Array, " free"]) -> Scalar:
        """Log density, normalised."""
        free = self.means.shape[1]
        white = jax.vmap(
            lambda factor, mean: jax.scipy.linalg.solve_triangular(factor, point - mean, lower=True)
        )(self.factors, self.means)
        volumes = jnp.sum(jnp.log(jnp.diagonal(self.factors, axis1=1, axis2=2)), axis=1)
        normal = -0.5 * jnp.sum(white**2, axis=1) - 0.5 * free * np.log(2 * np.pi) - volumes
        return jax.scipy.special.logsumexp(self.log_weights + normal)


def mixture_of(points: Float[np.ndarray, "points free"], key: RandomKey) -> GaussianMixture:
    """A mixture that resembles a sample: clusters by k-means, each with its own covariance.

    Clusters with too few points for a covariance are left out.
    """
    count, free = points.shape
    whole = np.atleast_2d(np.cov(points, rowvar=False)) + 1e-12 * np.eye(free)
    factor = np.linalg.cholesky(whole)
    white = np.linalg.solve(factor, (points - points.mean(axis=0)).T).T
    clusters = int(np.clip(count // (_POINTS_A_CLUSTER * free), 1, _MOST_CLUSTERS))
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    _, label = kmeans2(white, clusters, minit="++", rng=random)
    shares, means, factors = [], [], []
    for cluster in range(clusters):
        own = white[label == cluster]
        if len(own) <= _FEWEST_FOR_COVARIANCE * free:
            continue
        covariance = np.atleast_2d(np.cov(own, rowvar=False))
        covariance = _WIDENED * covariance + 1e-6 * np.eye(free)
        shares.append(len(own) / count)
        means.append(points.mean(axis=0) + factor @ own.mean(axis=0))
        factors.append(factor @ np.linalg.cholesky(covariance))
    weights = np.asarray(shares) / np.sum(shares)
    return GaussianMixture(
        jnp.log(jnp.asarray(weights)), jnp.asarray(np.stack(means)), jnp.asarray(np.stack(factors))
    )


@eqx.filter_jit
def mixture_densities(
    mixture: GaussianMixture, points: Float[Array, "points free"]
) -> Float[Array, " points"]:
    """`log_density` of many points."""
    return jax.lax.map(mixture.log_density, points, batch_size=4096)


def bridged(
    evaluate: Callable[[Float[Array, "points free"]], Float[np.ndarray, " points"]],
    points: Float[np.ndarray, "repeats points free"],
    log_density: Float[np.ndarray, "repeats points"],
    key: RandomKey,
    proposals: int,
) -> Float[np.ndarray, " repeats"]:
    """The log of the integral of a density, from each of the populations that sample it.

    `log_density` is the unnormalised density at `points`, `evaluate` gives it elsewhere. The
    mixture of the even populations serves the odd ones and the other way round, so that none is
    judged by what was fitted to it; each population has `proposals` draws of its own. Not a number
    for one whose draws all lie where the density is zero, and for all where points are too few to
    know their covariance.
    """
    repeats, size, free = points.shape
    found = np.full(repeats, np.nan)
    if repeats // 2 * size <= _FEWEST_FOR_COVARIANCE * free:
        return found
    for parity in (0, 1):
        fit_key, draw_key, key = jax.random.split(key, 3)
        mixture = mixture_of(points[1 - parity :: 2].reshape(-1, free), fit_key)
        own = points[parity::2]
        drawn = mixture.draw(draw_key, proposals * len(own))
        works = evaluate(drawn) - np.asarray(mixture_densities(mixture, drawn))
        known = np.asarray(mixture_densities(mixture, jnp.asarray(own.reshape(-1, free))))
        back = log_density[parity::2] - known.reshape(len(own), -1)
        for place, (first, second) in enumerate(
            zip(works.reshape(len(own), -1), back, strict=True)
        ):
            if np.isfinite(first).any():
                found[2 * place + parity] = log_ratio(first, second).both
    return found


__all__ = ["GaussianMixture", "bridged", "mixture_of"]
