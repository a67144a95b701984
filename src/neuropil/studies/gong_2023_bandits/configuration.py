"""Every number that the study depends on.

The document states the means of its stationary tasks and of one arm of its flip-flop, P and Q of
the smooth task, sizes, rates and gamma; it does not state how long a context or a run lasts, the
means of the other arms, nor the values of the contextual signal. These are chosen here.
"""

from typing import Any

from neuropil.studies.contract import Scale


def configuration(scale: Scale) -> dict[str, Any]:
    """The same questions at both scales.

    Networks of neurons and glia have the documented size, wired sparsely: each astrocyte is around
    the synapses of two neurons. Their state is detached at every trial, as in the authors'
    programs; longer windows, through which all groups learn, are run in a `small` network, for
    two of the ratios at `quick`. `quick` has shorter contexts and runs, fewer values of what is
    varied, and recurrent networks of a quarter of the units.
    """
    quick = scale == "quick"
    duration = 800 if quick else 5000
    return {
        "scale": scale,
        "seeds": 10,
        "networks": {
            "neurons": 128,
            "astrocytes": 64,
            "dense": not quick,
            "small": {"neurons": 64, "astrocytes": 32},
            "window": 1,
            "units": 32 if quick else 128,
            "layers": 2,
        },
        "time_scale_ratio": 0.01,
        "time_scale_ratios": [1.0, 0.1, 0.01, 0.001],
        "window_ratios": [1.0, 0.01] if quick else [1.0, 0.1, 0.01, 0.001],
        "dense_ratios": [1.0, 0.01],
        "stationary": {"means": [0.4, 0.8, 0.1], "trials": 3000 if quick else 20_000},
        "gaps": {
            "middle": 0.6,
            "lambdas": [0.38, 0.02] if quick else [0.38, 0.3, 0.2, 0.1, 0.05, 0.02],
            "trials": 3000 if quick else 20_000,
        },
        "flip-flop": {
            "means": [0.4, 0.92, 0.1],
            "arm": 1,
            "low": 0.042,
            "duration": duration,
            "visits": 6 if quick else 10,
        },
        "square": {"peaks": [0.4, 0.92, 0.7], "period": 6 * duration, "cycles": 2},
        "smooth": {
            "peaks": [0.4, 0.8, 0.1],
            "period": 2 * duration,
            "sharpness": 100.0,
            "cycles": 3 if quick else 5,
        },
        "eight-stationary": {
            "means": [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9],
            "trials": 3000 if quick else 20_000,
        },
        "eight-flip-flop": {
            "means": [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9],
            "duration": duration,
            "visits": 4 if quick else 10,
        },
        "readings": {
            "input_gains": [10.0] if quick else [3.0, 10.0],
            "amplitudes": [0.0, 0.3, 1.0, 3.0],
            "baselines": ["none"] if quick else ["before t", "exponential", "none"],
            "windows": [1, 3] if quick else [1, 2, 3, 5],
        },
        "contexts": {
            "numbers": [2, 4, 10] if quick else [2, 3, 5, 7, 10],
            "arms": 3,
            "duration": 400 if quick else 2500,
            "visits": 5,
            "withheld": [0.0, 0.5] if quick else [0.0, 0.25, 0.5, 0.75],
            "stretch": duration // 10,
            "noises": [1.0, 3.0],
            "delays": [10, 100],
        },
        "dynamics": {
            "starts": 8 if quick else 16,
            "places": 9 if quick else 17,
            "networks": 3 if quick else 10,
        },
        "tuning": {
            "seeds": 3 if quick else 5,
            "exploration": [0.05, 0.2, 0.6] if quick else [0.05, 0.2, 0.6, 2.4],
            "discount": [0.98, 0.99, 0.995] if quick else [0.9, 0.98, 0.99, 0.995, 0.998],
            "window_length": [50, 100, 200] if quick else [25, 50, 100, 200, 400, 800],
        },
    }
