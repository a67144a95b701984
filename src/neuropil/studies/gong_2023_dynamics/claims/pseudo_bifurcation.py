"""Claims on the neuronal layer under a frozen astrocyte, and on the slow-fast picture."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_dynamics.configuration import PUBLISHED_FOLD

Results = Mapping[str, xr.Dataset]

ON_A_SHEET = 0.05
"""A state closer than this to a sheet, in every component, is on it."""

STILL, LONG = 4e-4, 150.0
"""A regime is nearly stationary when no neuron or synapse changes faster than this, per ms, for
longer than this, in ms."""


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Fig. 9, Fig. 2E to 2G, and Fig. 2D read as a slow-fast trajectory."""
    return as_far_as_run(
        partial(figure_9_counts, results),
        partial(figure_9_fold, results),
        partial(figure_9_needs_all_starts, results),
        partial(figure_2_fold, results),
        partial(regimes_are_sheets, results),
        partial(astrocyte_is_slow, results),
        partial(regimes_lie_on_one_sheet, results),
        partial(context_crosses_the_fold, configuration, results),
    )


def _count_at(data: xr.Dataset, output: float) -> int:
    return int(data["count"].sel(output=output, method="nearest"))


def figure_9_counts(results: Results) -> Claim:
    """Fig. 9A to 9C."""
    data = results["layer-figure-9"]
    counts = [_count_at(data, output) for output in (-1.0, 0.0, 1.0)]
    undecided = int((data.complete == 0).sum())
    return judged(
        counts == [1, 1, 3] and undecided == 0,
        identifier="figure-9-counts",
        where="Fig. 9A to 9C",
        statement="The layer has one fixed point for psi(z) near -1 and 0, and three near 1.",
        published="1, 1, 3",
        measured=f"{', '.join(map(str, counts))}, proved; {data.sizes['output']} values of psi(z) "
        f"between -1 and 1 certified, {undecided} undecided",
        rule="certified counts",
        values={"undecided": float(undecided)},
        otherwise="the certified counts differ",
    )


def figure_9_fold(results: Results) -> Claim:
    """Fig. 9D."""
    data = results["layer-figure-9"]
    found = data.fold.values
    at = float(found[0]) if found.size else float("nan")
    width = float((data.fold_upper - data.fold_lower).max()) if found.size else float("nan")
    changes = data.output.values[1:][np.diff(data["count"].values) != 0]
    return judged(
        found.size == 1 and bool(data.folds_complete == 1) and abs(at - PUBLISHED_FOLD) < 5e-5,
        identifier="figure-9-fold",
        where="Fig. 9D",
        statement="A saddle-node bifurcation at psi(z0) = 0.7818 creates two fixed points, beside "
        "a branch that always exists.",
        published=f"{PUBLISHED_FOLD}",
        measured=f"{at:.15f}, enclosed within {width:.0e}; proved to be the only fold for psi(z) "
        f"between -1 and 1; the certified count changes there and nowhere else (next grid value "
        f"{', '.join(f'{value:.4g}' for value in changes)})",
        rule="published digits of a fold with enclosure, and no other fold in the range",
        values={"fold": at, "width": width},
        otherwise="the fold lies elsewhere, or there are others",
    )


def figure_9_needs_all_starts(results: Results) -> Claim:
    """What a diagram from a single start misses."""
    data = results["layer-figure-9"]
    alone, complete = int(data.alone_folds), data.diagram_fold.values
    outer = data.fold_beyond.values
    return judged(
        alone == 0 and complete.size == 1 and bool(data.diagram_complete == 1),
        identifier="figure-9-disconnected",
        where="Fig. 9D (explained)",
        statement="The two branches are not connected: continuation from the single fixed point at "
        "psi(z) = -1 never meets the fold.",
        published="(drawn)",
        measured=f"that branch reaches psi(z) = {float(data.alone_output[-1]):.3g} with {alone} "
        f"folds; certified roots on a grid, all continued both ways, give {complete.size} fold. "
        f"The branches join at psi(z) = {', '.join(f'{x:.4f}' for x in outer[outer > 1])} only, "
        "which no astrocyte reaches",
        rule="no fold on the branch from -1, one in the complete diagram, counts matched",
        values={"folds_alone": float(alone), "folds_complete": float(complete.size)},
        otherwise="the branch from -1 meets the fold, or the diagram is not complete",
    )


def figure_2_fold(results: Results) -> Claim:
    """Fig. 2E, whose position of the fold the paper does not print."""
    data = results["layer-figure-2"]
    counts = data["count"].values
    found = data.fold.values
    at = float(found[0]) if found.size else float("nan")
    return judged(
        counts[0] == 1 and counts[-1] == 3 and found.size == 1 and bool(data.folds_complete == 1),
        identifier="figure-2e",
        where="Fig. 2E",
        statement="When psi(z) is small there is one fixed point; when it is large there are "
        "three, by a saddle-node bifurcation.",
        published="1, then 3",
        measured=f"{counts[0]}, then {counts[-1]}; the only fold is at psi(z) = {at:.12f}, proved",
        rule="certified counts at both ends and a single certified fold between",
        values={"fold": at},
        otherwise="other counts or other folds",
    )


def _visited(data: xr.Dataset) -> tuple[float, list[int]]:
    """Share of the time on a sheet, and the sheets in the order of the visits."""
    on = (data.distance < ON_A_SHEET).any("sheet_number").values
    number = data.distance.argmin("sheet_number").values[on]
    return float(on.mean()), [int(n) for n in number[np.diff(number, prepend=-1) != 0]]


def regimes_are_sheets(results: Results) -> Claim:
    """Fig. 2D: nearly stationary regimes."""
    data = results["slow-fast"]
    share, _ = _visited(data)
    speed = np.abs(np.gradient(data.trajectory.values[:, :4], data.time.values, axis=0)).max(axis=1)
    still = _long_runs(speed < STILL, data.time.values)
    z = data.trajectory.sel(variable="z").values
    places = "; ".join(f"z from {z[first]:.1f} to {z[last]:.1f}" for first, last in still)
    return judged(
        share > 0.9 and len(still) == 2,
        identifier="figure-2d-regimes",
        where="Fig. 2D",
        statement="The slowly changing astrocyte drives the neurons from one nearly stationary "
        "regime to another.",
        published="2 regimes (drawn)",
        measured=f"{len(still)} stretches of over {LONG:g} ms in which no neuron or synapse "
        f"changes by more than {1e3 * STILL:g} per second ({places}); within {ON_A_SHEET} of the "
        f"critical manifold {share:.1%} of the time",
        rule="two such stretches, and more than 90 % of the time on the manifold",
        values={"share_on_manifold": share, "regimes": float(len(still))},
        otherwise="another number of regimes, or the trajectory does not keep to the manifold",
    )


def _long_runs(mask: np.ndarray, times: np.ndarray) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], mask.astype(int), [0]]))
    ends = (np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist())
    return [
        (first, last)
        for first, last in zip(*ends, strict=True)
        if times[last] - times[first] > LONG
    ]


def astrocyte_is_slow(results: Results) -> Claim:
    """The condition for the whole analysis."""
    data = results["slow-fast"]
    attracting = data.n_unstable == 0
    gap = data.spectral_gap.where(attracting)
    middle = float(gap.median())
    narrow = float((gap < 1).sum() / attracting.sum())
    return judged(
        middle > 10,
        identifier="time-scales-separate",
        where="section 2.1.3 and SI.5",
        statement="z evolves much slower than the neurons and synapses, so that it acts as a "
        "parameter of theirs.",
        published="time constants differ by a factor of 100",
        measured=f"spectral gap on the attracting sheets: {middle:.0f} (median), below 1 on "
        f"{narrow:.1%} of them, next to the folds",
        rule="median spectral gap above 10",
        values={"median_gap": middle, "share_below_one": narrow},
        otherwise="the layer relaxes too slowly for the reduction",
        explanation="The slowest mode of the layer decides, not the ratio of time constants.",
    )


def regimes_lie_on_one_sheet(results: Results) -> Claim:
    """What makes the two regimes of Fig. 2D: the fold, or the saturation of psi."""
    data = results["slow-fast"]
    _, visited = _visited(data)
    drift = data.drift_at_fold.values
    return judged(
        visited == [visited[0]] and bool(np.all(drift > 0)) and data.sizes["jump"] == 0,
        identifier="figure-2d-one-sheet",
        where="Fig. 2D and 2E (explained)",
        statement="The regimes of Fig. 2D are the two saturated ends of one sheet: the fold takes "
        "no part, as the astrocyte drifts away from it.",
        published="(not stated)",
        measured=f"sheets visited: {', '.join(map(str, visited))}; drift at the fold (z = "
        f"{float(data.fold_slow[0]):.3f}): {1e3 * float(drift[0]):+.2f} per second, towards the "
        "side where the sheets exist, so that no trajectory jumps there",
        rule="a single sheet visited, positive drift at the fold, no jump",
        values={"drift_per_s": 1e3 * float(drift[0])},
        otherwise="the trajectory changes sheets, or the drift crosses the fold",
    )


def context_crosses_the_fold(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Section 2.1.3: contextual signals through v(t)."""
    data = results["slow-fast-context"]
    _, visited = _visited(data)
    landed = data.jump_sheet.values
    return judged(
        landed.size == 1 and visited[-1] == landed[0] and len(visited) == 2,
        identifier="context-crosses-the-fold",
        where="section 2.1.3 and SI.5",
        statement="A context signal v to the astrocyte can alter the flow of neuronal and synaptic "
        "activity by carrying the layer over the bifurcation.",
        published="(hypothesis)",
        measured=f"with v = {configuration['slow_fast']['context']} the drift at the fold turns to "
        f"{1e3 * float(data.drift_at_fold[0]):+.2f} per second; the layer jumps from there to "
        f"sheet {', '.join(map(str, landed))}, and the trajectory visits sheets "
        f"{', '.join(map(str, visited))}",
        rule="one jump, and the trajectory ends on the sheet where it lands",
        values={"drift_per_s": 1e3 * float(data.drift_at_fold[0])},
        otherwise="the trajectory does not follow the predicted jump",
    )
