import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_networks import (
    LinearTransfer,
    LogisticTransfer,
    defect,
    dense,
    random_matrix,
    sparse,
    uniform_ring,
    uniform_root,
)

from neuropil.circuits import stack_networks
from neuropil.meanfield import (
    Newton,
    Picard,
    contraction_certificate,
    network_at,
    self_consistent_rates,
)
from neuropil.result import NotSolved, Outcome

METHODS = {"picard": Picard(), "relaxed picard": Picard(relaxation=0.6), "newton": Newton()}
KINDS = {"dense": dense, "sparse": sparse}


@pytest.fixture(params=METHODS, ids=str)
def method(request):
    return METHODS[request.param]


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return KINDS[request.param]


def test_linear_rates_solve_the_linear_system(method, kind):
    matrix = random_matrix(12, seed=0, inhibition=2.0)
    strengths = np.array([30.0, 5.0, 60.0])
    drive = np.linspace(5.0, 15.0, 12)
    found = self_consistent_rates(
        kind(matrix, LinearTransfer(), drive), method, strengths=strengths
    )
    for g, input, rate in zip(strengths, found.input, found.rate, strict=True):
        inverse = np.linalg.inv(np.eye(12) - g * 0.01 * matrix)
        exact = inverse @ drive
        # What a residual within the tolerance allows.
        allowed = np.abs(inverse).sum(axis=1).max() * 1e-10 * np.max(np.abs(exact))
        np.testing.assert_allclose(input, exact, rtol=0, atol=1.01 * allowed)
        np.testing.assert_allclose(rate, 0.01 * input, rtol=1e-14)
    np.testing.assert_array_equal(found.strength, strengths)


def test_rows_are_postsynaptic(method, kind):
    onto_first = np.array([[0.0, 1.0], [0.0, 0.0]])
    found = self_consistent_rates(kind(onto_first, LinearTransfer(), 10.0, 20.0), method)
    np.testing.assert_allclose(found.input, [12.0, 10.0], atol=1e-9)


def test_a_uniform_network_reduces_to_one_equation(method):
    transfer = LogisticTransfer()
    network = dense(uniform_ring(7, 3), transfer, 12.0)
    strengths = [2.0, 4.0, 6.0]
    found = self_consistent_rates(network, method, strengths=strengths)
    roots = [uniform_root(transfer, 12.0, g, 12.0, 12.0 + g) for g in strengths]
    np.testing.assert_allclose(found.input, np.tile(np.array(roots)[:, None], 7), rtol=2e-9)


@given(
    seed=st.integers(0, 1000),
    strength=st.floats(-60.0, 60.0),
    drive=st.floats(0.0, 30.0),
    inhibition=st.floats(0.0, 6.0),
    newton=st.booleans(),
)
def test_success_is_never_claimed_falsely(seed, strength, drive, inhibition, newton):
    matrix, transfer = random_matrix(8, seed=seed, inhibition=inhibition), LogisticTransfer()
    chosen = Newton() if newton else Picard(maximum_steps=60)
    found = self_consistent_rates(dense(matrix, transfer, drive, strength), chosen, throw=False)
    left = defect(matrix, transfer, drive, strength, found.input)
    allowed = 1e-10 * max(1.0, float(np.max(np.abs(found.input))))
    np.testing.assert_allclose(left, found.residual, atol=1e-12)
    assert (int(found.outcome) == Outcome.SUCCESSFUL) == (left <= allowed * (1 + 1e-3))


def inhibitory_pair(strength):
    """Two neurons that inhibit each other so strongly that the iteration goes back and forth."""
    return dense(np.array([[0.0, -1.0], [-1.0, 0.0]]), LogisticTransfer(), 20.0, strength)


def test_newton_finds_what_the_iteration_cannot():
    network = inhibitory_pair(40.0)
    with pytest.raises(NotSolved, match="cycled around it"):
        self_consistent_rates(network)
    lost = self_consistent_rates(network, throw=False)
    assert int(lost.outcome) == Outcome.DIVERGED
    assert lost.uniqueness == "none found"
    assert float(lost.residual) > 1.0
    found = self_consistent_rates(network, Newton())
    root = uniform_root(LogisticTransfer(), 20.0, -40.0, -20.0, 20.0)
    np.testing.assert_allclose(found.input, [root, root], rtol=1e-10)


def test_relaxation_reaches_what_is_unstable_for_the_iteration_only():
    # One neuron that inhibits itself: the derivative of the iteration lies below -1.
    network = dense(np.array([[-1.0]]), LogisticTransfer(), 25.0, 40.0)
    assert int(self_consistent_rates(network, throw=False).outcome) == Outcome.DIVERGED
    found = self_consistent_rates(network, Picard(relaxation=0.3))
    root = uniform_root(LogisticTransfer(), 25.0, -40.0, 0.0, 25.0)
    np.testing.assert_allclose(found.input, [root], rtol=1e-9)


def test_too_few_steps_are_said_to_be_too_few():
    network = dense(np.array([[1.0]]), LinearTransfer(), 1.0, 90.0)
    short = self_consistent_rates(network, Picard(maximum_steps=50), throw=False)
    assert int(short.outcome) == Outcome.MAXIMUM_STEPS_REACHED
    assert int(short.iterations) == 50
    with pytest.raises(NotSolved, match="maximum number of steps"):
        self_consistent_rates(network, Picard(maximum_steps=50))
    assert int(self_consistent_rates(network).iterations) > 50


def test_runaway_rates_are_not_a_solution():
    network = dense(np.array([[1.0]]), LinearTransfer(), 1.0, 300.0)
    grown = self_consistent_rates(network, Picard(maximum_steps=20), throw=False)
    assert int(grown.outcome) == Outcome.DIVERGED
    overflown = self_consistent_rates(network, Picard(maximum_steps=5000), throw=False)
    assert int(overflown.outcome) == Outcome.NOT_FINITE
    # The linear system itself still has its (unphysical) solution.
    assert float(self_consistent_rates(network, Newton()).input[0]) == pytest.approx(-0.5)


@pytest.mark.slow
def test_rates_of_many_networks_that_run_away_are_not_a_solution():
    networks = stack_networks(
        [dense(random_matrix(100, seed=s), LinearTransfer(), 1.0) for s in range(4)]
    )
    method = Picard(maximum_steps=5000)
    found = self_consistent_rates(networks, method, strengths=[1.0, 300.0, 900.0], throw=False)
    np.testing.assert_array_equal(found.outcome, [[0, Outcome.NOT_FINITE, Outcome.NOT_FINITE]] * 4)


@pytest.mark.slow
def test_everything_at_once_equals_one_by_one():
    matrices = [random_matrix(10, seed=s, inhibition=3.0) for s in range(3)]
    networks = [
        dense(m, LogisticTransfer(middle=14.0 + i), 10.0 + i) for i, m in enumerate(matrices)
    ]
    starts = jax.random.uniform(jax.random.key(1), (3, 2, 10), maxval=30.0)
    strengths = np.concatenate([np.linspace(20.0, 1.0, 17), [8.0]])
    together = self_consistent_rates(
        stack_networks(networks), Picard(), starts, strengths=strengths
    )
    assert together.dimensions == ("network", "start", "strength")
    assert together.input.shape == (3, 2, 18, 10)
    for i, j, k in np.ndindex(3, 2, 18):
        alone = self_consistent_rates(
            eqx.tree_at(lambda n: n.strength, networks[i], jnp.asarray(strengths[k])),
            Picard(),
            starts[i, j],
        )
        np.testing.assert_allclose(together.input[i, j, k], alone.input, rtol=1e-12)
        assert together.iterations[i, j, k] == alone.iterations


@pytest.mark.slow
def test_stacked_networks_keep_their_own_start_and_strength():
    networks = [
        dense(random_matrix(5, seed=s), LinearTransfer(), 3.0 + s, 10.0 + s) for s in (0, 1)
    ]
    both = self_consistent_rates(stack_networks(networks), Newton())
    assert both.dimensions == ("network",)
    np.testing.assert_array_equal(both.strength, [10.0, 11.0])
    for row, network in zip(both.input, networks, strict=True):
        np.testing.assert_allclose(row, self_consistent_rates(network, Newton()).input)
    again = network_at(stack_networks(networks), 1)
    assert eqx.tree_equal(again, networks[1])


@pytest.mark.slow
def test_a_bistable_network_has_several():
    transfer = LogisticTransfer()
    network = dense(uniform_ring(6, 2), transfer, 8.0, 30.0)
    starts = np.array([np.full(6, level) for level in (8.0, 9.0, 40.0, 15.0)])
    found = self_consistent_rates(
        network, Newton(), starts, certificate=contraction_certificate(network)
    )
    levels = [uniform_root(transfer, 8.0, 30.0, *b) for b in ((7, 10), (10, 18), (18, 30))]
    labels = found.distinct()
    assert labels[0] == labels[1] == 0
    assert labels[2] == 1
    np.testing.assert_allclose(found.input[:3, 0], [levels[0], levels[0], levels[2]], rtol=1e-9)
    assert found.number_found() == labels.max() + 1
    assert found.uniqueness == f"several found ({labels.max() + 1})"
    middle = self_consistent_rates(network, Newton(), np.full(6, levels[1] + 0.01))
    np.testing.assert_allclose(middle.input, levels[1], rtol=1e-9)


def test_uniqueness_is_said_for_each_network_and_strength():
    networks = stack_networks(
        [dense(random_matrix(6, seed=s), LogisticTransfer(), 8.0) for s in (0, 1)]
    )
    certificates = contraction_certificate(networks)
    limits = [one.largest_strength for one in certificates]
    starts = np.stack([np.full(6, 0.0), np.full(6, 50.0)])
    strengths = [0.5 * min(limits), 1.5 * max(limits)]
    found = self_consistent_rates(
        networks, Newton(), starts, strengths=strengths, certificate=certificates
    )
    words = found.uniqueness
    assert words.shape == found.number_found().shape == (2, 2)
    assert all("unique, proven by the" in sentence for sentence in words[:, 0])
    assert not any("proven by" in sentence for sentence in words[:, 1])


def test_the_labelled_result_names_its_axes_and_units():
    networks = stack_networks(
        [dense(random_matrix(4, seed=s), LinearTransfer(), 8.0) for s in (0, 1)]
    )
    strengths = [1.0, 2.0, 3.0]
    data = self_consistent_rates(networks, strengths=strengths).to_xarray()
    assert dict(data.sizes) == {"network": 2, "strength": 3, "neuron": 4}
    assert data["rate"].dims == ("network", "strength", "neuron")
    assert data["rate"].units == "spikes/ms"
    assert data["input"].units == data["residual"].units == "mV"
    assert data["strength"].units == "mV ms"
    np.testing.assert_array_equal(data["strength"], strengths)
    single = self_consistent_rates(network_at(networks, 0)).to_xarray()
    assert single["input"].dims == ("neuron",)
    assert float(single["strength"]) == 1.0
    stacked = self_consistent_rates(networks).to_xarray()
    assert stacked["strength"].dims == ("network",)


def test_transformations_need_throw_false():
    network = dense(random_matrix(4, seed=0), LinearTransfer(), 8.0)
    with pytest.raises(ValueError, match=r"throw must be False inside jax\.jit"):
        jax.jit(lambda e: self_consistent_rates(network, start=e).input)(jnp.ones(4))
    inside = jax.jit(lambda e: self_consistent_rates(network, start=e, throw=False).input)
    outside = self_consistent_rates(network)
    np.testing.assert_allclose(inside(jnp.ones(4)), outside.input, rtol=1e-9)


@pytest.mark.slow
def test_a_user_may_map_over_networks_too():
    networks = [dense(random_matrix(4, seed=s), LinearTransfer(), 8.0, 20.0) for s in (0, 1)]
    stacked = stack_networks(networks)
    mapped = eqx.filter_vmap(lambda n: self_consistent_rates(n, Newton(), throw=False).input)
    np.testing.assert_allclose(mapped(stacked), self_consistent_rates(stacked, Newton()).input)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": np.zeros(3)}, r"start must be one state of 4 neurons .* got shape \(3,\)"),
        ({"start": np.zeros((2, 2, 4))}, r"start must be one state of 4 neurons"),
        ({"start": np.full(4, np.nan)}, "start must be finite"),
        ({"strengths": []}, r"strengths must be one row of values, got shape \(0,\)"),
        (
            {"strengths": np.array([[1.0]])},
            r"strengths must be one row of values, got shape \(1, 1\)",
        ),
        ({"strengths": [np.inf]}, "strengths must be finite"),
        ({"separation": 0.0}, "separation must be positive, got 0.0"),
        ({"certificate": []}, "certificate holds 0 for 1 networks"),
    ],
)
def test_bad_arguments_name_themselves(change, message):
    network = dense(random_matrix(4, seed=0), LinearTransfer(), 8.0)
    with pytest.raises(ValueError, match=message):
        self_consistent_rates(network, **change)


def test_starts_of_stacked_networks_are_counted():
    networks = stack_networks(
        [dense(random_matrix(4, seed=s), LinearTransfer(), 8.0) for s in (0, 1)]
    )
    with pytest.raises(ValueError, match="start has rows for 3 networks, but 2 are stacked"):
        self_consistent_rates(networks, start=np.zeros((3, 1, 4)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Picard(tolerance=0.0), "tolerance must be positive, got 0.0"),
        (lambda: Picard(maximum_steps=0), "maximum_steps must be positive, got 0"),
        (lambda: Picard(relaxation=1.5), "relaxation must be above 0 and at most 1, got 1.5"),
        (lambda: Newton(tolerance=-1.0), "tolerance must be positive, got -1.0"),
        (lambda: Newton(attempts=0), "attempts must be positive, got 0"),
    ],
)
def test_methods_check_their_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
