"""Claims on the two problems that combine this document with the others."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import t as student

from neuropil.result import Outcome
from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]
WHERE = "Across the documents"


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Motifs with a prescribed fold, and networks with prescribed rates."""
    return as_far_as_run(
        partial(three_fixed_points, configuration["three_fixed_points"], results),
        partial(heterogeneous_rates, configuration["heterogeneous_rates"], results),
    )


def three_fixed_points(settings: Mapping[str, Any], results: Results) -> list[Claim]:
    """Where the fold lies, how many stationary states there are, and the entropy both ways."""
    data = results["three-fixed-points"]
    fold = data.sampled_fold.values
    beside = settings["beside"]
    return [
        targets_met(
            data,
            identifier="motif-fold",
            statement="Motifs around Fig. 9 of Gong et al. have a distribution of largest entropy "
            f"in which the fold lies at {settings['fold']} with a standard deviation of "
            f"{settings['deviation']}.",
            found=f"folds of {fold.size} samples at {np.nanmean(fold):.4f} with a standard "
            f"deviation of {np.nanstd(fold):.4f}",
        ),
        certified(data, beside),
        stiff_ratio(data),
        two_entropies(data, "motif-entropy", f"the {data.parameter.size} parameters of the motif"),
    ]


def certified(data: xr.Dataset, beside: float) -> Claim:
    """One stationary state below the fold and three above it, by proof."""
    expected = np.array([[1], [3]])
    right = (data["count"].values == expected) & (data.complete.values == 1)
    shares = right.mean(axis=1)
    both = float(right.all(axis=0).mean())
    motifs = right.shape[1]
    return judged(
        both >= 0.99,
        identifier="motif-three-fixed-points",
        where=WHERE,
        statement="Sampled motifs have exactly three stationary states just above their fold, and "
        "exactly one just below it.",
        published="no value: Fig. 9 of Gong et al. shows one motif",
        measured=f"certified counts: one below in {shares[0]:.1%}, three above in {shares[1]:.1%}, "
        f"both in {both:.1%} of {motifs} samples (outputs {beside:g} to either side)",
        rule="both, with proof that none is missing, in at least 99 % of the samples",
        values={"below": float(shares[0]), "above": float(shares[1]), "both": both},
        otherwise="a second pair of stationary states lies at the fold of some motifs: their count "
        "has to enter the behaviour",
    )


def stiff_ratio(data: xr.Dataset) -> Claim:
    """Which combination of parameters the fold ties down, and which it leaves free."""
    names = list(data.parameter.values)
    correlation = np.corrcoef(data.value.values.T)
    tied = correlation[names.index("hebbian_gain_1"), names.index("glial_gain_1")]
    # Both gains have opposite signs, so that the ratio stays where both grow.
    others = [i for i, name in enumerate(names) if name not in ("hebbian_gain_1", "glial_gain_1")]
    largest = max(abs(correlation[i, j]) for i in others for j in range(len(names)) if i != j)
    return judged(
        bool(tied < -0.7 and largest < 0.3),
        identifier="motif-stiff-direction",
        where=WHERE,
        statement="The fold ties the Hebbian gain of one synapse to its glial gain, and leaves the "
        "other parameters nearly free.",
        published="none",
        measured=f"correlation of c1 and d1 {tied:.2f}; the largest of all other pairs "
        f"{largest:.2f}",
        rule="beyond -0.7, and the others within 0.3 of zero",
        values={"tied": float(tied), "largest_other": float(largest)},
        otherwise="other parameters shift the fold as much",
    )


def heterogeneous_rates(settings: Mapping[str, Any], results: Results) -> list[Claim]:
    """What the reduced theory was asked for, and what fresh networks show."""
    data = results["heterogeneous-rates"]
    mean, variation = settings["mean_rate"], settings["variation"]
    stored = data.predicted.values
    return [
        targets_met(
            data,
            identifier="rates-targets",
            statement="Wirings and couplings have a distribution of largest entropy with a mean "
            f"rate of {mean:g} Hz and a coefficient of variation of {variation:g} over neurons.",
            found=f"{len(stored)} samples by the reduced theory: {stored[:, 0].mean():.2f} Hz "
            f"(s.d. {stored[:, 0].std():.2f}), variation {stored[:, 1].mean():.3f} "
            f"(s.d. {stored[:, 1].std():.3f})",
        ),
        fresh_networks(data, 0, "rates-mean", "mean rate", "Hz"),
        fresh_networks(data, 1, "rates-variation", "coefficient of variation of rates", ""),
        two_entropies(data, "rates-entropy", "connection probability, motifs and coupling"),
    ]


def fresh_networks(
    data: xr.Dataset, column: int, identifier: str, quantity: str, unit: str
) -> Claim:
    """One statistic measured in fresh networks against the target; the theory's bias."""
    measured = data.measured.values[:, column]
    solved = np.isfinite(measured)
    theory = data.predicted.values[: measured.size, column]
    target, deviation = float(data.target[column]), float(data.deviation[column])
    mean, half = interval(measured[solved])
    bias, bias_half = interval((measured - theory)[solved])
    spread = float(np.std((measured - theory)[solved], ddof=1))
    suffix = f" {unit}" if unit else ""
    return judged(
        abs(mean - target) <= max(deviation, half),
        identifier=identifier,
        where=WHERE,
        statement=f"Fresh networks with sampled parameters have the prescribed {quantity}.",
        published=f"target {target:g}{suffix}, allowed spread {deviation:g}{suffix}",
        measured=f"{mean:.4g} +- {half:.2g}{suffix} (95 %) in {solved.sum()} of {measured.size} "
        f"networks of {int(data.neurons)} neurons; bias of the reduced theory "
        f"{-bias:+.2g} +- {bias_half:.2g}{suffix}, a single network is off by {spread:.2g}{suffix}",
        rule="within the allowed spread, or the interval where that is wider",
        values={"mean": mean, "half_interval": half, "theory_bias": -bias, "spread": spread},
        otherwise="the reduced theory averages over networks before rates are computed, and a "
        "network of this size differs from that average",
    )


def targets_met(data: xr.Dataset, *, identifier: str, statement: str, found: str) -> Claim:
    """Every constraint within its tolerance, with the natural parameters that say so."""
    eta = "; ".join(
        f"{row} {float(data.eta.sel(way='path', row=row)):.4g} +- "
        f"{float(data.eta_error.sel(way='path', row=row)):.2g}"
        for row in data.row.values
    )
    outside = 1.0 - float(data.inside_share.sel(way="path"))
    return judged(
        int(data.outcome) == Outcome.SUCCESSFUL,
        identifier=identifier,
        where=WHERE,
        statement=statement,
        published="none: the document did not combine its method with these circuits",
        measured=f"{found}; natural parameters: {eta}; {outside:.1%} of the support has no such "
        f"statistics; {int(data.simulations)} evaluations",
        rule="every constraint within its tolerance at 95 % confidence",
        values={
            "outside": outside,
            **{f"eta {row}": float(data.eta.sel(way="path", row=row)) for row in data.row.values},
        },
        otherwise="the path ended before every interval was within its tolerance",
    )


def two_entropies(data: xr.Dataset, identifier: str, of_what: str) -> Claim:
    """The entropy along the path against that of weighted draws from the support."""
    path, weighed = (float(value) for value in data.entropy)
    error = float(np.hypot(*data.entropy_error.values))
    support = float(data.entropy_of_support)
    draws = float(data.effective_samples.sel(way="weighted draws"))
    return judged(
        abs(path - weighed) <= 4 * error,
        identifier=identifier,
        where=WHERE,
        statement=f"The entropy of {of_what} is the same from two ways that share no samples.",
        published="none",
        measured=f"{path:.3f} +- {float(data.entropy_error[0]):.3f} nats along the path (at most "
        f"{float(data.entropy_gap):.2g} below the maximum), {weighed:.3f} +- "
        f"{float(data.entropy_error[1]):.3f} from draws of the whole support worth {draws:.0f} "
        f"samples; the support itself has {support:.3f}",
        rule="within four standard errors",
        values={"path": path, "weighted": weighed, "support": support},
        otherwise="one of the two has missed a part of the support",
    )


def interval(values: np.ndarray) -> tuple[float, float]:
    """The mean and half the width of its interval at 95 %."""
    error = float(np.std(values, ddof=1)) / np.sqrt(values.size)
    return float(np.mean(values)), float(student.ppf(0.975, values.size - 1)) * error


__all__ = ["claims"]
