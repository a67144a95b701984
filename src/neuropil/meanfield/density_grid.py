"""The cells of membrane potential on which densities live."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import ArrayLike, Scalar

FEWEST_CELLS = 8


class VoltageGrid(eqx.Module):
    """Equal cells between two membrane potentials, with walls that nothing passes at both ends.

    `lower` and `upper` are in mV; `cells` is a number. Raises `ValueError`, naming the argument,
    unless they are finite, ascending, and there are at least 8 cells.
    """

    lower: Scalar
    upper: Scalar
    cells: int = eqx.field(static=True)

    def __init__(self, lower: float | Scalar, upper: float | Scalar, cells: int):
        self.lower = jnp.asarray(lower, float)
        self.upper = jnp.asarray(upper, float)
        self.cells = cells

    def __check_init__(self):
        if self.cells < FEWEST_CELLS:
            raise ValueError(f"cells must be at least {FEWEST_CELLS}, got {self.cells}")
        if isinstance(self.lower, jax.core.Tracer) or isinstance(self.upper, jax.core.Tracer):
            return
        for name in ("lower", "upper"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")
        if not self.lower < self.upper:
            raise ValueError(f"upper must lie above lower = {self.lower} mV, got {self.upper} mV")

    @property
    def width(self) -> Scalar:
        """Width of a cell, in mV."""
        return (self.upper - self.lower) / self.cells

    @property
    def centres(self) -> Float[Array, " cells"]:
        """Middle of each cell, in mV."""
        return self.lower + self.width * (jnp.arange(self.cells, dtype=float) + 0.5)

    @property
    def faces(self) -> Float[Array, " faces"]:
        """Boundaries between cells, the walls left out, in mV."""
        return self.lower + self.width * jnp.arange(1.0, self.cells)

    @property
    def edge_cells(self) -> int:
        """How many cells at each end count as its edge: a hundredth of all."""
        return max(1, self.cells // 100)

    def normal_density(
        self,
        mean: float | Sequence[float] | Float[ArrayLike, "..."],
        deviation: float | Sequence[float] | Float[ArrayLike, "..."],
    ) -> Float[Array, "... cells"]:
        """A normal density of this mean and standard deviation (mV), cut off at the walls.

        Cell averages in 1/mV, of mass 1; one row for each mean and deviation. Raises
        `ValueError` for a `mean` outside the grid or a `deviation` that is not positive.
        """
        centre, spread = jnp.broadcast_arrays(
            jnp.asarray(mean, float), jnp.asarray(deviation, float)
        )
        if not _any_traced(centre, spread, self.lower):
            if not np.all((centre > self.lower) & (centre < self.upper)):
                raise ValueError(
                    f"mean must lie within {self.lower} to {self.upper} mV, got {mean}"
                )
            if not np.all((spread > 0) & np.isfinite(spread)):
                raise ValueError(f"deviation must be positive and finite, got {deviation}")
        boundaries = self.lower + self.width * jnp.arange(self.cells + 1.0)
        shape = (1,) * centre.ndim + (-1,)
        distance = (boundaries.reshape(shape) - centre[..., None]) / spread[..., None]
        # Both tails are taken from the side where they are small, so that they stay exact.
        below = jnp.where(distance > 0, -distance, distance)
        tail = jax.scipy.stats.norm.cdf(below)
        from_left = jnp.diff(tail, axis=-1)
        crosses = (distance[..., :-1] <= 0) & (distance[..., 1:] > 0)
        within = jnp.where(crosses, 1.0 - tail[..., :-1] - tail[..., 1:], jnp.abs(from_left))
        return within / (jnp.sum(within, axis=-1, keepdims=True) * self.width)


def _any_traced(*values: Array) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in values)


__all__ = ["VoltageGrid"]
