"""Limiting kernels estimated from the weights of one finite network."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Float

from neuropil.connectivity.connectome import Connectome
from neuropil.connectivity.kernel import AbstractKernel, StepKernel, require_measure
from neuropil.connectivity.operators import AbstractWeights, weights_of
from neuropil.connectivity.partitions import Partition, groups_of, leading_singular_vectors


class WeightsKernel(AbstractKernel):
    """The finite network as its own kernel: types are neurons, w(xi_i, zeta_j) = N `weights[i, j]`.

    What each neuron receives from the kernel is what it receives from the weights.
    """

    weights: AbstractWeights
    measure: Float[Array, " types"]

    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each neuron receives when neuron j sends `values[j]`."""
        return self.n_types * self.weights.apply(self.measure * values)

    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The weights of each sender onto all receivers, averaged with `values`, times N."""
        return self.n_types * self.weights.apply_transpose(self.measure * values)


class LowRankKernel(AbstractKernel):
    """w(xi, zeta) = sum over r of `receiving[xi, r] sending[zeta, r]`, applied in O(types rank).

    Raises `ValueError` when the shapes differ, a value is not finite, or `measure` is negative or
    does not sum to 1.
    """

    receiving: Float[Array, "types rank"]
    sending: Float[Array, "types rank"]
    measure: Float[Array, " types"]

    def __init__(
        self,
        receiving: Float[Array | np.ndarray, "..."],
        sending: Float[Array | np.ndarray, "..."],
        measure: Float[Array | np.ndarray, "..."],
    ):
        self.receiving = jnp.asarray(receiving, float)
        self.sending = jnp.asarray(sending, float)
        self.measure = jnp.asarray(measure, float)

    def __check_init__(self):
        types = self.measure.shape[-1]
        if self.receiving.shape != self.sending.shape or self.receiving.shape[0] != types:
            raise ValueError(
                f"receiving and sending must both have shape ({types}, rank) for {types} types, "
                f"got {self.receiving.shape} and {self.sending.shape}"
            )
        require_measure(self.measure)
        for name in ("receiving", "sending"):
            factor = getattr(self, name)
            if not isinstance(factor, jax.core.Tracer) and not np.all(np.isfinite(factor)):
                raise ValueError(f"{name} holds values that are not finite")

    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each type receives when type l sends `values[l]`."""
        return self.receiving @ (self.sending.T @ (self.measure * values))

    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The integral of `values(xi) w(d xi, zeta_l)` for each type l."""
        return self.sending @ (self.receiving.T @ (self.measure * values))


def weights_kernel(connectome: Connectome) -> WeightsKernel:
    """The exact kernel of a finite network; `apply` costs one product with its weights."""
    n = connectome.n_neurons
    return WeightsKernel(weights=weights_of(connectome), measure=jnp.full(n, 1.0 / n))


def step_kernel(connectome: Connectome, partition: Partition) -> StepKernel:
    """The kernel that replaces every weight by the mean over its block of the partition.

    Types are the groups of `partition` (numbers or names, one for each neuron), in ascending
    order, their measure the fraction of neurons; the value is N times the mean weight from
    sender to receiver over all pairs of the block, so that a type receives what its neurons
    receive on average. Exact for all tree observables when the partition is equitable
    (`colour_refinement`, which also bounds the error of one that is not). Raises `ValueError`
    when the partition does not have one group for each neuron.
    """
    n = connectome.n_neurons
    _, group = groups_of(partition, n)
    sizes = np.bincount(group).astype(float)
    member = scipy.sparse.csr_array((np.ones(n), group, np.arange(n + 1)), shape=(n, sizes.size))
    total = (member.T @ (connectome.to_scipy() @ member)).toarray()
    return StepKernel(n * total / np.outer(sizes, sizes), sizes / n)


def low_rank_kernel(connectome: Connectome, rank: int) -> LowRankKernel:
    """The best kernel of this rank in L2, from the leading singular vectors of the weights.

    Types are neurons. The squared error in L2 is the sum of s_r^2 over the singular values s_r
    of the weights that are left out. Raises `ValueError` unless `rank` is between 1 and the number
    of neurons.
    """
    n = connectome.n_neurons
    left, values, right = leading_singular_vectors(connectome, rank)
    return LowRankKernel(n * left * values, right, np.full(n, 1.0 / n))


__all__ = ["LowRankKernel", "WeightsKernel", "low_rank_kernel", "step_kernel", "weights_kernel"]
