"""Claims on the stomatogastric ganglion: three cells as in the document, five as published."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]

PUBLISHED_HUB_ENTROPY = 1.039
"""Of the authors' converged run, from the log that they published with their program."""


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """The rhythm, the statistics of fresh circuits, the cost; the hub and its step."""
    return as_far_as_run(
        partial(rhythm, results),
        partial(targets, configuration, results),
        partial(cost, results),
        partial(step, configuration, results),
        partial(hub_entropy, results),
        partial(hub_step, configuration, results),
    )


def rhythm(results: Results) -> Claim:
    """Sampled circuits burst in the order of the document."""
    data = results["stomatogastric"]
    share, before = float(data.pyloric_share), float(data.uniform_pyloric_share)
    return judged(
        share >= 0.9,
        identifier="stg-rhythm",
        where="Results: Richer DSN models, stomatogastric ganglion",
        statement="The distribution of conductances yields tri-phasic rhythms, in which AB/PD, LP "
        "and PY burst in a regular sequence.",
        published="not done",
        measured=f"{share:.1%} of {int(data.fresh_sets)} fresh circuits are pyloric at half the "
        f"step; {before:.1%} of draws from the uniform distribution",
        rule="at least 90 % pyloric by the three conditions of Prinz et al. 2004, which all were "
        "at the step itself",
        values={"pyloric_share": share, "uniform_pyloric_share": before},
        otherwise="many circuits lie at the edge of the rhythm, where the step decides",
    )


def targets(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Statistics of fresh circuits at a finer step against their targets."""
    data = results["stomatogastric"]
    wanted = configuration["stomatogastric"]["targets"]
    tolerance = configuration["stomatogastric"]["tolerance"]
    off = {
        name: abs(float(data.fresh_mean[place]) - mean) / deviation
        for place, (name, (mean, deviation)) in enumerate(wanted.items())
    }
    # Half an interval of the fresh simulations may come on top.
    half = (data.fresh_upper - data.fresh_lower).values / 2
    allowed = [
        tolerance + half[place] / deviation for place, (_, deviation) in enumerate(wanted.values())
    ]
    worst = max(off, key=lambda name: off[name])
    holds = all(value <= most for value, most in zip(off.values(), allowed, strict=True))
    unmet = int((~data.met.values.astype(bool)).sum())
    return judged(
        bool(holds),
        identifier="stg-targets",
        where="Results: Richer DSN models, stomatogastric ganglion",
        statement="Burst rate, onset lags and duty cycles have the means that were asked for.",
        published="not done",
        measured=f"largest deviation {off[worst]:.2f} of the target's spread ({worst}), at half "
        f"the step; intervals of {unmet} of {data.met.size} constraints reach beyond the tolerance",
        rule=f"fresh simulations within {tolerance} of the spread, and their interval",
        values={"worst": off[worst], "unmet": float(unmet)},
        otherwise="the particles of this scale are too few, or the step is too coarse",
    )


def cost(results: Results) -> Claim:
    """What the document calls expensive."""
    data = results["stomatogastric"]
    simulations = int(data.simulations)
    return judged(
        simulations < 1_000_000,
        identifier="stg-cost",
        where="Results: Richer DSN models, last sentences",
        statement="Learning the distribution is expensive, because T(x) has to be simulated on "
        "each iteration.",
        published='"can be quite expensive"; never done by the authors',
        measured=f"{simulations} simulations; entropy {float(data.entropy):.2f} +- "
        f"{float(data.entropy_error):.2f} nats, {float(data.entropy_gap):.2f} nats at most below "
        "the maximum by its own certificate",
        rule="fewer than a million simulations",
        values={"simulations": float(simulations), "entropy_gap": float(data.entropy_gap)},
        otherwise="it took more",
    )


def step(configuration: Mapping[str, Any], results: Results) -> Claim:
    """What the published simulator's step and order of updates do to the rhythm."""
    data = results["stomatogastric"]
    numbers = configuration["stomatogastric"]
    published, own = data.published_shift.values, data.own_shift.values
    worst, worst_own = int(published.argmax()), int(own.argmax())
    names = [str(name) for name in data["name"].values]
    return judged(
        bool(published.max() < 0.1),
        identifier="stg-step",
        where="Goncalves et al., eLife 2020: simulator of the three cells",
        statement=f"Steps of {numbers['published_step']} ms resolve the rhythm.",
        published=f"dt = {numbers['published_step']} ms, everything updated from the state before",
        measured=f"a circuit changes by {published[worst]:.2f} of a target's spread (median, "
        f"{names[worst]}) against steps of {numbers['fine_step']} ms with the gates first; those "
        f"of {numbers['step']} ms with the gates first by {own[worst_own]:.3f} "
        f"({names[worst_own]})",
        rule="median change below a tenth of every target's spread",
        values={"published_shift": float(published.max()), "own_shift": float(own.max())},
        otherwise="the published order of updates has an error of the order of the step; moving "
        "the gates before the voltage, at the same price, leaves one of its square",
    )


def hub_entropy(results: Results) -> Claim:
    """The published two-parameter problem, solved by weighting uniform draws."""
    data = results["hub"].sel(step_size="published")
    entropy, error = float(data.entropy), float(data.entropy_error)
    missed = entropy - PUBLISHED_HUB_ENTROPY
    return judged(
        abs(missed) <= 0.05,
        identifier="hub-entropy",
        where="Bittner et al., eLife 2021: five-cell form, published program",
        statement="The fitted distribution is the one of largest entropy.",
        published=f"{PUBLISHED_HUB_ENTROPY} nats (logged run, converged by its own test)",
        measured=f"the largest entropy is {entropy:.3f} +- {error:.3f} nats",
        rule="within 0.05 nats",
        values={"entropy": entropy, "missed": missed},
        otherwise=f"the logged run meets its constraints and lies {missed:.2f} nats below the "
        "maximum, which the certificate shows and its test of convergence does not",
    )


def hub_step(configuration: Mapping[str, Any], results: Results) -> Claim:
    """What 25 ms do to the frequency."""
    data = results["hub"]
    deviation = configuration["hub"]["deviation"]
    median, high = float(data.shift_median), float(data.shift_high)
    entropies = data.entropy.values
    spread = float(data.fine_deviation_of_published)
    return judged(
        median < 0.2 * deviation,
        identifier="hub-step",
        where="Bittner et al., eLife 2021: five-cell form, published program",
        statement="Steps of 25 ms resolve the frequency of the hub.",
        published="dt = 25 ms",
        measured=f"median change {median:.4f} Hz, 95th percentile {high:.3f} Hz, against a target "
        f"spread of {deviation} Hz; circuits of the published step have {spread:.3f} Hz at the "
        f"fine one; entropy {entropies[0]:.3f} and {entropies[1]:.3f} nats",
        rule="median change below a fifth of the target's spread",
        values={
            "median": median,
            "high": high,
            "entropy_change": float(np.diff(entropies)[0]),
        },
        otherwise="the published numerics have not converged: the step moves the frequency by as "
        "much as the behaviour allows it to vary",
    )


__all__ = ["claims"]
