"""The motif of Fig. 2 as a slow-fast system, with trajectories laid on its critical manifold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.analysis import CriticalManifold, critical_manifold
from neuropil.circuits import TripartiteMotif
from neuropil.simulate import Stiff, integrate
from neuropil.studies.gong_2023_dynamics.motifs import FIGURES, layer_box
from neuropil.types import RandomKey


def run_alone(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Without inputs, from a state with a very negative astrocyte (Fig. 2D)."""
    del key
    settings = configuration["slow_fast"]
    motif = FIGURES["figure-2"]()
    return _laid_on(motif, _manifold(motif, settings), np.array(settings["start"]), settings)


def run_context(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """A constant context signal to the astrocyte, from the equilibrium next to the fold."""
    del key
    settings = configuration["slow_fast"]
    motif = FIGURES["figure-2"]()
    alone = _manifold(motif, settings)
    stable = np.flatnonzero(alone.equilibrium_stable)
    nearest = stable[np.argmin(np.abs(alone.equilibrium_slow[stable] - alone.fold_slow[0]))]
    start = np.append(alone.equilibrium_fast[nearest], alone.equilibrium_slow[nearest])
    driven = replace(motif, astrocyte_input=settings["context"])
    return _laid_on(driven, _manifold(driven, settings), start, settings)


def _manifold(motif: TripartiteMotif, settings: Mapping[str, Any]) -> CriticalManifold:
    low, high = settings["between"]
    return critical_manifold(motif, layer_box(motif), between=(low, high))


def _laid_on(
    motif: TripartiteMotif,
    manifold: CriticalManifold,
    start: np.ndarray,
    settings: Mapping[str, Any],
) -> xr.Dataset:
    times = np.linspace(0.0, settings["duration"], 2001)
    states = np.asarray(integrate(motif, Stiff(), jnp.asarray(start), times=times).states)
    distance = manifold.distance(states[:, 4], states[:, :4])
    at_folds = [sheet.drift[0] for sheet in manifold.sheets if sheet.slow[0] in manifold.fold_slow]
    return (
        manifold.to_xarray()
        .assign(
            trajectory=(("time", "variable"), states),
            distance=(("time", "sheet_number"), distance),
            drift_at_fold=("sheet_at_fold", np.array(at_folds)),
        )
        .assign_coords(time=("time", times, {"unit": "ms"}), variable=list(motif.state_names))
    )
