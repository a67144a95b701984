"""Time series that keep what one series is by itself and lose what it shares with others."""

import math
from abc import abstractmethod

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from neuropil.types import RandomKey


class AbstractSurrogates(eqx.Module):
    """How surrogates of a series are drawn."""

    @abstractmethod
    def draw(
        self, series: Float[np.ndarray, " times"], number: int, *, key: RandomKey
    ) -> Float[np.ndarray, "number times"]:
        """Surrogates, one a row. Raises `ValueError` for a series that is too short."""


class CircularShifts(AbstractSurrogates):
    """The series itself, moved in time by a random number of samples, its end put in front.

    Everything is kept but the alignment, and one seam is added. Shifts are at least `smallest`
    samples in both directions: longer than the series remembers, or the surrogates still share
    what it shares with others.
    """

    smallest: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if self.smallest < 1:
            raise ValueError(f"smallest must be at least 1 sample, got {self.smallest}")

    def draw(
        self, series: Float[np.ndarray, " times"], number: int, *, key: RandomKey
    ) -> Float[np.ndarray, "number times"]:
        """Shifts drawn with equal probabilities."""
        _require(series, number, 2 * self.smallest + 1)
        shifts = np.asarray(
            jax.random.randint(key, (number,), self.smallest, len(series) - self.smallest + 1)
        )
        places = (np.arange(len(series))[None] - shifts[:, None]) % len(series)
        return series[places]


class RandomPhases(AbstractSurrogates):
    """A Gaussian linear process with the spectrum of the series (Theiler et al. 1992, Physica D).

    The phases of its Fourier transform are drawn anew; mean, variance and autocorrelation are
    kept exactly (on a circle), the distribution of values and all that is not linear are not.
    """

    def draw(
        self, series: Float[np.ndarray, " times"], number: int, *, key: RandomKey
    ) -> Float[np.ndarray, "number times"]:
        """Phases drawn uniformly; the mean, and the highest frequency of an even length, stay."""
        _require(series, number, 3)
        size = len(series)
        spectrum = np.fft.rfft(series)
        phases = np.asarray(
            jax.random.uniform(key, (number, len(spectrum)), maxval=2 * math.pi), float
        )
        turned = spectrum[None] * np.exp(1j * phases)
        turned[:, 0] = spectrum[0]
        if size % 2 == 0:
            turned[:, -1] = spectrum[-1]
        return np.fft.irfft(turned, size, axis=1)


class TwinSurrogates(AbstractSurrogates):
    """Another path of the same system from another start (Thiel et al. 2006, Europhys. Lett.).

    States are delay vectors of `dimension` values `delay` samples apart. Two states are twins when
    the same states lie within a distance of both; that distance is such that a share
    `recurrence` of all pairs is close. A surrogate follows the series and, at a state that has
    twins, goes on from one of them or from where it is, with equal probabilities. Takes memory
    in proportion to the square of the length.
    """

    dimension: int = eqx.field(static=True, default=3)
    delay: int = eqx.field(static=True, default=1)
    recurrence: float = eqx.field(static=True, default=0.1)

    def __check_init__(self):
        for name in ("dimension", "delay"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.recurrence < 1:
            raise ValueError(f"recurrence must lie in (0, 1), got {self.recurrence}")

    def draw(
        self, series: Float[np.ndarray, " times"], number: int, *, key: RandomKey
    ) -> Float[np.ndarray, "number times"]:
        """Starts drawn with equal probabilities; a path that reaches the end begins anew."""
        before = (self.dimension - 1) * self.delay
        _require(series, number, before + 3)
        size = len(series) - before
        states = np.stack([series[k * self.delay :][:size] for k in range(self.dimension)], axis=1)
        distance = cdist(states, states, "chebyshev")
        close = distance <= np.quantile(distance, self.recurrence)
        groups: dict[bytes, list[int]] = {}
        for place, row in enumerate(np.packbits(close, axis=1)):
            groups.setdefault(row.tobytes(), []).append(place)
        twins: list[list[int]] = [[]] * size
        for members in groups.values():
            for place in members:
                twins[place] = members
        length = len(series)
        start_key, choice_key = jax.random.split(key)
        starts = np.asarray(jax.random.randint(start_key, (number, length), 0, size - 1))
        choices = np.asarray(jax.random.uniform(choice_key, (number, length)))
        surrogates = np.empty((number, length))
        for row in range(number):
            place = int(starts[row, 0])
            for time in range(length):
                # The last value of a delay vector is the series at the time of the state.
                surrogates[row, time] = series[place + before]
                alike = twins[place]
                place = alike[int(choices[row, time] * len(alike))] + 1
                if place >= size:
                    place = int(starts[row, time])
        return surrogates


def _require(series: Float[np.ndarray, " times"], number: int, shortest: int) -> None:
    if number < 1:
        raise ValueError(f"number must be at least 1, got {number}")
    if len(series) < shortest:
        raise ValueError(f"series must have at least {shortest} samples, got {len(series)}")


__all__ = ["AbstractSurrogates", "CircularShifts", "RandomPhases", "TwinSurrogates"]
