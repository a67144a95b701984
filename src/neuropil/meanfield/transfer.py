"""The firing rate of a population of neurons as a function of their mean inputs."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neuropil.circuits import LeakyIntegrateAndFire
from neuropil.meanfield.firing_rate import firing_rate
from neuropil.meanfield.steepest_response import steepest_response


class SiegertTransfer(eqx.Module):
    """Stationary rate of leaky integrate-and-fire neurons with white noise, as a function of input.

    A callable on mean inputs E in mV (last axis neurons, any axes before it), element by element,
    with values in spikes/ms; see `firing_rate` for the formula and its sources. `neuron` holds the
    parameters, scalars or one value for each neuron; its own `mean_input` is replaced by the
    argument.
    """

    neuron: LeakyIntegrateAndFire

    def __call__(self, mean_input: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Rates in spikes/ms."""
        neuron = self.neuron
        return firing_rate(
            mean_input,
            neuron.noise,
            membrane_time_constant=neuron.membrane_time_constant,
            refractory_period=neuron.refractory_period,
            threshold=neuron.threshold,
            reset=neuron.reset,
            leak_potential=neuron.leak_potential,
        )

    def derivative(self, mean_input: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """dr/dE in spikes/ms per mV, positive everywhere, in closed form."""
        return jax.jvp(self, (mean_input,), (jnp.ones_like(mean_input),))[1]

    def maximum_derivative(self) -> Float[Array, "..."]:
        """An upper bound on dr/dE over all real inputs, in spikes/ms per mV.

        A scalar where all neurons share their parameters, otherwise one value for each neuron.
        Proof and tightness: `steepest_response`.
        """
        neuron = self.neuron
        return steepest_response(
            neuron.noise,
            neuron.membrane_time_constant,
            neuron.refractory_period,
            neuron.threshold - neuron.reset,
        )


__all__ = ["SiegertTransfer"]
