"""Every system of the package once, with a state to look at it in: new ones add a line here."""

import jax
import jax.numpy as jnp

from neuropil.circuits import (
    DenseNeuroGlialNetwork,
    LeakyIntegrateAndFire,
    LinearSystem,
    RankOneStatistics,
    RateNetwork,
    StomatogastricHub,
    pyloric_circuit_5a,
    sample_low_rank_network,
    tripartite_motif_figure_2,
    tripartite_motif_figure_9,
)
from neuropil.connectivity import dense_weights, erdos_renyi, sparse_weights
from neuropil.meanfield import SiegertTransfer, sonet_limit_network

GRAPH = erdos_renyi(12, 0.3, key=jax.random.key(0))
TRANSFER = SiegertTransfer(LeakyIntegrateAndFire())
LIMIT, _ = sonet_limit_network(
    TRANSFER, 15.0, total_strength=100.0, connection_probability=0.2, convergent=0.3, chain=0.1
)

GLIA_KEYS = jax.random.split(jax.random.key(2), 4)
GLIA = DenseNeuroGlialNetwork(
    hebbian_gain=jax.random.normal(GLIA_KEYS[0], (9, 9)),
    glial_gain=jax.random.normal(GLIA_KEYS[1], (9, 2)),
    gap_strength=jax.random.normal(GLIA_KEYS[2], (2, 2)),
    coincidence_gain=jax.random.normal(GLIA_KEYS[3], (2, 9)),
)

PYLORIC = pyloric_circuit_5a()
HUB_CELLS = StomatogastricHub(5.0, 1.0)

SYSTEMS = {
    "leaky integrate-and-fire": (LeakyIntegrateAndFire(mean_input=18.0), jnp.array([12.0])),
    "rate network, dense": (
        RateNetwork(dense_weights(GRAPH), TRANSFER, 15.0, 8.0),
        jnp.arange(12.0) + 8,
    ),
    "rate network, sparse": (
        RateNetwork(sparse_weights(GRAPH), TRANSFER, 15.0, 8.0),
        jnp.arange(12.0) + 8,
    ),
    "rate network, limit of a SONET": (LIMIT, jnp.linspace(12.0, 22.0, LIMIT.weights.n_neurons)),
    "linear system": (
        LinearSystem([[0.1, -2.0], [3.0, -0.4]], [0.5, -1.0], 10.0),
        jnp.array([1.0, -0.7]),
    ),
    "low-rank network": (
        sample_low_rank_network(
            RankOneStatistics(1.0, 0.5, strength=0.8, covariance_n_input=0.3, deviation_input=1.0),
            8,
            key=jax.random.key(1),
        ),
        jnp.linspace(-1.0, 2.0, 8),
    ),
    "stomatogastric ganglion": (PYLORIC, PYLORIC.state_at_rest() + 0.1),
    "stomatogastric hub": (HUB_CELLS, HUB_CELLS.published_start()),
    "tripartite motif, figure 2": (
        tripartite_motif_figure_2(),
        jnp.array([0.5, -1.0, 0.3, 0.8, 2.0]),
    ),
    "tripartite motif, figure 9": (
        tripartite_motif_figure_9(),
        jnp.array([0.5, -1.0, 0.3, 0.8, 2.0]),
    ),
    "neurons and glia, full matrices": (GLIA, jnp.linspace(-1.0, 1.5, 14)),
}
