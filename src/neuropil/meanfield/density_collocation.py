"""Stationary densities by collocation at Gauss points, accurate to rounding where smooth.

With the flux J = u f - D f', u = b + drive + S, the stationary equation of one type is

    D f' = u f - J - r H(v - reset),    J' = -nu f,    J(lower) = 0,    integral of f = 1,

J being the flux without the jump r = integral of nu f that the reset adds to it (H is the unit
step). At the upper wall the flux then vanishes by itself, as all that fires comes back. f and J
are continuous and, in each element, polynomials; the equations hold at the Gauss points, where
integrals are exact too (de Boor and Swartz, SIAM J. Numer. Anal. 10:582, 1973).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.meanfield.population_density import PopulationDensity
from neuropil.types import Scalar


def collocate(
    density: PopulationDensity,
    received: Float[Array, " types"],
    diffusion: Float[Array, " types"],
    elements: int,
    degree: int,
) -> tuple[Float[Array, "types cells"], Float[Array, " types"]]:
    """Stationary densities at the centres of the grid, and rates, when S and D are known."""
    types = density.n_types
    of_points, slope_of_points, weights, places, nodes = _reference(degree)
    grid = density.grid
    each = jnp.broadcast_to(density.neurons.reset, (types,))
    drive = jnp.broadcast_to(density.neurons.drive, (types,))
    # The share of elements below the reset is fixed, so that the shape of the problem is.
    below = elements // 2

    def of_type(kind, reset: Scalar, push: Scalar, spread: Scalar):
        edges = jnp.concatenate(
            [
                grid.lower + (reset - grid.lower) * jnp.asarray(np.arange(below) / below),
                reset + (grid.upper - reset) * jnp.asarray(np.linspace(0, 1, elements - below + 1)),
            ]
        )
        length = jnp.diff(edges)
        points = edges[:-1, None] + length[:, None] * places[None, :]
        flat = points.reshape(-1)
        velocity = jnp.take(density.drift_at(flat), kind, axis=0) + push
        hazard = jnp.take(density.hazard_at(flat), kind, axis=0)
        size = elements * degree + 1
        column = degree * np.arange(elements)[:, None, None] + np.arange(degree + 1)
        row = np.arange(elements * degree).reshape(elements, degree, 1)
        empty = jnp.zeros((elements * degree, size))
        value = empty.at[row, column].set(
            jnp.broadcast_to(of_points, (elements, degree, degree + 1))
        )
        slope = empty.at[row, column].set(slope_of_points[None] / length[:, None, None])
        quadrature = (length[:, None] * weights[None, :]).reshape(-1)
        above = jnp.where(flat > reset, 1.0, 0.0)
        fired = (quadrature * hazard) @ value
        first = jnp.concatenate(
            [
                spread * slope - velocity[:, None] * value + above[:, None] * fired[None, :],
                value,
            ],
            axis=1,
        )
        second = jnp.concatenate([hazard[:, None] * value, slope], axis=1)
        wall = jnp.zeros((1, 2 * size)).at[0, size].set(1.0)
        mass = jnp.concatenate([quadrature @ value, jnp.zeros(size)])[None, :]
        matrix = jnp.concatenate([first, second, wall, mass])
        right = jnp.zeros(2 * size).at[-1].set(1.0)
        solution = jnp.linalg.solve(matrix, right)[:size]
        element = jnp.clip(jnp.searchsorted(edges, grid.centres).astype(int) - 1, 0, elements - 1)
        place = (grid.centres - edges[element]) / length[element]
        local = solution[degree * element[:, None] + np.arange(degree + 1)[None]]
        return _interpolate(nodes, local, place), fired @ solution

    return jax.vmap(of_type)(jnp.arange(types), each, drive + received, diffusion)


def _reference(degree: int):
    """The element [0, 1]: values and slopes at Gauss points of polynomials known at nodes."""
    nodes = 0.5 - 0.5 * np.cos(np.pi * np.arange(degree + 1) / degree)
    gauss, weights = np.polynomial.legendre.leggauss(degree)
    places = 0.5 + 0.5 * gauss
    barycentric = _barycentric_weights(nodes)
    ratio = barycentric / (places[:, None] - nodes)
    values = ratio / ratio.sum(axis=1, keepdims=True)
    between = nodes[:, None] - nodes + np.eye(degree + 1)
    derivative = barycentric[None, :] / barycentric[:, None] / between
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return values, values @ derivative, weights / 2, places, nodes


def _interpolate(
    nodes: np.ndarray, local: Float[Array, "points nodes"], place: Float[Array, " points"]
) -> Float[Array, " points"]:
    """Each row, known at the nodes, at its own place (barycentric formula)."""
    distance = place[:, None] - nodes[None]
    at_node = distance == 0
    apart = _barycentric_weights(nodes)[None] / jnp.where(at_node, 1.0, distance)
    ratio = jnp.where(jnp.any(at_node, axis=1, keepdims=True), at_node.astype(float), apart)
    return jnp.sum(ratio * local, axis=1) / jnp.sum(ratio, axis=1)


def _barycentric_weights(nodes: np.ndarray) -> np.ndarray:
    """Of Chebyshev points of the second kind, ends included."""
    signs = (-1.0) ** np.arange(nodes.size)
    signs[[0, -1]] /= 2
    return signs


__all__ = ["collocate"]
