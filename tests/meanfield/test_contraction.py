import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_networks import LinearTransfer, LogisticTransfer, dense, random_matrix, sparse

from neuropil.circuits import stack_networks
from neuropil.connectivity import connectome_from_scipy
from neuropil.meanfield import Newton, Picard, contraction_certificate, self_consistent_rates
from neuropil.meanfield.contraction import sparse_matrix
from neuropil.meanfield.multiplicity import distinct_states, statement


def test_the_bounds_are_norms_of_the_steepest_derivative():
    matrix, slope = random_matrix(9, seed=3, inhibition=2.0), np.linspace(0.5, 1.5, 9)
    network = dense(matrix, LinearTransfer(), 1.0)
    bounds = contraction_certificate(network, maximum_slope=slope).bounds
    steepest = np.abs(matrix) * slope
    assert bounds.one == pytest.approx(np.linalg.norm(steepest, 1), rel=1e-12)
    assert bounds.infinity == pytest.approx(np.linalg.norm(steepest, np.inf), rel=1e-12)
    assert bounds.two == pytest.approx(np.linalg.norm(steepest, 2), rel=1e-5)
    assert bounds.weighted == pytest.approx(np.abs(np.linalg.eigvals(steepest)).max(), rel=1e-5)
    assert bounds.one >= np.linalg.norm(steepest, 1)
    assert bounds.two >= np.linalg.norm(steepest, 2) * (1 - 1e-15)


def test_the_slope_comes_from_the_transfer_function_and_sparse_weights_do_as_well():
    matrix = random_matrix(9, seed=4, inhibition=2.0)
    transfer = LogisticTransfer(top=0.8, width=0.5)
    one = contraction_certificate(dense(matrix, transfer, 1.0))
    other = contraction_certificate(sparse(matrix, transfer, 1.0))
    np.testing.assert_array_equal(one.maximum_slope, np.full(9, 0.4))
    assert one.bounds.weighted == other.bounds.weighted
    np.testing.assert_array_equal(
        sparse_matrix(sparse(matrix, transfer, 1.0).weights).toarray(), matrix
    )
    given_connectome = contraction_certificate(
        dense(matrix, transfer, 1.0),
        connectome=connectome_from_scipy(sparse_matrix(dense(matrix, transfer, 1.0).weights)),
    )
    assert given_connectome.bounds.one == one.bounds.one


@given(seed=st.integers(0, 1000), inhibition=st.floats(0.0, 6.0), share=st.floats(0.05, 0.999))
def test_a_proof_is_kept_by_every_start(seed, inhibition, share):
    matrix = random_matrix(8, seed=seed, inhibition=inhibition)
    network = dense(matrix, LogisticTransfer(), 13.0)
    certificate = contraction_certificate(network)
    strength = share * certificate.largest_strength
    assert certificate.proof(strength) is not None
    assert certificate.proof(-strength) is not None
    starts = np.random.default_rng(seed).uniform(-100, 100, (6, 8))
    found = self_consistent_rates(
        network,
        Picard(maximum_steps=100_000),
        starts,
        strengths=[strength],
        certificate=certificate,
        separation=1e-4,
    )
    assert found.number_found()[0] == 1
    assert found.uniqueness[0].startswith("unique, proven by the ")


def test_the_largest_strength_is_where_proofs_end():
    certificate = contraction_certificate(
        dense(random_matrix(9, seed=5, inhibition=4.0), LogisticTransfer(), 1.0)
    )
    limit = certificate.largest_strength
    assert limit == pytest.approx(1 / certificate.bounds.best)
    assert certificate.proof(limit) is not None
    assert certificate.proof(limit * (1 + 1e-9)) is None


def test_the_plainest_norm_that_proves_is_named():
    # Columns sum to 0.5 and 1, rows to 1 and 0.5; the geometric mean is the spectral radius.
    certificate = contraction_certificate(
        dense(np.array([[0.0, 1.0], [0.5, 0.0]]), LinearTransfer(slope=1.0), 1.0)
    )
    assert certificate.proof(0.9).name == "1-norm"
    assert certificate.proof(0.9).bound == pytest.approx(0.9)
    assert certificate.proof(1.2).name == "weighted infinity-norm"
    assert certificate.proof(1.2).bound == pytest.approx(1.2 / np.sqrt(2), rel=1e-5)
    assert certificate.proof(1.5) is None
    assert statement(1, certificate, 0.9) == "unique, proven by the 1-norm (0.9 < 1)"
    assert statement(0, certificate, 0.9).startswith("none found, though one exists, proven by")
    assert statement(1, certificate, 1.5) == "one found, uniqueness not proven"
    assert statement(1, None, 0.9) == "one found, uniqueness not proven"
    assert statement(3, certificate, 1.5) == "several found (3)"
    assert statement(0, None, 1.5) == "none found"


def test_a_network_without_connections_is_always_unique():
    certificate = contraction_certificate(dense(np.zeros((3, 3)), LogisticTransfer(), 1.0))
    assert certificate.largest_strength == np.inf
    assert certificate.proof(1e300).bound < 1


def test_fixed_points_beyond_the_certificate_can_be_several():
    matrix = random_matrix(8, seed=1)
    network = dense(matrix, LogisticTransfer(), 8.0)
    certificate = contraction_certificate(network)
    found = self_consistent_rates(
        network,
        Newton(),
        np.stack([np.full(8, 8.0), np.full(8, 40.0)]),
        strengths=[2 * certificate.largest_strength],
        certificate=certificate,
    )
    assert found.uniqueness[0] == "several found (2)"


def test_states_are_told_apart_by_their_separation():
    states = np.array([[1.0, 200.0], [1.0, 200.0 + 1e-5], [1.0, 200.1], [5.0, 5.0], [1.0, 200.0]])
    found = np.array([True, True, True, False, True])
    np.testing.assert_array_equal(distinct_states(states, found, separation=1e-6), [0, 0, 1, -1, 0])
    np.testing.assert_array_equal(distinct_states(states, found, separation=1e-9), [0, 1, 2, -1, 0])
    np.testing.assert_array_equal(distinct_states(states, found, separation=1e-2), [0, 0, 0, -1, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maximum_slope": -1.0}, "maximum_slope must be finite and not negative, got -1.0"),
        ({"maximum_slope": np.inf}, "maximum_slope must be finite"),
        ({"maximum_slope": np.ones(3)}, r"one for each of the 4 neurons, got shape \(3,\)"),
        (
            {
                "connectome": connectome_from_scipy(
                    sparse_matrix(dense(np.eye(3), abs, 1.0).weights)
                )
            },
            "connectome has 3 neurons, the network 4",
        ),
    ],
)
def test_bad_arguments_name_themselves(change, message):
    network = dense(random_matrix(4, seed=0), LogisticTransfer(), 1.0)
    with pytest.raises(ValueError, match=message):
        contraction_certificate(network, **change)


def test_a_transfer_function_without_a_bound_needs_one():
    network = dense(random_matrix(4, seed=0), jnp.tanh, 1.0)
    with pytest.raises(ValueError, match=r"maximum_slope must be given: .*maximum_derivative"):
        contraction_certificate(network)
    assert contraction_certificate(network, maximum_slope=1.0).bounds.one > 0


def test_stacked_networks_have_a_certificate_each():
    networks = [dense(random_matrix(4, seed=s), LogisticTransfer(), 1.0) for s in (0, 1)]
    each = contraction_certificate(stack_networks(networks))
    assert [c.bounds.two for c in each] == [contraction_certificate(n).bounds.two for n in networks]
    with pytest.raises(ValueError, match="connectome must not be given for stacked networks"):
        contraction_certificate(
            stack_networks(networks),
            connectome=connectome_from_scipy(sparse_matrix(networks[0].weights)),
        )
