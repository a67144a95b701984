"""The convex dual on a sample: natural parameters that bring weighted means to their targets."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

Features = Float[np.ndarray, "points rows"]
Rows = Float[np.ndarray, " rows"]


class Tilt(NamedTuple):
    """A change of natural parameters that meets the targets on a sample."""

    change: Rows
    log_ratio: float
    log_weights: Float[np.ndarray, " points"]
    residual: Rows
    converged: bool


def active_rows(
    sign: Int[np.ndarray, " rows"], eta: Rows, mean: Rows, slack: float | Rows = 0.0
) -> Bool[np.ndarray, " rows"]:
    """The rows that pull: equalities, and bounds that are violated or already push."""
    violated = sign * mean < -slack
    return (sign == 0) | violated | (sign * eta > 0)


def newton_direction(
    features: Features,
    active: Bool[np.ndarray, " rows"],
    other: Float[np.ndarray, " points"] | None = None,
    other_change: float = 0.0,
) -> Rows:
    """The change of natural parameters that, to first order, brings active means to zero.

    `other` is a further feature whose natural parameter changes by `other_change` at the same
    time. Directions in which the features do not vary are left alone.
    """
    direction = np.zeros(features.shape[1])
    if not active.any():
        return direction
    centred = features[:, active] - features[:, active].mean(axis=0)
    missing = -features[:, active].mean(axis=0)
    if other is not None:
        missing = missing - centred.T @ (other - other.mean()) / len(other) * other_change
    spread = centred.std(axis=0)
    spread[spread == 0] = 1.0
    whitened = centred / spread
    values, vectors = np.linalg.eigh(whitened.T @ whitened / len(features))
    inverse = np.where(values > 1e-10 * values[-1], 1 / np.maximum(values, 1e-300), 0.0)
    direction[active] = vectors @ (inverse * (vectors.T @ (missing / spread))) / spread
    return direction


def effective_share(log_weights: Float[np.ndarray, " points"]) -> float:
    """The effective sample size of weights, as a share of their number (Kish)."""
    return float(np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights)) / len(log_weights))


def longest_step(log_weights: Float[np.ndarray, " points"], least_share: float) -> float:
    """The largest fraction of a change, at most one, that keeps the effective share."""
    if effective_share(log_weights) >= least_share:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if effective_share(middle * log_weights) >= least_share:
            low = middle
        else:
            high = middle
    return low


def tilt(
    features: Features,
    sign: Int[np.ndarray, " rows"],
    eta: Rows,
    *,
    log_weights: Float[np.ndarray, " points"] | None = None,
    max_steps: int = 100,
) -> Tilt:
    """The exact solution of the dual on a weighted sample, by damped Newton steps.

    Minimises log sum_i w_i exp(change . features_i): at the minimum the tilted means are zero
    (for bounds: not violated, and their natural parameters have their sign). `converged` is false
    where the targets lie outside the convex hull of the features or on its edge.
    """
    start = np.zeros(len(features)) if log_weights is None else log_weights
    start = start - logsumexp(start)
    change = np.zeros(features.shape[1])

    def weights_of(change: Rows) -> tuple[float, Float[np.ndarray, " points"]]:
        logs = start + features @ change
        total = float(logsumexp(logs))
        return total, np.exp(logs - total)

    value, weights = weights_of(change)
    mean = weights @ features
    for _ in range(max_steps):
        active = active_rows(sign, eta + change, mean, slack=1e-12)
        wanted = np.where(active, mean, 0.0)
        centred = features - mean
        spread = np.sqrt(weights @ centred**2)
        if np.all(np.abs(wanted) <= 1e-10 * np.maximum(spread, 1e-300)):
            break
        root = np.sqrt(weights)[:, None] * centred[:, active]
        part = spread[active]
        part[part == 0] = 1.0
        values, vectors = np.linalg.eigh((root / part).T @ (root / part))
        inverse = np.where(values > 1e-12 * values[-1], 1 / np.maximum(values, 1e-300), 0.0)
        direction = np.zeros(features.shape[1])
        direction[active] = -(vectors @ (inverse * (vectors.T @ (mean[active] / part)))) / part
        decrease = float(direction[active] @ mean[active])
        step = 1.0
        for _ in range(60):
            trial = change + step * direction
            wrong = (sign != 0) & (sign * (eta + trial) < 0)
            trial[wrong] = -eta[wrong]
            trial_value, trial_weights = weights_of(trial)
            if trial_value <= value + 1e-4 * step * decrease + 1e-14:
                break
            step *= 0.5
        else:
            break
        change, value, weights = trial, trial_value, trial_weights
        mean = weights @ features
    active = active_rows(sign, eta + change, mean, slack=1e-9)
    residual = np.where(active, mean, 0.0)
    spread = np.sqrt(weights @ (features - mean) ** 2)
    converged = bool(np.all(np.abs(residual) <= 1e-6 * np.maximum(spread, 1e-12)))
    with np.errstate(divide="ignore"):
        return Tilt(change, value, np.log(weights), residual, converged)


__all__ = [
    "Tilt",
    "active_rows",
    "effective_share",
    "longest_step",
    "newton_direction",
    "tilt",
]
