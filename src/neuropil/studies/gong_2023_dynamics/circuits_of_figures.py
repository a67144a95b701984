"""The motifs of Fig. 2 and Fig. 8: every equilibrium with proof, and trajectories towards them."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.analysis import InwardFaces, bound, contraction, fixed_points
from neuropil.circuits import TripartiteMotif
from neuropil.simulate import Stiff, integrate
from neuropil.studies.gong_2023_dynamics.motifs import FIGURES, condition_19
from neuropil.types import RandomKey


def run_circuit(configuration: Mapping[str, Any], key: RandomKey, *, figure: str) -> xr.Dataset:
    """Equilibria in Omega, what bounds and contraction prove, and where random starts lead."""
    motif = FIGURES[figure]()
    omega = motif.invariant_box(uniform=True)
    # Omega itself is closed; a hair more makes the field point inwards on its faces, which
    # rounding would otherwise leave open.
    proved = bound(motif, InwardFaces(omega))
    found = fixed_points(motif, proved.box)
    certificate = contraction(motif, proved.box)
    settings = configuration["equilibria"]
    lower, upper = np.asarray(omega.lower), np.asarray(omega.upper)
    share = jax.random.uniform(key, (settings["starts"], lower.size))
    starts = lower + (upper - lower) * np.asarray(share)
    # Dense at first, where the fast components move.
    times = np.append(0.0, np.geomspace(1.0, settings["duration"], 240))
    paths = jax.vmap(lambda start: _path(motif, start, times))(starts)
    paths.raise_unless_successful()
    states = np.asarray(paths.states)
    distance = np.abs(states[:, -1, None] - found.state[None]).max(axis=-1)
    return xr.Dataset(
        {
            "state": (("point", "component"), found.state),
            "lower": (("point", "component"), np.asarray(found.enclosure.lower)),
            "upper": (("point", "component"), np.asarray(found.enclosure.upper)),
            "n_unstable": ("point", found.n_unstable),
            "kind": ("point", np.array(found.kind, str)),
            "complete": ((), int(found.complete)),
            "n_examined": ((), found.n_examined),
            "omega": (("end", "component"), np.stack([lower, upper])),
            "omega_growth": (
                (),
                float(np.max(np.abs(np.stack(proved.box) - np.stack([lower, upper])))),
            ),
            "condition_19": ((), int(condition_19(jax.tree.map(lambda x: x[None], motif))[0])),
            "smallest_norm": ((), min(certificate.norms)),
            "trajectory": (("start", "time", "component"), states),
            "arrives_at": ("start", distance.argmin(axis=1)),
            "final_distance": ("start", distance.min(axis=1)),
        },
        coords={
            "component": list(motif.state_names),
            "time": ("time", times, {"unit": "ms"}),
            "end": ["lower", "upper"],
        },
    )


def _path(motif: TripartiteMotif, start: Any, times: np.ndarray) -> Any:
    return integrate(motif, Stiff(), start, times=times, throw=False)
