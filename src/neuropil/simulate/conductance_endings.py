"""How a simulation of conductance-based cells can end: numbers for loops, sentences for users."""

FINISHED, NOT_FINITE, VOLTAGE_OUT_OF_RANGE, TOO_MANY_SPIKES, STOPPED = range(5)


def sentence(ending: int, cell: str, time: float) -> str:
    """What happened, where, when, and the remedy; empty when nothing did."""
    place = f"in {cell} at {time:.9g} ms"
    return {
        FINISHED: "",
        NOT_FINITE: (
            f"voltage or calcium ceased to be a number {place}: check conductances and start, or "
            "use a shorter `step`"
        ),
        VOLTAGE_OUT_OF_RANGE: (
            f"the voltage left the tabulated range {place}: check conductances, currents and "
            "noise, or widen `lowest_voltage` and `highest_voltage`"
        ),
        TOO_MANY_SPIKES: (
            f"the spikes of a cell reached `maximum_spikes` {place}: raise it, or raise "
            "`threshold` where noise crosses it again and again"
        ),
        STOPPED: f"the simulation was stopped {place}",
    }[ending]


__all__ = [
    "FINISHED",
    "NOT_FINITE",
    "STOPPED",
    "TOO_MANY_SPIKES",
    "VOLTAGE_OUT_OF_RANGE",
    "sentence",
]
