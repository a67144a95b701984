"""Bifurcation diagrams over the astrocyte's output, and sheets over its state."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.plots.style import BLUE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_dynamics.figures.phase_space import ABOVE_LEGEND

Results = Mapping[str, xr.Dataset]


def _diagram(data: xr.Dataset, component: str, ax: Axes) -> None:
    value = data.branch_state.sel(component=component).values
    folds = np.column_stack([data.fold.values, data.fold_state.sel(component=component).values])
    for number in np.unique(data.branch_number.values):
        own = data.branch_number.values == number
        output = data.branch_output.values[own]
        turns = np.any(np.diff(output) > 0) and np.any(np.diff(output) < 0)
        plots.bifurcation_diagram(
            output,
            value[own],
            data.branch_stable.values[own],
            special={"fold": folds} if turns else None,
            colour=BLUE if turns else RED,
            parameter_label="astrocyte output ψ(z)",
            value_label=component,
            ax=ax,
        )


def figure_2e(results: Results) -> DrawnFigure:
    """Fig. 2E."""
    figure = Figure(figsize=(5, 3.8), layout="constrained")
    ax = figure.subplots()
    _diagram(results["layer-figure-2"], "x1", ax)
    return DrawnFigure(
        "figure-2e",
        "Fig. 2E. Fixed points of the layer against the astrocyte's output; dashed where unstable. "
        "Every branch and the fold are certified.",
        figure,
        alt="One branch through the whole range and a second one, folded, at its right end.",
    )


def figure_9(results: Results) -> DrawnFigure:
    """Fig. 9D, with the certified counts."""
    data = results["layer-figure-9"]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _diagram(data, "x1", left)
    right.step(data.output, data["count"], where="mid", color=BLUE)
    right.axvline(float(data.fold[0]), color=GREY, linestyle=":", label="certified fold")
    right.set(
        xlabel="astrocyte output ψ(z)", ylabel="fixed points (certified)", yticks=[0, 1, 2, 3]
    )
    right.legend(frameon=False)
    plain(right)
    return DrawnFigure(
        "figure-9",
        "Fig. 9D. Left: complete diagram for the parameters of Fig. 9. Right: the certified number "
        "of fixed points, which changes at the fold and nowhere else.",
        figure,
        alt="A diagram with one through-going and one folded branch; a step from one to three.",
    )


def slow_fast(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Sheets of the critical manifold with both trajectories."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for ax, name, title in zip(
        figure.subplots(1, 2),
        ("slow-fast", "slow-fast-context"),
        ("no input (Fig. 2D)", f"context signal v = {configuration['slow_fast']['context']}"),
        strict=True,
    ):
        data = results[name]
        x = data.fast.sel(component="x1")
        curves = [
            (data.slow.values[own], x.values[own], data.n_unstable.values[own] == 0)
            for own in (data.sheet.values == n for n in np.unique(data.sheet.values))
        ]
        jumps = np.column_stack(
            [
                data.jump_slow.values,
                data.jump_start.sel(component="x1").values,
                data.jump_landing.sel(component="x1").values,
            ]
        )
        plots.sheets(
            curves,
            folds=np.column_stack(
                [data.fold_slow.values, data.fold_fast.sel(component="x1").values]
            ),
            trajectory=data.trajectory.sel(variable=["z", "x1"]).values,
            jumps=jumps if len(jumps) else None,
            slow_label="astrocyte z",
            fast_label="x1",
            ax=ax,
        )
        ax.set_title(title, fontsize="medium", pad=ABOVE_LEGEND)
        if len(jumps):
            ax.set(xlim=(0, 4), ylim=(-0.3, 0.9))
    return DrawnFigure(
        "slow-fast",
        "The circuit of Fig. 2 on its critical manifold. Left: without input the trajectory moves "
        "along one sheet between two ends at which ψ is saturated. Right: a context signal turns "
        "the drift at the fold, and the state jumps to the other sheet.",
        figure,
        alt="Sheets over the astrocyte state with grey trajectories; on the right a dotted jump.",
    )
