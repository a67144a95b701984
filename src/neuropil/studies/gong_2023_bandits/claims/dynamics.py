"""Claims on the learned network: fixed points, the pseudo-bifurcation parameter, a switch."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.gong_2023_bandits.summaries import DOCUMENTED_RATIO

Results = Mapping[str, xr.Dataset]

WHERE = "Sections 2.1.3 and 2.3"


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Fixed points per context, and whether a switch crosses a saddle-node."""
    del configuration
    return as_far_as_run(
        partial(one_fixed_point, results),
        partial(saddle_node, results),
        partial(learning_moves_modulation, results),
    )


def one_fixed_point(results: Results) -> Claim:
    """Stationary states of the whole network in each context."""
    data = results["dynamics"].sel(learning="after", agent=DOCUMENTED_RATIO)
    numbers = data.fixed_points.values
    return judged(
        bool(np.all(numbers == 1)),
        identifier="fixed-points",
        where=WHERE,
        statement="In each context the learned network has a stationary state of its own.",
        published="asymptotically approach a fixed weight configuration",
        measured=f"{numbers.min()} to {numbers.max()} stationary states in each of "
        f"{numbers.size} networks and contexts, from Newton's method at random starts",
        rule="exactly one in every network and context",
        values={"least": float(numbers.min()), "most": float(numbers.max())},
        otherwise="Several or none are found in some.",
    )


def saddle_node(results: Results) -> Claim:
    """Stationary states of neurons and synapses between the modulations of both contexts."""
    data = results["dynamics"].sel(learning="after", agent=DOCUMENTED_RATIO)
    counts = data.layer_count.values
    margin = data.layer_margin.values
    crossed = np.any(counts != counts[..., :1], axis=-1)
    return judged(
        bool(crossed.any()),
        identifier="saddle-node",
        where=WHERE,
        statement="Switching the context moves the astrocytes across a saddle-node of neurons and "
        "synapses.",
        published="pseudo-bifurcations that could allow neuronal dynamics to traverse different "
        "functional regimes",
        measured=f"{int(crossed.sum())} of {crossed.size} paths between the contexts cross one; "
        f"{counts.min()} to {counts.max()} stationary states along them, smallest singular value "
        f"of the Jacobian {margin.min():.3f}",
        rule="the number of stationary states changes between the modulations of the contexts",
        values={"crossed": float(crossed.sum()), "margin": float(margin.min())},
        otherwise="Neurons and synapses have the same number of stationary states all along, and "
        "these move: at the documented scales the network is a driven filter with a read-out.",
    )


def learning_moves_modulation(results: Results) -> Claim:
    """The distance of the modulations of both contexts, before and after."""
    data = results["dynamics"].modulation_apart.sel(agent=DOCUMENTED_RATIO)
    before, after = (float(data.sel(learning=name).median()) for name in ("before", "after"))
    return judged(
        after > 1.1 * before,
        identifier="modulation-learned",
        where=WHERE,
        statement="Learning moves the modulations psi(z) of the two contexts apart.",
        published="(not measured)",
        measured=f"root mean square distance {before:.3g} before and {after:.3g} after learning",
        rule="larger by a tenth",
        values={"before": before, "after": after},
        otherwise="Learning leaves the modulations where random weights put them: no gradient "
        "reaches the astrocytes when the state is detached.",
    )


__all__ = ["claims"]
