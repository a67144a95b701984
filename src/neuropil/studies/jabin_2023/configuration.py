"""Every number that the study depends on.

The talk states no parameters: those of the neurons are chosen here such that noise, drift and
coupling all matter (rates of some 30 Hz, most of them due to coupling). Potentials in mV, times
in ms, rates in spikes/ms. `strength` is what a neuron receives in all, in mV per spike of each of
the others; it stays the same for every size, which is the scaling of the talk.
"""

from typing import Any

from neuropil.studies.contract import Scale


def configuration(scale: Scale) -> dict[str, Any]:
    """The same families at both scales; `paper` has larger networks and more of them."""
    quick = scale == "quick"
    sizes = [100, 300, 1_000, 3_000, 10_000]
    largest = [30_000] if quick else [30_000, 100_000]
    return {
        "scale": scale,
        "neurons": {
            "time_constant": 20.0,
            "rest": 12.0,
            "noise": 0.95,
            "largest_hazard": 0.2,
            "hazard_midpoint": 20.0,
            "hazard_width": 2.5,
        },
        "start": {"mean": 8.0, "deviation": 2.0},
        "duration": 60.0,
        "strength": 25.0,
        "grid": {"lower": -15.0, "upper": 75.0, "cells": 600, "step": 0.1},
        "functions": {"low": 0.0, "high": 24.0, "waves": 1, "steps": 2},
        "largest_tree": 5,
        "types": 24,
        "families": {
            "dense": {"sizes": [*sizes, *([] if quick else largest)], "probability": 0.1},
            "sparse": {"sizes": [*sizes, *largest], "probability": 0.2},
            "sonet": {
                "sizes": [*sizes, *([] if quick else largest)],
                "probability": 0.1,
                "convergent": 0.5,
                "divergent": 0.4,
                "chain": 0.3,
                "reciprocal": 1.0,
                # The outermost of these in-variables are rare and receive a lot.
                "nodes": 12,
                "grid": {"upper": 260.0, "cells": 1800},
            },
            "ring": {"sizes": [*sizes, *largest], "modulation": 6.0},
        },
        "neuron_samples": 300_000 if quick else 10_000_000,
        "graphs": {
            "most": 10,
            "fewest": 3,
            "neurons": 30_000,
            "realisations": {"random": 4, "fixed": 25},
        },
        "split": {
            "sizes": [100, 200, 400] if quick else [100, 200, 400, 800, 1_600, 3_200],
            "probability": 0.2,
            "graphs": 4 if quick else 20,
            "neuron_samples": 250_000 if quick else 4_000_000,
            "lower": -25.0,
            "upper": 95.0,
            "cells": 480,
            "step": 0.25,
        },
        "correlated": {"sizes": [100, 1_000, 10_000], "shared_deviation": 3.0, "duration": 15.0},
        "neural_field": {"neurons": 6_000, "probability": 0.2, "ratio": 9.0, "realisations": 60},
        "connectomes": {
            "names": ["celegans-cook-2019-chemical", "drosophila-mushroom-body-eichler-2017-left"],
            "resolutions": [1, 2, 4, 8, 16, 32, 64],
            "realisations": 1_500 if quick else 20_000,
            "strength": 8.0,
            "lower": -60.0,
            "upper": 140.0,
            "cells": 600,
            "step": 0.25,
        },
        "hierarchy": {"sizes": [50, 100, 200, 400, 800], "probability": 0.2, "realisations": 4},
        "correction": {"neurons": 400, "partners": [10, 20, 40, 80], "neuron_samples": 2_000_000},
        "picture": {"neurons": 1_000, "realisations": 100},
        "misprints": {
            "coupling": 0.4,
            "neurons": 4_000,
            "realisations": 40,
            # (rest, noise): little noise, that of the study, and much noise with less and less
            # drift at the reset, in the end towards lower potentials.
            "cases": [[12.0, 0.2], [12.0, 0.95], [12.0, 3.0], [2.0, 3.0], [-6.0, 3.0]],
        },
    }
