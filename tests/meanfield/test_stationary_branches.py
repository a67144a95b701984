import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_one_networks import (
    discrimination,
    existing,
    go_no_go,
    leading_eigenvalues,
    network_at_rest,
    overlap_of,
    stack,
)

from neuropil.circuits import RankOneStatistics, sample_low_rank_network
from neuropil.meanfield import (
    BranchReachedFrom,
    HighestBranch,
    LowestBranch,
    MeanFieldIteration,
    iterate_mean_field,
    stationary_branches,
    stationary_solution,
)
from neuropil.result import NotSolved, Outcome

NAMES = ("mean_m", "mean_n", "deviation_m", "deviation_n", "strength")
LOWEST, HIGHEST = jnp.array([0, 0, 0.1, 0.1, 0]), jnp.array([5.0, 3, 3, 3, 3])


def statistics_of(z, covariance=0.0):
    return RankOneStatistics(
        **dict(zip(NAMES, z, strict=True)), covariance_n_input=covariance, deviation_input=1.0
    )


BATCHED = jax.jit(
    jax.vmap(lambda z, c: stationary_branches(statistics_of(z, c), throw=False), (0, None))
)


def random_parameters(number, seed=0):
    at = jax.random.uniform(jax.random.key(seed), (number, 5))
    return LOWEST[None] + (HIGHEST - LOWEST)[None] * at


# What a damped iteration with 200 Gauss-Hermite nodes gives, hence four or five digits.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("covariance", "stable"),
    [
        (0.0, [-0.92744, 0.92744]),
        (0.1, [-0.91537, 0.93764]),
        (0.5, [-0.82803, 0.96803]),
        (1.0, [0.99855]),
        (2.0, [1.05688]),
    ],
)
def test_branches_of_the_go_no_go_network(covariance, stable):
    found = stationary_branches(go_no_go(covariance))
    attracts = np.asarray(found.attracts)
    np.testing.assert_array_equal(attracts, found.is_stable)
    np.testing.assert_allclose(np.asarray(found.overlap)[attracts], stable, atol=6e-6)
    assert int(found.number) == 2 * len(stable) - 1


def test_the_silent_branch_of_the_go_no_go_network_is_unstable():
    found = stationary_branches(go_no_go())
    assert int(found.number) == 3
    np.testing.assert_allclose(found.overlap[1], 0.0, atol=1e-12)
    np.testing.assert_allclose(found.variance[1], 1.281312, atol=2e-6)
    np.testing.assert_allclose(found.gain[1], 0.560449, atol=4e-6)
    # Without overlap the outlier is M_m M_n <phi'>.
    np.testing.assert_allclose(found.outlier[1], 3.5 * found.gain[1], rtol=1e-12)
    assert not bool(found.is_stable[1])


@pytest.mark.parametrize("product", [1.7838, 1.7848])
def test_the_silent_branch_loses_stability_where_two_others_appear(product):
    found = stationary_branches(go_no_go(mean_m=product))
    is_bistable = product > 1.7843
    assert int(found.number) == (3 if is_bistable else 1)
    assert bool(found.is_stable[1 if is_bistable else 0]) != is_bistable


def test_the_discrimination_network_of_mastrogiuseppe_and_ostojic():
    go, no_go = (stationary_branches(discrimination(stimulus)) for stimulus in (1, 0))
    np.testing.assert_allclose(go.overlap[0], 1.05074, atol=2e-5)
    np.testing.assert_allclose(go.variance[0], 8.42358, atol=2e-4)
    # The readout <m phi> is Sigma_m^2 kappa <phi'>.
    np.testing.assert_allclose(4 * go.overlap[0] * go.gain[0], 1.10405, atol=5e-5)
    np.testing.assert_allclose(no_go.overlap[0], 0.0, atol=1e-12)
    assert int(go.number) == int(no_go.number) == 1


@pytest.mark.slow
def test_every_random_network_is_solved_and_attracting_branches_alternate():
    for covariance in (0.0, 1.0):
        found = BATCHED(random_parameters(100), jnp.asarray(covariance))
        assert np.all(np.asarray(found.outcome) == Outcome.SUCCESSFUL)
        assert float(jnp.nanmax(found.residual)) < 1e-14
        for exists, attracts, number in zip(
            np.asarray(found.exists), np.asarray(found.attracts), found.number, strict=True
        ):
            assert exists.sum() == number
            assert number % 2 == 1
            np.testing.assert_array_equal(attracts[exists], np.arange(number) % 2 == 0)


@pytest.mark.slow
def test_branches_are_all_zeros_of_the_equation_on_a_fine_grid():
    """Signs on 2,001 points, with the variance iterated to convergence by another rule."""
    nodes = np.linspace(-9, 9, 721)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    parameters = random_parameters(100, seed=3)
    found = BATCHED(parameters, jnp.asarray(0.4))
    for z, branches in zip(np.asarray(parameters[:12]), np.asarray(found.overlap), strict=False):
        m, n, sm, sn, g = z
        # An odd number of points, none of which is a root.
        kappa = np.linspace(-(n + 0.4), n + 0.4, 2_001) + 1e-7
        fixed = (sm * kappa) ** 2 + (0.4 / sn) ** 2 + 1
        variance = fixed + 0.5 * g**2
        for _ in range(200):
            x = m * kappa[:, None] + np.sqrt(variance)[:, None] * nodes
            square = np.tanh(x) ** 2 @ weights
            if np.abs(fixed + g**2 * square - variance).max() < 1e-10:
                break
            variance = fixed + g**2 * square
        excess = n * (np.tanh(x) @ weights) + 0.4 * (1 - square) - kappa
        place = np.flatnonzero(np.diff(np.sign(excess)))
        expected = kappa[place] - excess[place] * np.diff(kappa)[0] / np.diff(excess)[place]
        np.testing.assert_allclose(branches[np.isfinite(branches)], expected, atol=1e-4)


@pytest.mark.slow
def test_derivatives_equal_differences_and_are_finite_in_batches():
    def highest(z):
        found = stationary_solution(statistics_of(z, 0.1), HighestBranch(), throw=False)
        return jnp.stack([found.overlap, found.outlier, found.bulk_radius, found.slope])

    parameters = random_parameters(60, seed=1).at[0].set(jnp.array([3.2, 1.1, 0.9, 1.2, 0.7]))
    derivatives = jax.jit(jax.vmap(jax.jacrev(highest)))(parameters)
    assert np.all(np.isfinite(derivatives))
    differences = jnp.stack(
        [
            (highest(parameters[0] + step) - highest(parameters[0] - step)) / 2e-5
            for step in 1e-5 * jnp.eye(5)
        ],
        axis=1,
    )
    np.testing.assert_allclose(derivatives[0], differences, atol=1e-8)


def test_the_start_decides_between_two_branches():
    found = stationary_branches(go_no_go(0.5))
    repelling = float(found.overlap[1])
    for start, expected in (
        (repelling - 1e-6, found.overlap[0]),
        (repelling + 1e-6, found.overlap[2]),
        (-9.0, found.overlap[0]),
        (9.0, found.overlap[2]),
    ):
        reached = stationary_solution(go_no_go(0.5), BranchReachedFrom(start))
        assert float(reached.overlap) == float(expected)
        assert bool(reached.attracts)
    with pytest.raises(ValueError, match="start must be finite"):
        BranchReachedFrom(np.nan)


@pytest.mark.parametrize("start", [-0.7, 0.2])
@pytest.mark.slow
def test_a_finite_network_goes_where_the_choice_says(start):
    statistics = go_no_go(0.5)
    expected = stationary_solution(statistics, BranchReachedFrom(start)).overlap
    network, state = network_at_rest(statistics, 500, seed=1, start=start)
    np.testing.assert_allclose(overlap_of(network, state), expected, atol=0.15)


def test_the_published_iteration_agrees_and_stays_on_the_unstable_branch():
    """Ten steps do not converge, and a silent start stays silent in every network."""
    highest = stationary_solution(go_no_go(0.5), HighestBranch())
    iterated = iterate_mean_field(go_no_go(0.5), MeanFieldIteration(), (1.0, 1.0, 1.0))
    np.testing.assert_allclose(iterated.overlap, highest.overlap, atol=1e-9)
    np.testing.assert_allclose(iterated.variance, highest.variance, atol=1e-8)
    silent = iterate_mean_field(go_no_go(), MeanFieldIteration(), (0.0, 0.0, 1.0))
    assert float(silent.overlap) == 0.0
    ten = MeanFieldIteration(relaxation=0.8, tolerance=0.0, maximum_steps=10)
    unfinished = iterate_mean_field(go_no_go(0.5), ten, (1.0, 1.0, 0.0), throw=False)
    assert int(unfinished.iterations) == 10
    assert 1e-9 < float(unfinished.residual) < 0.1
    with pytest.raises(NotSolved, match="mean-field iteration"):
        iterate_mean_field(go_no_go(0.5), MeanFieldIteration(maximum_steps=3), (1.0, 1.0, 0.0))


def test_without_random_part_the_variance_is_the_structured_one():
    found = stationary_branches(RankOneStatistics(2.0, 1.5, strength=0.0, deviation_m=0.0))
    np.testing.assert_allclose(existing(found, "variance"), 0.0, atol=1e-15)
    # kappa = M_n tanh(M_m kappa)
    highest = existing(found, "overlap")[-1]
    np.testing.assert_allclose(highest, 1.5 * np.tanh(2.0 * highest), rtol=1e-13)
    np.testing.assert_allclose(existing(found, "bulk_radius"), 0.0, atol=1e-100)


@pytest.mark.slow
def test_networks_without_structure_are_silent_or_chaotic():
    """The variance of the network of Sompolinsky, Crisanti and Sommers at rest."""
    weak, strong = (
        stationary_branches(RankOneStatistics(strength=g, deviation_m=0.0, deviation_n=0.0))
        for g in (0.9, 1.5)
    )
    assert int(weak.number) == int(strong.number) == 1
    np.testing.assert_allclose(weak.variance[0], 0.0, atol=1e-14)
    np.testing.assert_allclose(weak.bulk_radius[0], 0.9, rtol=1e-12)
    assert float(strong.bulk_radius[0]) > 1
    assert float(strong.growth_rate[0]) > 0


@given(mean=st.floats(-6.0, 6.0), fixed=st.floats(0.01, 9.0), g=st.floats(0.0, 4.0))
def test_one_variance_goes_with_each_overlap(mean, fixed, g):
    """Delta - g^2 <tanh^2> - S changes its sign once."""
    nodes = np.linspace(-9, 9, 361)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    variance = np.linspace(fixed, fixed + g**2 + 1e-9, 400)
    square = np.tanh(mean + np.sqrt(variance)[:, None] * nodes) ** 2 @ weights
    sign = np.sign(variance - g**2 * square - fixed)
    assert np.count_nonzero(np.diff(sign[np.abs(sign) > 0])) <= 1


def test_results_have_names():
    found = stationary_branches(go_no_go(0.5))
    data = found.to_xarray()
    assert data["overlap"].dims == ("branch",)
    assert data["growth_rate"].attrs["units"] == "1/tau"
    chosen = stationary_solution(go_no_go(0.5), LowestBranch()).to_xarray()
    assert float(chosen["overlap"]) == float(found.overlap[0])
    batch = BATCHED(random_parameters(100), jnp.asarray(0.0))
    with pytest.raises(ValueError, match="must be that of one network"):
        batch.to_xarray()


def test_nothing_can_be_raised_inside_compiled_code():
    with pytest.raises(ValueError, match="throw must be False"):
        jax.vmap(stationary_branches)(stack([go_no_go(0.1), go_no_go(0.2)]))


@pytest.mark.slow
def test_a_parameter_that_is_not_a_number_is_told():
    found = BATCHED(jnp.full((100, 5), jnp.nan), jnp.asarray(0.0))
    assert np.all(np.asarray(found.outcome) == Outcome.NOT_FINITE)


@pytest.mark.slow
def test_errors_of_finite_networks_fall_with_their_size():
    """Root-mean-square error of kappa over networks, as one over the root of N."""
    statistics = go_no_go(0.5)
    expected = float(stationary_solution(statistics, HighestBranch()).overlap)
    sizes, errors = (100, 400, 1600), []
    for n_neurons in sizes:
        found = [
            overlap_of(*network_at_rest(statistics, n_neurons, seed=seed, start=1.0))
            for seed in range(12)
        ]
        errors.append(float(np.sqrt(np.mean((np.array(found) - expected) ** 2))))
    scaled = np.array(errors) * np.sqrt(sizes)
    assert errors[0] > 1.5 * errors[2]
    assert scaled.max() < 3 * scaled.min()
    assert errors[2] < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("covariance", [0.5, 2.0])
def test_outliers_are_those_of_finite_networks(covariance):
    """The lowest branch near its fold; and an outlier that x has through chi."""
    statistics = go_no_go(covariance, mean_m=2.6 if covariance == 0.5 else 3.5)
    lowest = stationary_solution(statistics, LowestBranch())
    found = []
    for seed in range(4):
        network, state = network_at_rest(
            statistics, 700, seed=seed, start=float(lowest.overlap), duration=80.0
        )
        found.append(leading_eigenvalues(network, state)[0].real)
    outermost = max(float(lowest.outlier), float(lowest.bulk_radius))
    np.testing.assert_allclose(np.mean(found), outermost, atol=0.06)


def test_an_outlier_without_random_part_is_that_of_a_large_network():
    """J diag(phi') has the one eigenvalue n^T diag(phi') m / N then."""
    statistics = RankOneStatistics(2.0, 1.0, 0.6, 0.8, covariance_n_input=0.5, deviation_input=1.0)
    found = stationary_solution(statistics, HighestBranch())
    network = sample_low_rank_network(statistics, 400_000, key=jax.random.key(2))
    m, n, drive = (
        np.asarray(v) for v in (network.m[:, 0], network.n[:, 0], network.external_input)
    )
    overlap = float(found.overlap)
    for _ in range(60):
        overlap = np.mean(n * np.tanh(m * overlap + drive))
    gain = 1 - np.tanh(m * overlap + drive) ** 2
    np.testing.assert_allclose(overlap, found.overlap, atol=0.01)
    np.testing.assert_allclose(np.mean(n * gain * m), found.outlier, atol=0.01)
