"""Moves of particles that leave a density unchanged and need its values alone."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from neuropil.inference.moves import spread_factor
from neuropil.inference.target import Points
from neuropil.types import RandomKey

_WANTED_ALONG = 0.3
_LOG_LENGTHS = -5.0, 1.0
_ADAPTATION = 0.7
_TOGETHER = 3
_MOST_DRAWN = 16
_AT_FIRST, _RENEWED = 0.25, 0.1
_SHARE_OF_FEW, _SHARE_OF_GROUPS = 0.4, 0.45
_HARDLY_FEW, _HARDLY_GROUPS = 0.03, 0.01


def gradient_free_sweeps(
    evaluate: Callable[[Float[np.ndarray, "points free"]], Points],
    groups: Sequence[slice],
    key: RandomKey,
    points: Points,
    tuning: Float[np.ndarray, " _"],
    *,
    sweeps: int,
) -> tuple[Points, Float[np.ndarray, " kinds"], float]:
    """One move of every particle in each sweep, along a difference or by a draw.

    Each half of the particles learns its moves from the other half, so that the moves are
    reversible. Moves along differences between others span valleys and lead from island to
    island, and follow them where they bend; they are as short as the stiffest coordinate in them
    needs. Draws, from the normal distribution of the others given the coordinates that stay,
    forget at once where a particle was, and are accepted the less often the more coordinates they
    replace. Both are made of one of the `groups` that belong together, of coordinates chosen by
    chance, and of all; the kind of each move is chosen by chance, too.

    `tuning` has a number for each kind: the log of its length, tuned to its acceptance, or that
    acceptance, by which kinds that draw get their share. It may be empty before the first move.
    Returns the points, the tuning and the acceptance of the last sweep.

    Source: differences, ter Braak (2006), Statistics and Computing 16:239, and some coordinates
    at a time, Vrugt et al. (2009), Int. J. Nonlinear Sci. Numer. Simul. 10:273; draws from what
    was learnt, Andrieu & Thoms (2008), Statistics and Computing 18:343.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    held = jax.tree.map(lambda leaf: np.array(leaf), points)
    n_points, free = held.coordinates.shape
    kinds = _kinds(groups, free)
    tuning = np.array(tuning) if len(tuning) else np.array([kind.tuning for kind in kinds.all])
    acceptance = 0.0
    for _ in range(sweeps):
        order = random.permutation(n_points)
        halves = order[: n_points // 2], order[n_points // 2 :]
        accepted = 0
        for moving, others in (halves, halves[::-1]):
            cloud = _cloud(held.coordinates[others])
            number = random.choice(len(tuning), len(moving), p=kinds.shares(tuning))
            proposed = held.coordinates[moving]
            log_bias = np.zeros(len(moving))
            for each, kind in enumerate(kinds.all):
                own = number == each
                proposed[own], log_bias[own] = kind.propose(
                    proposed[own], cloud, tuning[each], random
                )
            there = evaluate(proposed)
            gain = np.asarray(there.log_density) - held.log_density[moving] - log_bias
            taken = np.log(random.random(len(moving))) < gain
            for old, new in zip(held, there, strict=True):
                old[moving[taken]] = np.asarray(new)[taken]
            accepted += int(taken.sum())
            shares = np.exp(np.minimum(gain, 0.0))
            for each, kind in enumerate(kinds.all):
                if np.any(number == each):
                    tuning[each] = kind.tuned(tuning[each], float(shares[number == each].mean()))
        acceptance = accepted / n_points
    return jax.tree.map(jnp.asarray, held), tuning, acceptance


class _Cloud(NamedTuple):
    """Where the others are, and the normal distribution that looks like them."""

    coordinates: Float[np.ndarray, "others free"]
    mean: Float[np.ndarray, " free"]
    precision: Float[np.ndarray, "free free"]


def _cloud(others: Float[np.ndarray, "others free"]) -> _Cloud:
    factor = spread_factor(others)
    if factor.ndim == 1:
        return _Cloud(others, others.mean(axis=0), np.diag(factor**-2.0))
    inverse = np.linalg.inv(factor)
    return _Cloud(others, others.mean(axis=0), inverse.T @ inverse)


_Proposal = tuple[Float[np.ndarray, "moving free"], Float[np.ndarray, " moving"]]


class AbstractKind(eqx.Module):
    """Moves of the coordinates of a group, or of so many by chance."""

    among: eqx.AbstractVar[slice | int]
    tuning: eqx.AbstractVar[float]

    @abstractmethod
    def propose(
        self,
        places: Float[np.ndarray, "moving free"],
        cloud: _Cloud,
        tuning: float,
        random: np.random.Generator,
    ) -> _Proposal:
        """New places, and log q(there | here) - log q(here | there)."""

    @abstractmethod
    def tuned(self, tuning: float, acceptance: float) -> float:
        """The number that tunes this kind after moves with this acceptance."""

    def _chosen(
        self, places: Float[np.ndarray, "moving free"], random: np.random.Generator
    ) -> Int[np.ndarray, "moving chosen"]:
        """The coordinates that move."""
        count, free = places.shape
        if isinstance(self.among, slice):
            return np.tile(np.arange(free)[self.among], (count, 1))
        return np.argsort(random.random((count, free)), axis=1)[:, : self.among]


class _Along(AbstractKind):
    """Along a difference between two others, of a length that is tuned or `whole`."""

    among: slice | int
    tuning: float
    share: float
    whole: bool = False

    def propose(
        self,
        places: Float[np.ndarray, "moving free"],
        cloud: _Cloud,
        tuning: float,
        random: np.random.Generator,
    ) -> _Proposal:
        count, others = len(places), len(cloud.coordinates)
        first = random.integers(others, size=count)
        second = (first + random.integers(1, others, size=count)) % others
        change = np.exp(tuning) * (cloud.coordinates[first] - cloud.coordinates[second])
        change += 1e-3 * cloud.coordinates.std(axis=0) * random.standard_normal(places.shape)
        chosen = self._chosen(places, random)
        proposed = places.copy()
        moved = np.take_along_axis(places + change, chosen, axis=1)
        np.put_along_axis(proposed, chosen, moved, axis=1)
        return proposed, np.zeros(count)

    def tuned(self, tuning: float, acceptance: float) -> float:
        if self.whole:
            return tuning
        return float(np.clip(tuning + _ADAPTATION * (acceptance - _WANTED_ALONG), *_LOG_LENGTHS))


class _Drawn(AbstractKind):
    """Drawn from the normal distribution of the others, given the coordinates that stay."""

    among: slice | int
    tuning: float = _AT_FIRST

    def propose(
        self,
        places: Float[np.ndarray, "moving free"],
        cloud: _Cloud,
        tuning: float,
        random: np.random.Generator,
    ) -> _Proposal:
        chosen = self._chosen(places, random)
        deviation = places - cloud.mean
        pull = np.take_along_axis(deviation @ cloud.precision, chosen, axis=1)[..., None]
        own = cloud.precision[chosen[:, :, None], chosen[:, None, :]]
        noise = random.standard_normal(pull.shape)
        spread = np.linalg.solve(np.swapaxes(np.linalg.cholesky(own), 1, 2), noise)
        change = np.zeros_like(places)
        np.put_along_axis(change, chosen, (spread - np.linalg.solve(own, pull))[..., 0], axis=1)
        # Coordinates that stay have one marginal density before and after, so that the joint
        # densities differ as the conditional ones do.
        here, there = (
            np.sum((each @ cloud.precision) * each, axis=1)
            for each in (deviation, deviation + change)
        )
        return places + change, 0.5 * (here - there)

    def tuned(self, tuning: float, acceptance: float) -> float:
        return tuning + _RENEWED * (acceptance - tuning)


class _Kinds(NamedTuple):
    """Moves along differences; draws of few coordinates and draws of groups."""

    along: list[_Along]
    few: _Drawn
    groups: list[_Drawn]

    @property
    def all(self) -> list[_Along | _Drawn]:
        """In the order of their tuning."""
        return [*self.along, self.few, *self.groups]

    def shares(self, tuning: Float[np.ndarray, " kinds"]) -> Float[np.ndarray, " kinds"]:
        """How often each kind is chosen.

        Draws that are hardly ever accepted are hardly ever made; of the others, groups that are
        seldom accepted are drawn the more often, so that all are forgotten about as fast.
        """
        _, (accepted,), of_groups = np.split(tuning, [len(self.along), len(self.along) + 1])
        few = _SHARE_OF_FEW * accepted / (accepted + _HARDLY_FEW)
        wanted = of_groups / (of_groups**2 + _HARDLY_GROUPS**2)
        best = of_groups.max(initial=0.0)
        groups = _SHARE_OF_GROUPS * best / (best + _HARDLY_GROUPS) * wanted / max(wanted.sum(), 1)
        along = np.array([kind.share for kind in self.along])
        return np.concatenate([(1 - few - groups.sum()) * along / along.sum(), [few], groups])


def _kinds(groups: Sequence[slice], free: int) -> _Kinds:
    def length(coordinates: int) -> float:
        return float(np.log(2.38 / np.sqrt(2 * coordinates)))

    sizes = [each.stop - each.start for each in groups]
    parts = [each for each, size in zip(groups, sizes, strict=True) if 1 < size < free]
    everything = slice(0, free)
    along = [
        _Along(everything, 0.0, 0.05, whole=True),
        _Along(everything, length(free), 0.3),
        _Along(1, length(1), 0.3),
        *(_Along(each, length(each.stop - each.start), 0.4 / len(parts)) for each in parts),
    ]
    whole = [] if free in sizes else [everything]
    drawn = [
        _Drawn(each) for each in (*groups, *whole) if 1 < each.stop - each.start <= _MOST_DRAWN
    ]
    return _Kinds(along, _Drawn(min(_TOGETHER, free)), drawn)


__all__ = ["AbstractKind", "gradient_free_sweeps"]
