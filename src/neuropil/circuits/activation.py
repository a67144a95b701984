"""Activation functions that know the range of their values."""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Elementwise = Callable[[Float[Array, "..."]], Float[Array, "..."]]


class AbstractActivation(eqx.Module):
    """A function from potential to activity, element by element, with the range of its values.

    The range is what bounds on a circuit rest on; an end of it may be infinite.
    """

    @property
    @abstractmethod
    def lower(self) -> float:
        """No value lies below this."""

    @property
    @abstractmethod
    def upper(self) -> float:
        """No value lies above this."""

    @abstractmethod
    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The activity at a potential."""


class Logistic(AbstractActivation):
    """1 / (1 + exp(-x)), between 0 and 1."""

    @property
    def lower(self) -> float:
        """Zero."""
        return 0.0

    @property
    def upper(self) -> float:
        """One."""
        return 1.0

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """1 / (1 + exp(-x))."""
        return jax.nn.sigmoid(potential)


class HyperbolicTangent(AbstractActivation):
    """tanh(x), between -1 and 1."""

    @property
    def lower(self) -> float:
        """Minus one."""
        return -1.0

    @property
    def upper(self) -> float:
        """One."""
        return 1.0

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """tanh(x)."""
        return jnp.tanh(potential)


class Activation(AbstractActivation):
    """Any function of JAX with the range that the user states; unbounded unless stated.

    With the identity for an astrocyte, its state is its output: a diagram over the output psi(z)
    of (Gong et al., Fig. 2E and 9D) is then one over the state itself.

    Raises `ValueError` when `upper` is not above `lower`.
    """

    function: Elementwise
    lower: float = eqx.field(static=True, default=-float("inf"))
    upper: float = eqx.field(static=True, default=float("inf"))

    def __check_init__(self):
        if not self.lower < self.upper:
            raise ValueError(f"upper must be above lower, got {self.lower} and {self.upper}")

    def __call__(self, potential: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function at the potential."""
        return self.function(potential)


__all__ = ["AbstractActivation", "Activation", "HyperbolicTangent", "Logistic"]
