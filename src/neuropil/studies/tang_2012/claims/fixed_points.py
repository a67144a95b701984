"""Claims on steady states: uniqueness, convergence, linearity in strength (Fig. 3)."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]

SAME = 0.01
"""Limits of the iteration closer than this, in mV, are the same fixed point."""


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Banach's condition, the iteration, and how fixed points move with strength."""
    return as_far_as_run(
        partial(contraction_proves_uniqueness, configuration, results),
        partial(contraction_is_cautious, configuration, results),
        partial(one_fixed_point, configuration, results),
        partial(several_fixed_points, configuration, results),
        partial(excitatory_is_linear, configuration, results),
        partial(linearity_is_saturation, configuration, results),
        partial(mixed_stops_converging, configuration, results),
        partial(fixed_points_go_on, configuration, results),
        partial(mixed_is_less_linear, configuration, results),
        partial(larger_networks_are_steeper, configuration, results),
    )


def ensembles(configuration: Mapping[str, Any], results: Results, kind: str) -> list[xr.Dataset]:
    """Both random families of one kind, at all sizes."""
    return [
        results[f"{family}-{kind}-{size}"]
        for family in ("erdos-renyi", "sonet")
        for size in configuration["ensemble"]["sizes"]
    ]


def contraction_proves_uniqueness(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Where max r' |W| < 1 every start must lead to the same fixed point."""
    tested = violated = 0
    for kind in ("excitatory", "mixed"):
        for data in ensembles(configuration, results, kind):
            proven = _proven(results, data, "bound_infinity")
            failed = (data.spread_of_limits > SAME) | (data.share_of_starts_converged < 1)
            tested += int(proven.sum())
            violated += int((proven & failed).sum())
    starts = configuration["ensemble"]["starts"]
    return judged(
        violated == 0 and tested > 0,
        identifier="contraction-implies-uniqueness",
        where="Steady-states: analytically",
        statement="Where max r' |W| < 1 the iteration converges to one fixed point from any "
        "initial value.",
        published="theorem (Banach)",
        measured=f"{violated} exceptions in {tested} networks and strengths, {starts} starts each",
        rule="no exception",
        values={"tested": float(tested), "exceptions": float(violated)},
        otherwise="some starts led elsewhere although the condition holds",
    )


def _proven(results: Results, data: xr.Dataset, bound: str) -> xr.DataArray:
    """Where the norm proves uniqueness, among the networks examined with many starts."""
    largest_slope = float(results["neuron"].largest_slope)
    examined = data[bound][: data.sizes["examined"]].rename(network="examined")
    return data.strength * examined * largest_slope < 1


def contraction_is_cautious(configuration: Mapping[str, Any], results: Results) -> Claim:
    """How far beyond the proven range the iteration converges all the same."""
    ratios = []
    for data in ensembles(configuration, results, "mixed"):
        largest_slope = float(results["neuron"].largest_slope)
        proven = 1 / (largest_slope * data.bound_weighted[: data.sizes["examined"]].values)
        stable = (data.spectral_radius < 1).values
        last = [
            data.strength.values[row.argmin() - 1] if not row.all() else np.nan for row in stable
        ]
        ratios += list(np.array(last) / proven)
    median = float(np.nanmedian(ratios))
    return judged(
        median >= 1,
        identifier="contraction-is-sufficient-only",
        where="Steady-states: analytically",
        statement="The condition is sufficient: the iteration converges beyond it.",
        published="(not stated)",
        measured="mixed networks converge locally up to "
        f"{median:.1f} times the strength that the best weighted norm proves (median)",
        rule="the ratio is at least one, as it must be",
        values={"median_ratio": median},
        otherwise="the bound was passed where the iteration was already unstable",
    )


def one_fixed_point(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Several dozen initial values: was the fixed point always the same?"""
    several = tested = 0
    for kind in ("excitatory", "mixed"):
        for data in ensembles(configuration, results, kind):
            spread = data.spread_of_limits.values
            tested += int(np.isfinite(spread).sum())
            several += int((spread > SAME).sum())
    share = several / tested
    return judged(
        several == 0,
        identifier="fixed-point-unique-from-many-starts",
        where="Steady-states: numerically",
        statement="Several dozen initial values lead to the same fixed point.",
        published="compared for uniqueness (outcome not given)",
        measured=f"more than one limit in {several} of {tested} networks and strengths "
        f"({share:.1%})",
        rule="one limit in every network at every strength",
        values={"several": float(several), "tested": float(tested)},
        otherwise="strongly coupled networks have several stable fixed points; which one the "
        "iteration finds depends on where it starts",
    )


def several_fixed_points(configuration: Mapping[str, Any], results: Results) -> Claim:
    """A weaker drive makes the same excitatory networks bistable, between two folds."""
    data = results["branches-bistable"]
    folds = data.fold_strength.values
    both = np.isfinite(folds).all(axis=1)
    lower, upper = np.median(folds[both], axis=0) if both.any() else (np.nan, np.nan)
    inside = data.distinct_limits.values
    holds = bool(both.all() and np.all(inside == 2))
    return judged(
        holds,
        identifier="bistable-below-threshold",
        where="Steady-states: numerically (extension)",
        statement="Uniqueness is a property of the drive: driven further below threshold, "
        "excitatory networks have two stable fixed points between two folds.",
        published="(not stated)",
        measured=f"{int(both.sum())} of {len(both)} networks have two folds, at strengths "
        f"{lower:.1f} and {upper:.1f} mV ms (medians); iteration from "
        "below and from above ends apart between them in "
        f"{int(np.sum(inside == 2))}",
        rule="two folds on every branch, and two limits between them",
        values={"lower_fold": float(lower), "upper_fold": float(upper)},
        otherwise="not every network was bistable",
    )


def _linear_share(data: xr.Dataset) -> float:
    """Median R^2 of straight lines through each neuron's fixed points against strength."""
    strength = data.strength.values
    inputs = data.example_input.values
    usable = np.isfinite(inputs).all(axis=-1)
    shares = []
    for network, kept in zip(inputs, usable, strict=True):
        if kept.sum() < 3:
            continue
        x = strength[kept] - strength[kept].mean()
        y = network[kept] - network[kept].mean(axis=0)
        y = y[:, np.ptp(y, axis=0) > 0]  # a neuron without inputs stays where it is
        explained = (x @ y) ** 2 / (np.sum(x**2) * np.sum(y**2, axis=0))
        shares += list(explained)
    return float(np.median(shares))


def excitatory_is_linear(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Fixed points of excitatory networks against strength."""
    share = min(_linear_share(data) for data in ensembles(configuration, results, "excitatory"))
    last = min(
        float(data.input.sel(moment="mean")[:, -1].mean())
        for data in ensembles(configuration, results, "excitatory")
    )
    return judged(
        share > 0.99,
        identifier="excitatory-linear-unbounded",
        where="Preliminary Results; Fig. 3, bottom",
        statement="In purely excitatory networks fixed points grow linearly and without bound "
        "with connection strength.",
        published="very linear and unbounded",
        measured=f"straight lines explain {share:.2%} of the variance along strength (median over "
        f"neurons, worst ensemble); mean input reaches {last:.0f} mV at the largest strength",
        rule="above 99 % in every ensemble",
        values={"explained": share, "largest_mean_input": last},
        otherwise="fixed points bend away from straight lines",
    )


def linearity_is_saturation(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Is the straight line made by the network or by the ceiling of the rate?"""
    data = results["branches-saturation"]
    slope = float(data.slope_over_ceiling.sel(refractory="with").median())
    lost = data.largest_strength.sel(refractory="without")
    limit = configuration["branches"]["largest_strength"]
    share_lost = float((lost < 0.99 * limit).mean())
    return judged(
        abs(slope - 1) < 0.1 and share_lost == 1,
        identifier="linearity-is-saturation",
        where="Preliminary Results (explained)",
        statement="The straight line is the ceiling of the rate: its slope is in-degree over "
        "refractory period, and without a refractory period it does not exist.",
        published="(not stated)",
        measured=f"slope over (in-degree / refractory period): {slope:.3f} (median); without "
        f"refractoriness the rates run away at {float(lost.median()):.1f} mV ms (median) in "
        f"{share_lost:.0%} of the networks",
        rule="slope within 10 % of the ceiling's, and no fixed point at the largest strength "
        "without refractoriness in any network",
        values={"slope_over_ceiling": slope, "runaway_strength": float(lost.median())},
        otherwise="the slope is not that of the ceiling, or fixed points survive without it",
    )


def mixed_stops_converging(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The iteration on mixed networks at the strengths of the poster."""
    shares = {
        f"{data.attrs['family']}_{data.attrs['neurons']}": float(
            data.iteration_converged.all("strength").mean()
        )
        for data in ensembles(configuration, results, "mixed")
    }
    excitatory = [
        bool(data.iteration_converged.all())
        for data in ensembles(configuration, results, "excitatory")
    ]
    listed = ", ".join(f"{name.replace('_', ' ')}: {share:.0%}" for name, share in shares.items())
    return judged(
        all(share < 1 for share in shares.values()) and any(s > 0 for s in shares.values()),
        identifier="mixed-not-all-converge",
        where="Preliminary Results; Fig. 3, top",
        statement="Convergence is not observed for all mixed networks: some converge fully, some "
        "stop converging at larger strengths.",
        published="some, not all",
        measured=f"networks that converge at every strength: {listed}; excitatory: "
        f"{'all' if all(excitatory) else 'not all'}",
        rule="fewer than all in every mixed ensemble, and more than none in one",
        values=shares,
        otherwise="all or none of the mixed networks converge",
    )


def fixed_points_go_on(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Where the iteration fails, is there a fixed point?"""
    failed = found = 0
    for data in ensembles(configuration, results, "mixed"):
        lost = ~data.iteration_converged
        failed += int(lost.sum())
        found += int((lost & data.found).sum())
    branches = results["branches-mixed"]
    reached = float(branches.reached_end.mean())
    unstable = float(branches.iteration_unstable_where_failed.mean())
    return judged(
        found > 0.9 * failed and reached == 1,
        identifier="fixed-points-outlive-the-iteration",
        where="Preliminary Results (explained)",
        statement="Where the iteration does not converge the fixed point is still there; the "
        "iteration has lost its stability.",
        published="(not stated)",
        measured=f"Newton's method finds one in {found} of {failed} failures; continuation "
        f"follows {reached:.0%} of the branches to the largest strength; the spectral radius "
        f"exceeds one at {unstable:.0%} of the failures on them",
        rule="found in over 90 % of failures, and every branch followed to the end",
        values={"failures": float(failed), "found": float(found), "reached_end": reached},
        otherwise="some failures of the iteration have no fixed point that was found",
    )


def mixed_is_less_linear(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Linearity of mixed networks against that of excitatory ones."""
    mixed = max(_linear_share(data) for data in ensembles(configuration, results, "mixed"))
    excitatory = min(
        _linear_share(data) for data in ensembles(configuration, results, "excitatory")
    )
    return judged(
        mixed < excitatory,
        identifier="mixed-less-linear",
        where="Preliminary Results; Fig. 3",
        statement="In mixed networks the relation between fixed points and strength is much less "
        "linear.",
        published="much less linear",
        measured=f"straight lines explain at most {mixed:.1%} in mixed ensembles, at least "
        f"{excitatory:.2%} in excitatory ones (medians over neurons)",
        rule="every mixed ensemble below every excitatory one",
        values={"mixed": mixed, "excitatory": excitatory},
        otherwise="mixed networks are as linear as excitatory ones",
    )


def larger_networks_are_steeper(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Slope of the mean fixed point in strength at the two sizes."""
    small, large = configuration["ensemble"]["sizes"][0], configuration["ensemble"]["sizes"][-1]
    ratios = {}
    for family in ("erdos-renyi", "sonet"):
        slopes = []
        for size in (small, large):
            data = results[f"{family}-excitatory-{size}"]
            mean = data.input.sel(moment="mean").mean("network").values
            slopes.append(np.polyfit(data.strength.values, mean, 1)[0])
        ratios[family.replace("-", "_")] = float(slopes[1] / slopes[0])
    expected = (large - 1) / (small - 1)
    return judged(
        all(ratio > 1 for ratio in ratios.values()),
        identifier="larger-networks-steeper",
        where="Preliminary Results",
        statement="Larger networks have a larger rate of change of fixed points with strength.",
        published="larger",
        measured=f"slope at {large} over slope at {small} neurons: "
        + ", ".join(f"{name.replace('_', '-')} {ratio:.2f}" for name, ratio in ratios.items())
        + f" (ratio of mean in-degrees {expected:.2f})",
        rule="above one in both families",
        values=ratios,
        otherwise="the slope does not grow with size",
    )
