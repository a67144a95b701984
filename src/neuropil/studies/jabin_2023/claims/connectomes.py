"""Claims on real connectomes: how few types predict what their own spikes do."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """For each connectome: resolution, and what the equation on its own weights misses."""
    names = configuration["connectomes"]["names"]
    return as_far_as_run(
        *(
            partial(claim, results, name)
            for name in names
            for claim in (resolution, own_weights, scaling)
        )
    )


def resolution(results: Results, name: str) -> Claim:
    """One type, many types, every neuron a type."""
    data = results[name]
    one, all_apart = data.rate_error.values[0], float(data.rate_error.sel(resolution="all"))
    colours = [label for label in data.resolution.values if label.isdigit()]
    few = next(
        (c for c in colours if float(data.rate_error.sel(resolution=c)) < 0.5 * one), colours[-1]
    )
    finest = float(data.rate_error.sel(resolution=colours[-1]))
    trees = (data.error / data.scale).max("tree")
    return judged(
        all_apart < 0.2 * one and finest < 0.5 * one,
        identifier=f"resolution-{name}",
        where="A novel statistical notion; recent connectomes",
        statement="Observables of a real connectome are predicted by a kernel over types, the "
        "better the finer its colours are told apart by whom they listen to.",
        published="the limiting description applies to arbitrary weights",
        measured=f"rms error of single rates {1000 * one:.2f} Hz with one type, "
        f"{1000 * finest:.2f} with {colours[-1]}, {1000 * all_apart:.2f} with all "
        f"{int(data.neurons)} neurons apart (halved by {few} types); worst tree of up to four "
        f"vertices {float(trees[0]):.0%}, {float(trees.sel(resolution=colours[-1])):.1%}, "
        f"{float(trees.sel(resolution='all')):.1%}",
        rule="error of single rates below half with the finest colours, below a fifth with all",
        values={
            "one_type": float(one),
            "finest": finest,
            "all": all_apart,
            "types_to_halve": float(few),
        },
        otherwise="whom a neuron listens to does not decide its rate at these resolutions",
    )


def own_weights(results: Results, name: str) -> Claim:
    """The one-neuron law on the network's own weights, with and without shot noise."""
    data = results[name]
    plain, better = (float(data.law_distance.sel(resolution=r)) for r in ("all", "all, shot noise"))
    noise = float(data.law_noise)
    return judged(
        plain < 0.5 * float(data.law_distance[0]),
        identifier=f"law-{name}",
        where="Theorem: convergence of the 1-particle distribution",
        statement="The one-neuron law of a real connectome is that of the mean-field equation on "
        "its own weights.",
        published="in the limit",
        measured=f"distance in H^-1 {plain:.4f} (with shot noise {better:.4f}; one type "
        f"{float(data.law_distance[0]):.4f}; two halves of the realisations {noise:.4f})",
        rule="less than half of that with one type",
        values={"plain": plain, "shot_noise": better, "sampling": noise},
        otherwise="single synapses are too strong for the potentials to be nearly independent",
    )


def scaling(results: Results, name: str) -> Claim:
    """Is the connectome in the scaling that the theorem assumes?"""
    data = results[name]
    weight, strength, n = float(data.largest_weight), float(data.strength), int(data.neurons)
    smallness = weight / strength
    return judged(
        smallness < 1e-2,
        identifier=f"scaling-{name}",
        where="Scaling in biological neuron networks",
        statement="Weights are small beside what a neuron receives in all.",
        published="max |w| about 1e-3 to 1e-4 of it in the human brain",
        measured=f"largest weight {weight:.2f} mV of at most {strength:.0f} mV: {smallness:.3f} "
        f"({n} neurons)",
        rule="below 0.01",
        values={"ratio": smallness},
        otherwise="single connections of this small animal are strong: the theorem's small "
        "parameter is not small, which is why shot noise has to be added",
    )


__all__ = ["claims"]
