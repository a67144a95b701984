"""Claims on the neuron's rate and on how the networks are made (Figs. 1 and 2)."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.tang_2012.ensemble import MOTIFS

Results = Mapping[str, xr.Dataset]


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Saturation and shape of the transfer function, spikes against theory, realised wiring."""
    return as_far_as_run(
        partial(saturation, configuration, results),
        partial(slope_has_one_peak, results),
        partial(spikes_agree, results),
        partial(erdos_renyi_density, configuration, results),
        partial(second_order_statistics, configuration, results),
    )


def saturation(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Fig. 1: "firing rates saturate for large values of input current"."""
    neuron = results["neuron"]
    period = configuration["neuron"]["refractory_period"]
    reached = float(neuron.saturated_rate) * period
    return judged(
        reached > 0.999,
        identifier="rate-saturates",
        where="Modeling neurons and firing rates; Fig. 1, centre",
        statement="The firing rate saturates for large input currents.",
        published="saturates",
        measured=f"at 1e6 mV the rate is {reached:.5f} of 1 / refractory period",
        rule="above 0.999 of the inverse refractory period",
        values={"share_of_maximum": reached},
        otherwise="the rate stays away from its ceiling",
    )


def slope_has_one_peak(results: Results) -> Claim:
    """Fig. 1, right: the derivative of the rate rises and falls once."""
    neuron = results["neuron"]
    slope = neuron.slope.values
    turns = np.flatnonzero(np.diff(np.sign(np.diff(slope))) != 0)
    peak = float(neuron.input.values[np.argmax(slope)])
    return judged(
        len(turns) == 1 and bool(np.all(slope > 0)),
        identifier="slope-has-one-peak",
        where="Fig. 1, right",
        statement="The derivative of the firing rate is positive with a single peak.",
        published="one peak (drawn)",
        measured=f"{len(turns)} peak, at {peak:.1f} mV, of {1000 * slope.max():.3g} Hz/mV",
        rule="exactly one turning point over 0 to 400 mV",
        values={"peaks": float(len(turns)), "peak_input": peak},
        otherwise="the derivative has a different number of turning points",
    )


def spikes_agree(results: Results) -> Claim:
    """The rate formula against spikes counted in a simulation of the same equation."""
    neuron = results["neuron"]
    error = neuron.simulated_rate / neuron.theory_rate - 1
    spread = neuron.simulated_error / neuron.theory_rate
    worst = float(np.abs(error).max())
    allowed = float((4 * spread).max()) + 0.005
    return judged(
        bool(np.all(np.abs(error) < 4 * spread + 0.005)),
        identifier="rate-is-that-of-the-spikes",
        where="Modeling neurons and firing rates",
        statement="The rate function is the mean spike count of the stochastic equation.",
        published="by definition",
        measured=f"largest relative difference {worst:.2%} at five inputs",
        rule="within four standard errors and 0.5 % for the time step",
        values={"largest_relative_difference": worst, "allowed": allowed},
        otherwise="simulation and formula disagree by more than sampling and time step explain",
    )


def erdos_renyi_density(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Claim:
    """Fig. 2: Erdos-Renyi (n, p) networks have independent edges of probability p."""
    p = configuration["connection_probability"]
    scores = {}
    for size in configuration["ensemble"]["sizes"]:
        density = results[f"erdos-renyi-excitatory-{size}"].density.values
        error = np.sqrt(p * (1 - p) / (size * (size - 1) * density.size))
        scores[f"standard_score_{size}"] = float((density.mean() - p) / error)
    worst = max(abs(score) for score in scores.values())
    return judged(
        worst < 4,
        identifier="erdos-renyi-density",
        where="Creating neural networks; Fig. 2",
        statement="First-order networks follow the Erdos-Renyi (n, p) model.",
        published="p (value not given)",
        measured=f"density within {worst:.1f} standard errors of p = {p}",
        rule="within four standard errors at every size",
        values=scores,
        otherwise="the realised density differs from p",
    )


def second_order_statistics(
    configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
) -> Claim:
    """Second-order networks realise the statistics asked of them."""
    scores = {}
    for size in configuration["ensemble"]["sizes"]:
        data = results[f"sonet-excitatory-{size}"]
        # Frequencies in units of p^2 are unbiased; the alphas, which divide by the realised
        # density, are not.
        realised = data.motif_frequency / configuration["connection_probability"] ** 2
        difference = (realised - 1 - data.requested).values
        error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
        for motif, score in zip(MOTIFS, difference.mean(axis=0) / error, strict=True):
            scores[f"{motif}_{size}"] = float(score)
    worst = max(abs(score) for score in scores.values())
    return judged(
        worst < 4,
        identifier="sonet-statistics",
        where="Preliminary Results (SONETs)",
        statement="Second-order networks have the reciprocal, convergent, divergent and chain "
        "statistics asked for.",
        published="by construction",
        measured=f"means over the networks within {worst:.1f} standard errors of the requested",
        rule="within four standard errors for each of the four motifs at every size",
        values=scores,
        otherwise="a realised statistic differs from the requested one",
    )
