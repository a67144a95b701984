"""How a simulation of spikes can end: numbers for compiled loops, sentences for users."""

FINISHED, HAZARD_TOO_LARGE, HAZARD_NOT_A_RATE, NOT_FINITE, TOO_MANY_SPIKES, STEP_TOO_LARGE = range(
    6
)


def sentence(ending: int, neuron: int, time: float, value: float) -> str:
    """What happened, where, when, and the remedy; empty when nothing did."""
    place = f"in neuron {neuron} at {time:.9g} ms"
    return {
        FINISHED: "",
        HAZARD_TOO_LARGE: (
            f"the hazard was {value:.6g} spikes/ms {place}, above its stated bound: raise "
            "`hazard_bound`"
        ),
        HAZARD_NOT_A_RATE: (
            f"the hazard was {value:.6g} spikes/ms {place}: it must be a number and not negative"
        ),
        NOT_FINITE: (
            f"the membrane potential left the finite range {place}: check weights, drift and noise"
        ),
        TOO_MANY_SPIKES: (
            f"the spikes reached `maximum_spikes` {place}: raise it where memory allows, simulate "
            "a shorter time, or weaken the excitation"
        ),
        STEP_TOO_LARGE: (
            f"the hazard was {value:.6g} spikes/ms {place}, too large for the step: one step must "
            "not hold more than 0.2 expected spikes; use a shorter `step` or `ExactEvents`"
        ),
    }[ending]


__all__ = [
    "FINISHED",
    "HAZARD_NOT_A_RATE",
    "HAZARD_TOO_LARGE",
    "NOT_FINITE",
    "STEP_TOO_LARGE",
    "TOO_MANY_SPIKES",
    "sentence",
]
