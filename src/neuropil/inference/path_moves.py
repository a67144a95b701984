"""Moves of all particles until they have forgotten half of where they were."""

from typing import NamedTuple

import jax
import numpy as np

from neuropil.inference.moves import hamiltonian_sweeps, largest_correlation
from neuropil.inference.moves_without_gradients import gradient_free_sweeps
from neuropil.inference.path_state import PathState
from neuropil.inference.target import Natural, Problem, place_black_box
from neuropil.types import RandomKey

_ENOUGH = 0.5


class MoveSettings(NamedTuple):
    """What `NaturalPath` was told of its moves."""

    sweeps: int
    leaps: int
    most_moves: int
    batch_size: int | None


class Moved(NamedTuple):
    """The state afterwards, the acceptance of the last sweep, and how many looks it took."""

    state: PathState
    acceptance: float
    looks: int


def moved(
    problem: Problem, natural: Natural, state: PathState, key: RandomKey, settings: MoveSettings
) -> Moved:
    """Moves of the particles in `state` under these natural parameters, and what they cost.

    Hamiltonian where statistics have gradients, by `gradient_free_sweeps` where they have not.
    """
    before = np.asarray(state.points.features)
    is_black_box = problem.behaviour.is_black_box
    calls = settings.sweeps * (1 if is_black_box else settings.leaps)
    cost = len(before) * calls * max(problem.behaviour.draws, 1)
    acceptance, looks = 0.0, 0
    while looks < settings.most_moves:
        looks += 1
        key, move_key = jax.random.split(key)
        if is_black_box:
            points, tuning, acceptance = gradient_free_sweeps(
                lambda y: place_black_box(problem, natural, y),
                problem.support.groups,
                move_key,
                state.points,
                state.tuning,
                sweeps=settings.sweeps,
            )
            state = state._replace(points=points, tuning=tuning)
        else:
            points, log_step, acceptance = hamiltonian_sweeps(
                problem,
                natural,
                move_key,
                state.points,
                state.log_step,
                sweeps=settings.sweeps,
                leaps=settings.leaps,
                batch_size=settings.batch_size,
            )
            state = state._replace(points=points, log_step=log_step)
        state = state._replace(simulations=state.simulations + cost)
        if largest_correlation(before, np.asarray(state.points.features)) < _ENOUGH:
            break
    return Moved(state, acceptance, looks)


__all__ = ["MoveSettings", "Moved", "moved"]
