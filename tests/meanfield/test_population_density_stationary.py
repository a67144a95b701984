import jax.numpy as jnp
import numpy as np
import pytest
from density_models import NOISE, REST, TIME_CONSTANT, Constant, leaky
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from neuropil.meanfield.density_evolution import HostSteps, evolve_density
from neuropil.meanfield.density_stationary import (
    CellBalance,
    Collocation,
    stationary_density,
)
from neuropil.result import NotSolved

ZERO = jnp.zeros(())


def rate_at(received, *, noise=NOISE, reset=0.0, lower=-20.0, upper=40.0):
    """The stationary rate by shooting from both walls to the reset, and its density there.

    From each wall, where the flux vanishes, the equation is integrated with the mass and what
    fires; the two solutions are scaled to meet. That the flux jumps by what fires follows then.
    """
    spread = noise**2 / 2

    def slopes(v, state):
        f, flux, _, _ = state
        hazard = 0.2 / (1 + np.exp(-(v - 15.0) / 2.0))
        drift = (REST - v) / TIME_CONSTANT + received
        return [(drift * f - flux) / spread, -hazard * f, f, hazard * f]

    def shoot(wall):
        options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-60}
        return solve_ivp(slopes, [wall, reset], [1e-20, 0.0, 0.0, 0.0], **options).y[:, -1]

    left, right = shoot(lower), shoot(upper)
    right *= left[0] / right[0]
    mass, fired = left[2] - right[2], left[3] - right[3]
    assert right[1] - left[1] == pytest.approx(fired, rel=1e-9)
    return fired / mass, left[0] / mass


@pytest.mark.parametrize("weight", [6.0, 0.0, -15.0])
@pytest.mark.parametrize("reset", [0.1, pytest.param(3.7, marks=pytest.mark.slow)])
def test_the_rate_is_that_of_the_stationary_equation(weight, reset):
    density = leaky(((weight,),), reset=reset)
    found = stationary_density(density)
    exact = brentq(lambda r: rate_at(weight * r, reset=reset)[0] - r, 0.0, 0.2, xtol=1e-15)
    assert float(found.rates[0]) == pytest.approx(exact, rel=1e-10)
    assert float(found.rate_error[0]) < 1e-10 * exact
    cell = np.argmin(np.abs(np.asarray(found.potentials) - reset))
    assert float(found.potentials[cell]) == pytest.approx(reset)
    at_reset = rate_at(weight * exact, reset=reset)[1]
    assert float(found.densities[0, cell]) == pytest.approx(at_reset, rel=1e-9)


@pytest.mark.slow
def test_the_balance_of_cells_is_at_rest_and_of_second_order():
    exact = float(stationary_density(leaky(reset=0.02)).rates[0])
    errors = []
    for cells in (150, 300):
        density = leaky(cells=cells, reset=0.02)
        found = stationary_density(density, CellBalance())
        change = density.vector_field(ZERO, density.join(found.densities))
        assert np.abs(change).max() < 1e-13
        assert float(density.grid.width * found.densities.sum()) == pytest.approx(1.0, abs=1e-13)
        np.testing.assert_allclose(density.rates(density.join(found.densities)), found.rates)
        errors.append(abs(float(found.rates[0]) - exact))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)
    assert float(found.rate_error[0]) == pytest.approx(errors[1], rel=0.3)


@pytest.mark.slow
def test_an_evolution_comes_to_rest_at_the_balance_of_cells():
    density = leaky([[5.0, -9.0], [8.0, -4.0]], (0.8, 0.2), reset=[0.0, -2.3])
    rest = stationary_density(density, CellBalance())
    start = density.grid.normal_density([8.0, 12.0], [3.0, 2.0])
    course = evolve_density(density, HostSteps(0.5), start, times=[0.0, 600.0])
    np.testing.assert_allclose(course.final, rest.densities, atol=1e-10)
    np.testing.assert_allclose(course.rates[-1], rest.rates, rtol=1e-8)
    np.testing.assert_allclose(course.inputs[-1], rest.inputs, rtol=1e-8)
    assert float(rest.inputs[0]) * float(rest.inputs[1]) != 0


@pytest.mark.slow
def test_types_that_do_not_differ_are_one_type():
    one = stationary_density(leaky(), CellBalance())
    two = stationary_density(leaky(np.full((2, 2), 4.0), (0.2, 0.8)), CellBalance())
    np.testing.assert_allclose(two.rates, np.repeat(one.rates, 2), rtol=1e-12)


@pytest.mark.slow
def test_a_constant_hazard_is_the_rate():
    weights = np.array([[4.0, -8.0], [1.0, 2.0]])
    hazard = Constant([0.03, 0.05])
    found = stationary_density(leaky(weights, (0.25, 0.75), hazard=hazard), Collocation())
    np.testing.assert_allclose(found.rates, [0.03, 0.05], rtol=1e-12)
    received = weights @ (np.array([0.25, 0.75]) * [0.03, 0.05])
    np.testing.assert_allclose(found.inputs, received, rtol=1e-12)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="noise must be positive"):
        stationary_density(leaky(noise=0.0))
    with pytest.raises(ValueError, match="start must hold one rate for each of 1 types"):
        stationary_density(leaky(), start=[0.1, 0.2])
    with pytest.raises(ValueError, match="start must be finite and not negative"):
        stationary_density(leaky(), start=[-0.1])
    for fields, name in (({"tolerance": 0.0}, "tolerance"), ({"elements": 2}, "elements"),
                         ({"degree": 1}, "degree")):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} must be"):
            Collocation(**fields)
    with pytest.raises(NotSolved, match="maximum number of steps"):
        stationary_density(leaky(), CellBalance(maximum_steps=1))
