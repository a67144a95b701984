"""A flow fitted to the samples of an inference, and how far it is from the answer."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import logsumexp
from tqdm import tqdm

from neuropil.inference.adam import Adam, adam_start, adam_step
from neuropil.inference.distribution import ParameterDistribution, placed
from neuropil.inference.dual import effective_share
from neuropil.inference.evidence import Estimate
from neuropil.inference.flow import Flow, estimate_of_draws, log_densities, trainable
from neuropil.inference.flow_architecture import AbstractFlowArchitecture, CouplingFlow
from neuropil.inference.flow_base import base_of
from neuropil.types import RandomKey, Scalar

_STEPS_A_LOOK = 100
_HELD_OUT = 8192


class FlowDivergence(NamedTuple):
    """How far a flow q is from a maximum-entropy distribution q*, by fresh draws of the flow.

    - `divergence`: E_q[log q - log q*] = KL(q || q*), in nats, over draws where the statistics are
      finite. Where the flow meets the constraints this is how much entropy it lacks.
    - `log_weight_variance`: of log q* - log q, which is constant where the two are the same.
    - `effective_share`: how many draws from q* one draw of the flow is worth (Kish).
    - `outside_share`: of draws where statistics are not finite; the answer has no mass there.
    """

    divergence: Estimate
    log_weight_variance: float
    effective_share: float
    outside_share: float


def fit_flow(
    distribution: ParameterDistribution,
    architecture: AbstractFlowArchitecture | None = None,
    *,
    key: RandomKey,
    steps: int = 3000,
    batch_size: int = 512,
    learning_rate: float = 3e-3,
    most_clouds: int = 8,
    patience: int = 10,
    progress: bool = False,
) -> Flow:
    """A flow by maximum likelihood on the weighted samples of a distribution.

    It starts as a mixture of at most `most_clouds` clouds with the means and covariances of the
    sample's clusters. Every fourth population is held out; the weights that make it most likely
    are kept, and fitting stops when `patience` looks, 100 steps each, bring nothing better.
    `architecture` is `CouplingFlow()` unless given.

    Raises `ValueError` for settings that are not positive.
    """
    for name, value in (
        ("steps", steps),
        ("batch_size", batch_size),
        ("learning_rate", learning_rate),
        ("most_clouds", most_clouds),
        ("patience", patience),
    ):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    architecture = CouplingFlow() if architecture is None else architecture
    start_key, split_key, key = jax.random.split(key, 3)
    fitted, held = _split(distribution, split_key)
    flow = _start(distribution, architecture, fitted, start_key, most_clouds)
    looks = -(-steps // _STEPS_A_LOOK)
    weights, fixed = eqx.partition(flow, trainable(flow))
    adam = adam_start(weights)
    points = jnp.asarray(fitted)
    judge = jnp.asarray(held)
    best, best_likelihood, waited = weights, float(_likelihood(weights, fixed, judge)), 0
    with tqdm(total=looks, disable=not progress, desc="fit flow", unit="look") as bar:
        for look in range(looks):
            weights, adam = _trained(
                weights,
                fixed,
                adam,
                points,
                jax.random.fold_in(key, look),
                jnp.asarray(learning_rate),
                jnp.asarray(float(looks * _STEPS_A_LOOK)),
                batch_size,
            )
            likelihood = float(_likelihood(weights, fixed, judge))
            bar.update(1)
            bar.set_postfix({"held-out log density": f"{likelihood:.4f}"})
            waited += 1
            if likelihood > best_likelihood:
                best, best_likelihood, waited = weights, likelihood, 0
            if waited >= patience:
                break
    return eqx.combine(best, fixed)


def flow_divergence(
    distribution: ParameterDistribution, flow: Flow, key: RandomKey, *, count: int = 8192
) -> FlowDivergence:
    """How far a flow is from the distribution with a distribution's natural parameters.

    Takes `count` simulations. Raises `ValueError` for a count below two.
    """
    if count < 2:
        raise ValueError(f"count must be two or more, got {count}")
    coordinates, _ = flow.draw(key, count)
    log_flow = np.asarray(log_densities(flow, coordinates))
    features = np.asarray(placed(distribution.problem, distribution.eta, coordinates).features)
    exponent = features @ distribution.eta
    inside = np.isfinite(exponent)
    log_weights = (exponent - distribution.log_partition.value - log_flow)[inside]
    return FlowDivergence(
        estimate_of_draws(-log_weights),
        float(np.var(log_weights)),
        effective_share(log_weights) * float(inside.mean()),
        float(1 - inside.mean()),
    )


def _split(
    distribution: ParameterDistribution, key: RandomKey
) -> tuple[Float[np.ndarray, "fitted free"], Float[np.ndarray, "held free"]]:
    """Unweighted points to fit, and others from populations apart to judge the fit by."""
    coordinates = np.asarray(distribution.coordinates)
    log_weights = np.asarray(distribution.log_weights)
    population = np.asarray(distribution.population)
    if len(np.unique(population)) > 3:
        apart = population % 4 == 3
    else:
        apart = np.asarray(jax.random.permutation(key, len(coordinates))) % 4 == 3
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    fitted = _equal(coordinates[~apart], log_weights[~apart], random, np.inf)
    return fitted, _equal(coordinates[apart], log_weights[apart], random, _HELD_OUT)


def _equal(
    points: Float[np.ndarray, "points free"],
    log_weights: Float[np.ndarray, " points"],
    random: np.random.Generator,
    most: float,
) -> Float[np.ndarray, "kept free"]:
    """Points in random order, redrawn by weight (systematically) so that all count the same."""
    kept = int(min(len(points), most))
    order = random.permutation(len(points))
    edges = np.cumsum(np.exp(log_weights - logsumexp(log_weights))[order])
    places = (np.arange(kept) + random.random()) / kept
    chosen = order[np.minimum(np.searchsorted(edges, places), len(points) - 1)]
    return points[random.permutation(chosen)]


def _start(
    distribution: ParameterDistribution,
    architecture: AbstractFlowArchitecture,
    points: Float[np.ndarray, "points free"],
    key: RandomKey,
    most_clouds: int,
) -> Flow:
    free = points.shape[1]
    shift = points.mean(axis=0)
    covariance = np.atleast_2d(np.cov(points, rowvar=False))
    factor = np.linalg.cholesky(covariance + 1e-12 * np.trace(covariance) / free * np.eye(free))
    base_key, layer_key = jax.random.split(key)
    white = np.linalg.solve(factor, (points - shift).T).T
    return Flow(
        distribution.problem.support,
        base_of(white, base_key, most_clouds),
        architecture.bijection(layer_key, free, density_first=True),
        jnp.asarray(shift),
        jnp.asarray(factor),
    )


def _mean_log_density(weights: Any, fixed: Any, points: Float[Array, "points free"]) -> Scalar:
    flow = eqx.combine(weights, fixed)
    return jnp.mean(jax.vmap(flow.traced_log_density)(points))


_likelihood = eqx.filter_jit(_mean_log_density)


@eqx.filter_jit
def _trained(
    weights: Any,
    fixed: Any,
    adam: Adam,
    points: Float[Array, "points free"],
    key: RandomKey,
    learning_rate: Scalar,
    steps: Scalar,
    batch_size: int,
) -> tuple[Any, Adam]:
    """As many steps as there are between two looks, at a rate that falls to zero as a cosine."""

    def step(carry: tuple, key: RandomKey) -> tuple[tuple, None]:
        weights, adam = carry
        chosen = points[jax.random.randint(key, (batch_size,), 0, len(points))]
        slope = jax.grad(lambda now: -_mean_log_density(now, fixed, chosen))(weights)
        rate = 0.5 * learning_rate * (1 + jnp.cos(jnp.pi * adam.steps / steps))
        return adam_step(weights, slope, adam, rate, clipped=True), None

    return jax.lax.scan(step, (weights, adam), jax.random.split(key, _STEPS_A_LOOK))[0]


__all__ = ["FlowDivergence", "fit_flow", "flow_divergence"]
