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
)
from neuropil.simulate.step_coefficients import (
    delay_steps_of,
    require_short_step,
    step_coefficients,
    steps_of,
)
from neuropil.system import AbstractSpikingSystem

PARAMETERS = ("kept", "rest", "rise", "noise", "reset", "threshold", "poisson_jump")
"""In the order that the kernel names."""


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
        from neuropil.simulate.clocked_kernel import simulate_by_steps

        n = connectome.n_neurons
        n_steps = steps_of("duration", request.duration, self.step)
        sample_steps = np.array(
            [steps_of("sample_times", time, self.step) for time in request.sample_times], np.int64
        )
        delay_steps = delay_steps_of(float(system.delay), self.step)
        require_short_step(system, self.step)
        linear = system.relaxation is not None
        coefficients = step_coefficients(system, n, self.step)
        parameters = np.stack([getattr(coefficients, name) for name in PARAMETERS])
        external = _external_input(coefficients.poisson_mean)
        tau = float(system.synaptic_time_constant)
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
                    coefficients.refractory_steps,
                    *external,
                    *wiring.for_kernel,
                    delay_steps,
                    coefficients.decay,
                    self.step,
                    n_steps,
                    sample_steps,
                    request.sample_neurons,
                    self.maximum_spikes,
                    stream,
                )
            )

        return Prepared(run, wiring.n_bytes + parameters.nbytes, 4 * n * (delay_steps + 16))


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
