"""Rate networks whose fixed points are known, or found by means of their own."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.sparse

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights, connectome_from_scipy, sparse_weights


def _array(default):
    return eqx.field(converter=lambda value: jnp.asarray(value, float), default=default)


class LinearTransfer(eqx.Module):
    """r(E) = slope E, so that E = (I - g slope W)^-1 E0."""

    slope: jax.Array = _array(0.01)

    def __call__(self, mean_input):
        return self.slope * mean_input

    def maximum_derivative(self):
        return self.slope


class LogisticTransfer(eqx.Module):
    """A rate that saturates at `top`, steepest at `middle`."""

    top: jax.Array = _array(0.5)
    middle: jax.Array = _array(15.0)
    width: jax.Array = _array(2.0)

    def __call__(self, mean_input):
        return self.top * jax.nn.sigmoid((mean_input - self.middle) / self.width)

    def derivative(self, mean_input):
        relative = self(mean_input) / self.top
        return self.top * relative * (1 - relative) / self.width

    def maximum_derivative(self):
        return self.top / (4 * self.width)


def random_matrix(neurons, *, seed, connection_probability=0.3, inhibition=0.0):
    """Mean in-strength about one; a fifth of the columns is inhibitory if there is inhibition."""
    rng = np.random.default_rng(seed)
    matrix = (rng.random((neurons, neurons)) < connection_probability).astype(float)
    np.fill_diagonal(matrix, 0)
    matrix[:, : neurons // 5] *= -inhibition if inhibition else 1.0
    return matrix / (neurons * connection_probability)


def dense(matrix, transfer, *args):
    return RateNetwork(DenseWeights(jnp.asarray(matrix)), transfer, *args)


def sparse(matrix, transfer, *args):
    connectome = connectome_from_scipy(scipy.sparse.csr_array(np.asarray(matrix)))
    return RateNetwork(sparse_weights(connectome), transfer, *args)


def defect(matrix, transfer, external_input, strength, mean_input):
    """max |E0 + g W r(E) - E| by plain NumPy."""
    rate = np.asarray(transfer(jnp.asarray(mean_input)))
    following = external_input + strength * np.asarray(matrix) @ rate
    return float(np.max(np.abs(following - np.asarray(mean_input))))


def uniform_ring(neurons, neighbours):
    """Every neuron receives 1 / neighbours from each of its neighbours: row sums of one."""
    matrix = np.zeros((neurons, neurons))
    for i in range(neurons):
        matrix[i, [(i + k) % neurons for k in range(1, neighbours + 1)]] = 1 / neighbours
    return matrix


def uniform_root(transfer, external_input, strength, low, high):
    """Root of E = E0 + g r(E) between two values."""

    def rate(mean_input):
        return float(transfer(jnp.asarray(mean_input)))

    return scipy.optimize.brentq(
        lambda e: external_input + strength * rate(e) - e, low, high, xtol=1e-14, rtol=1e-15
    )
