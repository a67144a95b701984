"""Dense random networks and their fixed points by the plainest means, to test theory against."""

import jax.numpy as jnp
import numpy as np

from neuropil.connectivity.bivariate_normal import correlation_from_excess, threshold_of

SATURATION, MIDPOINT, WIDTH = 0.2, 18.0, 3.0
OFFSET, SLOPE = 0.05, 0.01


def logistic_rate(inputs):
    """A smooth saturating rate, in spikes/ms."""
    return SATURATION / (1 + jnp.exp(-(inputs - MIDPOINT) / WIDTH))


def linear_rate(inputs):
    """Rate that is linear in the input: perturbation theory has no curvature to expand in."""
    return OFFSET + SLOPE * inputs


def linear_fixed_point(matrix, strength, external_input):
    """The fixed point of neurons with `linear_rate`: one linear system."""
    system = np.eye(len(matrix)) - strength * SLOPE * matrix
    return np.linalg.solve(system, external_input + strength * OFFSET * matrix.sum(axis=1))


def erdos_renyi(rng, neurons, p):
    matrix = (rng.random((neurons, neurons)) < p).astype(float)
    np.fill_diagonal(matrix, 0)
    return matrix


def dense_sonet(rng, neurons, p, *, reciprocal, convergent, divergent, chain):
    """Threshold of the latent Gaussians, entry by entry."""
    rho = {
        name: correlation_from_excess(alpha, p)
        for name, alpha in [
            ("r", reciprocal), ("c", convergent), ("d", divergent), ("h", chain)
        ]
    }  # fmt: skip
    latent = np.array([[rho["c"], rho["h"]], [rho["h"], rho["d"]]])
    values, vectors = np.linalg.eigh(latent)
    x, y = vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * rng.normal(size=(2, neurons)))
    private = 1 - rho["c"] - rho["d"]
    pair = (rho["r"] - 2 * rho["h"]) / private
    noise = rng.normal(size=(neurons, neurons))
    upper = np.triu(noise, 1)
    noise = upper + np.tril(pair * upper.T + np.sqrt(1 - pair**2) * noise, -1)
    matrix = (x[:, None] + y[None, :] + np.sqrt(private) * noise > threshold_of(p)).astype(float)
    np.fill_diagonal(matrix, 0)
    return matrix


def fixed_point(matrix, transfer, strength, external_input, *, steps=4000, tolerance=1e-13):
    """E = E0 + g W r(E) by iteration from E0; fails loudly where the iteration does."""
    inputs = np.full(len(matrix), float(external_input))
    for _ in range(steps):
        following = external_input + strength * matrix @ np.asarray(transfer(inputs))
        if np.max(np.abs(following - inputs)) < tolerance * np.max(np.abs(following)):
            return following
        inputs = following
    raise AssertionError("the iteration did not converge")
