import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.sparse
import scipy.special

from neuropil.connectivity import StepKernel, connectome_from_scipy, erdos_renyi, sonet
from neuropil.connectivity.kernel_analytic import analytic_kernel, midpoints, ring_kernel
from neuropil.connectivity.kernel_curves import CurveKernel, curve_kernel
from neuropil.connectivity.kernel_estimates import (
    LowRankKernel,
    low_rank_kernel,
    step_kernel,
    weights_kernel,
)
from neuropil.connectivity.partitions import cell_type_groups, degree_groups, spectral_groups
from neuropil.connectivity.sonet_kernel import sonet_step_kernel

RNG = np.random.default_rng(11)


def random_network(neurons, **fields):
    matrix = RNG.normal(size=(neurons, neurons)) * (RNG.random((neurons, neurons)) < 0.4)
    return connectome_from_scipy(scipy.sparse.csr_array(matrix), **fields)


def kernels():
    measure = np.array([0.4, 0.1, 0.3, 0.2])
    places = RNG.random((3, 20))
    return {
        "step": StepKernel(RNG.normal(size=(4, 4)), measure),
        "low rank": LowRankKernel(RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2)), measure),
        "weights": weights_kernel(random_network(9)),
        "curves": CurveKernel(places, RNG.normal(size=3)),
    }


@pytest.mark.parametrize("name", ["step", "low rank", "weights", "curves"])
def test_transpose_is_the_adjoint_under_the_measure(name):
    kernel = kernels()[name]
    first, second = jnp.asarray(RNG.normal(size=(2, kernel.n_types)))
    left = jnp.sum(kernel.measure * first * eqx.filter_jit(kernel.apply)(second))
    right = jnp.sum(kernel.measure * second * eqx.filter_jit(kernel.apply_transpose)(first))
    assert np.isclose(left, right, rtol=1e-12)


def test_a_step_kernel_keeps_what_a_block_receives_on_average():
    network = random_network(30)
    group = RNG.integers(0, 4, 30)
    kernel = step_kernel(network, group)
    sent = RNG.normal(size=4)
    received = network.to_dense() @ sent[group]
    expected = [received[group == g].mean() for g in range(4)]
    assert np.allclose(kernel.apply(jnp.asarray(sent)), expected, rtol=1e-12)
    assert np.allclose(kernel.measure, np.bincount(group) / 30)


def test_the_finest_partition_is_the_network_itself():
    network = random_network(12)
    sent = jnp.asarray(RNG.normal(size=12))
    expected = network.to_dense() @ np.asarray(sent)
    finest = step_kernel(network, np.arange(12))
    for kernel in (finest, weights_kernel(network), low_rank_kernel(network, 12)):
        assert np.allclose(kernel.apply(sent), expected, rtol=1e-10)


def test_low_rank_error_is_that_of_the_singular_values_left_out():
    network = random_network(40)
    kernel = low_rank_kernel(network, 5)
    error = np.asarray(kernel.receiving @ kernel.sending.T) - 40 * network.to_dense()
    singular = np.linalg.svd(network.to_dense(), compute_uv=False)
    assert np.isclose(np.mean(error**2), np.sum(singular[5:] ** 2), rtol=1e-10)


def test_sparse_and_dense_decompositions_agree():
    graph = erdos_renyi(600, 0.05, key=jax.random.key(1), weight=0.1)
    kernel = low_rank_kernel(graph, 3)
    left, values, right = np.linalg.svd(graph.to_dense())
    expected = 600 * (left[:, :3] * values[:3]) @ right[:3]
    assert np.allclose(kernel.receiving @ kernel.sending.T, expected, atol=1e-8)


def planted_blocks():
    group = np.repeat([0, 1, 2], 30)
    strength = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.3], [0.6, 0.1, 0.2]])
    edges = RNG.random((90, 90)) < strength[np.ix_(group, group)]
    return group, connectome_from_scipy(scipy.sparse.csr_array(edges * 1.0))


def test_spectral_groups_find_planted_blocks():
    group, network = planted_blocks()
    found = spectral_groups(network, 3)
    assert len(set(zip(group.tolist(), found.tolist(), strict=True))) == 3
    assert np.array_equal(found, spectral_groups(network, 3))


def test_degree_groups_are_ordered_and_even():
    network = random_network(40)
    strength = network.to_dense().sum(axis=1)
    group = degree_groups(network, 4)
    assert np.bincount(group).tolist() == [10, 10, 10, 10]
    assert all(strength[group == g].max() < strength[group == g + 1].min() for g in range(3))


def test_cell_types_can_be_named_or_numbered():
    names = ("b", "a", "a", "c", "b")
    network = random_network(5, cell_types=names)
    assert cell_type_groups(network).tolist() == [1, 0, 0, 2, 1]
    by_name, by_number = (step_kernel(network, p) for p in (names, cell_type_groups(network)))
    assert np.array_equal(by_name.matrix, by_number.matrix)


def test_analytic_kernel_integrates_its_formula():
    kernel = analytic_kernel(lambda xi, zeta: np.exp(xi - 2 * zeta), 200)
    received = kernel.apply(jnp.asarray(midpoints(200)))
    integral, _ = scipy.integrate.quad(lambda z: np.exp(-2 * z) * z, 0, 1)
    assert np.allclose(received, np.exp(midpoints(200)) * integral, rtol=1e-4)
    constant = analytic_kernel(lambda xi, zeta: 3.0 + 0 * (xi + zeta), 7)
    assert np.allclose(constant.apply(jnp.ones(7)), 3.0)


def test_ring_kernel_turns_with_the_ring():
    kernel = ring_kernel(lambda distance: np.cos(2 * np.pi * distance), 32)
    wave = np.cos(2 * np.pi * midpoints(32))
    # A cosine is its own eigenfunction, with eigenvalue 1/2.
    assert np.allclose(kernel.apply(jnp.asarray(wave)), wave / 2, atol=1e-12)


@pytest.mark.parametrize("exponent", [-1.0, -1.5])
def test_kernels_with_unbounded_masses_are_refused(exponent):
    def singular(xi, zeta):
        return np.where(xi == zeta, 0.0, np.maximum(np.abs(xi - zeta), 1e-12) ** exponent)

    with pytest.raises(ValueError, match=r"largest total weight onto one type .* keeps growing"):
        analytic_kernel(singular, 256)


def test_integrable_and_narrow_kernels_are_taken():
    def integrable(xi, zeta):
        return np.where(xi == zeta, 0.0, np.maximum(np.abs(xi - zeta), 1e-12) ** -0.5)

    def narrow(xi, zeta):
        return np.exp(-(((xi - zeta) / 0.01) ** 2))

    largest = analytic_kernel(integrable, 256).apply(jnp.ones(256)).max()
    assert 2 < largest < 2 * np.sqrt(2)
    analytic_kernel(narrow, 64)


def test_curves_are_the_points_that_are_heard():
    shift = curve_kernel([lambda xi: xi + 0.25, lambda xi: xi], [2.0, -1.0], 16)
    values = jnp.asarray(RNG.normal(size=16))
    expected = 2 * np.roll(values, -4) - np.asarray(values)
    assert np.allclose(eqx.filter_jit(shift.apply)(values), expected, atol=1e-12)
    doubled = curve_kernel([lambda xi: 2 * xi], [1.0], 400)
    wave = np.cos(2 * np.pi * midpoints(400))
    found = eqx.filter_jit(doubled.apply)(jnp.asarray(wave))
    expected = np.cos(4 * np.pi * midpoints(400))
    # An eighth of the second derivative over types^2.
    assert np.allclose(found, expected, atol=(2 * np.pi / 400) ** 2 / 8 * 1.01)
    # Each point is heard at two places, by half as many neurons there: total weight 1.
    assert np.allclose(eqx.filter_jit(doubled.apply_transpose)(jnp.ones(400)), 1.0, atol=1e-12)


@pytest.mark.parametrize("curve", [lambda xi: 0 * xi, lambda xi: xi**2])
def test_curves_that_gather_on_a_point_are_refused(curve):
    with pytest.raises(ValueError, match=r"largest total weight from one type .* keeps growing"):
        curve_kernel([curve], [1.0], 64)


def test_sonet_kernel_is_the_limit_of_in_degrees():
    """Its rows, sorted, are the distribution of in-degrees of a large graph."""
    kernel = sonet_step_kernel(0.1, 0.4, 0.3, total_strength=5.0, nodes=40)
    expected = np.asarray(kernel.apply(jnp.ones(40)))
    graph = sonet(
        4000, 0.1, convergent=0.4, divergent=0.4, chain=0.3, key=jax.random.key(3)
    ).connectome
    strength = 5.0 * graph.in_degrees / 4000
    for power in (1, 2, 3):
        moment = float(np.asarray(kernel.measure) @ expected**power)
        assert np.isclose(np.mean(strength**power), moment, rtol=0.04 * power)
    assert np.isclose(np.asarray(kernel.measure) @ expected, 0.5, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: step_kernel(g, [0, 1]), "one group for each of 6 neurons"),
        (lambda g: low_rank_kernel(g, 0), "rank must be between 1 and 6, got 0"),
        (lambda g: spectral_groups(g, 7), "clusters must be between 1 and 6, got 7"),
        (lambda g: degree_groups(g, 0), "classes must be between 1 and 6, got 0"),
        (lambda g: cell_type_groups(g), "no cell_types"),
        (
            lambda g: LowRankKernel(np.ones((2, 1)), np.ones((3, 1)), np.ones(2) / 2),
            "receiving and sending must both have shape",
        ),
        (
            lambda g: LowRankKernel(np.ones((2, 1)), np.full((2, 1), np.inf), np.ones(2) / 2),
            "sending holds values that are not finite",
        ),
        (lambda g: analytic_kernel(lambda x, y: x + y, 0), "nodes must be at least 1"),
        (lambda g: analytic_kernel(lambda x, y: x + y, np.ones(2)), "measure must be given"),
        (
            lambda g: analytic_kernel(lambda x, y: np.where(x == y, np.inf, 1.0), 4),
            "function must be finite, got inf at receiver 0.125, sender 0.125",
        ),
        (lambda g: curve_kernel([], [1.0], 4), "one finite number for each of 0 curves"),
        (lambda g: curve_kernel([lambda x: x], [1.0], 0), "types must be at least 1"),
        (lambda g: curve_kernel([lambda x: x * np.nan], [1.0], 4), "finite everywhere"),
        (
            lambda g: sonet_step_kernel(0.1, 0.4, 0.3, total_strength=np.inf),
            "total_strength must be finite",
        ),
        (
            lambda g: sonet_step_kernel(0.1, 0.4, 0.3, total_strength=1.0, nodes=0),
            "nodes must be at least 1, got 0",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_network(6))
