"""The flow of a system in the plane of two of its components."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from matplotlib.axes import Axes

from neuropil.plots.states import (
    Curves,
    Table,
    corners_of,
    curves_of,
    equilibria_of,
    label_of,
    positions_of,
)
from neuropil.plots.style import BLUE, GREY, RED, axes_or_new, legend_above
from neuropil.system import AbstractSystem, Box
from neuropil.types import Scalar, State

Lift = Callable[[Scalar, Scalar], State]
Grid = Float[np.ndarray, "rows columns"]

FLOW_COLOUR = "#B0B0B0"
NULLCLINE_COLOURS = (BLUE, RED)
N_ARROWS = 20
"""Arrows along each side of the plane."""


def phase_plane(
    system: AbstractSystem,
    box: Box,
    *,
    components: Sequence[str] | None = None,
    at: Float[Array | np.ndarray, " dimension"] | Lift | None = None,
    nullclines: bool = True,
    flow: str | None = "streams",
    points: Table | None = None,
    stable: Bool[Array | np.ndarray, " labels"] | None = None,
    trajectories: Curves | None = None,
    time: float = 0.0,
    resolution: int = 201,
    ax: Axes | None = None,
) -> Axes:
    """Flow, nullclines, equilibria and trajectories in the plane of two components.

    `components` are names among the system's `state_names`, at first the first two. `box` bounds
    the plane: a box of whole states, or one of the two components. Where the system has more
    components, `at` says what they are in the plane: a state holds them still at its values; a
    function, written for JAX, gives the whole state for the values of the two, which may put
    the others at their equilibrium given those. What is drawn is the slope of the two components
    there, at `time` (ms).

    The nullclines, on which a component stands still, are found on a grid with `resolution`
    points a side, in all their pieces; what lies closer together than the points can be missed.
    `flow` is "streams" for lines along the flow, "arrows" for arrows of one length, or None.
    `points` are equilibria and `trajectories` one table of states or several, rows being states
    of the whole system; points are filled where `stable` and open where not.

    Raises `ValueError`, naming the argument, for components that do not exist, an `at` that is
    missing, of another size or does not leave the two components as they are, a box that is empty
    or not finite, states of another size, fewer than 20 points a side, and a slope that is a number
    nowhere.
    """
    names = system.state_names
    chosen = positions_of(components, names, number=2)
    lower, upper = corners_of(box, chosen, len(names))
    if flow not in ("streams", "arrows", None):
        raise ValueError(f"flow must be 'streams', 'arrows' or None, got {flow!r}")
    if resolution < N_ARROWS:
        raise ValueError(f"resolution must be at least {N_ARROWS}, got {resolution}")
    lift = _lift(at, chosen, len(names), lower + np.array([0.3, 0.6]) * (upper - lower))
    equilibria = equilibria_of(points, stable, len(names))
    curves = [] if trajectories is None else curves_of("trajectories", trajectories, len(names))
    sides = np.linspace(lower, upper, resolution).T
    frozen = jnp.asarray(time, float)
    slopes = np.asarray(_slopes(system, frozen, lift, jnp.array(chosen), jnp.asarray(sides)))
    if not np.all(np.any(np.isfinite(slopes), axis=(1, 2))):
        raise ValueError("box must hold states where the system has a slope that is a number")

    ax = axes_or_new(ax, size=(3.5, 3.4))
    if flow == "streams":
        u, v = np.ma.masked_invalid(slopes)
        ax.streamplot(*sides, u, v, color=FLOW_COLOUR, density=1.1, linewidth=0.6, arrowsize=0.7)
    elif flow == "arrows":
        _arrows(ax, sides, slopes)
    if nullclines:
        for place, slope, colour in zip(chosen, slopes, NULLCLINE_COLOURS, strict=True):
            _nullcline(ax, sides, slope, colour, f"{names[place]} nullcline")
    for label, group in equilibria.items():
        face = "white" if label == "unstable" else "black"
        ax.plot(
            *group[:, chosen].T, "o", color="black", markerfacecolor=face, markersize=5.5,
            markeredgewidth=1.2, zorder=4, label=label,
        )  # fmt: skip
    for curve in curves:
        ax.plot(*curve[:, chosen].T, color="black", linewidth=1.0, zorder=3, label="trajectory")
        ax.plot(*curve[0, chosen], ".", color="black", markersize=4, zorder=3)
    ax.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]))
    ax.set_xlabel(label_of(names[chosen[0]], system.state_unit))
    ax.set_ylabel(label_of(names[chosen[1]], system.state_unit))
    if ax.get_legend_handles_labels()[1]:
        legend_above(ax, rows=2)
    return ax


class _Held(eqx.Module):
    """Puts two components into a state that is otherwise held."""

    state: State
    chosen: tuple[int, int] = eqx.field(static=True)

    def __call__(self, first: Scalar, second: Scalar) -> State:
        return self.state.at[jnp.array(self.chosen)].set(jnp.stack([first, second]))


def _lift(
    at: Float[Array | np.ndarray, " dimension"] | Lift | None,
    chosen: list[int],
    dimension: int,
    within: Float[np.ndarray, "2"],
) -> Lift:
    """The map from the plane to whole states, checked at a point `within` the plane.

    The point should be off the centre, whose two components are often alike.
    """
    if at is None:
        if dimension > 2:
            raise ValueError(
                f"at must say where the other {dimension - 2} components of the system are: a "
                "state, or a function from the two components to one"
            )
        at = np.zeros(2)
    if not callable(at):
        if at.shape != (dimension,) or not np.all(np.isfinite(at)):
            raise ValueError(f"at must be a finite state of {dimension} components, got {at}")
        return _Held(jnp.asarray(at, float), (chosen[0], chosen[1]))
    state = np.asarray(at(jnp.asarray(within[0]), jnp.asarray(within[1])))
    if state.shape != (dimension,):
        raise ValueError(
            f"at must give states of {dimension} components, got one of shape {state.shape}"
        )
    if not np.allclose(state[chosen], within):
        raise ValueError(
            f"at must leave the components of the plane as they are, got {state[chosen]} for "
            f"{within}"
        )
    return at


@eqx.filter_jit
def _slopes(
    system: AbstractSystem,
    time: Scalar,
    lift: Lift,
    chosen: Int[Array, "2"],
    sides: Float[Array, "2 points"],
) -> Float[Array, "2 points points"]:
    """Slopes of the two components; the second component changes from row to row."""

    def slope(first: Scalar, second: Scalar) -> Float[Array, "2"]:
        return system.vector_field(time, lift(first, second))[chosen]

    # One row after the other, so that the states of a large network fit into memory.
    rows = jax.lax.map(lambda second: jax.vmap(slope, (0, None))(sides[0], second), sides[1])
    return jnp.moveaxis(rows, 2, 0)


def _nullcline(
    ax: Axes, sides: Float[np.ndarray, "2 points"], slope: Grid, colour: str, label: str
) -> None:
    slope = np.ma.masked_invalid(slope)
    if slope.min() <= 0 <= slope.max() and slope.min() < slope.max():
        ax.contour(*sides, slope, levels=[0.0], colors=[colour], linewidths=1.4)
        ax.plot([], [], color=colour, linewidth=1.4, label=label)


def _arrows(
    ax: Axes, sides: Float[np.ndarray, "2 points"], slopes: Float[np.ndarray, "2 points points"]
) -> None:
    """Arrows of one length in the middle of equal cells, so that slow places show as well."""
    n = sides.shape[1]
    taken = ((np.arange(N_ARROWS) + 0.5) * n / N_ARROWS).astype(int)
    width = np.ptp(sides, axis=1)[:, None, None]
    share = slopes[:, taken][:, :, taken] / width
    length = np.hypot(*share)
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = np.ma.masked_invalid(0.7 / N_ARROWS * width * share / length)
    ax.quiver(
        sides[0, taken], sides[1, taken], u, v, color=GREY, alpha=0.6, pivot="mid",
        angles="xy", scale_units="xy", scale=1, width=0.003,
    )  # fmt: skip


__all__ = ["phase_plane"]
