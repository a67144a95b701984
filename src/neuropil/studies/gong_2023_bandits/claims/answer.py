"""What the separation of time scales really contributes: strong astrocytes, and a summary."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.claims.of_seeds import (
    ESCALATING_PACE,
    SIGNIFICANCE,
    STATIONARY_PACE,
    p_paired,
    percent,
    verdict,
)
from neuropil.studies.gong_2023_bandits.readings import EQUAL, NEITHER, SEPARATE, table
from neuropil.studies.gong_2023_bandits.summaries import of_task, pace
from neuropil.studies.gong_2023_bandits.time_scales import AWAKE, NO_ASTROCYTES

Results = Mapping[str, xr.Dataset]
Paces = dict[str, Float[np.ndarray, " seeds"]]

WHERE = "Section 2.3, with D drawn by its columns (beyond the document)"
SLOWEST = "0.001"


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Where the time scale matters, why it does there, and the answer in five lines."""
    del configuration
    return as_far_as_run(
        partial(matters_where_strong, results),
        partial(slow_is_absent, results),
        partial(answer, results),
    )


def _strong(results: Results) -> tuple[Paces, Paces]:
    """Paces and final regrets under astrocytes that act strongly."""
    data = results["strong-astrocytes"]
    names = list(map(str, data.agent.values))
    return (
        {name: pace(data.sel(agent=name)) for name in names},
        {name: data.final.sel(agent=name).values for name in names},
    )


def _listed(found: Paces) -> str:
    return "last cycle, of what choosing at random loses: " + "; ".join(
        f"{name if name in (NO_ASTROCYTES, AWAKE) else 'tau = ' + name}: {percent(each)}"
        for name, each in found.items()
    )


def matters_where_strong(results: Results) -> Claim:
    """D eight times as large."""
    paces, finals = _strong(results)
    p = p_paired(finals[SLOWEST], finals["1"])
    return judged(
        verdict(paces["1"]) == "escalates"
        and verdict(paces[SLOWEST]) == "stationary"
        and p < SIGNIFICANCE,
        identifier="strong-astrocytes",
        where=WHERE,
        statement="Where astrocytes act strongly on synapses (N in the variance of D is their "
        "number), equal time scales fail and slow enough astrocytes do not.",
        published="necessary",
        measured=f"{_listed(paces)}; p = {p:.2g} that {SLOWEST} is below 1",
        rule=f"median above {ESCALATING_PACE:.0%} at tau = 1, below {STATIONARY_PACE:.0%} at "
        f"{SLOWEST}, and less regret there, Wilcoxon (paired) p < {SIGNIFICANCE}",
        values={name: float(np.median(each)) for name, each in paces.items()} | {"p": p},
        explanation="The pattern of Fig. 4C, at smaller tau than there.",
        otherwise="The pattern of Fig. 4C is not seen here either.",
    )


def slow_is_absent(results: Results) -> Claim:
    """None at all, and slow ones that are awake."""
    paces, finals = _strong(results)
    p = p_paired(finals[SLOWEST], finals[AWAKE])
    return judged(
        verdict(paces[NO_ASTROCYTES]) == verdict(paces["0"]) == "stationary"
        and verdict(paces[AWAKE]) == "escalates"
        and p < SIGNIFICANCE,
        identifier="slow-is-absent",
        where=WHERE,
        statement="Slow astrocytes protect by being absent: they have hardly left their start at "
        "zero when the run ends. Without astrocytes contexts are learned as well; astrocytes as "
        "slow that are awake from the start ruin learning.",
        published="the slow time-scale of astrocytes is instrumental in protecting outputs",
        measured=f"{_listed(paces)}; p = {p:.2g} that the slowest lose less than the awake",
        rule="stationary without astrocytes and with astrocytes held at zero, escalating with "
        f"slow ones that are awake, Wilcoxon (paired) p < {SIGNIFICANCE}",
        values={name: float(np.median(each)) for name, each in paces.items()} | {"p": p},
        otherwise="It is not absence alone: "
        + ", ".join(
            f"{name} {verdict(paces[name])}" for name in (NO_ASTROCYTES, "0", SLOWEST, AWAKE)
        )
        + ".",
    )


def answer(results: Results) -> Claim:
    """The scientific answer of the study."""
    ours = table(results, ["training"])["document"]
    controls, others = table(results, ["controls"]), table(results, ["input"])
    learned = table(results, ["learned"])
    strong, _ = _strong(results)
    tasks = of_task(results, "flip-flop")
    whole = {name: pace(tasks.sel(agent=name)) for name in ("vRNN", "GRU", "LSTM")}
    fair = {
        name: others[f"{name}, input weights and read-out learn"][NEITHER].pace for name in whole
    }
    loud = {name: others[f"{name}, input gain 10"][NEITHER].pace for name in whole}
    filtered = controls["leaky filter with read-out"][NEITHER].pace
    without = controls["no astrocytes"][NEITHER].pace
    everything = learned["window of three, all groups"][SEPARATE].pace
    synaptic = learned["window of three, W_in1, read-out, C and D"][SEPARATE].pace
    astrocytic = learned["window of three, W_in1, read-out, F, H and W_in2"][SEPARATE].pace

    def said(found: Mapping[str, np.ndarray]) -> str:
        return ", ".join(f"{name} {np.median(each):.1%}" for name, each in found.items())

    separation_is_idle = verdict(ours[EQUAL].pace) == verdict(ours[SEPARATE].pace) == "stationary"
    astrocytes_are_idle = verdict(without) == verdict(filtered) == "stationary"
    groups_decide = all(verdict(each) == "escalates" for each in whole.values()) and all(
        verdict(each) == "stationary" for each in fair.values()
    )
    return judged(
        separation_is_idle
        and astrocytes_are_idle
        and groups_decide
        and verdict(everything) == verdict(synaptic) == "escalates"
        and verdict(astrocytic) == "stationary",
        identifier="answer",
        where="Sections 2.2.3, 2.3 and 3.3",
        statement="What protects contexts from each other is which parameters learn and how "
        "strongly the signal comes in, not the separation of time scales.",
        published="it is the specific dynamical mechanisms that do the job",
        measured="Median loss in the last cycle of the flip-flop, of what choosing at random "
        f"loses. (1) With the state detached, the network keeps both contexts: "
        f"{np.median(ours[SEPARATE].pace):.1%} at tau = 0.01, {np.median(ours[EQUAL].pace):.1%} at "
        f"tau = 1. (2) So it does without astrocytes ({np.median(without):.1%}), and so do leaky "
        f"filters with a read-out ({np.median(filtered):.1%}). (3) Recurrent networks of which "
        f"everything learns fail ({said(whole)}); those of which, as in (1), input weights and "
        f"read-out learn do not ({said(fair)}); with ten times the input {said(loud)}. "
        "(4) The neuro-glial network fails like them once "
        f"a window of three lets all groups learn ({np.median(everything):.1%}): C and D "
        f"({np.median(synaptic):.1%}), not F, H and W_in2 ({np.median(astrocytic):.1%}). "
        "(5) The time scale matters where astrocytes act strongly: "
        f"tau = 1 {np.median(strong['1']):.1%}, {SLOWEST} {np.median(strong[SLOWEST]):.1%}, no "
        f"astrocytes {np.median(strong[NO_ASTROCYTES]):.1%}; slow ones are harmless because they "
        "stay near their start.",
        rule="stationary in (1) and (2); in (3) escalating where everything learns, and stationary "
        "where input weights and read-out do; in (4) escalating with C and D alone",
        values={
            "separate": float(np.median(ours[SEPARATE].pace)),
            "equal": float(np.median(ours[EQUAL].pace)),
            "no_astrocytes": float(np.median(without)),
            "filter": float(np.median(filtered)),
            "everything_learns": float(np.median(everything)),
            "synaptic_gains_learn": float(np.median(synaptic)),
            "astrocyte_gains_learn": float(np.median(astrocytic)),
        }
        | {name: float(np.median(each)) for name, each in whole.items()}
        | {f"{name}_input_and_readout": float(np.median(each)) for name, each in fair.items()},
        otherwise="One of the four comparisons comes out otherwise at this scale: see the numbers.",
    )


__all__ = ["claims"]
