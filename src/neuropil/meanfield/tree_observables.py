"""Tree observables: what a network's statistics converge to when it has no symmetry at all."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.connectivity import AbstractKernel, Connectome
from neuropil.connectivity.block_products import received
from neuropil.meanfield.trees import Tree, all_trees

COLUMNS_AT_ONCE = 16

Products = Callable[[list[Any]], list[Any]]


class TreeObservables(eqx.Module):
    """tau(T) against products of test functions: one row a tree, one column a test function.

    `values` are means over `realisations`, in the unit of the test functions to the power of the
    vertices times that of the weights to the power of the edges. `standard_errors` are those of
    the mean over independent realisations of the potentials on the same network: NaN for one
    realisation, 0 in the limit.
    """

    trees: tuple[Tree, ...] = eqx.field(static=True)
    values: Float[Array | np.ndarray, "trees functions"]
    standard_errors: Float[Array | np.ndarray, "trees functions"]
    realisations: int = eqx.field(static=True, default=1)

    def of(self, tree: Tree) -> Float[Array | np.ndarray, " functions"]:
        """The values of one tree, however its vertices are numbered."""
        names = [each.name for each in self.trees]
        if tree.name not in names:
            raise ValueError(f"tree must be one of {', '.join(names)}, got {tree.name}")
        return self.values[names.index(tree.name)]


def tree_observables(
    connectome: Connectome,
    values: Float[np.ndarray, "..."],
    trees: Sequence[Tree] | None = None,
) -> TreeObservables:
    r"""tau_N(T) of a network for the same test functions phi at every vertex.

    With `values` phi(V_i) of each neuron i,

        tau_N(T) = 1/N sum over i_1 .. i_|T| of prod_{(j, k) in T} w_{i_j i_k} prod_l phi(V_{i_l}),

    i_1 at the root, edges from receiver to sender. The sum takes no N^|T| terms but one product
    with the weights for each edge, u_l = phi prod_{children c} (w u_c), and a branch that
    several trees share is evaluated once: the 17 trees of up to five vertices (the default)
    need 8 products. Sums include repeated indices (see `repeated_index_bias` and
    `repeated_index_bound` for what these make).

    `values` has shape (neurons,), (neurons, functions) or (realisations, neurons, functions).
    Source: Jabin and Zhou, "The mean-field limit of sparse networks of integrate-and-fire
    neurons", arXiv:2309.04046. Raises `ValueError` for another shape, no trees or values that are
    not finite.
    """
    trees = all_trees() if trees is None else _required(trees)
    cube = _cube(values, connectome.n_neurons)
    realisations, n, functions = cube.shape
    columns = np.ascontiguousarray(np.moveaxis(cube, 1, 0).reshape(n, realisations * functions))
    found = np.empty((len(trees), columns.shape[1]))
    for first in range(0, columns.shape[1], COLUMNS_AT_ONCE):
        chosen = slice(first, first + COLUMNS_AT_ONCE)
        sums = _root_values(trees, columns[:, chosen], _host_products(connectome))
        for row, at_root in enumerate(sums):
            found[row, chosen] = at_root.mean(axis=0)
    by_realisation = found.reshape(len(trees), realisations, functions)
    return TreeObservables(
        trees, by_realisation.mean(axis=1), _standard_errors(by_realisation), realisations
    )


def tree_observables_limit(
    kernel: AbstractKernel,
    type_averages: Float[Array | np.ndarray, "types ..."],
    trees: Sequence[Tree] | None = None,
) -> TreeObservables:
    """tau_infinity(T) of a kernel w(xi, zeta) and laws f(v, xi), by the same recursion.

    `type_averages` holds the integral of phi(v) f(v, xi_k) dv for each type k, of shape (types,)
    or (types, functions). Differentiable and compiled by JAX. Raises `ValueError` when there is
    not one row for each type, or there are no trees.
    """
    trees = all_trees() if trees is None else _required(trees)
    averages = jnp.asarray(type_averages)
    if averages.shape[0] != kernel.n_types or averages.ndim > 2:
        raise ValueError(
            f"type_averages must have shape ({kernel.n_types},) or ({kernel.n_types}, functions), "
            f"got {averages.shape}"
        )
    found = _limit(kernel, averages.reshape(kernel.n_types, -1), trees)
    return TreeObservables(trees, found, jnp.zeros_like(found))


def vertex_observable(
    network: Connectome | AbstractKernel,
    vertex_values: Float[Array | np.ndarray, "vertices neurons *columns"],
    tree: Tree,
) -> Float[Array | np.ndarray, "*columns"]:
    """tau(T) with a test function of its own at every vertex.

    `vertex_values[l]` holds phi_l(V_i) of each neuron, or its average for each type of a kernel.
    Columns, if any, are evaluated together. Raises `ValueError` for another shape.
    """
    n = network.n_types if isinstance(network, AbstractKernel) else network.n_neurons
    if vertex_values.ndim not in (2, 3) or vertex_values.shape[:2] != (tree.size, n):
        raise ValueError(
            f"vertex_values must have shape ({tree.size}, {n}) or ({tree.size}, {n}, columns), "
            f"got {vertex_values.shape}"
        )
    columns = vertex_values if vertex_values.ndim == 3 else vertex_values[:, :, None]
    products: Products
    measure: Any
    if isinstance(network, AbstractKernel):
        products, measure = _kernel_products(network), network.measure
        columns = jnp.asarray(columns)
    else:
        products, measure = _host_products(network), np.full(n, 1.0 / n)
        columns = np.asarray(columns, float)
    arriving: dict[int, Any] = {}
    for vertex in reversed(range(tree.size)):
        at_vertex = columns[vertex]
        for child in tree.children[vertex]:
            at_vertex = at_vertex * arriving.pop(child)
        if vertex:
            (arriving[vertex],) = products([at_vertex])
    return (measure @ at_vertex).reshape(vertex_values.shape[2:])


def _root_values(trees: Sequence[Tree], values: Any, products: Products) -> list[Any]:
    """u at the root of every tree, each distinct branch multiplied by the weights once.

    Branches of one height are multiplied together, so that the weights are read once a height.
    """
    child_names: dict[str, tuple[str, ...]] = {}
    heights: dict[str, int] = {}
    for tree in trees:
        for vertex in reversed(range(tree.size)):
            name = tree.branches[vertex]
            inner = tuple(tree.branches[child] for child in tree.children[vertex])
            child_names[name] = inner
            heights[name] = 1 + max((heights[child] for child in inner), default=-1)
    needed = {child for inner in child_names.values() for child in inner}
    arriving: dict[str, Any] = {}

    def value(name: str) -> Any:
        result = values
        for child in child_names[name]:
            result = result * arriving[child]
        return result

    for height in range(max(heights.values())):
        level = sorted(name for name in needed if heights[name] == height)
        arriving.update(zip(level, products([value(name) for name in level]), strict=True))
    return [value(tree.name) for tree in trees]


def _host_products(connectome: Connectome) -> Products:
    def products(blocks: list[np.ndarray]) -> list[np.ndarray]:
        if not blocks:
            return []
        together = received(connectome, np.concatenate(blocks, axis=1))
        return np.split(together, len(blocks), axis=1)

    return products


def _kernel_products(kernel: AbstractKernel) -> Products:
    apply = jax.vmap(kernel.apply, in_axes=1, out_axes=1)

    def products(blocks: list[Array]) -> list[Array]:
        if not blocks:
            return []
        return jnp.split(apply(jnp.concatenate(blocks, axis=1)), len(blocks), axis=1)

    return products


@eqx.filter_jit
def _limit(
    kernel: AbstractKernel, averages: Float[Array, "types functions"], trees: tuple[Tree, ...]
) -> Float[Array, "trees functions"]:
    sums = _root_values(trees, averages, _kernel_products(kernel))
    return jnp.stack([kernel.measure @ at_root for at_root in sums])


def _required(trees: Sequence[Tree]) -> tuple[Tree, ...]:
    if not trees:
        raise ValueError("trees must hold at least one tree")
    return tuple(trees)


def _cube(
    values: np.ndarray, n_neurons: int
) -> Float[np.ndarray, "realisations neurons functions"]:
    given = np.asarray(values, float)
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim == 2:
        given = given[None]
    if given.ndim != 3 or given.shape[1] != n_neurons or not given.size:
        raise ValueError(
            f"values must have shape ({n_neurons},), ({n_neurons}, functions) or (realisations, "
            f"{n_neurons}, functions), got {np.shape(values)}"
        )
    if not np.all(np.isfinite(given)):
        raise ValueError("values holds numbers that are not finite")
    return given


def _standard_errors(by_realisation: np.ndarray) -> np.ndarray:
    realisations = by_realisation.shape[1]
    if realisations == 1:
        return np.full(by_realisation[:, 0].shape, np.nan)
    return by_realisation.std(axis=1, ddof=1) / np.sqrt(realisations)


__all__ = ["TreeObservables", "tree_observables", "tree_observables_limit", "vertex_observable"]
