"""Circuits in which the astrocytes echo the neurons, or have a mind of their own, or both."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from neuropil.circuits import HyperbolicTangent, NeuroGlialNetwork
from neuropil.connectivity import random_neuro_glial_wiring
from neuropil.result import raise_unless_successful
from neuropil.simulate import NonStiff, integrate
from neuropil.types import RandomKey, Scalar

CONDITIONS = ("apart", "echo", "own", "both")
"""Astrocytes neither sense nor act; only sense; have inputs of their own and act; all of it."""


class Stimuli(eqx.Module):
    """Independent smooth random inputs, one for each cell: sums of many sinusoids.

    `frequencies` in cycles per ms, `phases` in radians; the variance of each input is
    `amplitude` squared. The sums are Gaussian as their number grows.
    """

    frequencies: Float[Array, " waves"]
    phases: Float[Array, "cells waves"]
    amplitude: Float[Array, ""]

    def __call__(self, time: Scalar) -> Float[Array, " cells"]:
        """Inputs of all cells at a time in ms."""
        waves = jnp.cos(2 * jnp.pi * (self.frequencies * time)[None, :] + self.phases)
        return self.amplitude * jnp.sqrt(2.0 / self.frequencies.size) * jnp.sum(waves, axis=1)


def circuit(settings: Mapping[str, Any], condition: str, key: RandomKey) -> NeuroGlialNetwork:
    """A random circuit; with the same key only the couplings differ between conditions."""
    neurons, astrocytes = settings["neurons"], settings["astrocytes"]
    wiring_key, gap_key, neuron_key, astrocyte_key = jax.random.split(key, 4)
    wiring = random_neuro_glial_wiring(
        wiring_key,
        n_neurons=neurons,
        n_astrocytes=astrocytes,
        n_synapses=neurons * (neurons - 1),
        n_gap_junctions=astrocytes * (astrocytes - 1) // 2,
    )
    senses, acts = condition in ("echo", "both"), condition in ("own", "both")
    # Random gap junctions alone let few astrocytes come to rest: what they compute has inputs.
    own = acts or condition == "apart"
    gain = settings["gap_gain"] / np.sqrt(astrocytes - 1) * own
    strength = gain * jax.random.normal(gap_key, wiring.gap_strength.shape)
    return NeuroGlialNetwork(
        eqx.tree_at(lambda each: each.gap_strength, wiring, strength),
        glial_gain=settings["glial_gain"] * acts,
        coincidence_gain=settings["coincidence_gain"] * senses,
        neuron_input=_stimuli(settings, neurons, settings["stimulus"], neuron_key),
        astrocyte_input=_stimuli(settings, astrocytes, settings["stimulus"] * own, astrocyte_key),
        astrocyte_time_constant=settings["astrocyte_time_constant"],
        neuron_activation=HyperbolicTangent(),
    )


def _stimuli(settings: Mapping[str, Any], cells: int, amplitude: float, key: RandomKey) -> Stimuli:
    frequency_key, phase_key = jax.random.split(key)
    waves = settings["waves"]
    return Stimuli(
        jax.random.uniform(frequency_key, (waves,), maxval=settings["fastest"]),
        jax.random.uniform(phase_key, (cells, waves), maxval=2 * jnp.pi),
        jnp.asarray(amplitude, float),
    )


def recorded(
    settings: Mapping[str, Any], condition: str, samples: int, keys: Key[Array, " circuits"]
) -> tuple[
    Float[np.ndarray, "circuits samples neurons"], Float[np.ndarray, "circuits samples glia"]
]:
    """Rates of neurons and activity of astrocytes of many circuits, after a transient."""
    systems = [circuit(settings, condition, key) for key in keys]
    arrays, rest = zip(*(eqx.partition(each, eqx.is_array) for each in systems), strict=True)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays)
    times = settings["transient"] + settings["sampling"] * np.arange(samples)
    size = (settings["astrocytes"],)
    starts = [
        each.join(astrocytes=jax.random.normal(jax.random.fold_in(key, 7), size))
        for each, key in zip(systems, keys, strict=True)
    ]
    method = NonStiff(
        relative_tolerance=settings["tolerance"], absolute_tolerance=1e-2 * settings["tolerance"]
    )
    rates, activity, outcomes = _run_all(
        eqx.combine(stacked, rest[0]), jnp.stack(starts), method, tuple(times.tolist())
    )
    raise_unless_successful(outcomes, what=f"circuits, {condition}", throw=True)
    return np.asarray(rates), np.asarray(activity)


@eqx.filter_jit
def _run_all(systems, starts, method, times):
    # Conditions differ in numbers alone: compiled once for all of them.
    def run(system, start):
        found = integrate(system, method, start, duration=times[-1], save_at=times, throw=False)
        parts = system.parts(found.states)
        return system.neuron_activation(parts.neurons), parts.astrocytes, found.outcome

    return eqx.filter_vmap(run)(systems, starts)


__all__ = ["CONDITIONS", "Stimuli", "circuit", "recorded"]
