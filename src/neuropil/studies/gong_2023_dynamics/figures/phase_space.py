"""Trajectories, fixed points and vector fields of the motifs."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuropil import plots
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_dynamics.motifs import FIGURES, layer_over_output
from neuropil.system import Box

Results = Mapping[str, xr.Dataset]

CURVES = 24
ABOVE_LEGEND = 36
"""Room in points for a legend of two lines between the axes and their title."""

SEEN = ("x2", "w2", "z")


def _phase_curves(data: xr.Dataset, ax: Axes, *, omega: bool) -> None:
    names = [str(name) for name in data.component.values]
    limits = data.omega
    plots.phase_curves(
        data.trajectory.values[:CURVES],
        names=names,
        components=SEEN,
        points=data.state.values,
        stable=data.n_unstable.values == 0,
        box=Box(limits.sel(end="lower").values, limits.sel(end="upper").values) if omega else None,
        ax=ax,
    )


def figure_2(results: Results) -> DrawnFigure:
    """Fig. 2B to 2D."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    space = figure.add_subplot(1, 2, 1, projection="3d")
    _phase_curves(results["figure-2"], space, omega=False)
    times = figure.add_subplot(1, 2, 2)
    data = results["slow-fast"]
    plots.time_courses(
        data.time.values,
        data.trajectory.values,
        [str(name) for name in data.variable.values],
        ax=times,
    )
    return DrawnFigure(
        "figure-2",
        "Fig. 2B to 2D. Left: trajectories from random states, with the two stable fixed points "
        "(red) and the unstable one (black). Right: a trajectory with two nearly stationary "
        "regimes, between which the astrocyte z moves.",
        figure,
        alt="Curves in space that end at two red points; five time courses with two plateaus.",
    )


def figure_8(results: Results) -> DrawnFigure:
    """Fig. 8."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    for position, name in enumerate(("figure-8a", "figure-2"), start=1):
        ax = figure.add_subplot(1, 2, position, projection="3d")
        _phase_curves(results[name], ax, omega=True)
        ax.set_title("A" if position == 1 else "B", loc="left")
    return DrawnFigure(
        "figure-8",
        "Fig. 8. Trajectories and fixed points (red: stable, black: unstable) within Omega, with "
        "one fixed point (A) and three (B).",
        figure,
        alt="Two boxes in space with curves that settle at one and at two red points.",
    )


def vector_fields(results: Results) -> DrawnFigure:
    """Fig. 2F and 2G: the layer's flow either side of the fold."""
    data = results["layer-figure-2"]
    fold = float(data.fold[0])
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    motif = FIGURES["figure-2"]()
    b = np.asarray(motif.synapse_decay)
    for ax, output in zip(figure.subplots(1, 2), (fold - 0.1, fold + 0.1), strict=True):
        system = layer_over_output(motif, output)

        def with_settled_synapses(x1, x2, output=output):
            pair = jnp.stack([x1, x2])
            rates = motif.neuron_activation(pair)
            learned = motif.hebbian_gain * rates[0] * rates[1] + motif.glial_gain * output
            return jnp.concatenate([pair, learned / b])

        plots.phase_plane(
            system,
            Box(jnp.array([-1.0, -3.0]), jnp.array([3.0, 2.0])),
            components=("x1", "x2"),
            at=with_settled_synapses,
            ax=ax,
        )
        ax.set_title(f"ψ(z) = {output:.3f}", fontsize="medium", pad=ABOVE_LEGEND)
    return DrawnFigure(
        "figure-2fg",
        "Fig. 2F and 2G. Flow and nullclines of the neurons with synapses at rest, on either side "
        "of the saddle-node bifurcation.",
        figure,
        alt="Two phase planes; the nullclines cross once on the left and three times on the right.",
    )
