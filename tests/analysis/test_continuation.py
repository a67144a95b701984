import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.analysis import PseudoArclength, continuation, continuation_batch
from neuropil.analysis.eigenvalue_signs import signs_by_table, signs_of
from neuropil.analysis.elimination import solve_with_sign
from neuropil.circuits import (
    Activation,
    LeakyIntegrateAndFire,
    RateNetwork,
    tripartite_motif_figure_9,
)
from neuropil.connectivity import DenseWeights
from neuropil.meanfield import Newton, SiegertTransfer, self_consistent_rates
from neuropil.system import AbstractSystem, layer

METHOD = PseudoArclength(maximum_points=60)
HOPF_ONLY = PseudoArclength(maximum_points=60, maximum_folds=0, maximum_branch_points=0)
FOLDS_ONLY = PseudoArclength(maximum_points=150, maximum_hopf_points=0, maximum_branch_points=0)
MANY_POINTS = PseudoArclength(maximum_points=150)
LONG = PseudoArclength(maximum_hopf_points=0, maximum_branch_points=0)
TABLE, SIGNS = jax.jit(signs_by_table), jax.jit(signs_of)
SOLVE, SOLVE_BATCH = jax.jit(solve_with_sign), jax.jit(jax.vmap(solve_with_sign))


def cubic(state, parameter):
    return parameter + state - state**3 / 3


def uniform_network(strength):
    matrix = jnp.ones((5, 5)) - jnp.eye(5)
    transfer = SiegertTransfer(LeakyIntegrateAndFire(noise=3.0))
    return RateNetwork(DenseWeights(matrix), transfer, 13.0, strength)


def test_folds_of_a_cubic_are_found_to_rounding():
    branch = continuation(cubic, MANY_POINTS, jnp.array([-2.5]), begin=-2.0, until=2.0)
    assert int(branch.n_folds) == 2
    np.testing.assert_allclose(branch.fold_parameter[:2], [2 / 3, -2 / 3], rtol=1e-12)
    np.testing.assert_allclose(branch.fold_state[:2, 0], [-1.0, 1.0], atol=1e-9)
    assert bool(branch.reached_end)
    points = int(branch.n_points)
    state, parameter = branch.state[:points, 0], branch.parameter[:points]
    np.testing.assert_allclose(cubic(state, parameter), 0, atol=1e-9)
    assert parameter[-1] == 2.0
    inner = np.abs(np.asarray(state)) < 0.999
    outer = np.abs(np.asarray(state)) > 1.001
    stable = np.asarray(branch.stable)[:points]
    # The vector field grows with the state inside: unstable there, and stable outside.
    assert not stable[inner].any()
    assert stable[outer].all()
    assert int(branch.n_branch_points) == 0


@pytest.mark.slow
def test_a_bistable_network_is_followed_through_the_folds_of_its_reduction():
    branch = continuation(
        uniform_network(0.0),
        LONG,
        jnp.full(5, 13.0),
        parameter="strength",
        until=400.0,
    )
    assert bool(branch.reached_end)
    transfer = SiegertTransfer(LeakyIntegrateAndFire(noise=3.0))
    # All neurons alike: g(E) = (E - E0) / (4 r(E)) along the branch, with folds where it turns.
    for strength, state in zip(branch.fold_parameter[:2], branch.fold_state[:2], strict=True):
        level = state[:1]
        np.testing.assert_allclose(state, level[0], rtol=1e-8)
        of_level = lambda e: (e - 13.0) / (4 * transfer(e))  # noqa: E731
        value, slope = jax.jvp(of_level, (level,), (jnp.ones(1),))
        np.testing.assert_allclose(value[0], strength, rtol=1e-9)
        assert abs(slope[0]) < 1e-6 * value[0]


@pytest.mark.slow
def test_a_branch_ends_where_newton_ends():
    branch = continuation(
        uniform_network(1.0), LONG, jnp.full(5, 13.0), parameter="strength", until=30.0
    )
    last = branch.state[int(branch.n_points) - 1]
    found = self_consistent_rates(uniform_network(30.0), Newton(), last)
    np.testing.assert_allclose(last, found.input, rtol=1e-7)


@pytest.mark.slow
def test_many_branches_at_once_equal_one_at_a_time():
    def follow(scale):
        return continuation(
            lambda s, p: cubic(s, scale * p),
            FOLDS_ONLY,
            jnp.array([-2.5]),
            begin=-2.0 / scale,
            until=2.0 / scale,
            throw=False,
        )

    scales = jnp.array([0.5, 1.0, 3.0])
    together = eqx.filter_vmap(follow)(scales)
    np.testing.assert_allclose(
        together.fold_parameter[:, 0], 2 / 3 / np.asarray(scales), rtol=1e-11
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameter": "strenght"}, "parameter 'strenght' is not a field of RateNetwork"),
        ({"until": 1.0}, "until must be finite and differ"),
        ({"until": float("nan")}, "until must be finite and differ"),
        ({"start": jnp.zeros(3)}, "start must have shape"),
        ({"start": jnp.full(5, jnp.nan)}, "start holds values that are not finite"),
    ],
)
def test_bad_arguments_name_themselves(changes, message):
    arguments = {"start": jnp.full(5, 13.0), "parameter": "strength", "until": 30.0} | changes
    with pytest.raises(ValueError, match=message):
        continuation(uniform_network(1.0), PseudoArclength(), **arguments)


def test_steps_out_of_order_are_refused():
    with pytest.raises(ValueError, match="smallest_step <= first_step <= largest_step"):
        PseudoArclength(first_step=1.0)


def test_a_size_of_buffers_below_zero_is_refused():
    with pytest.raises(ValueError, match="maximum_folds must not be negative, got -1"):
        PseudoArclength(maximum_folds=-1)


def layer_of_figure_9(output):
    """The layer system over the astrocyte's output psi(z)."""
    motif = tripartite_motif_figure_9()
    motif = eqx.tree_at(
        lambda m: m.astrocyte_activation, motif, Activation(lambda z: z, lower=-1.0, upper=1.0)
    )
    return layer(motif, output)


FOLD_OF_FIGURE_9 = 0.78180512756016250389
FOLD_STATE = (1.527308192587218581375, -1.945162916807643213018)
ABOVE_THE_FOLD = jnp.array([3.09817021, -0.94755916, -0.39612965, 3.32688275])


def test_the_layer_system_turns_at_the_fold_of_figure_9():
    branch = continuation(
        layer_of_figure_9(1.0), FOLDS_ONLY, ABOVE_THE_FOLD, parameter="slow_state", until=-1.0
    )
    assert int(branch.n_folds) == 1
    assert abs(float(branch.fold_parameter[0]) - FOLD_OF_FIGURE_9) < 1e-15
    np.testing.assert_allclose(branch.fold_state[0, :2], FOLD_STATE, rtol=1e-8)
    # It comes back to where it began, on the other side of the fold.
    assert not bool(branch.reached_end)
    last = int(branch.n_points) - 1
    assert branch.parameter[last] == 1.0
    assert int(branch.n_unstable[0]) == 1
    assert int(branch.n_unstable[last]) == 0
    dataset = branch.to_xarray()
    assert dataset.sizes == {
        "point": last + 1,
        "component": 4,
        "fold": 1,
        "hopf": 0,
        "branch_point": 0,
    }


@pytest.mark.slow
def test_a_batch_of_systems_has_the_folds_of_each():
    outputs = jnp.array([1.0, 0.9, 0.95])
    layers = eqx.filter_vmap(layer_of_figure_9)(outputs)
    branches = continuation_batch(
        layers, FOLDS_ONLY, ABOVE_THE_FOLD[None], parameter="slow_state", until=-1.0
    )
    np.testing.assert_array_equal(branches.parameter[:, 0], outputs)
    np.testing.assert_array_equal(branches.n_folds, 1)
    np.testing.assert_allclose(branches.fold_parameter[:, 0], FOLD_OF_FIGURE_9, rtol=1e-14)
    # Each comes back to where it began, on the other side of the fold.
    last = np.asarray(branches.n_points) - 1
    np.testing.assert_array_equal(branches.parameter[np.arange(3), last], outputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": ABOVE_THE_FOLD}, r"start must have shape \(2, 4\) or \(1, 4\), got \(4,\)"),
        ({"start": jnp.zeros((3, 4))}, r"start must have shape \(2, 4\) or \(1, 4\)"),
        ({"until": jnp.zeros(3)}, r"until must be a number or have shape \(2,\), got \(3,\)"),
        ({"until": jnp.array([-1.0, 0.9])}, "until must be finite and differ .* got 0.9 and 0.9"),
        ({"parameter": "slow"}, "parameter 'slow' is not a field of LayerSystem"),
    ],
)
def test_bad_arguments_of_a_batch_name_themselves(changes, message):
    layers = eqx.filter_vmap(layer_of_figure_9)(jnp.array([1.0, 0.9]))
    arguments = {"start": ABOVE_THE_FOLD[None], "parameter": "slow_state", "until": -1.0} | changes
    with pytest.raises(ValueError, match=message):
        continuation_batch(layers, FOLDS_ONLY, **arguments)


def test_new_parameters_compile_nothing():
    traced = []

    class Counted(AbstractSystem):
        gain: jax.Array
        drive: jax.Array

        @property
        def state_names(self):
            return ("x",)

        @property
        def state_unit(self):
            return ""

        def vector_field(self, time, state):
            traced.append(None)
            return self.drive + self.gain * state - state**3 / 3

    places = []
    for gain in (1.0, 1.1, 0.9):
        system = Counted(jnp.asarray(gain), jnp.asarray(-2.0))
        branch = continuation(system, FOLDS_ONLY, jnp.array([-2.5]), parameter="drive", until=2.0)
        places.append(float(branch.fold_parameter[0]))
        if gain == 1.0:
            after_first = len(traced)
    assert len(traced) == after_first
    # x^2 = gain at the fold, where drive = 2/3 gain^(3/2).
    np.testing.assert_allclose(places, 2 / 3 * np.array([1.0, 1.1, 0.9]) ** 1.5, rtol=1e-12)


def rotating(state, parameter):
    """Hopf normal form around a state that moves: frequency 2, at parameter 0.3."""
    x, y = state[0] - parameter, state[1]
    growth = parameter - 0.3 - x**2 - y**2
    return jnp.stack([growth * x - 2.0 * y, 2.0 * x + growth * y])


def test_a_hopf_point_is_found_to_rounding():
    branch = continuation(rotating, METHOD, jnp.array([-1.0, 0.0]), begin=-1.0, until=1.2)
    assert int(branch.n_hopf_points) == 1
    np.testing.assert_allclose(branch.hopf_parameter[0], 0.3, rtol=1e-14)
    np.testing.assert_allclose(branch.hopf_state[0], [0.3, 0.0], atol=1e-14)
    np.testing.assert_allclose(branch.hopf_angular_frequency[0], 2.0, rtol=1e-14)
    assert float(branch.hopf_residual[0]) < 1e-14
    filled = slice(0, int(branch.n_points))
    expected = np.where(np.asarray(branch.parameter)[filled] > 0.3, 2, 0)
    np.testing.assert_array_equal(branch.n_unstable[filled], expected)
    assert branch.hopf_point().parameter == branch.hopf_parameter[0]
    with pytest.raises(IndexError, match="at least 0 and below 1"):
        branch.hopf_point(1)


def test_a_neutral_saddle_is_no_hopf_point():
    def saddle(state, parameter):
        return jnp.stack([(1 + parameter) * state[0] + state[0] * state[1], -state[1]])

    branch = continuation(saddle, HOPF_ONLY, jnp.zeros(2), begin=-0.5, until=0.7)
    # The eigenvalues 1 + p and -1 are opposite at p = 0, which the branch passes.
    assert branch.parameter[0] < 0 < branch.parameter[int(branch.n_points) - 1]
    assert int(branch.n_hopf_points) == 0


@pytest.mark.slow
def test_a_hopf_point_among_many_components():
    # Five damped components beside the pair: eigenvalues are computed, not counted from a table.
    def field(state, parameter):
        damped = -jnp.arange(1.0, 6.0) * state[2:] + state[0] ** 2
        return jnp.concatenate([rotating(state[:2], parameter), damped])

    start = jnp.concatenate([jnp.array([-1.0, 0.0]), 1 / jnp.arange(1.0, 6.0)])
    method = PseudoArclength(
        maximum_points=60, maximum_folds=0, maximum_branch_points=0, eigenvalues=True
    )
    branch = continuation(field, method, start, begin=-1.0, until=1.2)
    np.testing.assert_allclose(branch.hopf_parameter[0], 0.3, rtol=1e-12)
    count = np.sum(np.asarray(branch.eigenvalues).real > 0, axis=1)
    np.testing.assert_array_equal(count, branch.n_unstable)


def transcritical(state, parameter):
    return state * (parameter - 0.2 - state)


def pitchfork(state, parameter):
    return (parameter - 0.2) * state - state**3


@pytest.mark.parametrize(
    ("field", "start", "begin", "until"),
    [
        (transcritical, 0.0, -1.0, 1.1),
        (transcritical, -1.2, -1.0, 1.1),
        (pitchfork, 0.0, -1.0, 1.1),
        # The branch that turns at the pitchfork: no fold.
        (pitchfork, 1.0, 1.2, -1.0),
    ],
)
def test_branch_points_are_found_and_are_no_folds(field, start, begin, until):
    branch = continuation(field, METHOD, jnp.array([start]), begin=begin, until=until)
    assert int(branch.n_branch_points) == 1
    np.testing.assert_allclose(branch.branch_point_parameter[0], 0.2, atol=1e-9)
    np.testing.assert_allclose(branch.branch_point_state[0], 0.0, atol=1e-9)
    assert float(branch.branch_point_residual[0]) < 1e-12
    assert int(branch.n_folds) == 0


@pytest.mark.slow
def test_special_points_of_a_batch_are_those_of_its_members():
    def follow(shift):
        return continuation(
            lambda s, p: rotating(s, p - shift),
            HOPF_ONLY,
            jnp.stack([-1.0 - shift, jnp.zeros(())]),
            begin=-1.0,
            until=1.2,
            throw=False,
        )

    shifts = jnp.array([-0.2, 0.0, 2.0])
    together = eqx.filter_vmap(follow)(shifts)
    np.testing.assert_array_equal(together.n_hopf_points, [1, 1, 0])
    np.testing.assert_allclose(together.hopf_parameter[:2, 0], [0.1, 0.3], rtol=1e-12)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_table_counts_eigenvalues_and_shows_pairs(n, seed):
    jacobian = np.random.default_rng(seed).normal(size=(n, n))
    by_table = TABLE(jnp.asarray(jacobian))
    eigenvalues = np.linalg.eigvals(jacobian)
    assert int(by_table.n_unstable) == np.sum(eigenvalues.real > 0)
    sums = np.prod([a + b for a, b in itertools.combinations(eigenvalues, 2)]).real
    # Hurwitz determinants have the sign of (-1)^(n (n - 1) / 2) times the product of the sums.
    assert float(by_table.pair_sign) == np.sign(sums) * (-1) ** (n * (n - 1) // 2)
    assert float(SIGNS(jnp.asarray(eigenvalues, complex)).pair_sign) == np.sign(sums)


@given(st.sampled_from([1, 3, 6, 8]), st.integers(0, 2**32 - 1))
def test_elimination_solves_and_knows_the_sign_of_the_determinant(n, seed):
    generator = np.random.default_rng(seed)
    matrix, solution = generator.normal(size=(n, n)), generator.normal(size=(n, 2))
    # A zero on the diagonal has to be exchanged for.
    matrix[0, 0] = 0.0 if n > 1 else 1.0
    system = jnp.asarray(matrix), jnp.asarray(matrix @ solution)
    batch = SOLVE_BATCH(*(each[None] for each in system))
    for found, sign in (SOLVE(*system), [each[0] for each in batch]):
        np.testing.assert_allclose(found, solution, rtol=1e-9 * np.linalg.cond(matrix), atol=1e-9)
        assert float(sign) == np.linalg.slogdet(matrix)[0]
