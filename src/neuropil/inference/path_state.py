"""Where a run along the path stands, and how its trace says that it leads nowhere."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from neuropil.inference.target import Points, Problem

_LITTLE_REFERENCE, _HALVINGS, _GAIN = 0.2, 4, 0.05
_ASTRAY = 1e3
_WITHDRAWALS = 3


class Pool(NamedTuple):
    """The particles of the last rounds of moves at the answer."""

    coordinates: Float[np.ndarray, "rounds points free"]
    features: Float[np.ndarray, "rounds points rows"]
    statistics: Float[np.ndarray, "rounds points statistics"]

    def joined(self, points: Points, most: int) -> "Pool":
        """With one more round; the oldest go when there are more than `most`."""
        new = (points.coordinates, points.features, points.statistics)
        return Pool(
            *(
                np.concatenate([old, np.asarray(each)[None]])[-most:]
                for old, each in zip(self, new, strict=True)
            )
        )


def empty_pool(points: Points) -> Pool:
    """No rounds yet of particles like these."""
    each = (points.coordinates, points.features, points.statistics)
    return Pool(*(np.zeros((0, *values.shape)) for values in each))


class PathState(NamedTuple):
    """Where a run stands; all that the next step needs and a checkpoint holds.

    The particles are `repeats` populations that never mix, one after the other; only the natural
    parameters are chosen from all of them together, so that the spread between populations is an
    honest error. `log_z` has three rows: forward, backward, both (see `evidence.LogRatio`).
    `trace` has a row for each step: reference, entropy, largest missing constraint in units of
    its scale, simulations. `memory` is what is left, at the answer, of where the particles were
    when they arrived, and 1 on the way. `withdrawn` counts how often squares were no longer
    rewarded because the particles left for where these are large. `log_step` is that of moves
    along gradients, `tuning` is that of moves without them.
    """

    step: int
    sampling: int
    reference: float
    eta: Float[np.ndarray, " rows"]
    scale: Float[np.ndarray, " rows"]
    points: Points
    log_step: float
    log_z: Float[np.ndarray, "3 repeats"]
    inside_share: float
    simulations: int
    pool: Pool
    trace: Float[np.ndarray, "steps 4"]
    precise: int = 0
    memory: float = 1.0
    withdrawn: int = 0
    tuning: Float[np.ndarray, " kinds"] = np.zeros(0)


def blank_state() -> PathState:
    """A state that holds nothing, to be filled with what was kept."""
    nothing = np.zeros(0)
    points = Points(*(jnp.zeros(0) for _ in Points._fields))
    pool = Pool(*(nothing for _ in Pool._fields))
    return PathState(
        step=0,
        sampling=0,
        reference=0.0,
        eta=nothing,
        scale=nothing,
        points=points,
        log_step=0.0,
        log_z=nothing,
        inside_share=0.0,
        simulations=0,
        pool=pool,
        trace=nothing,
    )


def grows_without_bound(trace: Float[np.ndarray, "steps 4"]) -> bool:
    """Whether removing the rest of the reference goes on to add entropy, as much each time.

    Where there is an answer the reference pulls at it in proportion to what is left of it, so
    that each halving adds half of what the one before did.
    """
    low = (trace[:, 0] > 0) & (trace[:, 0] < _LITTLE_REFERENCE)
    if low.sum() < _HALVINGS:
        return False
    reference, entropy = trace[low, 0], trace[low, 1]
    gained = np.diff(entropy)[-_HALVINGS + 1 :] / -np.diff(np.log2(reference))[-_HALVINGS + 1 :]
    return bool(np.all(gained > _GAIN) and gained[-1] > 0.7 * gained[0])


def leaves_for_squares(state: PathState) -> bool:
    """Whether each time that squares were rewarded the particles left, and the means with them."""
    return state.withdrawn >= _WITHDRAWALS


def signs(problem: Problem, state: PathState) -> Int[np.ndarray, " rows"]:
    """-1 for rows that are bounded from above, 1 from below, 0 where the mean must be met.

    Variances that the particles leave for are bounds from then on.
    """
    sign = np.array(problem.constraints.sign)
    if leaves_for_squares(state):
        sign[np.asarray(problem.constraints.is_square) & (sign == 0)] = -1
    return sign


def astray(trace: Float[np.ndarray, "steps 4"]) -> bool:
    """Whether the constraints have been left far behind instead of met."""
    missing = trace[:, 2]
    return bool(
        len(missing)
        and (not np.isfinite(missing[-1]) or missing[-1] > _ASTRAY * max(1.0, missing[0]))
    )


__all__ = [
    "PathState",
    "Pool",
    "astray",
    "blank_state",
    "empty_pool",
    "grows_without_bound",
    "leaves_for_squares",
    "signs",
]
