"""Population densities that stay as they are, and the rates that go with them."""

from abc import abstractmethod
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.meanfield.density_collocation import collocate
from neuropil.meanfield.density_flux import face_rates
from neuropil.meanfield.population_density import PopulationDensity
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import ArrayLike, Scalar

MOST_HALVINGS = 12


class AbstractStationaryMethod(eqx.Module):
    """How the density of each type is found when its input is known.

    The rates r then solve r = R(S(r), Q(r)), R the rate of the stationary density: one equation
    a type, solved by Newton's method, each step halved while the defect does not fall.
    """

    tolerance: eqx.AbstractVar[float]
    maximum_steps: eqx.AbstractVar[int]

    @abstractmethod
    def require(self, density: PopulationDensity) -> None:
        """Raise `ValueError`, naming the argument, when the method does not fit the density."""

    @abstractmethod
    def respond(
        self,
        density: PopulationDensity,
        received: Float[Array, " types"],
        diffusion: Float[Array, " types"],
    ) -> tuple[Float[Array, "types cells"], Float[Array, " types"]]:
        """Stationary densities and rates at a known S (mV/ms) and diffusion (mV^2/ms)."""


def _require_positive(method: AbstractStationaryMethod) -> None:
    for name in ("tolerance", "maximum_steps"):
        value = getattr(method, name)
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")


class CellBalance(AbstractStationaryMethod):
    """The density whose cells are in balance: at rest under `PopulationDensity.vector_field`.

    What `analysis.stability` wants, and what an evolution on the same grid comes to. Its rates
    differ from those of the equation by an error of second order in the width of a cell. For
    noise strong enough that no face needs the limiter (`density_flux.face_rates`). `tolerance` is
    relative, for the rates. Raises `ValueError` when a field is not positive.
    """

    tolerance: float = 1e-12
    maximum_steps: int = 50

    def __check_init__(self):
        _require_positive(self)

    def require(self, density: PopulationDensity) -> None:
        """Noise must be there."""
        _require_noise(density)

    def respond(
        self,
        density: PopulationDensity,
        received: Float[Array, " types"],
        diffusion: Float[Array, " types"],
    ) -> tuple[Float[Array, "types cells"], Float[Array, " types"]]:
        """The balance of what comes from the neighbours and the reset with what leaves."""
        tables = density.tables()
        across = face_rates(tables, received, diffusion, None)
        none = jnp.zeros((density.n_types, 1))
        right = jnp.concatenate([across.rightward, none], -1)
        left = jnp.concatenate([none, across.leftward], -1)
        unscaled = jax.lax.linalg.tridiagonal_solve(
            jnp.concatenate([none, -across.rightward], -1),
            tables.hazard + right + left,
            jnp.concatenate([-across.leftward, none], -1),
            tables.reset_distribution[..., None],
        )[..., 0]
        # As much as one cell holds comes back every ms: the sum is the mean time between spikes.
        interval = jnp.sum(unscaled, axis=-1)
        densities = unscaled / (interval * tables.width)[:, None]
        return densities, 1 / interval


class Collocation(AbstractStationaryMethod):
    """The density between the cells too: rates of the equation itself, to rounding if smooth.

    Piecewise polynomials of degree `degree` that fulfil the equation at as many Gauss points in
    each of `elements` elements, one boundary of which is the reset (`density_collocation`).
    Errors fall like the power 2 `degree` of the length of an element where drift and hazard are
    smooth. `StationaryDensity.rate_error` compares with two thirds of the elements. Densities are
    values at the centres of the grid; its cells play no part otherwise. Every type needs noise,
    and elements that resolve the layers of width sigma^2 / |b + S|. Raises `ValueError` when a
    field is not positive, or for fewer than 6 elements.
    """

    tolerance: float = 1e-12
    maximum_steps: int = 50
    elements: int = 24
    degree: int = 10

    def __check_init__(self):
        _require_positive(self)
        if self.degree < 2:
            raise ValueError(f"degree must be at least 2, got {self.degree}")
        if self.elements < 6:
            raise ValueError(f"elements must be at least 6, got {self.elements}")

    def require(self, density: PopulationDensity) -> None:
        """Noise must be there."""
        _require_noise(density)

    def respond(
        self,
        density: PopulationDensity,
        received: Float[Array, " types"],
        diffusion: Float[Array, " types"],
    ) -> tuple[Float[Array, "types cells"], Float[Array, " types"]]:
        """The solution of the boundary-value problem of each type."""
        return collocate(density, received, diffusion, self.elements, self.degree)


class StationaryDensity(eqx.Module):
    """Densities at rest (1/mV at `potentials`, mV), their rates (spikes/ms) and inputs (mV/ms).

    `residual` is the largest |R(S(r), Q(r)) - r|, in spikes/ms; `rate_error` an estimate of the
    error of each rate, in spikes/ms (by a coarser discretisation: see the method). `outcome` is
    an `Outcome`; `n_steps` counts Newton steps.
    """

    potentials: Float[Array, " cells"]
    densities: Float[Array, "types cells"]
    rates: Float[Array, " types"]
    inputs: Float[Array, " types"]
    residual: Scalar
    rate_error: Float[Array, " types"]
    outcome: Int[Array, ""]
    n_steps: Int[Array, ""]


def stationary_density(
    density: PopulationDensity,
    method: AbstractStationaryMethod = Collocation(),  # noqa: B008
    start: Float[ArrayLike, "..."] | Sequence[float] | None = None,
    *,
    throw: bool = True,
) -> StationaryDensity:
    """Densities that do not change, with the self-consistent rates.

    `Collocation` gives rates to about 1e-10 (its estimate of the error comes along);
    `CellBalance` the fixed point of the discretised system, of second order. `start` holds the
    rates from which Newton's method begins, in spikes/ms, by default 0. Where there are several
    solutions, it decides between them. Whether a solution is stable is not decided here: give
    `UnitMassDensity(density)` and its densities to `analysis.stability`.

    Raises `ValueError`, naming the argument, for a type without noise or a start that does not
    fit, and `NotSolved` when the tolerance is not reached, unless `throw` is false.
    """
    method.require(density)
    rates = _start(density, 0.0 if start is None else start)
    solved = _solve(density, method, rates)
    coarse = _rates_when_coarser(density, method, solved)
    result = eqx.tree_at(lambda s: s.rate_error, solved, jnp.abs(coarse - solved.rates))
    if throw:
        raise_unless_successful(result.outcome, what="stationary density", throw=True)
    return result


def _rates_when_coarser(
    density: PopulationDensity, method: AbstractStationaryMethod, solved: StationaryDensity
) -> Float[Array, " types"]:
    """The rates on a third fewer elements or cells, scaled to the error of the finer solution."""
    if isinstance(method, Collocation):
        coarser = eqx.tree_at(lambda m: m.elements, method, max(6, 2 * method.elements // 3))
        return _solve(density, coarser, solved.rates).rates
    cells = max(8, density.grid.cells // 2)
    grid = type(density.grid)(density.grid.lower, density.grid.upper, cells)
    half = _solve(eqx.tree_at(lambda d: d.grid, density, grid), method, solved.rates).rates
    shrink = 1 / ((density.grid.cells / cells) ** 2 - 1)
    return solved.rates + shrink * (half - solved.rates)


class _Search(eqx.Module):
    """Newton's method: the best rates so far, and the change from them that is being tried."""

    rates: Float[Array, " types"]
    densities: Float[Array, "types cells"]
    size: Scalar
    change: Float[Array, " types"]
    fraction: Scalar
    steps: Int[Array, ""]


@eqx.filter_jit
def _solve(
    density: PopulationDensity,
    method: AbstractStationaryMethod,
    start: Float[Array, " types"],
) -> StationaryDensity:
    noise = density.tables().diffusion

    def defect(rates: Float[Array, " types"]):
        diffusion = noise + density.extra_diffusion(jnp.maximum(rates, 0.0))
        densities, there = method.respond(density, density.received(rates), diffusion)
        error = there - rates
        return error, (error, densities)

    def is_open(search: _Search) -> Bool[Array, ""]:
        # Far below the tolerance, or when even a small part of a step brings nothing: at rounding.
        unfinished = search.size > 0.01 * method.tolerance * jnp.max(jnp.abs(search.rates))
        return unfinished & (search.fraction > 2.0**-MOST_HALVINGS) & (search.steps < allowed)

    def attempt(search: _Search) -> _Search:
        rates = search.rates + search.fraction * search.change
        slope, (error, densities) = jax.jacfwd(defect, has_aux=True)(rates)
        size = jnp.max(jnp.abs(error))
        halved = eqx.tree_at(
            lambda s: (s.fraction, s.steps), search, (search.fraction / 2, search.steps + 1)
        )
        change = jnp.linalg.solve(slope, -error)
        better = _Search(rates, densities, size, change, jnp.ones(()), search.steps + 1)
        return jax.tree.map(lambda a, b: jnp.where(size < search.size, a, b), better, halved)

    # One evaluation more, as the first is that of the start.
    allowed = method.maximum_steps + 1
    nothing = jnp.zeros_like(start)
    empty = jnp.zeros((density.n_types, density.grid.cells))
    begun = _Search(start, empty, jnp.asarray(jnp.inf), nothing, jnp.ones(()), jnp.asarray(0))
    found = jax.lax.while_loop(is_open, attempt, begun)
    is_exact = found.size <= method.tolerance * jnp.max(jnp.abs(found.rates))
    failure = jnp.where(
        jnp.isfinite(found.size), Outcome.MAXIMUM_STEPS_REACHED.value, Outcome.NOT_FINITE.value
    )
    return StationaryDensity(
        potentials=density.grid.centres,
        densities=found.densities,
        rates=found.rates,
        inputs=density.received(found.rates),
        residual=found.size,
        rate_error=nothing,
        outcome=jnp.where(is_exact, Outcome.SUCCESSFUL.value, failure),
        n_steps=found.steps - 1,
    )


def _start(
    density: PopulationDensity, start: Float[ArrayLike, "..."] | Sequence[float]
) -> Float[Array, " types"]:
    rates = jnp.asarray(start, float)
    if rates.shape not in ((), (density.n_types,)):
        raise ValueError(
            f"start must hold one rate for each of {density.n_types} types, got shape {rates.shape}"
        )
    if np.any(~np.isfinite(rates) | (np.asarray(rates) < 0)):
        raise ValueError(f"start must be finite and not negative, got {rates}")
    return jnp.broadcast_to(rates, (density.n_types,))


def _require_noise(density: PopulationDensity) -> None:
    noise = np.ravel(density.neurons.noise)
    if np.any(noise <= 0):
        raise ValueError(
            f"noise must be positive for a stationary density, got {noise.min()}; without it, "
            "follow `evolve_density` until nothing changes"
        )


__all__ = [
    "AbstractStationaryMethod",
    "CellBalance",
    "Collocation",
    "StationaryDensity",
    "stationary_density",
]
