"""Random graphs with prescribed second-order statistics (SONETs)."""

import math
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from neuropil.connectivity.bivariate_normal import threshold_of
from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.random_streams import stream_seed
from neuropil.connectivity.sonet_feasibility import (
    LatentCorrelations,
    SonetParameters,
    latent_correlations,
)
from neuropil.connectivity.sonet_projection import nearest_feasible
from neuropil.connectivity.sonet_sampling import sample_rows
from neuropil.connectivity.statistics import Motifs, motif_statistics
from neuropil.types import RandomKey

SMALLEST_NOISE_VARIANCE = 1e-20


@dataclass(frozen=True)
class RandomGraph:
    """A random connectome, what was asked of it, and what came out in this realisation.

    `changes` has a sentence for each statistic that was moved to make the request feasible.
    """

    connectome: Connectome
    requested: SonetParameters
    realised: Motifs
    changes: tuple[str, ...] = ()


def sonet(
    n_neurons: int,
    connection_probability: float,
    *,
    reciprocal: float | None = None,
    convergent: float = 0.0,
    divergent: float = 0.0,
    chain: float = 0.0,
    key: RandomKey,
    weight: float = 1.0,
    unit: str = "",
) -> RandomGraph:
    """A directed random graph with given frequencies of all motifs of two edges.

    The four statistics are the alpha of `SonetParameters`; `reciprocal` None adds no correlation
    within pairs to what the others imply. Every edge gets `weight`, in `unit`; there are no
    self-loops. The sample is exact at every size, in time and memory proportional to the edges,
    and depends on `key` alone.

    Raises `ValueError`, naming the argument and what is allowed, for statistics that are not
    feasible (see `sonet_feasibility`), fewer than 2 neurons, a probability outside (0, 1) or a
    weight that is not finite.

    Source: Zhao, Beverlin, Netoff and Nykamp, "Synchronization from second order network
    connectivity statistics", Front. Comput. Neurosci. 5:28 (2011), sampled here from latent
    variables of the neurons in place of the joint Gaussian of all edges.
    """
    requested = SonetParameters(
        n_neurons, connection_probability, reciprocal, convergent, divergent, chain
    )
    return _realisation(requested, key, weight, unit, ())


def sonet_twin(
    connectome: Connectome,
    *,
    key: RandomKey,
    nearest: bool = False,
    weight: float = 1.0,
    unit: str = "",
) -> RandomGraph:
    """A SONET with the size, density and second-order statistics of a connectome.

    Weights, labels, positions and self-loops of the connectome are not carried over. Statistics
    that no SONET can have raise `ValueError`; with `nearest` true the nearest feasible ones are
    taken (see `nearest_feasible`) and `changes` of the result says what moved. Raises
    `ValueError` also for fewer than 3 neurons or no or all possible edges.
    """
    measured = motif_statistics(connectome)
    if measured.n_neurons < 3 or not 0 < measured.p < 1:
        raise ValueError(
            f"connectome has {measured.n_neurons} neurons and {measured.n_edges} edges between "
            "them; a twin needs at least 3 neurons, and some but not all of the possible edges"
        )
    requested = SonetParameters(
        measured.n_neurons,
        measured.p,
        measured.alpha_reciprocal,
        measured.alpha_convergent,
        measured.alpha_divergent,
        measured.alpha_chain,
    )
    changes: tuple[str, ...] = ()
    if nearest:
        requested, changes = nearest_feasible(requested)
    return _realisation(requested, key, weight, unit, changes)


def _realisation(
    requested: SonetParameters,
    key: RandomKey,
    weight: float,
    unit: str,
    changes: tuple[str, ...],
) -> RandomGraph:
    if not math.isfinite(weight):
        raise ValueError(f"weight is {weight}; it must be finite")
    correlations = latent_correlations(requested)
    n, p = requested.n_neurons, requested.connection_probability
    latent_key, edge_key = jax.random.split(key)
    in_latent, out_latent = _latent_variables(n, correlations, latent_key)
    # Without noise every edge is decided by the latent variables; a spread of 1e-10 decides as
    # they do, except for pairs that close to the threshold.
    variance = max(correlations.noise_variance, SMALLEST_NOISE_VARIANCE)
    spread = math.sqrt(variance)
    noise_correlation = min(max(correlations.noise_covariance / variance, -1.0), 1.0)
    row_start, presynaptic = sample_rows(
        (in_latent - threshold_of(p)) / spread,
        out_latent / spread,
        noise_correlation,
        seed=stream_seed(edge_key),
    )
    connectome = Connectome(
        row_start,
        presynaptic,
        np.full(presynaptic.size, float(weight)),
        unit=unit,
        provenance=Provenance("SONET", source="generated", notes=(_description(requested),)),
    )
    return RandomGraph(connectome, requested, motif_statistics(connectome), changes)


def _latent_variables(
    n_neurons: int, correlations: LatentCorrelations, key: RandomKey
) -> tuple[Float[np.ndarray, " neurons"], Float[np.ndarray, " neurons"]]:
    """In- and out-variables of the neurons, with the latent correlations as covariance."""
    normal = np.asarray(jax.random.normal(key, (2, n_neurons)), dtype=np.float64)
    _, convergent, divergent, chain = correlations
    in_latent = math.sqrt(convergent) * normal[0]
    shared = chain / math.sqrt(convergent) if convergent > 0 else 0.0
    own = math.sqrt(max(0.0, divergent - shared**2))
    return in_latent, shared * normal[0] + own * normal[1]


def _description(requested: SonetParameters) -> str:
    values = vars(requested).items()
    return ", ".join(f"{name} {value:g}" for name, value in values if value is not None)


__all__ = ["RandomGraph", "sonet", "sonet_twin"]
