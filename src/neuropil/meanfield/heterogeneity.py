"""How unequal wiring makes rates unequal: perturbation of the uniform state."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neuropil.meanfield.pseudo_transient import PseudoTransient, settle
from neuropil.meanfield.wiring_moments import WiringMoments
from neuropil.result import Outcome, raise_unless_successful

Transfer = Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]]


class PerturbedRates(eqx.Module):
    """Predicted mean and variance over neurons of input currents (mV) and rates (spikes/ms).

    `uniform_input`, `uniform_rate`, `slope` (r') and `curvature` (r'') belong to the state in
    which every neuron had the mean in-strength. The prediction is trustworthy while
    `recurrent_gain` (below 1, or the variance diverges), `uniform_gain` (below 1, or the
    uniform state is unstable) and `nonlinearity` = |r''| sd(E) / |r'| are all well below 1.
    """

    mean_input: Float[Array, ""]
    variance_input: Float[Array, ""]
    mean_rate: Float[Array, ""]
    variance_rate: Float[Array, ""]
    uniform_input: Float[Array, ""]
    uniform_rate: Float[Array, ""]
    slope: Float[Array, ""]
    curvature: Float[Array, ""]
    uniform_gain: Float[Array, ""]
    recurrent_gain: Float[Array, ""]
    nonlinearity: Float[Array, ""]
    outcome: Int[Array, ""]


def perturbed_rates(
    transfer: Transfer,
    moments: WiringMoments,
    method: PseudoTransient = PseudoTransient(),  # noqa: B008
    start: float | Float[Array, ""] | None = None,
    *,
    strength: float | Float[Array, ""],
    external_input: float | Float[Array, ""],
    throw: bool = True,
) -> PerturbedRates:
    r"""Mean and variance of inputs and rates at the fixed point of E = E0 + g W r(E).

    Derivation. Write E_i = m + e_i with m the mean over neurons, d for in-strength, k for
    out-strength, dev(x) = x - mean(x). Summing the equation over neurons gives exactly

        m = E0 + g (mean(d) mean(r) + Cov(k, r)),
        e_i = g mean(r) dev(d)_i + g dev(sum_j W_ij dev(r_j))_i.

    (a) Lowest order: the uniform state U = E0 + g mean(d) r(U), Var E = g^2 r^2 Var d,
    Var r = r'^2 Var E.

    (b) Amplification. With a = g r', the residual weights X (variance Q summed over a row,
    reciprocal covariance R) feed deviations back: e = g r dev(d) + a X e. X is a large random
    matrix, so X e is uncorrelated with dev(d) and has variance Q Var e, except that a neuron
    hears its own deviation back through reciprocal pairs. The cavity argument (as for the
    spectrum of correlated matrices: Sommers, Crisanti, Sompolinsky and Stein, PRL 60, 1895,
    1988) gives the single-neuron response c = 1 / (1 - a^2 R c) and

        Var E = g^2 r^2 (c^2 Var d / (1 - c^2 a^2 Q) + 2 a P),

    which for an Erdos-Renyi graph is g^2 r^2 Var d / (1 - g^2 r'^2 N p (1 - p)). The term in
    the partner covariance P is the first order of the deterministic part of W acting on
    dev(d): neurons of large in-strength may prefer, or avoid, partners of large in-strength.

    (c) Chains. Cov(k, r) = r' c g mean(r) Cov(d, k): partners with many outputs also have many
    inputs. With mean(r) = r + r' (m - U) + r'' Var E / 2 and K = c g r' Cov(d, k), the exact
    first equation becomes

        m - U = g ((mean(d) + K) (r + r'' Var E / 2) - mean(d) r) / (1 - g r' (mean(d) + K)).

    Variances are then taken around m, with mean(r) for r, and
    Var r = r'^2 Var E + r' r'' g^3 r^3 M3, M3 the third central moment of d.

    Regime: for a given network with all its moments, as g -> 0, errors are of order g^3 in the
    means and g^4 in the variances (relative g^2); with `partner_covariance` left out the
    relative error in the variance is of order g. At fixed g the random-matrix step is right up
    to relative 1/sqrt(neurons), and requires heterogeneity to be small where r bends.

    `transfer` maps inputs (mV) to rates (spikes/ms) element by element in JAX and is
    differentiated twice; `strength` is g, in mV ms per unit of weight; `external_input` is E0, in
    mV; the uniform state is sought from `start` (mV, default E0). With `throw=False` the
    function is pure JAX and may be batched by `jax.vmap`. Raises `NotSolved` when no uniform
    state is found or when the recurrent gain reaches 1.
    """
    result = _perturb(
        transfer,
        moments,
        method,
        jnp.asarray(external_input if start is None else start, float),
        jnp.asarray(strength, float),
        jnp.asarray(external_input, float),
    )
    if throw:
        raise_unless_successful(
            result.outcome,
            what=f"perturbation of the uniform state (recurrent gain {result.recurrent_gain:.3g}, "
            "must be below 1)",
            throw=True,
        )
    return result


def _derivatives(
    transfer: Transfer, at: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Value, first and second derivative of an element-by-element function at one point."""
    one = jnp.ones_like(at)

    def value(x):
        return transfer(x[None])[0]

    def with_slope(x):
        return jax.jvp(value, (x,), (one,))

    (rate, slope), (_, curvature) = jax.jvp(with_slope, (at,), (one,))
    return rate, slope, curvature


def _variance_input(moments: WiringMoments, strength, rate, slope):
    """Var E of step (b), the single-neuron response c and the gain c^2 a^2 Q."""
    gain = strength * slope
    echo = gain**2 * moments.residual_reciprocity
    # The root of c = 1 + echo c^2 that tends to 1, in the form that has no division by echo.
    response = 2.0 / (1.0 + jnp.sqrt(1.0 - 4.0 * echo))
    recurrent_gain = response**2 * gain**2 * moments.residual_variance
    amplified = response**2 * moments.variance_in_strength / (1.0 - recurrent_gain)
    variance = (strength * rate) ** 2 * (amplified + 2.0 * gain * moments.partner_covariance)
    return variance, response, recurrent_gain


@eqx.filter_jit
def _perturb(transfer, moments, method, start, strength, external_input) -> PerturbedRates:
    coupling = strength * moments.mean_in_strength
    settled = settle(lambda x: external_input + coupling * transfer(x), start[None], method)
    uniform = settled.value[0]
    rate, slope, curvature = _derivatives(transfer, uniform)
    variance, response, _ = _variance_input(moments, strength, rate, slope)
    # What the partners of a random neuron send beyond the mean rate, per unit of that rate.
    chains = response * strength * slope * moments.covariance_in_out
    delivered = moments.mean_in_strength + chains
    excess = chains * rate + delivered * curvature * variance / 2.0
    mean_input = uniform + strength * excess / (1.0 - strength * slope * delivered)

    local_rate, local_slope, local_curvature = _derivatives(transfer, mean_input)
    mean_rate = local_rate + local_curvature * variance / 2.0
    variance, _, recurrent_gain = _variance_input(moments, strength, mean_rate, local_slope)
    skew = (strength * mean_rate) ** 3 * moments.third_moment_in_strength
    variance_rate = local_slope**2 * variance + local_slope * local_curvature * skew
    outcome = jnp.where(
        settled.outcome != Outcome.SUCCESSFUL.value,
        settled.outcome,
        # A gain that is not a number stands for reciprocity too strong for a finite response.
        jnp.where(recurrent_gain < 1.0, Outcome.SUCCESSFUL.value, Outcome.DIVERGED.value),
    )
    return PerturbedRates(
        mean_input=mean_input,
        variance_input=variance,
        mean_rate=mean_rate,
        variance_rate=variance_rate,
        uniform_input=uniform,
        uniform_rate=rate,
        slope=slope,
        curvature=curvature,
        uniform_gain=coupling * slope,
        recurrent_gain=recurrent_gain,
        nonlinearity=jnp.abs(curvature / slope) * jnp.sqrt(jnp.maximum(variance, 0.0)),
        outcome=outcome,
    )


__all__ = ["PerturbedRates", "perturbed_rates"]
