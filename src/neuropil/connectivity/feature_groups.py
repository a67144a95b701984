"""Groups of neurons with similar features, without a random start."""

import heapq

import numpy as np
from jaxtyping import Float, Integer

POWER_STEPS = 30
SAME_PLACE = 1e-12
NO_SPREAD = 1e-24
SAME_GAIN = 1e-9


def bisected_groups(
    features: Float[np.ndarray, "neurons features"],
    start: Integer[np.ndarray, " neurons"],
    number: int,
) -> Integer[np.ndarray, " neurons"]:
    """Split the groups of `start` until there are `number`, the most spread-out one first.

    A group is cut across its direction of largest variance, where the two parts are tightest in
    squares. Neurons of equal features and equal start stay together, so fewer groups than
    `number` may come out; there are never fewer than in `start`. The groups do not depend on
    the order of the neurons: ties go to lower features.

    Source: Boley, "Principal direction divisive partitioning", Data Min. Knowl. Discov. 2 (1998).
    """
    group = np.unique(start, return_inverse=True)[1]
    scale = float(np.square(features - features.mean(axis=0)).sum())
    waiting: list[tuple[float, float, int, np.ndarray]] = []

    def offer(label: int, members: np.ndarray) -> None:
        inside = features[members]
        spread = float(np.square(inside - inside.mean(axis=0)).sum())
        if spread > NO_SPREAD * scale:
            # Nine digits, so that ties are not decided by rounding.
            rank = -float(f"{spread:.9g}"), float(f"{inside.sum(axis=1).mean():.9g}")
            heapq.heappush(waiting, (*rank, label, members))

    count = int(group.max()) + 1
    order = np.argsort(group, kind="stable")
    for label, members in enumerate(np.split(order, np.cumsum(np.bincount(group))[:-1])):
        offer(label, members)
    while waiting and count < number:
        _, _, label, members = heapq.heappop(waiting)
        upper = _upper_part(features[members])
        if upper is None:
            continue
        group[members[upper]] = count
        offer(label, members[~upper])
        offer(count, members[upper])
        count += 1
    return group


def _upper_part(features: Float[np.ndarray, "members features"]) -> np.ndarray | None:
    """Which members lie beyond the best cut of the main direction; nothing when all are equal."""
    centred = features - features.mean(axis=0)
    direction = centred[np.argmax(np.square(centred).sum(axis=1))]
    for _ in range(POWER_STEPS if features.shape[1] > 1 else 1):
        direction = centred.T @ (centred @ (direction / np.linalg.norm(direction)))
    upwards = 1.0 if direction.sum() >= 0 else -1.0
    place = centred @ (upwards * direction / np.linalg.norm(direction))
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    is_gap = np.diff(ordered) > SAME_PLACE * (ordered[-1] - ordered[0])
    if not np.any(is_gap):
        return None
    below = np.arange(1, ordered.size)
    # The places sum to zero: cutting after `below` of them gains this in squares.
    gain = np.cumsum(ordered)[:-1] ** 2 * (1 / below + 1 / (ordered.size - below))
    gain = np.where(is_gap, gain, -1.0)
    cut = int(np.argmax(gain >= gain.max() * (1 - SAME_GAIN))) + 1
    upper = np.zeros(ordered.size, bool)
    upper[order[cut:]] = True
    return upper


__all__ = ["bisected_groups"]
