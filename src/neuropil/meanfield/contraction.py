"""Proof that self-consistent rates are unique: bounds on the derivative of the iteration."""

from typing import NamedTuple

import equinox as eqx
import numpy as np
import scipy.sparse
from jaxtyping import Float

from neuropil.circuits import RateNetwork
from neuropil.connectivity import (
    AbstractWeights,
    Connectome,
    DenseWeights,
    NormBounds,
    SparseWeights,
    nonnegative_bounds,
)
from neuropil.meanfield.batches import is_stacked, network_at

NORM_NAMES = {
    "one": "1-norm",
    "infinity": "infinity-norm",
    "two": "2-norm",
    "weighted": "weighted infinity-norm",
}
"""Norms of `NormBounds` in the order in which they are tried."""


class ProvingNorm(NamedTuple):
    """A norm in which the iteration contracts, and the bound on the derivative in that norm."""

    name: str
    bound: float


class ContractionCertificate(eqx.Module):
    """Upper bounds of the derivative of E -> E0 + g W r(E) at g = 1, over all states.

    The derivative is g W diag(r'(E)), and |r'| lies below `maximum_slope`, so each norm of
    |g| |W| diag(maximum_slope) bounds it everywhere. Where one of them is below 1 the iteration
    contracts: by Banach's theorem it has exactly one fixed point and reaches it from every start
    (Tang, Hu and Shea-Brown, "Steady-states: analytically"). The weighted norm is the sharpest:
    its best value is the spectral radius of that matrix. `bounds` are rounded outwards;
    `maximum_slope` is in spikes/ms per mV.
    """

    bounds: NormBounds
    maximum_slope: Float[np.ndarray, " neurons"]

    @property
    def largest_strength(self) -> float:
        """Uniqueness is proven for every strength with |g| below this."""
        # Rounded downwards, and once more because `proof` rounds its product upwards.
        limit = np.float64(1.0) / self.bounds.best if self.bounds.best > 0 else np.inf
        return float(limit * (1 - 4 * np.finfo(float).eps))

    def proof(self, strength: float) -> ProvingNorm | None:
        """The first norm, in the order of `NORM_NAMES`, that proves uniqueness, if any does."""
        for field, name in NORM_NAMES.items():
            product = abs(float(strength)) * getattr(self.bounds, field)
            bound = float(np.nextafter(product, np.inf))
            if bound < 1:
                return ProvingNorm(name, bound)
        return None


def contraction_certificate(
    network: RateNetwork,
    *,
    maximum_slope: Float[np.ndarray, "..."] | float | None = None,
    connectome: Connectome | None = None,
) -> ContractionCertificate | tuple[ContractionCertificate, ...]:
    """Bounds that prove self-consistent rates unique up to some connection strength.

    `maximum_slope` bounds |dr/dE| over all inputs, in spikes/ms per mV, for all neurons or each;
    by default it is what `network.transfer.maximum_derivative()` returns, which must be an upper
    bound for the proof to hold. `connectome` spares the conversion of weights that were made from
    it. A stacked network gives a tuple, one certificate for each. Raises `ValueError` when no
    slope is known, it is negative or not finite, or sizes differ.
    """
    if is_stacked(network):
        if connectome is not None:
            raise ValueError("connectome must not be given for stacked networks: each has its own")
        return tuple(
            _certify(network_at(network, i), maximum_slope, None)
            for i in range(network.strength.size)
        )
    return _certify(network, maximum_slope, connectome)


def _certify(
    network: RateNetwork,
    maximum_slope: Float[np.ndarray, "..."] | float | None,
    connectome: Connectome | None,
) -> ContractionCertificate:
    n = network.weights.n_neurons
    if maximum_slope is None:
        known = getattr(network.transfer, "maximum_derivative", None)
        if known is None:
            raise ValueError(
                "maximum_slope must be given: the transfer function has no maximum_derivative()"
            )
        maximum_slope = np.asarray(known())
    slope = np.asarray(maximum_slope, float)
    if slope.shape not in ((), (n,)):
        raise ValueError(
            f"maximum_slope must be one value or one for each of the {n} neurons, "
            f"got shape {slope.shape}"
        )
    if not np.all(np.isfinite(slope)) or np.any(slope < 0):
        raise ValueError(f"maximum_slope must be finite and not negative, got {slope}")
    if connectome is not None and connectome.n_neurons != n:
        raise ValueError(f"connectome has {connectome.n_neurons} neurons, the network {n}")
    matrix = sparse_matrix(network.weights) if connectome is None else connectome.to_scipy()
    slopes = np.broadcast_to(slope, (n,)).copy()
    return ContractionCertificate(nonnegative_bounds(matrix, slopes), slopes)


def sparse_matrix(weights: AbstractWeights) -> scipy.sparse.csr_array:
    """The weights by row; raises `ValueError` for a kind that does not show its connections."""
    if isinstance(weights, DenseWeights):
        return scipy.sparse.csr_array(np.asarray(weights.matrix))
    if isinstance(weights, SparseWeights):
        presynaptic = np.asarray(weights.presynaptic)
        filled = presynaptic < weights.n_neurons
        rows = np.broadcast_to(np.asarray(weights.postsynaptic)[..., None], filled.shape)
        entries = (np.asarray(weights.weights)[filled], (rows[filled], presynaptic[filled]))
        shape = (weights.n_neurons, weights.n_neurons)
        return scipy.sparse.coo_array(entries, shape=shape).tocsr()
    raise ValueError(
        f"connectome must be given: {type(weights).__name__} does not show its connections"
    )


__all__ = ["ContractionCertificate", "ProvingNorm", "contraction_certificate", "sparse_matrix"]
