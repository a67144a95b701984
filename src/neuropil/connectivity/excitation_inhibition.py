"""Excitatory and inhibitory neurons: the sign of a weight is that of its presynaptic neuron."""

import math

import jax
import numpy as np

from neuropil.connectivity.connectome import Connectome
from neuropil.types import RandomKey

EXCITATORY, INHIBITORY = "excitatory", "inhibitory"


def signed(
    connectome: Connectome,
    *,
    inhibitory_fraction: float = 0.2,
    inhibitory_ratio: float | None = None,
    key: RandomKey,
) -> Connectome:
    """The same connectome with a random part of its neurons made inhibitory (Dale's law).

    The nearest whole number to `inhibitory_fraction` of the neurons is drawn, all choices being
    equally likely; all their outgoing weights (columns of `weights[post, pre]`) are multiplied
    by `-inhibitory_ratio`. Unless given, the ratio is (1 - f) / f with f the fraction of neurons
    that were drawn, so that excitation and inhibition cancel on average. Cell types become
    "excitatory" and "inhibitory" and replace those the connectome had.

    Raises `ValueError`, naming the argument, for a fraction outside (0, 1) or one that leaves no
    neuron of either kind, a ratio that is not positive, or weights that have signs already.
    """
    n = connectome.n_neurons
    if not 0 < inhibitory_fraction < 1:
        raise ValueError(
            f"inhibitory_fraction is {inhibitory_fraction}; it must lie strictly between 0 and 1"
        )
    n_inhibitory = round(inhibitory_fraction * n)
    if not 0 < n_inhibitory < n:
        raise ValueError(
            f"inhibitory_fraction is {inhibitory_fraction}, which makes {n_inhibitory} of {n} "
            "neurons inhibitory; at least one neuron must be of each kind"
        )
    if inhibitory_ratio is None:
        inhibitory_ratio = (n - n_inhibitory) / n_inhibitory
    if not (inhibitory_ratio > 0 and math.isfinite(inhibitory_ratio)):
        raise ValueError(f"inhibitory_ratio is {inhibitory_ratio}; it must be positive and finite")
    if connectome.n_edges and connectome.weights.min() < 0:
        raise ValueError(
            f"connectome has negative weights, down to {connectome.weights.min():g}; only weights "
            "that are not negative can be given signs"
        )
    chosen = np.asarray(jax.random.permutation(key, n))[:n_inhibitory]
    factor = np.ones(n)
    factor[chosen] = -inhibitory_ratio
    weights = connectome.weights * factor[connectome.presynaptic]
    return Connectome(
        connectome.row_start,
        connectome.presynaptic,
        weights,
        labels=connectome.labels,
        cell_types=tuple(np.where(factor < 0, INHIBITORY, EXCITATORY).tolist()),
        positions=connectome.positions,
        unit=connectome.unit,
        provenance=connectome.provenance,
        warnings=connectome.warnings,
    )


__all__ = ["signed"]
