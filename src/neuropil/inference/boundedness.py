"""Whether entropy has a maximum on an unbounded support: its maxima in boxes that grow."""

import equinox as eqx
import jax

from neuropil.inference.evidence import Estimate
from neuropil.inference.natural_path import NaturalPath
from neuropil.inference.support import Support
from neuropil.inference.target import Problem
from neuropil.types import RandomKey

_FACTORS = (1.0, 8.0, 64.0)
_METHOD = NaturalPath(particles=4096, most_steps=120, most_rounds=2)
_GROWTH = 0.2


def entropies_in_boxes(problem: Problem, key: RandomKey) -> tuple[Estimate, ...]:
    """The largest entropy in a box around the reference, and in boxes 8 and 64 times as wide.

    Where there is a maximum on the whole support they approach it; where there is none they go
    on to grow. Boxes in which the constraints are not met are left out.
    """
    found = []
    for number, factor in enumerate(_FACTORS):
        support = problem.support
        boxed = Support(
            {
                name: domain.within(factor)
                for name, domain in zip(support.names, support.domains, strict=True)
            }
        )
        inside = eqx.tree_at(lambda p: p.support, problem, boxed)
        init_key, answer_key, step_key = jax.random.split(jax.random.fold_in(key, number), 3)
        inside, state = _METHOD.init(inside, init_key)
        while not _METHOD.finished(inside, state):
            state, _ = _METHOD.step(inside, state, jax.random.fold_in(step_key, state.step))
        if state.sampling:
            found.append(_METHOD.answer(inside, state, answer_key).entropy)
    return tuple(found)


def goes_on_growing(entropies: tuple[Estimate, ...]) -> bool:
    """Whether the last box added entropy beyond doubt and beyond rounding."""
    if len(entropies) < 2:
        return False
    last, before = entropies[-1], entropies[-2]
    error = (last.standard_error**2 + before.standard_error**2) ** 0.5
    return last.value - before.value > max(_GROWTH, 4 * error)


__all__ = ["entropies_in_boxes", "goes_on_growing"]
