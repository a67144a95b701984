"""Both methods for conductance-based circuits against plain Python, closed forms and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conductance_cells import Passive, scalar_pyloric

from neuropil.circuits import (
    StomatogastricGanglion,
    pyloric_circuit_5a,
    pyloric_circuits,
    pyloric_parameters,
)
from neuropil.result import NotSolved
from neuropil.simulate import (
    ExponentialEuler,
    TabulatedEuler,
    conductance_spikes,
    exponential_euler_step,
    find_bursts,
    triphasic_rhythm,
)

CIRCUIT = pyloric_circuit_5a()
DRIVE = jnp.full(3, 0.008)
DRIVEN = StomatogastricGanglion(CIRCUIT.maximal_conductances, CIRCUIT.synaptic_conductances, DRIVE)
SPREAD = np.random.default_rng(0).uniform(0.8, 1.2, (11, 3, 8))
MANY = jax.vmap(StomatogastricGanglion)(
    np.asarray(CIRCUIT.maximal_conductances) * SPREAD,
    jnp.tile(CIRCUIT.synaptic_conductances, (11, 1)),
    jnp.tile(DRIVE, (11, 1)),
)
METHODS = {"table": TabulatedEuler(), "arrays": ExponentialEuler()}
KEY = jax.random.key(3)


def chosen(systems, numbers):
    return jax.tree.map(lambda leaf: leaf[np.asarray(numbers)], systems)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        (METHODS["table"], 5e-5),
        (TabulatedEuler(voltage_spacing=0.05), 5e-7),
        (METHODS["arrays"], 1e-10),
    ],
    ids=["table", "fine table", "arrays"],
)
def test_voltages_are_those_of_a_scalar_formulation(method, tolerance):
    # Where a spike rises by 300 mV/ms, the table's error of 1e-7 shows as 2e-5 mV.
    found = conductance_spikes(DRIVEN, method, duration=40.0, sample_every=1)
    expected = scalar_pyloric(
        np.asarray(CIRCUIT.maximal_conductances) * CIRCUIT.area,
        np.asarray(CIRCUIT.synaptic_conductances),
        [0.008] * 3,
        0.025,
        1600,
    )
    np.testing.assert_allclose(found.voltages[0], expected, rtol=0, atol=tolerance)
    rises = [np.sum((v[:-1] < -10) & (v[1:] >= -10)) for v in expected.T]
    assert min(rises) > 0
    np.testing.assert_array_equal(found.counts[0], rises)
    for cell, v in enumerate(expected.T):
        step = np.flatnonzero((v[:-1] < -10) & (v[1:] >= -10))
        share = (-10 - v[step]) / (v[step + 1] - v[step])
        np.testing.assert_allclose(
            found.of(0, CIRCUIT.cell_names[cell]), 0.025 * (step + share), rtol=0, atol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("gates_first", [False, True])
def test_both_methods_agree_on_every_variable(gates_first):
    found = [
        conductance_spikes(MANY, type(method)(gates_first=gates_first), duration=25.0)
        for method in METHODS.values()
    ]
    np.testing.assert_allclose(found[0].final_states, found[1].final_states, rtol=1e-6, atol=1e-7)


def test_a_short_step_is_the_vector_field():
    state = conductance_spikes(CIRCUIT, METHODS["table"], duration=60.0).final_states[0]
    step = 1e-6
    change = (exponential_euler_step(CIRCUIT, jnp.asarray(state), step) - state) / step
    field = CIRCUIT.vector_field(jnp.zeros(()), jnp.asarray(state))
    np.testing.assert_allclose(change, field, rtol=1e-4, atol=1e-7)


def test_the_error_falls_with_the_step():
    ends = []
    for step in (0.04, 0.02, 0.01):
        method = TabulatedEuler(step=step, table_tolerance=1e-5)
        ends.append(conductance_spikes(CIRCUIT, method, duration=4.0).final_states[0, :3])
    coarse, fine = np.abs(ends[0] - ends[1]), np.abs(ends[1] - ends[2])
    assert np.all(fine > 0)
    np.testing.assert_allclose(coarse / fine, 2.0, rtol=0.1)


def test_gates_that_move_first_make_the_error_fall_with_the_square_of_the_step():
    """Intervals between spikes of the driven cells: what a step does to them, and half of it."""

    def interval(step, gates_first):
        method = TabulatedEuler(step=step, gates_first=gates_first, table_tolerance=1e-5)
        found = conductance_spikes(MANY, method, duration=200.0)
        return np.array([np.diff(found.of(circuit, "LP"))[2] for circuit in range(11)])

    exact = interval(0.00125, True)
    for gates_first, order in ((False, 1), (True, 2)):
        coarse, fine = (np.abs(interval(step, gates_first) - exact) for step in (0.04, 0.02))
        assert np.median(coarse / fine) == pytest.approx(2.0**order, rel=0.25)
        last = fine
    assert np.median(last) < 0.1 * np.median(np.abs(interval(0.02, False) - exact))


def test_the_reference_circuit_is_pyloric():
    # The periods are those of a scalar formulation of the published equations over 11 s.
    found = conductance_spikes(CIRCUIT, METHODS["table"], duration=11_000.0)
    bursts = find_bursts(found)
    rhythm = triphasic_rhythm(bursts)
    periods = [
        np.diff(bursts.begins[0, cell, : bursts.counts[0, cell]]).mean() for cell in range(3)
    ]
    np.testing.assert_allclose(periods, [1699.72, 1700.81, 1706.81], rtol=0, atol=0.03)
    assert rhythm.is_pyloric[0]
    assert np.all(np.isfinite(rhythm.statistics))


def test_results_depend_neither_on_the_others_nor_on_workers():
    method = TabulatedEuler(noise=0.001)
    whole = conductance_spikes(MANY, method, duration=60.0, key=KEY, workers=2)
    three = conductance_spikes(chosen(MANY, [0, 1, 2]), method, duration=60.0, key=KEY, workers=1)
    np.testing.assert_array_equal(whole.final_states[:3], three.final_states)
    np.testing.assert_array_equal(whole.counts[:3], three.counts)
    order = np.random.default_rng(1).permutation(11)
    quiet = conductance_spikes(MANY, METHODS["table"], duration=60.0)
    mixed = conductance_spikes(chosen(MANY, order), METHODS["table"], duration=60.0)
    np.testing.assert_array_equal(quiet.final_states[order], mixed.final_states)


@pytest.mark.parametrize("name", METHODS)
def test_a_passive_cell_relaxes_and_fluctuates_as_a_filter(name):
    # 3 mS/cm^2 on 0.5 cm^2 and 2 uF: a time constant of 4/3 ms.
    step, sigma, n = 0.5, 4.0, 600
    quiet = type(METHODS[name])(step=step)
    one = Passive(jnp.array([[3.0]]))
    found = conductance_spikes(
        one, quiet, np.array([-20.0, 0.05]), duration=5.0, sample_every=1, threshold=0.0
    )
    expected = -60 + 40 * np.exp(-found.sample_times * 0.75)
    np.testing.assert_allclose(found.voltages[0, :, 0], expected, rtol=1e-12)

    noisy = type(METHODS[name])(step=step, noise=sigma)
    many = jax.vmap(Passive)(jnp.full((n, 1, 1), 3.0))
    found = conductance_spikes(many, noisy, duration=20.0, sample_every=1, threshold=60.0, key=KEY)
    voltages = found.voltages[:, :, 0]
    kept = np.exp(-step * 0.75)
    deviation = sigma / 1.5 * (1 - kept) / np.sqrt(1 - kept**2)
    late = voltages[:, -1] + 60
    assert abs(late.mean()) < 4 * deviation / n**0.5
    assert abs(late.std() / deviation - 1) < 4 / (2 * n) ** 0.5
    innovations = voltages[:, 1:] + 60 - kept * (voltages[:, :-1] + 60)
    between = np.corrcoef(innovations[:, -2], innovations[:, -1])[0, 1]
    assert abs(between) < 4 / n**0.5


def test_white_noise_does_not_depend_on_the_step():
    n, deviations = 600, []
    for step in (0.1, 0.05):
        method = TabulatedEuler(step=step, noise=8.0, noise_is_white=True)
        many = jax.vmap(Passive)(jnp.full((n, 1, 1), 3.0))
        found = conductance_spikes(many, method, duration=8.0, threshold=100.0, key=KEY)
        deviations.append(found.final_states[:, 0].std())
    assert abs(deviations[0] / deviations[1] - 1) < 0.05 + 4 / n**0.5


@pytest.mark.parametrize("name", ["table", pytest.param("arrays", marks=pytest.mark.slow)])
def test_a_full_record_ends_its_own_circuit_only(name):
    circuits = jax.vmap(StomatogastricGanglion)(
        MANY.maximal_conductances[:3],
        MANY.synaptic_conductances[:3],
        jnp.array([[0.016] * 3, [0.0] * 3, [0.016] * 3]),
    )
    free = conductance_spikes(circuits, METHODS[name], duration=60.0)
    allowed = int(free.counts.max(axis=1)[[0, 2]].min()) - 1
    assert allowed > 1
    found = conductance_spikes(
        circuits, METHODS[name], duration=60.0, maximum_spikes=allowed, throw=False
    )
    full = np.array([True, False, True])
    np.testing.assert_array_equal(found.is_complete, ~full)
    np.testing.assert_array_equal(found.counts[~full], free.counts[~full])
    np.testing.assert_array_equal(found.counts[full].max(axis=1), allowed)
    assert np.all(found.end_times[full] < 60)
    with pytest.raises(NotSolved, match=r"`maximum_spikes`"):
        found.raise_unless_successful()


def test_a_circuit_that_diverges_loses_only_itself():
    wild = jax.vmap(StomatogastricGanglion)(
        MANY.maximal_conductances[:3],
        MANY.synaptic_conductances[:3],
        jnp.array([[0.0] * 3, [0.0, 5.0, 0.0], [0.0] * 3]),
    )
    found = conductance_spikes(wild, METHODS["table"], duration=50.0, sample_every=400, throw=False)
    alone = conductance_spikes(chosen(wild, [0, 2]), METHODS["table"], duration=50.0)
    np.testing.assert_array_equal(found.is_complete, [True, False, True])
    np.testing.assert_array_equal(found.final_states[[0, 2]], alone.final_states)
    assert np.all(np.isnan(found.voltages[1, -1]))
    with pytest.raises(NotSolved, match=r"1 of 3 .* LP at .* widen `lowest_voltage`"):
        conductance_spikes(wild, METHODS["table"], duration=50.0)


def test_the_error_of_the_table_is_what_it_says():
    table = TabulatedEuler().table(CIRCUIT)
    volts = np.random.default_rng(2).uniform(-150, 150, 2000)
    rows = table.rows.reshape(-1, 3, 4, table.width)
    place = (volts - table.lowest) / table.spacing
    row = place.astype(int)
    powers = (place - row)[:, None] ** np.arange(3)
    found = np.einsum("vp,vpkc->vkc", powers, rows[row])
    m, h = CIRCUIT.activation(jnp.asarray(volts)), CIRCUIT.inactivation(jnp.asarray(volts))
    for kind, gates, n in ((0, m, 7), (2, h, 4)):
        steady = np.abs(found[:, kind, :n] - gates.steady_states[:, :n])
        exact = -np.expm1(-0.025 / np.asarray(gates.time_constants[:, :n]))
        assert steady.max() < 1.05 * table.steady_error < 1e-6
        moved = np.abs(found[:, kind + 1, :n] / exact - 1)
        assert moved.max() < 1.05 * table.relaxation_error < 1e-6


def test_progress_is_told_and_rows_become_circuits():
    ranges = pyloric_parameters()
    rows = ranges.lower + (ranges.upper - ranges.lower) * np.linspace(0.2, 0.8, 9)[:, None]
    told = []
    found = conductance_spikes(
        pyloric_circuits(rows),
        METHODS["table"],
        duration=10.0,
        progress=lambda done, total: told.append((done, total)),
        throw=False,
    )
    assert found.n_circuits == 9
    assert told[-1] == (9, 9)
    assert found.to_xarray()["spike_time"].dims == ("circuit", "cell", "spike")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"duration": 0.0}, "duration must be finite and at least one step"),
        ({"duration": 1.0, "threshold": np.nan}, "threshold must be finite"),
        ({"duration": 1.0, "workers": 0}, "workers must be at least 1, got 0"),
        ({"duration": 1.0, "sample_every": 0}, "sample_every must be at least 1"),
        ({"duration": 1.0, "key": KEY}, "key must be None"),
        ({"duration": 1.0, "start": np.zeros(3)}, "start must be one state of 46 numbers"),
        ({"duration": 1.0, "start": np.full(46, np.nan)}, "start holds numbers"),
        ({"duration": 1.0, "start": np.zeros(46)}, "positive concentrations of calcium"),
    ],
)
def test_bad_input_is_named(options, text):
    with pytest.raises(ValueError, match=text):
        conductance_spikes(CIRCUIT, METHODS["table"], **options)


def test_bad_methods_are_named():
    for options, text in (
        ({"step": 0.0}, "step must be positive"),
        ({"noise": -1.0}, "noise must be finite and not negative"),
        ({"voltage_spacing": 0.0}, "voltage_spacing must be positive"),
        ({"lowest_voltage": 10.0, "highest_voltage": 0.0}, "lowest_voltage must lie below"),
    ):
        with pytest.raises(ValueError, match=text):
            TabulatedEuler(**options)
    with pytest.raises(ValueError, match="key must be given"):
        conductance_spikes(CIRCUIT, TabulatedEuler(noise=0.001), duration=1.0)
    with pytest.raises(ValueError, match=r"use a smaller `voltage_spacing` than 4\.0 mV"):
        conductance_spikes(CIRCUIT, TabulatedEuler(voltage_spacing=4.0), duration=1.0)
