"""How seeds are summed up and compared: medians with intervals, and tests of ranks."""

import numpy as np
from jaxtyping import Num
from scipy import stats

from neuropil.learning.bandits.regret import median_interval

STATIONARY_PACE = 0.02
"""Regret in the last cycle over what choosing at random loses; below it is near-stationary."""

ESCALATING_PACE = 0.1
"""The pace above which regret counts as escalating."""

SIGNIFICANCE = 0.01

Seeds = Num[np.ndarray, " _seeds"]


def verdict(pace: Seeds) -> str:
    """`stationary`, `slows down` or `escalates`: what the median of the paces says."""
    middle = float(np.median(pace))
    if middle < STATIONARY_PACE:
        return "stationary"
    return "escalates" if middle > ESCALATING_PACE else "slows down"


def percent(pace: Seeds) -> str:
    """A pace as a reader sees it, with how many runs are near-stationary."""
    runs = int(np.sum(np.asarray(pace) < STATIONARY_PACE))
    return f"{told(100 * np.asarray(pace), 1)} % ({runs} of {np.size(pace)} runs stationary)"


def told(values: Seeds, digits: int = 0) -> str:
    """Median and interval as a reader sees them."""
    middle, low, high = median_interval(np.asarray(values))
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def p_lower(one: Seeds, other: Seeds) -> float:
    """Mann and Whitney's test that values of `one` are as large as those of `other`, one-sided."""
    return float(stats.mannwhitneyu(one, other, alternative="less").pvalue)


def p_paired(one: Seeds, other: Seeds) -> float:
    """Wilcoxon's test that values of `one` are as large as those of `other`, pair by pair.

    One-sided. For runs that share their random numbers seed by seed.
    """
    differences = np.asarray(one, float) - np.asarray(other, float)
    if not np.any(differences):
        return 1.0
    return float(stats.wilcoxon(differences, alternative="less").pvalue)


def p_different(one: Seeds, other: Seeds) -> float:
    """The same, two-sided."""
    return float(stats.mannwhitneyu(one, other).pvalue)


__all__ = [
    "ESCALATING_PACE",
    "SIGNIFICANCE",
    "STATIONARY_PACE",
    "p_different",
    "p_lower",
    "p_paired",
    "percent",
    "told",
    "verdict",
]
