"""Medians of seeds with intervals, from resampled seeds."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_RESAMPLES = 2_000


class Interval(NamedTuple):
    """A number with the ends of its 95 % interval."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"

    def meets(self, lower: float, upper: float) -> bool:
        """Whether some of the interval lies between two numbers."""
        return self.lower <= upper and self.upper >= lower


def median(values: Float[np.ndarray, " seeds"]) -> Interval:
    """The median over seeds."""
    drawn = np.median(_resampled(values, 0), axis=1)
    return _interval(float(np.median(values)), drawn)


def median_difference(
    first: Float[np.ndarray, " seeds"], second: Float[np.ndarray, " _seeds"]
) -> Interval:
    """Median of the first minus median of the second, whose seeds are independent."""
    drawn = np.median(_resampled(first, 0), axis=1) - np.median(_resampled(second, 1), axis=1)
    return _interval(float(np.median(first) - np.median(second)), drawn)


def spread_ratio(
    first: Float[np.ndarray, " seeds"], second: Float[np.ndarray, " _seeds"]
) -> Interval:
    """Standard deviation of the first over that of the second."""
    tiny = 1e-12
    drawn = np.std(_resampled(first, 0), axis=1) / (np.std(_resampled(second, 1), axis=1) + tiny)
    return _interval(float(np.std(first) / (np.std(second) + tiny)), drawn)


def _resampled(
    values: Float[np.ndarray, " seeds"], stream: int
) -> Float[np.ndarray, "resamples seeds"]:
    # The same resamples each time: a verdict is a function of the results.
    generator = np.random.default_rng(stream)
    return values[generator.integers(len(values), size=(_RESAMPLES, len(values)))]


def _interval(value: float, drawn: Float[np.ndarray, " resamples"]) -> Interval:
    lower, upper = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, float(lower), float(upper))


__all__ = ["Interval", "median", "median_difference", "spread_ratio"]
