"""An answer by the path along natural parameters beside that of weighted draws, for storage."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from neuropil.inference import ParameterDistribution

WAYS = ("path", "weighted draws")


def answer_variables(path: ParameterDistribution, weighed: ParameterDistribution) -> dict[str, Any]:
    """Entropy, natural parameters and constraints both ways, and how the path came about."""
    both = (path, weighed)

    def rows(name: str) -> np.ndarray:
        return np.array(
            [[getattr(each, name) for each in one.natural_parameters.values()] for one in both]
        )

    def reached(name: str) -> np.ndarray:
        return np.array([getattr(report.reached, name) for report in path.constraints])

    return {
        "eta": (("way", "row"), rows("value")),
        "eta_error": (("way", "row"), rows("standard_error")),
        "reached": ("row", reached("value")),
        "reached_lower": ("row", reached("lower")),
        "reached_upper": ("row", reached("upper")),
        "row_target": ("row", [report.target for report in path.constraints]),
        "entropy": ("way", [one.entropy.value for one in both], {"unit": "nats"}),
        "entropy_error": ("way", [one.entropy.standard_error for one in both], {"unit": "nats"}),
        "entropy_of_support": ((), entropy_of_support(path), {"unit": "nats"}),
        "entropy_gap": ((), path.entropy_gap, {"unit": "nats"}),
        "effective_samples": ("way", [one.effective_samples for one in both]),
        "inside_share": ("way", [one.inside_share for one in both]),
        "simulations": ((), path.simulations),
        "trace": (("step", "followed"), path.trace),
        "outcome": ((), int(path.outcome)),
    }


def answer_coordinates(path: ParameterDistribution) -> dict[str, list[str]]:
    """Names for the axes of `answer_variables`."""
    return {
        "row": list(path.natural_parameters),
        "way": list(WAYS),
        "followed": ["reference", "entropy", "missing", "simulations"],
    }


def entropy_of_support(path: ParameterDistribution) -> float:
    """Log of the size of a box: the entropy of the uniform distribution on it, in nats."""
    support = path.problem.support
    return -float(support.log_reference(jnp.zeros(support.dimension)))


__all__ = ["WAYS", "answer_coordinates", "answer_variables", "entropy_of_support"]
