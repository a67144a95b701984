"""What is learned about each context, visit by visit and within a visit."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int, Num
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neuropil.plots.style import CYCLE, axes_or_new, legend_with_room, plain, require_finite


def context_learning_curves(
    regret: Num[np.ndarray, "seeds visits"],
    contexts: Int[np.ndarray, " _visits"],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Mean regret per trial in each visit, one line a context: median and quartiles over seeds.

    `contexts` is the context of each visit. Raises `ValueError`, naming the argument, when
    lengths differ or a number is not finite.
    """
    if len(contexts) != regret.shape[1]:
        raise ValueError(
            f"contexts must have one entry for each of {regret.shape[1]} visits, got "
            f"{len(contexts)}"
        )
    require_finite("regret", regret)
    ax = axes_or_new(ax)
    for number, context in enumerate(np.unique(contexts)):
        visits = np.flatnonzero(contexts == context)
        low, middle, high = np.quantile(regret[:, visits], (0.25, 0.5, 0.75), axis=0)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(
            visits + 1, middle, "o-", color=colour, markersize=3, linewidth=1.3,
            label=f"context {context}",
        )  # fmt: skip
        ax.fill_between(visits + 1, low, high, color=colour, alpha=0.18, linewidth=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="visit", ylabel="regret per trial")
    ax.set_ylim(bottom=0)
    legend_with_room(ax)
    return plain(ax)


def regret_after_switch(
    trials: Num[np.ndarray, " _points"],
    regret: Mapping[str, Num[np.ndarray, "seeds _points"]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Mean regret per trial against the trials since a switch of context, one line a phase.

    Every entry of `regret` (by label, such as "first visits") holds the regret of each seed,
    averaged around each of `trials`: median and quartiles over seeds are drawn. Raises
    `ValueError`, naming the argument, when there is no entry, lengths differ, or a number is not
    finite.
    """
    if not regret:
        raise ValueError("regret must hold one phase or more, got none")
    for label, values in regret.items():
        if values.shape[1] != len(trials):
            raise ValueError(
                f"regret[{label!r}] has {values.shape[1]} points, trials has {len(trials)}"
            )
        require_finite(f"regret[{label!r}]", values)
    ax = axes_or_new(ax)
    for number, (label, values) in enumerate(regret.items()):
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        colour = CYCLE[number % len(CYCLE)]
        ax.plot(trials, middle, color=colour, linewidth=1.4, label=label)
        ax.fill_between(trials, low, high, color=colour, alpha=0.18, linewidth=0)
    ax.set(xlabel="trials since the switch", ylabel="regret per trial")
    ax.set_ylim(bottom=0)
    legend_with_room(ax)
    return plain(ax)


__all__ = ["context_learning_curves", "regret_after_switch"]
