"""Claims on bounds, existence and uniqueness, and SI.4's search for two fixed points."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]

HAIR = 1e-9
"""What rounding may add to Omega, relative to its width."""


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Theorems 1 to 3, Remark 2, and the paragraph around eq. (24)."""
    return as_far_as_run(
        partial(ultimately_bounded, configuration, results),
        partial(there_is_a_fixed_point, results),
        partial(condition_19_is_sufficient, results),
        partial(other_norms_prove_more, results),
        partial(printed_equation_has_two_roots, configuration, results),
        partial(two_fixed_points, configuration, results),
        partial(positive_parameters_give_one, results),
    )


def ultimately_bounded(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Theorem 1 by interval arithmetic, and by trajectories from outside."""
    data = results["boundedness"]
    grown = float(data.relative_growth.max())
    excess = float(data.relative_excess.max())
    trajectories = configuration["random"]["trajectories"]
    volume = float(np.log10(data.attracting_volume).median())
    return judged(
        grown < HAIR and excess < HAIR,
        identifier="theorem-1-bounded",
        where="SI.4, Theorem 1",
        statement="Without inputs the motif is ultimately bounded in Omega.",
        published="theorem",
        measured=f"the field points inwards on all faces of Omega, widened by at most {grown:.0e} "
        f"of its width, in {data.sizes['circuit']} random motifs; {trajectories} trajectories "
        f"each, from up to three times Omega, end inside (largest excess {excess:.0e}). The box "
        f"that decay proves attracting has 10^{volume:.0f} of the volume of Omega (median)",
        rule="inward field on the faces of Omega by intervals, and all trajectories inside at the "
        "end",
        values={"growth": grown, "excess": excess, "log10_volume": volume},
        otherwise="a face of Omega lets trajectories out",
    )


def there_is_a_fixed_point(results: Results) -> Claim:
    """Theorem 2 by certified counts, which are odd away from folds."""
    data = results["existence"]
    count = data["count"].values
    decided = data.complete.values == 1
    odd = bool(np.all(count[decided] % 2 == 1))
    return judged(
        bool(np.all(count >= 1)) and odd,
        identifier="theorem-2-existence",
        where="SI.4, Theorem 2",
        statement="The motif has at least one fixed point in Omega.",
        published="theorem (Brouwer)",
        measured=f"certified number of fixed points in {count.size} random motifs: "
        + ", ".join(f"{n} in {int(np.sum(count == n))}" for n in np.unique(count))
        + f"; undecided: {int(np.sum(~decided))}",
        rule="at least one in each, and an odd number wherever the count is proved complete",
        values={"motifs": float(count.size), "undecided": float(np.sum(~decided))},
        otherwise="a motif without a fixed point, or with an even number of them",
        explanation="The number is odd because the field points inwards on Omega: the indices of "
        "the fixed points add up to one sign.",
    )


def condition_19_is_sufficient(results: Results) -> Claim:
    """Theorem 3 by certified counts where the condition holds."""
    data = results["uniqueness"]
    count = data["count"].values
    return judged(
        bool(np.all(count == 1) and np.all(data.complete == 1) and np.all(data.condition_19 == 1)),
        identifier="theorem-3-uniqueness",
        where="SI.4, eq. 19 and Theorem 3",
        statement="Where (19) holds the motif has a unique fixed point, and it lies in Omega.",
        published="theorem (Banach)",
        measured=f"exactly one, proved, in {int(np.sum(count == 1))} of {count.size} random motifs "
        f"that obey (19), at most {float(data.largest_reach):.0%} of the way to a face of Omega",
        rule="a certified count of one in all",
        values={"motifs": float(count.size)},
        otherwise="several fixed points although the condition holds",
    )


def other_norms_prove_more(results: Results) -> Claim:
    """Remark 2: what the other norms prove where the 1-norm does or does not."""
    data = results["uniqueness"]
    norm = data.norm
    proved = (norm < 1).mean("certified")
    best = float((norm.sel(kind="weighted") <= norm.min("kind") + HAIR).mean())
    return judged(
        bool(proved.sel(kind="one") == 1 and best == 1),
        identifier="norms",
        where="SI.4, eq. 17 to 19 and Remark 2",
        statement="(19) is the 1-norm's condition; other norms give other sufficient conditions.",
        published="(stated)",
        measured="share of motifs obeying (19) that a norm of interval bounds proves: "
        + ", ".join(f"{name} {float(proved.sel(kind=name)):.0%}" for name in norm.kind.values)
        + f"; the best weighted norm is the smallest in {best:.0%}",
        rule="the 1-norm proves all of them, and no norm is below the best weighted one",
        values={f"proved_{name}": float(proved.sel(kind=name)) for name in norm.kind.values},
        otherwise="the 1-norm of the Jacobian's bounds does not prove what the closed form states",
    )


def printed_equation_has_two_roots(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Eq. (24) as it stands: certified roots over the gain."""
    data = results["window"]
    first, last = configuration["window"]["between"]
    gain, roots = data.gain.values, data.printed_roots.values
    step = gain[1] - gain[0]
    inside = (gain > first + step) & (gain < last - step)
    outside = (gain < first - step) | (gain > last + step)
    lowest = float(data.printed_fold[0]) if data.sizes["fold"] else float("nan")
    return judged(
        bool(
            np.all(roots[inside] == 2) and np.all(roots[outside] < 2) and abs(lowest - first) < 1e-4
        ),
        identifier="equation-24-two-roots",
        where="SI.4, eq. 24 and Fig. 7",
        statement="The two sides of (24) intersect for -1.5595 < c2 < -1.1307, twice in Fig. 7B.",
        published=f"{first} to {last}",
        measured=f"two roots at all of {int(inside.sum())} gains inside, fewer outside; the lower "
        f"end is a fold at {lowest:.5f}",
        rule="certified number of roots in (0, 1) on a grid, and the fold within 1e-4",
        values={"lower_end": lowest},
        otherwise="the printed equation has another number of roots",
    )


def two_fixed_points(configuration: Mapping[str, Any], results: Results) -> Claim:
    """The conclusion drawn from (24), judged by certified counts over the whole window."""
    data = results["window"]
    most = data.most_equilibria.values
    intervals = int(data.intervals.sum())
    proved = bool(np.all(data.proved == 1))
    first, last = configuration["window"]["between"]
    only_one = bool(np.all(most == 1)) and proved
    return judged(
        bool(np.all(most == 2)) and proved,
        identifier="two-fixed-points",
        where="SI.4, below eq. 24",
        statement="In that window the circuit has two fixed points.",
        published="two",
        measured=(
            f"exactly one, proved for every c2 from {first} to {last} ({intervals} intervals, "
            f"{len(most)} choices of decays with a1 b2 = a2 b1 = 0.1)"
            if only_one
            else f"at most {int(most.max())}, complete: {proved}"
        ),
        rule="certified count of the motif itself over intervals of c2 that cover the window",
        values={"most": float(most.max()), "intervals": float(intervals)},
        otherwise="(23) gives x* = ln((1 - sigma) / sigma), but the next line uses its negative; "
        "and (24) adds two equations for one unknown, so its roots need not solve either of them. "
        "The number of fixed points is odd away from folds, so two cannot persist over an "
        "interval.",
    )


def positive_parameters_give_one(results: Results) -> Claim:
    """SI.4's first case of (24)."""
    data = results["positive"]
    count = data["count"].values
    return judged(
        bool(np.all(count == 1) and np.all(data.complete == 1)),
        identifier="positive-parameters",
        where="SI.4, below eq. 24",
        statement="With all parameters positive there is a unique fixed point.",
        published="one",
        measured=f"exactly one, proved, in {int(np.sum(count == 1))} of {count.size} random motifs "
        "with c1 = c2, d1 = d2 and a1 b2 = a2 b1, all between 0.1 and 10",
        rule="a certified count of one in all",
        values={"motifs": float(count.size)},
        otherwise="some motifs with positive parameters have several fixed points",
    )
