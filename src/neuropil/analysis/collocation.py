"""The equations of a periodic orbit on a mesh, and their linearisation, condensed to the mesh."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from neuropil.analysis.parameters import Residual
from neuropil.types import Scalar


class Orbit(NamedTuple):
    """A closed curve, the time around it (ms) and the parameter; also a change of all three.

    `values[i, k]` is the state at the phase (i + k / degree) / intervals.
    """

    values: Float[Array, "intervals degree dimension"]
    period: Scalar
    parameter: Scalar


class Linearised(NamedTuple):
    """Newton's step, the tangent, and what the flow does from one mesh point to the next."""

    defect: Float[Array, "intervals degree dimension"]
    change: Orbit
    tangent: Orbit
    transfer: Float[Array, "intervals dimension dimension"]


class Mesh(eqx.Module):
    """Equal intervals, with a polynomial of the given degree on each, collocated at Gauss points.

    On mesh points the error falls with the 2 `degree`-th power of the interval (C. de Boor and
    B. Swartz, SIAM J. Numer. Anal. 10, 582 (1973)).
    """

    intervals: int = eqx.field(static=True)
    degree: int = eqx.field(static=True)

    @property
    def gauss(self) -> tuple[Float64[np.ndarray, " degree"], Float64[np.ndarray, " degree"]]:
        """Nodes and weights on an interval of length one."""
        nodes, weights = np.polynomial.legendre.leggauss(self.degree)
        return (nodes + 1) / 2, weights / 2

    @property
    def basis(self) -> tuple[Float64[np.ndarray, "degree nodes"], Float64[np.ndarray, "..."]]:
        """Lagrange polynomials at the Gauss points, `[point, polynomial]`, and derivatives."""
        powers = np.arange(self.degree + 1)
        ends = np.arange(self.degree + 1) / self.degree
        coefficients = np.linalg.inv(ends[:, None] ** powers[None])
        points = self.gauss[0][:, None]
        slopes = powers * points ** np.maximum(powers - 1, 0)
        return points**powers @ coefficients, slopes @ coefficients

    def at_gauss_points(
        self, values: Float[Array, "intervals degree dimension"], *, derivative: bool = False
    ) -> Float[Array, "intervals degree dimension"]:
        """The curve, or its derivative by the phase, at the Gauss points of every interval."""
        local = jnp.concatenate([values, jnp.roll(values, -1, axis=0)[:, :1]], axis=1)
        matrix = self.intervals * self.basis[1] if derivative else self.basis[0]
        return jnp.einsum("jk,ikn->ijn", jnp.asarray(matrix), local)

    def inner(
        self,
        one: Float[Array, "intervals degree dimension"],
        other: Float[Array, "intervals degree dimension"],
    ) -> Scalar:
        """Integral over the phase of the inner product of two curves, both at Gauss points."""
        weights = jnp.asarray(self.gauss[1]) / self.intervals
        return jnp.einsum("j,ijn,ijn->", weights, one, other)


def linearise(
    residual: Residual,
    mesh: Mesh,
    orbit: Orbit,
    phase: Float[Array, "intervals degree dimension"],
    plane: Orbit,
) -> Linearised:
    """One step of Newton's method for u' = T f(u, p) with two conditions, and the tangent.

    The conditions are that u is orthogonal to `phase`, and that the step is orthogonal to
    `plane`; the curves of both are given at Gauss points and integrated over. The tangent fulfils
    the linearised equations, with a product of one with `plane`. Interiors of the intervals are
    eliminated first, all at once, which leaves one state for each interval (E. J. Doedel, Congr.
    Numer. 30, 265 (1981)).
    """
    n_intervals, degree, n = orbit.values.shape
    basis, slopes = (jnp.asarray(matrix) for matrix in mesh.basis)
    along = mesh.at_gauss_points(orbit.values)

    def evaluate(point):
        value = residual(point[:-1], point[-1])
        return value, value

    flat = along.reshape(-1, n)
    points = jnp.concatenate([flat, jnp.full((len(flat), 1), orbit.parameter)], axis=1)
    jacobian, field = jax.vmap(jax.jacfwd(evaluate, has_aux=True))(points)
    jacobian = jacobian.reshape(n_intervals, degree, n, n + 1)
    field = field.reshape(n_intervals, degree, n)
    defect = mesh.at_gauss_points(orbit.values, derivative=True) - orbit.period * field

    rotation = n_intervals * jnp.einsum("jk,ab->jakb", slopes, jnp.eye(n))
    blocks = rotation[None] - orbit.period * jnp.einsum("jk,ijab->ijakb", basis, jacobian[..., :n])
    blocks = blocks.reshape(n_intervals, degree * n, (degree + 1) * n)
    by_period, by_parameter = -field, -orbit.period * jacobian[..., n]
    sides = [side.reshape(n_intervals, -1, 1) for side in (by_period, by_parameter, defect)]
    eliminated = jnp.linalg.solve(
        blocks[:, :, n:], -jnp.concatenate([blocks[:, :, :n], *sides], axis=2)
    )
    # Nodes after the first, by the first node, the period, the parameter and what is left.
    nodes = eliminated.reshape(n_intervals, degree, n, n + 3)
    transfer = nodes[:, -1, :, :n]

    def condensed(curve):
        """The product with a curve as a function of the states at mesh points and the rest."""
        weights = jnp.asarray(mesh.gauss[1]) / n_intervals
        local = jnp.einsum("j,jk,ijn->ikn", weights, basis, curve)
        reduced = jnp.einsum("ikn,iknr->ir", local[:, 1:], nodes)
        mesh_part = reduced[:, :n] + local[:, 0]
        return mesh_part.ravel(), *jnp.sum(reduced[:, n:], axis=0)

    places = jnp.arange(n_intervals)
    matrix = jnp.zeros((n_intervals, n, n_intervals, n))
    matrix = matrix.at[places, :, (places + 1) % n_intervals, :].add(jnp.eye(n)[None])
    matrix = matrix.at[places, :, places, :].add(-transfer)
    size = n_intervals * n
    phase_row, phase_period, phase_parameter, phase_rest = condensed(phase)
    plane_row, plane_period, plane_parameter, plane_rest = condensed(plane.values)
    full = jnp.zeros((size + 2, size + 2))
    full = full.at[:size, :size].set(matrix.reshape(size, size))
    full = full.at[:size, size:].set(-nodes[:, -1, :, n : n + 2].reshape(size, 2))
    full = full.at[size, :size].set(phase_row).at[size + 1, :size].set(plane_row)
    corner = jnp.stack(
        [
            jnp.stack([phase_period, phase_parameter]),
            jnp.stack([plane_period + plane.period, plane_parameter + plane.parameter]),
        ]
    )
    full = full.at[size:, size:].set(corner)
    right = jnp.zeros((size + 2, 2)).at[size + 1, 1].set(1.0)
    right = right.at[:size, 0].set(nodes[:, -1, :, n + 2].ravel())
    right = right.at[size, 0].set(-mesh.inner(along, phase) - phase_rest)
    right = right.at[size + 1, 0].set(-plane_rest)
    solution = jnp.linalg.solve(full, right)

    def expanded(column, rest):
        first = column[:size].reshape(n_intervals, n)
        tail = jnp.broadcast_to(jnp.append(column[size:], rest)[None], (n_intervals, 3))
        inner = jnp.einsum("iknr,ir->ikn", nodes[:, :-1], jnp.concatenate([first, tail], axis=1))
        values = jnp.concatenate([first[:, None], inner], axis=1)
        return Orbit(values, column[size], column[size + 1])

    return Linearised(
        defect=defect,
        change=expanded(solution[:, 0], 1.0),
        tangent=expanded(solution[:, 1], 0.0),
        transfer=transfer,
    )


__all__ = ["Linearised", "Mesh", "Orbit", "linearise"]
