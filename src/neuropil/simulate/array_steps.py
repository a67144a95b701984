"""The step loop of `ClockedArrays`: all neurons of some realisations at once, on any device.

A step moves every membrane, then delivers the spikes one block of connections at a time, so that
the cost of delivery follows the spikes. How many spikes there are is known only when they are
there, and arrays have fixed sizes: they are taken in as many passes as it needs, and none is lost.
The numbers drawn in a step depend on the key of the realisation and the step alone.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from neuropil.simulate.spike_endings import (
    FINISHED,
    HAZARD_NOT_A_RATE,
    NOT_FINITE,
    STEP_TOO_LARGE,
    TOO_MANY_SPIKES,
)
from neuropil.simulate.step_coefficients import LARGEST_SPIKES_A_STEP
from neuropil.simulate.synapse_blocks import SynapseBlocks
from neuropil.system import AbstractSpikingSystem
from neuropil.types import Scalar

PerNeuron = Float[Array, " neurons"]
Potentials = Float[Array, "realisations neurons"]
Fires = Bool[Array, "realisations neurons"]
Each = Int[Array, " realisations"]


class PoissonInput(NamedTuple):
    """Independent Poisson events: the distribution functions, which of them each neuron has."""

    jump: PerNeuron
    levels: Float[Array, "tables counts"]
    table_of: Int[Array, " neurons"]


class Membranes(NamedTuple):
    """`StepCoefficients` as arrays; what a network does without is None and is not computed.

    `relax` is (rest, kept) of a linear drift, else None.
    """

    step: Scalar
    relax: tuple[PerNeuron, PerNeuron] | None
    rise: PerNeuron | None
    noise: PerNeuron | None
    decay: Scalar | None
    threshold: PerNeuron | None
    reset: PerNeuron
    refractory_steps: Int[Array, " neurons"]
    poisson: PoissonInput | None


class Ending(NamedTuple):
    """How, where, after which step and at what value each realisation ended."""

    kind: Each
    neuron: Each
    step: Each
    value: Float[Array, " realisations"]


class Population(NamedTuple):
    """Some realisations after `now` steps.

    `rested` is the step from which a neuron may fire again, `waiting[k]` what arrives in each
    step that leaves the remainder k, in units of `SynapseBlocks`.
    """

    now: Int[Array, ""]
    potentials: Potentials
    currents: Potentials | None
    rested: Int[Array, "realisations neurons"]
    waiting: Int[Array, "delay_steps realisations neurons"]
    n_spikes: Each
    ending: Ending


class Sizes(NamedTuple):
    """How much is done at once; none of it changes a result.

    Steps of a chunk, spikes after which it ends early, spikes and blocks of a pass, and how
    `jnp.searchsorted` is to search.
    """

    steps: int
    recorded: int
    spikes: int
    blocks: int
    search: str


class Recorded(NamedTuple):
    """Spikes of a chunk: `counts` of each of its steps, and who fired, one after another.

    Neuron i of realisation r is r neurons + i; the places after the last spike hold anything.
    """

    counts: Int[Array, " steps"]
    who: Int[Array, " places"]


@eqx.filter_jit(donate="all-except-first")
def take_steps(
    given: tuple[AbstractSpikingSystem, Membranes, SynapseBlocks, Key[Array, " realisations"]],
    population: Population,
    until: Int[Array, ""],
    maximum_spikes: Int[Array, ""],
    sizes: Sizes,
) -> tuple[Population, Recorded]:
    """Go on to step `until`, or to the end of the chunk if that comes first."""
    system, membranes, blocks, keys = given
    begin = population.now
    places = population.potentials.size + sizes.recorded + sizes.spikes
    empty = Recorded(jnp.zeros(sizes.steps, jnp.int32), jnp.zeros(places, jnp.int32))

    def is_open(carry):
        population, _, n_recorded = carry
        has_room = (population.now - begin < sizes.steps) & (n_recorded <= sizes.recorded)
        alive = jnp.any(population.ending.kind == FINISHED)
        return has_room & (population.now < until) & alive

    def take(carry):
        population, recorded, n_recorded = carry
        moved, fires = _move(system, membranes, blocks, keys, population)
        moved = _count(moved, fires, maximum_spikes)
        sent, who, count = _deliver(fires, blocks, recorded.who, n_recorded, sizes)
        row = moved.now % moved.waiting.shape[0]
        waiting = moved.waiting.at[row].set(sent)
        counts = recorded.counts.at[moved.now - 1 - begin].set(count)
        potentials = jnp.where(fires, membranes.reset[None], moved.potentials)
        rested = jnp.where(fires, moved.now + membranes.refractory_steps[None], moved.rested)
        moved = moved._replace(waiting=waiting, potentials=potentials, rested=rested)
        return moved, Recorded(counts, who), n_recorded + count

    ended, recorded, _ = jax.lax.while_loop(
        is_open, take, (population, empty, jnp.zeros((), jnp.int32))
    )
    return ended, recorded


def _move(
    system: AbstractSpikingSystem,
    membranes: Membranes,
    blocks: SynapseBlocks,
    keys: Key[Array, " realisations"],
    population: Population,
) -> tuple[Population, Fires]:
    """One step of every membrane, and who fires at the end of it."""
    now = population.now + 1
    shape = population.potentials.shape
    of_step = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, now), 3))(keys)

    def uniform(kind: int) -> Potentials:
        return jax.vmap(lambda key: jax.random.uniform(key, shape[1:]))(of_step[:, kind])

    arriving = population.waiting[now % population.waiting.shape[0]].astype(float) * blocks.unit
    if membranes.poisson is not None:
        table, jump = membranes.poisson.table_of, membranes.poisson.jump
        arriving = arriving + jump[None] * _counts(membranes.poisson.levels, table, uniform(0))
    normal = None
    if membranes.noise is not None:
        draw = jax.vmap(lambda key: jax.random.normal(key, shape[1:]))
        normal = membranes.noise[None] * draw(of_step[:, 1])
    potentials = _drift(system, membranes, population, normal)
    currents = population.currents
    if currents is None or membranes.decay is None:
        potentials = potentials + arriving
    else:
        currents = membranes.decay * currents + arriving
    potentials = jnp.where(now <= population.rested, membranes.reset[None], potentials)

    is_free = now >= population.rested
    fires = jnp.zeros(shape, bool)
    ending = _note(
        population.ending, ~jnp.isfinite(potentials), jnp.int32(NOT_FINITE), potentials, now
    )
    if membranes.threshold is not None:
        fires = is_free & (potentials >= membranes.threshold[None])
    if system.hazard is not None:
        hazard = jax.vmap(system.hazard)(potentials)
        expected = hazard * membranes.step
        is_rate = hazard >= 0
        wrong = is_free & ~(is_rate & (expected <= LARGEST_SPIKES_A_STEP))
        kind = jnp.where(is_rate, jnp.int32(STEP_TOO_LARGE), jnp.int32(HAZARD_NOT_A_RATE))
        ending = _note(ending, wrong, kind, hazard, now)
        fires = fires | (is_free & (uniform(2) < -jnp.expm1(-expected)))
    fires = fires & (ending.kind == FINISHED)[:, None]
    moved = population._replace(now=now, potentials=potentials, currents=currents, ending=ending)
    return moved, fires


def _drift(
    system: AbstractSpikingSystem,
    membranes: Membranes,
    population: Population,
    normal: Potentials | None,
) -> Potentials:
    """Where drift, currents and noise bring the membranes: exactly if linear, else by Heun."""
    potentials, currents = population.potentials, population.currents
    noise = jnp.zeros(()) if normal is None else normal
    if membranes.relax is not None:
        rest, kept = (each[None] for each in membranes.relax)
        potentials = rest + kept * (potentials - rest)
        if currents is not None and membranes.rise is not None:
            potentials = potentials + membranes.rise[None] * currents
        return potentials if normal is None else potentials + normal
    step = membranes.step

    def slope(at: Potentials) -> Potentials:
        of_drift = jax.vmap(lambda v: system.vector_field(jnp.zeros(()), v))(at)
        return of_drift if currents is None else of_drift + currents

    first = slope(potentials)
    second = slope(potentials + step * first + noise)
    return potentials + 0.5 * step * (first + second) + noise


def _counts(
    levels: Float[Array, "tables counts"], table: Int[Array, " neurons"], height: Potentials
) -> Potentials:
    """For each neuron the smallest count whose distribution function exceeds its height."""
    below, above = jnp.zeros(height.shape, jnp.int32), jnp.int32(levels.shape[1] - 1)
    above = jnp.broadcast_to(above, height.shape)
    for _ in range(levels.shape[1].bit_length()):
        middle = (below + above) // 2
        is_above = levels[table[None], middle] > height
        above = jnp.where(is_above, middle, above)
        below = jnp.where(is_above, below, jnp.minimum(middle + 1, above))
    return above.astype(height.dtype)


def _note(
    ending: Ending,
    wrong: Bool[Array, "realisations neurons"],
    kind: Int[Array, "..."],
    value: Potentials,
    now: Int[Array, ""],
) -> Ending:
    """End the realisations in which something is wrong, at the first neuron where it is."""
    neuron = jnp.argmax(wrong, axis=1)

    def there(of_neurons):
        return jnp.take_along_axis(of_neurons, neuron[:, None], axis=1)[:, 0]

    found = Ending(
        there(jnp.broadcast_to(kind, wrong.shape)),
        neuron.astype(jnp.int32),
        jnp.broadcast_to(now, neuron.shape),
        there(value),
    )
    ends = jnp.any(wrong, axis=1) & (ending.kind == FINISHED)
    return jax.tree.map(lambda new, old: jnp.where(ends, new, old), found, ending)


def _count(moved: Population, fires: Fires, maximum_spikes: Int[Array, ""]) -> Population:
    """Count the spikes, and end the realisations that have too many, at the first in excess."""
    n_fired = jnp.sum(fires, axis=1, dtype=jnp.int32)
    total = moved.n_spikes + n_fired

    def too_many() -> Ending:
        rank = moved.n_spikes[:, None] + jnp.cumsum(fires, axis=1, dtype=jnp.int32)
        excess = fires & (rank > maximum_spikes)
        return _note(moved.ending, excess, jnp.int32(TOO_MANY_SPIKES), moved.potentials, moved.now)

    ending = jax.lax.cond(jnp.any(total > maximum_spikes), too_many, lambda: moved.ending)
    return moved._replace(n_spikes=total, ending=ending)


def _deliver(
    fires: Fires,
    blocks: SynapseBlocks,
    who: Int[Array, " places"],
    n_recorded: Int[Array, ""],
    sizes: Sizes,
) -> tuple[Int[Array, "realisations neurons"], Int[Array, " places"], Int[Array, ""]]:
    """What the spikes send to every neuron, the record with them at its end, and how many."""
    realisations, n = fires.shape
    size = fires.size
    rank = jnp.cumsum(fires.reshape(-1), dtype=jnp.int32)
    count = rank[-1]

    def deliver_spikes(carry):
        done, sent, who = carry
        # The first place of each rank; `size` for ranks that there are not.
        ranks = done + 1 + jnp.arange(sizes.spikes, dtype=jnp.int32)
        fired = jnp.searchsorted(rank, ranks, method=sizes.search).astype(jnp.int32)
        who = jax.lax.dynamic_update_slice(who, fired, (n_recorded + done,))
        source = jnp.where(fired < size, fired % n, 0)
        n_blocks = jnp.where(fired < size, blocks.n_blocks[source], 0)
        after = jnp.cumsum(n_blocks, dtype=jnp.int32)

        def deliver_blocks(carry):
            done, sent = carry
            number = done + jnp.arange(sizes.blocks, dtype=jnp.int32)
            spike = jnp.searchsorted(after, number, side="right", method=sizes.search)
            spike = jnp.minimum(spike, sizes.spikes - 1).astype(jnp.int32)
            within = number - (after[spike] - n_blocks[spike])
            empty = blocks.targets.shape[0] - 1
            block = jnp.where(number < after[-1], blocks.first_block[source[spike]] + within, empty)
            targets = blocks.targets[block]
            if realisations > 1:
                of_realisation = (fired[spike] // n * n)[:, None]
                targets = jnp.where(targets < n, targets + of_realisation, size)
            weights = jnp.broadcast_to(blocks.weights[block], targets.shape).astype(jnp.int64)
            return done + sizes.blocks, sent.at[targets.reshape(-1)].add(
                weights.reshape(-1), mode="promise_in_bounds"
            )

        _, sent = jax.lax.while_loop(
            lambda carry: carry[0] < after[-1], deliver_blocks, (jnp.int32(0), sent)
        )
        return done + sizes.spikes, sent, who

    # One place more for the targets that are no neurons.
    nothing = jnp.zeros(size + 1, jnp.int64)
    _, sent, who = jax.lax.while_loop(
        lambda carry: carry[0] < count, deliver_spikes, (jnp.int32(0), nothing, who)
    )
    return sent[:size].reshape(realisations, n), who, count


__all__ = [
    "Ending",
    "Membranes",
    "PoissonInput",
    "Population",
    "Recorded",
    "Sizes",
    "take_steps",
]
