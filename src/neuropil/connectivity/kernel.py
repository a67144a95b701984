"""Limiting kernels w(xi, zeta): who drives whom in a network so large that only types count."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class AbstractKernel(eqx.Module):
    """A kernel w(xi, zeta) seen at finitely many types: the points or cells xi_k of [0, 1].

    `measure` holds the fraction of neurons of each type and sums to 1. The kernel acts on a
    function of the type as

        (w r)(xi_k) = integral of w(xi_k, d zeta) r(zeta),

    row = receiver (postsynaptic), as everywhere. From finite weights, N w[i, j] is the value of
    the kernel: what a neuron receives stays the same. Unit: that of the weights, mV.
    """

    measure: eqx.AbstractVar[Float[Array, " types"]]

    @property
    def n_types(self) -> int:
        """Number of types."""
        return self.measure.shape[-1]

    @abstractmethod
    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each type receives when type l sends `values[l]`."""

    @abstractmethod
    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The integral of `values(xi) w(d xi, zeta_l)` for each type l: the adjoint in L2."""


class StepKernel(AbstractKernel):
    """Constant on products of types: w(xi, zeta) = `matrix[k, l]` for xi of type k, zeta of l.

    Raises `ValueError` when the shapes differ, a value is not finite, or `measure` is negative or
    does not sum to 1.
    """

    matrix: Float[Array, "types types"]
    measure: Float[Array, " types"]

    def __init__(
        self,
        matrix: Float[Array | np.ndarray, "..."],
        measure: Float[Array | np.ndarray, "..."],
    ):
        self.matrix, self.measure = jnp.asarray(matrix, float), jnp.asarray(measure, float)

    def __check_init__(self):
        types = self.measure.shape[-1]
        if self.matrix.shape != (types, types):
            raise ValueError(
                f"matrix must have shape {(types, types)} for {types} types, "
                f"got {self.matrix.shape}"
            )
        require_measure(self.measure)
        if not isinstance(self.matrix, jax.core.Tracer) and not np.all(np.isfinite(self.matrix)):
            raise ValueError("matrix holds values that are not finite")

    def apply(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """What each type receives when type l sends `values[l]`."""
        return self.matrix @ (self.measure * values)

    def apply_transpose(self, values: Float[Array, " types"]) -> Float[Array, " types"]:
        """The integral of `values(xi) w(d xi, zeta_l)` for each type l."""
        return (self.measure * values) @ self.matrix


def require_measure(measure: Float[Array, " types"]) -> None:
    """Raise `ValueError` unless the fractions are finite, not negative and sum to 1."""
    if isinstance(measure, jax.core.Tracer):
        return
    fractions = np.asarray(measure)
    if not np.all(np.isfinite(fractions)) or np.any(fractions < 0):
        raise ValueError(f"measure must be finite and not negative, got {fractions}")
    if abs(fractions.sum() - 1) > 1e-9:
        raise ValueError(f"measure must sum to 1, got {fractions.sum():.12g}")


__all__ = ["AbstractKernel", "StepKernel", "require_measure"]
