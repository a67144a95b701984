"""What the cells of a wave do, layer by layer."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from neuropil.plots.style import axes_or_new, require_finite


def wave_activity(
    layers: Sequence[Float[np.ndarray, " _cells"]],
    *,
    letters: str | Sequence[str] | None = None,
    relative: bool = False,
    ax: Axes | None = None,
    colour_label: str = "activity",
) -> Axes:
    """Activity of every cell as a colour, one column a layer, the input first; zero is white.

    Layers are centred, as in `wave_diagram`, and what lies outside them is blank. With
    `relative`, each layer is shown in units of its own largest absolute value: a signal that
    fades along the way stays visible. `letters` names the steps between the layers.

    Raises `ValueError` when there is no layer, a layer is empty or not finite, or the letters do
    not fit.
    """
    if not layers:
        raise ValueError("layers must hold at least one layer, got none")
    for layer in layers:
        require_finite("layers", layer)
    if letters is not None and len(letters) != len(layers) - 1:
        raise ValueError(f"letters must name {len(layers) - 1} steps, got {len(letters)}")
    ax = axes_or_new(ax, size=(1.6 + 0.3 * len(layers), 2.8))
    # Layers of odd and even width are half a cell apart, so that each cell is two rows high.
    widest = max(layer.size for layer in layers)
    picture = np.full((2 * widest, len(layers)), np.nan)
    for number, layer in enumerate(layers):
        shown = layer / max(np.max(np.abs(layer)), np.finfo(float).tiny) if relative else layer
        begin = widest - layer.size
        picture[begin : begin + 2 * layer.size, number] = np.repeat(shown, 2)
    limit = max(float(np.nanmax(np.abs(picture))), np.finfo(float).tiny)
    image = ax.imshow(
        picture,
        cmap="RdBu",
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, len(layers) - 0.5, widest / 2, -widest / 2),
    )
    names = ["input", *(letters or [str(number) for number in range(1, len(layers))])]
    ax.set(xticks=np.arange(len(layers)), xticklabels=names, yticks=[], ylabel="cells")
    ax.set_xlabel("step")
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(f"{colour_label}, relative" if relative else colour_label)
    return ax


__all__ = ["wave_activity"]
