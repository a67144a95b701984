"""Whether weights are scaled as the mean-field limit asks: many partners, each of them weak."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuropil.connectivity.connectome import Connectome

LARGEST_GROWTH = 0.1


@dataclass(frozen=True)
class NaturalScaling:
    """The three numbers that the mean-field limit bounds, in the unit of the weights.

    `in_strength` is the largest sum of |w_ij| over senders j, `out_strength` over receivers i;
    both must stay bounded as the network grows, while `largest_weight` must vanish.
    """

    n_neurons: int
    in_strength: float
    out_strength: float
    largest_weight: float
    unit: str = ""

    @property
    def bound(self) -> float:
        """C: the larger of the two strengths."""
        return max(self.in_strength, self.out_strength)

    @property
    def sentence(self) -> str:
        """What this says about the network, for a reader."""
        unit = f" {self.unit}" if self.unit else ""
        share = self.largest_weight / self.bound if self.bound else 0.0
        return (
            f"No neuron receives more than {self.in_strength:.4g}{unit} or sends more than "
            f"{self.out_strength:.4g}{unit} in all; the strongest of its connections is "
            f"{self.largest_weight:.4g}{unit}, {share:.2g} of that: the mean-field limit is near "
            "where this is small."
        )


@dataclass(frozen=True)
class ScalingGrowth:
    """How the three numbers change with the number of neurons: exponents of powers of N."""

    in_strength: float
    out_strength: float
    largest_weight: float


def natural_scaling(connectome: Connectome) -> NaturalScaling:
    """max_i sum_j |w_ij|, max_j sum_i |w_ij| and max |w_ij| of a network.

    Source: Jabin and Zhou, "The mean-field limit of sparse networks of integrate-and-fire
    neurons", arXiv:2309.04046.
    """
    magnitude = abs(connectome.to_scipy())
    if not connectome.n_edges:
        return NaturalScaling(connectome.n_neurons, 0.0, 0.0, 0.0, connectome.unit)
    return NaturalScaling(
        connectome.n_neurons,
        float(magnitude.sum(axis=1).max()),
        float(magnitude.sum(axis=0).max()),
        float(magnitude.max()),
        connectome.unit,
    )


def require_natural_scaling(networks: Sequence[Connectome]) -> ScalingGrowth:
    """The growth of the three numbers along a family of networks of growing size.

    The exponents are slopes of the logarithms against log N, by least squares. Raises
    `ValueError`, saying which, when a total weight grows faster than N^0.1 or the largest weight
    does not fall: then the family has no kernel with bounded masses for a limit. Raises it too
    for fewer than two sizes.
    """
    measured = [natural_scaling(network) for network in networks]
    if len({scaling.n_neurons for scaling in measured}) < 2:
        raise ValueError("networks must hold at least two sizes")
    sizes = np.log([scaling.n_neurons for scaling in measured])

    def growth(name: str) -> float:
        values = np.array([getattr(scaling, name) for scaling in measured])
        if np.any(values <= 0):
            raise ValueError("networks must all have a connection of weight other than zero")
        return float(np.polyfit(sizes, np.log(values), 1)[0])

    found = ScalingGrowth(growth("in_strength"), growth("out_strength"), growth("largest_weight"))
    for name, words in (("in_strength", "onto"), ("out_strength", "from")):
        exponent = getattr(found, name)
        if exponent > LARGEST_GROWTH:
            values = ", ".join(f"{getattr(scaling, name):.4g}" for scaling in measured)
            raise ValueError(
                f"the largest total weight {words} one neuron is {values} along the family and "
                f"grows as N^{exponent:.2f}; natural scaling asks that it stays bounded"
            )
    if found.largest_weight >= 0:
        values = ", ".join(f"{scaling.largest_weight:.4g}" for scaling in measured)
        raise ValueError(
            f"the largest weight is {values} along the family; natural scaling asks that it "
            "vanishes as the network grows"
        )
    return found


__all__ = ["NaturalScaling", "ScalingGrowth", "natural_scaling", "require_natural_scaling"]
