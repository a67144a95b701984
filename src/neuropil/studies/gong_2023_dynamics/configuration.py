"""Every number that the study depends on.

Parameters of figures are those of the paper; its time constants, 0.01, 0.01 and 1 without a unit,
are read in seconds. Where the paper states none (random circuits, initial states) the choice is
made here. Parameters of the motif have no unit, times are in ms.
"""

from typing import Any

from neuropil.studies.contract import Scale

PUBLISHED_FOLD = 0.7818
PUBLISHED_WINDOW = (-1.5595, -1.1307)

# The product of neuron and synapse decay is 0.1 for both neurons; the paper fixes no more.
DECAY_SPLITS = {
    "slow neurons": [0.1, 0.1, 1.0, 1.0],
    "slow synapses": [1.0, 1.0, 0.1, 0.1],
    "unequal": [0.2, 0.25, 0.4, 0.5],
}


def configuration(scale: Scale) -> dict[str, Any]:
    """The same statements at both scales; `paper` examines more random circuits."""
    quick = scale == "quick"
    return {
        "scale": scale,
        "random": {
            "circuits": 300 if quick else 10_000,
            "bounded_circuits": 20 if quick else 200,
            "trajectories": 10,
            "duration": 30_000.0,
            "decay": [0.2, 2.0],
            "hebbian_gain": [-12.0, 12.0],
            "glial_gain": [-5.0, 5.0],
            "coincidence_gain": [-6.0, 6.0],
        },
        "equilibria": {"starts": 60, "duration": 60_000.0},
        "layer": {"outputs": 201 if quick else 2001, "grid": 9 if quick else 33},
        "window": {
            "between": list(PUBLISHED_WINDOW),
            "intervals": 24 if quick else 400,
            "gains": 81 if quick else 801,
            "decays": DECAY_SPLITS,
            "positive_circuits": 300 if quick else 10_000,
        },
        "slow_fast": {
            "between": [-5.0, 5.0],
            "start": [0.0, 0.0, 0.0, 0.0, -4.0],
            "duration": 10_000.0,
            "context": -0.5,
        },
    }
