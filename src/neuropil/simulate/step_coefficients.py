"""What one step of fixed length does to a membrane, and how many steps a time takes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from neuropil.simulate.spike_methods import noise_per_neuron, per_neuron
from neuropil.system import AbstractSpikingSystem

STEP_TOLERANCE = 1e-6
LARGEST_SPIKES_A_STEP = 0.2
"""Expected spikes of one neuron in one step, above which a second one is too likely to ignore."""


class StepCoefficients(NamedTuple):
    """One step of each membrane: V moves to rest + kept (V - rest) + rise I + noise z, z normal.

    `kept`, `rest` and `rise` are 0 where the drift is not linear. Potentials, `noise` and
    `poisson_jump` in mV (jumps of a filtered current in mV/ms), `rise` in ms; `decay` is the
    share of a current that a step leaves, 0 without currents.
    """

    kept: Float[np.ndarray, " neurons"]
    rest: Float[np.ndarray, " neurons"]
    rise: Float[np.ndarray, " neurons"]
    noise: Float[np.ndarray, " neurons"]
    reset: Float[np.ndarray, " neurons"]
    threshold: Float[np.ndarray, " neurons"]
    poisson_jump: Float[np.ndarray, " neurons"]
    poisson_mean: Float[np.ndarray, " neurons"]
    refractory_steps: Int[np.ndarray, " neurons"]
    decay: float


def steps_of(name: str, time: float, step: float) -> int:
    """How many steps a time takes. Raises `ValueError` when it is no whole number of them."""
    steps = time / step
    if abs(steps - round(steps)) > STEP_TOLERANCE:
        raise ValueError(f"{name} must be a whole number of steps of {step} ms, got {time} ms")
    return round(steps)


def delay_steps_of(delay: float, step: float) -> int:
    """Steps from a spike to its arrival, 1 without a delay. Raises `ValueError` for a part."""
    steps = steps_of("delay", delay, step) if delay > 0 else 1
    if steps < 1:
        raise ValueError(f"delay is {delay} ms, shorter than the step of {step} ms")
    return steps


def require_short_step(system: AbstractSpikingSystem, step: float) -> None:
    """Raise `ValueError` when the stated bound of the hazard is too high for the step."""
    bound = system.rate_bound
    if bound is None:
        return
    largest = float(np.max(np.asarray(bound)))
    if largest * step > LARGEST_SPIKES_A_STEP:
        raise ValueError(
            f"step is {step} ms, too long for a hazard of up to {largest:.6g} spikes/ms: at most "
            f"{LARGEST_SPIKES_A_STEP / largest:.3g} ms are allowed"
        )


def step_coefficients(
    system: AbstractSpikingSystem, n_neurons: int, step: float
) -> StepCoefficients:
    """The coefficients of a step of `step` ms.

    Raises `ValueError`, naming the parameter, for one of the wrong shape.
    """
    n = n_neurons
    noise = noise_per_neuron(system, n)
    jump = per_neuron("poisson_jump", system.poisson_jump, n)
    tau = float(system.synaptic_time_constant)
    kept, rest, rise, spread = np.zeros(n), np.zeros(n), np.zeros(n), noise * np.sqrt(step)
    if system.relaxation is not None:
        rate = per_neuron("time_constant", system.relaxation[0], n)
        rest = per_neuron("rest", system.relaxation[1], n)
        kept = np.exp(-rate * step)
        spread = noise * np.sqrt(-np.expm1(-2 * rate * step) / (2 * rate))
        if tau > 0:
            rise = _rise(rate, 1.0 / tau, step)
    refractory = per_neuron("refractory_period", system.refractory_period, n)
    return StepCoefficients(
        kept=kept,
        rest=rest,
        rise=rise,
        noise=spread,
        reset=per_neuron("reset", system.reset, n),
        threshold=per_neuron("threshold", system.threshold, n),
        poisson_jump=jump / tau if tau > 0 else jump,
        poisson_mean=per_neuron("poisson_rate", system.poisson_rate, n) * step,
        refractory_steps=np.rint(refractory / step).astype(np.int64),
        decay=float(np.exp(-step / tau)) if tau > 0 else 0.0,
    )


def _rise(rate: np.ndarray, slow: float, step: float) -> np.ndarray:
    """Integral over a step of exp(-rate (step - s)) exp(-slow s): what a unit current adds to V."""
    difference = rate - slow
    small = np.abs(difference * step) < 1e-8
    safe = np.where(small, 1.0, difference)
    integral = np.exp(-slow * step) * -np.expm1(-safe * step) / safe
    return np.where(small, step * np.exp(-slow * step), integral)


__all__ = [
    "LARGEST_SPIKES_A_STEP",
    "StepCoefficients",
    "delay_steps_of",
    "require_short_step",
    "step_coefficients",
    "steps_of",
]
