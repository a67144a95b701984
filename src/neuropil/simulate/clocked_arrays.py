"""Spikes on a grid of time steps, in JAX: for accelerators, many realisations side by side."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, Int, Key, UInt64

from neuropil.connectivity import Connectome
from neuropil.simulate.array_steps import (
    Ending,
    Membranes,
    PoissonInput,
    Population,
    Recorded,
    Sizes,
    take_steps,
)
from neuropil.simulate.spike_endings import FINISHED, TOO_MANY_SPIKES
from neuropil.simulate.spike_methods import (
    LARGEST_NUMBER_OF_SPIKES,
    AbstractSpikeMethod,
    Prepared,
    Realisation,
    Request,
)
from neuropil.simulate.step_coefficients import (
    StepCoefficients,
    delay_steps_of,
    require_short_step,
    step_coefficients,
    steps_of,
)
from neuropil.simulate.synapse_blocks import SynapseBlocks, synapse_blocks
from neuropil.system import AbstractSpikingSystem

_STEPS_A_CHUNK = 4096
_EVENTS_AT_ONCE_ON_CPU = 2**12
_EVENTS_AT_ONCE_ELSEWHERE = 2**17
_SPIKES_TO_EVENTS = 32
_LARGEST_NUMBER = 2**31 - 1
_LARGEST_MEAN = 500.0


class ClockedArrays(AbstractSpikeMethod):
    """The steps of `ClockedEvents`, as array operations of JAX on the default device.

    For accelerators: on a CPU it is several times slower than `ClockedEvents`, whose description
    of a step holds here too. Drift and hazard are any functions of JAX of all potentials.
    `realisations_at_once` run side by side, in one set of arrays. Spikes are delivered
    `events_at_once` connections at a time (by default 4,096 on a CPU, 131,072 elsewhere), in as
    many passes as a step needs, and leave the device whenever `recorded_at_once` have come
    together: none is ever lost. What arrives is summed in whole numbers of 2^-30 of the largest
    weight, so that the order in which a device adds does not matter; nor do these three numbers,
    but for how compiled code rounds the last digit of a potential. The random numbers are others
    than those of `ClockedEvents`, from the same law.

    Raises `ValueError` unless all are positive.
    """

    step: float = 0.1
    realisations_at_once: int = 1
    maximum_spikes: int = LARGEST_NUMBER_OF_SPIKES
    events_at_once: int | None = None
    recorded_at_once: int = 2**18

    def __check_init__(self):
        if not (np.isfinite(self.step) and self.step > 0):
            raise ValueError(f"step must be positive and finite, got {self.step} ms")
        for name in ("realisations_at_once", "maximum_spikes", "recorded_at_once"):
            value = getattr(self, name)
            if not 1 <= value <= _LARGEST_NUMBER:
                raise ValueError(f"{name} must be from 1 to {_LARGEST_NUMBER}, got {value}")
        if self.events_at_once is not None and self.events_at_once < 1:
            raise ValueError(f"events_at_once must be positive, got {self.events_at_once}")

    def prepare(
        self, system: AbstractSpikingSystem, connectome: Connectome, request: Request
    ) -> Prepared:
        """Bring the network to the device and compute what a step does to a membrane.

        Raises `ValueError` when duration, sample times or delay are no whole number of steps, the
        delay is shorter than a step, a stated bound of the hazard is too high for the step, and
        for parameters of the wrong shape.
        """
        n, step = connectome.n_neurons, self.step
        n_steps = steps_of("duration", request.duration, step)
        sample_steps = [steps_of("sample_times", time, step) for time in request.sample_times]
        delay_steps = delay_steps_of(float(system.delay), step)
        require_short_step(system, step)
        if n * self.realisations_at_once > _LARGEST_NUMBER:
            raise ValueError(
                f"realisations_at_once is {self.realisations_at_once}: with {n} neurons each, at "
                f"most {_LARGEST_NUMBER // max(n, 1)} fit into one array"
            )
        _require_function("hazard", system.hazard, n)
        if system.relaxation is None:
            _require_function("drift", lambda v: system.vector_field(jnp.zeros(()), v), n)
        coefficients = step_coefficients(system, n, step)
        membranes = _membranes(system, coefficients, step)
        tau = float(system.synaptic_time_constant)
        blocks = synapse_blocks(connectome, float(system.coupling) / (tau if tau > 0 else 1.0))
        stops = sorted({*sample_steps, n_steps})
        sizes = self._sizes(blocks)

        def run(starts: np.ndarray, streams: np.ndarray) -> list[Realisation]:
            keys = _keys(streams)
            population = _begun(starts, delay_steps, is_filtered=tau > 0)
            record = _Record(n, step, starts.shape[0])
            samples: dict[int, np.ndarray] = {}
            for stop in stops:
                while int(population.now) < stop and np.any(
                    np.asarray(population.ending.kind) == FINISHED
                ):
                    begin = int(population.now)
                    population, recorded = take_steps(
                        (system, membranes, blocks, keys),
                        population,
                        jnp.int32(stop),
                        jnp.int32(self.maximum_spikes),
                        sizes,
                    )
                    record.add(begin, recorded)
                if stop in sample_steps:
                    samples[stop] = np.asarray(population.potentials)[:, request.sample_neurons]
            ending: Ending = jax.device_get(population.ending)
            drawn = np.stack([samples[at] for at in sample_steps], axis=1) if samples else None
            return [
                _realisation(r, record, ending, drawn, sample_steps, request, self)
                for r in range(starts.shape[0])
            ]

        each = n * (8 * delay_steps + 64) + 4 * (self.recorded_at_once + n)
        return Prepared(
            run=lambda start, stream: run(start[None], np.array([stream]))[0],
            network_bytes=blocks.n_bytes,
            realisation_bytes=each * self.realisations_at_once,
            run_together=run,
            most_together=self.realisations_at_once,
        )

    def _sizes(self, blocks: SynapseBlocks) -> Sizes:
        is_host = jax.default_backend() == "cpu"
        events = self.events_at_once
        if events is None:
            events = _EVENTS_AT_ONCE_ON_CPU if is_host else _EVENTS_AT_ONCE_ELSEWHERE
        return Sizes(
            steps=_STEPS_A_CHUNK,
            recorded=self.recorded_at_once,
            spikes=max(1, events // _SPIKES_TO_EVENTS),
            blocks=max(1, events // blocks.width),
            # Elsewhere a search in one operation saves more than its longer compilation costs.
            search="scan" if is_host else "scan_unrolled",
        )


class _Record:
    """The spikes of some realisations as they come from the device, chunk by chunk."""

    def __init__(self, n_neurons: int, step: float, realisations: int):
        self._n, self._step, self._realisations = n_neurons, step, realisations
        self._steps: list[list[np.ndarray]] = [[] for _ in range(realisations)]
        self._neurons: list[list[np.ndarray]] = [[] for _ in range(realisations)]

    def add(self, begin: int, recorded: Recorded) -> None:
        """Sort a chunk that began after step `begin` by realisation."""
        counts = np.asarray(recorded.counts)
        who = np.asarray(recorded.who)[: counts.sum()]
        steps = np.repeat(begin + 1 + np.arange(counts.size), counts)
        realisation = who // self._n
        for r in range(self._realisations):
            own = slice(None) if self._realisations == 1 else realisation == r
            self._steps[r].append(steps[own])
            self._neurons[r].append((who[own] - r * self._n).astype(np.int32))

    def of(
        self, realisation: int
    ) -> tuple[Float[np.ndarray, " spikes"], Int[np.ndarray, " spikes"]]:
        """Times and neurons of one realisation."""
        steps = np.concatenate([*self._steps[realisation], np.empty(0, np.int64)])
        neurons = np.concatenate([*self._neurons[realisation], np.empty(0, np.int32)])
        return steps * self._step, neurons


def _realisation(
    number: int,
    record: _Record,
    ending: Ending,
    samples: Float[np.ndarray, "realisations samples sampled"] | None,
    sample_steps: list[int],
    request: Request,
    method: ClockedArrays,
) -> Realisation:
    times, neurons = record.of(number)
    kind, last = int(ending.kind[number]), int(ending.step[number])
    potentials = np.full((len(sample_steps), request.sample_neurons.size), np.nan)
    if samples is not None:
        potentials = samples[number]
    value, where = float(ending.value[number]), int(ending.neuron[number])
    if kind == FINISHED:
        return Realisation(times, neurons, potentials, kind, -1, request.duration, 0.0)
    potentials[np.asarray(sample_steps, int) >= last] = np.nan
    if kind == TOO_MANY_SPIKES:
        times, neurons = times[: method.maximum_spikes], neurons[: method.maximum_spikes]
    return Realisation(times, neurons, potentials, kind, where, last * method.step, value)


def _membranes(
    system: AbstractSpikingSystem, coefficients: StepCoefficients, step: float
) -> Membranes:
    """The coefficients on the device, without those of what is not there."""
    c = coefficients
    is_linear = system.relaxation is not None
    is_filtered = c.decay > 0
    return Membranes(
        step=jnp.asarray(step),
        relax=(jnp.asarray(c.rest), jnp.asarray(c.kept)) if is_linear else None,
        rise=jnp.asarray(c.rise) if is_linear and is_filtered else None,
        noise=jnp.asarray(c.noise) if np.any(c.noise > 0) else None,
        decay=jnp.asarray(c.decay) if is_filtered else None,
        threshold=jnp.asarray(c.threshold) if np.any(np.isfinite(c.threshold)) else None,
        reset=jnp.asarray(c.reset),
        refractory_steps=jnp.asarray(np.minimum(c.refractory_steps, 2**30).astype(np.int32)),
        poisson=_poisson(c) if np.any(c.poisson_mean > 0) else None,
    )


def _poisson(coefficients: StepCoefficients) -> PoissonInput:
    """Distribution functions up to where doubles cannot tell them from 1."""
    means, table_of = np.unique(coefficients.poisson_mean, return_inverse=True)
    if means[-1] > _LARGEST_MEAN:
        raise ValueError(
            f"poisson_rate gives a mean of {means[-1]:.6g} events a step: {_LARGEST_MEAN:g} is "
            "allowed; use a shorter step, or `drive` and `noise`"
        )
    most = int(means[-1] + 12 * np.sqrt(means[-1])) + 25
    levels = scipy.stats.poisson.cdf(np.arange(most), means[:, None])
    levels[:, -1] = 1.0
    return PoissonInput(
        jump=jnp.asarray(coefficients.poisson_jump),
        levels=jnp.asarray(levels),
        table_of=jnp.asarray(table_of.astype(np.int32)),
    )


def _begun(
    starts: Float[np.ndarray, "realisations neurons"], delay_steps: int, *, is_filtered: bool
) -> Population:
    shape = starts.shape

    def none() -> Int[Array, " realisations"]:
        return jnp.zeros(shape[0], jnp.int32)  # arrays of their own: each is given away

    return Population(
        now=jnp.int32(0),
        potentials=jnp.array(starts),
        currents=jnp.zeros(shape) if is_filtered else None,
        rested=jnp.zeros(shape, jnp.int32),
        waiting=jnp.zeros((delay_steps, *shape), jnp.int64),
        n_spikes=none(),
        ending=Ending(none() + FINISHED, none() - 1, none(), jnp.zeros(shape[0])),
    )


def _keys(streams: UInt64[np.ndarray, " realisations"]) -> Key[Array, " realisations"]:
    words = np.stack([streams >> np.uint64(32), streams & np.uint64(0xFFFFFFFF)], axis=-1)
    return jax.random.wrap_key_data(jnp.asarray(words.astype(np.uint32)), impl="threefry2x32")


def _require_function(name: str, function, n_neurons: int) -> None:
    """Raise `ValueError` unless a function gives one value for each neuron."""
    if function is None:
        return
    given = jax.ShapeDtypeStruct((n_neurons,), jnp.zeros(()).dtype)
    try:
        found = jax.eval_shape(function, given)
    except TypeError as error:
        raise ValueError(f"{name} does not fit {n_neurons} neurons: {error}") from error
    if getattr(found, "shape", None) != given.shape:
        raise ValueError(
            f"{name} must give one value for each of {n_neurons} neurons, got "
            f"{getattr(found, 'shape', found)}"
        )


__all__ = ["ClockedArrays"]
