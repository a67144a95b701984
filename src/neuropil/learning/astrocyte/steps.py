"""One step of a wave: weighted sums over neighbours, and what a cell makes of them."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.biology import UNDISTURBED, Biology, disturbed
from neuropil.learning.astrocyte.neighbourhoods import Cells
from neuropil.learning.astrocyte.wiring import AbstractWiring
from neuropil.learning.uniform_arrays import uniform_arrays
from neuropil.types import RandomKey

CellActivation = Callable[[Float[Array, "*cells"]], Float[Array, "*cells"]]
"""From what the cells of a layer receive to their activity; most act on each cell alone."""


def identity(received: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """Cells that pass on what they receive: a linear step."""
    return received


class AbstractStep(eqx.Module):
    """From the activity of one layer of cells to that of the next."""

    biology: eqx.AbstractVar[Biology]

    @property
    @abstractmethod
    def letter(self) -> str:
        """The letter of the step in the notation: s, d or g."""

    @property
    @abstractmethod
    def cells(self) -> Cells:
        """Cells of the layer before."""

    @property
    @abstractmethod
    def reached(self) -> Cells:
        """Cells of the layer after."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Numbers that can be learned: weights of connections, and one bias a cell if any."""

    @abstractmethod
    def matrix(self) -> Float[np.ndarray, "after before"]:
        """The weights as a full matrix, undisturbed, cells of a sheet row by row."""

    @abstractmethod
    def n_draws(self, *, training: bool) -> tuple[int, int, int, int]:
        """Random numbers that each disturbance of one pass takes, as in `Biology.n_draws`."""

    @abstractmethod
    def respond(
        self, activity: Float[Array, "*cells"], drawn: Float[Array, " draws"], *, training: bool
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after, from `n_draws` uniform numbers for the disturbances."""

    def __call__(
        self,
        activity: Float[Array, "*cells"],
        *,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after. Raises `ValueError` where chance needs a key."""
        (drawn,) = draws_for((self,), key, activity.dtype, training=training)
        return self.respond(activity, drawn, training=training)


class WaveStep(AbstractStep):
    """Every cell sums what reaches it, adds its own bias, and applies its activation,

        y_j = activation(sum_s w_js (leaked x)_s + b_j)

    over the connections of `wiring` (Peterson, "What can astrocytes compute?", eq. 4 to 7; the
    rho there is the leak). `bands` holds the weights, one for each place of the wiring, and
    nothing else: no full matrix is ever formed. `biology` disturbs the step as stated there.

    Raises `ValueError` when the bands or the bias do not fit the wiring.
    """

    wiring: AbstractWiring
    bands: Float[Array, "neighbours ..."]
    bias: Float[Array, "*reached"] | None
    activation: CellActivation = identity
    biology: Biology = UNDISTURBED

    def __check_init__(self):
        shape = (self.wiring.neighbourhood, *self.wiring.owners)
        if self.bands.shape[-len(shape) :] != shape:
            raise ValueError(f"bands must have shape {shape}, got {self.bands.shape}")
        cells = self.wiring.reached
        if self.bias is not None and self.bias.shape[-len(cells) :] != cells:
            raise ValueError(f"bias must have shape {cells}, got {self.bias.shape}")

    @property
    def letter(self) -> str:
        """The letter of the wiring."""
        return self.wiring.letter

    @property
    def cells(self) -> Cells:
        """Cells of the layer before."""
        return self.wiring.cells

    @property
    def reached(self) -> Cells:
        """Cells of the layer after."""
        return self.wiring.reached

    @property
    def n_parameters(self) -> int:
        """One a connection, and one a cell where there is a bias."""
        return self.wiring.n_connections + (0 if self.bias is None else int(np.prod(self.reached)))

    def matrix(self) -> Float[np.ndarray, "after before"]:
        """The weights as a full matrix, undisturbed, cells of a sheet row by row."""
        return self.wiring.matrix(self.bands)

    def n_draws(self, *, training: bool) -> tuple[int, int, int, int]:
        """Those of one pass."""
        weights = math.prod((self.wiring.neighbourhood, *self.wiring.owners))
        return self.biology.n_draws(weights, math.prod(self.reached), training=training)

    def respond(
        self, activity: Float[Array, "*cells"], drawn: Float[Array, " draws"], *, training: bool
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after."""
        biology = self.biology
        parts = cut(drawn, self.n_draws(training=training))
        if biology.leak is not None:
            activity = biology.leak(activity, periodic=self.wiring.periodic)
        bands = disturbed(self.bands, biology.weight_noise, parts[0])
        bands = disturbed(bands, biology.connection_loss, parts[1])
        received = self.wiring.sums(bands, activity, self.bias)
        received = disturbed(received, biology.signal_noise, parts[2])
        return self.activation(disturbed(received, biology.signal_loss, parts[3]))


def draws_for(
    steps: Sequence[AbstractStep], key: RandomKey | None, dtype: Any, *, training: bool
) -> list[Float[Array, " _draws"]]:
    """Uniform numbers for all disturbances of each step, from a single draw for all of them.

    Raises `ValueError` when some are needed and there is no key.
    """
    numbers = [sum(step.n_draws(training=training)) for step in steps]
    if not any(numbers):
        return [jnp.zeros(0, dtype)] * len(steps)
    if key is None:
        raise ValueError("key must be given to a network whose biology is random, got None")
    return cut(jax.random.uniform(key, (sum(numbers),), dtype), numbers)


def cut(row: Float[Array, " numbers"], sizes: Sequence[int]) -> list[Float[Array, " _part"]]:
    """A row in parts of the given sizes."""
    ends = itertools.accumulate(sizes, initial=0)
    return [row[first:last] for first, last in itertools.pairwise(ends)]


def uniform_step(
    wiring: AbstractWiring,
    *,
    key: RandomKey,
    gain: float = 1.0,
    bias_gain: float = 1.0,
    bias: bool = True,
    activation: CellActivation = identity,
    biology: Biology = UNDISTURBED,
    dtype: jnp.dtype | type = float,
) -> WaveStep:
    """A step with weights uniform within gain / sqrt(k), and biases within bias_gain / sqrt(k).

    k is the number of connections of a cell, not of cells. The variance of a weight is
    gain^2 / (3 k), so that at a gain of sqrt(3) a linear step keeps the size of signals.
    """
    (step,) = uniform_steps(
        (wiring,),
        (activation,),
        key=key,
        gain=gain,
        bias_gain=bias_gain,
        bias=bias,
        biology=biology,
        dtype=dtype,
    )
    return step


def uniform_steps(
    wirings: Sequence[AbstractWiring],
    activations: Sequence[CellActivation],
    *,
    key: RandomKey,
    gain: float = 1.0,
    bias_gain: float = 1.0,
    bias: bool = True,
    biology: Biology = UNDISTURBED,
    dtype: jnp.dtype | type = float,
) -> tuple[WaveStep, ...]:
    """Steps one after the other, each with weights and biases as in `uniform_step`."""
    reach = [wiring.neighbourhood**-0.5 for wiring in wirings]
    drawn = uniform_arrays(
        key,
        (
            *((wiring.neighbourhood, *wiring.owners) for wiring in wirings),
            *(wiring.reached for wiring in wirings),
        ),
        (*(gain * bound for bound in reach), *(bias_gain * bound for bound in reach)),
        dtype,
    )
    bands, offsets = drawn[: len(wirings)], drawn[len(wirings) :]
    return tuple(
        WaveStep(
            wiring=wiring,
            bands=weights,
            bias=offset if bias else None,
            activation=activation,
            biology=biology,
        )
        for wiring, weights, offset, activation in zip(
            wirings, bands, offsets, activations, strict=True
        )
    )


__all__ = [
    "AbstractStep",
    "CellActivation",
    "WaveStep",
    "cut",
    "draws_for",
    "identity",
    "uniform_step",
    "uniform_steps",
]
