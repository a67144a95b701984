"""Fig. 7: the two sides of eq. (24), and how many roots it has."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, GREY, RED, plain
from neuropil.studies.contract import DrawnFigure
from neuropil.studies.gong_2023_dynamics.two_fixed_points import PRODUCT


def figure_7(configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]) -> DrawnFigure:
    """Both sides of the equation at three gains, and certified counts over the gain."""
    data = results["window"]
    first, last = configuration["window"]["between"]
    sigma = np.linspace(1e-4, 0.999, 400)
    right_side = np.log((2 - sigma) / (1 - sigma))
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(sigma, right_side, color=RED, label="right side")
    for gain, style in ((-1.1, ":"), (-1.3, "-"), (first, "--")):
        rest = 1 - sigma
        value = (gain * rest**3 + (1 + 2 * PRODUCT) * rest**2) / PRODUCT
        left.plot(sigma, value, style, color=BLUE, label=f"left side, c2 = {gain:g}")
    left.set(xlabel="σ", ylabel="sides of eq. 24", ylim=(-3, 4))
    left.legend(frameon=False, fontsize="small")
    plain(left)
    right.step(data.gain, data.printed_roots, where="mid", color=RED, label="roots of eq. 24")
    right.hlines(1, first, last, color=BLUE, linewidth=3, label="fixed points of the circuit")
    right.axvspan(first, last, color=GREY, alpha=0.12, linewidth=0, label="published window")
    right.set(xlabel="c2", ylabel="number (certified)", yticks=[0, 1, 2], ylim=(-0.1, 3.1))
    right.legend(frameon=False, fontsize="small")
    plain(right)
    return DrawnFigure(
        "figure-7",
        "Fig. 7. Left: the two sides of eq. (24). Right: the printed equation has two roots in the "
        "published window, but the circuit has one fixed point throughout.",
        figure,
        alt="A rising curve cut by humps; on the right counts of two for the equation, one for the "
        "circuit.",
    )
