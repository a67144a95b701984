import json
import shutil

import numpy as np
import pytest

from neuropil.connectivity import list_connectomes, load_connectome, motif_statistics
from neuropil.connectivity.published import LARVA, SHIPPED


def test_shipped_connectomes_are_what_was_published():
    sizes = {}
    for name in list_connectomes():
        if name != LARVA:
            connectome = load_connectome(name)
            sizes[name] = (
                connectome.n_neurons, connectome.n_edges, connectome.weights.sum(),
            )  # fmt: skip
            assert connectome.provenance.source
            assert connectome.provenance.licence
            assert connectome.provenance.notes
            assert connectome.unit
            assert len(connectome.cell_types) == connectome.n_neurons
    assert sizes == {
        "celegans-cook-2019-chemical": (302, 3709, 20965),
        "celegans-cook-2019-electrical": (302, 2196, 11523),
        "drosophila-mushroom-body-eichler-2017-left": (209, 7425, 25322),
        "drosophila-mushroom-body-eichler-2017-right": (213, 7536, 26371),
    }


def test_what_ships_is_small():
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 200_000


def test_the_worm_runs_from_sensory_to_motor_neurons():
    worm = load_connectome("celegans-cook-2019-chemical")
    kinds = np.array(worm.cell_types)
    weights = worm.to_dense()

    def strength(post: str, pre: str) -> float:
        return float(weights[np.ix_(kinds == post, kinds == pre)].sum())

    assert strength("interneuron", "sensory neuron") > 2 * strength("sensory neuron", "interneuron")
    assert strength("motor neuron", "interneuron") > 2 * strength("interneuron", "motor neuron")
    # The command interneuron AVAL drives the motor neurons of backward movement.
    aval, da1 = worm.labels.index("AVAL"), worm.labels.index("DA1")
    assert weights[da1, aval] > 0


def test_gap_junctions_join_the_same_cells_both_ways():
    junctions = load_connectome("celegans-cook-2019-electrical").to_dense()
    assert np.array_equal(junctions, junctions.T)
    assert load_connectome("celegans-cook-2019-electrical").labels == (
        load_connectome("celegans-cook-2019-chemical").labels
    )


def test_projection_neurons_drive_kenyon_cells():
    for side in ("left", "right"):
        body = load_connectome(f"drosophila-mushroom-body-eichler-2017-{side}")
        kinds, weights = np.array(body.cell_types), body.to_dense()
        onto_kenyon = weights[np.ix_(kinds == "Kenyon cell", kinds == "projection neuron")].sum()
        back = weights[np.ix_(kinds == "projection neuron", kinds == "Kenyon cell")].sum()
        assert onto_kenyon > 2000
        assert back == 0


def test_second_order_statistics_of_the_mushroom_bodies():
    # Independently computed from the published matrices, to the digits given.
    expected = {
        "left": (0.171, 1.94, 0.607, 1.03, 0.57),
        "right": (0.167, 2.04, 0.668, 0.989, 0.61),
    }
    for side, values in expected.items():
        motifs = motif_statistics(load_connectome(f"drosophila-mushroom-body-eichler-2017-{side}"))
        measured = (
            motifs.p,
            motifs.alpha_reciprocal,
            motifs.alpha_convergent,
            motifs.alpha_divergent,
            motifs.alpha_chain,
        )
        np.testing.assert_allclose(measured, values, rtol=6e-3)


@pytest.mark.slow
def test_the_whole_larval_brain(published_data):
    brain = load_connectome(LARVA)
    assert (brain.n_neurons, brain.n_edges) == (3_554, 119_010)
    assert brain.weights.sum() == 376_091
    assert brain.cell_types.count("KCs") > 140
    # The first line of the published list: cell 29 makes 9 synapses onto cell 8419602.
    post, pre = brain.labels.index("8419602"), brain.labels.index("29")
    assert brain.to_scipy()[post, pre] == 9.0


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"must be one of celegans-cook.*; got 'celegans'"):
        load_connectome("celegans")


def test_a_changed_table_is_refused(tmp_path):
    name = "celegans-cook-2019-chemical"
    for file in SHIPPED.glob(f"{name}.*"):
        shutil.copy(file, tmp_path)
    assert list_connectomes(tmp_path) == (name,)
    assert load_connectome(name, folder=tmp_path).n_edges == 3709
    record = tmp_path / f"{name}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"schema": 7}))
    with pytest.raises(ValueError, match="has schema 7, this version reads 1"):
        load_connectome(name, folder=tmp_path)
    shutil.copy(SHIPPED / record.name, record)
    shutil.copy(tmp_path / f"{name}.nodes.tsv.gz", tmp_path / f"{name}.edges.tsv.gz")
    with pytest.raises(ValueError, match=r"edges.tsv.gz: SHA-256 is .* records"):
        load_connectome(name, folder=tmp_path)
