"""Which second-order statistics a SONET can have, and how they follow from latent Gaussians.

An edge exists where x_i + y_j + e_ij exceeds a threshold (post i, pre j). With all three
together of variance 1, the correlation rho of the Gaussians behind two edges fixes the alpha of
the motif that they form:

    Var x = rho_convergent,  Var y = rho_divergent,  Cov(x, y) = rho_chain,
    Cov(e_ij, e_ji) = rho_reciprocal - 2 rho_chain,  Var e = 1 - rho_convergent - rho_divergent.

The three covariance matrices must be positive, and that is all:

    rho_convergent, rho_divergent >= 0,   rho_chain^2 <= rho_convergent rho_divergent,
    rho_convergent + rho_divergent <= 1,
    |rho_reciprocal - 2 rho_chain| <= 1 - rho_convergent - rho_divergent.

Source: Zhao, Beverlin, Netoff and Nykamp, "Synchronization from second order network
connectivity statistics", Front. Comput. Neurosci. 5:28 (2011), for SONETs by thresholding
Gaussians. The conditions suffice at every size of network, and in the limit of large networks
they are also necessary.
"""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

from neuropil.connectivity.bivariate_normal import (
    correlation_from_excess,
    excess_from_correlation,
    excess_range,
)

STATISTICS = ("reciprocal", "convergent", "divergent", "chain")
ROUNDING = 1e-9
SMALLEST_SLACK = 1e-14

Range = tuple[float, float]


@dataclass(frozen=True)
class SonetParameters:
    """What is asked of a SONET: its size, density and second-order statistics.

    P(two given edges exist) = p^2 (1 + alpha) with p the `connection_probability` and alpha
    `convergent` for two edges onto one neuron, `divergent` for two from one neuron, `chain` for
    one into and one out of a neuron, `reciprocal` for the two between a pair of neurons. With
    `reciprocal` None, each pair is connected both ways just as often as the other three imply.

    Raises `ValueError`, naming the field, for fewer than 2 neurons, a probability outside (0, 1)
    or statistics that are not finite. That they are feasible is the matter of
    `sonet_feasibility`.
    """

    n_neurons: int
    connection_probability: float
    reciprocal: float | None = None
    convergent: float = 0.0
    divergent: float = 0.0
    chain: float = 0.0

    def __post_init__(self):
        require_size_and_probability(self.n_neurons, self.connection_probability)
        for name in STATISTICS:
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} is {value}; it must be finite")


class LatentCorrelations(NamedTuple):
    """Correlations of the Gaussians behind the two edges of each motif."""

    reciprocal: float
    convergent: float
    divergent: float
    chain: float

    @property
    def noise_variance(self) -> float:
        """Var e, the share of the variance that belongs to single edges."""
        return max(0.0, 1 - self.convergent - self.divergent)

    @property
    def noise_covariance(self) -> float:
        """Cov(e_ij, e_ji)."""
        return self.reciprocal - 2 * self.chain


@dataclass(frozen=True)
class SonetFeasibility:
    """Whether a SONET with these statistics exists; if not, why not.

    `reason` is empty when it does. Each range is what one alpha may be while the others stay as
    asked, None where they leave no room for it.
    """

    feasible: bool
    reason: str
    reciprocal: Range | None
    convergent: Range | None
    divergent: Range | None
    chain: Range | None


def sonet_feasibility(
    connection_probability: float,
    *,
    reciprocal: float | None = None,
    convergent: float = 0.0,
    divergent: float = 0.0,
    chain: float = 0.0,
) -> SonetFeasibility:
    """Whether a SONET with these statistics exists, and the range of each of them.

    The statistics are those of `SonetParameters`, which also says what raises `ValueError`.
    """
    asked = SonetParameters(2, connection_probability, reciprocal, convergent, divergent, chain)
    try:
        correlations, reason = latent_correlations(asked), ""
    except ValueError as error:
        correlations, reason = unchecked_correlations(asked), str(error)
    return SonetFeasibility(not reason, reason, **_ranges(asked, correlations))


def latent_correlations(parameters: SonetParameters) -> LatentCorrelations:
    """The latent correlations that give the asked statistics.

    Raises `ValueError`, naming the statistic and its feasible range, when there are none.
    """
    p = parameters.connection_probability
    highest = excess_range(p)[1]
    convergent = _correlation(parameters, "convergent", (0.0, highest), (0.0, 1.0), "")
    divergent = _correlation(parameters, "divergent", (0.0, highest), (0.0, 1.0), "")

    room = max(0.0, 1 - divergent), max(0.0, 1 - convergent)
    most = excess_from_correlation(room[0], p), excess_from_correlation(room[1], p)
    if not _within(parameters.convergent, (0.0, most[0])):
        raise ValueError(
            f"convergent is {parameters.convergent:.10g} and divergent is "
            f"{parameters.divergent:.10g}; with this divergent, convergent must be between 0 and "
            f"{most[0]:.10g}, and with this convergent, divergent between 0 and {most[1]:.10g} "
            f"at connection_probability {p:.10g} (their latent correlations may add up to 1)"
        )
    convergent = min(convergent, room[0])

    limit = math.sqrt(convergent * divergent)
    chain = _correlation(
        parameters,
        "chain",
        (excess_from_correlation(-limit, p), excess_from_correlation(limit, p)),
        (-limit, limit),
        f", convergent {parameters.convergent:.10g} and divergent {parameters.divergent:.10g}",
    )
    if parameters.reciprocal is None:
        return LatentCorrelations(2 * chain, convergent, divergent, chain)
    noise = max(0.0, 1 - convergent - divergent)
    low, high = max(-1.0, 2 * chain - noise), min(1.0, 2 * chain + noise)
    reciprocal = _correlation(
        parameters,
        "reciprocal",
        (excess_from_correlation(low, p), excess_from_correlation(high, p)),
        (low, high),
        f", convergent {parameters.convergent:.10g}, divergent {parameters.divergent:.10g} "
        f"and chain {parameters.chain:.10g}",
    )
    return LatentCorrelations(reciprocal, convergent, divergent, chain)


def unchecked_correlations(parameters: SonetParameters) -> LatentCorrelations:
    """The latent correlation of each statistic on its own, whether or not they go together.

    A statistic that no correlation gives gets the nearest one, -1 or 1.
    """
    p = parameters.connection_probability
    values = {
        name: correlation_from_excess(_in_range(getattr(parameters, name), p), p)
        for name in ("convergent", "divergent", "chain")
    }
    if parameters.reciprocal is None:
        return LatentCorrelations(reciprocal=2 * values["chain"], **values)
    reciprocal = correlation_from_excess(_in_range(parameters.reciprocal, p), p)
    return LatentCorrelations(reciprocal=reciprocal, **values)


def require_size_and_probability(n_neurons: int, connection_probability: float) -> None:
    """Raise `ValueError` for fewer than 2 neurons or a probability outside (0, 1)."""
    if not isinstance(n_neurons, Integral) or n_neurons < 2:
        raise ValueError(f"n_neurons is {n_neurons}; it must be a whole number, at least 2")
    if not 0 < connection_probability < 1:
        raise ValueError(
            f"connection_probability is {connection_probability}; it must lie strictly between 0 "
            "and 1"
        )


def _within(value: float, allowed: Range) -> bool:
    slack = ROUNDING * max(abs(end) for end in allowed) + SMALLEST_SLACK
    return allowed[0] - slack <= value <= allowed[1] + slack


def _correlation(
    parameters: SonetParameters, name: str, allowed: Range, correlations: Range, given: str
) -> float:
    """The latent correlation of one statistic, which must lie in `allowed` up to rounding.

    The comparison is one of excesses, as these hardly depend on strongly negative correlations.
    """
    p = parameters.connection_probability
    value = getattr(parameters, name)
    if not _within(value, allowed):
        raise ValueError(
            f"{name} is {value:.10g}; it must be between {allowed[0] + 0.0:.10g} and "
            f"{allowed[1] + 0.0:.10g} at connection_probability {p:.10g}{given}"
        )
    correlation = correlation_from_excess(_in_range(value, p), p)
    return min(max(correlation, correlations[0]), correlations[1])


def _in_range(excess: float, probability: float) -> float:
    lowest, highest = excess_range(probability)
    return min(max(excess, lowest), highest)


def _ranges(
    parameters: SonetParameters, correlations: LatentCorrelations
) -> dict[str, Range | None]:
    """The range of each statistic while the others stay as they are."""
    p = parameters.connection_probability
    _, convergent, divergent, chain = correlations
    noise = 1 - convergent - divergent
    tied = abs(_reciprocal_nearest(2 * chain, parameters) - 2 * chain)
    limit = math.sqrt(max(0.0, convergent * divergent))
    least_chain, most_chain = -limit, limit
    if parameters.reciprocal is not None:
        least_chain = max(-limit, (_reciprocal_nearest(-2.0, parameters) - noise) / 2)
        most_chain = min(limit, (_reciprocal_nearest(2.0, parameters) + noise) / 2)
    are_variances = min(convergent, divergent) >= 0 and noise >= -ROUNDING
    possible = {
        "reciprocal": are_variances and abs(chain) <= limit + ROUNDING,
        "convergent": divergent > 0 or (divergent == 0 and chain == 0),
        "divergent": convergent > 0 or (convergent == 0 and chain == 0),
        "chain": are_variances,
    }
    latent = {
        "reciprocal": (2 * chain - noise, 2 * chain + noise),
        "convergent": (chain**2 / divergent if divergent > 0 else 0.0, 1 - divergent - tied),
        "divergent": (chain**2 / convergent if convergent > 0 else 0.0, 1 - convergent - tied),
        "chain": (least_chain, most_chain),
    }
    impossible = {
        name
        for name in STATISTICS
        if (value := getattr(parameters, name)) is not None and not _within(value, excess_range(p))
    }
    return {
        name: _excesses(latent[name], p) if possible[name] and not impossible - {name} else None
        for name in STATISTICS
    }


def _excesses(correlations: Range, probability: float) -> Range | None:
    low, high = correlations
    if low > high + ROUNDING:
        return None
    return (
        excess_from_correlation(low, probability),
        excess_from_correlation(max(low, high), probability),
    )


def _reciprocal_nearest(wanted: float, parameters: SonetParameters) -> float:
    """Of the latent correlations that give the asked `reciprocal` to rounding, the nearest."""
    if parameters.reciprocal is None:
        return wanted
    p = parameters.connection_probability
    slack = 0.5 * ROUNDING * abs(parameters.reciprocal)
    least = correlation_from_excess(_in_range(parameters.reciprocal - slack, p), p)
    most = correlation_from_excess(_in_range(parameters.reciprocal + slack, p), p)
    return min(max(wanted, least), most)


__all__ = [
    "LatentCorrelations",
    "SonetFeasibility",
    "SonetParameters",
    "latent_correlations",
    "require_size_and_probability",
    "sonet_feasibility",
    "unchecked_correlations",
]
