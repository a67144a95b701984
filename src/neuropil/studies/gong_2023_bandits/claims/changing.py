"""Claims on bandits that change: Fig. 4B, 12 and 14B, and the opponents left out there."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.claims.of_seeds import (
    ESCALATING_PACE,
    SIGNIFICANCE,
    STATIONARY_PACE,
    p_lower,
    percent,
    told,
    verdict,
)
from neuropil.studies.gong_2023_bandits.claims.stationary import OURS
from neuropil.studies.gong_2023_bandits.summaries import of_task, pace
from neuropil.studies.gong_2023_bandits.tasks import task

Results = Mapping[str, xr.Dataset]

OTHERS = ("vRNN", "GRU", "LSTM", "D-UCB", "SW-UCB")
TOLD = ("UCB per context", "Thompson per context")
WHERE = {
    "flip-flop": "Section 2.2.3, Fig. 4B and 12A",
    "smooth": "SI.6.3, Fig. 12B",
    "eight-flip-flop": "SI.6.5, Fig. 14B",
}


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """For each task: our network, every other one, and algorithms that are told the context."""
    calls = []
    for name in WHERE:
        calls.append(partial(near_stationary, configuration, results, name))
        calls += [partial(escalates, configuration, results, name, other) for other in OTHERS]
        calls.append(partial(told_the_context, results, name))
    return as_far_as_run(*calls)


def _paces(configuration: Mapping[str, Any], results: Results, name: str) -> dict[str, np.ndarray]:
    data = of_task(results, name)
    cycle = task(configuration, name).cycle
    return {str(agent): pace(data.sel(agent=agent), cycle) for agent in data.agent.values}


def near_stationary(configuration: Mapping[str, Any], results: Results, name: str) -> Claim:
    """The neuro-glial network stops losing."""
    found = _paces(configuration, results, name)[OURS]
    falls_short = {
        "slows down": "It slows down, but loses more than that when the run ends.",
        "escalates": "It goes on losing after switches: the policy of one context is kept in the "
        "other.",
    }
    became = verdict(found)
    return judged(
        became == "stationary",
        identifier=f"{name}-stationary",
        where=WHERE[name],
        statement=f"Task {name}: the regret of the neuro-glial network becomes nearly stationary.",
        published="almost stationary regrets over time",
        measured=f"in the last cycle it loses {percent(found)} of what choosing at random loses",
        rule=f"median below {STATIONARY_PACE:.0%}",
        values={"pace": float(np.median(found))},
        explanation="Its state is detached at every trial, as in the authors' programs; what "
        "becomes of it otherwise is in the table of readings. What is left falls into the first "
        "trials after a switch, in which neurons follow the signal at their rate gamma.",
        otherwise=falls_short.get(became, ""),
    )


def escalates(configuration: Mapping[str, Any], results: Results, name: str, other: str) -> Claim:
    """Another method goes on losing, and loses more."""
    found = _paces(configuration, results, name)
    ours, theirs = found[OURS], found[other]
    p = p_lower(ours, theirs)
    becomes = {
        "stationary": f"{other} becomes stationary, too",
        "slows down": f"{other} loses steadily, but less than {ESCALATING_PACE:.0%} of what chance "
        "does",
        "escalates": f"{other} escalates, but the neuro-glial network is not clearly below it",
    }[verdict(theirs)]
    return judged(
        verdict(theirs) == "escalates" and p < SIGNIFICANCE,
        identifier=f"{name}-escalates-{other}",
        where=WHERE[name],
        statement=f"Task {name}: the regret of {other} escalates steadily, above that of the "
        "neuro-glial network.",
        published="consistently escalating regrets",
        measured=f"in the last cycle {other} loses {percent(theirs)} of what choosing at random "
        f"loses, the neuro-glial network {told(100 * ours, 1)} %; p = {p:.2g} that it is lower",
        rule=f"median above {ESCALATING_PACE:.0%}, and ours lower with Mann-Whitney p < "
        f"{SIGNIFICANCE}",
        values={"pace": float(np.median(theirs)), "p": p},
        otherwise=f"{becomes} (p = {p:.2g}).",
    )


def told_the_context(results: Results, name: str) -> Claim:
    """The opponent that the document leaves out."""
    data = of_task(results, name)
    finals = {agent: data.final.sel(agent=agent).values for agent in (OURS, *TOLD)}
    p = {agent: p_lower(finals[agent], finals[OURS]) for agent in TOLD}
    return judged(
        min(p.values()) < SIGNIFICANCE,
        identifier=f"{name}-told",
        where="beyond the document (an opponent that sees the context)",
        statement=f"Task {name}: a separate copy of an ordinary algorithm for each context, which "
        "has the information that networks are given, loses less than the neuro-glial network.",
        published="(not compared)",
        measured="final regret "
        + "; ".join(f"{agent} {told(values)}" for agent, values in finals.items())
        + f"; p = {min(p.values()):.2g} for the better copy",
        rule=f"final regret lower than the network's, Mann-Whitney p < {SIGNIFICANCE}",
        values=p,
        otherwise="The network loses no more than an algorithm that is told the context.",
    )


__all__ = ["OTHERS", "TOLD", "claims", "escalates", "near_stationary"]
