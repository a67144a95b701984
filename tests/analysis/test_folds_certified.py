"""All folds with proof, and single ones that can be differentiated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp
from zero_problems import (
    FIGURE_9,
    FOLD_FIGURE_2,
    FOLD_FIGURE_2_OUTSIDE,
    FOLD_FIGURE_9,
    FOLD_FIGURE_9_OUTSIDE,
    Given,
    box,
    figure_9_layer,
    layer_box,
    modulated_motif,
)

from neuropil.analysis import FoldNewton, all_folds, fold
from neuropil.circuits import tripartite_motif_figure_2
from neuropil.result import NotSolved, Outcome
from neuropil.system import Box, layer

FIGURE_2 = {
    "neuron_decay": (0.7, 0.6),
    "synapse_decay": (1.6, 1.7),
    "hebbian_gain": (12.0, -10.0),
    "glial_gain": (-4.0, 5.0),
}


def grown(ends, factor=3.0):
    return Box(factor * np.minimum(ends.lower, -0.1), factor * np.maximum(ends.upper, 0.1))


def test_figure_9_has_one_fold_in_the_physical_range():
    found = all_folds(figure_9_layer(0.0), layer_box(), between=(-1.0, 1.0), parameter="slow_state")
    assert found.complete
    assert len(found) == 1
    low, high = found.parameter_lower[0], found.parameter_upper[0]
    exact = mp.mpf("0.781805127560162503890721346")
    assert mp.mpf(float(low)) <= exact <= mp.mpf(float(high))
    assert high - low < 1e-13
    np.testing.assert_allclose(found.state[0, :2], FOLD_FIGURE_9[1:], rtol=1e-12)
    assert found.sentence == (
        "1 fold in slow_state proved to exist; there are no others in the box"
    )


@pytest.mark.parametrize(
    ("parameters", "until", "folds"),
    [
        (FIGURE_9, 3.0, (FOLD_FIGURE_9, FOLD_FIGURE_9_OUTSIDE)),
        (FIGURE_2, 1.5, (FOLD_FIGURE_2, FOLD_FIGURE_2_OUTSIDE)),
    ],
)
def test_beyond_the_physical_range_lies_the_fold_that_joins_the_branches(parameters, until, folds):
    motif = modulated_motif(**parameters)
    found = all_folds(
        figure_9_layer(0.0, **parameters),
        grown(layer_box(motif)),
        between=(-1.0, until),
        parameter="slow_state",
    )
    assert found.complete
    np.testing.assert_allclose(found.parameter, [each[0] for each in folds], rtol=1e-12)
    np.testing.assert_allclose(found.state[:, :2], [each[1:] for each in folds], rtol=1e-12)


def test_the_fold_of_figure_9_lies_at_its_astrocyte_state():
    motif = tripartite_motif_figure_2()
    found = all_folds(
        layer(motif, 0.5), layer_box(motif), between=(-3.0, 3.0), parameter="slow_state"
    )
    assert len(found) == 1
    np.testing.assert_allclose(np.tanh(found.parameter[0]), FOLD_FIGURE_2[0], rtol=1e-12)
    table = found.to_xarray()
    assert table.attrs["complete"] == 1
    assert float(table.slow_state_lower[0]) <= float(table.slow_state[0])


def test_folds_of_a_cubic_and_a_sine():
    cubic = all_folds(lambda x, p: p + x - x**3 / 3, box(1, -3.0, 3.5), between=(-2.0, 2.0))
    np.testing.assert_allclose(cubic.parameter, [-2 / 3, 2 / 3], rtol=1e-13)
    np.testing.assert_allclose(cubic.state[:, 0], [1.0, -1.0], rtol=1e-13)
    waves = all_folds(lambda x, p: jnp.sin(x) - p, box(1, 0.0, 9.0), between=(-1.5, 1.5))
    np.testing.assert_allclose(
        waves.state[np.argsort(waves.state[:, 0]), 0], np.pi * (np.arange(3) + 0.5)
    )
    none = all_folds(lambda x, p: jnp.tanh(x) - p, box(1, -9.0, 9.0), between=(-0.9, 0.9))
    assert len(none) == 0
    assert none.complete


def test_a_variable_that_is_known_is_not_split_further():
    # A circle of states: 2 x = 0 at its folds gives x to 1e-45 and depends on nothing else.
    found = all_folds(
        lambda x, p: (p - 0.55) ** 2 + x**2 - 0.01, box(1, -1.0, 1.2), between=(-1.0, 1.3)
    )
    np.testing.assert_allclose(found.parameter, [0.45, 0.65], rtol=1e-14)
    np.testing.assert_allclose(found.state, 0, atol=1e-14)
    assert found.complete
    assert found.n_examined < 50


def test_a_branch_point_and_a_cusp_are_no_folds_and_stay_undecided():
    for problem in (lambda x, p: x * (p - x), lambda x, p: p - x**3):
        found = all_folds(problem, box(1, -1.0, 1.2), between=(-1.0, 1.3), throw=False)
        assert len(found) == 0
        assert not found.complete
        assert np.all(np.abs(found.undecided_parameter) < 1e-3)
        with pytest.raises(
            NotSolved, match="all_folds: 0 folds in parameter proved to exist; 1 box"
        ):
            all_folds(problem, box(1, -1.0, 1.2), between=(-1.0, 1.3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"between": (1.0, 1.0)}, "between must be two finite rising numbers"),
        ({"between": (0.0, np.inf)}, "between must be two finite rising numbers"),
        ({"parameter": "strength"}, "parameter 'strength' is not a field of Given"),
        (
            {"problem": Given(lambda x, p: x - p, 9)},
            "problem must have at most 8 components, got 9",
        ),
        ({"box": box(2, -1.0, 1.0)}, "lower end of the box must have 1 components"),
    ],
)
def test_bad_arguments_name_themselves(changes, message):
    arguments = {
        "problem": Given(lambda x, p: x * x - p, 1),
        "box": box(1, -1.0, 1.0),
        "between": (-1.0, 1.0),
    } | changes
    with pytest.raises(ValueError, match=message):
        all_folds(**arguments)


def fold_of(parameters, near=0.8):
    start = jnp.array([1.5, -1.9, -1.0, 4.0])
    found = fold(figure_9_layer(near, **parameters), start, parameter="slow_state", throw=False)
    return found.parameter, found


def test_newton_ends_on_the_fold_of_figure_9_to_the_last_bit():
    value, found = fold_of({name: jnp.asarray(v) for name, v in FIGURE_9.items()})
    assert int(found.outcome) == Outcome.SUCCESSFUL
    np.testing.assert_allclose(value, FOLD_FIGURE_9[0], rtol=3e-16)
    np.testing.assert_allclose(found.state[:2], FOLD_FIGURE_9[1:], rtol=1e-12)
    jacobian = jax.jacfwd(lambda x: figure_9_layer(value).vector_field(jnp.zeros(()), x))
    np.testing.assert_allclose(jacobian(found.state) @ found.null_vector, 0, atol=1e-15)
    np.testing.assert_allclose(jnp.linalg.norm(found.null_vector), 1.0, rtol=1e-14)


@pytest.mark.slow
def test_the_gradient_of_a_fold_is_that_of_finite_differences():
    parameters = {name: jnp.asarray(value) for name, value in FIGURE_9.items()}
    at = jax.jit(lambda p: fold_of(p)[0])
    gradient = jax.jit(jax.grad(lambda p: fold_of(p)[0]))(parameters)
    step = 1e-5
    for name, value in parameters.items():
        for index in range(2):
            up, down = (
                at({**parameters, name: value.at[index].add(sign * step)}) for sign in (1, -1)
            )
            np.testing.assert_allclose(
                gradient[name][index], (up - down) / (2 * step), rtol=1e-6, atol=1e-8
            )
    reference = [0.13044, 1.10788, 0.44315, 0.07826, 0.04809, -0.00220, 0.36585, -0.01670]
    np.testing.assert_allclose(
        np.concatenate([gradient[name] for name in FIGURE_9]), reference, atol=6e-6
    )


@pytest.mark.slow
def test_second_derivatives_of_a_fold():
    def at(q):
        return fold(
            lambda x, p: p - q * x + x**3 / 3, jnp.array([0.9]), near=0.7, throw=False
        ).parameter

    # p = (2 / 3) q^(3/2) at x = sqrt(q).
    q = jnp.asarray(1.3)
    np.testing.assert_allclose(at(q), 2 / 3 * q**1.5, rtol=1e-14)
    np.testing.assert_allclose(jax.grad(at)(q), q**0.5, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(jax.grad(at))(q), 0.5 * q**-0.5, rtol=1e-10)


@pytest.mark.slow
def test_many_folds_at_once_are_certified_ones():
    scales = jnp.linspace(0.97, 1.03, 5)

    def at(scale):
        decay = scale * jnp.asarray(FIGURE_9["neuron_decay"])
        return fold_of({"neuron_decay": decay})[1]

    found = eqx.filter_vmap(at)(scales)
    np.testing.assert_array_equal(found.outcome, 0)
    for scale, value in zip(scales, found.parameter, strict=True):
        system = figure_9_layer(0.0, neuron_decay=scale * jnp.asarray(FIGURE_9["neuron_decay"]))
        proved = all_folds(
            system, layer_box(system.whole), between=(-1.0, 1.0), parameter="slow_state"
        )
        assert len(proved) == 1
        np.testing.assert_allclose(value, proved.parameter[0], rtol=1e-14)


def test_a_fold_that_is_not_there_raises():
    with pytest.raises(NotSolved, match="fold in parameter"):
        fold(lambda x, p: p - x, jnp.array([0.3]), near=0.1)
    lost = fold(lambda x, p: p - x, jnp.array([0.3]), near=0.1, throw=False)
    assert int(lost.outcome) != Outcome.SUCCESSFUL


def test_bad_arguments_of_a_single_fold_name_themselves():
    with pytest.raises(ValueError, match="near must be given when the problem is a plain function"):
        fold(lambda x, p: x * x - p, jnp.zeros(1))
    with pytest.raises(ValueError, match=r"start must have shape \(1,\), got \(2,\)"):
        fold(Given(lambda x, p: x * x - p, 1), jnp.zeros(2))
    with pytest.raises(ValueError, match="tolerance must be positive, got -1"):
        FoldNewton(tolerance=-1.0)
