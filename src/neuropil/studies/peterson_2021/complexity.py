"""Steps, cells and time of waves from width to width: exactly, and as the document has them."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neuropil.learning.astrocyte import (
    AstrocyteNetwork,
    document_penalty,
    neural_layer,
    penalty,
    shortest_wave,
    widths,
)
from neuropil.types import RandomKey

TABLE_1 = {
    "XOR": ("s d s d s d g s g s g g g", 2, 1),
    "Digits": ("g s g s g s g s g s g", 20, 10),
    "Fashion": ("g s g s g s g s g s g", 20, 10),
}
"""Steps, input and output size as printed."""
PUBLISHED_CODE = {
    "XOR": ("s d s d s d s d g g g g", 2, 2),
    "Digits": ("g d g d g d g d g d", 20, 10),
    "Fashion": ("g d g d g d g d g d", 20, 10),
}
"""As the public code runs them; its XOR takes one more gather, which no wave can."""
EXAMPLE = (2, 12)


def run_complexity(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Penalties for all pairs of widths by both criteria, and the networks of Table 1."""
    del key
    largest = configuration["complexity"]["largest"]
    sizes = np.arange(1, largest + 1)
    stated = np.array([[document_penalty(int(m), int(n)) for n in sizes] for m in sizes])
    exact = {
        name: np.array(
            [[_number(penalty(int(m), int(n), mixing=mixing)) for n in sizes] for m in sizes]
        )
        for name, mixing in (("width_penalty", False), ("mixing_penalty", True))
    }
    ends = [_end(*TABLE_1[name][:2]) for name in TABLE_1]
    waves = [shortest_wave(m, n, mixing=True) for _, m, n in TABLE_1.values() if (m - n) % 2 == 0]
    example = shortest_wave(*EXAMPLE)
    digits = waves[0]
    own = _steps_reaching(PUBLISHED_CODE["Digits"][0], 20)
    return xr.Dataset(
        {
            "document_penalty": (("before", "after"), stated),
            **{name: (("before", "after"), values) for name, values in exact.items()},
            "printed_steps": ("network", [_count(TABLE_1[name][0]) for name in TABLE_1]),
            "printed_end": ("network", ends),
            "code_steps": ("network", [_count(PUBLISHED_CODE[name][0]) for name in TABLE_1]),
            "code_end": ("network", [_end(*PUBLISHED_CODE[name][:2]) for name in TABLE_1]),
            "stated_end": ("network", [TABLE_1[name][2] for name in TABLE_1]),
            "example_steps": ((), example.steps),
            "example_time": (
                (),
                example.transmission_time(configuration["complexity"]["time_per_step"]),
            ),
            "mixing_steps": ((), digits.steps),
            "mixing_cells": ((), digits.cells),
            "neural_cells": ((), neural_layer(20, 10).cells),
            "pairs_connected": ((), own),
        },
        {"before": sizes, "after": sizes, "network": list(TABLE_1)},
    )


def _number(value: int | None) -> float:
    return np.nan if value is None else float(value)


def _count(notation: str) -> int:
    return len(notation.split())


def _end(notation: str, width: int) -> int:
    return widths(notation, width)[-1][0]


def _steps_reaching(notation: str, width: int) -> float:
    """Share of pairs of an output and an input that the steps connect."""
    network = AstrocyteNetwork.from_notation(
        notation, width=width, form="document", key=jax.random.key(0)
    )
    connected = np.eye(width)
    for step in network.steps:
        connected = np.minimum(1.0, (np.abs(step.matrix()) > 0) @ connected)
    return float(connected.mean())


__all__ = ["EXAMPLE", "PUBLISHED_CODE", "TABLE_1", "run_complexity"]
