"""The numbers of the two problems that combine this document with the others."""

from typing import Any


def three_fixed_points_numbers(quick: bool) -> dict[str, Any]:
    """Neuron-glia motifs around Fig. 9 of Gong et al., by where their fold lies.

    `fold` is the value of that figure, `deviation` the spread allowed around it, `range` how far
    each of `parameters` may lie from its value there, as a fraction. `beside` is the distance
    from a fold at which stationary states are counted, in the astrocyte's output.
    """
    return {
        "fold": 0.7818,
        "deviation": 0.02,
        "range": 0.3,
        "particles": 1024 if quick else 8192,
        "drawn": 20_000 if quick else 200_000,
        "stored": 1000 if quick else 2000,
        "counted": 400 if quick else 2000,
        "beside": 1e-3,
    }


def heterogeneous_rates_numbers(quick: bool) -> dict[str, Any]:
    """Second-order networks of the neuron of Tang et al., by how unequal their rates are.

    Rates in Hz, potentials and currents in mV, times in ms; `coupling` is g p N, in mV ms. The
    coefficient of variation is that over the neurons of one network. Divergent pairs are as
    frequent as convergent ones, and reciprocal ones as the other statistics imply.
    """
    return {
        "neuron": {
            "membrane_time_constant": 20.0,
            "refractory_period": 2.0,
            "threshold": 20.0,
            "reset": 10.0,
            "leak_potential": 0.0,
            "noise": 5.0,
        },
        "external_input": 15.0,
        "neurons": 1000,
        "mean_rate": 20.0,
        "deviation_of_mean_rate": 1.0,
        "variation": 0.5,
        "deviation_of_variation": 0.03,
        "ranges": {
            "connection_probability": [0.05, 0.3],
            "convergent": [0.0, 1.0],
            "chain": [-0.3, 0.5],
            "coupling": [0.0, 300.0],
        },
        "particles": 1024 if quick else 8192,
        "drawn": 20_000 if quick else 200_000,
        "stored": 1000 if quick else 2000,
        "networks": 32 if quick else 200,
    }


__all__ = ["heterogeneous_rates_numbers", "three_fixed_points_numbers"]
