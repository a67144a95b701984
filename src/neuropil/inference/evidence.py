"""Ratios of normalising constants between neighbouring densities, estimated from both sides."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import expit, logsumexp
from scipy.stats import t as student

Works = Float[np.ndarray, " points"]


class LogRatio(NamedTuple):
    """log(Z1 / Z0): from the first density's sample, from the second's, and from both.

    The first errs low and the second high on average (Jensen); the third uses both samples and
    has the least variance (Bennett 1976, J. Comput. Phys. 22:245).
    """

    forward: float
    backward: float
    both: float


def log_ratio(from_first: Works, from_second: Works) -> LogRatio:
    """The ratio from log(q1/q0), unnormalised, at samples of either density.

    Minus infinity is allowed where the second density is zero.
    """
    forward = float(logsumexp(from_first) - np.log(len(from_first)))
    backward = -float(logsumexp(-from_second) - np.log(len(from_second)))

    def imbalance(level: float) -> float:
        return float(np.mean(expit(from_first - level)) - np.mean(expit(level - from_second)))

    finite = np.concatenate([from_first, from_second])
    finite = finite[np.isfinite(finite)]
    low, high = finite.min() - 1.0, finite.max() + 1.0
    # Where most of one sample is outside the other density's domain the ratio lies beyond.
    while imbalance(low) < 0:
        low -= high - low
    while imbalance(high) > 0:
        high += high - low
    return LogRatio(forward, backward, float(brentq(imbalance, low, high, xtol=1e-12)))


class Estimate(NamedTuple):
    """A number with its standard error and the interval that holds it at the stated confidence."""

    value: float
    standard_error: float
    lower: float
    upper: float


def estimate_of_repeats(
    repeats: Float[np.ndarray, " repeats"], confidence: float = 0.95, *, value: float | None = None
) -> Estimate:
    """The mean of independent repeats (or a better `value`) with Student's interval."""
    mean = float(np.mean(repeats)) if value is None else value
    count = len(repeats)
    error = float(np.std(repeats, ddof=1) / np.sqrt(count))
    half = float(student.ppf(0.5 + confidence / 2, count - 1)) * error
    return Estimate(mean, error, mean - half, mean + half)


def estimate_of_log(repeats: Float[np.ndarray, " repeats"], confidence: float = 0.95) -> Estimate:
    """The logarithm of a number, from the logarithms of independent estimates of it.

    Where the estimates themselves have no bias, as those of a population of particles, their
    logarithms err low on average (Jensen), by half of their variance to second order. That is
    put back, its own error counts, and because the next orders are not known the interval is
    wider by as much. Where repeats agree within a tenth none of this shows.
    """
    count = len(repeats)
    variance = float(np.var(repeats, ddof=1))
    value = float(np.mean(repeats)) + 0.5 * variance
    # Of the mean, and of half the variance (of Gaussian numbers).
    error = float(np.sqrt(variance / count + 0.5 * variance**2 / (count - 1)))
    half = float(student.ppf(0.5 + confidence / 2, count - 1)) * error + 0.5 * variance
    return Estimate(value, error, value - half, value + half)


__all__ = ["Estimate", "LogRatio", "estimate_of_log", "estimate_of_repeats", "log_ratio"]
