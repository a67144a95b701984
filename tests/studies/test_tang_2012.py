import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.studies import load_study
from neuropil.studies.claims import Verdict
from neuropil.studies.identity import canonical
from neuropil.studies.tang_2012.ensemble import run_ensemble, transfer_of
from neuropil.studies.tang_2012.wiring import MOTIFS, network


def small(configuration: dict) -> dict:
    """The study on a few small networks: every step, no statistics to speak of."""
    small = copy.deepcopy(configuration)
    small["strengths"] = [2.0, 10.0, 50.0, 190.0]
    small["resamples"] = 20
    small["ensemble"] |= {
        "networks": 12, "sizes": [20, 40], "uniqueness_networks": 2, "starts": 3,
        "maximum_steps": 200,
    }  # fmt: skip
    networks = small["spiking"]["networks"]
    small["spiking"]["couplings"] = [20.0, 120.0, 200.0, 3800.0]
    for name in networks:
        networks[name][3] = 400.0
        networks[name][2] = networks[name][2] and 60
    small["spiking"]["sweep"] |= {"neurons": 100, "duration": 100.0}
    return small


@pytest.fixture(scope="module")
def study():
    return load_study("tang-2012")


@pytest.fixture(scope="module")
def configuration(study):
    return small(study.configuration("quick"))


@pytest.fixture(scope="module")
def mixed(configuration):
    key = jax.random.key(3)
    return run_ensemble(configuration, key, family="sonet", kind="mixed", size=40)


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_configuration_is_plain_and_holds_what_the_poster_states(study, scale):
    chosen = study.configuration(scale)
    canonical(chosen)
    assert chosen["ensemble"]["networks"] == 100
    assert chosen["ensemble"]["sizes"] == [50, 100]
    assert 190.0 in chosen["strengths"]
    assert set(chosen["regression_strengths"]) <= set(chosen["strengths"])
    names = [shard.name for shard in study.shards(chosen)]
    assert len(set(names)) == len(names)


def test_a_mixed_network_balances_excitation_and_obeys_dale(configuration):
    drawn = network(configuration, "erdos-renyi", "mixed", 200, jax.random.key(0)).connectome
    matrix = drawn.to_dense()
    signs = np.sign(matrix)
    assert np.all((signs >= 0).all(axis=0) | (signs <= 0).all(axis=0))
    assert abs(matrix.sum() / np.abs(matrix).sum()) < 0.05
    assert drawn.cell_types.count("inhibitory") == 40


def test_requested_statistics_are_feasible_and_vary(configuration):
    requested = [
        network(configuration, "sonet", "excitatory", 20, key).requested
        for key in jax.random.split(jax.random.key(1), 10)
    ]
    for motif in MOTIFS:
        low, high = configuration["ensemble"]["sonet_range"][motif]
        values = [one[motif] for one in requested]
        assert low <= min(values) < max(values) <= high


def test_pieces_of_a_real_connectome_are_binary_and_real(configuration):
    family = configuration["real_families"][0]
    drawn = network(configuration, family, "excitatory", 40, jax.random.key(2)).connectome
    assert drawn.n_neurons == 40
    assert set(np.unique(drawn.weights)) == {1.0}
    assert drawn.labels is not None


@pytest.mark.slow
def test_fixed_points_of_an_ensemble_solve_their_equation(configuration, mixed):
    transfer = transfer_of(configuration)
    inputs = mixed.example_input.values[0]
    weights = mixed.example_weights.values
    for strength, state in zip(mixed.strength.values, inputs, strict=True):
        if np.isfinite(state).all():
            rates = np.asarray(transfer(jnp.asarray(state)))
            expected = configuration["external_input"] + strength * weights @ rates
            np.testing.assert_allclose(state, expected, atol=1e-6 * max(1, abs(state).max()))
    assert np.isfinite(inputs[0]).all()


@pytest.mark.slow
def test_moments_of_an_ensemble_are_those_of_its_networks(configuration, mixed):
    weights = mixed.example_weights.values
    degree = mixed.in_degree.sel(network=0) if "network" in mixed.coords else mixed.in_degree[0]
    assert degree.values == pytest.approx(
        [(weights != 0).sum(1).mean(), (weights != 0).sum(1).var()]
    )
    strength = mixed.in_strength[0].values
    assert strength == pytest.approx([weights.sum(1).mean(), weights.sum(1).var()])
    state = mixed.example_input.values[0, 0]
    assert mixed.input[0, 0].values == pytest.approx([state.mean(), state.var()])


@pytest.mark.slow
def test_the_same_key_gives_the_same_ensemble(configuration, mixed):
    again = run_ensemble(configuration, jax.random.key(3), family="sonet", kind="mixed", size=40)
    assert mixed.identical(again)


@pytest.mark.slow
def test_the_whole_ledger_is_judged(study, tmp_path):
    results = {}
    chosen = small(study.configuration("quick"))
    chosen["branches"]["networks"] = 2
    chosen["connectomes"] |= {"names": chosen["connectomes"]["names"][:1], "twins": 2}
    chosen["sonet_limit"] |= {"sizes": [250, 500], "graphs": 3}
    for shard in study.shards(chosen):
        results[shard.name] = study.run_shard(
            chosen, shard.index, jax.random.fold_in(jax.random.key(0), shard.index)
        )
    claims = study.claims(chosen, results)
    assert len({claim.identifier for claim in claims}) == len(claims) >= 20
    for claim in claims:
        assert claim.verdict is not Verdict.NOT_TESTED
        assert claim.where
        assert claim.rule
    names = [drawn.name for drawn in study.figures(chosen, results)]
    assert len(set(names)) == len(names) >= 6
