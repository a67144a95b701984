"""One step of a wave: weighted sums over neighbours, and what a cell makes of them."""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.biology import UNDISTURBED, Biology, disturbed
from neuropil.learning.astrocyte.wiring import AbstractWiring, Cells
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
    def __call__(
        self,
        activity: Float[Array, "*cells"],
        *,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after."""


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

    def __call__(
        self,
        activity: Float[Array, "*cells"],
        *,
        key: RandomKey | None = None,
        training: bool = False,
    ) -> Float[Array, "*reached"]:
        """Activity of the layer after. Raises `ValueError` where chance needs a key."""
        biology = self.biology
        weight_key, loss_key, *signal_keys = keys_for(4, key)
        if biology.leak is not None:
            activity = biology.leak(activity, periodic=self.wiring.periodic)
        bands = disturbed(self.bands, biology.weight_noise, weight_key, training=training)
        bands = disturbed(bands, biology.connection_loss, loss_key, training=training)
        received = self.wiring.sums(bands, activity)
        if self.bias is not None:
            received = received + self.bias
        for chance, signal_key in zip(
            (biology.signal_noise, biology.signal_loss), signal_keys, strict=True
        ):
            received = disturbed(received, chance, signal_key, training=training)
        return self.activation(received)


def keys_for(number: int, key: RandomKey | None) -> list[RandomKey | None]:
    """A key for each of so many parts, or none for any without a key."""
    return [None] * number if key is None else list(jax.random.split(key, number))


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
    weight_key, bias_key = jax.random.split(key)
    bound = gain / wiring.neighbourhood**0.5
    offset_bound = bias_gain / wiring.neighbourhood**0.5
    shape = (wiring.neighbourhood, *wiring.owners)
    bands = jax.random.uniform(weight_key, shape, dtype, -bound, bound)
    offset = jax.random.uniform(bias_key, wiring.reached, dtype, -offset_bound, offset_bound)
    return WaveStep(
        wiring=wiring,
        bands=bands,
        bias=offset if bias else None,
        activation=activation,
        biology=biology,
    )


__all__ = [
    "AbstractStep",
    "CellActivation",
    "WaveStep",
    "identity",
    "keys_for",
    "uniform_step",
]
