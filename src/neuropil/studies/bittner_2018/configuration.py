"""Every number that the study depends on.

Targets and boxes are those of the document where it prints them, else those of the programs that
its authors published with it (`linear_system`, `stable_amplification`, `go_no_go`). Rates of
linear systems are in 1/s and rad/s; networks of low rank have no units, their time is in
membrane time constants.
"""

from typing import Any

import numpy as np

from neuropil.studies.bittner_2018.configuration_across import (
    heterogeneous_rates_numbers,
    three_fixed_points_numbers,
)
from neuropil.studies.bittner_2018.configuration_stomatogastric import (
    hub_numbers,
    stomatogastric_numbers,
)
from neuropil.studies.contract import Scale

TWO_PI = float(2 * np.pi)


def configuration(scale: Scale) -> dict[str, Any]:
    """The same problems at both scales; `paper` has larger networks and more draws."""
    quick = scale == "quick"
    return {
        "scale": scale,
        "samples": 2000,
        "linear_system": {
            "means": [0.0, TWO_PI],
            "variances": [0.25**2, (TWO_PI / 10) ** 2],
            "bound": 10.0,
        },
        "printed_example": {
            # E[Re], E[Re^2], E[Im], E[Im^2] as they stand in the document.
            "raw_moments": [0.0, 1.0, 2 * TWO_PI, 1.0],
            "means": [0.0, 2 * TWO_PI],
            "variances": [1.0, 1.0],
            "bound": 10.0,
            "solved_bound": 20.0,
            "scale": 10.0,
        },
        "stable_amplification": {
            "neurons": [2, 5, 10, *([] if quick else [25, 50, 100, 250])],
            "means": [0.5, 1.5],
            "variances": [0.25**2, 0.25**2],
            "bound": 1.0,
            # From this size on the means alone leave less variance of amplification than is asked.
            "variances_at_most_from": 50,
            "uniform_draws": 2000,
            # The default number of particles below this size, and this number from there on.
            "particles_from": 5 if quick else 25,
            "particles": 2048,
            "fresh": 200,
        },
        "go_no_go": {
            "ranges": {
                "mean_m": [0.0, 5.0],
                "mean_n": [0.0, 3.0],
                "deviation_m": [0.1, 3.0],
                "deviation_n": [0.1, 3.0],
                "strength": [0.0, 3.0],
            },
            "deviation_input": 1.0,
            # Covariance of n and the input: no stimulus, stimulus.
            "stimuli": [0.0, 1.0],
            "go_mean": 0.98543,
            "go_variance": 0.05,
            "no_go_square": 0.01,
            "tolerance": 0.15,
            "draws": 24_000 if quick else 400_000,
            "stored_draws": 2000,
            "particles": 512 if quick else 4096,
            "reference_point": [3.5, 1.0, 1.0, 1.0, 0.8],
            "networks": 6 if quick else 20,
            "sizes": [100, 400, 1600] if quick else [100, 400, 1600, 6400],
            "duration": 60.0,
            "step": 0.25,
        },
        "discrimination": {
            "deviation": 2.0,
            "strength": 0.1,
            "neurons": 2500,
            "networks": 4 if quick else 20,
            "duration": 60.0,
            "step": 0.25,
        },
        "stomatogastric": stomatogastric_numbers(quick),
        "hub": hub_numbers(quick),
        "three_fixed_points": three_fixed_points_numbers(quick),
        "heterogeneous_rates": heterogeneous_rates_numbers(quick),
    }


__all__ = ["configuration"]
