"""Population densities over time."""

from abc import abstractmethod
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neuropil.meanfield.density_flux import DensityTables
from neuropil.meanfield.density_host import follow
from neuropil.meanfield.density_steps import advance
from neuropil.meanfield.population_density import PopulationDensity
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import ArrayLike, Scalar

UNIT_MASS_TOLERANCE = 1e-8
GRID_TOLERANCE = 1e-6
SIDES = ("lower", "upper")


class Course(eqx.Module):
    """What a method gives: all that happened until `n_taken` steps were taken.

    `fault` is -1, or the type at fault; `side` then 0 or 1 for mass at the lower or upper edge, 2
    for a value that is not finite. `n_limited` counts for each type the steps that were limited.
    """

    densities: Float[ArrayLike, "times types cells"]
    rates: Float[ArrayLike, "steps types"]
    received: Float[ArrayLike, "steps types"]
    n_limited: Int[ArrayLike, " types"]
    n_taken: Int[ArrayLike, ""]
    fault: Int[ArrayLike, ""]
    side: Int[ArrayLike, ""]


class AbstractDensitySteps(eqx.Module):
    """How a density is followed: the steps described in `density_steps`, of fixed length.

    `step` is in ms. `edge_tolerance` is the mass that may lie in the outermost hundredth of the
    cells at either end.
    """

    step: eqx.AbstractVar[float]
    edge_tolerance: eqx.AbstractVar[float]

    @abstractmethod
    def course(
        self,
        density: PopulationDensity,
        start: Float[Array, "types cells"],
        saved_at: Int[np.ndarray, " times"],
    ) -> Course:
        """Follow from `start`, saving after `saved_at[i]` steps, the last of all."""


class HostSteps(AbstractDensitySteps):
    """Steps compiled for one core of the host: the fastest there, for few or many types.

    Not differentiable; the kernel is applied as a full matrix between types. Raises `ValueError`
    unless `step` (ms) and `edge_tolerance` are positive and finite.
    """

    step: float = 0.5
    edge_tolerance: float = 1e-8

    def __check_init__(self):
        _require_positive(self)

    def course(
        self,
        density: PopulationDensity,
        start: Float[Array, "types cells"],
        saved_at: Int[np.ndarray, " times"],
    ) -> Course:
        """Follow from `start`, saving after `saved_at[i]` steps, the last of all."""
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((density, start))):
            raise ValueError("method must be DeviceSteps inside jax.vmap, jax.jit and jax.grad")
        types, cells, steps = density.n_types, density.grid.cells, int(saved_at[-1])
        tables, coupling, second_moment = _host_arrays(density)
        densities = np.full((saved_at.size, types, cells), np.nan)
        rates, received = (np.full((steps, types), np.nan) for _ in range(2))
        limited = np.zeros(types, np.int64)
        taken, fault, side = follow(
            np.array(start, float),
            float(tables.width),
            *(
                np.asarray(table)
                for table in (
                    tables.drift,
                    tables.hazard,
                    tables.diffusion,
                    tables.reset_cell,
                    tables.reset_share,
                )
            ),
            np.asarray(coupling),
            np.asarray(second_moment),
            float(self.step),
            saved_at,
            density.grid.edge_cells,
            float(self.edge_tolerance),
            densities,
            rates,
            received,
            limited,
        )
        numbers = (np.asarray(number) for number in (taken, fault, side))
        return Course(densities, rates, received, limited, *numbers)


class DeviceSteps(AbstractDensitySteps):
    """The same steps in JAX: differentiable, batched by `jax.vmap`, on any device.

    Results agree with `HostSteps` to rounding. On a CPU it is several times slower. Raises
    `ValueError` unless `step` (ms) and `edge_tolerance` are positive and finite.
    """

    step: float = 0.5
    edge_tolerance: float = 1e-8

    def __check_init__(self):
        _require_positive(self)

    def course(
        self,
        density: PopulationDensity,
        start: Float[Array, "types cells"],
        saved_at: Int[np.ndarray, " times"],
    ) -> Course:
        """Follow from `start`, saving after `saved_at[i]` steps, the last of all."""
        numbers = jnp.asarray(self.step, float), jnp.asarray(self.edge_tolerance, float)
        return _course(density, start, *numbers, jnp.asarray(saved_at), int(saved_at[-1]))


class DensityEvolution(eqx.Module):
    """Densities of the membrane potential at given times, and firing rates throughout.

    `times` in ms; `densities` are cell averages in 1/mV at `potentials` (the centres, mV). For
    each step, at the middle of it (`step_times`, ms): `rates`, the mean over the step of the
    firing rate (spikes/ms; times the step, exactly the mass that fired), and `inputs`, S in
    mV/ms. What lies after the end of an evolution that failed is not a number. `outcome` is an
    `Outcome`, `end_time` (ms) how far it came, `failing_type` and `failing_side` (0 lower, 1
    upper edge, 2 not finite) what went wrong, -1 when nothing did. `n_limited` counts the steps
    of each type that would have made a cell negative and were limited.
    """

    times: Float[Array, " times"]
    potentials: Float[Array, " cells"]
    densities: Float[Array, "times types cells"]
    step_times: Float[Array, " steps"]
    rates: Float[Array, "steps types"]
    inputs: Float[Array, "steps types"]
    n_limited: Int[Array, " types"]
    outcome: Int[Array, ""]
    end_time: Scalar
    failing_type: Int[Array, ""]
    failing_side: Int[Array, ""]

    @property
    def mass(self) -> Float[Array, "... times types"]:
        """Mass of each type at the saved times: 1 to rounding."""
        extent = self.potentials[..., -1] - self.potentials[..., 0]
        width = extent / (self.potentials.shape[-1] - 1)
        return width * jnp.sum(self.densities, axis=-1)

    @property
    def final(self) -> Float[Array, "... types cells"]:
        """The densities at the last of the times."""
        return self.densities[..., -1, :, :]

    @property
    def failure(self) -> str:
        """What went wrong when, where and in which type; empty when nothing did."""
        if int(self.outcome) == Outcome.SUCCESSFUL:
            return ""
        when = f"of type {int(self.failing_type)} at {float(self.end_time):.9g} ms"
        if int(self.failing_side) == len(SIDES):
            return f"the density {when} is not finite"
        side = SIDES[int(self.failing_side)]
        return f"mass {when} lies at the {side} edge, {self._edge(side):.6g} mV: widen the grid"

    def _edge(self, side: str) -> float:
        first, second, last = (float(self.potentials[i]) for i in (0, 1, -1))
        half = (second - first) / 2
        return first - half if side == "lower" else last + half

    def to_xarray(self) -> xr.Dataset:
        """The densities, rates and inputs over time, type and potential, with their units."""
        steps, types = ("step_time", "type"), np.arange(self.densities.shape[1])
        return xr.Dataset(
            {
                "density": (
                    ("time", "type", "potential"),
                    np.asarray(self.densities),
                    {"units": "1/mV"},
                ),
                "rate": (steps, np.asarray(self.rates), {"units": "spikes/ms"}),
                "input": (steps, np.asarray(self.inputs), {"units": "mV/ms"}),
                "outcome": ((), np.asarray(self.outcome)),
                "end_time": ((), np.asarray(self.end_time), {"units": "ms"}),
            },
            {
                "time": ("time", np.asarray(self.times), {"units": "ms"}),
                "step_time": ("step_time", np.asarray(self.step_times), {"units": "ms"}),
                "potential": ("potential", np.asarray(self.potentials), {"units": "mV"}),
                "type": ("type", types),
            },
        )


def evolve_density(
    density: PopulationDensity,
    method: AbstractDensitySteps,
    start: Float[ArrayLike, "..."],
    *,
    times: Sequence[float] | Float[np.ndarray, " times"],
    throw: bool = True,
) -> DensityEvolution:
    """Follow a population density from `start` at the first of `times` (ms) to the last.

    `start` holds cell averages in 1/mV, for each type (one row will do for all types), of mass 1:
    `VoltageGrid.normal_density` makes them. Densities are saved at `times`, which lie whole
    numbers of steps apart; rates and inputs are kept for every step. Mass is kept to rounding,
    no cell is ever negative, and the error is of second order in the step: how, and what is
    guaranteed, is said in `density_steps`.

    Where mass comes to an edge of the grid the evolution ends: `DensityEvolution.failure` says
    when, in which type and at which edge, and `NotSolved` is raised with it unless `throw` is
    false. Inside `jax.vmap`, `jax.jit` and `jax.grad`, `throw` must be false and the method
    `DeviceSteps`; derivatives are with respect to arrays of the density and to `start`.

    Raises `ValueError`, naming the argument, for a start of the wrong shape, with a negative or
    infinite value, or whose mass is not 1; for times that do not ascend or do not fit the step.
    """
    saved_at, moments = _step_numbers(times, method.step)
    densities = _start(density, start)
    if throw and _is_traced(density, densities):
        raise ValueError(
            "throw must be False inside jax.vmap, jax.jit and jax.grad, where failure cannot raise"
        )
    course = method.course(density, densities, saved_at)
    fault, side = course.fault, course.side
    # What the host found is decided there: each operation on the device would cost as much as
    # hundreds of steps on a coarse grid.
    where = np.where if isinstance(fault, np.ndarray) else jnp.where
    failure = where(side == len(SIDES), Outcome.NOT_FINITE.value, Outcome.MASS_AT_EDGE.value)
    step_numbers = np.arange(saved_at[-1])
    evolution = DensityEvolution(
        times=jnp.asarray(moments),
        potentials=density.grid.centres,
        densities=jnp.asarray(course.densities),
        step_times=jnp.asarray(moments[0] + method.step * (step_numbers + 0.5)),
        rates=jnp.asarray(course.rates),
        inputs=jnp.asarray(course.received),
        n_limited=jnp.asarray(course.n_limited),
        outcome=jnp.asarray(where(fault < 0, Outcome.SUCCESSFUL.value, failure)),
        end_time=jnp.asarray(moments[0] + method.step * jnp.asarray(course.n_taken).astype(float)),
        failing_type=jnp.asarray(fault),
        failing_side=jnp.asarray(where(fault < 0, -1, side)),
    )
    if throw:
        raise_unless_successful(
            evolution.outcome, what=f"evolution ({evolution.failure})", throw=True
        )
    return evolution


@eqx.filter_jit
def _host_arrays(
    density: PopulationDensity,
) -> tuple[DensityTables, Float[Array, "types types"], Float[Array, "types types"]]:
    """The tables, and what each type receives, and is spread by, per unit rate of each type."""
    types = density.n_types
    unit = jnp.eye(types)
    coupling = jax.vmap(density.received, in_axes=1, out_axes=1)(unit)
    second_moment = jax.vmap(density.extra_diffusion, in_axes=1, out_axes=1)(unit)
    return density.tables(), coupling, second_moment


@eqx.filter_jit
def _course(
    density: PopulationDensity,
    start: Float[Array, "types cells"],
    step: Scalar,
    edge_tolerance: Scalar,
    saved_at: Int[Array, " times"],
    steps: int,
) -> Course:
    tables = density.tables()
    content = jnp.sum(start, axis=-1)
    edge = density.grid.edge_cells
    nothing = jnp.full((saved_at.size, *start.shape), jnp.nan)
    begun = jnp.where((saved_at == 0)[:, None, None], start, nothing)

    def take(carry, number: Int[Array, ""]):
        densities, saved, limited, fault, side, taken = carry
        ended = advance(density, tables, densities, content, step)
        mass = tables.width * jnp.stack(
            [
                jnp.sum(ended.densities[:, :edge], axis=-1),
                jnp.sum(ended.densities[:, -edge:], axis=-1),
                jnp.where(jnp.isfinite(ended.rates), 0.0, jnp.inf),
            ],
            axis=-1,
        )
        # The first type at fault, and of it the first side, as the host finds them.
        wrong = (mass > edge_tolerance).reshape(-1)
        found = jnp.where(jnp.any(wrong), jnp.argmax(wrong), -1)
        was_well = fault < 0
        fault_now = jnp.where(found < 0, -1, found // 3)
        is_well = was_well & (found < 0)
        due = (saved_at == number + 1) & is_well
        carry = (
            ended.densities,
            jnp.where(due[:, None, None], ended.densities, saved),
            limited + (ended.is_limited & was_well).astype(int),
            jnp.where(was_well, fault_now, fault),
            jnp.where(was_well, found % 3, side),
            taken + was_well.astype(int),
        )
        nan = jnp.full_like(ended.rates, jnp.nan)
        shown = (jnp.where(was_well, x, nan) for x in (ended.rates, ended.received))
        return carry, tuple(shown)

    none = jnp.asarray(0)
    first = (start, begun, jnp.zeros(start.shape[0], int), none - 1, none, none)
    last, (rates, received) = jax.lax.scan(take, first, jnp.arange(steps))
    _, saved, limited, fault, side, taken = last
    return Course(saved, rates, received, limited, taken, fault, side)


def _start(
    density: PopulationDensity, start: Float[ArrayLike, "..."]
) -> Float[Array, "types cells"]:
    types, cells = density.n_types, density.grid.cells
    given = jnp.asarray(start, float)
    if given.shape == (types * cells,):
        given = given.reshape(types, cells)
    if given.shape not in ((cells,), (1, cells), (types, cells)):
        raise ValueError(
            f"start must hold {cells} cells for each of {types} types, got shape {given.shape}"
        )
    densities = jnp.broadcast_to(given, (types, cells))
    if _is_traced(densities, density.grid):
        return densities
    values = np.asarray(densities)
    if not np.all(np.isfinite(values)):
        raise ValueError("start must be finite")
    if np.any(values < 0):
        raise ValueError(f"start must not be negative, got {values.min()} 1/mV")
    mass = float(density.grid.width) * values.sum(axis=-1)
    worst = mass[np.argmax(np.abs(mass - 1))]
    if abs(worst - 1) > UNIT_MASS_TOLERANCE:
        raise ValueError(f"start must have mass 1 for each type, got {worst:.12g}")
    return densities


def _step_numbers(
    times: Sequence[float] | Float[np.ndarray, " times"], step: float
) -> tuple[Int[np.ndarray, " times"], Float[np.ndarray, " times"]]:
    """How many steps have been taken at each time."""
    moments = np.asarray(times, float)
    if moments.ndim != 1 or moments.size < 2:
        raise ValueError(f"times must hold at least 2 times, got shape {moments.shape}")
    if not np.all(np.isfinite(moments)) or np.any(np.diff(moments) <= 0):
        raise ValueError("times must be finite and ascend")
    exact = (moments - moments[0]) / step
    numbers = np.rint(exact)
    off = np.abs(exact - numbers) > GRID_TOLERANCE * np.maximum(1.0, numbers)
    if np.any(off):
        raise ValueError(
            f"times must lie whole steps of {step} ms apart, got {moments[off][0]} ms after "
            f"{moments[0]} ms"
        )
    return numbers.astype(np.int64), moments


def _require_positive(method: AbstractDensitySteps) -> None:
    for name in ("step", "edge_tolerance"):
        value = getattr(method, name)
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")


def _is_traced(*values) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(values))


__all__ = ["AbstractDensitySteps", "DensityEvolution", "DeviceSteps", "HostSteps", "evolve_density"]
