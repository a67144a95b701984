"""Families of networks whose size grows, and the kernels they converge to."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neuropil.connectivity import (
    AbstractKernel,
    Connectome,
    analytic_kernel,
    curve_kernel,
    curve_network,
    sample_network,
    sonet,
    sonet_step_kernel,
)
from neuropil.types import RandomKey

FAMILIES = ("dense", "sparse", "sonet", "ring")
SHIFTS = (-0.1, 0.15)
"""Where on the ring the two groups of partners of a neuron lie."""

SHARES = (0.6, -0.2)
"""Their weights over the strength: with few partners, stronger ones drown the limit in shot noise
up to a million neurons."""


class Family(NamedTuple):
    """A limiting kernel, in mV, and whether its networks are random."""

    kernel: AbstractKernel
    is_random: bool


def family(configuration: Mapping[str, Any], name: str) -> Family:
    """The limit of a family.

    `dense` and `sparse` are random graphs of fixed and of vanishing density whose weights are a
    kernel of rank two without symmetry; `sonet` is a second-order network; in `ring` a neuron
    listens to the about sqrt(N) neurons nearest to two points of a ring, excited by the one and
    inhibited by the other, so that the limiting kernel is a measure on two curves.
    """
    strength, types = configuration["strength"], configuration["types"]
    if name == "ring":
        curves = curve_kernel(_curves(), strength * np.array(SHARES), types * 4)
        return Family(curves, is_random=False)
    if name == "sonet":
        chosen = configuration["families"]["sonet"]
        kernel = sonet_step_kernel(
            chosen["probability"],
            chosen["convergent"],
            chosen["chain"],
            total_strength=strength / chosen["probability"],
            nodes=chosen["nodes"],
        )
        return Family(kernel, is_random=True)
    return Family(analytic_kernel(lambda xi, zeta: _rank_two(strength, xi, zeta), types), True)


def network(configuration: Mapping[str, Any], name: str, size: int, key: RandomKey) -> Connectome:
    """One network of a family."""
    strength = configuration["strength"]
    chosen = configuration["families"].get(name, {})
    if name == "ring":
        return curve_network(_curves(), strength * np.array(SHARES), size).connectome
    if name == "sonet":
        p = chosen["probability"]
        graph = sonet(
            size,
            p,
            **{kind: chosen[kind] for kind in ("reciprocal", "convergent", "divergent", "chain")},
            key=key,
        )
        return graph.connectome.scaled(strength / (p * size), unit="mV")
    probability = chosen["probability"]
    if name == "sparse":
        probability = min(1.0, probability * (100 / size) ** 0.5)
    kernel = family(configuration, name).kernel
    return sample_network(kernel, size, probability=probability, key=key).connectome


def _rank_two(strength: float, xi: np.ndarray, zeta: np.ndarray) -> np.ndarray:
    """Receivers differ in what they receive, senders in whom they reach."""
    return strength * ((0.4 + 1.2 * xi) * (1.5 - zeta) + 0.5 * np.cos(np.pi * xi) * zeta)


def _curves() -> list[Any]:
    # One of the two points moves with the neuron, the other runs twice around the ring: no
    # rotation maps the pattern to itself.
    return [lambda xi: xi + SHIFTS[0], lambda xi: 2.0 * xi + SHIFTS[1]]
