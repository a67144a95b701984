from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from density_models import Constant, Interpolated, leaky, renewal_density
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neuropil.meanfield.density_evolution import DeviceSteps, HostSteps, evolve_density
from neuropil.result import NotSolved, Outcome

EVERYWHERE = 10.0
"""An edge tolerance above all mass: nothing is refused."""


def followed(density, method, start, times):
    return evolve_density(density, method, start, times=times)


@cache
def two_types():
    density = leaky([[6.0, -9.0], [8.0, -4.0]], (0.8, 0.2), cells=120, noise=1.5, drive=[0.2, 0.0])
    return density, density.grid.normal_density([12.0, 2.0], [2.5, 3.0])


@pytest.mark.slow
@pytest.mark.parametrize("halvings", [2, 4])
def test_order_two_in_potential_and_time_together(halvings):
    """Against the exact density of neurons of constant hazard, the reset included."""
    hazard, weight, start, time = 0.08, 3.0, (4.0, 2.0), 16.0

    def error(cells, step):
        density = leaky(((weight,),), cells=cells, hazard=Constant(hazard), reset=0.03)
        begin = density.grid.normal_density([start[0]], [start[1]])
        found = followed(density, HostSteps(step), begin, [0.0, time]).final[0]
        exact = renewal_density(
            time,
            np.asarray(density.grid.centres),
            hazard=hazard,
            received=weight * hazard,
            start=start,
            reset=0.03,
        )
        return float(density.grid.width) * np.abs(np.asarray(found) - exact).sum()

    errors = np.array([error(150 * 2**n, 0.5**n) for n in range(halvings)])
    assert errors[-1] < (1e-4 if halvings == 4 else 2e-3)
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 1.9)


@cache
def in_continuous_time():
    """The same cells, followed by another integrator to a tight tolerance."""
    density, start = two_types()
    field = jax.jit(lambda state: density.vector_field(jnp.zeros(()), state))
    slope = jax.jit(jax.jacfwd(lambda state: density.vector_field(jnp.zeros(()), state)))
    solved = solve_ivp(
        lambda _, state: np.asarray(field(state)),
        (0.0, 8.0),
        np.asarray(density.join(start)),
        method="BDF",
        jac=lambda _, state: np.asarray(slope(state)),
        rtol=1e-8,
        atol=1e-11,
    )
    return solved.y[:, -1].reshape(2, -1)


@pytest.mark.slow
def test_order_two_in_time_with_changing_inputs():
    density, start = two_types()
    steps = (1.0, 0.5, 0.25, 0.125)
    courses = [followed(density, HostSteps(step), start, [0.0, 8.0]) for step in steps]
    errors = np.array([np.abs(course.final - in_continuous_time()).max() for course in courses])
    assert max(int(course.n_limited.max()) for course in courses) == 0
    assert np.ptp(courses[-1].inputs, axis=0).min() > 0.02
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("method", [HostSteps, pytest.param(DeviceSteps, marks=pytest.mark.slow)])
def test_a_step_that_is_limited_stays_near_the_equation(method):
    """From all neurons at one potential, where the plain formula makes cells negative."""
    density = leaky(cells=600)
    start = np.zeros((1, 600))
    start[:, 250] = 1 / float(density.grid.width)
    course = followed(density, method(0.5), start, [0.0, 10.0])
    fine = followed(density, HostSteps(0.01), start, [0.0, 10.0])
    assert np.all(np.asarray(course.n_limited) >= 1)
    assert np.asarray(course.densities).min() >= 0
    np.testing.assert_allclose(course.final, fine.final, atol=2e-3 * float(fine.final.max()))


def random_problem(seed, noise):
    """Rough drifts and hazards, spiky densities, couplings of both signs."""
    generator = np.random.default_rng(seed)
    ends = jnp.asarray(-5.0), jnp.asarray(5.0)
    density = leaky(
        30 * generator.normal(size=(2, 2)),
        (0.3, 0.7),
        cells=40,
        lower=-5.0,
        upper=5.0,
        drift=Interpolated(*ends, jnp.asarray(3 * generator.normal(size=9))),
        hazard=Interpolated(*ends, jnp.asarray(generator.exponential(size=9))),
        noise=noise,
        reset=generator.uniform(-4.8, 4.8, 2),
    )
    raw = generator.exponential(size=(2, 40)) ** 6 * (generator.random((2, 40)) < 0.2)
    raw[:, generator.integers(40)] += 1.0
    return density, raw / (raw.sum(axis=1, keepdims=True) * float(density.grid.width))


NOISES = st.sampled_from([0.0, 1e-3, 0.3, 2.0])
STEPS = st.sampled_from([0.01, 0.1, 1.0, 10.0])


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), noise=NOISES, step=STEPS)
def test_mass_is_kept_and_no_cell_is_ever_negative(seed, noise, step):
    density, start = random_problem(seed, noise)
    times = step * np.arange(13.0)
    course = followed(density, HostSteps(step, EVERYWHERE), start, times)
    assert np.asarray(course.densities).min() >= 0
    assert np.abs(course.mass - 1).max() < 1e-12
    assert np.asarray(course.rates).min() >= 0


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), noise=NOISES, step=STEPS)
def test_host_and_device_agree(seed, noise, step):
    density, start = random_problem(seed, noise)
    times = step * np.array([0.0, 1.0, 3.0])
    host = followed(density, HostSteps(step, EVERYWHERE), start, times)
    device = followed(density, DeviceSteps(step, EVERYWHERE), start, times)
    scale = float(host.densities.max())
    np.testing.assert_allclose(device.densities, host.densities, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(device.rates, host.rates, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(device.inputs, host.inputs, rtol=1e-9, atol=1e-13)
    assert np.asarray(device.densities).min() >= 0


@pytest.mark.slow
def test_host_and_device_agree_to_rounding_on_a_smooth_problem():
    density, start = two_types()
    courses = [
        followed(density, method(0.5), start, [0.0, 1.0, 20.0])
        for method in (HostSteps, DeviceSteps)
    ]
    for name in ("densities", "rates", "inputs"):
        first, second = (np.asarray(getattr(course, name)) for course in courses)
        np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("limited", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_rate_of_a_constant_hazard_is_the_hazard(limited):
    density = leaky(cells=200, hazard=Constant(0.07), reset=-1.3)
    start = density.grid.normal_density([5.0], [3.0])
    if limited:
        start = jnp.zeros((1, 200)).at[0, 80].set(1 / density.grid.width)
    course = followed(density, HostSteps(0.5), start, [0.0, 10.0])
    assert bool(course.n_limited.any()) == limited
    # What fires in the one step that is limited is limited too.
    np.testing.assert_allclose(course.rates[1:], 0.07, rtol=1e-12)
    np.testing.assert_allclose(course.rates[0], 0.07, rtol=1e-2 if limited else 1e-12)


def test_without_firing_the_moments_are_those_of_an_ornstein_uhlenbeck_process():
    density = leaky(cells=600, hazard=Constant(0.0))
    start = density.grid.normal_density([2.0], [3.0])
    course = followed(density, HostSteps(0.125), start, [0.0, 10.0, 600.0])
    centres, width = np.asarray(density.grid.centres), float(density.grid.width)
    decay = np.exp(-np.array([10.0, 600.0]) / 20.0)
    mean = width * course.densities[1:, 0] @ centres
    variance = width * course.densities[1:, 0] @ centres**2 - mean**2
    np.testing.assert_allclose(mean, 12.0 - 10.0 * decay, rtol=1e-4)
    np.testing.assert_allclose(variance, 14.4 + (9.0 - 14.4) * decay**2, rtol=2e-4)
    # At rest the scheme is exact: the moments of the normal density to rounding.
    np.testing.assert_allclose([mean[1], variance[1]], [12.0, 14.4], rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1.0, -3.0])
@pytest.mark.parametrize("place", [0.0, 0.13, 0.5, 0.9])
def test_order_two_without_noise_though_the_density_jumps_at_the_reset(weight, place):
    """f = r / (b + S) beyond the reset, on the side to which the drift, of either sign, points."""
    hazard, velocity = 1.0, 1.0 + weight
    in_cells, of_smooth = [], []
    for cells in (250, 500):
        reset = (place - 0.5) * 100.0 / cells
        density = leaky(
            ((weight,),),
            cells=cells,
            lower=-50.0,
            upper=50.0,
            noise=0.0,
            drift=Constant(1.0),
            hazard=Constant(hazard),
            reset=reset,
        )
        start = density.grid.normal_density([0.0], [2.0])
        course = followed(density, HostSteps(0.05), start, [0.0, 30.0])
        width, centres = float(density.grid.width), np.asarray(density.grid.centres)
        edges = np.append(centres - width / 2, centres[-1] + width / 2)
        distance = np.maximum(np.sign(velocity) * (edges - reset), 0.0)
        exact = np.abs(np.diff(np.exp(-hazard * distance / abs(velocity)))) / width
        error = np.asarray(course.final[0]) - exact
        in_cells.append(width * np.abs(error).sum())
        of_smooth.append(abs(width * error @ centres))
        assert np.asarray(course.densities).min() >= 0
        assert exact[distance[:-1] + distance[1:] == 0].max() == 0.0
    assert in_cells[0] / in_cells[1] > 3.4
    assert in_cells[1] < 3e-3
    assert of_smooth[0] / of_smooth[1] > 3.4


@pytest.mark.slow
def test_order_two_without_noise_where_drift_and_hazard_vary():
    """Against the solution along characteristics, integrated by quadrature."""
    rest, hazard, reset = 30.0, 0.2, 0.0

    def density(cells):
        return leaky(
            ((0.0,),), cells=cells, lower=-10.0, upper=45.0, noise=0.0, reset=reset + 0.01,
            drift=lambda v: (rest - v) / 10.0, hazard=lambda v: hazard * (1 + jnp.tanh(v / 10)),
        )  # fmt: skip

    def error(cells):
        problem = density(cells)
        start = problem.grid.normal_density([5.0], [2.0])
        # Under two cells a step: beyond, what the limiter saw when the step began is out of date.
        course = followed(problem, HostSteps(10.0 / cells), start, [0.0, 150.0])
        width, centres = float(problem.grid.width), np.asarray(problem.grid.centres)
        fine = np.linspace(reset + 0.01, rest - 1e-3, 400_001)
        slope = hazard * (1 + np.tanh(fine / 10)) / ((rest - fine) / 10.0)
        lost = np.append(0.0, np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(fine)))
        survives = np.exp(-lost)
        # 1 / r is the integral of survival over drift; the mass below v of f = r survival / b.
        mass = np.append(0.0, np.cumsum(
            ((survives * 10.0 / (rest - fine))[1:] + (survives * 10.0 / (rest - fine))[:-1]) / 2
            * np.diff(fine)))  # fmt: skip
        below = np.interp(np.append(centres - width / 2, centres[-1] + width / 2), fine, mass)
        exact = np.diff(below) / mass[-1] / width
        return (
            width * np.abs(np.asarray(course.final[0]) - exact).sum(),
            abs(float(course.rates[-1, 0]) * mass[-1] - 1),
        )

    errors = np.array([error(cells) for cells in (200, 400, 800)])
    of_cells, of_rate = errors.T
    assert np.all(of_cells[:-1] / of_cells[1:] > 3.3)
    # Parts of this error cancel, so that it falls without a steady ratio.
    assert np.all(of_rate < 1e-4 / np.array([1, 4, 16]))


def test_a_population_of_particles_follows_its_density():
    """Simulated neurons, each the target of all others, in the limit of many."""
    neurons, step, time, weight = 20_000, 0.05, 40.0, 6.0
    density = leaky(((weight,),), cells=600)
    start = density.grid.normal_density([8.0], [3.0])
    course = followed(density, HostSteps(0.25), start, [0.0, time])
    generator = np.random.default_rng(5)
    potential = generator.normal(8.0, 3.0, neurons)
    spikes = np.zeros(round(time / step))
    for number in range(spikes.size):
        hazard = 0.2 / (1 + np.exp(-(potential - 15.0) / 2.0))
        fires = generator.random(neurons) < -np.expm1(-hazard * step)
        spikes[number] = fires.sum()
        potential += (12.0 - potential) / 20.0 * step
        potential += 1.2 * np.sqrt(step) * generator.normal(size=neurons)
        potential[fires] = 0.0
        potential += weight * spikes[number] / neurons
    in_windows = spikes.reshape(8, -1).sum(axis=1)
    expected = neurons * 0.25 * np.asarray(course.rates)[:, 0].reshape(8, -1).sum(axis=1)
    assert np.all(np.abs(in_windows - expected) < 4 * np.sqrt(expected))
    mean = float(density.grid.width) * np.asarray(course.final[0] @ course.potentials)
    assert abs(potential.mean() - mean) < 4 * potential.std() / np.sqrt(neurons)


@pytest.mark.slow
def test_derivatives_go_through_all_steps():
    density, start = two_types()
    times = np.array([0.0, 5.0])

    def last_rate(density, method):
        return evolve_density(density, method, start, times=times, throw=False).rates[-1, 0]

    slope = eqx.filter_grad(last_rate)(density, DeviceSteps(0.5)).kernel.matrix[0, 1]
    nearby = [
        float(last_rate(eqx.tree_at(lambda d: d.kernel.matrix, density,
                                    density.kernel.matrix.at[0, 1].add(change)), HostSteps(0.5)))
        for change in (1e-3, -1e-3)
    ]  # fmt: skip
    assert float(slope) == pytest.approx((nearby[0] - nearby[1]) / 2e-3, rel=1e-5)


@pytest.mark.parametrize("method", [HostSteps, pytest.param(DeviceSteps, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("weight", "side"), [(60.0, "upper"), (-60.0, "lower")])
def test_mass_at_an_edge_ends_the_evolution(method, weight, side):
    density = leaky([[0.0, 0.0], [weight, 0.0]], (0.5, 0.5), cells=200)
    start = density.grid.normal_density(12.0, 3.0)
    times = np.arange(0.0, 101.0, 1.0)
    with pytest.raises(NotSolved, match=f"type 1 at .* ms lies at the {side} edge"):
        evolve_density(density, method(0.5), start, times=times)
    course = evolve_density(density, method(0.5), start, times=times, throw=False)
    assert int(course.outcome) == Outcome.MASS_AT_EDGE
    assert "widen the grid" in course.failure
    end = float(course.end_time)
    assert 0 < end < 100
    known = np.isfinite(np.asarray(course.densities)).all(axis=(1, 2))
    np.testing.assert_array_equal(known, times < end)
    np.testing.assert_array_equal(np.isfinite(course.rates[:, 0]), course.step_times < end)


@pytest.mark.slow
def test_a_wider_grid_changes_nothing():
    courses = [
        followed(leaky(cells=cells, lower=-20.0, upper=upper), HostSteps(0.5),
                 leaky(cells=cells, lower=-20.0, upper=upper).grid.normal_density([5.0], [3.0]),
                 [0.0, 50.0])
        for cells, upper in ((300, 40.0), (350, 50.0))
    ]  # fmt: skip
    np.testing.assert_allclose(courses[0].rates, courses[1].rates, rtol=1e-7)


def test_the_evolution_as_a_labelled_table():
    density, start = two_types()
    course = followed(density, HostSteps(0.5), start, [2.0, 3.0])
    table = course.to_xarray()
    assert table.density.shape == (2, 2, 120)
    assert table.rate.attrs["units"] == "spikes/ms"
    np.testing.assert_allclose(table.step_time, [2.25, 2.75])
    assert float(table.density.isel(time=-1, type=1).integrate("potential")) == pytest.approx(1.0)
    again = followed(density, HostSteps(0.5), course.final, [3.0, 4.0])
    whole = followed(density, HostSteps(0.5), start, [2.0, 4.0])
    np.testing.assert_allclose(again.final, whole.final, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    ("change", "times", "message"),
    [
        (lambda f: f[:, :-1], [0, 1], "start must hold 120 cells for each of 2 types"),
        (lambda f: f.at[0, 3].set(-0.1), [0, 1], "start must not be negative"),
        (lambda f: f.at[0, 3].set(jnp.nan), [0, 1], "start must be finite"),
        (lambda f: 1.1 * f, [0, 1], "start must have mass 1 for each type, got 1.1"),
        (lambda f: f, [0], "times must hold at least 2"),
        (lambda f: f, [0, 2, 1], "times must be finite and ascend"),
        (lambda f: f, [0, 0.7], "times must lie whole steps of 0.5 ms apart"),
    ],
)
def test_bad_starts_and_times_are_refused(change, times, message):
    density, start = two_types()
    with pytest.raises(ValueError, match=message):
        followed(density, HostSteps(0.5), change(start), np.asarray(times, float))


def test_bad_methods_are_refused():
    with pytest.raises(ValueError, match="step must be positive"):
        HostSteps(0.0)
    with pytest.raises(ValueError, match="edge_tolerance must be positive"):
        DeviceSteps(0.1, -1.0)
    density, start = two_types()
    with pytest.raises(ValueError, match="method must be DeviceSteps"):
        jax.jit(lambda f: evolve_density(
            density, HostSteps(), f, times=[0.0, 1.0], throw=False).final)(start)  # fmt: skip
    with pytest.raises(ValueError, match="throw must be False"):
        jax.jit(lambda f: evolve_density(density, DeviceSteps(), f, times=[0.0, 1.0]).final)(start)
