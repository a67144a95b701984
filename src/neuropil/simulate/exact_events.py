"""Spikes without a time step, for neurons that fire by hazard."""

import jax.numpy as jnp
import numpy as np

from neuropil.connectivity import Connectome
from neuropil.simulate.elementwise_code import ElementwiseCode, elementwise_code
from neuropil.simulate.outgoing import outgoing
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

_NEAREST_TIME_CONSTANTS = 1e-3


class ExactEvents(AbstractSpikeMethod):
    """Event by event, each at its exact time: the law of the spikes is that of the equations.

    For neurons that fire by a bounded hazard and no threshold. A linear drift is solved exactly;
    any other by Heun's method with steps halved until halving moves the potential by less than
    `tolerance` (mV) a step, along one Brownian path. A realisation stops with an explanation when
    the hazard exceeds its bound or there are more than `maximum_spikes`.

    The cost follows the spikes of the network and the bound: keep it as low as is true. Spikes of
    a network of linear drift cost one addition a synapse; with any other drift each arriving spike
    costs a step of the receiver.

    Raises `ValueError` when `tolerance` or `maximum_spikes` is not positive.
    """

    tolerance: float = 1e-3
    maximum_spikes: int = LARGEST_NUMBER_OF_SPIKES

    def __check_init__(self):
        if not self.tolerance > 0:
            raise ValueError(f"tolerance must be positive, got {self.tolerance} mV")
        if self.maximum_spikes < 1:
            raise ValueError(f"maximum_spikes must be positive, got {self.maximum_spikes}")

    def prepare(
        self, system: AbstractSpikingSystem, connectome: Connectome, request: Request
    ) -> Prepared:
        """Lay the network out by source and compile drift and hazard.

        Raises `ValueError` for a finite threshold, a hazard without a bound, a synaptic time
        constant within a thousandth of that of a membrane, and parameters of the wrong shape.
        """
        # Compiled when first imported, which only those who simulate spikes should wait for.
        from neuropil.simulate.exact_kernel import simulate_exactly

        n = connectome.n_neurons
        if np.any(np.isfinite(np.asarray(system.threshold))):
            raise ValueError(
                f"threshold is {system.threshold} mV, but `ExactEvents` knows neurons that fire "
                "by hazard only: use `ClockedEvents`"
            )
        if system.hazard is None or system.rate_bound is None:
            raise ValueError(
                "hazard_bound must be given: `ExactEvents` needs a rate that the hazard never "
                "exceeds (or use `ClockedEvents`, which does not)"
            )
        linear = system.relaxation is not None
        rate, rest = system.relaxation if linear else (jnp.zeros(()), jnp.zeros(()))
        tau = float(system.synaptic_time_constant)
        rows = {
            "rate": rate,
            "rest": rest,
            "noise": noise_per_neuron(system, n),
            "reset": system.reset,
            "refractory_period": system.refractory_period,
            "poisson_rate": system.poisson_rate,
            "poisson_jump": system.poisson_jump,
            "hazard_bound": system.rate_bound,
        }
        parameters = np.stack([per_neuron(name, value, n) for name, value in rows.items()])
        if linear and tau > 0 and np.any(abs(parameters[0] * tau - 1) < _NEAREST_TIME_CONSTANTS):
            raise ValueError(
                f"synaptic_time_constant is {tau} ms, that of a membrane: they must differ by more "
                "than a thousandth"
            )
        hazard = elementwise_code(system.hazard, n, name="hazard")
        drift = ElementwiseCode(hazard.function, np.zeros(0), np.zeros((0, 1)))
        if not linear:
            drift = elementwise_code(
                lambda v: system.vector_field(jnp.zeros(()), v), n, name="drift"
            )
        wiring = outgoing(connectome, float(system.coupling))
        delay = float(system.delay)

        def run(start: np.ndarray, stream: np.uint64) -> Realisation:
            states = np.zeros((4, n))
            states[0] = start - parameters[1] if linear else start
            return Realisation(
                *simulate_exactly(
                    *hazard,
                    *drift,
                    linear,
                    parameters,
                    states,
                    *wiring.for_kernel,
                    delay,
                    tau,
                    request.duration,
                    request.sample_times,
                    request.sample_neurons,
                    self.tolerance,
                    self.maximum_spikes,
                    stream,
                )
            )

        return Prepared(run, wiring.n_bytes + parameters.nbytes, 4 * 8 * n)


__all__ = ["ExactEvents"]
