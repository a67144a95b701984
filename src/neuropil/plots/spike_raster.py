"""Spikes of a network, neuron by neuron and altogether."""

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neuropil.plots.style import BLUE, axes_or_new, plain

MOST_VECTOR_SPIKES = 20_000
"""More spikes than this are stored as a picture where the rest of the figure is lines."""
BINS = 100
RATES_HEIGHT = 0.27
"""Height of the panel of rates, as a share of the axes."""
SPIKES_BEGIN = 0.33
"""Where the raster above it begins."""


def raster(
    times: Float[np.ndarray, " spikes"],
    neurons: Integer[np.ndarray, " same_spikes"],
    *,
    interval: tuple[float, float],
    n_neurons: int,
    bin_width: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A tick for each spike of one realisation, and the rate of the whole population below.

    Spikes are at `times` (ms) of `neurons` (0 to `n_neurons` - 1); those outside `interval` (ms)
    are left out. The rate, in Hz and averaged over neurons, is counted in whole bins of
    `bin_width` ms, by default a hundredth of the interval; its panel is the one `child_axes` of the
    axes returned, in their lower third.

    Raises `ValueError`, naming the argument, for lengths that differ, an interval that does not
    ascend, a bin that is not positive or longer than it, and neurons that do not exist.
    """
    begin, end = interval
    width = (end - begin) / BINS if bin_width is None else bin_width
    if len(times) != len(neurons):
        raise ValueError(f"neurons has {len(neurons)} entries for {len(times)} times of spikes")
    if not (np.isfinite([begin, end]).all() and begin < end):
        raise ValueError(f"interval must be two finite times, the later one last, got {interval}")
    if not 0 < width <= end - begin:
        raise ValueError(f"bin_width must be above 0 and at most {end - begin} ms, got {width}")
    if len(neurons) and not 0 <= neurons.min() <= neurons.max() < n_neurons:
        raise ValueError(
            f"neurons must be 0 to {n_neurons - 1}, got {neurons.min()} to {neurons.max()}"
        )
    ax = axes_or_new(ax)
    inside = (times >= begin) & (times < end)
    points = (1 - SPIKES_BEGIN) * ax.get_window_extent().height / ax.figure.dpi * 72
    ax.plot(
        times[inside], neurons[inside], "|", color="black", markeredgewidth=0.6,
        markersize=float(np.clip(0.8 * points / n_neurons, 1.5, 8.0)),
        rasterized=bool(inside.sum() > MOST_VECTOR_SPIKES),
    )  # fmt: skip
    lowest = -0.5 - n_neurons * SPIKES_BEGIN / (1 - SPIKES_BEGIN)
    ax.set(xlim=interval, ylim=(lowest, n_neurons - 0.5), xlabel="time (ms)")
    ax.set_ylabel("neuron", y=(1 + SPIKES_BEGIN) / 2)
    ticks = MaxNLocator(4, integer=True).tick_values(0, n_neurons - 1)
    ax.set_yticks([tick for tick in ticks if 0 <= tick < n_neurons])
    plain(ax)
    ax.spines["left"].set_bounds(-0.5, n_neurons - 0.5)
    edges = begin + width * np.arange(int((end - begin) / width * (1 + 1e-12)) + 1)
    counts = np.histogram(times, edges)[0]
    below = ax.inset_axes((0.0, 0.0, 1.0, RATES_HEIGHT))
    below.stairs(1000 * counts / (width * n_neurons), edges, color=BLUE, fill=True)
    below.set(xlim=interval, xticks=[], ylabel="rate (Hz)")
    below.set_ylim(bottom=0)
    below.yaxis.set_major_locator(MaxNLocator(2))
    below.patch.set_visible(False)
    plain(below)
    return ax


__all__ = ["raster"]
