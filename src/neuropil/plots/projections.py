"""States on their principal components, trial by trial."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes

from neuropil.plots.style import CYCLE, axes_or_new, legend_with_room, plain, require_finite


def component_trajectories(
    trajectories: Mapping[str, Num[np.ndarray, "_points 2"]],
    *,
    labels: tuple[str, str] = ("component 1", "component 2"),
    ax: Axes | None = None,
) -> Axes:
    """Paths in the plane of two components, from an open circle to a filled one.

    Every entry (by label) is one path, whose rows are two numbers; labels that agree up to
    their first comma ("context 0, early", "context 0, late") share a colour and grow stronger.
    Raises `ValueError`, naming the argument, when there is no path, one is empty, or a number is
    not finite.
    """
    if not trajectories:
        raise ValueError("trajectories must hold one path or more, got none")
    for label, path in trajectories.items():
        require_finite(f"trajectories[{label!r}]", path)
    ax = axes_or_new(ax)
    families: dict[str, list[str]] = {}
    for label in trajectories:
        families.setdefault(label.split(",")[0], []).append(label)
    for number, members in enumerate(families.values()):
        colour = CYCLE[number % len(CYCLE)]
        for place, label in enumerate(members):
            path = trajectories[label]
            strength = 0.35 + 0.65 * (place + 1) / len(members)
            ax.plot(
                path[:, 0], path[:, 1], color=colour, linewidth=1.1, alpha=strength, label=label
            )
            ax.plot(*path[0], "o", color=colour, markerfacecolor="white", markersize=4)
            ax.plot(*path[-1], "o", color=colour, alpha=strength, markersize=4)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    legend_with_room(ax)
    return plain(ax)


__all__ = ["component_trajectories"]
