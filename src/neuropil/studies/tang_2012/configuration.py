"""Every number that the study depends on.

The poster states the equations, the sizes (50 and 100 neurons), the counts (100 networks of each
kind) and one connection strength (190). It states neither the neuron's parameters nor the
connection probability nor the balance of inhibition; those below are Brunel's (2000) neuron, a
drive just below threshold, and inhibition that balances excitation. Potentials and currents in
mV, times in ms, strengths in mV ms.
"""

from typing import Any

from neuropil.studies.contract import Scale

NEURON = {
    "membrane_time_constant": 20.0,
    "refractory_period": 2.0,
    "threshold": 20.0,
    "reset": 10.0,
    "leak_potential": 0.0,
    "noise": 5.0,
}

RANDOM_FAMILIES = ("erdos-renyi", "sonet")
REAL_FAMILIES = ("celegans-cook-2019-chemical", "drosophila-mushroom-body-eichler-2017-right")
KINDS = ("excitatory", "mixed")

REAL_CONNECTOMES = (
    "celegans-cook-2019-chemical",
    "celegans-cook-2019-electrical",
    "drosophila-mushroom-body-eichler-2017-left",
    "drosophila-mushroom-body-eichler-2017-right",
)


def configuration(scale: Scale) -> dict[str, Any]:
    """The published counts at both scales; `paper` has more starts, strengths and sizes."""
    quick = scale == "quick"
    weak = [1.0, 2.0, 4.0, 7.0]
    coarse = [10.0, 20.0, 30.0, 50.0, 70.0, 90.0, 110.0, 130.0, 150.0, 170.0, 190.0, 200.0]
    fine = [5.0 * step for step in range(2, 41)]
    return {
        "scale": scale,
        "neuron": dict(NEURON),
        "external_input": 15.0,
        "connection_probability": 0.2,
        "inhibitory_fraction": 0.2,
        "regression_strengths": [2.0, 10.0, 50.0, 190.0],
        "strengths": weak + (coarse if quick else fine),
        "real_families": list(REAL_FAMILIES),
        "ensemble": {
            "networks": 100,
            "sizes": [50, 100],
            "uniqueness_networks": 3 if quick else 100,
            "starts": 36,
            "largest_start": 500.0,
            "tolerance": 1e-9,
            "maximum_steps": 400 if quick else 5000,
            "sonet_range": {
                "convergent": [0.0, 0.5],
                "divergent": [0.0, 0.5],
                "chain": [-0.3, 0.4],
                "reciprocal": [0.0, 1.0],
            },
        },
        "resamples": 200 if quick else 4000,
        "branches": {
            "networks": 4 if quick else 25,
            "neurons": 100,
            "largest_strength": 200.0,
            "bistable_external_input": 13.0,
            "bistable_noise": 3.0,
        },
        "connectomes": {
            "names": [*REAL_CONNECTOMES] + ([] if quick else ["drosophila-larva-winding-2023"]),
            "couplings": [20.0, 60.0, 120.0, 200.0, 400.0, 1000.0, 4000.0],
            "twins": 10 if quick else 200,
        },
        "sonet_limit": {
            "sizes": [250, 1000, 4000] if quick else [250, 1000, 4000, 16000],
            "graphs": 6 if quick else 30,
            "connection_probability": 0.1,
            "couplings": [120.0, 400.0],
            "settings": {
                "reference": [0.6, 0.4, 0.2, 0.1],
                "more divergent": [0.6, 0.4, 0.8, 0.1],
                "more reciprocal": [2.0, 0.4, 0.2, 0.1],
                "more convergent": [0.6, 0.8, 0.2, 0.1],
            },
        },
        "spiking": _spiking(quick),
    }


def _spiking(quick: bool) -> dict[str, Any]:
    """Networks of spiking neurons: family, kind, size (all of it where null), ms to count in.

    A spike takes 1.5 ms to arrive (Brunel 2000; the rate equation knows no delay). The last
    coupling is the poster's strength of 190 mV ms at 20 inputs a neuron.
    """
    longer = 1.0 if quick else 10.0
    worm, fly = REAL_FAMILIES
    return {
        "time_step": 0.05,
        "delay": 1.5,
        "warm_up": 200.0,
        "realisations": 4,
        "windows": 4,
        "couplings": [20.0, 120.0, 200.0, 400.0, 3800.0],
        "networks": {
            **{
                f"{family}-{kind}-{size}": [family, kind, size, longer * duration]
                for family, size, duration in (
                    ("erdos-renyi", 100, 2500.0),
                    ("sonet", 100, 2500.0),
                    ("erdos-renyi", 1000, 400.0),
                )
                for kind in KINDS
            },
            worm: [worm, "excitatory", None, longer * 1200.0],
            fly: [fly, "excitatory", None, longer * 1200.0],
        },
        "sweep": {
            "kinds": list(KINDS),
            "neurons": 300,
            "noises": [0.5, 2.0, 5.0],
            "in_degrees": [5, 20, 80],
            "jumps": [0.05, 0.2, 0.8, 3.2],
            "duration": longer * 300.0,
            "time_step": 0.1,
        },
        "delays": {
            "neurons": 100,
            "couplings": [120.0, 400.0, 3800.0],
            "delays": [0.5, 1.0, 1.5, 2.5, 5.0, 10.0],
            "duration": longer * 400.0,
        },
    }
