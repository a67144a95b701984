import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import tripartite_motif_figure_9
from neuropil.studies import load_study
from neuropil.studies.claims import Verdict
from neuropil.studies.gong_2023_dynamics.motifs import (
    condition_19,
    layer_over_output,
    random_motifs,
    symmetric_motifs,
)
from neuropil.studies.gong_2023_dynamics.study import WORK
from neuropil.studies.identity import canonical
from neuropil.system import layer

FOLD = 0.781805127560162503890721346


def small(configuration):
    """The study on few circuits: every step, few repetitions."""
    small = copy.deepcopy(configuration)
    small["random"] |= {"circuits": 40, "bounded_circuits": 2, "trajectories": 3}
    small["equilibria"]["starts"] = 6
    small["layer"] |= {"outputs": 21, "grid": 3}
    small["window"] |= {"intervals": 4, "gains": 21, "positive_circuits": 40}
    return small


@pytest.fixture(scope="module")
def study():
    return load_study("gong-2023-dynamics")


@pytest.fixture(scope="module")
def configuration(study):
    return small(study.configuration("quick"))


@pytest.fixture(scope="module")
def results(study, configuration):
    return {
        shard.name: study.run_shard(
            configuration, shard.index, jax.random.fold_in(jax.random.key(0), shard.index)
        )
        for shard in study.shards(configuration)
    }


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_configuration_is_plain(study, scale):
    canonical(study.configuration(scale))
    assert [shard.name for shard in study.shards(study.configuration(scale))] == list(WORK)


@pytest.mark.slow
def test_the_verdicts_are_those_of_the_certified_counts(study, configuration, results):
    claims = {claim.identifier: claim for claim in study.claims(configuration, results)}
    different = [name for name, c in claims.items() if c.verdict is not Verdict.REPRODUCED]
    assert different == ["two-fixed-points"]
    assert "ln((1 - sigma) / sigma)" in claims["two-fixed-points"].explanation
    assert claims["figure-9-fold"].values["fold"] == pytest.approx(FOLD, abs=1e-14)
    assert claims["figure-9-fold"].values["width"] < 1e-13
    assert len(claims) == 18


@pytest.mark.slow
def test_results_have_the_reference_values(results):
    data = results["figure-2"]
    reference = [
        (0.566698396001891, 0.445919388106698, 0.419359269628207, 0.650663131463277, 3.88969172548),
        (0.576018421736738, -1.22910035337773, -1.15201026204843, 1.78145627182456, 1.44891027600),
        (0.704989358207086, -0.04776628042805, -0.04282095618835, 1.01112945759248, 3.26655633106),
    ]
    np.testing.assert_allclose(data.state, reference, rtol=1e-11)
    assert list(data.n_unstable) == [0, 0, 1]
    np.testing.assert_allclose(
        results["layer-figure-2"].fold, [0.8925412881398885115337], atol=1e-14
    )
    np.testing.assert_allclose(
        results["layer-figure-9"].fold_beyond, [FOLD, 2.272722818736449173121], atol=1e-13
    )


@pytest.mark.slow
def test_figures_are_drawn(study, configuration, results):
    drawn = list(study.figures(configuration, results))
    assert [one.name for one in drawn] == [
        "figure-2", "figure-2e", "figure-2fg", "slow-fast", "figure-7", "figure-8", "figure-9",
    ]  # fmt: skip
    assert all(one.caption and one.alt for one in drawn)


def test_certified_counts_are_complete_and_odd(study, configuration):
    few = configuration | {"random": configuration["random"] | {"circuits": 12}}
    data = WORK["existence"](few, jax.random.key(1))
    assert data.complete.values.all()
    assert np.all(data["count"].values % 2 == 1)


def test_the_layer_over_the_output_is_the_layer_of_the_motif(study):
    motif = tripartite_motif_figure_9()
    state = jnp.array([0.3, -0.7, 1.1, -2.0])
    z = 0.8
    by_state = layer(motif, z).vector_field(jnp.zeros(()), state)
    by_output = layer_over_output(motif, float(np.tanh(z))).vector_field(jnp.zeros(()), state)
    np.testing.assert_allclose(by_output, by_state, rtol=1e-14)


def test_condition_19_is_the_printed_one():
    key = jax.random.key(4)
    ranges = {
        "decay": [0.9, 3.0], "hebbian_gain": [-2.0, 2.0],
        "glial_gain": [-1.5, 1.5], "coincidence_gain": [-2.0, 2.0],
    }  # fmt: skip
    motifs = random_motifs(ranges, 200, key)
    printed = []
    for i in range(200):
        a, b = np.asarray(motifs.neuron_decay)[i], np.asarray(motifs.synapse_decay)[i]
        c, d = np.asarray(motifs.hebbian_gain)[i], np.asarray(motifs.glial_gain)[i]
        e, h = float(motifs.astrocyte_decay[i]), float(motifs.coincidence_gain[i])
        w_max = (max(abs(c)) + max(abs(d))) / min(b)
        printed.append(
            a[0] > 1
            and a[1] > 1
            and abs(d[0] / b[0]) + abs(d[1] / b[1]) < 1
            and max(w_max / a[0], w_max / a[1]) + abs(c[0] / b[0]) + abs(c[1] / b[1]) + abs(h / e)
            < 4
        )
    np.testing.assert_array_equal(condition_19(motifs), printed)
    assert 0 < sum(printed) < 200
    kept = random_motifs(ranges, 20, key, contracting=True)
    assert condition_19(kept).all()


def test_symmetric_motifs_have_the_stated_symmetry():
    motifs = symmetric_motifs(np.array([[0.1, 0.2, 0.5, 1.0]]), np.array([-1.2]), 2.0)
    np.testing.assert_array_equal(motifs.neuron_decay, [[0.1, 0.2]])
    np.testing.assert_array_equal(motifs.synapse_decay, [[0.5, 1.0]])
    np.testing.assert_array_equal(motifs.hebbian_gain, [[-1.2, -1.2]])
    np.testing.assert_array_equal(motifs.glial_gain, [[2.0, 2.0]])
