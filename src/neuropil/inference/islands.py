"""Islands: parts of a distribution that no path of likely parameters connects."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from neuropil.inference.distribution import ParameterDistribution, placed
from neuropil.inference.evidence import Estimate, estimate_of_repeats
from neuropil.types import RandomKey

_REPRESENTATIVES, _NEIGHBOURS, _STOPS = 600, 8, 7
_FEW_REPRESENTATIVES, _FEW_NEIGHBOURS, _FEW_STOPS = 150, 5, 3


class Island(NamedTuple):
    """One island: its share of the probability, and the likeliest of its samples.

    `samples` are the numbers of those samples of the distribution that lie on it, `mode` the
    parameters of the likeliest of them, `log_density` their log density.
    """

    mass: Estimate
    mode: dict[str, Float[np.ndarray, "..."]]
    log_density: float
    samples: Int[np.ndarray, " members"]


def islands(
    distribution: ParameterDistribution,
    *,
    key: RandomKey,
    barrier: float = 3.0,
    least_mass: float = 0.005,
) -> list[Island]:
    """The islands of a distribution, the largest first, with intervals on their masses.

    Neighbouring samples are on one island when the log density on the straight line between
    them, in unconstrained coordinates, falls nowhere more than `barrier` nats below the lower of
    the two. Islands with less than `least_mass` of the probability join the nearest. Costs a few
    ten thousand evaluations, a few thousand for a black box.

    Raises `ValueError` for a barrier or least mass that is not positive.
    """
    for name, value in (("barrier", barrier), ("least_mass", least_mass)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    few = distribution.problem.behaviour.is_black_box
    count = _FEW_REPRESENTATIVES if few else _REPRESENTATIVES
    neighbours = _FEW_NEIGHBOURS if few else _NEIGHBOURS
    noise = np.asarray(jax.random.gumbel(key, distribution.log_weights.shape, float))
    count = min(count, len(noise) // 2)
    chosen = np.argpartition(-(distribution.log_weights + noise), count)[:count]
    spread = distribution.coordinates.std(axis=0) + 1e-12
    white = distribution.coordinates / spread
    nodes = white[chosen]
    _, near = KDTree(nodes).query(nodes, k=neighbours + 1)
    first = np.repeat(np.arange(count), neighbours)
    second = near[:, 1:].reshape(-1)
    heights = _heights(distribution, nodes * spread)
    stops = np.linspace(0, 1, (_FEW_STOPS if few else _STOPS) + 2)[1:-1]
    lines = nodes[first, None] + stops[:, None] * (nodes[second] - nodes[first])[:, None]
    lowest = _heights(distribution, lines.reshape(-1, nodes.shape[1]) * spread)
    lowest = lowest.reshape(len(first), -1).min(axis=1)
    connected = lowest >= np.minimum(heights[first], heights[second]) - barrier
    graph = scipy.sparse.coo_array(
        (connected[connected], (first[connected], second[connected])), shape=(count, count)
    )
    _, part = scipy.sparse.csgraph.connected_components(graph, directed=False)
    weights = np.exp(distribution.log_weights)
    member = _joined(part, nodes, white, weights, least_mass)
    found = [_island(distribution, np.flatnonzero(member == each)) for each in np.unique(member)]
    return sorted(found, key=lambda island: -island.mass.value)


def _joined(
    part: Int[np.ndarray, " nodes"],
    nodes: Float[np.ndarray, "nodes free"],
    white: Float[np.ndarray, "samples free"],
    weights: Float[np.ndarray, " samples"],
    least_mass: float,
) -> Int[np.ndarray, " samples"]:
    """The part of every sample by its nearest node, small parts joined to the nearest large."""
    _, nearest = KDTree(nodes).query(white)
    masses = np.bincount(part[nearest], weights)
    large = masses >= least_mass
    large[np.argmax(masses)] = True
    kept = large[part]
    _, nearest = KDTree(nodes[kept]).query(white)
    return part[kept][nearest]


def _island(distribution: ParameterDistribution, members: Int[np.ndarray, " members"]) -> Island:
    weights = np.exp(distribution.log_weights)
    repeats = int(distribution.population.max()) + 1
    total = np.bincount(distribution.population, weights, repeats)
    own = np.bincount(distribution.population[members], weights[members], repeats)
    mass = estimate_of_repeats(own / total, value=float(weights[members].sum()))
    candidates = members[np.random.default_rng(0).permutation(len(members))[:2000]]
    heights = _heights(distribution, distribution.coordinates[candidates])
    best = int(np.argmax(heights))
    coordinates = distribution.coordinates[candidates[best]]
    mode = distribution.problem.support.parameters(jnp.asarray(coordinates))
    return Island(
        mass,
        {name: np.asarray(value) for name, value in mode.items()},
        float(heights[best]) - distribution.log_partition.value,
        members,
    )


def _heights(
    distribution: ParameterDistribution, coordinates: Float[np.ndarray, "points free"]
) -> Float[np.ndarray, " points"]:
    """Log density against the base measure without its constant; -inf outside the domain."""
    found = placed(distribution.problem, distribution.eta, jnp.asarray(coordinates))
    heights = np.asarray(found.features) @ distribution.eta
    return np.where(np.isfinite(np.asarray(found.log_density)), heights, -np.inf)


__all__ = ["Island", "islands"]
