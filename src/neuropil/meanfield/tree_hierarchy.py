"""The hierarchy that tree observables obey in time, term by term, and what it leaves out."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Float

from neuropil.circuits import IntegrateAndFire
from neuropil.connectivity import Connectome
from neuropil.meanfield.tree_observables import vertex_observable
from neuropil.meanfield.trees import Tree, with_leaf
from neuropil.types import RandomKey

TestFunction = Callable[[Float[Array, "..."]], Float[Array, "..."]]
"""A smooth function of the potential, acting element by element in JAX."""

SPIKERS_AT_ONCE = 64
DENSE_FROM_DENSITY = 0.05
Matrix: TypeAlias = np.ndarray | scipy.sparse.csr_array


class HierarchyTerms(eqx.Module):
    """d/dt of tau_N(T) against a product of test functions: each term for each realisation.

    Per ms, in the unit of the observable. `drift`, `diffusion`, `loss` (-nu phi), `reset`
    (nu phi(reset)) and `interaction` (alpha tau_N(T + n)) are those of the hierarchy, summed over
    the vertices n. The two remainders are all that it leaves out of the exact generator:
    `jump_remainder` (a spike moves potentials by finite jumps, several vertices at once) and
    `diffusion_remainder` (two vertices that are the same neuron share their noise).
    `sampling_error` is the standard error of `remainder` when spiking neurons were sampled.
    """

    tree: Tree = eqx.field(static=True)
    drift: Float[np.ndarray, " realisations"]
    diffusion: Float[np.ndarray, " realisations"]
    loss: Float[np.ndarray, " realisations"]
    reset: Float[np.ndarray, " realisations"]
    interaction: Float[np.ndarray, " realisations"]
    jump_remainder: Float[np.ndarray, " realisations"]
    diffusion_remainder: Float[np.ndarray, " realisations"]
    sampling_error: Float[np.ndarray, " realisations"]

    @property
    def approximate(self) -> Float[np.ndarray, " realisations"]:
        """The right-hand side of the hierarchy without its remainders."""
        return self.drift + self.diffusion + self.loss + self.reset + self.interaction

    @property
    def remainder(self) -> Float[np.ndarray, " realisations"]:
        """Both remainders."""
        return self.jump_remainder + self.diffusion_remainder

    @property
    def exact(self) -> Float[np.ndarray, " realisations"]:
        """The exact generator: the expected change of the observable per ms."""
        return self.approximate + self.remainder


def hierarchy_terms(
    tree: Tree,
    potentials: Float[np.ndarray, "..."],
    connectome: Connectome,
    neurons: IntegrateAndFire,
    functions: TestFunction | Sequence[TestFunction],
    *,
    spikers: int | None = None,
    key: RandomKey | None = None,
) -> HierarchyTerms:
    r"""The terms of d/dt tau_N(T) at given potentials, in weak form, for prod_l phi_l(v_l).

    For neurons with dV = b(V) dt + sigma dW, hazard nu, reset and jumps of `coupling` w[i, j]:

        sum over n of <tau_N(T), b phi_n' + sigma^2 phi_n'' / 2 - nu phi_n + nu phi_n(reset)>
                    + coupling <tau_N(T + n), phi_n' at n, nu at the new leaf>,

    and the remainders of the exact generator for these N neurons. Averaged over the law of the
    potentials, `exact` is the derivative of the observable in time. The reset comes last: a
    self-connection moves nothing.

    `potentials` has shape (neurons,) or (realisations, neurons), in mV; `functions` is one
    smooth function, or one for each vertex. The remainders take |T| products of the weights
    with one column for each neuron that may spike, N x edges in all: with `spikers`, only so
    many neurons, drawn with `key`, are evaluated, and `sampling_error` says how well they stand
    for all.

    Source: Jabin and Zhou, "The mean-field limit of sparse networks of integrate-and-fire
    neurons", arXiv:2309.04046. Raises `ValueError` for neurons with a threshold, refractory
    period, delay, synaptic time constant or Poisson input, which the hierarchy does not know,
    and for shapes that do not fit.
    """
    _require_hazard_model(neurons)
    n = connectome.n_neurons
    if potentials.ndim not in (1, 2) or potentials.shape[-1] != n:
        raise ValueError(
            f"potentials must have shape ({n},) or (realisations, {n}), got {potentials.shape}"
        )
    per_vertex = (functions,) * tree.size if callable(functions) else tuple(functions)
    if len(per_vertex) != tree.size:
        raise ValueError(
            f"functions must be one, or one for each of {tree.size} vertices; got {len(per_vertex)}"
        )
    if spikers is not None and not 2 <= spikers <= n:
        raise ValueError(f"spikers must be between 2 and {n}, got {spikers}")
    if spikers is not None and key is None:
        raise ValueError("key must be given with spikers")
    matrix = _matrix(connectome)
    outgoing = connectome.transposed()
    rows = []
    for number, row in enumerate(np.atleast_2d(potentials)):
        if key is None or spikers is None:
            chosen = np.arange(n)
        else:
            drawn = jax.random.choice(jax.random.fold_in(key, number), n, (spikers,), replace=False)
            chosen = np.sort(np.asarray(drawn))
        point = _Point(tree, np.asarray(row, float), neurons, per_vertex)
        rows.append((*_terms(connectome, point), *_remainders(matrix, outgoing, point, chosen)))
    return HierarchyTerms(tree, *np.array(rows).T)


class _Point:
    """All functions of the potential that the terms need, at one state of the network.

    `values`, `slopes` and `curvatures` hold one row for each different test function; `which`
    says the row of each vertex.
    """

    def __init__(
        self,
        tree: Tree,
        potentials: np.ndarray,
        neurons: IntegrateAndFire,
        functions: Sequence[TestFunction],
    ):
        self.tree, self.potentials = tree, potentials
        names = [id(function) for function in functions]
        different = sorted(set(names), key=names.index)
        self.which = [different.index(name) for name in names]
        self.functions = tuple(functions[names.index(name)] for name in different)
        self.variance = np.broadcast_to(np.asarray(neurons.noise) ** 2, potentials.shape)
        self.reset = np.broadcast_to(np.asarray(neurons.reset), potentials.shape)
        self.coupling = float(neurons.coupling)
        found = _at_potentials(neurons, self.functions, jnp.asarray(potentials))
        self.drift, self.rate, self.values, self.slopes, self.curvatures = map(np.asarray, found)
        self.at_reset = self.evaluated(self.reset)

    def evaluated(self, potentials: np.ndarray) -> np.ndarray:
        """Every test function at these potentials."""
        return np.asarray(_evaluated(self.functions, jnp.asarray(potentials)))

    def at_vertices(self, rows: np.ndarray) -> list[np.ndarray]:
        """For each vertex the row of its test function, shared and not copied."""
        return [rows[row] for row in self.which]


@eqx.filter_jit
def _evaluated(functions: Sequence[TestFunction], potentials: Array) -> Array:
    return jnp.stack([function(potentials) for function in functions])


@eqx.filter_jit
def _at_potentials(
    neurons: IntegrateAndFire, functions: Sequence[TestFunction], v: Array
) -> tuple[Array, ...]:
    """Drift, hazard, and every test function with its first two derivatives."""
    assert neurons.hazard is not None

    def values(x):
        return jnp.stack([function(x) for function in functions])

    def slopes(x):
        return jax.jvp(values, (x,), (jnp.ones_like(x),))[1]

    first, second = jax.jvp(slopes, (v,), (jnp.ones_like(v),))
    drift = neurons.vector_field(jnp.zeros(()), v)
    return drift, neurons.hazard(v), values(v), first, second


def _terms(connectome: Connectome, point: _Point) -> tuple[float, ...]:
    tree, size = point.tree, point.tree.size
    values = point.values[point.which]

    def summed_over_vertices(replacements: np.ndarray) -> float:
        columns = np.repeat(values[:, :, None], size, axis=2)
        columns[np.arange(size), :, np.arange(size)] = replacements[point.which]
        return float(np.sum(vertex_observable(connectome, columns, tree)))

    interaction = 0.0
    for vertex in range(size):
        grown_values = np.concatenate([values, point.rate[None]])
        grown_values[vertex] = point.slopes[point.which[vertex]]
        grown = with_leaf(tree, vertex)
        interaction += point.coupling * float(vertex_observable(connectome, grown_values, grown))
    return (
        summed_over_vertices(point.drift * point.slopes),
        summed_over_vertices(point.variance / 2 * point.curvatures),
        summed_over_vertices(-point.rate * point.values),
        summed_over_vertices(point.rate * point.at_reset),
        interaction,
    )


def _remainders(
    matrix: Matrix, outgoing: scipy.sparse.csr_array, point: _Point, chosen: np.ndarray
) -> tuple[float, float, float]:
    """Both remainders, summed over spiking neurons, and the standard error of their sum."""
    jumps, shared = np.empty(chosen.size), np.zeros(chosen.size)
    for first in range(0, chosen.size, SPIKERS_AT_ONCE):
        part = slice(first, first + SPIKERS_AT_ONCE)
        jumps[part] = _jump_remainders(matrix, outgoing, point, chosen[part])
        if np.any(point.variance):
            shared[part] = _shared_noise(matrix, point, chosen[part])
    n = point.potentials.size
    scale = n / chosen.size
    error = 0.0
    if chosen.size < n:
        spread = np.var(jumps + shared, ddof=1) * (1 - 1 / scale)
        error = n * float(np.sqrt(spread / chosen.size))
    return scale * float(jumps.sum()), scale * float(shared.sum()), error


def _jump_remainders(
    matrix: Matrix, outgoing: scipy.sparse.csr_array, point: _Point, spikers: np.ndarray
) -> np.ndarray:
    """For each spiker, its rate times what its spike changes beyond first order."""
    own = (spikers, np.arange(spikers.size))
    jump = point.coupling * outgoing[spikers].toarray().T
    after = point.potentials[:, None] + jump
    after[own] = point.reset[spikers]
    slopes = point.slopes[:, :, None] * jump
    slopes[:, *own] += point.at_reset[:, spikers] - point.values[:, spikers]
    values = point.at_vertices(point.values)
    before, first, _ = _root_jets(matrix, point.tree, values, point.at_vertices(slopes))
    moved = point.at_vertices(point.evaluated(after))
    changed, _, _ = _root_jets(matrix, point.tree, moved, None)
    return point.rate[spikers] * (changed - before - first)


def _shared_noise(matrix: Matrix, point: _Point, neurons: np.ndarray) -> np.ndarray:
    """For each neuron, sigma^2 / 2 times the mixed second derivatives in its potential."""
    slopes = np.zeros((len(point.functions), point.potentials.size, neurons.size))
    slopes[:, neurons, np.arange(neurons.size)] = point.slopes[:, neurons]
    values = point.at_vertices(point.values)
    _, _, mixed = _root_jets(matrix, point.tree, values, point.at_vertices(slopes))
    return point.variance[neurons] / 2 * mixed


def _root_jets(
    matrix: Matrix,
    tree: Tree,
    values: list[Float[np.ndarray, "..."]],
    slopes: list[Float[np.ndarray, "..."]] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean at the root of the recursion, its first derivative, and its mixed second derivative.

    Vertex values move as values + t slopes, one column for each direction; without slopes the
    values have columns and the derivatives are zero.
    """
    arriving: dict[int, tuple] = {}
    for vertex in reversed(range(tree.size)):
        value = values[vertex]
        if slopes is not None:
            value, first, second = value[:, None], slopes[vertex], np.zeros((1, 1))
        for child in tree.children[vertex]:
            inner = arriving.pop(child)
            if slopes is not None:
                second = second * inner[0] + 2 * first * inner[1] + value * inner[2]
                first = first * inner[0] + value * inner[1]
            value = value * inner[0]
        jet = (value,) if slopes is None else (value, first, second)
        if vertex:
            arriving[vertex] = tuple(matrix @ part if part.shape[0] > 1 else part for part in jet)
    means = [part.mean(axis=0) for part in jet]
    return (means[0], *(means[1:] or (np.zeros(()), np.zeros(()))))


def _matrix(connectome: Connectome) -> Matrix:
    """Dense where that is faster, else sparse."""
    n = connectome.n_neurons
    if n <= 2_000 and connectome.n_edges > DENSE_FROM_DENSITY * n * n:
        return connectome.to_dense()
    return connectome.to_scipy()


def _require_hazard_model(neurons: IntegrateAndFire) -> None:
    if neurons.hazard is None:
        raise ValueError("neurons must fire by a hazard, this population has none")
    if not np.all(np.isinf(neurons.threshold)):
        raise ValueError(f"threshold must be infinite, got {neurons.threshold} mV")
    for name in ("refractory_period", "delay", "synaptic_time_constant", "poisson_rate"):
        if np.any(np.asarray(getattr(neurons, name)) != 0):
            raise ValueError(
                f"{name} must be 0: the hierarchy does not know it, got {getattr(neurons, name)}"
            )


__all__ = ["HierarchyTerms", "TestFunction", "hierarchy_terms"]
