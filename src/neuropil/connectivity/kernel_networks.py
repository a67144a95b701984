"""Finite networks that converge to a given kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from neuropil.connectivity.connectome import MAXIMUM_DENSE_NEURONS, Connectome, Provenance
from neuropil.connectivity.conversions import connectome_from_edges, connectome_from_scipy
from neuropil.connectivity.erdos_renyi import erdos_renyi
from neuropil.connectivity.kernel import AbstractKernel, StepKernel
from neuropil.connectivity.kernel_analytic import KernelFunction, midpoints
from neuropil.connectivity.kernel_curves import Curve
from neuropil.connectivity.kernel_estimates import LowRankKernel
from neuropil.types import RandomKey


@dataclass(frozen=True)
class SampledNetwork:
    """A finite network made from a kernel.

    `place` is each neuron's xi, in ascending order; `types` its type in the kernel, or nothing
    for a kernel given as a function.
    """

    connectome: Connectome
    place: Float[np.ndarray, " neurons"]
    types: Integer[np.ndarray, " neurons"] | None


def sample_network(
    kernel: AbstractKernel | KernelFunction,
    n_neurons: int,
    *,
    probability: float | None = None,
    key: RandomKey | None = None,
    unit: str = "",
) -> SampledNetwork:
    """A network of `n_neurons` with w_ij = w(xi_i, xi_j) / N, or its random thinning.

    Neuron i sits at xi_i = (i + 1/2) / N; of a kernel with types it has the type whose share of
    the measure holds xi_i. Without a `probability` every pair is connected, itself included:
    N copies of the types are then exactly the kernel. With one, each ordered pair of different
    neurons is connected independently with that probability and weight w / (N `probability`),
    which keeps the mean: a fixed probability is a dense family, N^(-1/2) a sparse one, and both
    are scaled naturally. Random graphs take time proportional to their edges.

    Raises `ValueError` for a kernel that has no values (a `CurveKernel`: see `curve_network`),
    fewer than 2 neurons, more than 5,000 without a probability, a probability outside (0, 1), or
    one without key.
    """
    if n_neurons < 2:
        raise ValueError(f"n_neurons must be at least 2, got {n_neurons}")
    place = midpoints(n_neurons)
    provenance = Provenance("sampled kernel", source="generated")
    if isinstance(kernel, AbstractKernel):
        types = types_at(kernel, place)
        matrix = _matrix(kernel)

        def value(post, pre):
            return matrix[types[post], types[pre]]
    else:
        types = None

        def value(post, pre):
            receiver, sender = place[post], place[pre]
            return np.broadcast_to(np.asarray(kernel(receiver, sender), float), post.shape)

    if probability is None:
        if n_neurons > MAXIMUM_DENSE_NEURONS:
            raise ValueError(
                f"n_neurons is {n_neurons}: all pairs are connected only up to "
                f"{MAXIMUM_DENSE_NEURONS}; give a probability"
            )
        post, pre = np.divmod(np.arange(n_neurons**2), n_neurons)
        weights = value(post, pre) / n_neurons
    else:
        if key is None:
            raise ValueError("key must be given with a probability")
        graph = erdos_renyi(n_neurons, probability, key=key)
        pre = graph.presynaptic
        post = np.repeat(np.arange(n_neurons), graph.in_degrees)
        weights = value(post, pre) / (n_neurons * probability)
    kept = weights != 0
    connectome = connectome_from_edges(
        pre[kept], post[kept], weights[kept], n_neurons, unit=unit, provenance=provenance
    )
    return SampledNetwork(connectome, place, types)


def curve_network(
    curves: Sequence[Curve],
    weights: Sequence[float] | Float[np.ndarray, " curves"],
    n_neurons: int,
    *,
    neighbours: int | None = None,
    unit: str = "",
) -> SampledNetwork:
    """A network on the ring in which i listens to the neurons nearest to each curve_c(xi_i).

    There are `neighbours` of them for each curve, itself never among them, each with weight
    `weights[c]` / `neighbours`. The default, about sqrt(N), grows while its share of the ring
    vanishes: the limit is `curve_kernel(curves, weights, ...)`, a measure. Raises `ValueError`
    unless 1 <= neighbours < n_neurons.
    """
    if n_neurons < 2:
        raise ValueError(f"n_neurons must be at least 2, got {n_neurons}")
    count = max(1, round(n_neurons**0.5)) if neighbours is None else neighbours
    if not 1 <= count < n_neurons:
        raise ValueError(f"neighbours must be between 1 and {n_neurons - 1}, got {count}")
    strengths = np.asarray(weights, float)
    if strengths.shape != (len(curves),):
        raise ValueError(f"weights must hold one number for each of {len(curves)} curves")
    place = midpoints(n_neurons)
    # One more than asked for, from the nearest outwards, so that the neuron itself can be left out.
    steps = np.arange(count + 1)
    outwards = np.where(steps % 2 == 1, (steps + 1) // 2, -(steps // 2))
    post = np.repeat(np.arange(n_neurons), count)
    senders, strength = [], []
    for curve, total in zip(curves, strengths, strict=True):
        centre = np.broadcast_to(np.asarray(curve(place), float), (n_neurons,)) % 1.0 * n_neurons
        nearest = np.floor(centre).astype(np.int64)
        # The second nearest lies on the side to which the centre leans.
        side = np.where(centre - nearest >= 0.5, 1, -1)
        partners = (nearest[:, None] + side[:, None] * outwards[None, :]) % n_neurons
        is_other = partners != np.arange(n_neurons)[:, None]
        is_other &= np.cumsum(is_other, axis=1) <= count
        senders.append(partners[is_other])
        strength.append(np.full(senders[-1].size, total / count))
    connectome = connectome_from_edges(
        np.concatenate(senders),
        np.tile(post, len(curves)),
        np.concatenate(strength),
        n_neurons,
        unit=unit,
        provenance=Provenance("nearest neighbours of curves", source="generated"),
    )
    # Curves that share partners are meant to add up there: not a flaw to warn of.
    clean = connectome_from_scipy(
        connectome.to_scipy(), unit=unit, provenance=connectome.provenance
    )
    return SampledNetwork(clean, place, None)


def types_at(
    kernel: AbstractKernel, place: Float[np.ndarray, " neurons"]
) -> Integer[np.ndarray, " neurons"]:
    """The type whose share of the measure, laid out along [0, 1] in order, holds each place."""
    edges = np.cumsum(np.asarray(kernel.measure))
    found = np.searchsorted(edges, place * edges[-1], side="right")
    return np.minimum(found, kernel.n_types - 1)


def _matrix(kernel: AbstractKernel) -> np.ndarray:
    if isinstance(kernel, StepKernel):
        return np.asarray(kernel.matrix)
    if isinstance(kernel, LowRankKernel):
        return np.asarray(kernel.receiving @ kernel.sending.T)
    raise ValueError(
        f"kernel must be a StepKernel, a LowRankKernel or a function, got {type(kernel).__name__}, "
        "which has no values between types; `curve_network` makes networks from curves"
    )


__all__ = ["SampledNetwork", "curve_network", "sample_network", "types_at"]
