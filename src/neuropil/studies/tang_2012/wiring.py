"""The networks of the study: random ones, and pieces and twins of real ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from neuropil.connectivity import (
    Connectome,
    erdos_renyi,
    load_connectome,
    signed,
    sonet,
    sonet_feasibility,
)
from neuropil.types import RandomKey


@dataclass(frozen=True)
class DrawnNetwork:
    """A network and the second-order statistics that were asked of it, 0 where none were."""

    connectome: Connectome
    requested: dict[str, float]


MOTIFS = ("reciprocal", "convergent", "divergent", "chain")


def feasible_point(
    connection_probability: float, ranges: Mapping[str, list[float]], key: RandomKey
) -> dict[str, float]:
    """Second-order statistics drawn uniformly from the feasible part of a box."""
    while True:
        key, draw = jax.random.split(key)
        uniform = np.asarray(jax.random.uniform(draw, (len(ranges),)))
        point = {
            name: float(low + (high - low) * u)
            for (name, (low, high)), u in zip(ranges.items(), uniform, strict=True)
        }
        if sonet_feasibility(connection_probability, **point).feasible:
            return point


def piece(connectome: Connectome, size: int, key: RandomKey) -> Connectome:
    """The connections among `size` cells drawn at random, each of strength one."""
    cells = jax.random.choice(key, connectome.n_neurons, (size,), replace=False)
    return connectome.restricted_to(np.sort(np.asarray(cells))).binary()


def network(
    configuration: Mapping[str, Any], family: str, kind: str, size: int, key: RandomKey
) -> DrawnNetwork:
    """One network of a family: every connection has strength one, negative from inhibitory cells.

    A family is `erdos-renyi`, `sonet`, or the name of a real connectome, of which a random piece
    is taken. In networks of kind `mixed` a fifth of the cells is inhibitory, so much stronger that
    inhibition balances excitation on average.
    """
    wiring_key, statistics_key, sign_key = jax.random.split(key, 3)
    probability = configuration["connection_probability"]
    point = dict.fromkeys(MOTIFS, 0.0)
    if family == "erdos-renyi":
        made = erdos_renyi(size, probability, key=wiring_key)
    elif family == "sonet":
        point = feasible_point(
            probability, configuration["ensemble"]["sonet_range"], statistics_key
        )
        made = sonet(
            size,
            probability,
            reciprocal=point["reciprocal"],
            convergent=point["convergent"],
            divergent=point["divergent"],
            chain=point["chain"],
            key=wiring_key,
        ).connectome
    else:
        made = piece(load_connectome(family), size, wiring_key)
    if kind == "mixed":
        made = signed(made, inhibitory_fraction=configuration["inhibitory_fraction"], key=sign_key)
    return DrawnNetwork(made, point)
