"""Branches of limit cycles, from the Hopf point where they are born."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.analysis.cycle_walk import Collocation, walk_cycles
from neuropil.analysis.hopf_points import HopfPoint
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.result import raise_unless_successful
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class CycleBranch(eqx.Module):
    """A branch of limit cycles, in the order in which it was followed.

    Buffers have a fixed length; the first `n_points` rows are filled, the rest is not a number.
    `state[p, k]` is the state at the time `k / phases * period[p]`, periods in ms. `multipliers`
    are the Floquet multipliers; one of them is 1, and `n_unstable` counts those of the others
    outside the unit circle. `reached_border` says whether the branch ends at an end of the range,
    `vanishes` whether its cycles shrink to a point instead, which is another Hopf point.
    """

    parameter: Float[Array, " points"]
    period: Float[Array, " points"]
    state: Float[Array, "points phases dimension"]
    multipliers: Complex[Array, "points dimension"]
    n_unstable: Int[Array, " points"]
    stable: Bool[Array, " points"]
    n_points: Int[Array, ""]
    reached_border: Bool[Array, ""]
    vanishes: Bool[Array, ""]
    outcome: Int[Array, ""]
    parameter_name: str = eqx.field(static=True)
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def to_xarray(self) -> xr.Dataset:
        """Filled cycles by `point`, `phase` and `component`. For a single branch."""
        points = int(self.n_points)
        phases = np.arange(self.state.shape[1]) / self.state.shape[1]
        return xr.Dataset(
            {
                "state": (
                    ("point", "phase", "component"),
                    np.asarray(self.state)[:points],
                    {"unit": self.state_unit},
                ),
                "period": ("point", np.asarray(self.period)[:points], {"unit": "ms"}),
                "multiplier": (("point", "mode"), np.asarray(self.multipliers)[:points]),
                "n_unstable": ("point", np.asarray(self.n_unstable)[:points]),
                "stable": ("point", np.asarray(self.stable)[:points]),
            },
            coords={
                self.parameter_name: ("point", np.asarray(self.parameter)[:points]),
                "phase": phases,
                "component": list(self.state_names),
            },
        )


def limit_cycles(
    problem: AbstractSystem | Callable[[State, Scalar], State],
    method: Collocation,
    start: HopfPoint,
    *,
    parameter: str = "parameter",
    between: tuple[float | Scalar, float | Scalar],
    throw: bool = True,
) -> CycleBranch:
    """Follow the limit cycles that are born at a Hopf point, stable or not.

    `problem` and `parameter` are as for `continuation`, whose `Branch.hopf_point` gives the
    start. Cycles are solved for by orthogonal collocation at Gauss points, with an integral phase
    condition, and followed by pseudo-arclength through folds of cycles. The branch ends exactly
    at an end of the range `between`, or where the cycles shrink to a point. With `throw=False` it
    is pure JAX and batched by `jax.vmap`.

    Raises `ValueError` when the parameter does not exist, or the start does not fit, is no Hopf
    point or lies outside the range; and `NotSolved` when no cycles begin at `start`, or they
    cannot be followed to an end (near a homoclinic orbit the period grows without bound).
    Source: E. J. Doedel, H. B. Keller and J. P. Kernevez, Int. J. Bifurcation Chaos 1, 745
    (1991).
    """
    residual: Residual
    if isinstance(problem, AbstractSystem):
        residual = vector_field_of(problem, parameter)
        names, unit = problem.state_names, problem.state_unit
    else:
        residual = problem
        names, unit = tuple(f"component_{i}" for i in range(len(start.state))), ""
    if start.state.shape != (len(names),) or len(names) < 2:
        raise ValueError(
            f"start must have a state of {len(names)} components, at least 2, got shape "
            f"{start.state.shape}"
        )
    low, high = (jnp.asarray(end, float) for end in between)
    if not any(isinstance(value, jax.core.Tracer) for value in (low, high, start.parameter)):
        if not low < high or not low <= start.parameter <= high:
            raise ValueError(
                f"between must be two rising numbers around the start at {start.parameter}, got "
                f"{between}"
            )
        if not start.angular_frequency > 0:
            raise ValueError(
                f"start must be a Hopf point, got the frequency {start.angular_frequency}"
            )
    found = walk_cycles(residual, method, start, low, high)
    branch = CycleBranch(
        parameter=found.parameter,
        period=found.period,
        state=found.state,
        multipliers=found.multipliers,
        n_unstable=found.n_unstable,
        stable=(found.n_unstable == 0) & jnp.isfinite(found.parameter),
        n_points=found.count,
        reached_border=found.reached_border,
        vanishes=found.vanishes,
        outcome=found.outcome,
        parameter_name=parameter,
        state_names=names,
        state_unit=unit,
    )
    if throw:
        raise_unless_successful(branch.outcome, what=f"limit cycles in {parameter}", throw=True)
    return branch


__all__ = ["Collocation", "CycleBranch", "limit_cycles"]
