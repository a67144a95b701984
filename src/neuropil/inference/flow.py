"""A normalising flow over the parameters of a support: samples and densities at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.inference.evidence import Estimate
from neuropil.inference.flow_architecture import AbstractFlowArchitecture
from neuropil.inference.flow_base import FlowBase, unit_base
from neuropil.inference.support import Parameters, Support
from neuropil.types import RandomKey, Scalar

_BATCH = 4096


class Flow(eqx.Module):
    """A density from which can be drawn: noise through layers of monotone splines.

    Unconstrained coordinates are `shift + factor @ layers(noise)`, with the noise from `base`;
    the support's domains take them to parameters. What lies outside a behaviour's domain is not
    cut away.
    """

    support: Support
    base: FlowBase
    bijection: Any
    shift: Float[Array, " free"]
    factor: Float[Array, "free free"]

    def sample(self, key: RandomKey, count: int) -> dict[str, Float[np.ndarray, "count ..."]]:
        """Independent draws by parameter name.

        Raises `ValueError` for a count that is not positive.
        """
        if count < 1:
            raise ValueError(f"count must be one or more, got {count}")
        coordinates, _ = self.draw(key, count)
        return {name: np.asarray(value) for name, value in _parameters(self, coordinates).items()}

    def log_density(self, parameters: Parameters) -> Float[np.ndarray, " sets"]:
        """Log density against the base measure, for parameters with a leading axis over sets.

        -inf on the edge of the support. Raises `ValueError` for other names.
        """
        coordinates = jax.vmap(self.support.coordinates)(
            {name: jnp.asarray(value, float) for name, value in parameters.items()}
        )
        inside = np.all(np.isfinite(coordinates), axis=1)
        found = np.asarray(
            log_densities(self, jnp.where(jnp.asarray(inside)[:, None], coordinates, 0.0))
        )
        return np.where(inside, found, -np.inf)

    def entropy(self, key: RandomKey, count: int = 20_000) -> Estimate:
        """Minus the mean log density of fresh draws, in nats, with its interval at 95 %."""
        coordinates, log_density = self.draw(key, count)
        return estimate_of_draws(-np.asarray(log_density - _log_volumes(self, coordinates)))

    def draw(
        self, key: RandomKey, count: int
    ) -> tuple[Float[Array, "count free"], Float[Array, " count"]]:
        """Unconstrained coordinates of draws, and their log density in these coordinates."""
        return _drawn(self, key, count)

    def traced_draw(
        self, key: RandomKey, count: int
    ) -> tuple[Float[Array, "count free"], Float[Array, " count"]]:
        """`draw` for use inside compiled code; gradients flow through the draws."""
        from paramax import unwrap

        bijection = unwrap(self.bijection)
        noise = self.base.draw(key, count)
        layered, log_stretch = jax.vmap(bijection.transform_and_log_det)(noise)
        density = jax.vmap(self.base.log_density)(noise) - log_stretch - self._log_factor
        return self.shift[None] + layered @ self.factor.T, density

    def traced_log_density(self, coordinates: Float[Array, " free"]) -> Scalar:
        """Log density in unconstrained coordinates, at one place, inside compiled code."""
        from paramax import unwrap

        layered = jax.scipy.linalg.solve_triangular(
            self.factor, coordinates - self.shift, lower=True
        )
        noise, log_stretch = unwrap(self.bijection).inverse_and_log_det(layered)
        return self.base.log_density(noise) + log_stretch - self._log_factor

    @property
    def _log_factor(self) -> Scalar:
        return jnp.sum(jnp.log(jnp.diagonal(self.factor)))


def reference_flow(
    support: Support,
    architecture: AbstractFlowArchitecture,
    key: RandomKey,
    *,
    density_first: bool = False,
) -> Flow:
    """A flow that starts as the support's reference: uniform where the support is bounded."""
    free = support.dimension
    return Flow(
        support,
        unit_base(free, is_logistic=True),
        architecture.bijection(key, free, density_first=density_first),
        jnp.zeros(free),
        jnp.eye(free) * (np.pi / np.sqrt(3)),
    )


def trainable(flow: Flow) -> Any:
    """Which leaves of a flow training may change: those of its base and layers."""
    nothing = jax.tree.map(lambda _: False, flow)
    return eqx.tree_at(
        lambda tree: (tree.base, tree.bijection),
        nothing,
        (
            jax.tree.map(eqx.is_inexact_array, flow.base),
            jax.tree.map(eqx.is_inexact_array, flow.bijection),
        ),
    )


def estimate_of_draws(values: Float[np.ndarray, " draws"]) -> Estimate:
    """The mean of many independent draws with its normal interval at 95 %."""
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, error, mean - 1.96 * error, mean + 1.96 * error)


def log_densities(flow: Flow, coordinates: Float[Array, "points free"]) -> Float[Array, " points"]:
    """Log density against the base measure at unconstrained coordinates."""
    return _coordinate_densities(flow, coordinates) - _log_volumes(flow, coordinates)


@eqx.filter_jit
def _drawn(flow: Flow, key: RandomKey, count: int) -> tuple:
    batches = -(-count // _BATCH)
    drawn, density = jax.lax.map(
        lambda one: flow.traced_draw(one, min(count, _BATCH)), jax.random.split(key, batches)
    )
    return drawn.reshape(-1, drawn.shape[-1])[:count], density.reshape(-1)[:count]


@eqx.filter_jit
def _coordinate_densities(
    flow: Flow, coordinates: Float[Array, "points free"]
) -> Float[Array, " points"]:
    return jax.lax.map(flow.traced_log_density, coordinates, batch_size=_BATCH)


@eqx.filter_jit
def _log_volumes(flow: Flow, coordinates: Float[Array, "points free"]) -> Float[Array, " points"]:
    return jax.vmap(flow.support.log_volume)(coordinates)


@eqx.filter_jit
def _parameters(flow: Flow, coordinates: Float[Array, "points free"]) -> Parameters:
    return jax.vmap(flow.support.parameters)(coordinates)


__all__ = ["Flow", "estimate_of_draws", "log_densities", "reference_flow", "trainable"]
