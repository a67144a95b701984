"""The study's neuron alone: its rate, and spikes simulated without the rate formula."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.circuits import LeakyIntegrateAndFire
from neuropil.studies.tang_2012.ensemble import transfer_of
from neuropil.types import RandomKey

TIME_STEP = 0.01
DURATION = 200.0
TRIALS = 2_000
TRACE = 150.0

# A threshold watched only every time step is seen too late; Broadie, Glasserman and Kou (1997)
# shift it by -zeta(1/2) / sqrt(2 pi) standard deviations of one step to make up for that.
THRESHOLD_SHIFT = 0.5826


def run_neuron(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Rate and its slope over input currents, rates counted in simulations, and one trace."""
    transfer = transfer_of(configuration)
    inputs = jnp.linspace(0.0, 400.0, 801)
    probed = jnp.array([12.0, 15.0, 20.0, 30.0, 60.0])
    keys = jax.random.split(key, probed.size)
    simulated = [
        spike(LeakyIntegrateAndFire(**configuration["neuron"], mean_input=mean_input), one)
        for mean_input, one in zip(probed, keys, strict=True)
    ]
    counted = jnp.stack([rates for rates, _ in simulated])
    return xr.Dataset(
        {
            "rate": ("input", np.asarray(transfer(inputs))),
            "slope": ("input", np.asarray(transfer.derivative(inputs))),
            "largest_slope": ((), float(transfer.maximum_derivative())),
            "saturated_rate": ((), float(transfer(jnp.array([1e6]))[0])),
            "theory_rate": ("probed_input", np.asarray(transfer(probed))),
            "simulated_rate": ("probed_input", np.asarray(counted.mean(axis=1))),
            "simulated_error": (
                "probed_input",
                np.asarray(counted.std(axis=1) / np.sqrt(TRIALS)),
            ),
            "voltage": ("time", np.asarray(simulated[2][1])),
        },
        coords={
            "input": np.asarray(inputs),
            "probed_input": np.asarray(probed),
            "time": TIME_STEP * np.arange(1, round(TRACE / TIME_STEP) + 1),
        },
        attrs={"rate_unit": "spikes/ms", "input_unit": "mV", "time_unit": "ms"},
    )


def spike(
    neuron: LeakyIntegrateAndFire, key: RandomKey
) -> tuple[Float[Array, " trials"], Float[Array, " times"]]:
    """Rates of independent trials after a transient, and the first trial's early trace."""
    return _spike(neuron, key)


@jax.jit
def _spike(neuron, key):
    diffusion = neuron.noise * jnp.sqrt(TIME_STEP / neuron.membrane_time_constant)
    watched = neuron.threshold - THRESHOLD_SHIFT * diffusion
    start_key, step_key = jax.random.split(key)
    spread = jax.random.uniform(start_key, (TRIALS,))
    voltage = neuron.reset + (neuron.threshold - neuron.reset) * spread

    def step(state, number):
        voltage, held = state
        noise = jax.random.normal(jax.random.fold_in(step_key, number), (TRIALS,))
        moved = voltage + TIME_STEP * neuron.vector_field(jnp.asarray(0.0), voltage)
        moved = jnp.where(held > 0, neuron.reset, moved + diffusion * noise)
        spiked = moved >= watched
        held = jnp.where(spiked, neuron.refractory_period, held - TIME_STEP)
        return (jnp.where(spiked, neuron.reset, moved), held), spiked

    def advance(state, numbers):
        def counted(carry, number):
            state, total = carry
            state, spiked = step(state, number)
            return (state, total + spiked), jnp.where(spiked[0], neuron.threshold, state[0][0])

        return jax.lax.scan(counted, (state, jnp.zeros(TRIALS)), numbers)

    early, late = round(TRACE / TIME_STEP), round(DURATION / TIME_STEP)
    state = (voltage, jnp.zeros(TRIALS))
    (state, _), trace = advance(state, jnp.arange(early))
    (_, total), _ = advance(state, jnp.arange(early, early + late))
    return total / DURATION, trace
