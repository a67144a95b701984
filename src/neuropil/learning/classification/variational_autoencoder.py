"""Images through a bottleneck: a variational autoencoder for brightness in [0, 1]."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.learning.classification.dense_networks import Perceptron
from neuropil.types import RandomKey, Scalar


class Posterior(NamedTuple):
    """Mean and logarithm of the variance of each latent variable, given an image."""

    mean: Float[Array, " latent"]
    log_variance: Float[Array, " latent"]


class VariationalAutoencoder(eqx.Module):
    """Image -> hidden (ReLU) -> Gaussian latent variables -> hidden (ReLU) -> probabilities.

    Kingma and Welling, "Auto-encoding variational Bayes", arXiv:1312.6114, with the standard
    normal prior and a Bernoulli law of each pixel, whose mean is its brightness. In the document:
    784 - 400 - 20 - 400 - 784.
    """

    encoder: Perceptron
    decoder: Perceptron
    latent: int = eqx.field(static=True)

    def __init__(self, *, pixels: int, hidden: int = 400, latent: int = 20, key: RandomKey):
        """Weights and biases uniform in +-1/sqrt(inputs of the layer).

        Raises `ValueError` for a size below 1.
        """
        for name, size in (("pixels", pixels), ("hidden", hidden), ("latent", latent)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        first, second = jax.random.split(key)
        rectified = jax.nn.relu
        self.encoder = Perceptron((pixels, hidden, 2 * latent), activation=rectified, key=first)
        self.decoder = Perceptron((latent, hidden, pixels), activation=rectified, key=second)
        self.latent = latent

    def posterior(self, image: Float[Array, " pixels"]) -> Posterior:
        """What the encoder makes of an image."""
        both = self.encoder(image)
        return Posterior(both[: self.latent], both[self.latent :])

    def sample(self, image: Float[Array, " pixels"], key: RandomKey) -> Float[Array, " latent"]:
        """A draw of the latent variables given an image."""
        mean, log_variance = self.posterior(image)
        return mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, mean.dtype)

    def logits(self, latent: Float[Array, " latent"]) -> Float[Array, " pixels"]:
        """Log odds of every pixel; their logistic function is the brightness."""
        return self.decoder(latent)

    def loss(self, image: Float[Array, " pixels"], key: RandomKey) -> Scalar:
        """Minus a one-draw estimate of the evidence lower bound, in nats.

        Cross-entropy of the pixels plus the Kullback-Leibler divergence of the posterior from
        the prior, both summed.
        """
        mean, log_variance = self.posterior(image)
        draw = jax.random.normal(key, mean.shape, mean.dtype)
        logits = self.logits(mean + jnp.exp(0.5 * log_variance) * draw)
        reconstruction = jnp.sum(jax.nn.softplus(logits) - image * logits)
        divergence = 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1.0 - log_variance)
        return reconstruction + divergence


__all__ = ["Posterior", "VariationalAutoencoder"]
