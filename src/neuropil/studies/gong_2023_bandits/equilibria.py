"""Stationary states of a trained cell, and of its neurons and synapses under held astrocytes.

Synapses follow from rates and astrocytes at rest, b W = C Phi + D psi, so that neurons and
astrocytes alone are unknown. The Jacobian that is left is a Schur complement of the whole one,
with the same zeros of its determinant: a saddle-node is seen in it.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.learning.cells.neuroglia_cell import NeuroGliaCell
from neuropil.types import RandomKey

STEPS = 60
TOLERANCE = 1e-9
STILL = 1e-13
"""Relative length of the last step."""
APART = 1e-5
"""Relative distance from which on two states count as different."""


class Equilibria(NamedTuple):
    """States that Newton's method came to rest in, each once, and the starts that it took.

    `margin` is the smallest singular value of the Jacobian at each: zero at a saddle-node.
    """

    states: Float[np.ndarray, "points dimension"]
    margin: Float[np.ndarray, " points"]
    arrived: float


def equilibria(
    cell: NeuroGliaCell, stimulus: Float[Array, " channels"], *, starts: int, key: RandomKey
) -> Equilibria:
    """Neurons and astrocytes at rest under a constant stimulus, from normal starts."""
    n, m = cell.layout.n_neurons, cell.layout.n_astrocytes
    spread = 3.0 * jnp.where(jnp.arange(n + m) < n, 1.0, 2.0)
    begin = spread[None, :] * jax.random.normal(key, (starts, n + m))
    return _distinct(*_at_rest(cell, stimulus, begin))


@eqx.filter_jit
def _at_rest(cell, stimulus, begin):
    n = cell.layout.n_neurons

    def residual(state):
        x, z = state[:n], state[n:]
        psi = cell.astrocyte_activation(z)
        rates = cell.neuron_activation(x)
        sensed = cell.layout.sensed(cell.coincidence_gain, rates)
        shared = cell.layout.shared(cell.gap_strength, psi)
        driven = sensed + shared + cell.astrocyte_input_weights @ stimulus
        resting = cell.astrocyte_decay * z - driven
        return jnp.concatenate([_neurons(cell, stimulus, x, psi), resting])

    return jax.lax.map(lambda start: _newton(residual, start), begin, batch_size=16)


def layers(
    cell: NeuroGliaCell,
    stimulus: Float[Array, " channels"],
    modulation: Float[Array, "places astrocytes"],
    *,
    starts: int,
    key: RandomKey,
) -> list[Equilibria]:
    """Neurons at rest for each held modulation psi(z): the pseudo-bifurcation diagram."""
    begin = 4.0 * jax.random.normal(key, (starts, cell.layout.n_neurons))
    states, margins, arrived = _layers_at_rest(cell, stimulus, modulation, begin)
    return [_distinct(*each) for each in zip(states, margins, arrived, strict=True)]


@eqx.filter_jit
def _layers_at_rest(cell, stimulus, modulation, begin):
    def at(psi):
        return jax.lax.map(
            lambda start: _newton(lambda x: _neurons(cell, stimulus, x, psi), start),
            begin,
            batch_size=16,
        )

    return jax.lax.map(at, modulation)


def _neurons(cell, stimulus, x, psi):
    """How far neurons are from rest when synapses are at theirs."""
    rates = cell.neuron_activation(x)
    drive = cell.layout.synapse_drive(cell.hebbian_gain, cell.glial_gain, rates, psi)
    # Where there is no synapse the decay may be zero, and so is the drive.
    decay = jnp.where(cell.synapse_decay > 0, cell.synapse_decay, 1.0)
    arriving = cell.layout.received(drive / decay, rates)
    return cell.neuron_decay * x - arriving - cell.neuron_input_weights @ stimulus


def _newton(residual, start):
    """Damped Newton steps; the state, its smallest singular value and whether it is at rest."""

    def improve(carried):
        state, _, number = carried
        step = jnp.linalg.solve(jax.jacfwd(residual)(state), residual(state))
        size = jnp.linalg.norm(step)
        return state - step * jnp.minimum(1.0, 5.0 / jnp.maximum(size, 1e-12)), size, number + 1

    def moves(carried):
        state, size, number = carried
        return (number < STEPS) & (size > STILL * (1.0 + jnp.linalg.norm(state)))

    state, _, _ = jax.lax.while_loop(moves, improve, (start, jnp.inf, 0))
    values = jnp.linalg.svd(jax.jacfwd(residual)(state), compute_uv=False)
    rests = jnp.max(jnp.abs(residual(state))) < TOLERANCE
    return state, values[-1], rests


def _distinct(
    states: Float[Array, "starts dimension"],
    margins: Float[Array, " starts"],
    rests: Bool[Array, " starts"],
) -> Equilibria:
    kept: list[int] = []
    found = np.asarray(states)
    for place in np.flatnonzero(np.asarray(rests)):
        scale = 1.0 + np.abs(found[place]).max()
        if all(np.abs(found[place] - found[other]).max() > APART * scale for other in kept):
            kept.append(int(place))
    return Equilibria(found[kept], np.asarray(margins)[kept], float(np.mean(np.asarray(rests))))


def counts(found: list[Equilibria]) -> Int[np.ndarray, " places"]:
    """How many states there are at each place of a diagram."""
    return np.array([len(each.states) for each in found])


__all__ = ["Equilibria", "counts", "equilibria", "layers"]
