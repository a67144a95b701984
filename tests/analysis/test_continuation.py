import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import PseudoArclength, continuation
from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield import Newton, SiegertTransfer, self_consistent_rates


def cubic(state, parameter):
    return parameter + state - state**3 / 3


def uniform_network(strength):
    matrix = jnp.ones((5, 5)) - jnp.eye(5)
    transfer = SiegertTransfer(LeakyIntegrateAndFire(noise=3.0))
    return RateNetwork(DenseWeights(matrix), transfer, 13.0, strength)


def test_folds_of_a_cubic_are_found_to_rounding():
    branch = continuation(cubic, PseudoArclength(), jnp.array([-2.5]), begin=-2.0, until=2.0)
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


def test_a_bistable_network_is_followed_through_the_folds_of_its_reduction():
    branch = continuation(
        uniform_network(0.0),
        PseudoArclength(),
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


def test_a_branch_ends_where_newton_ends():
    branch = continuation(
        uniform_network(1.0), PseudoArclength(), jnp.full(5, 13.0), parameter="strength", until=30.0
    )
    last = branch.state[int(branch.n_points) - 1]
    found = self_consistent_rates(uniform_network(30.0), Newton(), last)
    np.testing.assert_allclose(last, found.input, rtol=1e-7)


def test_many_branches_at_once_equal_one_at_a_time():
    def follow(scale):
        return continuation(
            lambda s, p: cubic(s, scale * p),
            PseudoArclength(maximum_points=150),
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
