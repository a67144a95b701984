import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from rate_networks import (
    LinearTransfer,
    LogisticTransfer,
    dense,
    random_matrix,
    sparse,
    uniform_ring,
)

from neuropil.analysis import stability
from neuropil.circuits import stack_networks
from neuropil.meanfield import Newton, fixed_point_stability, self_consistent_rates


def test_labels_follow_from_the_eigenvalues_of_a_ring():
    # A directed ring of 4 with weight -1: eigenvalues of A are g c times the roots of z^4 = 1.
    network = dense(-uniform_ring(4, 1), LinearTransfer(slope=1.0), 0.0)
    found = fixed_point_stability(network, jnp.zeros((3, 4)), jnp.array([0.5, 1.5, 0.9]))
    np.testing.assert_allclose(found.spectral_radius, [0.5, 1.5, 0.9], rtol=1e-12)
    np.testing.assert_allclose(found.largest_real_part, [0.5, 1.5, 0.9], rtol=1e-12)
    np.testing.assert_array_equal(found.stable_for_iteration, [True, False, True])
    np.testing.assert_array_equal(found.stable_for_dynamics, [True, False, True])


def test_self_inhibition_is_unstable_for_the_iteration_only():
    network = dense(-np.eye(2), LinearTransfer(slope=1.0), 0.0, 3.0)
    found = fixed_point_stability(network, jnp.zeros(2))
    assert float(found.spectral_radius) == pytest.approx(3.0)
    assert float(found.largest_real_part) == pytest.approx(-3.0)
    assert not found.stable_for_iteration
    assert found.stable_for_dynamics


def test_stability_for_the_dynamics_is_that_of_the_system():
    networks = [
        dense(random_matrix(9, seed=s, inhibition=5.0), LogisticTransfer(), 15.0, 30.0)
        for s in range(3)
    ]
    stacked = stack_networks(networks)
    found = self_consistent_rates(stacked, Newton())
    labels = fixed_point_stability(stacked, found.input)
    for i, network in enumerate(networks):
        same = stability(network, found.input[i])
        assert bool(same.stable) == bool(labels.stable_for_dynamics[i])
        rightmost = float(np.max(same.eigenvalues.real)) * float(network.time_constant) + 1
        assert rightmost == pytest.approx(float(labels.largest_real_part[i]), rel=1e-10)


def test_the_label_tells_whether_the_iteration_returns():
    transfer = LogisticTransfer()
    matrix = random_matrix(9, seed=1, inhibition=5.0)
    for strength in (10.0, 80.0):
        network = dense(matrix, transfer, 15.0, strength)
        state = self_consistent_rates(network, Newton(tolerance=1e-13)).input
        label = bool(fixed_point_stability(network, state).stable_for_iteration)
        moved = state + 1e-6
        for _ in range(300):
            moved = network.next_input(moved)
        returned = float(jnp.max(jnp.abs(moved - state))) < 1e-8
        assert label == returned


def test_sparse_weights_give_the_same_labels():
    matrix = random_matrix(30, seed=2, inhibition=5.0)
    states = jnp.asarray(np.random.default_rng(0).uniform(10, 20, (2, 30)))
    strengths = jnp.array([5.0, 50.0])
    by_all = fixed_point_stability(dense(matrix, LogisticTransfer(), 15.0), states, strengths)
    by_few = fixed_point_stability(sparse(matrix, LogisticTransfer(), 15.0), states, strengths)
    np.testing.assert_allclose(by_few.spectral_radius, by_all.spectral_radius, rtol=1e-10)
    np.testing.assert_allclose(by_few.largest_real_part, by_all.largest_real_part, rtol=1e-10)


@pytest.mark.slow
def test_large_sparse_networks_use_their_outermost_eigenvalues():
    matrix = scipy.sparse.random_array(
        (700, 700), density=0.02, rng=np.random.default_rng(1)
    ).toarray() - 0.3 * np.eye(700)
    network = sparse(matrix, LinearTransfer(slope=0.1), 1.0, 2.0)
    found = fixed_point_stability(network, jnp.ones(700))
    eigenvalues = np.linalg.eigvals(0.2 * matrix)
    assert float(found.spectral_radius) == pytest.approx(np.abs(eigenvalues).max(), rel=1e-8)
    assert float(found.largest_real_part) == pytest.approx(eigenvalues.real.max(), rel=1e-8)


def test_stacked_sparse_networks_are_refused():
    one = sparse(np.eye(3), LinearTransfer(), 1.0)
    with pytest.raises(ValueError, match="stacked networks must have dense weights"):
        fixed_point_stability(stack_networks([one, one]), jnp.ones((2, 3)))
