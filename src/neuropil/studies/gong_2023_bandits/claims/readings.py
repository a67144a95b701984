"""Claims on what the headlines depend on: the table of readings."""

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
    p_different,
    p_lower,
    p_paired,
    percent,
    told,
    verdict,
)
from neuropil.studies.gong_2023_bandits.readings import EQUAL, NEITHER, SEPARATE, support, table
from neuropil.studies.gong_2023_bandits.readings import OURS as OURS_GROUPS
from neuropil.studies.gong_2023_bandits.summaries import of_task, pace, paces_by_window

Results = Mapping[str, xr.Dataset]

BEYOND = "beyond the document"


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Every reading, what learns, the controls, equal input, and windows of back-propagation."""
    return as_far_as_run(
        partial(table_of_readings, results),
        partial(gradient_reaches, configuration),
        partial(without_astrocytes, results),
        partial(filter_suffices, results),
        partial(equal_input, results),
        partial(equal_groups, results),
        partial(amplitude_decides, results),
        partial(windows_and_ratios, configuration, results),
    )


def table_of_readings(results: Results) -> Claim:
    """Both headlines on the flip-flop under all readings of the neuro-glial network."""
    lines: list[str] = []
    fails: list[str] = []
    values: dict[str, float] = {}
    for name, row in table(results, OURS_GROUPS).items():
        separate, equal = row[SEPARATE], row[EQUAL]
        p = p_paired(separate.final, equal.final)
        is_necessary = (
            verdict(separate.pace) == "stationary"
            and verdict(equal.pace) == "escalates"
            and p < SIGNIFICANCE
        )
        if not is_necessary:
            fails.append(name)
        lines.append(
            f"{name}: {told(100 * separate.pace, 1)} % ({verdict(separate.pace)}), at tau = 1 "
            f"{told(100 * equal.pace, 1)} % ({verdict(equal.pace)}), p = {p:.2g}"
        )
        values |= {
            f"{name}: pace": float(np.median(separate.pace)),
            f"{name}: pace at tau = 1": float(np.median(equal.pace)),
            f"{name}: p": p,
        }
    return judged(
        not fails,
        identifier="readings",
        where="Sections 2.2.3 and 2.3",
        statement="Near-stationary regret in the flip-flop, and the need of separate time scales, "
        "do not depend on what the document leaves open.",
        published="almost stationary regrets, separation necessary (one reading)",
        measured="last cycle, of what choosing at random loses, and p that less is lost than at "
        "tau = 1: " + "; ".join(lines),
        rule=f"under every reading median below {STATIONARY_PACE:.0%}, above "
        f"{ESCALATING_PACE:.0%} at tau = 1, and less regret than there with Wilcoxon (paired) "
        f"p < {SIGNIFICANCE}",
        values=values,
        otherwise=f"Both together do not hold under {', '.join(fails)}.",
    )


def gradient_reaches(configuration: Mapping[str, Any]) -> Claim:
    """Which parameter groups learn, by the window."""
    groups = support(configuration)
    total = max(map(len, groups.values()))
    first = groups[1]
    return judged(
        len(first) == total,
        identifier="gradient-support",
        where="Section 2.2.2 and Methods",
        statement="All parameters of the model are optimised.",
        published="optimize all parameters of the model",
        measured="; ".join(f"window {k}: {', '.join(names)}" for k, names in groups.items()),
        rule="every group receives a gradient when the state is detached at every trial, as the "
        "authors' programs do",
        values={f"groups_{k}": float(len(names)) for k, names in groups.items()},
        otherwise=f"Only {', '.join(first)} do; all {total} groups need a window of three.",
    )


def without_astrocytes(results: Results) -> Claim:
    """The control that decides whether astrocytes matter."""
    ours = table(results, ["training"])["document"][SEPARATE]
    rows = {
        name: row[NEITHER]
        for name, row in table(results, ["controls"]).items()
        if name in ("no astrocytes", "tau = 0", "no plastic synapses")
    }
    p = {name: p_lower(ours.final, row.final) for name, row in rows.items()}
    without = verdict(rows["no astrocytes"].pace)
    return judged(
        p["no astrocytes"] < SIGNIFICANCE and without != "stationary",
        identifier="astrocytes-needed",
        where="Sections 2.3, 3.2 and 3.3 (not tested there)",
        statement="The flip-flop is learned because of the astrocytes: without them it is not.",
        published="astrocyte-mediated meta-plasticity appears to be engaged",
        measured=f"final regret with astrocytes {told(ours.final)}; "
        + "; ".join(
            f"{name} {told(row.final)}, {verdict(row.pace)}, p = {p[name]:.2g}"
            for name, row in rows.items()
        ),
        rule="without astrocytes the regret is higher (Mann-Whitney p < "
        f"{SIGNIFICANCE}) and does not become stationary",
        values=p,
        otherwise=f"Without astrocytes the same network is {without}: the signal reaches the "
        "read-out through the neurons' own input.",
    )


def filter_suffices(results: Results) -> Claim:
    """Filters with a read-out."""
    ours = table(results, ["training"])["document"][SEPARATE]
    theirs = table(results, ["controls"])["leaky filter with read-out"][NEITHER]
    p = p_different(ours.final, theirs.final)
    return judged(
        verdict(theirs.pace) == "stationary",
        identifier="filter-suffices",
        where=BEYOND,
        statement="A bank of leaky filters of the signal with a linear read-out, trained in the "
        "same way, reaches nearly stationary regret: no recurrence, synapse or astrocyte is "
        "needed.",
        published="(not compared)",
        measured=f"filters: final regret {told(theirs.final)}, last cycle {percent(theirs.pace)} "
        f"of chance; neuro-glial network {told(ours.final)}; p = {p:.2g} that they differ",
        rule=f"median pace below {STATIONARY_PACE:.0%}",
        values={"pace": float(np.median(theirs.pace)), "p": p},
        otherwise="The filters go on losing after switches.",
    )


def equal_input(results: Results) -> Claim:
    """Recurrent networks whose input is multiplied."""
    found = {name: row[NEITHER].pace for name, row in table(results, ["input"]).items()}
    loud = {name: each for name, each in found.items() if "gain 10" in name}
    return judged(
        all(verdict(each) == "stationary" for each in loud.values()),
        identifier="equal-input",
        where='Methods ("To ensure a fair comparison")',
        statement="Recurrent networks that see the signal ten times as strongly learn the "
        "flip-flop, too.",
        published="(not compared)",
        measured=_listed(found),
        rule=f"median pace below {STATIONARY_PACE:.0%} with an input gain of 10, for every kind",
        values={name: float(np.median(each)) for name, each in found.items()},
        otherwise="A stronger signal alone does not do it: not with "
        + ", ".join(n for n, each in loud.items() if verdict(each) != "stationary")
        + ".",
    )


def equal_groups(results: Results) -> Claim:
    """Recurrent networks in which the same groups learn as in the detached neuro-glial network."""
    found = {name: row[NEITHER].pace for name, row in table(results, ["input"]).items()}
    fair = {name: each for name, each in found.items() if "read-out learn" in name}
    whole = _whole(results)
    return judged(
        all(verdict(each) == "stationary" for each in fair.values())
        and all(verdict(each) == "escalates" for each in whole.values()),
        identifier="equal-groups",
        where='Methods ("the training procedure remains consistent")',
        statement="Recurrent networks fail where their recurrent weights learn, too: where input "
        "weights and read-out alone do, as in the neuro-glial network whose state is detached, "
        "they become stationary.",
        published="(not compared)",
        measured=_listed(fair | whole),
        rule=f"all escalate when everything learns, and have a median pace below "
        f"{STATIONARY_PACE:.0%} when input weights and read-out learn",
        values={name: float(np.median(each)) for name, each in (fair | whole).items()},
        otherwise="What learns is not all of it: "
        + "; ".join(f"{name} {verdict(each)}" for name, each in fair.items()),
    )


def _whole(results: Results) -> dict[str, np.ndarray]:
    """Paces of the recurrent networks of Fig. 4B."""
    data = of_task(results, "flip-flop")
    return {name: pace(data.sel(agent=name)) for name in ("vRNN", "GRU", "LSTM")}


def _listed(found: Mapping[str, np.ndarray]) -> str:
    return "last cycle, of what choosing at random loses: " + "; ".join(
        f"{name} {percent(each)}" for name, each in found.items()
    )


def amplitude_decides(results: Results) -> Claim:
    """The size of the signal against the time scale."""
    data = results["readings-amplitudes"]
    found = {
        str(agent): {
            float(a): float(np.median(pace(data.sel(agent=agent, amplitude=a))))
            for a in data.amplitude.values
        }
        for agent in data.agent.values
    }
    ours, equal = found["neuro-glia"], found["neuro-glia, tau = 1"]
    by_signal = max(ours.values()) - min(ours.values())
    by_ratio = max(abs(ours[a] - equal[a]) for a in ours)
    return judged(
        by_signal > by_ratio,
        identifier="amplitude-decides",
        where='Methods ("contextual signals as a scalar")',
        statement="How strong the signal is decides more about learning contexts than the time "
        "scale of the astrocytes.",
        published="(amplitude not stated)",
        measured="median loss in the last cycle, of what choosing at random loses: "
        + "; ".join(
            f"{agent}: " + ", ".join(f"{value:.1%} at {a:g}" for a, value in each.items())
            for agent, each in found.items()
        ),
        rule="the median varies more over amplitudes than between tau = 0.01 and 1",
        values={"by_signal": by_signal, "by_ratio": by_ratio},
        otherwise="The time scale matters more at some amplitude.",
    )


def windows_and_ratios(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The headline on time scales for every window of back-propagation."""
    rows = paces_by_window(configuration, results)
    holds = [
        window
        for window, row in rows.items()
        if verdict(row[1.0]) == "escalates" and verdict(row[0.01]) == "stationary"
    ]
    return judged(
        len(holds) == len(rows),
        identifier="windows",
        where="Section 2.3 and Methods",
        statement="That separation of time scales is necessary holds for every window of "
        "back-propagation.",
        published="necessary (window not stated)",
        measured="median loss in the last cycle, of what choosing at random loses: "
        + "; ".join(
            f"window {window}: "
            + ", ".join(f"{np.median(each):.1%} at tau = {r:g}" for r, each in row.items())
            for window, row in rows.items()
        ),
        rule=f"median above {ESCALATING_PACE:.0%} at tau = 1 and below {STATIONARY_PACE:.0%} at "
        "0.01",
        values={
            f"k{window}_tau{r:g}": float(np.median(each))
            for window, row in rows.items()
            for r, each in row.items()
        },
        otherwise=f"It holds for {holds or 'none'} of the windows {list(rows)}: with a window of "
        "one both learn; with longer ones C and D learn, and "
        "neither does.",
    )


__all__ = ["claims"]
