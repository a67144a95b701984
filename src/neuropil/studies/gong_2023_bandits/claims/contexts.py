"""Claims beyond the document: contexts that come back, many contexts, signals that fail."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.claims.of_seeds import (
    SIGNIFICANCE,
    STATIONARY_PACE,
    p_paired,
    percent,
    told,
    verdict,
)
from neuropil.studies.gong_2023_bandits.claims.stationary import OURS
from neuropil.studies.gong_2023_bandits.summaries import pace

Results = Mapping[str, xr.Dataset]

EQUAL = "neuro-glia, tau = 1"
BEYOND = "beyond the document"


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Forgetting, the number of contexts, and how good the signal must be."""
    del configuration
    return as_far_as_run(
        partial(remembers, results),
        partial(separation_protects, results),
        partial(many_contexts, results),
        partial(needs_the_signal, results),
    )


def _visits(data: xr.Dataset, agent: str, visit: int) -> np.ndarray:
    return data.by_visit.sel(agent=agent).isel(visit=visit).values


def remembers(results: Results) -> Claim:
    """The first context again after four visits to the second."""
    data = results["contexts-return"]
    learned, again = (_visits(data, OURS, visit) for visit in (1, 6))
    p = p_paired(learned, again)
    return judged(
        bool(np.median(again) < 2 * np.median(learned) + 0.01),
        identifier="return",
        where="Section 3.3 (not measured there)",
        statement="What was learned is protected: back in the first context after a long stay in "
        "the second, the network loses little more than before.",
        published="astrocytes can effectively insulate the learned trajectories",
        measured=f"regret a trial in the second visit to context 0 {told(learned, 3)}, on return "
        f"{told(again, 3)}; p = {p:.2g} that it was lower before",
        rule="at most twice as much, up to 0.01 a trial",
        values={"before": float(np.median(learned)), "again": float(np.median(again)), "p": p},
        otherwise="Much of the first context has been overwritten.",
    )


def separation_protects(results: Results) -> Claim:
    """What is forgotten, with separate and with equal time scales."""
    data = results["contexts-return"]
    again = {agent: _visits(data, agent, 6) for agent in map(str, data.agent.values)}
    p = p_paired(again[OURS], again[EQUAL])
    return judged(
        p < SIGNIFICANCE,
        identifier="return-separation",
        where="Section 3.3 (not measured there)",
        statement="Slow astrocytes are what protects: with equal time scales more is forgotten.",
        published="the slow time-scale of astrocytes is instrumental",
        measured="regret a trial on return: "
        + "; ".join(f"{agent} {told(values, 3)}" for agent, values in again.items())
        + f"; p = {p:.2g}",
        rule=f"lower at tau = 0.01 than at 1, Wilcoxon (paired) p < {SIGNIFICANCE}",
        values={"p": p},
        otherwise="As little is forgotten with equal time scales.",
    )


def many_contexts(results: Results) -> Claim:
    """Two to ten contexts."""
    data = results["contexts-number"].sel(agent=OURS)
    paces = {
        int(number): (data["last"] / data.at_random).sel(contexts=number).values
        for number in data.contexts.values
    }
    good = [n for n, each in paces.items() if verdict(each) == "stationary"]
    return judged(
        len(good) == len(paces),
        identifier="many-contexts",
        where=BEYOND,
        statement="The network learns up to ten contexts whose signals are one-hot.",
        published="(two contexts)",
        measured="last round, of what choosing at random loses: "
        + "; ".join(f"{n} contexts: {percent(each)}" for n, each in paces.items()),
        rule=f"median below {STATIONARY_PACE:.0%} for every number",
        values={f"pace_{n}": float(np.median(each)) for n, each in paces.items()},
        otherwise=f"Near-stationary with {good or 'none'} of the numbers {list(paces)}: contexts "
        "that share an arm and a bias overwrite each other for longer, the more there are.",
    )


def needs_the_signal(results: Results) -> Claim:
    """Signal withheld in part of the time."""
    data = results["contexts-signals"].sel(agent=OURS)
    chosen = data.signal.values[data.kind.values == "withheld"]
    paces = {float(data["value"].sel(signal=name)): pace(data.sel(signal=name)) for name in chosen}
    medians = {value: float(np.median(each)) for value, each in paces.items()}
    worst, best = max(medians), min(medians)
    return judged(
        medians[worst] > 2 * medians[best],
        identifier="withheld",
        where=BEYOND,
        statement="The network needs the signal throughout: slow astrocytes do not bridge the "
        "stretches in which it is withheld.",
        published="(always clean)",
        measured="last cycle, of what choosing at random loses: "
        + "; ".join(f"{value:.0%} withheld: {percent(each)}" for value, each in paces.items()),
        rule="median more than twice that under a clean signal",
        values={f"pace_{value:g}": middle for value, middle in medians.items()},
        otherwise="Stretches without a signal are bridged.",
    )


__all__ = ["claims"]
