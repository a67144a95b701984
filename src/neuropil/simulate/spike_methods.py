"""What every engine of spikes does: prepare a network once, then run realisations of it."""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int, UInt64

from neuropil.connectivity import Connectome
from neuropil.system import AbstractSpikingSystem
from neuropil.types import ArrayLike

LARGEST_NUMBER_OF_SPIKES = 200_000_000
"""Of one realisation: 2.4 GB of times and neurons."""


class Realisation(NamedTuple):
    """Spikes of one realisation, sampled potentials, and how it ended (`spike_endings`)."""

    times: Float[np.ndarray, " spikes"]
    neurons: Int[np.ndarray, " spikes"]
    potentials: Float[np.ndarray, "samples sampled"]
    ending: int
    neuron: int
    time: float
    value: float


class Request(NamedTuple):
    """What is asked of every realisation: its duration, and which potentials to sample when."""

    duration: float
    sample_times: Float[np.ndarray, " samples"]
    sample_neurons: Int[np.ndarray, " sampled"]


Runner = Callable[[Float[np.ndarray, " neurons"], np.uint64], Realisation]
"""From the potentials at the start and the start of a stream of random numbers."""

GroupRunner = Callable[
    [Float[np.ndarray, "realisations neurons"], UInt64[np.ndarray, " realisations"]],
    list[Realisation],
]
"""The same for some realisations side by side, a row and a stream each."""


class Prepared(NamedTuple):
    """A network ready to run, and the memory that it and each call of a runner take.

    An engine that is faster with several realisations side by side gives `run_together`, for up
    to `most_together` of them; their results are those that `run` gives one by one.
    """

    run: Runner
    network_bytes: int
    realisation_bytes: int
    run_together: GroupRunner | None = None
    most_together: int = 1


class AbstractSpikeMethod(eqx.Module):
    """An engine: a way to simulate the spikes of a network."""

    @abstractmethod
    def prepare(
        self, system: AbstractSpikingSystem, connectome: Connectome, request: Request
    ) -> Prepared:
        """Check that the engine can run this network, and lay it out; nothing is run.

        Raises `ValueError`, naming the parameter, when it cannot.
        """


def per_neuron(
    name: str, value: Float[ArrayLike, "..."], n_neurons: int
) -> Float[np.ndarray, " neurons"]:
    """One value for each neuron. Raises `ValueError`, naming the parameter, for another shape."""
    numbers = np.asarray(value, float)
    if numbers.shape not in ((), (n_neurons,)):
        raise ValueError(
            f"{name} must be one value or one for each of {n_neurons} neurons, "
            f"got shape {numbers.shape}"
        )
    return np.ascontiguousarray(np.broadcast_to(numbers, (n_neurons,)))


def noise_per_neuron(
    system: AbstractSpikingSystem, n_neurons: int
) -> Float[np.ndarray, " neurons"]:
    """The noise amplitude of each neuron, in mV per sqrt(ms).

    Raises `ValueError` when it depends on the potential, which no engine here can follow, and
    for a wrong number of values.
    """
    time = jax.numpy.zeros(())
    try:
        at_two = [
            np.asarray(system.noise_amplitude(time, jax.numpy.full(n_neurons, potential)))
            for potential in (0.0, 7.3)
        ]
    except TypeError as error:
        raise ValueError(f"noise does not fit {n_neurons} neurons: {error}") from error
    if not np.array_equal(at_two[0], at_two[1]):
        raise ValueError("noise must not depend on the membrane potential")
    return per_neuron("noise", at_two[0], n_neurons)


__all__ = [
    "LARGEST_NUMBER_OF_SPIKES",
    "AbstractSpikeMethod",
    "GroupRunner",
    "Prepared",
    "Realisation",
    "Request",
    "Runner",
    "noise_per_neuron",
    "per_neuron",
]
