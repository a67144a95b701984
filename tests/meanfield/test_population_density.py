import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from density_models import NOISE, REST, TIME_CONSTANT, Constant, Interpolated, leaky
from hypothesis import given
from hypothesis import strategies as st

from neuropil.analysis import stability
from neuropil.circuits import LinearDrift, SigmoidHazard
from neuropil.connectivity import StepKernel
from neuropil.meanfield.density_grid import VoltageGrid
from neuropil.meanfield.density_stationary import CellBalance, stationary_density
from neuropil.meanfield.population_density import PopulationDensity, UnitMassDensity

ZERO = jnp.zeros(())


@eqx.filter_jit
def field(density, densities):
    return density.split(density.vector_field(ZERO, density.join(densities)))


def derivative(density, densities):
    return np.asarray(field(density, densities))


@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0.0, 1e-3, 0.3, 2.0]))
def test_no_drift_hazard_or_density_changes_the_mass(seed, noise):
    generator = np.random.default_rng(seed)
    drift = Interpolated(jnp.asarray(-5.0), jnp.asarray(5.0), jnp.asarray(generator.normal(size=9)))
    hazard = Interpolated(jnp.asarray(-5.0), jnp.asarray(5.0), jnp.asarray(generator.random(9)))
    density = leaky(
        generator.normal(size=(2, 2)),
        (0.3, 0.7),
        cells=40,
        lower=-5.0,
        upper=5.0,
        drift=drift,
        hazard=hazard,
        noise=noise,
        reset=generator.uniform(-4.8, 4.8, 2),
    )
    densities = generator.exponential(size=(2, 40)) ** 3
    change = derivative(density, jnp.asarray(densities))
    assert np.all(np.abs(change.sum(axis=1)) <= 1e-13 * np.abs(change).sum(axis=1))


def test_the_density_of_a_linear_drift_is_at_rest_exactly():
    density = leaky(hazard=Constant(0.0))
    deviation = NOISE * np.sqrt(TIME_CONSTANT / 2)
    at_centres = jax.scipy.stats.norm.pdf(density.grid.centres, REST, deviation)
    assert np.abs(derivative(density, at_centres[None])).max() < 1e-14


def test_what_fires_comes_back_at_the_reset_on_average():
    """Where nothing else moves, the mean potential goes from where neurons fire to the reset."""
    density = leaky(((0.0,),), drift=Constant(0.0), noise=0.0, hazard=Constant(0.1), reset=3.217)
    before = density.grid.normal_density([8.0], [2.0])
    change = derivative(density, before)
    width, centres = float(density.grid.width), np.asarray(density.grid.centres)
    assert width * change[0] @ centres == pytest.approx(0.1 * (3.217 - 8.0), abs=1e-12)


@pytest.mark.slow
def test_the_field_is_that_of_the_equation_to_second_order():
    """Against the right side of the equation, written out for a smooth density."""
    mean, deviation, rate_scale = 9.0, 3.0, 0.05

    def error(cells):
        density = leaky(cells=cells, hazard=Constant(rate_scale), reset=0.0)
        centres = np.asarray(density.grid.centres)
        f = np.exp(-((centres - mean) ** 2) / (2 * deviation**2)) / deviation / np.sqrt(2 * np.pi)
        change = derivative(density, jnp.asarray(f)[None])[0]
        slope = -(centres - mean) / deviation**2 * f
        curve = (((centres - mean) / deviation**2) ** 2 - 1 / deviation**2) * f
        drift = (REST - centres) / TIME_CONSTANT + 4.0 * rate_scale
        exact = f / TIME_CONSTANT - drift * slope + NOISE**2 / 2 * curve - rate_scale * f
        away = np.abs(centres) > 1.0
        return np.abs(change - exact)[away].max()

    errors = np.array([error(cells) for cells in (150, 300, 600)])
    np.testing.assert_allclose(errors[:-1] / errors[1:], 4.0, rtol=0.05)


def test_finitely_many_synapses_act_as_noise():
    """At a constant hazard the rates are known, and so is what the second moment adds to sigma."""
    hazard, second = 0.05, 6.0
    plain = leaky(
        hazard=Constant(hazard), noise=np.sqrt(NOISE**2 + 4.0 * second * hazard), coupling=2.0
    )
    shot = leaky(hazard=Constant(hazard), coupling=2.0)
    shot = PopulationDensity(
        shot.neurons,
        shot.kernel,
        shot.grid,
        second_moment=StepKernel(np.full((1, 1), second), np.ones(1)),
    )
    densities = plain.grid.normal_density([5.0], [3.0])
    np.testing.assert_allclose(
        derivative(shot, densities), derivative(plain, densities), atol=1e-15
    )


@pytest.mark.slow
def test_each_type_has_its_own_parameters():
    """Without coupling, two types are two systems of one."""
    parts = [
        {
            "drift": LinearDrift(tau, 10.0),
            "noise": noise,
            "reset": reset,
            "drive": drive,
            "hazard": SigmoidHazard(0.2, middle, 2.0),
        }
        for tau, noise, reset, drive, middle in (
            (20.0, 1.0, 0.0, 0.1, 15.0),
            (5, 2.0, -3.3, -0.2, 9),
        )
    ]
    both = leaky(
        np.zeros((2, 2)),
        (0.5, 0.5),
        drift=LinearDrift([20.0, 5.0], 10.0),
        noise=[1.0, 2.0],
        reset=[0.0, -3.3],
        drive=[0.1, -0.2],
        hazard=SigmoidHazard(0.2, [15.0, 9.0], 2.0),
    )
    densities = both.grid.normal_density([5.0, 8.0], [3.0, 4.0])
    alone = [
        derivative(leaky(((0.0,),), **part), row[None])[0]
        for part, row in zip(parts, densities, strict=True)
    ]
    np.testing.assert_allclose(derivative(both, densities), alone, atol=1e-16)


@pytest.mark.slow
def test_without_the_conserved_masses_the_zero_eigenvalues_are_gone():
    density = leaky([[3.0, -6.0], [4.0, -2.0]], (0.8, 0.2), cells=60, noise=2.0)
    rest = density.join(stationary_density(density, CellBalance()).densities)
    reduced = UnitMassDensity(density)
    kept = reduced.reduce(rest)
    np.testing.assert_allclose(reduced.complete(kept), rest, atol=1e-14)
    assert len(reduced.state_names) == kept.size == 118
    whole = np.sort_complex(np.asarray(stability(density, rest).eigenvalues))
    without = stability(reduced, kept)
    zero = np.argsort(np.abs(whole))[:2]
    assert np.abs(whole[zero]).max() < 1e-10
    np.testing.assert_allclose(
        np.sort_complex(np.asarray(without.eigenvalues)), np.delete(whole, zero), atol=1e-7
    )
    assert bool(without.stable)


def test_a_normal_density_has_its_moments():
    grid = VoltageGrid(-20.0, 40.0, 600)
    rows = grid.normal_density([5.0, -3.0], [3.0, 2.0])
    width, centres = float(grid.width), np.asarray(grid.centres)
    np.testing.assert_allclose(width * rows.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(width * rows @ centres, [5.0, -3.0], atol=1e-9)
    # Cell averages add the variance of a point within its cell.
    second = width * (rows @ centres**2) - np.array([25.0, 9.0])
    np.testing.assert_allclose(second, np.array([9.0, 4.0]) + width**2 / 12, rtol=1e-8)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hazard": Constant(-0.1)}, "hazard must not be negative"),
        ({"hazard": Constant(np.nan)}, "hazard must be finite"),
        ({"drift": Constant(np.inf)}, "drift must be finite"),
        ({"hazard": lambda v: jnp.sum(v)}, "hazard must give one value"),
        ({"reset": 50.0}, "reset must lie within the grid"),
        ({"noise": [1.0, 2.0, 3.0]}, "noise must be one value or one for each of 1 types"),
        ({"drift": LinearDrift([20.0, 10.0, 5.0], 0.0)}, "drift .*1 types"),
        ({"threshold": 20.0}, "threshold must be infinite"),
        ({"hazard": None, "threshold": 20.0}, "hazard must be given"),
        ({"refractory_period": 2.0}, "refractory_period must be 0"),
        ({"delay": 1.5}, "delay must be 0"),
        ({"synaptic_time_constant": 5.0}, "synaptic_time_constant must be 0"),
        ({"poisson_rate": 1.0, "poisson_jump": 0.1}, "poisson_rate must be 0"),
    ],
)
def test_what_the_equation_does_not_have_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        leaky(**fields)


def test_a_grid_and_a_second_moment_must_make_sense():
    with pytest.raises(ValueError, match="upper must lie above lower"):
        VoltageGrid(3.0, 1.0, 100)
    with pytest.raises(ValueError, match="cells must be at least 8, got 4"):
        VoltageGrid(0.0, 1.0, 4)
    with pytest.raises(ValueError, match="lower must be finite"):
        VoltageGrid(-np.inf, 1.0, 10)
    with pytest.raises(ValueError, match="mean must lie within"):
        VoltageGrid(0.0, 1.0, 10).normal_density(2.0, 0.1)
    with pytest.raises(ValueError, match="deviation must be positive"):
        VoltageGrid(0.0, 1.0, 10).normal_density(0.5, 0.0)
    one = leaky()
    two = StepKernel(np.ones((2, 2)), np.full(2, 0.5))
    with pytest.raises(ValueError, match="second_moment must have the 1 types"):
        PopulationDensity(one.neurons, one.kernel, one.grid, second_moment=two)
