"""How cells that are not linear pass signals on unchanged, exactly or to a bounded error."""

from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.learning.astrocyte.steps import CellActivation, identity


class Code(NamedTuple):
    """A cell that stands for a number z: it receives input_offset + input_scale z.

    Its activity is then output_offset + output_scale z, up to the remainder of the transport.
    """

    input_offset: float
    input_scale: float
    output_offset: float
    output_scale: float


class AbstractTransport(eqx.Module):
    """Cells whose activation is close to linear where signals are kept.

    No slope of the activation is steeper than `lipschitz`, `inf` where that is not known.
    """

    activation: eqx.AbstractVar[CellActivation]
    lipschitz: eqx.AbstractVar[float]

    @property
    @abstractmethod
    def is_exact(self) -> bool:
        """Whether signals pass without error, round-off aside."""

    @abstractmethod
    def code(self, largest: float, scale: float) -> Code:
        """How numbers of absolute value at most `largest` are coded."""

    @abstractmethod
    def remainder(
        self, largest: Float[np.ndarray, " cells"], scale: float
    ) -> Float[np.ndarray, " cells"]:
        """Bound on the error, in units of z, that each cell adds at most."""


class LinearTransport(AbstractTransport):
    """Cells that pass on what they receive; only hidden units have an activation, any at all."""

    activation: CellActivation = eqx.field(default=identity)
    lipschitz: float = eqx.field(static=True, default=float("inf"))

    @property
    def is_exact(self) -> bool:
        """True."""
        return True

    def code(self, largest: float, scale: float) -> Code:
        """The number itself."""
        return Code(0.0, 1.0, 0.0, 1.0)

    def remainder(
        self, largest: Float[np.ndarray, " cells"], scale: float
    ) -> Float[np.ndarray, " cells"]:
        """Zero."""
        return np.zeros_like(largest)


class RectifiedTransport(AbstractTransport):
    """max(0, v) in every cell: exact on a bounded set, where signals are raised above zero."""

    activation: CellActivation = eqx.field(default=jax.nn.relu)
    lipschitz: float = eqx.field(static=True, default=1.0)

    @property
    def is_exact(self) -> bool:
        """True, for inputs within the stated bound."""
        return True

    def code(self, largest: float, scale: float) -> Code:
        """The number raised by the largest absolute value."""
        return Code(largest, 1.0, largest, 1.0)

    def remainder(
        self, largest: Float[np.ndarray, " cells"], scale: float
    ) -> Float[np.ndarray, " cells"]:
        """Zero."""
        return np.zeros_like(largest)


class SmoothTransport(AbstractTransport):
    """A smooth activation in every cell, kept near a point where its slope is not zero.

    With signals scaled by eps, sigma(a + eps z) = sigma(a) + eps sigma'(a) z + rest, where
    |rest| <= remainder_factor |eps z|^order: the error is of order eps^(order - 1) and never
    nothing. `value` and `slope` are sigma(a) and sigma'(a) at `point` a; `lipschitz` bounds
    |sigma'|. This is the linearisation in the proof of Peterson's Theorem II.2, with its bound.

    Raises `ValueError` for a slope of zero and for an order below 2.
    """

    activation: CellActivation
    point: float
    value: float
    slope: float
    remainder_factor: float
    order: int
    lipschitz: float

    def __check_init__(self):
        if self.slope == 0:
            raise ValueError(f"slope must not be zero, got {self.slope}")
        if self.order < 2:
            raise ValueError(f"order must be at least 2, got {self.order}")

    @property
    def is_exact(self) -> bool:
        """False."""
        return False

    def code(self, largest: float, scale: float) -> Code:
        """The number in units of 1 / scale around the point."""
        return Code(self.point, scale, self.value, scale * self.slope)

    def remainder(
        self, largest: Float[np.ndarray, " cells"], scale: float
    ) -> Float[np.ndarray, " cells"]:
        """The bound on the rest, over scale times slope."""
        rest = self.remainder_factor * (scale * largest) ** self.order
        return rest / abs(scale * self.slope)


LINEAR_TRANSPORT = LinearTransport()
"""Cells in transit that are linear."""

TANH_TRANSPORT = SmoothTransport(
    activation=jnp.tanh,
    point=0.0,
    value=0.0,
    slope=1.0,
    remainder_factor=1 / 3,
    order=3,
    lipschitz=1.0,
)
"""tanh about 0, where |tanh u - u| <= |u|^3 / 3, the largest |tanh'''| being 2."""

LOGISTIC_TRANSPORT = SmoothTransport(
    activation=jax.nn.sigmoid,
    point=0.0,
    value=0.5,
    slope=0.25,
    remainder_factor=1 / 48,
    order=3,
    lipschitz=0.25,
)
"""1 / (1 + exp(-u)) about 0, where the third derivative is at most 1/8 in absolute value."""

__all__ = [
    "LINEAR_TRANSPORT",
    "LOGISTIC_TRANSPORT",
    "TANH_TRANSPORT",
    "AbstractTransport",
    "Code",
    "LinearTransport",
    "RectifiedTransport",
    "SmoothTransport",
]
