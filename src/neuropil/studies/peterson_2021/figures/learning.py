"""Fig. 3 and 4: learning curves and robustness."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.plots.robustness import robustness
from neuropil.plots.training_curves import training_curves
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.peterson_2021.claims.disturbances import shard_of
from neuropil.studies.peterson_2021.claims.learning import FRONTS, final
from neuropil.studies.peterson_2021.networks import FORMS, LABELS

Results = Mapping[str, xr.Dataset]

_SMALLEST_ERROR = 1e-9
_XLABELS = {
    "leak": "standard deviation of the leak (cells)",
    "loss": "probability of loss",
    "noise": "standard deviation of the noise",
}


def xor(results: Results) -> DrawnFigure:
    """Loss on XOR by kind."""
    data = results["xor"]
    labels = {**LABELS, "neurons_10": "10 hidden neurons", "neurons_1": "1 hidden neuron"}
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots(2, 3, sharey=True).flat
    for ax, kind in zip(axes, data.kind.values, strict=False):
        training_curves(
            {labels[str(kind)]: data.test_loss.sel(kind=kind).values}, label="squared error", ax=ax
        )
        ax.set_yscale("log")
        ax.set_ylim(_SMALLEST_ERROR, 10)
    axes[len(data.kind)].set_visible(False)
    return DrawnFigure(
        "xor",
        "Squared error on the four patterns of XOR (thin: seeds, thick: median). An epoch is four "
        "updates; 1e-4 is the tolerance of the document.",
        figure,
        alt="Five panels of falling error curves, one for each kind of network.",
    )


def curves(results: Results, images: str, front: str) -> DrawnFigure:
    """Accuracy over epochs, neurons beside each form of steps."""
    data = results[f"{images}-{front}"]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for ax, form in zip(figure.subplots(1, 3, sharey=True), FORMS, strict=True):
        pair = {"neurons": "neurons", "astrocytes": form}
        training_curves(
            {name: data.accuracy.sel(kind=kind).values for name, kind in pair.items()},
            chance=float(data.chance),
            ax=ax,
        )
        ax.set_ylim(0, 1)
        ax.set_title(LABELS[form], fontsize="medium")
        ax.get_legend().remove()
    figure.legend(
        *ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    return DrawnFigure(
        f"learning-{images}-{front}",
        f"Test accuracy on {images} by {FRONTS[front]}, against neurons (thin: "
        f"{data.sizes['seed']} seeds, thick: median).",
        figure,
        alt="Three panels of rising accuracy, neurons above astrocytes.",
    )


def controls(results: Results, images: str) -> DrawnFigure:
    """Final accuracy of astrocytes, neurons and the three controls."""
    own, other = results[f"{images}-projection"], results[f"{images}-controls"]
    pairs = [(data, str(kind)) for data in (own, other) for kind in data.kind.values]
    values = np.stack([final(data, kind) for data, kind in pairs])
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    ax = figure.subplots()
    robustness(np.arange(len(pairs)), {"seeds": values}, xlabel="", chance=float(own.chance), ax=ax)
    names = [LABELS[kind].replace(" (", "\n(").replace(", ", ",\n") for _, kind in pairs]
    ax.set_xticks(range(len(pairs)), names, fontsize="small")
    return DrawnFigure(
        f"controls-{images}",
        f"Test accuracy on {images} by random projection at the end: every seed, and medians.",
        figure,
        alt="Columns of points, one for each kind of network.",
    )


def disturbances(configuration: Mapping[str, Any], results: Results, kind: str) -> DrawnFigure:
    """Accuracy by level of a disturbance, one panel a form."""
    forms = configuration["disturbances"]["forms"]
    figure = Figure(figsize=(3 * len(forms) + 1, 3), layout="constrained")
    panels = figure.subplots(1, len(forms), sharey=True, squeeze=False)[0]
    for ax, form in zip(panels, forms, strict=True):
        data = results[shard_of(form)]
        robustness(
            data[f"{kind}_level"].values, {LABELS[form]: data[kind].values},
            xlabel=_XLABELS[kind], chance=float(data.chance), ax=ax,
        )  # fmt: skip
        ax.set_ylim(0, 1)
    return DrawnFigure(
        kind,
        f"Test accuracy of networks trained and tested with {kind}: points are networks, bars "
        "medians.",
        figure,
        alt=f"Accuracy against the level of {kind} for each form of steps.",
    )


__all__ = ["controls", "curves", "disturbances", "xor"]
