"""Claims on Fig. 4: robustness to leak, lost messages and noise."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.studies.claims import Claim, Verdict, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.peterson_2021.claims.intervals import median, median_difference
from neuropil.studies.peterson_2021.networks import LABELS

Results = Mapping[str, xr.Dataset]

ROBUST = 0.9
_LIMIT = 0.3
_JUMP = 0.5
_LEARNED = 0.1


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Every statement for every form of steps."""
    statements = (
        leak_robust,
        leak_sharp,
        partial(smooth, disturbance="loss"),
        partial(smooth, disturbance="noise"),
        control,
    )
    return as_far_as_run(
        *(
            partial(_if_learned, results, form, statement)
            for form in configuration["disturbances"]["forms"]
            for statement in statements
        )
    )


def _if_learned(results: Results, form: str, statement: Callable[..., Claim]) -> Claim:
    """The claim, not tested where undisturbed networks have learned nothing to lose."""
    claim, data = statement(results, form), results[shard_of(form)]
    undisturbed, chance = float(np.median(data.leak.values[0])), float(data.chance)
    if undisturbed > chance + _LEARNED:
        return claim
    return dataclasses.replace(
        claim,
        verdict=Verdict.NOT_TESTED,
        explanation=f"undisturbed networks reach {undisturbed:.2f} in the epochs of this scale, "
        f"and one answer to everything {chance:.2f}",
    )


def shard_of(form: str) -> str:
    """Name of the shard of a form."""
    return f"disturbances-{form}".replace("_", "-")


def kept(data: xr.Dataset, disturbance: str) -> Float[np.ndarray, " levels"]:
    """Median accuracy above chance at every level, relative to that of level 0."""
    above = np.median(data[disturbance].values, axis=1) - float(data.chance)
    return above / above[0]


def leak_robust(results: Results, form: str) -> Claim:
    """Little happens below 0.3."""
    data = results[shard_of(form)]
    levels, share = data.leak_level.values, kept(data, "leak")
    below = share[levels < _LIMIT].min()
    return judged(
        bool(below >= ROBUST),
        identifier=f"leak-robust-{form}".replace("_", "-"),
        where="Experimental results, Fig. 4a",
        statement=f"{_who(form)}: performance is robust to leak below 0.3.",
        published="robust to < 0.3 standard deviations of leak",
        measured=f"at least {below:.0%} of the undisturbed accuracy above chance is kept below "
        f"0.3 ({_medians(data, 'leak')})",
        rule="at least 90 %",
        values={"kept": float(below)},
        otherwise="leak takes its toll in every step: a small one is already felt after ten",
    )


def leak_sharp(results: Results, form: str) -> Claim:
    """Then much is lost at once."""
    data = results[shard_of(form)]
    levels, share = data.leak_level.values, kept(data, "leak")
    beyond = levels >= _LIMIT
    lost = max(-np.diff(share[beyond]).min(), 0.0)
    return judged(
        bool(lost >= _JUMP * share[beyond][0] and share[-1] < 0.5),
        identifier=f"leak-sharp-{form}".replace("_", "-"),
        where="Experimental results, Fig. 4a",
        statement=f"{_who(form)}: beyond 0.3 of leak, performance declines sharply.",
        published="sharp decline",
        measured=f"largest loss from one level to the next {lost:.0%} of the undisturbed accuracy "
        f"above chance; {share[-1]:.0%} is left at {levels[-1]:g}",
        rule="more than half is lost from one level to the next, and less than half is left at "
        "the end",
        values={"largest_loss": float(lost), "left": float(share[-1])},
        otherwise=f"the decline is gradual: a normalised Gaussian of {levels[-1]:g} cells keeps "
        f"{_kept_in_cell(levels[-1]):.0%} of a signal in its cell, and networks are trained with "
        "the blur that they are tested with",
    )


def _kept_in_cell(spread: float) -> float:
    distance = np.arange(-3, 4)
    return float(1 / np.sum(np.exp(-0.5 * (distance / spread) ** 2)))


def smooth(results: Results, form: str, disturbance: str) -> Claim:
    """Loss and noise take accuracy away little by little."""
    data = results[shard_of(form)]
    share = kept(data, disturbance)
    lost = max(-np.diff(share).min(), 0.0)
    return judged(
        bool(lost < _JUMP),
        identifier=f"{disturbance}-smooth-{form}".replace("_", "-"),
        where=f"Experimental results, Fig. 4{'b' if disturbance == 'loss' else 'c'}",
        statement=f"{_who(form)}: accuracy declines smoothly with {disturbance}.",
        published="much smoother declines",
        measured=f"largest loss from one level to the next {lost:.0%} of the undisturbed accuracy "
        f"above chance ({_medians(data, disturbance)})",
        rule="no step between levels loses half",
        values={"largest_loss": float(lost), "left": float(share[-1])},
        otherwise=_steepest(data, disturbance),
    )


def _steepest(data: xr.Dataset, disturbance: str) -> str:
    levels, share = data[f"{disturbance}_level"].values, kept(data, disturbance)
    at = int(np.argmin(np.diff(share)))
    return (
        f"{share[at]:.0%} of the undisturbed accuracy above chance at {levels[at]:g} become "
        f"{share[at + 1]:.0%} at {levels[at + 1]:g}: ten steps add up what each of them suffers"
    )


def control(results: Results, form: str) -> Claim:
    """The undisturbed column shows another front end."""
    data = results[shard_of(form)]
    undisturbed, shown = data.leak.values[0], data.control.values
    difference = median_difference(undisturbed, shown)
    return judged(
        difference.meets(0.0, 0.0),
        identifier=f"figure-4-control-{form}".replace("_", "-"),
        where="Fig. 4, columns at 0.0",
        statement=f"{_who(form)}: the column without disturbance is a control for the others.",
        published="0.68 at 0.0; 0.82 undisturbed behind the front end of the other columns",
        measured=f"behind a random projection, as in the column, {median(shown)}; behind the "
        f"trained autoencoder of the other columns {median(undisturbed)}",
        rule="the 95 % interval of the difference of medians holds 0",
        values={"difference": difference.value},
        otherwise="the two front ends differ by themselves, so that the column is no control",
    )


def _who(form: str) -> str:
    return LABELS[form].capitalize()


def _medians(data: xr.Dataset, disturbance: str) -> str:
    values = np.median(data[disturbance].values, axis=1)
    pairs = zip(data[f"{disturbance}_level"].values, values, strict=True)
    return ", ".join(f"{level:g}: {value:.2f}" for level, value in pairs)


__all__ = ["claims", "kept", "shard_of"]
