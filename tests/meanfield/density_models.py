"""Integrate-and-fire populations of which something is known exactly."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import StepKernel
from neuropil.meanfield.density_grid import VoltageGrid
from neuropil.meanfield.population_density import PopulationDensity

TIME_CONSTANT, REST, NOISE = 20.0, 12.0, 1.2


class Constant(eqx.Module):
    """The same value at every potential, for each type."""

    value: Float[Array, "..."] = eqx.field(converter=lambda x: jnp.asarray(x, float))

    def __call__(self, potential):
        return self.value * jnp.ones_like(potential)


class Interpolated(eqx.Module):
    """Any function: linear between values at equally spaced potentials."""

    lower: Float[Array, ""]
    upper: Float[Array, ""]
    values: Float[Array, " knots"]

    def __call__(self, potential):
        knots = jnp.linspace(self.lower, self.upper, self.values.size)
        return jnp.interp(potential, knots, self.values)


def leaky(weights=((4.0,),), measure=(1.0,), *, cells=300, lower=-20.0, upper=40.0, **fields):
    """Leaky neurons that fire by a sigmoid hazard."""
    given = {
        "drift": LinearDrift(TIME_CONSTANT, REST),
        "hazard": SigmoidHazard(0.2, 15.0, 2.0),
        "noise": NOISE,
    } | fields
    return PopulationDensity(
        IntegrateAndFire(**given),
        StepKernel(np.asarray(weights, float), np.asarray(measure, float)),
        VoltageGrid(lower, upper, cells),
    )


def renewal_density(time, potentials, *, hazard, received, start, noise=NOISE, reset=0.0):
    """Leaky neurons of constant hazard: each density is a mixture over the age of the last spike.

    With a constant hazard the rate is the hazard itself, so that the input is constant, and since
    its last spike the potential of a neuron is an Ornstein-Uhlenbeck process.
    """
    rest = REST + TIME_CONSTANT * received
    variance = noise**2 * TIME_CONSTANT / 2

    def since(age, mean, deviation):
        decay = np.exp(-age / TIME_CONSTANT)
        spread = np.sqrt(variance * (1 - decay**2) + (deviation * decay) ** 2)
        return norm.pdf(potentials[:, None], rest + (mean - rest) * decay, spread)

    nodes, weights = np.polynomial.legendre.leggauss(400)
    # In the square root of the age the integrand is smooth, the delta at age 0 included.
    root = np.sqrt(time) * (nodes + 1) / 2
    weight = weights * np.sqrt(time) / 2 * 2 * root * hazard * np.exp(-hazard * root**2)
    silent = np.exp(-hazard * time) * since(np.array([time]), *start)[:, 0]
    return silent + since(root**2, reset, 0.0) @ weight
