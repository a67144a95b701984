"""Theorems 1 to 3 on random motifs: bounds, existence, and uniqueness under condition (19)."""

from collections.abc import Mapping
from functools import partial
from operator import itemgetter
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.analysis import DecayBound, InwardFaces, bound, contraction, fixed_points_batch
from neuropil.circuits import TripartiteMotif
from neuropil.simulate import Stiff, integrate
from neuropil.studies.gong_2023_dynamics.motifs import condition_19, random_motifs
from neuropil.system import Box
from neuropil.types import RandomKey

CONTRACTING = {
    "decay": [1.0, 4.0],
    "hebbian_gain": [-1.5, 1.5],
    "glial_gain": [-1.0, 1.0],
    "coincidence_gain": [-2.0, 2.0],
}


def run_boundedness(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Theorem 1: Omega proved by intervals, and trajectories from outside that end inside."""
    settings = configuration["random"]
    motif_key, start_key = jax.random.split(key)
    motifs = random_motifs(settings, settings["bounded_circuits"], motif_key)
    growth, excess, tighter = [], [], []
    for index in range(settings["bounded_circuits"]):
        motif = jax.tree.map(itemgetter(index), motifs)
        omega = np.stack(motif.invariant_box(uniform=True))
        width = omega[1] - omega[0]
        proved = np.stack(bound(motif, InwardFaces(Box(*omega))).box)
        growth.append(np.max(np.abs(proved - omega) / width))
        attracting = np.stack(bound(motif, DecayBound()).box)
        tighter.append(np.prod((attracting[1] - attracting[0]) / width))
        own = jax.random.fold_in(start_key, index)
        share = jax.random.uniform(own, (settings["trajectories"], 5), minval=-3.0, maxval=3.0)
        starts = np.asarray(share) * omega[1]
        final = jax.vmap(partial(_end, motif, settings["duration"]))(starts)
        outside = np.maximum(np.abs(np.asarray(final)) / omega[1] - 1.0, 0.0)
        excess.append(outside.max())
    return xr.Dataset(
        {
            "relative_growth": ("circuit", np.array(growth)),
            "relative_excess": ("circuit", np.array(excess)),
            "attracting_volume": ("circuit", np.array(tighter)),
        }
    )


def _end(motif: TripartiteMotif, duration: float, start: Any) -> Any:
    return integrate(
        motif, Stiff(), start, duration=duration, save_at=[duration], throw=False
    ).final_state


def run_existence(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Theorem 2: the certified number of equilibria of random motifs, all of them in Omega."""
    settings = configuration["random"]
    motifs = random_motifs(settings, settings["circuits"], key)
    return _counts(motifs)


def run_uniqueness(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Theorem 3: the certified number where (19) holds, and which norms prove it."""
    settings = configuration["random"]
    motifs = random_motifs(CONTRACTING, settings["circuits"], key, contracting=True)
    names, proofs = ("one", "two", "infinity", "weighted"), []
    for index in range(settings["bounded_circuits"]):
        motif = jax.tree.map(itemgetter(index), motifs)
        certificate = contraction(motif, motif.invariant_box(uniform=True))
        proofs.append([getattr(certificate.norms, name) for name in names])
    data = _counts(motifs)
    data["norm"] = (("certified", "kind"), np.array(proofs))
    return data.assign_coords(kind=list(names))


def _counts(motifs: TripartiteMotif) -> xr.Dataset:
    omega = jax.vmap(lambda motif: motif.invariant_box(uniform=True))(motifs)
    # A hair more than Omega, so that no equilibrium sits on a face.
    found = fixed_points_batch(motifs, Box(1.001 * omega.lower, 1.001 * omega.upper), throw=False)
    reach = np.abs(found.state) / np.asarray(omega.upper)[found.system_index]
    return xr.Dataset(
        {
            "count": ("circuit", found.count),
            "complete": ("circuit", found.complete.astype(int)),
            "condition_19": ("circuit", condition_19(motifs).astype(int)),
            "largest_reach": ((), float(reach.max())),
        }
    )
