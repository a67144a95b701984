import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import (
    Collocation,
    HopfPoint,
    PseudoArclength,
    continuation,
    limit_cycles,
)

FOLLOW = PseudoArclength(maximum_points=80)


def normal_form(state, parameter):
    """Cycles of radius sqrt(parameter) and period pi, attracting at the rate 2 parameter."""
    x, y = state[0], state[1]
    growth = parameter - x**2 - y**2
    return jnp.stack([growth * x - 2.0 * y, 2.0 * x + growth * y])


def van_der_pol(state, parameter):
    """The oscillator of van der Pol for parameter 1; its cycle is born at 0."""
    return jnp.stack([state[1], (parameter - state[0] ** 2) * state[1] - state[0]])


def fitzhugh_nagumo(state, parameter):
    v, w = state[0], state[1]
    return jnp.stack([v - v**3 / 3 - w + parameter, 0.5 * (v + 0.7 - 0.8 * w)])


def at(parameter, frequency):
    values = (jnp.zeros(2), jnp.asarray(parameter), jnp.asarray(frequency), jnp.zeros(()))
    return HopfPoint(*values)


@pytest.fixture(scope="module")
def circles():
    method = Collocation(intervals=16, maximum_points=30)
    return limit_cycles(normal_form, method, at(0.0, 2.0), between=(-1.0, 1.0))


def test_cycles_of_the_normal_form_are_circles(circles):
    n = int(circles.n_points)
    assert bool(circles.reached_border)
    assert circles.parameter[n - 1] == 1.0
    radius = np.linalg.norm(circles.state[:n], axis=-1)
    # Mesh points are more accurate than those between them.
    expected = np.sqrt(np.asarray(circles.parameter[:n]))[:, None]
    np.testing.assert_allclose(radius[:, ::4], expected * np.ones(16), rtol=1e-8)
    np.testing.assert_allclose(radius, expected * np.ones(64), rtol=1e-7)
    np.testing.assert_allclose(circles.period[:n], np.pi, rtol=1e-9)


def test_floquet_multipliers_of_the_normal_form(circles):
    n = int(circles.n_points)
    multipliers = np.sort(np.abs(np.asarray(circles.multipliers[:n])), axis=1)
    np.testing.assert_allclose(multipliers[:, 1], 1.0, rtol=1e-8)
    growth = np.exp(-2 * np.pi * np.asarray(circles.parameter[:n]))
    np.testing.assert_allclose(multipliers[:, 0], growth, rtol=1e-6)
    assert np.asarray(circles.stable[:n]).all()
    dataset = circles.to_xarray()
    assert dataset.sizes == {"point": n, "phase": 64, "component": 2, "mode": 2}
    assert dataset.attrs == {}


@pytest.mark.slow
def test_the_period_of_van_der_pol():
    method = Collocation(intervals=60, maximum_points=40)
    cycles = limit_cycles(van_der_pol, method, at(0.0, 1.0), between=(-1.0, 1.0))
    last = int(cycles.n_points) - 1
    assert cycles.parameter[last] == 1.0
    np.testing.assert_allclose(cycles.period[last], 6.663286859323130, rtol=1e-11)
    # By the Jacobi-Liouville formula the other multiplier is exp of the integral of 1 - x^2,
    # which at the nodes of the mesh is a mean over the period.
    mean = np.mean(1 - np.asarray(cycles.state[last, :, 0]) ** 2)
    product = np.prod(np.asarray(cycles.multipliers[last])).real
    np.testing.assert_allclose(np.log(product), mean * cycles.period[last], rtol=1e-5)


@pytest.mark.slow
def test_cycles_lead_from_one_hopf_point_to_the_other():
    branch = continuation(fitzhugh_nagumo, FOLLOW, jnp.array([-1.2, -0.62]), begin=0.0, until=2.0)
    assert int(branch.n_hopf_points) == 2
    first, second = (float(value) for value in branch.hopf_parameter[:2])
    # f -> -f, (v, w) -> (-v, -w), I -> 2 * 0.875 - I maps the system to itself.
    np.testing.assert_allclose(first + second, 2 * 0.7 / 0.8, rtol=1e-12)
    cycles = limit_cycles(
        fitzhugh_nagumo, Collocation(intervals=20), branch.hopf_point(), between=(0.0, 2.0)
    )
    n = int(cycles.n_points)
    assert bool(cycles.vanishes)
    assert not bool(cycles.reached_border)
    swing = np.ptp(np.asarray(cycles.state[:n, :, 0]), axis=1)
    assert swing.max() > 1.5
    assert swing[0] < 0.1
    np.testing.assert_allclose(cycles.parameter[0], first, atol=1e-3)
    np.testing.assert_allclose(cycles.parameter[n - 1], second, atol=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"between": (1.0, -1.0)}, "between must be two rising numbers"),
        ({"between": (0.5, 1.0)}, "between must be two rising numbers around the start"),
        ({"start": at(0.0, float("nan"))}, "start must be a Hopf point"),
        (
            {"start": HopfPoint(jnp.zeros(1), jnp.zeros(()), jnp.ones(()), jnp.zeros(()))},
            "at least 2",
        ),
    ],
)
def test_bad_arguments_name_themselves(changes, message):
    arguments = {"start": at(0.0, 2.0), "between": (-1.0, 1.0)} | changes
    with pytest.raises(ValueError, match=message):
        limit_cycles(normal_form, Collocation(), **arguments)


def test_no_intervals_are_refused():
    with pytest.raises(ValueError, match="intervals must be positive, got 0"):
        Collocation(intervals=0)
