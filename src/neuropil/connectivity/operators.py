"""Connection weights as compiled code sees them: pytrees that multiply rates."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.connectivity.connectome import Connectome


class AbstractWeights(eqx.Module):
    """A linear map from presynaptic rates to postsynaptic input: `weights[post, pre]`."""

    @property
    @abstractmethod
    def n_neurons(self) -> int:
        """Number of neurons."""

    @abstractmethod
    def apply(self, rates: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """What each neuron receives: sum over pre of `weights[post, pre] * rates[pre]`."""

    @abstractmethod
    def apply_transpose(self, values: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over post of `weights[post, pre] * values[post]`."""


class DenseWeights(AbstractWeights):
    """The full matrix; the right choice up to a few thousand neurons and for batches."""

    matrix: Float[Array, "neurons neurons"]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.matrix.shape[-1]

    def apply(self, rates: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over pre of `weights[post, pre] * rates[pre]`."""
        return self.matrix @ rates

    def apply_transpose(self, values: Float[Array, " neurons"]) -> Float[Array, " neurons"]:
        """Sum over post of `weights[post, pre] * values[post]`."""
        return values @ self.matrix


def dense_weights(connectome: Connectome) -> DenseWeights:
    """The full matrix of a connectome small enough for `Connectome.to_dense`."""
    return DenseWeights(jnp.asarray(connectome.to_dense()))


__all__ = ["AbstractWeights", "DenseWeights", "dense_weights"]
