"""Linear systems, and the eigenvalue that decides how they end."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits.parameters import parameter, require_parameters
from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class LeadingEigenvalue(NamedTuple):
    """The eigenvalue with the largest real part: growth rate and angular frequency, not negative.

    Both are in the unit of the entries of the matrix.
    """

    growth_rate: Scalar
    angular_frequency: Scalar


def _matrix(value) -> Float[Array, "..."]:
    return jnp.asarray(value, float)


class LinearSystem(AbstractSystem):
    """tau dx/dt = A x + b, in any number of dimensions.

    `matrix` is A, without a unit; `bias` is b, one value or one for each component, in the unit
    of the state; `time_constant` is tau in ms. Raises `ValueError`, naming the parameter, unless
    all are finite, the matrix is square and the time constant positive.
    """

    matrix: Float[Array, "dimension dimension"] = eqx.field(converter=_matrix)
    bias: Float[Array, "..."] = parameter(0.0)
    time_constant: Float[Array, ""] = parameter(1.0)

    def __check_init__(self):
        shape = self.matrix.shape
        if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
            raise ValueError(f"matrix must be square, with a row or more, got shape {shape}")
        if not isinstance(self.matrix, jax.core.Tracer) and not np.all(np.isfinite(self.matrix)):
            raise ValueError(f"matrix must be finite, got {self.matrix}")
        require_parameters({"bias": (self.bias, shape[0])}, positive=False)
        if self.time_constant.shape != ():
            raise ValueError(
                f"time_constant must be one value, got shape {self.time_constant.shape}"
            )
        require_parameters({"time_constant": (self.time_constant, 1)}, positive=True)

    @property
    def state_names(self) -> tuple[str, ...]:
        """x_0, x_1, ..."""
        return tuple(f"x_{i}" for i in range(self.matrix.shape[0]))

    @property
    def state_unit(self) -> str:
        """None."""
        return ""

    def vector_field(self, time: Scalar, state: State) -> State:
        """(A x + b) / tau, per ms."""
        del time
        return (self.matrix @ state + self.bias) / self.time_constant

    @property
    def leading_eigenvalue(self) -> LeadingEigenvalue:
        """Of A / tau: growth rate in 1/ms, angular frequency in radians/ms.

        Times 1,000 they are per second; the frequency in Hz is 1,000 / (2 pi) times the second.
        """
        return leading_eigenvalue(self.matrix / self.time_constant)


def leading_eigenvalue(matrix: Float[Array, "dimension dimension"]) -> LeadingEigenvalue:
    """Real part and absolute imaginary part of the eigenvalue with the largest real part.

    Of a 2x2 matrix in closed form, with a = (m00 - m11)^2 / 4 + m01 m10:

        growth_rate = (m00 + m11) / 2 + sqrt(max(a, 0)),  angular_frequency = sqrt(max(-a, 0)).

    Both can be differentiated everywhere but at a = 0, where one of the roots has an infinite
    one-sided slope; its derivative is taken to be zero there, so that gradients stay finite.
    Larger matrices go through a general eigensolver, whose derivatives need the leading
    eigenvalue to be simple. Raises `ValueError` for a matrix that is not square.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.shape[0]:
        raise ValueError(f"matrix must be square, with a row or more, got shape {matrix.shape}")
    if matrix.shape[0] == 2:
        half_trace = 0.5 * (matrix[0, 0] + matrix[1, 1])
        half_difference = 0.5 * (matrix[0, 0] - matrix[1, 1])
        discriminant = half_difference**2 + matrix[0, 1] * matrix[1, 0]
        return LeadingEigenvalue(
            half_trace + root_of_positive_part(discriminant),
            root_of_positive_part(-discriminant),
        )
    eigenvalues = jnp.linalg.eigvals(matrix)
    leading = eigenvalues[jnp.argmax(eigenvalues.real)]
    return LeadingEigenvalue(leading.real, jnp.abs(leading.imag))


def root_of_positive_part(value: Float[Array, "..."]) -> Float[Array, "..."]:
    """sqrt(max(value, 0)), with derivative zero where `value` is not positive."""
    is_positive = value > 0
    root = jnp.where(is_positive, jnp.sqrt(jnp.where(is_positive, value, 1.0)), 0.0)
    # Comparisons would turn what is not a number into zero.
    return jnp.where(jnp.isnan(value), value, root)


__all__ = ["LeadingEigenvalue", "LinearSystem", "leading_eigenvalue", "root_of_positive_part"]
