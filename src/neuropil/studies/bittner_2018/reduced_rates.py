"""A cheap theory of the rates in a large second-order network (SONET), batched over wirings."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.meanfield import SiegertTransfer
from neuropil.types import Scalar

NODES, NOISE_NODES, ANGLES = 12, 5, 24
STEPS = 60
SETTLED = 1e-6
"""Largest defect of the inputs at which they count as self-consistent, in mV."""


class RateTable(eqx.Module):
    """A rate function (spikes/ms) by cubic interpolation between inputs at equal steps (mV)."""

    lowest: float = eqx.field(static=True)
    step: float = eqx.field(static=True)
    rate: Float[Array, " inputs"]
    slope: Float[Array, " inputs"]

    def __call__(self, current: Float[Array, "..."]) -> Float[Array, "..."]:
        """Rates at inputs; beyond the table those at its ends."""
        place = jnp.clip((current - self.lowest) / self.step, 0.0, self.rate.size - 1.0)
        cell = jnp.minimum(place.astype(int), self.rate.size - 2)
        t = place - cell.astype(float)
        left, right = self.rate[cell], self.rate[cell + 1]
        rise, fall = (self.step * self.slope[at] - (right - left) for at in (cell, cell + 1))
        return left + t * (right - left) + t * (1 - t) * ((1 - t) * rise - t * fall)


def rate_table(
    transfer: SiegertTransfer, lowest: float = -20.0, highest: float = 500.0, step: float = 0.25
) -> RateTable:
    """The table of a neuron's rate function."""
    inputs = jnp.asarray(np.arange(lowest, highest + step / 2, step))
    return RateTable(lowest, step, transfer(inputs), transfer.derivative(inputs))


class Theory(eqx.Module):
    """What the reduced theory has to know beside the parameters: drive (mV) and network size."""

    table: RateTable
    external_input: Scalar
    neurons: Scalar


def latent_correlation(excess: Scalar, threshold: Scalar, probability: Scalar) -> Scalar:
    """The correlation at which two normals exceed a threshold together 1 + `excess` as often.

    Newton's method in the angle (Plackett 1954), for excesses well inside their range.
    """
    nodes, weights = (jnp.asarray(each) for each in np.polynomial.legendre.leggauss(ANGLES))

    def density(angle: Float[Array, "..."]) -> Float[Array, "..."]:
        exponent = -(threshold**2) / (1.0 + jnp.sin(angle))
        return jnp.exp(exponent) / (2 * jnp.pi * probability**2)

    def improve(_: Int[Array, ""], angle: Scalar) -> Scalar:
        found = 0.5 * angle * weights @ density(0.5 * angle * (1 + nodes))
        return jnp.clip(angle - (found - excess) / density(angle), -1.2, 1.5)

    return jnp.sin(jax.lax.fori_loop(0, 12, improve, jnp.zeros(())))


def reduced_rates(
    theory: Theory, probability: Scalar, convergent: Scalar, chain: Scalar, coupling: Scalar
) -> dict[str, Scalar]:
    """Mean rate (Hz) and coefficient of variation of rates over a large SONET.

    The limit of `meanfield.sonet_limit_rates` with the spread that a finite number of partners
    adds, at the quadrature nodes of the in-variable, written to be batched over wirings. NaN
    where no SONET with as many divergent pairs as convergent ones has these statistics, or where
    rates do not settle from those of the drive alone.
    """
    threshold = -jax.scipy.stats.norm.ppf(probability)
    in_variance = latent_correlation(convergent, threshold, probability)
    covariance = latent_correlation(chain, threshold, probability)
    feasible = (jnp.abs(covariance) < in_variance) & (in_variance < 0.5)
    in_variance = jnp.where(feasible, in_variance, 0.25)
    slope = jnp.where(feasible, covariance / in_variance, 0.0)
    nodes, mass = _normal(NODES)
    in_variable = jnp.sqrt(in_variance) * nodes
    private = 1.0 - in_variance * (1.0 + slope**2)
    latent = in_variable[:, None] + slope * in_variable[None, :] - threshold
    edge = jax.scipy.stats.norm.cdf(latent / jnp.sqrt(private))
    strength = coupling / (probability * theory.neurons)
    total, squared = (strength**power * (theory.neurons - 1) for power in (1, 2))
    noise, noise_mass = _normal(NOISE_NODES)

    def rates(mean: Float[Array, " nodes"], deviation: Float[Array, " nodes"]):
        rate = theory.table(mean[:, None] + deviation[:, None] * noise[None, :])
        return rate @ noise_mass, rate**2 @ noise_mass

    def unsettled(now):
        _, _, defect, steps = now
        return (steps < STEPS) & (jnp.max(jnp.abs(defect)) > SETTLED)

    def step(now):
        mean, deviation, before, steps = now
        rate, square = rates(mean, deviation)
        defect = theory.external_input + total * edge @ (mass * rate) - mean
        variance = squared * (edge * (1 - edge)) @ (mass * square)
        # The response is nearly of rank one, so that defects shrink by one factor: every third
        # step goes to where that leads (Aitken), unless they grow.
        factor = (defect @ before) / jnp.maximum(before @ before, 1e-30)
        leap = (steps % 3 == 2) & (factor > 0) & (factor < 1)
        length = jnp.where(leap, jnp.minimum(1.0 / (1.0 - jnp.where(leap, factor, 0.0)), 20.0), 1.0)
        return mean + length * defect, jnp.sqrt(variance), defect, steps + 1

    start = jnp.full(NODES, theory.external_input)
    begin = (start, jnp.zeros(NODES), jnp.full(NODES, jnp.inf), jnp.asarray(0))
    mean, deviation, defect, _ = jax.lax.while_loop(unsettled, step, begin)
    rate, square = rates(mean, deviation)
    mean_rate = mass @ rate
    variation = jnp.sqrt(jnp.maximum(mass @ square / mean_rate**2 - 1.0, 0.0))
    valid = feasible & (jnp.max(jnp.abs(defect)) <= SETTLED)
    return {
        "mean_rate": jnp.where(valid, 1000.0 * mean_rate, jnp.nan),
        "variation": jnp.where(valid, variation, jnp.nan),
    }


def _normal(number: int) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    nodes, mass = np.polynomial.hermite_e.hermegauss(number)
    return jnp.asarray(nodes), jnp.asarray(mass / mass.sum())


__all__ = ["RateTable", "Theory", "latent_correlation", "rate_table", "reduced_rates"]
