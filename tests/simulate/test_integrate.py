import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from toy_systems import Given, Linear, traces

from neuropil.circuits import tripartite_motif_figure_2
from neuropil.result import NotSolved, Outcome
from neuropil.simulate import NonStiff, Stiff, StochasticEuler, integrate

TIMES = np.array([0.5, 0.9, 1.4, 2.5])
SPIRAL = np.array([[-0.3, -2.0], [2.0, -0.3]])


def exact(matrix, start, times):
    return np.array([scipy.linalg.expm(matrix * (t - times[0])) @ start for t in times])


@pytest.mark.parametrize(
    "method", [NonStiff(1e-9, 1e-11), NonStiff(1e-9, 1e-11, order=8), Stiff(1e-9, 1e-11)]
)
def test_linear_systems_follow_the_matrix_exponential(method):
    generator = np.random.default_rng(0)
    for matrix in (SPIRAL, generator.normal(size=(2, 2)), np.diag([-3.0, 0.5])):
        start = generator.normal(size=2)
        found = integrate(Linear(jnp.asarray(matrix)), method, start, times=TIMES)
        np.testing.assert_allclose(found.states, exact(matrix, start, TIMES), atol=2e-8)
        np.testing.assert_array_equal(found.times, TIMES)
        assert found.outcome == Outcome.SUCCESSFUL
        assert found.end_time == TIMES[-1]
        assert found.failure == ""


def test_a_stiff_method_takes_few_steps_where_time_scales_differ():
    rates = np.array([1e5, 1.0])
    # In a turned basis, so that both components hold both rates.
    turn = scipy.linalg.expm(np.array([[0.0, -0.7], [0.7, 0.0]]))
    matrix, start = -turn * rates @ turn.T, np.array([1.0, 2.0])
    found = integrate(Linear(jnp.asarray(matrix)), Stiff(), start, times=TIMES)
    np.testing.assert_allclose(found.states, exact(matrix, start, TIMES), atol=2e-5)
    explicit = integrate(Linear(jnp.asarray(matrix)), NonStiff(), start, times=TIMES)
    assert found.n_steps < 100
    assert explicit.n_steps > 100 * found.n_steps


def test_errors_fall_with_the_tolerance():
    start = np.array([1.0, 0.0])
    times = np.linspace(0.0, 20.0, 4)
    solution = exact(SPIRAL * [[0.0, 1.0], [1.0, 0.0]], start, times)
    system = Linear(jnp.asarray(SPIRAL * [[0.0, 1.0], [1.0, 0.0]]))
    tolerances = 10.0 ** -np.arange(4, 12)
    runs = [integrate(system, NonStiff(r, r / 100), start, times=times) for r in tolerances]
    errors = np.array([np.abs(run.states - solution).max() for run in runs])
    steps = np.array([int(run.n_steps) for run in runs])
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    assert 0.8 < slope < 1.3
    # A formula of order 5 needs 10**(1/5) times the steps for a tenth of the tolerance.
    order = -1 / np.polyfit(np.log(tolerances), np.log(steps), 1)[0]
    assert 4.5 < order < 6.0


def test_another_call_with_other_values_compiles_nothing():
    method = NonStiff(1e-5, 1e-6)
    integrate(Linear(jnp.asarray(SPIRAL)), method, [1.0, 0.0], times=TIMES)
    before = len(traces)
    again = integrate(
        Linear(jnp.asarray(-np.eye(2))), NonStiff(1e-9, 1e-10), [3.0, 4.0], times=TIMES + 1.0
    )
    assert len(traces) == before
    np.testing.assert_allclose(again.states, np.exp(0.5 - TIMES)[:, None] * [3.0, 4.0], rtol=1e-7)
    integrate(Linear(jnp.asarray(-np.eye(2))), method, [3.0, 4.0], times=TIMES[:3])
    assert len(traces) > before


@pytest.mark.slow
def test_parameters_and_starts_are_batched():
    decays = jnp.asarray([0.1, 1.0, 3.0])
    starts = jnp.asarray([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])

    def run(decay, start):
        return integrate(
            Linear(-decay * jnp.eye(2)), NonStiff(1e-9, 1e-11), start, times=TIMES, throw=False
        )

    found = jax.vmap(run)(decays, starts)
    expected = np.exp(-decays[:, None] * (TIMES - TIMES[0])[None])[..., None] * starts[:, None]
    np.testing.assert_allclose(found.states, expected, atol=1e-8)
    assert found.outcome.shape == (3,)
    np.testing.assert_allclose(found.final_state, expected[:, -1], atol=1e-8)
    found.raise_unless_successful()


@pytest.mark.slow
def test_a_trajectory_is_differentiable():
    def last(decay):
        system = Linear(-decay * jnp.eye(2))
        method = NonStiff(1e-9, 1e-11)
        run = integrate(system, method, [1.0, 2.0], times=TIMES, throw=False, maximum_steps=256)
        return run.final_state[0]

    # d/dk exp(-2 k) at k = 0.7.
    np.testing.assert_allclose(jax.grad(last)(0.7), -2.0 * np.exp(-1.4), rtol=1e-7)


def explosion(time, state, rates):
    """dy/dt = rate y^2, which reaches infinity at 1 / (rate y(0)); where the rate is negative the
    vector field ends at that time instead, without y being large."""
    del time
    ends = jnp.where(state > 0.5, -1.0, jnp.nan)
    return jnp.where(rates >= 0, rates * state**2, ends)


@pytest.mark.parametrize(
    ("rates", "when", "which"),
    [([0.0, 1.0], 0.5, "beta"), ([0.8, 0.1], 0.625, "alpha"), ([0.0, -1.0], 1.5, "beta")],
)
def test_a_flow_that_ends_says_when_and_in_which_variable(rates, when, which):
    system = Given(explosion, jnp.asarray(rates), ("alpha", "beta"))
    options = {"duration": 3.0, "save_at": [0.0, 0.4, 2.0]}
    with pytest.raises(NotSolved, match=rf"{which} left the finite range at {when}\d* ms"):
        integrate(system, NonStiff(), [2.0, 2.0], **options)
    found = integrate(system, NonStiff(), [2.0, 2.0], throw=False, **options)
    assert found.outcome == Outcome.NOT_FINITE
    assert found.end_time == pytest.approx(when, abs=1e-5)
    assert found.system_names[found.failing_component] == which
    assert np.all(np.isfinite(found.states[:2]))
    assert np.all(np.isnan(found.states[2]))
    np.testing.assert_array_equal(found.times, [0.0, 0.4, 2.0])


@pytest.mark.slow
def test_too_few_steps_are_an_outcome_of_their_own():
    found = integrate(
        Linear(jnp.asarray(SPIRAL)),
        NonStiff(),
        [1.0, 0.0],
        times=TIMES,
        maximum_steps=3,
        throw=False,
    )
    assert found.outcome == Outcome.MAXIMUM_STEPS_REACHED
    assert TIMES[0] < found.end_time < TIMES[-1]
    assert found.n_steps == 3
    with pytest.raises(NotSolved, match=r"stopped at [\d.]+ ms, fast in y\d.*raise `max_steps`"):
        found.raise_unless_successful()


def test_nothing_happens_between_samples_unnoticed():
    """A brief pulse of input is caught when its edges are given, and only the chosen parts kept."""

    def pulse(time, state, edges):
        is_on = (time > edges[0]) & (time < edges[1])
        return jnp.stack([jnp.where(is_on, 1000.0, 0.0), -state[1]])

    edges = [70.0, 70.001]
    system = Given(pulse, jnp.asarray(edges), ("charge", "rest"))
    found = integrate(
        system,
        NonStiff(),
        [0.0, 1.0],
        duration=100.0,
        save_at=[69.0, 71.0],
        jumps=edges,
        components=["charge"],
    )
    assert found.names == ("charge",)
    np.testing.assert_allclose(found.states, [[0.0], [1.0]], atol=1e-9)


@pytest.mark.slow
def test_the_motif_settles_at_its_stable_equilibria_and_stays_in_its_box():
    circuit = tripartite_motif_figure_2()
    box = circuit.invariant_box()
    starts = jax.random.uniform(jax.random.key(2), (24, 5), minval=box.lower, maxval=box.upper)

    def run(start):
        return integrate(
            circuit,
            NonStiff(),
            start,
            duration=30_000.0,
            save_at=np.linspace(0, 3e4, 61),
            throw=False,
        )

    found = jax.vmap(run)(starts)
    found.raise_unless_successful()
    assert np.all(
        (np.asarray(box.lower) - 1e-6 <= np.asarray(found.states))
        & (np.asarray(found.states) <= np.asarray(box.upper) + 1e-6)
    )
    stable = np.array(
        [
            (
                0.576018421736738,
                -1.229100353377734,
                -1.152010262048436,
                1.78145627182456,
                1.448910276009761,
            ),
            (
                0.566698396001891,
                0.445919388106698,
                0.419359269628207,
                0.650663131463277,
                3.88969172548797,
            ),
        ]
    )
    distances = np.abs(np.asarray(found.final_state)[:, None] - stable).max(-1)
    assert np.all(distances.min(1) < 1e-5)
    assert set(distances.argmin(1)) == {0, 1}


SYSTEM = Linear(jnp.asarray(SPIRAL))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "times or duration must be given, one of them; got neither"),
        ({"times": TIMES, "duration": 1.0}, "got both"),
        ({"times": [1.0, 0.5]}, "times must ascend, got 1 before 0.5 ms"),
        ({"times": [1.0, 1.0]}, "times must ascend, got 1 before 1 ms"),
        ({"times": [1.0]}, "times must be a sequence of at least 2 times"),
        ({"times": [0.0, np.inf]}, "times must be finite, got inf"),
        ({"times": TIMES, "save_at": [1.0]}, "save_at goes with duration"),
        ({"duration": 0.0}, "duration must be positive and finite, got 0.0 ms"),
        ({"duration": -1.0}, "duration must be positive and finite, got -1.0 ms"),
        ({"duration": np.nan}, "duration must be positive and finite, got nan ms"),
        ({"duration": 1.0, "save_at": []}, "save_at must be a sequence of at least 1 times"),
        ({"duration": 1.0, "save_at": [0.5, 0.2]}, "save_at must ascend"),
        ({"duration": 1.0, "save_at": [0.5, 2.0]}, "save_at must lie between 0 and the duration"),
        ({"duration": 1.0, "jumps": [0.3, np.nan]}, "jumps must be finite, got nan"),
        ({"duration": 1.0, "start": [1.0]}, r"start must hold one value for each of 2 .*\(1,\)"),
        (
            {"duration": 1.0, "start": [1.0, np.nan]},
            "start must be finite, got nan for component 1",
        ),
        (
            {"duration": 1.0, "components": ["x"]},
            "components must be one or more of y0, y1; got 'x'",
        ),
        ({"duration": 1.0, "components": []}, "one or more of y0, y1; got 'none'"),
        ({"duration": 1.0, "maximum_steps": 0}, "maximum_steps must be at least 1, got 0"),
        (
            {"duration": 1.0, "key": jax.random.key(0)},
            "key must be None for a method that draws no",
        ),
        (
            {"duration": 1.0, "method": StochasticEuler(0.1), "key": jax.random.key(0)},
            "system must be an AbstractNoisySystem for this method, got Linear",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_compiled(changes, message):
    arguments = {"method": NonStiff(), "start": [1.0, 0.0]} | changes
    method, start = arguments.pop("method"), arguments.pop("start")
    before = len(traces)
    with pytest.raises(ValueError, match=message):
        integrate(SYSTEM, method, start, **arguments)
    assert len(traces) == before


def test_failure_cannot_raise_inside_compiled_code():
    with pytest.raises(ValueError, match=r"throw must be False inside jax\.vmap"):
        jax.vmap(lambda start: integrate(SYSTEM, NonStiff(), start, duration=1.0))(jnp.ones((3, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NonStiff(0.0), "relative_tolerance must be positive and finite, got 0.0"),
        (lambda: NonStiff(1e-6, -1.0), "absolute_tolerance must be positive and finite, got -1.0"),
        (lambda: Stiff(np.inf), "relative_tolerance must be positive and finite, got inf"),
        (lambda: NonStiff(order=4), "order must be 5 or 8, got 4"),
    ],
)
def test_methods_refuse_tolerances_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()
