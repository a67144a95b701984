"""Claims on the experimental test that the document proposes."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool
from scipy.stats import beta

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.peterson_2021.claims.intervals import Interval

Results = Mapping[str, xr.Dataset]

_POWER = 0.8
_FALSE_ALARMS = 0.15


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """What the test finds, what it takes for an echo, how much data and how little noise."""
    return as_far_as_run(
        partial(finds_echo, configuration, results),
        partial(clears_apart, configuration, results),
        partial(drivers, configuration, results),
        partial(direction, configuration, results),
        partial(data_needed, configuration, results),
        partial(noise_borne, configuration, results),
    )


def called(
    data: xr.Dataset, condition: str, direction: str, *, level: float, by: str = "length"
) -> Bool[np.ndarray, "circuits settings"]:
    """Whether one side is estimated from the other better than surrogates are."""
    chosen = data[f"p_by_{by}"].sel(condition=condition, direction=direction)
    return chosen.values <= level


def share(hits: Bool[np.ndarray, " circuits"]) -> Interval:
    """A share of circuits, with its exact 95 % interval."""
    n, k = len(hits), int(np.sum(hits))
    lower = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    upper = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return Interval(k / n, lower, upper)


def _rates(configuration: Mapping[str, Any], results: Results, condition: str) -> list[Interval]:
    """In both directions, with the most data."""
    data, level = results["cross-mapping"], configuration["cross_mapping"]["significance"]
    return [
        share(called(data, condition, str(each), level=level)[:, -1])
        for each in data.direction.values
    ]


def finds_echo(configuration: Mapping[str, Any], results: Results) -> Claim:
    """An echo is estimated from neurons."""
    rate, back = _rates(configuration, results, "echo")
    return judged(
        rate.value >= _POWER,
        identifier="cross-mapping-echo",
        where="Predictions",
        statement="If astrocyte waves only reflect neurons, cross mapping shows it.",
        published="this procedure should identify an equivalence",
        measured=f"astrocytes estimated from neurons better than surrogates in {rate} of circuits; "
        f"neurons from astrocytes in {back}{_scope(results)}",
        rule="in at least 80 % of circuits",
        values={"astrocytes_from_neurons": rate.value, "neurons_from_astrocytes": back.value},
        otherwise="slow astrocytes keep too little of fast neurons for recordings of this length",
    )


def clears_apart(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Independent astrocytes are no echo."""
    rate, back = _rates(configuration, results, "apart")
    level = configuration["cross_mapping"]["significance"]
    return judged(
        max(rate.lower, back.lower) <= level,
        identifier="cross-mapping-apart",
        where="Predictions",
        statement="Astrocytes that have nothing to do with neurons are not taken for an echo.",
        published="if patterns are not just reflections, this would be some evidence",
        measured=f"estimated better than surrogates in {rate} and {back} of circuits"
        f"{_scope(results)}",
        rule=f"the 95 % intervals of both shares hold the {level:.0%} expected by chance",
        values={"astrocytes_from_neurons": rate.value, "neurons_from_astrocytes": back.value},
        otherwise="circular shifts leave too few independent surrogates of a slow series",
    )


def drivers(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Astrocytes that act on neurons."""
    own, back = _rates(configuration, results, "own")
    return judged(
        own.value <= _FALSE_ALARMS,
        identifier="cross-mapping-drivers",
        where="Predictions",
        statement="Astrocytes that compute on their own and act on neurons are not taken for an "
        "echo.",
        published="equivalence would be that of an epiphenomenon",
        measured=f"astrocytes estimated from neurons better than surrogates in {own} of circuits, "
        f"neurons from astrocytes in {back}{_scope(results)}",
        rule="astrocytes are estimated from neurons in at most 15 % of circuits",
        values={"astrocytes_from_neurons": own.value, "neurons_from_astrocytes": back.value},
        otherwise="what acts on neurons leaves its mark on them: equivalence says that the two "
        "are coupled, and not which of them computes",
    )


def direction(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Both directions together."""
    data = results["cross-mapping"]
    forward, backward = (
        data.skill_by_length.isel(length=-1).sel(direction=each) for each in data.direction.values
    )
    # Astrocytes that are caused show it in their own states, from which neurons are estimated.
    excess = (backward - forward).values
    names = data.condition.values.tolist()
    echo, own = excess[names.index("echo")], excess[names.index("own")]
    area = float(np.mean(echo[:, None] > own[None, :]))
    return judged(
        area >= _POWER,
        identifier="cross-mapping-direction",
        where="beyond the document",
        statement="The two directions of cross mapping together tell an echo from astrocytes that "
        "drive neurons.",
        published="not considered",
        measured=f"skill for neurons from astrocytes minus skill for astrocytes from neurons: "
        f"{np.mean(echo):+.2f} in echoes, {np.mean(own):+.2f} where astrocytes drive; the "
        f"echo has the larger one in {area:.0%} of pairs{_scope(results)}",
        rule="in at least 80 % of pairs",
        values={"echo": float(np.mean(echo)), "own": float(np.mean(own)), "area": area},
        otherwise="an echo so close that each side is a function of the other has no direction, "
        "and astrocytes that modulate synapses are estimated by neither",
    )


def data_needed(configuration: Mapping[str, Any], results: Results) -> Claim:
    """How long a recording."""
    data, numbers = results["cross-mapping"], configuration["cross_mapping"]
    rates = {
        condition: called(
            data, condition, str(data.direction.values[0]), level=numbers["significance"]
        ).mean(axis=0)
        for condition in ("echo", "apart")
    }
    good = (rates["echo"] >= _POWER) & (rates["apart"] <= _FALSE_ALARMS)
    lengths = data.length.values
    enough = float(lengths[good][0]) if good.any() else np.inf
    listed = ", ".join(
        f"{n}: {e:.0%} and {a:.0%}"
        for n, e, a in zip(lengths, rates["echo"], rates["apart"], strict=True)
    )
    return judged(
        bool(good.any()),
        identifier="cross-mapping-data",
        where="Predictions",
        statement="A recording of the length tried here tells an echo from independence.",
        published="good initial evidence",
        measured=f"echoes found and false alarms by samples of {numbers['sampling']:g} ms: {listed}"
        + (f"; enough from {enough:.0f}" if good.any() else ""),
        rule="at some length at least 80 % of echoes and at most 15 % false alarms",
        values={"samples": enough},
        otherwise="longer recordings would be needed",
    )


def noise_borne(configuration: Mapping[str, Any], results: Results) -> Claim:
    """How much noise."""
    data, numbers = results["cross-mapping"], configuration["cross_mapping"]
    rates = called(
        data, "echo", str(data.direction.values[0]), level=numbers["significance"], by="noise"
    ).mean(axis=0)
    levels = data.noise.values
    borne = levels[rates >= _POWER]
    most = float(borne.max()) if borne.size else np.nan
    listed = ", ".join(f"{n:g}: {e:.0%}" for n, e in zip(levels, rates, strict=True))
    return judged(
        bool(np.any(borne > 0)),
        identifier="cross-mapping-noise",
        where="Predictions",
        statement="Echoes are found with noisy measurements.",
        published="using only noisy measurements",
        measured=f"echoes found by measurement noise, in standard deviations of the signal: "
        f"{listed}{_scope(results)}",
        rule="at least 80 % of echoes at some level above 0",
        values={"most": most},
        otherwise="noise hides the neighbours of a state",
    )


def _scope(results: Results) -> str:
    data = results["cross-mapping"]
    return f" ({data.sizes['circuit']} circuits, {int(data.length[-1])} samples)"


__all__ = ["called", "claims", "share"]
