import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import PseudoArclength, complete_diagram, continuation, fixed_points
from neuropil.circuits import Activation, tripartite_motif_figure_9
from neuropil.result import NotSolved
from neuropil.system import Box, layer

FOLD_OF_FIGURE_9 = 0.78180512756016250389
METHOD = PseudoArclength(maximum_points=80)


def layer_of_figure_9(output):
    """The layer system over the astrocyte's output psi(z), and a box with all its states."""
    identity = Activation(lambda z: z, lower=-1.0, upper=1.0)
    motif = eqx.tree_at(lambda m: m.astrocyte_activation, tripartite_motif_figure_9(), identity)
    whole = motif.invariant_box()
    box = Box(np.asarray(whole.lower)[:4] - 0.1, np.asarray(whole.upper)[:4] + 0.1)
    return layer(motif, output), box


@pytest.fixture(scope="module")
def diagram():
    system, box = layer_of_figure_9(-1.0)
    return complete_diagram(system, box, METHOD, parameter="slow_state", between=(-1.0, 1.0))


@pytest.mark.slow
def test_the_branch_from_below_never_meets_the_fold():
    system, box = layer_of_figure_9(-1.0)
    (start,) = fixed_points(system, box).state
    folds_only = PseudoArclength(maximum_points=80, maximum_hopf_points=0, maximum_branch_points=0)
    branch = continuation(system, folds_only, jnp.asarray(start), parameter="slow_state", until=1.0)
    assert bool(branch.reached_end)
    assert int(branch.n_folds) == 0


@pytest.mark.slow
def test_the_complete_diagram_has_the_fold_and_three_states_above_it(diagram):
    assert diagram.complete
    assert diagram.mismatches == ()
    (fold,) = diagram.fold_parameter
    assert abs(fold - FOLD_OF_FIGURE_9) < 1e-12
    assert diagram.fold_residual[0] < 1e-12
    (certified,) = diagram.certified_folds.parameter
    assert abs(certified - FOLD_OF_FIGURE_9) < 1e-12
    above = diagram.certified_at > fold
    assert 0 < above.sum() < above.size
    np.testing.assert_array_equal(diagram.certified_count, np.where(above, 3, 1))
    np.testing.assert_array_equal(diagram.branch_count, diagram.certified_count)


def test_the_complete_diagram_has_two_branches(diagram):
    through, isolated = sorted(diagram.branches, key=lambda branch: branch.parameter.min())
    assert {through.parameter[0], through.parameter[-1]} == {-1.0, 1.0}
    assert through.stable.all()
    assert (isolated.parameter[[0, -1]] == 1.0).all()
    assert isolated.parameter.min() < FOLD_OF_FIGURE_9 + 1e-2
    # A saddle on one side of the fold, stable on the other.
    assert {int(isolated.n_unstable[0]), int(isolated.n_unstable[-1])} == {0, 1}
    system, _ = layer_of_figure_9(0.0)
    for branch in (through, isolated):
        for value, state in zip(branch.parameter[::20], branch.state[::20], strict=True):
            at = eqx.tree_at(lambda s: s.slow_state, system, jnp.array([value]))
            field = at.vector_field(jnp.zeros(()), jnp.asarray(state))
            np.testing.assert_allclose(field, 0.0, atol=1e-8)


def test_a_diagram_is_labelled(diagram):
    dataset = diagram.to_xarray()
    assert dataset.sizes["fold"] == 1
    assert set(np.unique(dataset["branch"])) == {0, 1}
    assert dataset.attrs["complete"] == 1
    assert "2 branches with 1 fold" in dataset.attrs["sentence"]


def island(state, parameter):
    """An ellipse around (0.55, 0.3), smaller than the steps of a coarse grid."""
    along, across = parameter - 0.55, state - 0.3
    return along**2 + across**2 + 0.5 * along * across - 0.01


@pytest.mark.slow
def test_an_island_between_grid_values_is_found():
    box = Box(np.array([-1.0]), np.array([1.0]))
    found = complete_diagram(island, box, METHOD, between=(0.0, 2.0), n_grid=3)
    (branch,) = found.branches
    assert branch.closed
    # By state the ellipse is flat where across = -along / 4, so that 15 along^2 = 0.16.
    expected = 0.55 + np.array([-1.0, 1.0]) * 0.4 / np.sqrt(15)
    np.testing.assert_allclose(found.fold_parameter, expected, rtol=1e-12)
    np.testing.assert_allclose(island(branch.state[:, 0], branch.parameter), 0.0, atol=1e-9)
    assert np.ptp(branch.parameter) > 0.2


@pytest.mark.slow
def test_a_branch_that_leaves_the_box_is_an_error():
    def cubic(state, parameter):
        return parameter + state - state**3 / 3

    box = Box(np.array([-1.2]), np.array([3.0]))
    with pytest.raises(NotSolved, match=r"complete_diagram: .*mismatches"):
        complete_diagram(cubic, box, METHOD, between=(-2.0, 2.0))
    found = complete_diagram(cubic, box, METHOD, between=(-2.0, 2.0), throw=False)
    assert not found.complete
    assert any("may have left the box" in sentence for sentence in found.mismatches)


@pytest.mark.slow
def test_steps_that_jump_between_branches_are_an_error():
    # Two parallel lines, one of them crossed by steps far larger than their distance.
    def lines(state, parameter):
        level = jnp.sin(40.0 * parameter)
        return (state - level) * (state - level - 0.02) * (state - level + 0.02)

    box = Box(np.array([-2.0]), np.array([2.0]))
    hasty = PseudoArclength(
        first_step=0.5, largest_step=0.5, tolerance=1e-3, newton_steps=2, maximum_points=40
    )
    found = complete_diagram(lines, box, hasty, between=(0.0, 1.0), n_grid=3, throw=False)
    assert not found.complete
    assert found.mismatches


@pytest.mark.slow
def test_a_pitchfork_is_no_fold_and_its_proof_is_said_to_be_missing():
    def pitchfork(state, parameter):
        return (parameter - 0.2) * state - state**3

    box = Box(np.array([-2.0]), np.array([2.1]))
    with pytest.raises(NotSolved, match="undecided"):
        complete_diagram(pitchfork, box, METHOD, between=(-1.0, 1.0))
    found = complete_diagram(pitchfork, box, METHOD, between=(-1.0, 1.0), throw=False)
    np.testing.assert_allclose(found.branch_point_parameter, 0.2, atol=1e-9)
    assert found.fold_parameter.size == 0
    np.testing.assert_array_equal(found.branch_count, np.where(found.certified_at > 0.2, 3, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"between": (1.0, 0.0)}, "between must be two finite rising numbers"),
        ({"between": (0.0, float("inf"))}, "between must be two finite rising numbers"),
        ({"n_grid": 1}, "n_grid must be at least 2, got 1"),
    ],
)
def test_bad_arguments_name_themselves(changes, message):
    box = Box(np.array([-1.0]), np.array([1.0]))
    with pytest.raises(ValueError, match=message):
        complete_diagram(island, box, METHOD, **({"between": (0.0, 2.0)} | changes))
