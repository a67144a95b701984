"""What a network of rank one and random parts is drawn from: means, deviations and overlaps."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.types import Scalar


def _number(default: float) -> Any:
    return eqx.field(converter=lambda value: jnp.asarray(value, float), default=default)


class RankOneStatistics(eqx.Module):
    """Gaussian statistics of the connectivity J = g chi + m n^T / N and of the input I.

    The entries of chi are independent with mean 0 and variance 1/N, `strength` is g. For each
    neuron (m, n, I) is drawn from a normal distribution: m and n independent, with `mean_m`,
    `mean_n` and standard deviations `deviation_m`, `deviation_n`; I with `mean_input`, with
    covariances `covariance_m_input` = Sigma_mI and `covariance_n_input` = Sigma_nI, and with a
    part of standard deviation `deviation_input` = Sigma_perp that is independent of both
    (Mastrogiuseppe and Ostojic, "Linking connectivity, dynamics, and computations in low-rank
    recurrent neural networks", 2018). All are numbers without a unit; many at once by `jax.vmap`.

    Raises `ValueError`, naming the parameter, when one is not a finite number, g or a deviation
    is negative, or the input is to covary with a vector of deviation zero.
    """

    mean_m: Float[Array, ""] = _number(0.0)
    mean_n: Float[Array, ""] = _number(0.0)
    deviation_m: Float[Array, ""] = _number(1.0)
    deviation_n: Float[Array, ""] = _number(1.0)
    strength: Float[Array, ""] = _number(0.0)
    mean_input: Float[Array, ""] = _number(0.0)
    covariance_m_input: Float[Array, ""] = _number(0.0)
    covariance_n_input: Float[Array, ""] = _number(0.0)
    deviation_input: Float[Array, ""] = _number(0.0)

    def __check_init__(self):
        for name, value in vars(self).items():
            if value.shape != ():
                raise ValueError(
                    f"{name} must be one value, got shape {value.shape}; several statistics at "
                    "once are made by `jax.vmap`"
                )
            if isinstance(value, jax.core.Tracer):
                continue
            if not np.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")
            if (name.startswith("deviation") or name == "strength") and value < 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        for vector in ("m", "n"):
            deviation = getattr(self, f"deviation_{vector}")
            covariance = getattr(self, f"covariance_{vector}_input")
            if isinstance(deviation, jax.core.Tracer) or isinstance(covariance, jax.core.Tracer):
                continue
            if deviation == 0 and covariance != 0:
                raise ValueError(
                    f"covariance_{vector}_input must be 0 where deviation_{vector} is 0, "
                    f"got {covariance}"
                )

    @property
    def input_variance(self) -> Scalar:
        """Sigma_I^2 = Sigma_mI^2 / Sigma_m^2 + Sigma_nI^2 / Sigma_n^2 + Sigma_perp^2."""
        along_m = ratio(self.covariance_m_input, self.deviation_m)
        along_n = ratio(self.covariance_n_input, self.deviation_n)
        return along_m**2 + along_n**2 + self.deviation_input**2


def ratio(numerator: Scalar, denominator: Scalar) -> Scalar:
    """The quotient, and zero where the denominator is zero."""
    is_zero = denominator == 0
    return jnp.where(is_zero, 0.0, numerator / jnp.where(is_zero, 1.0, denominator))


__all__ = ["RankOneStatistics", "ratio"]
