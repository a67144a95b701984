"""The study gong-2023-bandits at toy size: its pieces against known answers and each other."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neuropil.circuits import NeuroGlialNetwork
from neuropil.connectivity.hyperedges import NeuroGlialWiring
from neuropil.learning import NeuroGliaCell
from neuropil.studies import Verdict
from neuropil.studies.gong_2023_bandits import STUDY, agents
from neuropil.studies.gong_2023_bandits.claims.changing import escalates, near_stationary
from neuropil.studies.gong_2023_bandits.claims.of_seeds import p_lower, p_paired, verdict
from neuropil.studies.gong_2023_bandits.claims.readings import table_of_readings
from neuropil.studies.gong_2023_bandits.contexts import HIGH, table
from neuropil.studies.gong_2023_bandits.equilibria import equilibria, layers
from neuropil.studies.gong_2023_bandits.readings import OURS
from neuropil.studies.gong_2023_bandits.runs import compared, settings
from neuropil.studies.gong_2023_bandits.summaries import (
    pace,
    starts_of_visits,
    summary,
    together,
)
from neuropil.studies.gong_2023_bandits.tasks import task
from neuropil.studies.gong_2023_bandits.time_scales import ratio_of

KEY = jax.random.key(0)
TASKS = ("stationary", "flip-flop", "square", "smooth", "eight-stationary", "eight-flip-flop")


@pytest.fixture(scope="module")
def small():
    configuration = copy.deepcopy(STUDY.configuration("quick"))
    configuration["seeds"] = 3
    configuration["networks"] |= {"neurons": 6, "astrocytes": 3, "units": 4, "window": 1}
    configuration["flip-flop"] |= {"duration": 100, "visits": 4}
    return configuration


def test_every_shard_has_a_name_of_its_own_and_headlines_are_among_them():
    for scale in ("quick", "paper"):
        configuration = STUDY.configuration(scale)
        names = [shard.name for shard in STUDY.shards(configuration)]
        assert len(set(names)) == len(names)
        assert set(STUDY.headlines(configuration)) < set(names)


def test_both_scales_ask_the_same_questions():
    quick, paper = (STUDY.configuration(scale) for scale in ("quick", "paper"))
    assert quick.keys() == paper.keys()
    assert min(quick["seeds"], paper["seeds"]) >= 10
    assert (paper["networks"]["neurons"], paper["networks"]["astrocytes"]) == (128, 64)


@pytest.mark.parametrize("name", TASKS)
def test_all_contexts_come_in_every_cycle(name):
    chosen = task(STUDY.configuration("quick"), name)
    labels = np.asarray(jax.vmap(chosen.bandit.label)(jnp.arange(chosen.trials)))
    cycle = chosen.cycle * chosen.duration
    assert set(labels[:cycle]) == set(labels)
    assert (len(set(labels)) > 1) == chosen.switches
    if chosen.switches:
        assert chosen.trials % cycle == 0
        # At the instants of a switch the sine of a whole number of turns is zero up to rounding.
        assert np.mean(labels[cycle:] != labels[:-cycle]) < 3e-3


def test_a_summary_keeps_what_was_lost():
    regret = np.random.default_rng(0).random((3, 400)).astype(np.float32)
    found = summary(regret, 100, switches=True, at_random=0.5)
    np.testing.assert_allclose(found.final, regret.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found.total[:, -1], found.final, rtol=1e-5)
    np.testing.assert_allclose(
        found.by_visit * 100, regret.reshape(3, 4, 100).sum(axis=2), rtol=1e-5
    )
    np.testing.assert_allclose(found.after_switch.mean("bin"), found.by_visit, rtol=1e-5)
    assert starts_of_visits(found) == [100, 200, 300]


@pytest.mark.slow
def test_values_put_in_place_are_as_values_given(small):
    chosen = task(small, "flip-flop")
    several = settings(agents.neuroglia(small), ratio_of, {"1": 1.0, "0.01": 0.01})
    given = {
        "1": agents.neuroglia(small, time_scale_ratio=1.0),
        "0.01": agents.neuroglia(small, time_scale_ratio=0.01),
    }
    found, expected = (compared(each, chosen, 3, KEY) for each in (several, given))
    xr.testing.assert_equal(found, expected)


def test_what_stops_losing_and_what_goes_on_is_told_apart(small):
    rng = np.random.default_rng(1)

    def shard(name, pace):
        regret = rng.random((10, 400)) * np.repeat(pace, 200)[None, :]
        return together({name: summary(regret, 100, switches=True, at_random=0.25)})

    results = {
        "flip-flop-neuroglia": shard("neuro-glia", [0.5, 0.001]),
        "flip-flop-vanilla": shard("vRNN", [0.5, 0.5]),
        "flip-flop-gru": shard("GRU", [0.5, 0.001]),
        "flip-flop-lstm": shard("LSTM", [0.5, 0.03]),
    }
    assert near_stationary(small, results, "flip-flop").verdict is Verdict.REPRODUCED
    assert escalates(small, results, "flip-flop", "vRNN").verdict is Verdict.REPRODUCED
    for other, why in (("GRU", "becomes stationary, too"), ("LSTM", "less than 10%")):
        claim = escalates(small, results, "flip-flop", other)
        assert claim.verdict is Verdict.NOT_REPRODUCED
        assert why in claim.explanation
    swapped = {"flip-flop-neuroglia": shard("neuro-glia", [0.5, 0.5])}
    assert near_stationary(small, swapped, "flip-flop").verdict is Verdict.NOT_REPRODUCED
    # Uniform regret between 0 and 1/2 is that of chance here.
    last = pace(results["flip-flop-vanilla"].sel(agent="vRNN"))
    np.testing.assert_allclose(last, 1.0, atol=0.15)
    assert [verdict(np.full(3, value)) for value in (0.01, 0.05, 0.9)] == [
        "stationary",
        "slows down",
        "escalates",
    ]


def test_the_table_says_under_which_readings_the_separation_is_necessary():
    def rows(**paces):
        each = {
            scales: summary(np.full((10, 400), value), 100, switches=True, at_random=1.0)
            for scales, value in paces.items()
        }
        return together(each, "scales").assign(cycle=2)

    one = {
        "needed": rows(separate=0.001, equal=0.5),
        "not needed": rows(separate=0.001, equal=0.002),
    }
    empty = together({"needed": rows(separate=0.001, equal=0.5)}, "reading")
    results = {f"readings-{group}": empty for group in OURS}
    results["readings-training"] = together(one, "reading")
    found = table_of_readings(results)
    assert found.verdict is Verdict.NOT_REPRODUCED
    assert found.explanation == "Both together do not hold under not needed."
    results["readings-training"] = empty
    assert table_of_readings(results).verdict is Verdict.REPRODUCED


def test_choosing_at_random_loses_what_it_is_measured_against():
    chosen = task(STUDY.configuration("quick"), "flip-flop")
    # (0.4, 0.92, 0.1) and (0.4, 0.042, 0.1) in turn
    expected = np.mean([0.92 - 1.42 / 3, 0.4 - 0.542 / 3])
    np.testing.assert_allclose(chosen.at_random, expected)


def test_ranks_are_tested_one_sided():
    low, high = np.arange(10.0), np.arange(10.0) + 20
    assert p_lower(low, high) < 1e-4
    assert p_lower(high, low) > 0.99
    # Pairs tell apart what ranks of all values do not.
    assert p_paired(low, low + 0.1) < 1e-2 < p_lower(low, low + 0.1)
    assert p_paired(low, low) == 1.0


def test_one_arm_is_good_in_each_context_and_never_twice_in_a_row():
    means = table(10, 3, KEY)
    good = means.argmax(axis=1)
    assert np.all((means == HIGH).sum(axis=1) == 1)
    assert np.all(np.diff(good) != 0)


@pytest.fixture(scope="module")
def motif() -> NeuroGliaCell:
    """The circuit of Fig. 2 as a cell."""
    wiring = NeuroGlialWiring(
        np.array([0, 1]), np.array([1, 0]), np.array([0, 0]), n_neurons=2, n_astrocytes=1
    )
    network = NeuroGlialNetwork(
        wiring,
        neuron_decay=[0.7, 0.6],
        synapse_decay=[1.6, 1.7],
        astrocyte_decay=0.6,
        hebbian_gain=[12.0, -10.0],
        glial_gain=[-4.0, 5.0],
        coincidence_gain=6.0,
    )
    return NeuroGliaCell.of(
        network,
        neuron_input_weights=np.zeros((2, 1)),
        astrocyte_input_weights=np.zeros((1, 1)),
        readout_weights=np.zeros((2, 2)),
        readout_bias=np.zeros(2),
    )


def test_the_stationary_states_of_figure_2_are_found(motif):
    found = equilibria(motif, jnp.zeros(1), starts=40, key=KEY)
    expected = [[0.567, 0.446, 3.890], [0.576, -1.229, 1.449], [0.705, -0.048, 3.267]]
    order = np.argsort(found.states[:, 0])
    np.testing.assert_allclose(found.states[order], expected, atol=1e-3)


@pytest.mark.slow
def test_neurons_and_synapses_have_their_saddle_node_where_it_is_known(motif):
    # Fig. 2's own parameters: one state below psi(z) = 0.8925, three above.
    modulation = jnp.array([[0.85], [0.8925], [0.93]])
    found = layers(motif, jnp.zeros(1), modulation, starts=40, key=KEY)
    assert [len(each.states) for each in (found[0], found[2])] == [1, 3]
    assert found[2].margin.min() > 1e-2
    near = layers(motif, jnp.zeros(1), jnp.array([[0.8926]]), starts=80, key=KEY)[0]
    assert near.margin.min() < 0.1 * found[0].margin.min()
