"""Every number that the study depends on.

At `paper`, widths, steps, rates and batches of the classifiers, the sizes of the autoencoder and
the levels of disturbance are those of the public code; the rate of the autoencoder is its default
and not the 0.01 of its runs. There are 30 epochs on images where it has 150, and under
disturbance 10 epochs on 10,000 images where it has 500 on 60,000. `quick` has smaller images, in
smaller batches, a smaller autoencoder at a higher rate, fewer levels, fewer seeds, and one form
of steps under disturbance.
"""

from typing import Any

from neuropil.studies.contract import Scale
from neuropil.studies.peterson_2021.networks import FORMS

LEVELS = {
    "leak": [0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6],
    "loss": [0.0, 0.01, 0.05, 0.1, 0.15, 0.2],
    "noise": [0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8],
}
FEWER_LEVELS = {
    "leak": [0.0, 0.2, 0.3, 0.4, 0.6],
    "loss": [0.0, 0.05, 0.1, 0.2],
    "noise": [0.0, 0.1, 0.2, 0.4, 0.8],
}


def configuration(scale: Scale) -> dict[str, Any]:
    """Small digits at `quick`; MNIST and Fashion-MNIST with 20 seeds at `paper`."""
    quick = scale == "quick"
    return {
        "scale": scale,
        "seeds": 10 if quick else 20,
        "images": {
            "names": ["small-digits"] if quick else ["mnist", "fashion-mnist"],
            # Of those to learn from; the public code takes all 60,000.
            "most": 60_000,
            "epochs": 60 if quick else 30,
            "steps": "g d g d g d g d g d",
            "width": 20,
            "projection_seed": 20,
            "learning_rate": 0.004,
            # Small digits are 1,438: small batches make up for that.
            "batch_size": 32 if quick else 128,
        },
        "autoencoder": {
            "seeds": 10 if quick else 20,
            "hidden": 100 if quick else 400,
            "learning_rate": 0.003 if quick else 0.001,
            "epochs": 30 if quick else 15,
        },
        "xor": {
            "steps": "s d s d s d s d g g g g g",
            "steps_to_two": "s d s d s d s d g g g g",
            "epochs": 1_000 if quick else 3_000,
            "passes": 4,
            "learning_rate": 0.001,
            "tolerance": 0.01,
            # The public code has 10 hidden neurons, Table 2 has one.
            "hidden": [10, 1],
        },
        "disturbances": {
            "levels": FEWER_LEVELS if quick else LEVELS,
            "forms": ["recommended"] if quick else list(FORMS),
            "most": 10_000,
            "seeds": 6 if quick else 20,
            "epochs": 12 if quick else 10,
            "autoencoder_epochs": 30 if quick else 10,
        },
        "complexity": {"largest": 24, "time_per_step": 10.0},
        "equivalence": {
            "epochs": 100,
            "sizes": [[2, 4, 1], [8, 12, 3]] if quick else [[2, 4, 1], [20, 20, 10], [5, 50, 3]],
            "neighbours": [3, 9] if quick else [3, 5, 9],
            "leaks": [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4],
            "tolerances": [1e-2, 1e-6] if quick else [1e-2, 1e-4, 1e-6],
            # Errors that are small, in more variables, take waves of hundreds of steps.
            "variables": 2 if quick else 3,
            "requested_error": 0.05 if quick else 0.01,
        },
        "integration": {
            "strength": 0.25,
            "steps": 50,
            "step": 20.0,
            "fast": 20.0,
            "slow": 1000.0,
            "neighbours": 3,
            "cells": [1, 4] if quick else [1, 2, 4, 8],
            "noise": [0.1, 1.0],
            "seeds": 8 if quick else 20,
            "trials": 1_280 if quick else 5_120,
            "test_trials": 500 if quick else 10_000,
            "epochs": 10 if quick else 40,
            "learning_rate": 0.01,
            "errors": [0.0, 0.01, 0.03, 0.1, 0.3],
        },
        "cross_mapping": {
            "circuit": {
                "neurons": 6,
                "astrocytes": 10,
                "gap_gain": 1.0,
                "glial_gain": 1.0,
                "coincidence_gain": 2.0,
                "stimulus": 1.0,
                "waves": 30,
                "fastest": 0.001,
                "astrocyte_time_constant": 500.0,
                "transient": 5_000.0,
                "tolerance": 1e-4,
            },
            "circuits": 8 if quick else 40,
            "samples": [50, 100, 200, 400] if quick else [50, 100, 200, 400, 800],
            "sampling": 100.0,
            "measurement_noise": [0.3, 1.0, 3.0] if quick else [0.0, 0.3, 1.0, 3.0, 10.0],
            "libraries": 4,
            "surrogates": 99 if quick else 199,
            "significance": 0.05,
            "dimension": 3,
            "delay": 3,
            "exclusion": 5,
        },
    }
