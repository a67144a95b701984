"""States over time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes

from neuropil.plots.states import label_of, positions_of
from neuropil.plots.style import CYCLE, axes_or_new, legend_above, plain, require_finite

NAMES_A_ROW = 5
LINE_STYLES = ("-", "--", ":")


def time_courses(
    times: Float[Array | np.ndarray, " times"],
    states: Float[Array | np.ndarray, "rows components"],
    names: Sequence[str],
    *,
    components: Sequence[str] | None = None,
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """One line a component against time (ms), with the names over the axes.

    `names` names the columns of `states`; `components` says which are drawn, at first all. `unit`
    is that of the states.

    Raises `ValueError`, naming the argument, for components that do not exist, a table that has
    not a row for each time and a column for each name, and numbers that are not finite.
    """
    chosen = positions_of(components, names, number=None)
    if states.shape != (len(times), len(names)):
        raise ValueError(
            f"states must have a row for each of {len(times)} times and a column for each of "
            f"{len(names)} names, got shape {states.shape}"
        )
    times, states = np.asarray(times), np.asarray(states)
    require_finite("times", times)
    require_finite("states", states[:, chosen])
    ax = axes_or_new(ax)
    for number, place in enumerate(chosen):
        again, colour = divmod(number, len(CYCLE))
        style = LINE_STYLES[again % len(LINE_STYLES)]
        ax.plot(
            times, states[:, place], style, color=CYCLE[colour], linewidth=1.2, label=names[place]
        )
    ax.set(xlabel="time (ms)", ylabel=label_of("state", unit))
    legend_above(ax, rows=-(-len(chosen) // NAMES_A_ROW))
    return plain(ax)


__all__ = ["time_courses"]
