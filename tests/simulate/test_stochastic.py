import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_systems import linear_noise

from neuropil.simulate import NonStiff, StochasticEuler, StochasticHeun, integrate
from neuropil.simulate.time_grid import time_grid
from neuropil.system import AbstractNoisySystem

N = 4_000
METHODS = [StochasticEuler, StochasticHeun]
# One number of saved times and one limit for all, so that each method is compiled once.
SETTINGS = {"save_at": [0.0, 0.5, 1.0], "duration": 1.0, "maximum_steps": 2048}


def run(method, seed=0, *, start=0.0, duration=1.0, **system):
    settings = SETTINGS | {"duration": duration, "save_at": np.array([0.0, 0.5, 1.0]) * duration}
    return integrate(
        linear_noise(N, **system), method, np.full(N, start), key=jax.random.key(seed), **settings
    ).states


@pytest.mark.parametrize(
    "method", [StochasticHeun, pytest.param(StochasticEuler, marks=pytest.mark.slow)]
)
def test_ornstein_uhlenbeck_processes_have_their_stationary_variance(method):
    rate, noise, step = 0.05, 0.3, 2.0
    states = run(method(step), rate=rate, additive=noise, duration=256.0)
    # One step multiplies by `factor` and adds the noise of a step times `passed`, so that the
    # variance of the discrete process is known exactly; the continuous one has sigma^2 / (2 rate).
    h = rate * step
    factor, passed = (1 - h, 1.0) if method is StochasticEuler else (1 - h + h**2 / 2, 1 - h / 2)
    discrete = passed**2 * noise**2 * step / (1 - factor**2)
    uncertainty = np.sqrt(2 / N)
    for row in states[1:]:
        assert row.var() / discrete == pytest.approx(1.0, abs=4 * uncertainty)
        assert abs(row.mean()) < 4 * np.sqrt(discrete / N)
    # Half the time apart the correlation is exp(-128 rate) = 0.002: none.
    assert abs(np.corrcoef(states[1], states[2])[0, 1]) < 4 / np.sqrt(N)
    if method is StochasticHeun:
        assert discrete == pytest.approx(noise**2 / (2 * rate), rel=3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_increments_have_the_variance_of_their_time(method):
    # 50 steps, not a power of two.
    w = run(method(0.02), additive=1.0)
    for increment, time in ((w[1] - w[0], 0.5), (w[2] - w[1], 0.5), (w[2] - w[0], 1.0)):
        assert increment.var() / time == pytest.approx(1.0, abs=4 * np.sqrt(2 / N))
    assert abs(np.corrcoef(w[1] - w[0], w[2] - w[1])[0, 1]) < 4 / np.sqrt(N)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "order"), [(StochasticEuler, 0.5), (StochasticHeun, 1.0)])
def test_paths_converge_to_geometric_brownian_motion_in_the_ito_sense(method, order):
    rate, noise = 0.4, 0.8
    steps = 2.0 ** -np.arange(3, 8)
    path = run(StochasticEuler(1 / 128), additive=1.0)[-1]
    exact = np.exp(-(rate + noise**2 / 2) + noise * path)
    errors = [
        np.sqrt(
            np.mean((run(method(h), start=1.0, rate=rate, multiplicative=noise)[-1] - exact) ** 2)
        )
        for h in steps
    ]
    measured = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert measured == pytest.approx(order, abs=0.1)
    assert errors[-1] < 0.1 * exact.std()


def test_the_key_decides():
    method = StochasticEuler(0.5)
    np.testing.assert_array_equal(run(method, 1, additive=1.0), run(method, 1, additive=1.0))
    assert not np.any(run(method, 1, additive=1.0)[1] == run(method, 2, additive=1.0)[1])


class Shared(AbstractNoisySystem):
    """The noise on the second component grows with the first."""

    @property
    def state_names(self):
        return ("x", "y")

    @property
    def state_unit(self):
        return ""

    def vector_field(self, time, state):
        return -state

    def noise_amplitude(self, time, state):
        return jnp.stack([1.0 + state[0] ** 2, state[0] * state[1]])


def test_bad_input_is_refused():
    system, key = linear_noise(2, additive=1.0), jax.random.key(0)
    start = [1.0, 2.0]
    for method in METHODS:
        with pytest.raises(ValueError, match="key must be a typed JAX key"):
            integrate(system, method(0.1), start, duration=1.0)
        with pytest.raises(ValueError, match=r"step must be positive and finite, got 0\.0"):
            method(0.0)
        with pytest.raises(ValueError, match=r"save_at must lie a whole number of steps"):
            integrate(system, method(0.1), start, duration=1.0, save_at=[0.25, 1.0], key=key)
        with pytest.raises(ValueError, match=r"duration must lie a whole number of steps"):
            integrate(system, method(0.3), start, duration=1.0, save_at=[0.3], key=key)
        with pytest.raises(ValueError, match="times must lie a whole number of steps"):
            integrate(system, method(0.3), start, times=[0.1, 0.4, 0.8], key=key)
        with pytest.raises(ValueError, match="jumps must be empty for a method of fixed steps"):
            integrate(system, method(0.1), start, duration=1.0, jumps=[0.5], key=key)
    with pytest.raises(ValueError, match="key must be None for a method that draws no random"):
        integrate(system, NonStiff(), start, duration=1.0, key=key)
    with pytest.raises(ValueError, match="system has noise on y that depends on another component"):
        integrate(Shared(), StochasticHeun(0.1), start, duration=1.0, key=key)


def test_times_are_chosen_on_the_grid_of_steps():
    grid = time_grid(None, 10.0, None, (), jnp.asarray(0.002))
    assert grid.saved.size == 1001
    np.testing.assert_allclose(
        grid.saved / 0.002, np.round(np.asarray(grid.saved) / 0.002), atol=1e-8
    )
    assert grid.saved[-1] == 10.0
    few = time_grid(None, 1.0, None, (), jnp.asarray(0.25))
    np.testing.assert_array_equal(few.saved, [0.0, 0.25, 0.5, 0.75, 1.0])
    free = time_grid(None, 2.0, None, (), None)
    np.testing.assert_allclose(free.saved, np.linspace(0.0, 2.0, 1001), atol=1e-15)
