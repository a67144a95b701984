"""Tiny networks with all signs and loops, and their tree observables by the sum itself."""

import itertools

import numpy as np
import scipy.sparse

from neuropil.connectivity import connectome_from_scipy


def random_network(rng, neurons, *, density=0.5, loops=True):
    matrix = rng.normal(size=(neurons, neurons)) * (rng.random((neurons, neurons)) < density)
    if not loops:
        np.fill_diagonal(matrix, 0.0)
    return connectome_from_scipy(scipy.sparse.csr_array(matrix))


def sum_over_indices(matrix, vertex_values, tree, *, distinct=False):
    """N^|T| terms, one by one."""
    total = 0.0
    for indices in itertools.product(range(len(matrix)), repeat=tree.size):
        if distinct and len(set(indices)) < tree.size:
            continue
        term = 1.0
        for vertex, index in enumerate(indices):
            term *= vertex_values[vertex][index]
        for parent, child in tree.edges:
            term *= matrix[indices[parent], indices[child]]
        total += term
    return total / len(matrix)
