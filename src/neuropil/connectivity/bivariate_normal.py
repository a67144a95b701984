"""How much more often two correlated Gaussians exceed a threshold together, and the inverse.

For standard normal X and Y with correlation rho and the threshold h that each exceeds with
probability p, the excess alpha is defined by P(X > h, Y > h) = p^2 (1 + alpha). It links the
second-order statistics of a network (alpha) to the correlations of its latent Gaussians (rho).
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, owens_t

QUADRATURE_NODES = 64
LAYER_BELOW_THRESHOLD = 1.0
LAYER_BELOW_ANGLE = -0.5


def threshold_of(probability: float) -> float:
    """The level h that a standard normal exceeds with `probability`."""
    _require_probability(probability)
    return -float(ndtri(probability))


def excess_range(probability: float) -> tuple[float, float]:
    """Smallest and largest excess that two events of equal `probability` can have.

    They are attained by correlations -1 and 1. Raises `ValueError` unless 0 < probability < 1.
    """
    _require_probability(probability)
    both_at_least = max(0.0, 2 * probability - 1)
    return both_at_least / probability**2 - 1, 1 / probability - 1


def excess_from_correlation(correlation: float, probability: float) -> float:
    """The excess alpha(rho, p) of two standard normals that exceed the same threshold.

    Increasing in `correlation`, zero at zero. The error is below 1e-14 of 1 + |alpha| for
    probabilities from 1e-4 to 1 - 1e-4. Raises `ValueError` unless -1 <= correlation <= 1 and
    0 < probability < 1.

    Source: Plackett, "A reduction formula for normal multivariate integrals", Biometrika 41
    (1954), for the integral over the correlation; Owen, "Tables for computing bivariate normal
    probabilities", Annals of Mathematical Statistics 27 (1956), for the function T.
    """
    _require_probability(probability)
    if not -1 <= correlation <= 1:
        raise ValueError(f"correlation is {correlation}; it must be between -1 and 1")
    return _excess_at_angle(math.asin(correlation), probability)


def correlation_from_excess(excess: float, probability: float) -> float:
    """The correlation rho(alpha, p) at which two standard normals have this excess.

    The inverse of `excess_from_correlation`. Where the excess hardly depends on the correlation
    (rare events with strongly negative correlation) any of the correlations that give it to
    rounding may be returned. Raises `ValueError`, naming the range, when no correlation gives
    this excess.
    """
    lowest, highest = excess_range(probability)
    if not lowest <= excess <= highest:
        raise ValueError(
            f"excess is {excess}; events of probability {probability} allow {lowest} to {highest}"
        )
    if excess == lowest:
        return -1.0
    if excess == highest:
        return 1.0
    if excess == 0:
        return 0.0
    # As a function of the angle the excess has a finite slope at correlation 1, where as a
    # function of the correlation its slope is infinite.
    low, high = -math.pi / 2, math.pi / 2
    if _excess_at_angle(low, probability) >= excess:
        return -1.0
    if _excess_at_angle(high, probability) <= excess:
        return 1.0
    angle = brentq(
        lambda angle: _excess_at_angle(angle, probability) - excess,
        low,
        high,
        xtol=1e-17,
        rtol=4 * np.finfo(float).eps,
    )
    return math.sin(angle)


_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(QUADRATURE_NODES)


def _excess_at_angle(angle: float, probability: float) -> float:
    """The excess at correlation sin(angle).

    The derivative of P(X > h, Y > h) with respect to the angle is exp(-h^2 / (1 + sin)) / (2 pi).
    Its integral has no cancellation for rare events or small correlations, but for small h a
    boundary layer of width h at correlation -1, which is left to Owen's T.
    """
    h = threshold_of(probability)
    if abs(h) < LAYER_BELOW_THRESHOLD and angle < LAYER_BELOW_ANGLE:
        # tan((pi/2 - angle)/2) is sqrt((1 - rho) / (1 + rho)) without its cancellation
        slope = math.tan((math.pi / 2 - angle) / 2)
        both = probability - 2 * float(owens_t(h, slope))
        return (both - probability**2) / probability**2
    angles = 0.5 * angle * (1 + _NODES)
    # 1 + sin(t) = 2 sin^2((t + pi/2)/2), without the cancellation at -pi/2
    one_plus_sine = 2 * np.sin(0.5 * (angles + math.pi / 2)) ** 2
    with np.errstate(divide="ignore"):
        exponent = -(h**2) / one_plus_sine - 2 * math.log(probability)
    return float(0.25 * angle / math.pi * np.dot(_NODE_WEIGHTS, np.exp(exponent)))


def _require_probability(probability: float) -> None:
    if not 0 < probability < 1:
        raise ValueError(f"probability is {probability}; it must lie strictly between 0 and 1")


__all__ = [
    "correlation_from_excess",
    "excess_from_correlation",
    "excess_range",
    "threshold_of",
]
