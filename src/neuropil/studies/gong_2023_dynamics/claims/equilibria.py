"""Claims on the fixed points of the motifs in Fig. 2 and Fig. 8."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Fig. 8A, Fig. 2 and 8B, and where trajectories lead."""
    return as_far_as_run(
        partial(one_stable, results),
        partial(three_of_which_one_unstable, results),
        partial(trajectories_settle, configuration, results),
    )


def _inside(data: xr.Dataset) -> bool:
    lower, upper = data.omega.sel(end="lower"), data.omega.sel(end="upper")
    return bool(np.all((data.lower > lower) & (data.upper < upper)))


def _width(data: xr.Dataset) -> float:
    return float((data.upper - data.lower).max())


def one_stable(results: Results) -> Claim:
    """Fig. 8A."""
    data = results["figure-8a"]
    unstable = data.n_unstable.values
    return judged(
        bool(data.complete == 1) and list(unstable) == [0] and _inside(data),
        identifier="figure-8a",
        where="Fig. 8A",
        statement="With the parameters of Fig. 8A there is a single fixed point, stable, in Omega.",
        published="1, stable",
        measured=f"{unstable.size}, {', '.join(data.kind.values)}, proved; enclosures "
        f"{_width(data):.0e} wide; no other in Omega ({int(data.n_examined)} boxes examined)",
        rule="certified count, type and place",
        values={"count": float(unstable.size), "width": _width(data)},
        explanation="Condition (19) does not hold here (a2 = 1), and no norm proves uniqueness: "
        f"the smallest is {float(data.smallest_norm):.2f}.",
        otherwise="the certified count differs",
    )


def three_of_which_one_unstable(results: Results) -> Claim:
    """Fig. 2B, 2C and 8B."""
    data = results["figure-2"]
    unstable = np.sort(data.n_unstable.values)
    return judged(
        bool(data.complete == 1) and list(unstable) == [0, 0, 1] and _inside(data),
        identifier="figure-2",
        where="Fig. 2B, 2C and 8B",
        statement="With the parameters of Fig. 2 there are three fixed points in Omega, two stable "
        "and one unstable.",
        published="3, one unstable",
        measured=f"{unstable.size}: {', '.join(data.kind.values)}, proved; enclosures "
        f"{_width(data):.0e} wide; no other in Omega ({int(data.n_examined)} boxes examined)",
        rule="certified count, types and place",
        values={"count": float(unstable.size), "width": _width(data)},
        otherwise="the certified count differs",
    )


def trajectories_settle(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Fig. 2B: dynamics converge to the stable fixed points."""
    data = results["figure-2"]
    settled = data.final_distance.values < 1e-6
    reached = data.n_unstable.values[data.arrives_at.values[settled]]
    share = np.bincount(data.arrives_at.values[settled], minlength=data.sizes["point"])
    return judged(
        bool(settled.all() and np.all(reached == 0) and np.sum(share > 0) == 2),
        identifier="figure-2-attractors",
        where="Fig. 2B, 2C",
        statement="The dynamics converge to the two stable fixed points.",
        published="(drawn)",
        measured=f"{int(settled.sum())} of {settled.size} trajectories from random states in Omega "
        f"arrive at a stable one ({', '.join(str(n) for n in share if n)}), none elsewhere",
        rule="all within 1e-6 of a stable fixed point, and both reached",
        values={"settled": float(settled.mean())},
        otherwise="some trajectories do not settle at a stable fixed point",
    )
