"""The scaling study: entropy against size, ours and the published runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.plots.style import BLUE, GREY, RED, legend, plain
from neuropil.studies.bittner_2018.claims.stable_amplification import PUBLISHED_RUNS, uncertainty
from neuropil.studies.contract import DrawnFigure

Results = Mapping[str, xr.Dataset]


def entropies(configuration: Mapping[str, Any], results: Results) -> DrawnFigure:
    """Entropy per parameter and what the published runs miss."""
    sizes = sorted(configuration["stable_amplification"]["neurons"])
    data = [results[f"stable-amplification-{size}"] for size in sizes]
    found = np.array([float(each.entropy) for each in data])
    bound = np.array([uncertainty(each) for each in data])
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    dimensions = 4 * np.array(sizes)
    left.errorbar(
        dimensions, found / dimensions, bound / dimensions, fmt="o-", color=BLUE, capsize=3,
        label="largest entropy, with its bound",
    )  # fmt: skip
    best = np.array([max(PUBLISHED_RUNS[size]) for size in sizes])
    for size, runs in PUBLISHED_RUNS.items():
        if size in sizes:
            left.plot(
                np.full(len(runs), 4 * size), np.array(runs) / (4 * size), "x", color=RED,
                label="published runs",
            )  # fmt: skip
    uniform = np.log(2.0 * configuration["stable_amplification"]["bound"])
    left.axhline(uniform, color=GREY, linewidth=0.8, linestyle="--", label="uniform")
    left.set(xscale="log", xlabel="parameters", ylabel="entropy (nats a parameter)")
    plain(left)
    legend(left, loc="lower right")
    right.errorbar(
        dimensions, found - best, bound, fmt="s-", color=RED, capsize=3, label="best published run"
    )
    right.plot(dimensions, bound, "o-", color=BLUE, label="bound on ours")
    right.set(xscale="log", yscale="log", xlabel="parameters", ylabel="below the maximum (nats)")
    plain(right)
    legend(right, loc="best")
    return DrawnFigure(
        "entropies",
        "Networks of rank two that amplify and stay stable. Left: entropy by number of "
        "parameters; right: how far below the maximum the best published run ended, and at most "
        "how far ours.",
        figure,
        alt="Published runs lie far below the maximum at every size; the bound on ours stays "
        "near a hundredth of a nat a parameter or below.",
    )


__all__ = ["entropies"]
