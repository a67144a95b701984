"""SI.4's search for two fixed points: eq. (24) as printed, and the circuit itself."""

from collections.abc import Mapping
from itertools import pairwise
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.analysis import all_folds, fixed_points, fixed_points_batch
from neuropil.circuits import TripartiteMotif
from neuropil.studies.gong_2023_dynamics.motifs import symmetric_motifs
from neuropil.system import AbstractSystem, Box
from neuropil.types import RandomKey

PRODUCT = 0.1
"""a1 b2 = a2 b1."""

HALVINGS = 8


class PrintedEquation(AbstractSystem):
    """Left minus right side of eq. (24) as printed, for a1 b2 = 0.1 and d2 = e = h = 1."""

    hebbian_gain: Float[Array, ""]

    @property
    def state_names(self) -> tuple[str, ...]:
        """The distance of the activations from 1."""
        return ("sigma",)

    @property
    def state_unit(self) -> str:
        """None."""
        return ""

    def vector_field(self, time: Float[Array, ""], state: Float[Array, "1"]) -> Float[Array, "1"]:
        """c (1 - s)^3 + (d + 2 h a b) (1 - s)^2 over a b, minus ln((2 - s) / (1 - s))."""
        rest = 1.0 - state
        left = (self.hebbian_gain * rest**3 + (1.0 + 2.0 * PRODUCT) * rest**2) / PRODUCT
        return left - jnp.log((2.0 - state) / rest)


def run_window(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Roots of (24) over the gain, and the equilibria of the circuit on the whole window."""
    del key
    settings = configuration["window"]
    first, last = settings["between"]
    gains = np.linspace(first - 0.2, last + 0.2, settings["gains"])
    sigma = Box(jnp.array([1e-6]), jnp.array([1.0 - 1e-6]))
    printed = fixed_points_batch(jax.vmap(PrintedEquation)(jnp.asarray(gains)), sigma, throw=False)
    fold = all_folds(
        PrintedEquation(jnp.asarray(0.0)),
        sigma,
        parameter="hebbian_gain",
        between=(first - 0.2, last + 0.2),
        throw=False,
    )
    ends = np.linspace(first, last, settings["intervals"] + 1)
    most, proved, examined = [], [], []
    for decays in settings["decays"].values():
        counts = _proved_counts(np.array(decays), ends)
        most.append(max(count for count, _ in counts))
        proved.append(all(complete for _, complete in counts))
        examined.append(len(counts))
    return xr.Dataset(
        {
            "printed_roots": ("gain", printed.count),
            "printed_complete": ("gain", printed.complete.astype(int)),
            "printed_fold": ("fold", fold.parameter),
            "most_equilibria": ("decays", np.array(most)),
            "proved": ("decays", np.array(proved, int)),
            "intervals": ("decays", np.array(examined)),
        },
        coords={"gain": gains, "decays": list(settings["decays"])},
    )


def _proved_counts(
    decays: Float[np.ndarray, "4"], ends: Float[np.ndarray, " ends"]
) -> list[tuple[int, bool]]:
    """Number of equilibria on intervals of the gain that cover all, and whether it is proved.

    An interval on which the number stays undecided is halved, up to `HALVINGS` times.
    """
    waiting = [(low, high, 0) for low, high in pairwise(ends)]
    counts = []
    while waiting:
        low, high, halvings = waiting.pop()
        motifs = symmetric_motifs(np.tile(decays, (2, 1)), np.array([low, high]))
        first, last = (jax.tree.map(itemgetter(end), motifs) for end in (0, 1))
        found = fixed_points(first, _common_box(first, last), up_to=last, throw=False)
        if found.complete or halvings == HALVINGS:
            counts.append((len(found), found.complete))
        else:
            middle = 0.5 * (low + high)
            waiting += [(low, middle, halvings + 1), (middle, high, halvings + 1)]
    return counts


def _common_box(low: TripartiteMotif, high: TripartiteMotif) -> Box:
    """A box that holds every equilibrium of both motifs, and so of those between them."""
    boxes = [motif.invariant_box(uniform=True) for motif in (low, high)]
    reach = 1.001 * jnp.maximum(boxes[0].upper, boxes[1].upper)
    return Box(-reach, reach)


def run_positive(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The certified number of equilibria where all parameters of (24) are positive."""
    count = configuration["window"]["positive_circuits"]
    keys = jax.random.split(key, 6)
    low, high = np.log(0.1), np.log(10.0)
    draws = [
        np.exp(np.asarray(jax.random.uniform(one, (count,), minval=low, maxval=high)))
        for one in keys
    ]
    a1, b1, product, c, d, h = draws
    # a2 b1 = a1 b2 is what the derivation assumes.
    decays = np.stack([a1, product / b1, b1, product / a1], axis=1)
    motifs = symmetric_motifs(decays, c, d, h)
    omega = jax.vmap(lambda motif: motif.invariant_box(uniform=True))(motifs)
    found = fixed_points_batch(motifs, Box(1.001 * omega.lower, 1.001 * omega.upper), throw=False)
    return xr.Dataset(
        {
            "count": ("circuit", found.count),
            "complete": ("circuit", found.complete.astype(int)),
            "decay": (("circuit", "name"), decays),
            "gain": (("circuit", "kind"), np.stack([c, d, h], axis=1)),
        },
        coords={"name": ["a1", "a2", "b1", "b2"], "kind": ["c", "d", "h"]},
    )
