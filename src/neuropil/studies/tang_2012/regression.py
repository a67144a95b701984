"""How well one set of numbers predicts another across networks, with intervals."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from neuropil.types import RandomKey


@dataclass(frozen=True)
class Prediction:
    """Share of variance explained by a linear fit, and its bootstrap interval.

    `explained` is R^2 on the networks that were fitted, `low` and `high` the 2.5 and 97.5
    percentiles over resampled networks, and `held_out` R^2 on networks left out one by one
    (negative when the fit predicts worse than the mean does).
    """

    explained: float
    low: float
    high: float
    held_out: float


def _with_intercept(
    predictors: Float[np.ndarray, "networks predictors"],
) -> Float[np.ndarray, "networks predictors_plus_one"]:
    spread = predictors.std(axis=0)
    # A predictor that is the same in all networks predicts nothing; scaling the rest keeps the
    # normal equations well conditioned whatever the units.
    kept = spread > 1e-12 * np.maximum(1.0, np.abs(predictors).max(axis=0))
    scaled = (predictors[:, kept] - predictors[:, kept].mean(axis=0)) / spread[kept]
    return np.column_stack([np.ones(len(predictors)), scaled])


def _explained(
    design: Float[np.ndarray, "networks columns"], response: Float[np.ndarray, " networks"]
) -> tuple[float, float]:
    """R^2 of the fit, and R^2 with every network predicted from the others."""
    total = np.sum((response - response.mean()) ** 2)
    if total == 0:
        return float("nan"), float("nan")
    orthonormal, triangle = np.linalg.qr(design)
    independent = np.abs(np.diag(triangle)) > 1e-10 * np.abs(triangle[0, 0])
    orthonormal = orthonormal[:, independent]
    residual = response - orthonormal @ (orthonormal.T @ response)
    leverage = np.sum(orthonormal**2, axis=1)
    left_out = residual / np.maximum(1.0 - leverage, 1e-12)
    count = len(response)
    # The mean too is taken over the other networks, hence the factor.
    total_left_out = total * (count / (count - 1)) ** 2
    return 1.0 - np.sum(residual**2) / total, 1.0 - np.sum(left_out**2) / total_left_out


def predict(
    predictors: Float[np.ndarray, "networks predictors"],
    response: Float[np.ndarray, " networks"],
    *,
    resamples: int,
    key: RandomKey,
) -> Prediction:
    """Fit `response` linearly to `predictors` and say how much of its variance is explained.

    Networks with a response that is not finite (no fixed point was found) are left out; with
    fewer than four more networks than predictors the result is not a number.
    """
    usable = np.isfinite(response) & np.all(np.isfinite(predictors), axis=1)
    predictors, response = predictors[usable], response[usable]
    if len(response) < predictors.shape[1] + 4:
        return Prediction(*(float("nan"),) * 4)
    explained, held_out = _explained(_with_intercept(predictors), response)
    picks = np.asarray(jax.random.randint(key, (resamples, len(response)), 0, len(response)))
    samples = [_explained(_with_intercept(predictors[pick]), response[pick])[0] for pick in picks]
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return Prediction(explained, float(low), float(high), held_out)


def interval_of_mean(values: Float[np.ndarray, " samples"]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval from the normal approximation."""
    finite = values[np.isfinite(values)]
    if finite.size < 2:
        return float(finite.mean()) if finite.size else float("nan"), float("nan")
    return float(finite.mean()), float(1.96 * finite.std(ddof=1) / np.sqrt(finite.size))
