"""What integrating a system gives."""

from typing import Any

import equinox as eqx
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neuropil.result import Outcome, raise_unless_successful


class Trajectory(eqx.Module):
    """States of a system at given times.

    `times` in ms; `states` has one row for each time and one column for each of `names`, in
    `unit`. Rows after the end of an integration that failed are not numbers. `outcome` is an
    `Outcome`; `end_time` is how far the integration came, in ms; `failing_component` is the
    number, within `system_names`, of the component at fault, -1 when there is none. `n_steps`
    counts the steps taken, rejected ones included. Under `jax.vmap` the arrays have a leading
    axis for the batch.
    """

    times: Float[Array, " times"]
    states: Float[Array, "times components"]
    outcome: Int[Array, ""]
    end_time: Float[Array, ""]
    failing_component: Int[Array, ""]
    n_steps: Int[Array, ""]
    names: tuple[str, ...] = eqx.field(static=True)
    system_names: tuple[str, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def of(self, name: str) -> Float[Array, "..."]:
        """One component at all times. Raises `ValueError` for a name that is not there."""
        if name not in self.names:
            shown = ", ".join(self.names[:20]) + (", ..." if len(self.names) > 20 else "")
            raise ValueError(f"name must be one of {shown}; got {name!r}")
        return self.states[..., self.names.index(name)]

    @property
    def final_state(self) -> Float[Array, "... components"]:
        """The state at the last of the times."""
        return self.states[..., -1, :]

    @property
    def failure(self) -> str:
        """What went wrong when, and in which variable; empty when nothing did.

        Of a batch, the first failure.
        """
        outcomes = np.ravel(self.outcome)
        failed = np.flatnonzero(outcomes != Outcome.SUCCESSFUL)
        if not failed.size:
            return ""
        first = failed[0]
        when = f"at {np.ravel(self.end_time)[first]:.9g} ms"
        number = int(np.ravel(self.failing_component)[first])
        if outcomes[first] == Outcome.NOT_FINITE:
            return f"{self.system_names[number]} left the finite range {when}"
        return f"stopped {when}" + (f", fast in {self.system_names[number]}" if number >= 0 else "")

    def raise_unless_successful(self) -> None:
        """Raise `NotSolved`, saying when and in which variable, where an integration failed."""
        raise_unless_successful(self.outcome, what=f"integration ({self.failure})", throw=True)

    def to_xarray(self, *batch_dimensions: str) -> xr.Dataset:
        """The states as variable `state` over `time` (in ms) and `component`.

        Axes of a batch come first, called `batch_dimensions` or else `batch_0`, `batch_1` and so
        on, each with the outcomes as variable `outcome`. Where the members of a batch have
        different times, these are a variable `time_of_state` instead of a coordinate. Raises
        `ValueError` for another number of names than there are axes.
        """
        states, times = np.asarray(self.states), np.asarray(self.times)
        batch = batch_dimensions or tuple(f"batch_{axis}" for axis in range(states.ndim - 2))
        if len(batch) != states.ndim - 2:
            raise ValueError(
                f"batch_dimensions must name {states.ndim - 2} axes, got {batch_dimensions}"
            )
        rows = times.reshape(-1, times.shape[-1])
        variables: dict[str, Any] = {
            "state": ((*batch, "time", "component"), states, {"units": self.unit}),
            "outcome": (batch, np.asarray(self.outcome)),
            "end_time": (batch, np.asarray(self.end_time), {"units": "ms"}),
        }
        coordinates: dict[str, Any] = {"component": ("component", list(self.names))}
        if np.all(rows == rows[0]):
            coordinates["time"] = ("time", rows[0], {"units": "ms"})
        else:
            variables["time_of_state"] = ((*batch, "time"), times, {"units": "ms"})
        return xr.Dataset(variables, coordinates)


__all__ = ["Trajectory"]
