"""What is stored of a distribution of parameters."""

import numpy as np
import xarray as xr

from neuropil.inference import ParameterDistribution, predict
from neuropil.types import RandomKey

TRACE = ("reference", "entropy", "missing", "simulations")


def stored(answer: ParameterDistribution) -> xr.Dataset:
    """Entropy with its certificate, every constraint with its interval, and the path.

    Rows are the constraints. `missing` in the path is in units of a constraint's scale.
    """
    nats = {"units": "nats"}
    reports = answer.constraints
    eta = [answer.natural_parameters[report.label] for report in reports]
    return xr.Dataset(
        {
            "entropy": ((), answer.entropy.value, nats),
            "entropy_error": ((), answer.entropy.standard_error, nats),
            "entropy_lower": ((), answer.entropy.lower, nats),
            "entropy_upper": ((), answer.entropy.upper, nats),
            "entropy_gap": ((), answer.entropy_gap, nats),
            "log_partition": ((), answer.log_partition.value, nats),
            "inside_share": ((), answer.inside_share),
            "simulations": ((), answer.simulations),
            "steps": ((), answer.steps),
            "outcome": ((), answer.outcome.sentence),
            "target": ("row", [report.target for report in reports]),
            "reached": ("row", [report.reached.value for report in reports]),
            "reached_lower": ("row", [report.reached.lower for report in reports]),
            "reached_upper": ("row", [report.reached.upper for report in reports]),
            "tolerance": ("row", [report.tolerance for report in reports]),
            "met": ("row", [report.met for report in reports]),
            "natural_parameter": ("row", [each.value for each in eta]),
            "natural_parameter_error": ("row", [each.standard_error for each in eta]),
            "trace": (("step", "quantity"), np.asarray(answer.trace)),
        },
        {"row": [report.label for report in reports], "quantity": list(TRACE)},
    )


def drawn(answer: ParameterDistribution, count: int, key: RandomKey) -> xr.Dataset:
    """Samples without weights, and their statistics computed again."""
    support, behaviour = answer.problem.support, answer.problem.behaviour
    found = predict(answer, count, key=key)
    values = np.concatenate(
        [np.reshape(found.parameters[name], (count, -1)) for name in support.names], axis=1
    )
    statistics = np.stack([found.statistics[name] for name in behaviour.names], axis=1)
    return xr.Dataset(
        {
            "sample": (("draw", "parameter"), values),
            "statistic": (("draw", "name"), statistics),
        },
        {
            "parameter": ("parameter", list(support.labels)),
            "unit": ("parameter", list(support.units)),
            "name": ("name", list(behaviour.names)),
            "name_unit": ("name", [behaviour.units.get(name, "") for name in behaviour.names]),
        },
    )


__all__ = ["TRACE", "drawn", "stored"]
