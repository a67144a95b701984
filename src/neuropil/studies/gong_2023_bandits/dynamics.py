"""Behind figure 5B and beyond: the learned network as a dynamical system.

States projected on principal components along training, fixed points of the network before and
after, and what a switch crosses. The astrocytes' modulation psi(z) is the pseudo-bifurcation
parameter of the neurons and synapses. Between its values at rest in the two contexts it is moved
in a straight line, and the stationary states of neurons and synapses are counted along the way,
with the signal of either context.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neuropil.learning.bandits.record import BanditRun, Recording
from neuropil.learning.bandits.run import play
from neuropil.studies.gong_2023_bandits import agents
from neuropil.studies.gong_2023_bandits.equilibria import counts, equilibria, layers
from neuropil.studies.gong_2023_bandits.runs import settings
from neuropil.studies.gong_2023_bandits.summaries import joined, together
from neuropil.studies.gong_2023_bandits.tasks import Task, task
from neuropil.studies.gong_2023_bandits.time_scales import ratio_of
from neuropil.types import RandomKey

SIGNALS = (-1.0, 1.0)
RATIOS = (1.0, 0.01)
PARTS = ("astrocytes", "synapses")
RECORDS_A_VISIT = 20


def run_dynamics(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """A few networks in the flip-flop with equal and with separate time scales."""
    numbers = configuration["dynamics"]
    chosen = task(configuration, "flip-flop")
    every = chosen.duration // RECORDS_A_VISIT
    small = agents.neuroglia(configuration, small=True)
    several = settings(small, ratio_of, {f"{ratio:g}": ratio for ratio in RATIOS})
    parts = {}
    for name, agent in several.items():
        first, found = (
            play(
                agent,
                chosen.bandit,
                trials=trials,
                seeds=numbers["networks"],
                key=jax.random.fold_in(key, 0),
                record=Recording(every=every, activity=PARTS, components=2, gradient_norms=True),
                chunk=every,
            )
            for trials in (every, chosen.trials)
        )
        # Learning has hardly begun after the first records.
        cells = {"before": first.state.cell, "after": found.state.cell}
        parts[name] = xr.merge(
            [_recorded(found, chosen), _of_networks(cells, numbers, jax.random.fold_in(key, 1))]
        )
    data = together(parts)
    data.attrs = {"duration": chosen.duration, "visits": chosen.trials // chosen.duration}
    return data


def _recorded(found: BanditRun, chosen: Task) -> xr.Dataset:
    dims = ("network", "record")
    data: dict[str, Any] = {
        part: ((*dims, "component"), found.activity[part].scores) for part in PARTS
    }
    data |= {
        f"{part}_explained": (("network", "component"), found.activity[part].explained)
        for part in PARTS
    }
    data |= {f"norm_of_{group}": (dims, values) for group, values in found.gradient_norms.items()}
    trials = np.asarray(found.recorded_trials)
    return xr.Dataset(
        data,
        {"trial": ("record", trials), "visit_of_state": ("record", trials // chosen.duration)},
    )


def _of_networks(
    cells: Mapping[str, Any], numbers: Mapping[str, Any], key: RandomKey
) -> xr.Dataset:
    each = []
    for number in range(numbers["networks"]):
        own = jax.random.fold_in(key, number)
        found = [_analysed(_one(cell, number), numbers, own) for cell in cells.values()]
        each.append(joined(found, xr.Variable("learning", list(cells))))
    return joined(each, "network")


def _one(many: Any, number: int) -> Any:
    """One of many cells, in double precision."""
    return jax.tree.map(lambda leaf: _double(leaf[number]) if eqx.is_array(leaf) else leaf, many)


def _double(values: Any) -> Any:
    return values.astype(float) if jnp.issubdtype(values.dtype, jnp.floating) else values


def _analysed(cell: Any, numbers: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    n, m = cell.layout.n_neurons, cell.layout.n_astrocytes
    resting, number, margin = [], [], []
    for place, signal in enumerate(SIGNALS):
        own = jax.random.fold_in(key, place)
        found = equilibria(cell, jnp.array([signal]), starts=numbers["starts"], key=own)
        number.append(len(found.states))
        margin.append(found.margin.min(initial=np.inf))
        resting.append(found.states[0] if len(found.states) else np.full(n + m, np.nan))
    ends = [jnp.tanh(jnp.asarray(state[n:])) for state in resting]
    share = np.linspace(0.0, 1.0, numbers["places"])
    path = jnp.stack([(1 - s) * ends[0] + s * ends[1] for s in share])
    along, close = [], []
    for place, signal in enumerate(SIGNALS):
        own = jax.random.fold_in(key, 10 + place)
        sheet = layers(cell, jnp.array([signal]), path, starts=numbers["starts"], key=own)
        along.append(counts(sheet))
        close.append([each.margin.min(initial=np.inf) for each in sheet])
    apart = float(jnp.sqrt(jnp.mean((ends[1] - ends[0]) ** 2)))
    readouts = [
        np.asarray(cell.readout_weights @ state[:n] + cell.readout_bias) for state in resting
    ]
    return xr.Dataset(
        {
            "fixed_points": ("context", number),
            "margin": ("context", margin),
            "layer_count": (("context", "share"), np.array(along)),
            "layer_margin": (("context", "share"), np.array(close)),
            "modulation_apart": ((), apart),
            "logits": (("context", "arm"), np.array(readouts)),
        },
        {"context": [0, 1], "share": share},
    )


__all__ = ["run_dynamics"]
