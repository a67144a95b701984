"""Groups of neurons: by cell type, by degree, by the directions in which they are wired."""

from collections.abc import Sequence

import numpy as np
import scipy.cluster.vq
import scipy.sparse.linalg
from jaxtyping import Float, Integer

from neuropil.connectivity.connectome import Connectome
from neuropil.connectivity.feature_groups import bisected_groups

Partition = Sequence[str] | Sequence[int] | Integer[np.ndarray, " neurons"]
"""The group of each neuron, as a number or a name."""

LARGEST_DENSE_DECOMPOSITION = 500


def groups_of(
    partition: Partition, n_neurons: int
) -> tuple[tuple[str, ...], Integer[np.ndarray, " neurons"]]:
    """Names of the groups, sorted (numbers by value), and the number of each neuron's group.

    Raises `ValueError` unless there is one whole number or one name for each neuron.
    """
    given = np.asarray(partition)
    if given.shape != (n_neurons,):
        raise ValueError(
            f"partition must hold one group for each of {n_neurons} neurons, got shape "
            f"{given.shape}"
        )
    if given.dtype.kind not in "iuU":
        raise ValueError(f"partition must hold whole numbers or names, got type {given.dtype}")
    values, group = np.unique(given, return_inverse=True)
    return tuple(str(value) for value in values), group


def cell_type_groups(connectome: Connectome) -> Integer[np.ndarray, " neurons"]:
    """One group a cell type, in alphabetical order.

    Raises `ValueError` when the connectome has no cell types.
    """
    if connectome.cell_types is None:
        raise ValueError("connectome has no cell_types to group by")
    return groups_of(connectome.cell_types, connectome.n_neurons)[1]


def degree_groups(connectome: Connectome, classes: int) -> Integer[np.ndarray, " neurons"]:
    """Groups of about equal size by total incoming weight, from low to high.

    Neurons of equal strength stay together, so there may be fewer groups than `classes`. Raises
    `ValueError` unless `classes` is between 1 and the number of neurons.
    """
    _require_number("classes", classes, connectome.n_neurons)
    strengths = np.asarray(connectome.to_scipy().sum(axis=1)).ravel()
    inner = np.quantile(strengths, np.arange(1, classes) / classes)
    return groups_of(np.searchsorted(inner, strengths, side="right"), connectome.n_neurons)[1]


def spectral_groups(
    connectome: Connectome, clusters: int, *, rank: int | None = None
) -> Integer[np.ndarray, " neurons"]:
    """Groups of neurons that receive and send alike, by k-means in the leading singular space.

    A neuron's place is its row of U sqrt(s) beside its row of V sqrt(s), of the `rank` largest
    singular values (default: as many as `clusters`). Raises `ValueError` unless `clusters` and
    `rank` are between 1 and the number of neurons.
    """
    n = connectome.n_neurons
    _require_number("clusters", clusters, n)
    left, values, right = leading_singular_vectors(connectome, clusters if rank is None else rank)
    places = np.hstack([left * np.sqrt(values), right * np.sqrt(values)])
    start = bisected_groups(places, np.zeros(n, np.int64), clusters)
    means = [places[start == group].mean(axis=0) for group in range(start.max() + 1)]
    centres, _ = scipy.cluster.vq.kmeans(places, np.array(means))
    return groups_of(scipy.cluster.vq.vq(places, centres)[0], n)[1]


def leading_singular_vectors(
    connectome: Connectome, rank: int
) -> tuple[
    Float[np.ndarray, "neurons rank"], Float[np.ndarray, " rank"], Float[np.ndarray, "neurons rank"]
]:
    """U, s, V with weights = U diag(s) V^T to the best of this rank, largest values first.

    Raises `ValueError` unless `rank` is between 1 and the number of neurons.
    """
    n = connectome.n_neurons
    _require_number("rank", rank, n)
    if n <= LARGEST_DENSE_DECOMPOSITION or rank >= n - 1:
        left, values, right = np.linalg.svd(connectome.to_dense())
        return left[:, :rank], values[:rank], right[:rank].T
    # Any start does that is not orthogonal to the vectors sought.
    start = 1.5 + np.cos(np.arange(n) ** 2)
    left, values, right = scipy.sparse.linalg.svds(connectome.to_scipy(), k=rank, v0=start)
    order = np.argsort(-values)
    return left[:, order], values[order], right[order].T


def _require_number(name: str, number: int, largest: int) -> None:
    if not 1 <= number <= largest:
        raise ValueError(f"{name} must be between 1 and {largest}, got {number}")


__all__ = [
    "Partition",
    "cell_type_groups",
    "degree_groups",
    "groups_of",
    "leading_singular_vectors",
    "spectral_groups",
]
