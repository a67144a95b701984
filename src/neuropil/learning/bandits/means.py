"""How likely the arms of a bandit pay, trial by trial, and which context rules."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.types import Scalar

Trial = Int[Array, ""]


class AbstractMeans(eqx.Module):
    """Probabilities of reward as a function of the trial, counted from 0."""

    @property
    @abstractmethod
    def arms(self) -> int:
        """Number of arms."""

    @property
    @abstractmethod
    def contexts(self) -> int:
        """Number of contexts, which are labelled from 0."""

    @abstractmethod
    def at(self, trial: Trial) -> Float[Array, " arms"]:
        """The probability of reward of each arm."""

    @abstractmethod
    def label(self, trial: Trial) -> Int[Array, ""]:
        """Which context rules."""


class StationaryMeans(AbstractMeans):
    """Probabilities that never change; there is one context.

    Raises `ValueError` for fewer than two arms and values outside [0, 1].
    """

    means: Float[Array, " arms"] = eqx.field(converter=lambda values: jnp.asarray(values, float))

    def __check_init__(self):
        _require_probabilities("means", self.means)

    @property
    def arms(self) -> int:
        """Number of arms."""
        return self.means.shape[-1]

    @property
    def contexts(self) -> int:
        """One."""
        return 1

    def at(self, trial: Trial) -> Float[Array, " arms"]:
        """The means, whatever the trial."""
        del trial
        return self.means

    def label(self, trial: Trial) -> Int[Array, ""]:
        """Zero."""
        return jnp.zeros_like(trial, int)


class AbstractContextTable(AbstractMeans):
    """Row c of `means` holds the arms in context c."""

    means: eqx.AbstractVar[Float[Array, "contexts arms"]]

    @property
    def arms(self) -> int:
        """Number of arms."""
        return self.means.shape[-1]

    @property
    def contexts(self) -> int:
        """Number of rows."""
        return self.means.shape[-2]

    def at(self, trial: Trial) -> Float[Array, " arms"]:
        """The row of the context that rules."""
        return self.means[self.label(trial)]


class FlipFlopMeans(AbstractContextTable):
    """Contexts that follow each other abruptly, each for `duration` trials, and then again.

    Row c of `means` holds the arms in context c (Gong et al., Methods, "flip-flop switching":
    with 5000 trials and the rows mu and 1 - mu, the task of SI.6.5). Raises `ValueError` for
    fewer than two arms or contexts, values outside [0, 1], and a duration below one trial.
    """

    means: Float[Array, "contexts arms"] = eqx.field(
        converter=lambda values: jnp.asarray(values, float)
    )
    duration: Int[Array, ""] = eqx.field(converter=lambda value: jnp.asarray(value), default=5000)

    def __check_init__(self):
        _require_table(self.means)
        _require_trials("duration", self.duration)

    def label(self, trial: Trial) -> Int[Array, ""]:
        """The number of the row."""
        return _whole(trial) // _whole(self.duration) % self.contexts


class SequentialContexts(AbstractContextTable):
    """Contexts in any order: visit v is to context `order[v]` and lasts `duration` trials.

    Row c of `means` holds the arms in context c. The last visit does not end. To measure what is
    forgotten, let the order come back to a context. Raises `ValueError` for fewer than two arms
    or contexts, values outside [0, 1], a duration below one trial, and an order that is empty or
    names a context that does not exist.
    """

    means: Float[Array, "contexts arms"] = eqx.field(
        converter=lambda values: jnp.asarray(values, float)
    )
    order: Int[Array, " visits"] = eqx.field(converter=lambda values: jnp.asarray(values))
    duration: Int[Array, ""] = eqx.field(converter=lambda value: jnp.asarray(value), default=5000)

    def __check_init__(self):
        _require_table(self.means)
        _require_trials("duration", self.duration)
        if self.order.ndim != 1 or not self.order.size:
            raise ValueError(
                f"order must be a list of one context or more, got shape {self.order.shape}"
            )
        values = _concrete(self.order)
        if values is not None and not np.all((values >= 0) & (values < self.contexts)):
            raise ValueError(
                f"order must name contexts from 0 to {self.contexts - 1}, got {values.tolist()}"
            )

    def label(self, trial: Trial) -> Int[Array, ""]:
        """The number of the row."""
        visit = jnp.minimum(_whole(trial) // _whole(self.duration), self.order.shape[-1] - 1)
        return _whole(self.order[visit])


class PeriodicMeans(AbstractMeans):
    """All arms rise and fall in turn, smoothly: mu_i S(Q sin(2 pi t/P + 2 pi i/n)), i = 1...n.

    S is the logistic function, mu_i are the `peaks`, P the `period` in trials, and a large
    `sharpness` Q makes the waves square (Gong et al., eq. 9, with P = 10000 and Q = 100). The
    context is the number of the best arm. Raises `ValueError` for fewer than two arms, peaks
    outside [0, 1], a period of less than one trial and a sharpness that is not positive.
    """

    peaks: Float[Array, " arms"] = eqx.field(converter=lambda values: jnp.asarray(values, float))
    period: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=10_000.0
    )
    sharpness: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=100.0
    )

    def __check_init__(self):
        _require_probabilities("peaks", self.peaks)
        _require_trials("period", self.period)
        value = _concrete(self.sharpness)
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"sharpness must be positive and finite, got {value}")

    @property
    def arms(self) -> int:
        """Number of arms."""
        return self.peaks.shape[-1]

    @property
    def contexts(self) -> int:
        """One for each arm, which may be the best."""
        return self.arms

    def at(self, trial: Trial) -> Float[Array, " arms"]:
        """Equation (9)."""
        return self.peaks * jax.nn.sigmoid(self.sharpness * _waves(trial, self.period, self.arms))

    def label(self, trial: Trial) -> Int[Array, ""]:
        """The number of the best arm."""
        return _whole(jnp.argmax(self.at(trial)))


class SquareWaveMeans(AbstractMeans):
    """All arms jump up and down in turn: mu_i (sign(sin(2 pi t/P + 2 pi i/n)) + 1.1) / 2.1.

    The flip-flop of the authors' published programs: an arm pays mu_i (`peaks`) or mu_i/21, so
    that 0.92 becomes 0.044. The sign of zero is taken as +1, and i = 1...n. The context is the
    number of the best arm. Raises `ValueError` for fewer than two arms, peaks outside [0, 1] and
    a period of less than one trial.
    """

    peaks: Float[Array, " arms"] = eqx.field(converter=lambda values: jnp.asarray(values, float))
    period: Float[Array, ""] = eqx.field(
        converter=lambda value: jnp.asarray(value, float), default=10_000.0
    )

    def __check_init__(self):
        _require_probabilities("peaks", self.peaks)
        _require_trials("period", self.period)

    @property
    def arms(self) -> int:
        """Number of arms."""
        return self.peaks.shape[-1]

    @property
    def contexts(self) -> int:
        """One for each arm, which may be the best."""
        return self.arms

    def at(self, trial: Trial) -> Float[Array, " arms"]:
        """The peak of each arm, or a 21st of it."""
        is_up = _waves(trial, self.period, self.arms) >= 0
        return self.peaks * jnp.where(is_up, 1.0, 0.1 / 2.1)

    def label(self, trial: Trial) -> Int[Array, ""]:
        """The number of the best arm."""
        return _whole(jnp.argmax(self.at(trial)))


def _waves(trial: Trial, period: Scalar, arms: int) -> Float[Array, " arms"]:
    """sin(2 pi t/P + 2 pi i/n), from the turn within one period so that late trials are exact."""
    turn = trial.astype(float) / period
    return jnp.sin(2 * jnp.pi * (turn - jnp.floor(turn) + jnp.arange(1.0, arms + 1) / arms))


def _whole(values: Any) -> Any:
    return values.astype(int)


def _concrete(value: Array) -> np.ndarray | None:
    """The numbers, or nothing where compiled code is still to supply them."""
    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)


def _require_probabilities(name: str, values: Array) -> None:
    if values.ndim != 1 or values.shape[0] < 2:
        raise ValueError(
            f"{name} must be a list of one probability for each of two arms or more, got shape "
            f"{values.shape}"
        )
    _require_range(name, values)


def _require_table(values: Array) -> None:
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(
            "means must have a row for each of two contexts or more and a column for each of two "
            f"arms or more, got shape {values.shape}"
        )
    _require_range("means", values)


def _require_range(name: str, values: Array) -> None:
    numbers = _concrete(values)
    if numbers is None:
        return
    outside = numbers[~((numbers >= 0) & (numbers <= 1))]
    if outside.size:
        raise ValueError(f"{name} must lie in [0, 1], got {outside[0]}")


def _require_trials(name: str, value: Array) -> None:
    if value.ndim:
        raise ValueError(f"{name} must be one number of trials, got shape {value.shape}")
    number = _concrete(value)
    if number is not None and not (np.isfinite(number) and number >= 1):
        raise ValueError(f"{name} must be one trial or more, got {number}")


__all__ = [
    "AbstractMeans",
    "FlipFlopMeans",
    "PeriodicMeans",
    "SequentialContexts",
    "SquareWaveMeans",
    "StationaryMeans",
]
