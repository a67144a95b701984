"""Rates predicted from the in- and out-strengths of neurons alone, at any heterogeneity."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Float, Int

from neuropil.meanfield.gaussian_nodes import normal_nodes, spread
from neuropil.meanfield.pseudo_transient import PseudoTransient, settle
from neuropil.meanfield.wiring_moments import WiringMoments
from neuropil.result import raise_unless_successful

Transfer = Callable[[Float[Array, " neurons"]], Float[Array, " neurons"]]


def _strengths() -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float))


class StrengthDistribution(eqx.Module):
    """Classes of neurons with equal in- and out-strengths, separately for each population.

    A population is a set of connections that share a kind of partner: all of them, or the
    excitatory and the inhibitory ones apart.

    - `in_strength[c, b]`: summed weights onto a neuron of class c from population b (signed);
    - `out_strength[c, b]`: how much a neuron of class c contributes to population b, at least 0;
      only ratios matter;
    - `in_dispersion[c, b]`: variance of the summed input per unit variance of the partners'
      rates, when the partners are drawn at random: the sum of squared weights, less what is lost
      because partners are drawn without replacement. 0 neglects the draw;
    - `multiplicity[c]`: number (or fraction) of neurons in the class.

    Raises `ValueError`, naming the field, when a value is impossible.
    """

    in_strength: Float[Array, "classes populations"] = _strengths()
    out_strength: Float[Array, "classes populations"] = _strengths()
    in_dispersion: Float[Array, "classes populations"] = _strengths()
    multiplicity: Float[Array, " classes"] = _strengths()

    def __check_init__(self):
        for name in ("in_strength", "out_strength", "in_dispersion", "multiplicity"):
            value = np.asarray(getattr(self, name))
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name} holds values that are not finite")
            if name != "in_strength" and np.any(value < 0):
                raise ValueError(f"{name} must not be negative, got {value.min():.6g}")
        sent = np.asarray(self.multiplicity) @ np.asarray(self.out_strength)
        if np.any(sent <= 0):
            raise ValueError(f"out_strength sums to {sent}: every population needs a sender")


def strengths_of_degrees(
    in_degree: Float[np.ndarray, " classes"],
    out_degree: Float[np.ndarray, " classes"] | None = None,
    *,
    multiplicity: Float[np.ndarray, " classes"] | None = None,
    possible_partners: int | None = None,
) -> StrengthDistribution:
    """Classes of an unweighted network, from its degree sequence or degree histogram.

    `multiplicity` counts the neurons of each class (default: one each). Without `out_degree`
    in- and out-degree are taken as independent. `possible_partners` is the number of neurons
    that partners are drawn from (usually one less than the neurons); without it the spread from
    the draw of partners is neglected. Raises `ValueError` when a degree is negative or above
    `possible_partners`.
    """
    if np.any(in_degree < 0):
        raise ValueError(f"in_degree must not be negative, got {in_degree.min():.6g}")
    dispersion = np.zeros_like(in_degree)
    if possible_partners is not None:
        if np.any(in_degree > possible_partners):
            raise ValueError(
                f"in_degree reaches {in_degree.max():.6g}, above possible_partners = "
                f"{possible_partners}"
            )
        dispersion = in_degree * (1 - in_degree / possible_partners)
    ones = np.ones_like(in_degree)
    return StrengthDistribution(
        in_strength=jnp.asarray(in_degree[:, None]),
        out_strength=jnp.asarray((ones if out_degree is None else out_degree)[:, None]),
        in_dispersion=jnp.asarray(dispersion[:, None]),
        multiplicity=jnp.asarray(ones if multiplicity is None else multiplicity),
    )


def strengths_of_weights(
    weights: scipy.sparse.sparray | scipy.sparse.spmatrix | np.ndarray,
) -> StrengthDistribution:
    """Classes of a given weight matrix `weights[post, pre]`: one for each neuron.

    Positive and negative weights become two populations when both occur. Raises `ValueError`
    when the matrix is not square or has no connection.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights must be a square matrix, got shape {weights.shape}")
    matrix = scipy.sparse.csr_array(weights).astype(float)
    parts = [part for part in (matrix.maximum(0), matrix.minimum(0)) if abs(part).sum() > 0]
    if not parts:
        raise ValueError("weights has no connection that is not 0")
    incoming = np.stack([part.sum(axis=1) for part in parts], axis=1)
    outgoing = np.stack([abs(part).sum(axis=0) for part in parts], axis=1)
    squares = np.stack([part.multiply(part).sum(axis=1) for part in parts], axis=1)
    # A neuron does not project to itself, so where all neurons send there is one partner fewer.
    senders = np.minimum(np.sum(outgoing > 0, axis=0), matrix.shape[0] - 1)
    dispersion = np.maximum(squares - incoming**2 / senders, 0.0)
    everyone = np.ones(matrix.shape[0])
    return StrengthDistribution(*map(jnp.asarray, (incoming, outgoing, dispersion, everyone)))


def strengths_of_moments(moments: WiringMoments, classes: int = 24) -> StrengthDistribution:
    """Classes that share mean, variance and in-out covariance with `moments`.

    In-strength is taken as log-normal (Gauss-Hermite nodes in its logarithm), and the mean
    out-strength given in-strength as a power of it. Raises `ValueError` when the mean in-strength
    is not positive, or the covariance is not one of positive strengths.
    """
    mean = float(moments.mean_in_strength)
    variance = float(moments.variance_in_strength)
    covariance = float(moments.covariance_in_out)
    if mean <= 0:
        raise ValueError(
            f"mean_in_strength must be positive, got {mean:.6g}: give excitatory and inhibitory "
            "strengths apart"
        )
    if variance < 0:
        raise ValueError(f"variance_in_strength must not be negative, got {variance:.6g}")
    if covariance <= -(mean**2):
        raise ValueError(f"covariance_in_out must exceed {-(mean**2):.6g}, got {covariance:.6g}")
    nodes, probability = normal_nodes(classes)
    width = np.sqrt(np.log1p(variance / mean**2))
    shared = np.log1p(covariance / mean**2) / width if width > 0 else 0.0
    out_strength = np.exp(shared * nodes - shared**2 / 2)
    return StrengthDistribution(
        in_strength=jnp.asarray(mean * np.exp(width * nodes - width**2 / 2)[:, None]),
        out_strength=jnp.asarray(out_strength[:, None]),
        in_dispersion=jnp.full((classes, 1), max(float(moments.residual_variance), 0.0)),
        multiplicity=jnp.asarray(probability),
    )


class DegreeMeanField(eqx.Module):
    """Self-consistent inputs (mV) and rates (spikes/ms) of classes of neurons.

    `input_current` is the mean input of a class, `input_deviation` the standard deviation of
    input within it (from the draw of partners), `rate` and `rate_deviation` likewise. Means and
    variances are over all neurons. `partner_rate[b]` and `partner_variance[b]` are mean and
    variance of the rate of a random presynaptic partner in population b. `residual` is relative
    to the unknowns (partner rates and deviations).
    """

    input_current: Float[Array, " classes"]
    input_deviation: Float[Array, " classes"]
    rate: Float[Array, " classes"]
    rate_deviation: Float[Array, " classes"]
    mean_input: Float[Array, ""]
    variance_input: Float[Array, ""]
    mean_rate: Float[Array, ""]
    variance_rate: Float[Array, ""]
    partner_rate: Float[Array, " populations"]
    partner_variance: Float[Array, " populations"]
    residual: Float[Array, ""]
    outcome: Int[Array, ""]


def degree_mean_field(
    transfer: Transfer,
    strengths: StrengthDistribution,
    method: PseudoTransient = PseudoTransient(),  # noqa: B008
    start: float | Float[Array, ""] | None = None,
    *,
    strength: float | Float[Array, ""],
    external_input: float | Float[Array, "..."],
    noise_nodes: int = 15,
    throw: bool = True,
) -> DegreeMeanField:
    r"""Rates at the fixed point of E = E0 + g W r(E), from in- and out-strengths alone.

    A neuron with in-strengths D_b receives, on average over networks with these strengths (the
    configuration model), input from random partners, who are met in proportion to their
    out-strength k_b (heterogeneous mean-field theory: Pastor-Satorras and Vespignani, PRL 86,
    3200, 2001):

        E_c = E0 + g sum_b D_cb theta_b,
        theta_b = sum_c n_c k_cb <r>_c / sum_c n_c k_cb.

    Which partners it happens to draw spreads the inputs of a class normally with variance
    s_c^2 = g^2 sum_b (in_dispersion)_cb v_b, v_b the variance of partner rates, itself
    self-consistent; <.>_c averages r(E_c + s_c z) over normal z (the stationary case of dynamic
    mean-field theory: Kadmon and Sompolinsky, PRX 5, 041030, 2015). Linearised, this gives the
    amplification 1 / (1 - g^2 r'^2 Q) of `perturbed_rates`.

    Regime: many connections for each neuron, and no structure beyond the strengths
    (reciprocity, assortativity and communities are neglected). No assumption on how
    heterogeneous or how nonlinear the network is.

    `transfer` maps inputs (mV) to rates (spikes/ms) element by element in JAX; `strength` is g;
    `external_input` is E0 in mV, one value or one for each class; `start` is the input (mV,
    default E0) whose rates all partners have at first, which selects among several solutions;
    `noise_nodes` Gauss-Hermite nodes resolve the spread within a class. Raises `NotSolved` when
    `method` finds no solution.
    """
    if noise_nodes < 1:
        raise ValueError(f"noise_nodes must be at least 1, got {noise_nodes}")
    classes = strengths.multiplicity.shape[0]
    external = jnp.asarray(external_input, float)
    if external.shape not in ((), (classes,)):
        raise ValueError(
            f"external_input must be one value or one for each of {classes} classes, "
            f"got shape {external.shape}"
        )
    drawn = bool(np.any(np.asarray(strengths.in_dispersion) > 0))
    result = _solve(
        transfer,
        strengths,
        method,
        jnp.mean(external) if start is None else jnp.asarray(start, float),
        jnp.asarray(strength, float),
        jnp.broadcast_to(external, (classes,)),
        noise_nodes if drawn else 1,
    )
    if throw:
        raise_unless_successful(result.outcome, what="degree mean-field theory", throw=True)
    return result


@eqx.filter_jit
def _solve(transfer, strengths, method, start, strength, external, noise_nodes) -> DegreeMeanField:
    neurons = strengths.multiplicity / jnp.sum(strengths.multiplicity)
    partners = neurons[:, None] * strengths.out_strength
    partners = partners / jnp.sum(partners, axis=0, keepdims=True)
    populations = partners.shape[1]

    def classes_given(unknown: Float[Array, " twice_populations"]):
        rate, deviation = unknown[:populations], unknown[populations:]
        current = external + strength * strengths.in_strength @ rate
        variance = strength**2 * strengths.in_dispersion @ deviation**2
        return current, variance, *spread(transfer, current, variance, noise_nodes)

    def update(unknown: Float[Array, " twice_populations"]) -> Float[Array, " twice_populations"]:
        _, _, mean, within = classes_given(unknown)
        theta = partners.T @ mean
        between = (mean[:, None] - theta[None, :]) ** 2
        variance = jnp.sum(partners * (within[:, None] + between), axis=0)
        # The map is in the deviation, not the variance, so that both unknowns share a unit and
        # one tolerance; the floor keeps its derivative finite where all rates are equal.
        floor = 1e-20 * jnp.max(theta**2)
        return jnp.concatenate([theta, jnp.sqrt(variance + floor)])

    uniform = jnp.full(populations, transfer(start[None])[0])
    settled = settle(update, jnp.concatenate([uniform, 0.1 * uniform]), method)
    current, variance, rate, within = classes_given(settled.value)
    mean_input, mean_rate = neurons @ current, neurons @ rate
    return DegreeMeanField(
        input_current=current,
        input_deviation=jnp.sqrt(variance),
        rate=rate,
        rate_deviation=jnp.sqrt(within),
        mean_input=mean_input,
        variance_input=neurons @ ((current - mean_input) ** 2 + variance),
        mean_rate=mean_rate,
        variance_rate=neurons @ ((rate - mean_rate) ** 2 + within),
        partner_rate=settled.value[:populations],
        partner_variance=settled.value[populations:] ** 2,
        residual=settled.residual,
        outcome=settled.outcome,
    )


__all__ = [
    "DegreeMeanField",
    "StrengthDistribution",
    "degree_mean_field",
    "strengths_of_degrees",
    "strengths_of_moments",
    "strengths_of_weights",
]
