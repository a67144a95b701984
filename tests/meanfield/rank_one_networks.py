"""Networks of rank one with known solutions, and finite ones to compare them with."""

import jax
import jax.numpy as jnp
import numpy as np

from neuropil.circuits import RankOneStatistics, sample_low_rank_network
from neuropil.simulate import NonStiff, integrate

GO_NO_GO = {
    "mean_m": 3.5,
    "mean_n": 1.0,
    "deviation_m": 1.0,
    "deviation_n": 1.0,
    "strength": 0.8,
    "deviation_input": 1.0,
}
"""The network that degenerate solution networks take their targets from."""


def go_no_go(covariance=0.0, **changes):
    return RankOneStatistics(**GO_NO_GO | {"covariance_n_input": covariance} | changes)


def discrimination(stimulus):
    """m = w, n = I_A: the input is I_A (stimulus 1) or independent (stimulus 0)."""
    return RankOneStatistics(
        deviation_m=2.0,
        deviation_n=2.0,
        strength=0.1,
        covariance_n_input=4.0 if stimulus else 0.0,
        deviation_input=0.0 if stimulus else 2.0,
    )


def existing(branches, name):
    return np.asarray(getattr(branches, name))[np.asarray(branches.exists)]


def network_at_rest(statistics, n_neurons, *, seed, start, duration=40.0):
    """A finite network, and its state long after it began at the overlap `start`."""
    network = sample_low_rank_network(statistics, n_neurons, key=jax.random.key(seed))
    begin = network.m[:, 0] * start + network.external_input
    found = integrate(network, NonStiff(1e-7, 1e-9), begin, times=[0.0, duration])
    return network, found.final_state


def overlap_of(network, state):
    return float(network.overlaps(state)[0])


def leading_eigenvalues(network, state):
    """Of J diag(phi'), in descending order of the real part."""
    gain = 1 - np.tanh(np.asarray(state)) ** 2
    m, n = np.asarray(network.m)[:, 0], np.asarray(network.n)[:, 0]
    connectivity = np.outer(m, n) / m.size
    if network.random_weights is not None:
        connectivity += float(network.strength) * np.asarray(network.random_weights)
    eigenvalues = np.linalg.eigvals(connectivity * gain)
    return eigenvalues[np.argsort(-eigenvalues.real)]


def stack(list_of_statistics):
    return jax.tree.map(lambda *values: jnp.stack(values), *list_of_statistics)
