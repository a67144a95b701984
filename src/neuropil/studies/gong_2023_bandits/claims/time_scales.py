"""Claims on the separation of time scales: Fig. 4C, 4D, 5 and 13."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.studies.claims import Claim, Verdict, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.claims.of_seeds import (
    ESCALATING_PACE,
    SIGNIFICANCE,
    STATIONARY_PACE,
    p_different,
    p_paired,
    percent,
    told,
    verdict,
)
from neuropil.studies.gong_2023_bandits.summaries import pace

Results = Mapping[str, xr.Dataset]
Seeds = Float[np.ndarray, " seeds"]

WHERE = "Section 2.3, Fig. 4C, 4D and 13C to 13F"
NO_DIFFERENCE = (
    "Networks with equal time scales learn both contexts as well: the neurons' own input weights, "
    "which learn, tell the read-out which context rules, whatever the astrocytes do."
)


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Necessary or not, how reliable, what is forgotten at a switch, stationary tasks, Fig. 5B."""
    return as_far_as_run(
        partial(equal_scales_fail, results),
        partial(sometimes, results),
        partial(always, results),
        partial(necessary, results),
        partial(of_full_matrices, configuration, results),
        partial(less_variable, results),
        partial(overwrites, results),
        partial(mild_when_stationary, results),
        partial(synapses_settle, results),
        partial(astrocytes_insensitive, results),
    )


def _paces(results: Results, shard: str = "flip-flop-time-scales") -> dict[float, Seeds]:
    data = results[shard]
    return {float(ratio): pace(data.sel(agent=ratio)) for ratio in data.agent.values}


def _said(found: Mapping[float, Seeds]) -> str:
    return "last cycle, of what choosing at random loses: " + "; ".join(
        f"tau = {ratio:g}: {percent(each)}" for ratio, each in found.items()
    )


def _medians(found: Mapping[float, Seeds]) -> dict[str, float]:
    return {f"pace_{ratio:g}": float(np.median(each)) for ratio, each in found.items()}


def equal_scales_fail(results: Results) -> Claim:
    """tau = 1."""
    found = _paces(results)
    return judged(
        verdict(found[1.0]) == "escalates",
        identifier="tau-1-fails",
        where=WHERE,
        statement="With equal time scales, tau = 1, the regret in the flip-flop keeps growing.",
        published="learning simply does not occur",
        measured=_said(found),
        rule=f"median at tau = 1 above {ESCALATING_PACE:.0%}",
        values=_medians(found),
        otherwise=NO_DIFFERENCE,
    )


def sometimes(results: Results) -> Claim:
    """tau = 0.1."""
    each = _paces(results)[0.1]
    good = int(np.sum(each < STATIONARY_PACE))
    return judged(
        0 < good < each.size,
        identifier="tau-0.1-sometimes",
        where=WHERE,
        statement="With tau = 0.1 stationary regret is reached in some runs.",
        published="can sometimes achieve stationary asymptotic cumulative regret",
        measured=f"{good} of {each.size} runs",
        rule=f"pace below {STATIONARY_PACE:.0%} in some runs and not in all",
        values={"runs": float(good)},
        otherwise=f"All runs reach it. {NO_DIFFERENCE}" if good else "No run reaches it.",
    )


def always(results: Results) -> Claim:
    """tau of 0.01 and below."""
    found = {ratio: each for ratio, each in _paces(results).items() if ratio <= 0.01}
    good = {ratio: int(np.sum(each < STATIONARY_PACE)) for ratio, each in found.items()}
    seeds = next(iter(found.values())).size
    return judged(
        all(number == seeds for number in good.values()),
        identifier="tau-0.01-always",
        where=WHERE,
        statement="With tau of 0.01 and below stationary regret is always reached.",
        published="the agent can always adapt to the environment",
        measured="; ".join(
            f"tau = {ratio:g}: {number} of {seeds} runs" for ratio, number in good.items()
        ),
        rule=f"pace below {STATIONARY_PACE:.0%} in every run",
        values={f"runs_{ratio:g}": float(number) for ratio, number in good.items()},
        explanation="The same is true of equal time scales (tau-1-fails).",
        otherwise="Single runs relapse: once a policy is certain gradients vanish, and the first "
        "one after a long silence moves Adam by more than a usual step.",
    )


def necessary(results: Results) -> Claim:
    """The headline: separate time scales lose less than equal ones."""
    data = results["flip-flop-time-scales"]
    finals = {float(ratio): data.final.sel(agent=ratio).values for ratio in data.agent.values}
    p = p_paired(finals[0.01], finals[1.0])
    found = _paces(results)
    return judged(
        p < SIGNIFICANCE
        and verdict(found[1.0]) == "escalates"
        and verdict(found[0.01]) == "stationary",
        identifier="separation-necessary",
        where="Section 2.3",
        statement="Separation of the time scales is necessary for context-dependent learning.",
        published="necessary",
        measured="final regret "
        + "; ".join(f"tau = {ratio:g}: {told(values)}" for ratio, values in finals.items())
        + f"; p = {p:.2g} that 0.01 is below 1",
        rule=f"regret lower at 0.01 than at 1 (Wilcoxon, paired, p < {SIGNIFICANCE}), stationary "
        "at 0.01 and escalating at 1",
        values={"p": p, **_medians(found)},
        otherwise=NO_DIFFERENCE
        if verdict(found[1.0]) == "stationary"
        else "Networks with separate time scales go on losing, too.",
    )


def of_full_matrices(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The same with full matrices, of the published size."""
    sizes = configuration["networks"]
    stated: dict[str, Any] = {
        "identifier": "separation-necessary-full-matrices",
        "where": "Section 2.3; Reinforcement learning procedure",
        "statement": f"So it is with full matrices between {sizes['neurons']} neurons and "
        f"{sizes['astrocytes']} astrocytes.",
        "published": "necessary",
        "rule": "median escalating at tau = 1, stationary at 0.01",
    }
    if not sizes["dense"]:
        return Claim(
            **stated,
            measured="no full matrices at this scale",
            verdict=Verdict.NOT_TESTED,
            explanation="They are trained at scale paper only.",
        )
    found = _paces(results, "dense")
    return judged(
        verdict(found[1.0]) == "escalates" and verdict(found[0.01]) == "stationary",
        **stated,
        measured=_said(found),
        values=_medians(found),
        otherwise=NO_DIFFERENCE
        if verdict(found[1.0]) == "stationary"
        else "The networks do not part in this way.",
    )


def less_variable(results: Results) -> Claim:
    """Spread of the final regret."""
    data = results["flip-flop-time-scales"]
    spread = {float(r): float(data.final.sel(agent=r).std(ddof=1)) for r in data.agent.values}
    ordered = [spread[ratio] for ratio in sorted(spread)]
    return judged(
        all(smaller <= larger for smaller, larger in pairwise(ordered)),
        identifier="tau-variability",
        where="Section 2.3, Fig. 4D",
        statement="The smaller tau, the less the final regret varies between runs.",
        published="with smaller values of tau there is less variability",
        measured="; ".join(f"tau = {r:g}: deviation {spread[r]:.0f}" for r in sorted(spread)),
        rule="standard deviations in the order of tau",
        values={f"deviation_{r:g}": value for r, value in spread.items()},
        otherwise="They are not in this order; the largest is "
        f"{max(ordered) / min(ordered):.2g} times the smallest.",
    )


def overwrites(results: Results) -> Claim:
    """Regret after late switches: catastrophic forgetting or not."""
    data = results["flip-flop-time-scales"]
    first = data.after_switch.isel(visit=slice(-2, None), bin=slice(0, 5)).mean(("visit", "bin"))
    equal, separate = (first.sel(agent=ratio).values for ratio in ("1", "0.01"))
    p = p_paired(separate, equal)
    ratio = float(np.median(equal) / max(np.median(separate), 1e-12))
    return judged(
        p < SIGNIFICANCE and ratio > 2,
        identifier="overwriting",
        where="Section 2.3, Fig. 5A",
        statement="With equal time scales a switch overwrites what was learned, with separate "
        "ones it does not.",
        published="upon switching, regret again accumulates at tau = 1",
        measured=f"regret a trial in the first fifth of the last two visits: tau = 1 "
        f"{told(equal, 3)}, tau = 0.01 {told(separate, 3)}; p = {p:.2g}",
        rule=f"more than twice as much at tau = 1, Wilcoxon (paired) p < {SIGNIFICANCE}",
        values={"ratio": ratio, "p": p},
        otherwise="Both lose about as much after a late switch: neither overwrites.",
    )


def mild_when_stationary(results: Results) -> Claim:
    """Stationary bandit."""
    data = results["stationary-time-scales"]
    finals = {float(ratio): data.final.sel(agent=ratio).values for ratio in data.agent.values}
    medians = [float(np.median(values)) for values in finals.values()]
    p = p_different(finals[1.0], finals[0.01])
    return judged(
        max(medians) < 2 * min(medians),
        identifier="tau-stationary",
        where="SI.6.4, Fig. 13A and 13B",
        statement="In a stationary bandit tau has a mild impact.",
        published="mild impact",
        measured="; ".join(f"tau = {ratio:g}: {told(v)}" for ratio, v in finals.items())
        + f"; p = {p:.2g} that 1 and 0.01 differ",
        rule="medians within a factor of two",
        values={"p": p},
        otherwise="The medians differ by more than a factor of two.",
    )


def _movement(data: xr.Dataset, part: str, visits: slice) -> float:
    """How far the ends of visits to one context lie apart, from one visit to the next.

    The mean over networks.
    """
    same = _ends(data, part)[:, 0::2]
    steps = np.linalg.norm(np.diff(same, axis=1), axis=2)
    return float(steps[:, visits].mean())


def _ends(data: xr.Dataset, part: str) -> Float[np.ndarray, "networks visits components"]:
    """States at the end of each visit."""
    states = data[part].transpose("network", "record", "component").values
    visit = data.visit_of_state.values
    return np.stack([states[:, visit == v][:, -1] for v in range(visit.max() + 1)], axis=1)


def synapses_settle(results: Results) -> Claim:
    """Distinct synaptic states, one a context, that come to rest."""
    data = results["dynamics"].sel(agent="0.01")
    early, late = (_movement(data, "synapses", place) for place in (slice(0, 1), slice(-1, None)))
    ends = _ends(data, "synapses")
    apart = float(np.linalg.norm(ends[:, -1] - ends[:, -2], axis=1).mean())
    return judged(
        late < 0.5 * early and apart > 3 * late,
        identifier="synapses-settle",
        where="Section 2.3, Fig. 5B",
        statement="Synapses form a distinct trajectory for each context, which approaches a fixed "
        "configuration.",
        published="distinct synaptic trajectories that asymptotically approach a fixed weight "
        "configuration",
        measured=f"from one visit to context 0 to the next: {early:.3g} at first, {late:.3g} at "
        f"last; the contexts lie {apart:.3g} apart (principal components)",
        rule="movement falls below half, contexts more than three movements apart",
        values={"early": early, "late": late, "apart": apart},
        otherwise="Synapses go on moving between visits as neurons' input weights grow, or the "
        "contexts share their synapses.",
    )


def astrocytes_insensitive(results: Results) -> Claim:
    """How much learning moves astrocytes and synapses, relative to how far contexts are apart."""
    data = results["dynamics"].sel(agent="0.01")
    moved = {}
    for part in ("astrocytes", "synapses"):
        spread = float(np.sqrt((data[part] ** 2).sum("component").mean()))
        moved[part] = _movement(data, part, slice(0, None)) / spread
    return judged(
        moved["astrocytes"] < moved["synapses"],
        identifier="astrocytes-insensitive",
        where="Section 2.3, Fig. 5B",
        statement="Astrocytes are less sensitive to learning than synapses.",
        published="the astrocyte output is less sensitive overall to learning",
        measured=f"mean movement between visits to one context over the root mean square of the "
        f"state: astrocytes {moved['astrocytes']:.3f}, synapses {moved['synapses']:.3f}",
        rule="smaller for astrocytes",
        values=moved,
        otherwise="Astrocytes move as much as synapses.",
    )


__all__ = ["claims"]
