"""The limit of large integrate-and-fire networks: one density of membrane potential a type."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits import IntegrateAndFire
from neuropil.connectivity import AbstractKernel
from neuropil.meanfield.density_flux import (
    DensityTables,
    crossing,
    face_rates,
    moved,
    reset_jump,
    returned_to,
    smoothness,
)
from neuropil.meanfield.density_grid import VoltageGrid
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State

_OF_EACH_TYPE = ("reset", "noise", "drive")
_MUST_VANISH = (
    "refractory_period",
    "poisson_rate",
    "delay",
    "synaptic_time_constant",
)


class PopulationDensity(AbstractSystem):
    r"""The extended mean-field equation of integrate-and-fire neurons that fire by hazard.

    f(t, v, xi) is the density of the membrane potential of neurons of type xi:

        d_t f + d_v((b + drive + S) f) = (sigma^2 / 2 + Q / 2) d_vv f - nu f + delta_reset(v) r,
        r(t, xi) = integral of nu f dv,    S(t, xi) = alpha (w r)(t, xi),

    on the whole line: a neuron that fires comes back as a source at its reset, so that the flux
    jumps there by r. (Without noise, and only where b + S > 0 at the reset, this is the boundary
    value f = r / (b + S) above it.) alpha is the `coupling` of the neurons, w the `kernel`; S is
    in mV/ms and may have either sign. Q = 0 in the limit; with `second_moment`, a kernel that
    takes rates to the sums over partners of w_ij^2 r_j, Q = alpha^2 (second moment of r): the
    leading effect of finitely many synapses, whose spikes arrive as shot noise.

    The state holds the cell averages of f in 1/mV, type by type: `join` and `split` convert.
    `neurons` gives b, nu, sigma and reset, each one value or one for each type of the kernel.
    Finite volumes, described in `density_flux.face_rates`, of second order in the width of a
    cell; at a reset between two centres, the source is split between them so that its mean is
    right. Without noise the density jumps at the reset; `density_flux.returned_to` says how the
    order is two there as well. The mass of each type is conserved to rounding, so that the
    Jacobian has one zero eigenvalue a type: `UnitMassDensity` is the same system without them.

    Source: Jabin, "Some new approaches to the mean-field limit of integrate and fire systems",
    with Poyato, Soler and Zhou.

    Raises `ValueError`, naming the argument: for a threshold, refractory period, delay, synaptic
    time constant or Poisson input, which this equation does not have; for parameters that are
    not one value or one for each type; for a drift or hazard that is not finite, or a hazard
    that is negative, on the grid; for a reset outside the centres of the grid.
    """

    neurons: IntegrateAndFire
    kernel: AbstractKernel
    grid: VoltageGrid
    second_moment: AbstractKernel | None = None

    def __check_init__(self):
        _require_hazard_model(self.neurons)
        types = self.kernel.n_types
        if self.second_moment is not None and self.second_moment.n_types != types:
            raise ValueError(
                f"second_moment must have the {types} types of kernel, "
                f"got {self.second_moment.n_types}"
            )
        for name in _OF_EACH_TYPE:
            shape = getattr(self.neurons, name).shape
            if shape not in ((), (types,)):
                raise ValueError(
                    f"{name} must be one value or one for each of {types} types, got shape {shape}"
                )
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(self)):
            return
        tables = self.tables()
        _require_finite("drift", tables.drift)
        _require_finite("hazard", tables.hazard)
        hazard = np.asarray(tables.hazard)
        if np.any(hazard < 0):
            raise ValueError(f"hazard must not be negative on the grid, got {hazard.min()}")
        centres = np.asarray(self.grid.centres)
        reset = np.ravel(self.neurons.reset)
        outside = reset[(reset < centres[0]) | (reset > centres[-1])]
        if outside.size:
            raise ValueError(
                f"reset must lie within the grid, {centres[0]:.6g} to {centres[-1]:.6g} mV, "
                f"got {outside[0]} mV"
            )

    @property
    def n_types(self) -> int:
        """Number of types."""
        return self.kernel.n_types

    @property
    def state_names(self) -> tuple[str, ...]:
        """One name for each cell of each type."""
        types, cells = range(self.n_types), range(self.grid.cells)
        return tuple(f"density_{kind}_{cell}" for kind in types for cell in cells)

    @property
    def state_unit(self) -> str:
        """Per millivolt."""
        return "1/mV"

    def split(self, state: State) -> Float[Array, "types cells"]:
        """The densities, one row for each type."""
        return state.reshape(self.n_types, self.grid.cells)

    def join(self, densities: Float[Array, "types cells"]) -> State:
        """The state with these densities: the inverse of `split`."""
        return densities.reshape(-1)

    def tables(self) -> DensityTables:
        """Drift, hazard, diffusion and reset on the grid."""
        grid, neurons, types = self.grid, self.neurons, self.n_types
        position = (_each(neurons.reset, types) - grid.centres[0]) / grid.width
        cell = jnp.clip(jnp.floor(position), 0, grid.cells - 2)
        drive = _each(neurons.drive, types)
        return DensityTables(
            width=grid.width,
            drift=self.drift_at(grid.faces) + drive[:, None],
            hazard=self.hazard_at(grid.centres),
            diffusion=_each(neurons.noise, types) ** 2 / 2,
            reset_cell=jax.lax.stop_gradient(cell).astype(int),
            reset_share=position - jax.lax.stop_gradient(cell),
        )

    def drift_at(self, potentials: Float[Array, " points"]) -> Float[Array, "types points"]:
        """b(v) of each type at membrane potentials in mV, without the drive; in mV/ms."""
        return _of_each_type(self.neurons.drift, "drift", potentials, self.n_types)

    def hazard_at(self, potentials: Float[Array, " points"]) -> Float[Array, "types points"]:
        """nu(v) of each type at membrane potentials in mV, in spikes/ms."""
        assert self.neurons.hazard is not None
        return _of_each_type(self.neurons.hazard, "hazard", potentials, self.n_types)

    def received(self, rates: Float[Array, " types"]) -> Float[Array, " types"]:
        """S, in mV/ms, of each type when the types fire at `rates` (spikes/ms)."""
        return self.neurons.coupling * self.kernel.apply(rates)

    def extra_diffusion(self, rates: Float[Array, " types"]) -> Float[Array, " types"]:
        """Q / 2, in mV^2/ms, of each type when the types fire at `rates`; 0 in the limit."""
        if self.second_moment is None:
            return jnp.zeros_like(rates)
        return 0.5 * self.neurons.coupling**2 * self.second_moment.apply(rates)

    def rates(self, state: State) -> Float[Array, " types"]:
        """Firing rate of each type, in spikes/ms."""
        hazard = self.hazard_at(self.grid.centres)
        return self.grid.width * jnp.sum(hazard * self.split(state), axis=-1)

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the cell averages, in 1/mV/ms."""
        del time
        tables, densities = self.tables(), self.split(state)
        fired = jnp.sum(tables.hazard * densities, axis=-1)
        rates = tables.width * fired
        received = self.received(rates)
        diffusion = tables.diffusion + self.extra_diffusion(rates)
        jump = reset_jump(tables, densities, received, diffusion)
        smooth = smoothness(tables, densities, received, jump)
        flow = face_rates(tables, received, diffusion, smooth)
        returned = returned_to(tables, flow, received, jump) * fired[:, None]
        change = moved(crossing(flow, densities)) - tables.hazard * densities + returned
        return self.join(change)


class UnitMassDensity(AbstractSystem):
    """A population density whose types all have mass 1, with one cell of each left out.

    The middle cell follows from the others. What is conserved is thereby gone from
    the state, and with it the zero eigenvalues that would hide whether a stationary density is
    stable.
    """

    density: PopulationDensity

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the cells that are kept."""
        names = np.asarray(self.density.state_names).reshape(self.density.n_types, -1)
        kept = self._kept()
        return tuple(
            str(name) for row, cells in zip(names, kept, strict=True) for name in row[cells]
        )

    @property
    def state_unit(self) -> str:
        """Per millivolt."""
        return "1/mV"

    def reduce(self, state: Float[Array, "*batch dimension"]) -> Float[Array, "*batch kept"]:
        """The state of this system from one of the density."""
        return state[..., self._positions()]

    def complete(self, state: Float[Array, " kept"]) -> State:
        """The state of the density, each type of mass 1, from one of this system."""
        density = self.density
        types, cells = density.n_types, density.grid.cells
        kept = state.reshape(types, cells - 1)
        missing = 1 / density.grid.width - jnp.sum(kept, axis=-1)
        whole = jnp.zeros(types * cells).at[self._positions()].set(state)
        left_out = np.setdiff1d(np.arange(types * cells), self._positions())
        return whole.at[left_out].set(missing)

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the cell averages that are kept, in 1/mV/ms."""
        return self.reduce(self.density.vector_field(time, self.complete(state)))

    def _kept(self) -> np.ndarray:
        cells = np.arange(self.density.grid.cells)
        middle = cells.size // 2
        return np.stack([np.delete(cells, middle)] * self.density.n_types)

    def _positions(self) -> np.ndarray:
        offsets = np.arange(self.density.n_types) * self.density.grid.cells
        return (self._kept() + offsets[:, None]).reshape(-1)


def _require_hazard_model(neurons: IntegrateAndFire) -> None:
    if neurons.hazard is None:
        raise ValueError("hazard must be given: the mean-field equation is that of hazard firing")
    if not isinstance(neurons.threshold, jax.core.Tracer) and np.any(
        np.isfinite(neurons.threshold)
    ):
        raise ValueError(
            f"threshold must be infinite (firing by hazard alone), got {neurons.threshold} mV"
        )
    for name in _MUST_VANISH:
        value = getattr(neurons, name)
        if not isinstance(value, jax.core.Tracer) and np.any(np.asarray(value) != 0):
            raise ValueError(f"{name} must be 0 in the mean-field equation, got {value}")


def _require_finite(name: str, values: Float[Array, "types points"]) -> None:
    if not np.all(np.isfinite(values)):
        wrong = np.asarray(values)[~np.isfinite(np.asarray(values))][0]
        raise ValueError(f"{name} must be finite on the grid, got {wrong}")


def _each(value: Float[Array, "..."], types: int) -> Float[Array, " types"]:
    return jnp.broadcast_to(value, (types,))


def _of_each_type(
    function: Callable[[Float[Array, "..."]], Float[Array, "..."]],
    name: str,
    potentials: Float[Array, " points"],
    types: int,
) -> Float[Array, "types points"]:
    """Values at each potential, of all types at once as parameters may differ between them."""

    def at(potential: Scalar) -> Float[Array, "..."]:
        return function(jnp.full((types,), potential))

    try:
        values = jax.vmap(at)(potentials)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} does not act on potentials of {types} types: {error}") from error
    if values.shape != (potentials.size, types):
        raise ValueError(
            f"{name} must give one value for each of {types} types, got shape {values.shape[1:]}"
        )
    return values.T


__all__ = ["PopulationDensity", "UnitMassDensity"]
