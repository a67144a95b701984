"""Spikes on a grid of time steps, for any integrate-and-fire neuron."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from neuropil.connectivity import Connectome
from neuropil.simulate.elementwise_code import ElementwiseCode, elementwise_code
from neuropil.simulate.outgoing import outgoing
from neuropil.simulate.random_draws import poisson_tables
from neuropil.simulate.spike_methods import (
    LARGEST_NUMBER_OF_SPIKES,
    AbstractSpikeMethod,
    Prepared,
    Realisation,
    Request,
    noise_per_neuron,
    per_neuron,
)
from neuropil.system import AbstractSpikingSystem

_STEP_TOLERANCE = 1e-6


class ClockedEvents(AbstractSpikeMethod):
    """In steps of `step` ms; spikes are delivered one by one, so that their cost follows them.

    A linear drift (with filtered currents, if any) is advanced exactly, any other by Heun's
    method. At the end of a step a neuron fires when it is at or above its threshold, or with
    probability 1 - exp(-hazard step); so a spike is late by up to a step, and a noisy membrane
    can cross the threshold unseen within one. Its input arrives after `delay`, which must be a
    whole number of steps; without a delay, at the end of the next step. Refractory periods are
    rounded to whole steps.

    Raises `ValueError` when `step` or `maximum_spikes` is not positive.
    """

    step: float = 0.1
    maximum_spikes: int = LARGEST_NUMBER_OF_SPIKES

    def __check_init__(self):
        if not (np.isfinite(self.step) and self.step > 0):
            raise ValueError(f"step must be positive and finite, got {self.step} ms")
        if self.maximum_spikes < 1:
            raise ValueError(f"maximum_spikes must be positive, got {self.maximum_spikes}")

    def prepare(
        self, system: AbstractSpikingSystem, connectome: Connectome, request: Request
    ) -> Prepared:
        """Lay the network out by source and compute what a step does to a membrane.

        Raises `ValueError` when duration, sample times or delay are no whole number of steps, the
        delay is shorter than a step, a stated bound of the hazard is too high for the step, and
        for parameters of the wrong shape.
        """
        # Compiled when first imported, which only those who simulate spikes should wait for.
        from neuropil.simulate.clocked_kernel import LARGEST_SPIKES_A_STEP, simulate_by_steps

        n = connectome.n_neurons
        n_steps = self._steps("duration", request.duration)
        sample_steps = np.array(
            [self._steps("sample_times", time) for time in request.sample_times], np.int64
        )
        delay = float(system.delay)
        delay_steps = self._steps("delay", delay) if delay > 0 else 1
        if delay_steps < 1:
            raise ValueError(f"delay is {delay} ms, shorter than the step of {self.step} ms")
        bound = system.rate_bound
        if bound is not None and np.max(np.asarray(bound)) * self.step > LARGEST_SPIKES_A_STEP:
            longest = LARGEST_SPIKES_A_STEP / np.max(np.asarray(bound))
            raise ValueError(
                f"step is {self.step} ms, too long for a hazard of up to {np.max(bound):.6g} "
                f"spikes/ms: at most {longest:.3g} ms are allowed"
            )
        linear = system.relaxation is not None
        parameters = self._parameters(system, n)
        refractory = per_neuron("refractory_period", system.refractory_period, n)
        refractory_steps = np.rint(refractory / self.step).astype(np.int64)
        external = _external_input(per_neuron("poisson_rate", system.poisson_rate, n) * self.step)
        tau = float(system.synaptic_time_constant)
        decay = float(np.exp(-self.step / tau)) if tau > 0 else 0.0
        code = [
            elementwise_code(function, n, name=name)
            for name, function in (("hazard", system.hazard), ("drift", None))
            if function is not None
        ]
        if not linear:
            code.append(
                elementwise_code(lambda v: system.vector_field(jnp.zeros(()), v), n, name="drift")
            )
        if not code:
            code = [elementwise_code(lambda v: v, n, name="hazard")]
        hazard = code[0] if system.hazard is not None else _without_constants(code[0])
        drift = _without_constants(code[0]) if linear else code[-1]
        wiring = outgoing(connectome, float(system.coupling) / (tau if tau > 0 else 1.0))

        def run(start: np.ndarray, stream: np.uint64) -> Realisation:
            return Realisation(
                *simulate_by_steps(
                    *hazard,
                    *drift,
                    system.hazard is not None,
                    linear,
                    parameters,
                    start.copy(),
                    refractory_steps,
                    *external,
                    *wiring.for_kernel,
                    delay_steps,
                    decay,
                    self.step,
                    n_steps,
                    sample_steps,
                    request.sample_neurons,
                    self.maximum_spikes,
                    stream,
                )
            )

        return Prepared(run, wiring.n_bytes + parameters.nbytes, 4 * n * (delay_steps + 16))

    def _steps(self, name: str, time: float) -> int:
        steps = time / self.step
        if abs(steps - round(steps)) > _STEP_TOLERANCE:
            raise ValueError(
                f"{name} must be a whole number of steps of {self.step} ms, got {time} ms"
            )
        return round(steps)

    def _parameters(
        self, system: AbstractSpikingSystem, n: int
    ) -> Float[np.ndarray, "parameters neurons"]:
        """What a step does to each membrane, in the order that the kernel names."""
        noise = noise_per_neuron(system, n)
        jump = per_neuron("poisson_jump", system.poisson_jump, n)
        tau, step = float(system.synaptic_time_constant), self.step
        kept, rest, rise, spread = np.zeros(n), np.zeros(n), np.zeros(n), noise * np.sqrt(step)
        if system.relaxation is not None:
            rate = per_neuron("time_constant", system.relaxation[0], n)
            rest = per_neuron("rest", system.relaxation[1], n)
            kept = np.exp(-rate * step)
            spread = noise * np.sqrt(-np.expm1(-2 * rate * step) / (2 * rate))
            if tau > 0:
                rise = _rise(rate, 1.0 / tau, step)
        if tau > 0:
            jump = jump / tau
        return np.stack(
            [
                kept,
                rest,
                rise,
                spread,
                per_neuron("reset", system.reset, n),
                per_neuron("threshold", system.threshold, n),
                jump,
            ]
        )


def _rise(rate: np.ndarray, slow: float, step: float) -> np.ndarray:
    """Integral over a step of exp(-rate (step - s)) exp(-slow s): what a unit current adds to V."""
    difference = rate - slow
    small = np.abs(difference * step) < 1e-8
    safe = np.where(small, 1.0, difference)
    integral = np.exp(-slow * step) * -np.expm1(-safe * step) / safe
    return np.where(small, step * np.exp(-slow * step), integral)


class _ExternalInput(NamedTuple):
    """Tables of the Poisson numbers of a step (`PoissonTables`), and which of them a neuron uses.

    Without input there are no repeats, and nothing is drawn.
    """

    table_of: Int[np.ndarray, " neurons"]
    guide: Int[np.ndarray, "tables cells"]
    levels: Float[np.ndarray, "tables counts"]
    repeats: int


def _external_input(means: Float[np.ndarray, " neurons"]) -> _ExternalInput:
    distinct, table_of = np.unique(means, return_inverse=True)
    tables = poisson_tables(distinct)
    repeats = tables.repeats if distinct[-1] > 0 else 0
    return _ExternalInput(table_of.astype(np.int64), tables.guide, tables.levels, repeats)


def _without_constants(code: ElementwiseCode) -> ElementwiseCode:
    """A stand-in that is passed to the kernel and never called."""
    return ElementwiseCode(code.function, np.zeros(0), np.zeros((0, 1)))


__all__ = ["ClockedEvents"]
