"""The rate of a neuron as a function of its input."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from neuropil.plots.style import BLUE, RED, axes_or_new, plain


def transfer_function(
    mean_input: Float[np.ndarray, " inputs"],
    rate: Float[np.ndarray, " rates"],
    *,
    slope: Float[np.ndarray, " slopes"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Firing rate (given in spikes/ms, drawn in Hz) against mean input (mV).

    With `slope` (spikes/ms per mV) its curve is drawn against a second scale on the right, both
    scales starting at 0. Raises `ValueError` when lengths differ.
    """
    if len(rate) != len(mean_input) or (slope is not None and len(slope) != len(mean_input)):
        raise ValueError(f"rate and slope must have one value for each of {len(mean_input)} inputs")
    ax = axes_or_new(ax)
    ax.plot(mean_input, 1000 * rate, color=BLUE)
    ax.set(xlabel="mean input current (mV)", ylabel="firing rate (Hz)")
    ax.set_ylim(bottom=min(0.0, 1000 * float(np.min(rate))))
    plain(ax)
    if slope is not None:
        ax.yaxis.label.set_color(BLUE)
        right = ax.twinx()
        right.plot(mean_input, 1000 * slope, color=RED, linewidth=1.2, linestyle="--")
        right.set_ylim(bottom=min(0.0, 1000 * float(np.min(slope))))
        right.set_ylabel("slope (Hz/mV)", color=RED)
        right.tick_params(axis="y", colors=RED)
        right.spines[["top", "left"]].set_visible(False)
    return ax
