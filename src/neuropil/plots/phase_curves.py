"""Trajectories in a space of three components."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import cast

import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib import pyplot
from matplotlib.axes import Axes
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from neuropil.plots.states import (
    Curves,
    Table,
    corners_of,
    curves_of,
    equilibria_of,
    label_of,
    positions_of,
)
from neuropil.plots.style import BLUE, GREEN, PURPLE, RED, SKY, legend
from neuropil.system import Box

CURVE_COLOURS = (BLUE, GREEN, PURPLE, SKY)

POINT_COLOURS = {"stable": RED, "unstable": "black", "equilibrium": "black"}
BOX_COLOUR = "#E8A0A8"


def phase_curves(
    states: Curves,
    *,
    names: Sequence[str],
    components: Sequence[str] | None = None,
    points: Table | None = None,
    stable: Bool[Array | np.ndarray, " labels"] | None = None,
    box: Box | None = None,
    start_markers: bool = True,
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Trajectories as curves in the space of three components.

    `states` is one table with a row for each time, or several (a sequence, or a stack with the
    curves first); `names` names its columns, and `components` says which three are drawn, at
    first the first three. Curves begin at a small dot, unless `start_markers` is false.
    `points` are equilibria, red where `stable` and black where not; `box` (of whole states, or of
    the three components) is drawn as a pale cuboid.

    Raises `ValueError`, naming the argument, for components that do not exist, states, points or
    a box of another size or not finite, and axes that are not three-dimensional.
    """
    chosen = positions_of(components, names, number=3)
    curves = curves_of("states", states, len(names))
    equilibria = equilibria_of(points, stable, len(names))
    corners = None if box is None else corners_of(box, chosen, len(names))
    space = _space_or_new(ax)
    if corners is not None:
        _cuboid(space, *corners)
    for curve, colour in zip(curves, cycle(CURVE_COLOURS), strict=False):
        space.plot(*curve[:, chosen].T, color=colour, linewidth=1.1)
        if start_markers:
            space.plot(*curve[:1, chosen].T, "o", color=colour, markersize=3)
    for label, group in equilibria.items():
        space.plot(
            *group[:, chosen].T, "o", color=POINT_COLOURS[label], markersize=6,
            markeredgecolor="white", markeredgewidth=0.5, zorder=10, label=label,
        )  # fmt: skip
    for axis, place in zip("xyz", chosen, strict=True):
        space.set(**{f"{axis}label": label_of(names[place], unit)})
    # Numbers along slanting axes run into each other sooner than elsewhere, and layouts do not
    # know how far labels in space reach: a smaller cube leaves them room.
    space.locator_params(nbins=5)
    space.tick_params(labelsize="small", pad=0)
    space.zaxis.labelpad = 0
    space.set_box_aspect(None, zoom=0.87)
    if equilibria:
        legend(space, handlelength=1.0)
    return space


def _space_or_new(ax: Axes | None) -> Axes3D:
    """The given axes, or those of a new figure; three-dimensional ones."""
    if ax is None:
        figure = pyplot.figure(figsize=(3.5, 3.3))
        ax = figure.add_axes((0.0, 0.05, 0.95, 0.95), projection="3d")
    if ax.name != "3d":
        raise ValueError(f"ax must be three-dimensional (projection='3d'), got one of {ax.name!r}")
    return cast(Axes3D, ax)


def _cuboid(space: Axes3D, lower: Float[np.ndarray, "3"], upper: Float[np.ndarray, "3"]) -> None:
    ends = np.stack([lower, upper])
    faces = []
    for axis, side in product(range(3), range(2)):
        # Around the face: the two other axes take their ends in this order.
        face = np.empty((4, 3))
        face[:, axis] = ends[side, axis]
        for other, turn in zip((axis - 1, axis - 2), ([0, 0, 1, 1], [0, 1, 1, 0]), strict=True):
            face[:, other] = ends[turn, other]
        faces.append(face)
    space.add_collection3d(
        Poly3DCollection(
            faces, facecolor=BOX_COLOUR, edgecolor=BOX_COLOUR, alpha=0.1, linewidths=0.6
        )
    )
    space.auto_scale_xyz(*ends.T)


__all__ = ["phase_curves"]
