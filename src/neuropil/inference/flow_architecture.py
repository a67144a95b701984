"""The shapes of normalising flows: how layers turn noise into parameters."""

import functools
from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from neuropil.types import RandomKey


class AbstractFlowArchitecture(eqx.Module):
    """What the layers of a flow are made of; the weights come with the flow.

    Every layer starts next to the identity, so that a flow starts as its base.
    """

    layers: eqx.AbstractVar[int]
    width: eqx.AbstractVar[int]
    depth: eqx.AbstractVar[int]
    knots: eqx.AbstractVar[int]
    reach: eqx.AbstractVar[float]

    def __check_init__(self) -> None:
        """Raises `ValueError` for settings outside their range."""
        for name in ("layers", "width", "depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be one or more, got {getattr(self, name)}")
        if self.knots < 0:
            raise ValueError(f"knots must not be negative, got {self.knots}")
        if not self.reach > 0:
            raise ValueError(f"reach must be positive, got {self.reach}")

    @abstractmethod
    def stacked(self, key: RandomKey, dimension: int, *, density_first: bool) -> eqx.Module:
        """Layers as flowjax makes them, for two coordinates or more."""

    def bijection(self, key: RandomKey, dimension: int, *, density_first: bool) -> eqx.Module:
        """Layers with fresh weights, as a bijection of flowjax from noise to coordinates.

        `density_first` makes the density the fast direction, else the samples; the two differ
        for autoregressive layers alone, whose slow direction takes one pass a coordinate.
        """
        fresh = self._built(key, dimension, density_first)
        return eqx.combine(
            eqx.filter(fresh, eqx.is_array), _fixed_part(self, dimension, density_first)
        )

    def transformer(self) -> Any:
        """The monotone function of one coordinate whose parameters a network sets."""
        from flowjax.bijections import Affine, RationalQuadraticSpline

        if self.knots == 0:
            from paramax import Parameterize

            unit = jnp.asarray(0.0)
            return eqx.tree_at(lambda layer: layer.scale, Affine(), Parameterize(jnp.exp, unit))
        return RationalQuadraticSpline(knots=self.knots, interval=float(self.reach))

    def _built(self, key: RandomKey, dimension: int, density_first: bool) -> eqx.Module:
        if dimension == 1:
            return self._single()
        # Masks are made by comparing a column with a row, which a strict caller forbids.
        with jax.numpy_rank_promotion("allow"):
            layers = self.stacked(key, dimension, density_first=density_first)
        return _near_identity(layers)

    def _single(self) -> eqx.Module:
        """One coordinate has nothing to depend on: a spline with more knots instead."""
        from flowjax.bijections import RationalQuadraticSpline, Vmap

        knots = self.layers * max(self.knots, 4)
        spline = eqx.filter_vmap(
            lambda: RationalQuadraticSpline(knots=knots, interval=float(self.reach)), axis_size=1
        )()
        return Vmap(spline, in_axes=eqx.if_array(0))


class CouplingFlow(AbstractFlowArchitecture):
    """Layers that move one half of the coordinates in dependence on the other half.

    - `layers`: how many, with a permutation after each.
    - `width`, `depth`: of the network in each layer.
    - `knots`: inner knots of the rational-quadratic splines (Durkan et al. 2019, Neural Spline
      Flows, NeurIPS); 0 takes affine layers (Dinh et al. 2017, real NVP, ICLR).
    - `reach`: splines act within this many standard deviations, beyond lies the identity.
    """

    layers: int = eqx.field(static=True, default=6)
    width: int = eqx.field(static=True, default=48)
    depth: int = eqx.field(static=True, default=1)
    knots: int = eqx.field(static=True, default=8)
    reach: float = eqx.field(static=True, default=4.0)

    def stacked(self, key: RandomKey, dimension: int, *, density_first: bool) -> eqx.Module:
        """Coupling layers."""
        from flowjax.distributions import Normal
        from flowjax.flows import coupling_flow

        return coupling_flow(
            key,
            base_dist=Normal(jnp.zeros(dimension)),
            transformer=self.transformer(),
            flow_layers=self.layers,
            nn_width=self.width,
            nn_depth=self.depth,
            nn_activation=jax.nn.silu,
            invert=density_first,
        ).bijection


class AutoregressiveFlow(AbstractFlowArchitecture):
    """Layers that move each coordinate in dependence on those before it.

    The settings are `CouplingFlow`'s. Source: Papamakarios et al. 2017, Masked Autoregressive
    Flow for Density Estimation, NeurIPS.
    """

    layers: int = eqx.field(static=True, default=4)
    width: int = eqx.field(static=True, default=64)
    depth: int = eqx.field(static=True, default=1)
    knots: int = eqx.field(static=True, default=8)
    reach: float = eqx.field(static=True, default=4.0)

    def stacked(self, key: RandomKey, dimension: int, *, density_first: bool) -> eqx.Module:
        """Masked autoregressive layers."""
        from flowjax.distributions import Normal
        from flowjax.flows import masked_autoregressive_flow

        return masked_autoregressive_flow(
            key,
            base_dist=Normal(jnp.zeros(dimension)),
            transformer=self.transformer(),
            flow_layers=self.layers,
            nn_width=self.width,
            nn_depth=self.depth,
            nn_activation=jax.nn.silu,
            invert=density_first,
        ).bijection


@functools.lru_cache(maxsize=32)
def _fixed_part(
    architecture: AbstractFlowArchitecture, dimension: int, density_first: bool
) -> eqx.Module:
    """All but the arrays, the same objects for equal settings: compiled code goes by identity."""
    layers = architecture._built(jax.random.key(0), dimension, density_first)
    return eqx.filter(layers, eqx.is_array, inverse=True)


_INITIAL_OUTPUT = 0.01
"""Small enough to start at the identity, not zero, so that the layers below learn at once."""


def _near_identity(bijection: eqx.Module) -> eqx.Module:
    """Networks whose last layer hardly speaks yet."""

    def is_network(node: object) -> bool:
        return isinstance(node, eqx.nn.MLP)

    def hushed(node: object) -> object:
        if not is_network(node):
            return node
        return eqx.tree_at(
            lambda network: network.layers[-1],
            node,
            replace_fn=lambda layer: jax.tree.map(
                lambda leaf: _INITIAL_OUTPUT * leaf if eqx.is_inexact_array(leaf) else leaf, layer
            ),
        )

    return jax.tree.map(hushed, bijection, is_leaf=is_network)


__all__ = ["AbstractFlowArchitecture", "AutoregressiveFlow", "CouplingFlow"]
