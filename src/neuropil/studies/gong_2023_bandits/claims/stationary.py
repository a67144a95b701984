"""Claims on stationary bandits: Fig. 4A, 10, 11 and 14A."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.claims.of_seeds import SIGNIFICANCE, p_lower, told
from neuropil.studies.gong_2023_bandits.summaries import of_task

Results = Mapping[str, xr.Dataset]

OURS = "neuro-glia"
MAGNITUDE = 10.0


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Comparable regrets, their order, convergence, small gaps and eight arms."""
    del configuration
    return as_far_as_run(
        partial(comparable, results),
        partial(order, results),
        partial(converges_first, results),
        partial(comparable_gaps, results),
        partial(small_gaps, results),
        partial(eight_arms, results),
    )


def finals(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Final regret of every seed by agent."""
    return {str(name): data.final.sel(agent=name).values for name in data.agent.values}


def comparable(results: Results) -> Claim:
    """All methods in the same order of magnitude."""
    found = finals(of_task(results, "stationary"))
    medians = {name: float(np.median(values)) for name, values in found.items()}
    ratio = {name: value / medians[OURS] for name, value in medians.items() if name != OURS}
    return judged(
        all(1 / MAGNITUDE < value < MAGNITUDE for value in ratio.values()),
        identifier="stationary-comparable",
        where="Section 2.2.3, Fig. 4A",
        statement="In a stationary bandit all methods reach cumulative regrets of one order of "
        "magnitude.",
        published="the same order of magnitude",
        measured="; ".join(f"{name} {told(values)}" for name, values in found.items()),
        rule="medians of the others within a factor of ten of that of the neuro-glial network",
        values=ratio,
        otherwise="Not comparable: "
        + ", ".join(
            f"{name} {value:.2g} times as much"
            for name, value in ratio.items()
            if not 1 / MAGNITUDE < value < MAGNITUDE
        )
        + ".",
    )


def order(results: Results) -> Claim:
    """Thompson sampling lowest, UCB highest."""
    found = finals(of_task(results, "stationary"))
    networks = [name for name in found if name not in ("UCB", "Thompson")]
    p = {f"Thompson < {name}": p_lower(found["Thompson"], found[name]) for name in networks}
    p |= {f"{name} < UCB": p_lower(found[name], found["UCB"]) for name in networks}
    wrong = [name for name, value in p.items() if value > SIGNIFICANCE]
    return judged(
        not wrong,
        identifier="stationary-order",
        where="SI.6.1, Fig. 10B",
        statement="Thompson sampling has the lowest and UCB the highest regret, networks lie "
        "between them.",
        published="TS lowest, UCB highest, neuro-glia in between",
        measured="; ".join(f"{name} {told(values)}" for name, values in found.items()),
        rule=f"each network above TS and below UCB, Mann-Whitney p < {SIGNIFICANCE} each",
        values=p,
        otherwise=f"Not seen at this level: {', '.join(wrong)}.",
    )


def converges_first(results: Results) -> Claim:
    """Trials until no more regret is made."""
    data = of_task(results, "stationary")
    found = {str(name): data.converged.sel(agent=name).values for name in data.agent.values}
    p = {name: p_lower(found[OURS], other) for name, other in found.items() if name != OURS}
    wrong = [name for name, value in p.items() if value > SIGNIFICANCE]
    return judged(
        not wrong,
        identifier="stationary-convergence",
        where="SI.6.1, Fig. 10A",
        statement="The neuro-glial network takes the shortest time to converge, others go on "
        "losing.",
        published="no regrets after about 2000 trials, others later",
        measured="; ".join(f"{name} {told(values)}" for name, values in found.items()),
        rule="trial after which every window of 500 trials loses at most 0.01 a trial: earlier "
        f"than in each other method, Mann-Whitney p < {SIGNIFICANCE} each",
        values=p,
        otherwise=f"Not earlier than {', '.join(wrong)}.",
    )


def _by_gap(results: Results) -> dict[float, dict[str, np.ndarray]]:
    data = of_task(results, "gaps")
    return {float(gap): finals(data.sel({"lambda": gap})) for gap in data["lambda"].values}


def comparable_gaps(results: Results) -> Claim:
    """Large distances between the arms."""
    gap, found = max(_by_gap(results).items())
    networks = [name for name in found if name not in (OURS, "Thompson")]
    ratio = {name: float(np.median(found[name]) / np.median(found[OURS])) for name in networks}
    return judged(
        all(1 / 3 < value < 3 for value in ratio.values()),
        identifier="gaps-large",
        where="SI.6.2, Fig. 11",
        statement="At larger lambda the neuro-glial network performs like other networks.",
        published="similar to other RNN-based methods under larger lambda",
        measured=f"lambda = {gap}: "
        + "; ".join(f"{name} {told(values)}" for name, values in found.items()),
        rule="medians of other networks within a factor of three",
        values=ratio,
        otherwise="Not within a factor of three: "
        + ", ".join(
            f"{name} {value:.2g} times as much"
            for name, value in ratio.items()
            if not 1 / 3 < value < 3
        )
        + ".",
    )


def small_gaps(results: Results) -> Claim:
    """The hardest bandits."""
    gap, found = min(_by_gap(results).items())
    networks = [name for name in found if name not in (OURS, "Thompson")]
    p = {name: p_lower(found[OURS], found[name]) for name in networks}
    wrong = [name for name, value in p.items() if value > SIGNIFICANCE]
    return judged(
        not wrong,
        identifier="gaps-small",
        where="SI.6.2, Fig. 11",
        statement="In harder bandits the neuro-glial network is better than the other networks.",
        published="better and more robust in more challenging bandits",
        measured=f"lambda = {gap}: "
        + "; ".join(f"{name} {told(values, 1)}" for name, values in found.items()),
        rule=f"lower regret at the smallest lambda, Mann-Whitney p < {SIGNIFICANCE} each",
        values=p,
        otherwise=f"Not lower than {', '.join(wrong)}.",
    )


def eight_arms(results: Results) -> Claim:
    """Eight arms that do not change."""
    found = finals(of_task(results, "eight-stationary"))
    p = {name: p_lower(found[OURS], other) for name, other in found.items() if name != OURS}
    wrong = [name for name, value in p.items() if value > SIGNIFICANCE]
    return judged(
        not wrong,
        identifier="eight-stationary",
        where="SI.6.5, Fig. 14A",
        statement="With eight arms the neuro-glial network is superior to the other methods.",
        published="superior in comparison with other methods",
        measured="; ".join(f"{name} {told(values)}" for name, values in found.items()),
        rule=f"lower final regret than each other method, Mann-Whitney p < {SIGNIFICANCE} each",
        values=p,
        otherwise=f"Not lower than {', '.join(wrong)}.",
    )


__all__ = ["OURS", "claims", "finals"]
