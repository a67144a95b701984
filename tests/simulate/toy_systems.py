"""Systems whose solutions are known, for tests of integration."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from neuropil.system import AbstractNoisySystem, AbstractSystem

traces: list[str] = []
"""Grows by one name whenever compiled code reads a vector field anew."""


class Linear(AbstractSystem):
    """dy/dt = matrix y."""

    matrix: jax.Array

    @property
    def state_names(self):
        return tuple(f"y{i}" for i in range(self.matrix.shape[-1]))

    @property
    def state_unit(self):
        return "mV"

    def vector_field(self, time, state):
        traces.append("Linear")
        return self.matrix @ state


class Given(AbstractSystem):
    """Any function of time, state and an array of parameters."""

    function: Callable
    parameters: jax.Array
    names: tuple[str, ...] = eqx.field(static=True)

    @property
    def state_names(self):
        return self.names

    @property
    def state_unit(self):
        return ""

    def vector_field(self, time, state):
        return self.function(time, state, self.parameters)


class LinearNoise(AbstractNoisySystem):
    """dy = -rate y dt + (additive + multiplicative y) dW, every component by itself.

    Holds Ornstein-Uhlenbeck processes, geometric Brownian motion and Brownian motion itself.
    """

    rate: jax.Array
    additive: jax.Array
    multiplicative: jax.Array

    @property
    def state_names(self):
        return tuple(f"y{i}" for i in range(self.rate.size))

    @property
    def state_unit(self):
        return ""

    def vector_field(self, time, state):
        return -self.rate * state

    def noise_amplitude(self, time, state):
        return self.additive + self.multiplicative * state


def linear_noise(size, *, rate=0.0, additive=0.0, multiplicative=0.0):
    return LinearNoise(*(jnp.full(size, value) for value in (rate, additive, multiplicative)))
