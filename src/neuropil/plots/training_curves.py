"""Learning over epochs, with every seed: what many networks of a kind reach, and how soon."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes

from neuropil.plots.style import (
    CYCLE,
    GREY,
    axes_or_new,
    legend_with_room,
    plain,
    require_finite,
)


def training_curves(
    curves: Mapping[str, Num[np.ndarray, "_seeds epochs"]],
    *,
    label: str = "accuracy",
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One thin line a seed and a thick line for the median of its kind, against the epoch.

    Every entry of `curves`, by the name of a kind, has a row for each seed. `chance` is drawn as
    a broken line. Raises `ValueError` when there is no entry, or a number is not finite.
    """
    if not curves:
        raise ValueError("curves must hold one kind or more, got none")
    for name, values in curves.items():
        require_finite(f"curves[{name!r}]", values)
    ax = axes_or_new(ax)
    for number, (name, values) in enumerate(curves.items()):
        epochs = np.arange(1, values.shape[1] + 1)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(epochs, values.T, color=colour, linewidth=0.5, alpha=0.3)
        ax.plot(epochs, np.median(values, axis=0), color=colour, linewidth=1.8, label=name)
    if chance is not None:
        ax.axhline(chance, color=GREY, linewidth=1, linestyle="--", label="chance")
    ax.set(xlabel="epoch", ylabel=label)
    legend_with_room(ax)
    return plain(ax)


__all__ = ["training_curves"]
