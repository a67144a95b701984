"""The neuronal layer under a frozen astrocyte: its fixed points over the astrocyte's output."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.analysis import (
    PseudoArclength,
    all_folds,
    complete_diagram,
    continuation,
    fixed_points,
    fixed_points_batch,
)
from neuropil.studies.gong_2023_dynamics.motifs import FIGURES, layer_box, layer_over_output
from neuropil.types import RandomKey

ENDS = (-1.0, 1.0)
UNPHYSICAL_END = 3.0


def run_layer(configuration: Mapping[str, Any], key: RandomKey, *, figure: str) -> xr.Dataset:
    """Certified counts, folds, the branch from psi = -1 alone, and the complete diagram."""
    del key
    settings = configuration["layer"]
    motif = FIGURES[figure]()
    box = layer_box(motif)
    system = layer_over_output(motif)
    outputs = np.linspace(*ENDS, settings["outputs"])
    systems = eqx.filter_vmap(lambda output: replace(system, slow_state=output[None]))(
        jnp.asarray(outputs)
    )
    counts = fixed_points_batch(systems, box, throw=False)
    inside = all_folds(system, box, parameter="slow_state", between=ENDS)
    beyond = all_folds(system, box, parameter="slow_state", between=(ENDS[0], UNPHYSICAL_END))
    alone = continuation(
        layer_over_output(motif, ENDS[0]),
        PseudoArclength(),
        jnp.asarray(fixed_points(layer_over_output(motif, ENDS[0]), box).state[0]),
        parameter="slow_state",
        until=ENDS[1],
    )
    diagram = complete_diagram(
        system, box, parameter="slow_state", between=ENDS, n_grid=settings["grid"]
    )
    branches = diagram.branches
    return xr.Dataset(
        {
            "count": ("output", counts.count),
            "complete": ("output", counts.complete.astype(int)),
            "fold_lower": ("fold", inside.parameter_lower),
            "fold_upper": ("fold", inside.parameter_upper),
            "fold_state": (("fold", "component"), inside.state),
            "folds_complete": ((), int(inside.complete)),
            "fold_beyond": ("outer_fold", beyond.parameter),
            "alone_output": ("alone", np.asarray(alone.parameter)[: int(alone.n_points)]),
            "alone_state": (
                ("alone", "component"),
                np.asarray(alone.state)[: int(alone.n_points)],
            ),
            "alone_folds": ((), int(alone.n_folds)),
            "branch_output": ("point", np.concatenate([one.parameter for one in branches])),
            "branch_state": (
                ("point", "component"),
                np.concatenate([one.state for one in branches]),
            ),
            "branch_stable": ("point", np.concatenate([one.stable for one in branches])),
            "branch_number": (
                "point",
                np.repeat(np.arange(len(branches)), [one.parameter.size for one in branches]),
            ),
            "diagram_fold": ("diagram_folds", np.asarray(diagram.fold_parameter)),
            "diagram_complete": ((), int(diagram.complete)),
        },
        coords={
            "output": outputs,
            "fold": inside.parameter,
            "component": list(system.state_names),
        },
    )
