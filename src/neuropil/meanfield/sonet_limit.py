"""Rates of one neuron in an infinitely large second-order network (SONET)."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.connectivity.sonet_kernel import SonetKernel, in_variable_nodes, sonet_kernel
from neuropil.meanfield.gaussian_nodes import spread
from neuropil.meanfield.pseudo_transient import PseudoTransient, settle
from neuropil.result import raise_unless_successful

Transfer = Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]]
QUANTILE_POINTS = 512


def sonet_limit_network(
    transfer: Transfer,
    external_input: float | Float[Array, ""],
    *,
    total_strength: float | Float[Array, ""],
    connection_probability: float,
    convergent: float,
    chain: float,
    nodes: int = 48,
) -> tuple[RateNetwork, Float[np.ndarray, " nodes"]]:
    """The limit as a rate network of a few neurons, one for each node of the in-variable.

    Its fixed points are those of the limit (`sonet_limit_rates`), so that everything that
    follows fixed points of a `RateNetwork` follows the limit as well. Its neurons stand for
    unequal fractions of the network, returned as the second value. Arguments as there.
    """
    kernel = sonet_kernel(connection_probability, convergent, chain)
    variable, probability = in_variable_nodes(kernel, nodes)
    matrix = kernel(variable, variable) * jnp.asarray(probability)[None, :]
    inputs = jnp.asarray(external_input, float), jnp.asarray(total_strength, float)
    return RateNetwork(DenseWeights(matrix), transfer, *inputs), probability


class SonetLimit(eqx.Module):
    """Inputs (mV) and rates (spikes/ms) against the in-variable, and over the network.

    `in_variable` holds the quadrature nodes and `probability` their weights. For each node:
    `input_current` (mean), `input_deviation` (standard deviation from the finite number of
    partners, 0 in the limit), `rate` (mean) and `rate_deviation`. Means and variances are over
    all neurons. `residual` is the largest defect of the self-consistency, in mV.
    """

    in_variable: Float[Array, " nodes"]
    probability: Float[Array, " nodes"]
    input_current: Float[Array, " nodes"]
    input_deviation: Float[Array, " nodes"]
    rate: Float[Array, " nodes"]
    rate_deviation: Float[Array, " nodes"]
    mean_input: Float[Array, ""]
    variance_input: Float[Array, ""]
    mean_rate: Float[Array, ""]
    variance_rate: Float[Array, ""]
    residual: Float[Array, ""]
    outcome: Int[Array, ""]
    kernel: SonetKernel
    transfer: Transfer
    external_input: Float[Array, ""]
    total_strength: Float[Array, ""]
    squared_strength: Float[Array, ""]

    @eqx.filter_jit
    def input_at(
        self, in_variable: Float[Array, " points"]
    ) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
        """Mean and standard deviation of the input of neurons with these in-variables.

        The self-consistency equation itself interpolates between the nodes (Nystrom), so this
        is as accurate as the solution at the nodes.
        """
        edge = self.kernel(in_variable, self.in_variable)
        square = self.rate**2 + self.rate_deviation**2
        mean = self.external_input + self.total_strength * edge @ (self.probability * self.rate)
        variance = self.squared_strength * (edge * (1 - edge)) @ (self.probability * square)
        return mean, jnp.sqrt(variance)

    def input_quantiles(self, levels: Float[np.ndarray, " levels"]) -> Float[Array, " levels"]:
        """Input currents below which a fraction `levels` of the neurons lie, in mV.

        Raises `ValueError` unless all levels lie strictly between 0 and 1.
        """
        if not np.all((levels > 0) & (levels < 1)):
            raise ValueError("levels must lie strictly between 0 and 1")
        width = jnp.sqrt(self.kernel.in_variance)
        if float(self.squared_strength) == 0:
            # Input is monotone in the in-variable, upwards for excitation on balance.
            falling = float(self.total_strength) < 0
            normal = jax.scipy.stats.norm.ppf(jnp.asarray(1 - levels if falling else levels))
            return self.input_at(width * normal)[0]
        middle = (np.arange(QUANTILE_POINTS) + 0.5) / QUANTILE_POINTS
        mean, deviation = self.input_at(width * jax.scipy.stats.norm.ppf(jnp.asarray(middle)))
        return _mixture_quantiles(jnp.asarray(levels), mean, deviation)

    def rate_quantiles(self, levels: Float[np.ndarray, " levels"]) -> Float[Array, " levels"]:
        """Rates below which a fraction `levels` of the neurons lie, in spikes/ms.

        Sorted one-neuron rates of N neurons are to be compared with the levels (i + 1/2) / N.
        The transfer function must increase. Raises `ValueError` as `input_quantiles`.
        """
        return self.transfer(self.input_quantiles(levels))


def sonet_limit_rates(
    transfer: Transfer,
    external_input: float | Float[Array, ""],
    method: PseudoTransient = PseudoTransient(),  # noqa: B008
    start: float | Float[Array, ""] | None = None,
    *,
    total_strength: float | Float[Array, ""],
    connection_probability: float,
    convergent: float,
    chain: float,
    squared_strength: float | Float[Array, ""] = 0.0,
    nodes: int = 48,
    noise_nodes: int = 15,
    throw: bool = True,
) -> SonetLimit:
    r"""Self-consistent rates of E = E0 + g W r(E) on a SONET of N neurons, N -> infinity.

    In the limit, with J = g N held fixed, the input of a neuron depends on its in-variable only:

        E(x) = E0 + J int w(x, x') r(E(x')) N(x'; 0, rho_conv) dx',

    w the `SonetKernel`: sums over many partners become averages, and the sender's out-variable
    averages out. Hence the rates depend on p, alpha_conv and alpha_chain alone; alpha_div and
    alpha_recip drop out. The integral is taken at `nodes` Gauss-Hermite nodes.

    Finite size. At given in-variables and rates the edges onto a neuron are independent, which
    spreads its input normally with variance

        s(x)^2 = S int w (1 - w) <r^2>(x') N(x'; 0, rho_conv) dx',   S = `squared_strength` = g^2 N

    (about g^2 N p (1 - p) <r^2>); rates are then averaged over it, self-consistently. What is
    left out is of relative order alpha_div p and alpha_chain p compared with s^2 (neurons share
    senders), and the fluctuation of each realised graph as a whole, sqrt(alpha_div / N).

    `total_strength` is J = sum over partners of g_j and `squared_strength` the sum of g_j^2 (for
    N neurons of equal weight g: g (N - 1) and g^2 (N - 1)), so that a mixture of excitatory and
    inhibitory senders, with types independent of the graph, is covered too. `transfer` maps
    inputs (mV) to rates (spikes/ms) element by element in JAX; `external_input` is E0; `start` the
    input of all neurons at first (mV, default E0). Raises `ValueError` for infeasible
    statistics and `NotSolved` when `method` does not reach its tolerance.
    """
    if squared_strength < 0:
        raise ValueError(f"squared_strength must not be negative, got {squared_strength}")
    if nodes < 1 or noise_nodes < 1:
        raise ValueError(f"nodes and noise_nodes must be at least 1, got {nodes}, {noise_nodes}")
    kernel = sonet_kernel(connection_probability, convergent, chain)
    variable, probability = in_variable_nodes(kernel, nodes)
    result = _solve(
        transfer,
        kernel,
        variable,
        jnp.asarray(probability),
        method,
        jnp.asarray(external_input if start is None else start, float),
        jnp.asarray(external_input, float),
        jnp.asarray(total_strength, float),
        jnp.asarray(squared_strength, float),
        noise_nodes if squared_strength > 0 else 1,
    )
    if throw:
        raise_unless_successful(result.outcome, what="SONET limit", throw=True)
    return result


@eqx.filter_jit
def _solve(
    transfer,
    kernel,
    variable,
    probability,
    method,
    start,
    external,
    total_strength,
    squared_strength,
    noise_nodes,
) -> SonetLimit:
    edge = kernel(variable, variable)
    nodes = variable.size

    def at_nodes(unknown: Float[Array, " twice_nodes"]):
        return spread(transfer, unknown[:nodes], unknown[nodes:] ** 2, noise_nodes)

    def received(rate, within):
        square = probability * (rate**2 + within)
        variance = squared_strength * (edge * (1 - edge)) @ square
        return external + total_strength * edge @ (probability * rate), variance

    def update(unknown: Float[Array, " twice_nodes"]) -> Float[Array, " twice_nodes"]:
        current, variance = received(*at_nodes(unknown))
        # The floor keeps the derivative of the square root finite.
        return jnp.concatenate([current, jnp.sqrt(variance + 1e-24)])

    settled = settle(
        update, jnp.concatenate([jnp.full(nodes, start), jnp.full(nodes, 1e-12)]), method
    )
    rate, within = at_nodes(settled.value)
    current, variance = received(rate, within)
    mean_input, mean_rate = probability @ current, probability @ rate
    return SonetLimit(
        in_variable=variable,
        probability=probability,
        input_current=current,
        input_deviation=jnp.sqrt(variance),
        rate=rate,
        rate_deviation=jnp.sqrt(within),
        mean_input=mean_input,
        variance_input=probability @ ((current - mean_input) ** 2 + variance),
        mean_rate=mean_rate,
        variance_rate=probability @ ((rate - mean_rate) ** 2 + within),
        residual=settled.residual,
        outcome=settled.outcome,
        kernel=kernel,
        transfer=transfer,
        external_input=external,
        total_strength=total_strength,
        squared_strength=squared_strength,
    )


@jax.jit
def _mixture_quantiles(
    levels: Float[Array, " levels"],
    mean: Float[Array, " points"],
    deviation: Float[Array, " points"],
) -> Float[Array, " levels"]:
    """Quantiles of an even mixture of normals, by bisection to rounding."""
    low = jnp.full_like(levels, jnp.min(mean - 10 * deviation))
    high = jnp.full_like(levels, jnp.max(mean + 10 * deviation))

    def below(value: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.mean(jax.scipy.stats.norm.cdf((value - mean) / deviation))

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        enough = jax.lax.map(below, middle, batch_size=256) >= levels
        return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    low, high = jax.lax.fori_loop(0, 52, halve, (low, high))
    return (low + high) / 2


__all__ = [
    "SonetKernel",
    "SonetLimit",
    "sonet_kernel",
    "sonet_limit_network",
    "sonet_limit_rates",
]
