import h5py
import numpy as np
import pytest

from neuropil.connectivity import read_connectome, read_sonata


def write_sonata(path, *, populations=("local",), groups=True, ends=("cortex", "cortex"), ids=None):
    """Edges 0 -> 1, 0 -> 2 and 2 -> 0 with weights 0.5, -2.0 and 3.0, in two groups."""
    source, target = ids or ([0, 0, 2], [1, 2, 0])
    with h5py.File(path, "w") as file:
        for population in populations:
            edges = file.create_group(f"edges/{population}")
            edges["source_node_id"] = np.array(source)
            edges["target_node_id"] = np.array(target)
            edges["source_node_id"].attrs["node_population"] = ends[0]
            edges["target_node_id"].attrs["node_population"] = ends[1].encode()
            edges["edge_type_id"] = np.array([100, 101, 100])
            if groups:
                edges["edge_group_id"] = np.array([0, 1, 0])
                edges["edge_group_index"] = np.array([1, 0, 0])
                edges["0/syn_weight"] = np.array([3.0, 0.5])
                edges["1/syn_weight"] = np.array([-2.0])
    return path


WITH_GROUPS = np.array([[0.0, 0.0, 3.0], [0.5, 0.0, 0.0], [-2.0, 0.0, 0.0]])


def test_weights_are_found_through_their_groups(tmp_path):
    path = write_sonata(tmp_path / "edges.h5")
    connectome = read_connectome(path, n_neurons=3)
    assert np.array_equal(connectome.to_dense(), WITH_GROUPS)
    assert connectome.provenance.name == "local"
    assert connectome.warnings == ()
    guessed = read_sonata(path)
    assert guessed.n_neurons == 3
    assert guessed.warnings == ("the number of neurons is taken from the largest id of an edge",)


def test_weights_of_edge_types(tmp_path):
    types = tmp_path / "types.csv"
    types.write_text("edge_type_id syn_weight model\n100 4.0 static\n101 5.0 static\n")
    path = write_sonata(tmp_path / "edges.h5", groups=False)
    connectome = read_sonata(path, edge_types=types, n_neurons=3)
    assert connectome.to_dense().tolist() == [[0, 0, 4], [4, 0, 0], [5, 0, 0]]
    unweighted = read_sonata(path, n_neurons=3)
    assert unweighted.weights.tolist() == [1, 1, 1]
    assert unweighted.warnings == ("edges without 'syn_weight' weigh 1",)
    types.write_text("edge_type_id syn_weight\n100 heavy\n")
    with pytest.raises(ValueError, match=r"types.csv, line 2: weight 'heavy' is not a number"):
        read_sonata(path, edge_types=types)
    types.write_text("edge_type_id syn_weight\n100 1\n")
    with pytest.raises(ValueError, match="edge 1: edge_type_id 101 is not in"):
        read_sonata(path, edge_types=types)
    types.write_text("edge_type_id delay\n100 1\n")
    with pytest.raises(ValueError, match="line 1: no column 'syn_weight' among"):
        read_sonata(path, edge_types=types)


def test_one_of_several_populations(tmp_path):
    path = write_sonata(tmp_path / "edges.h5", populations=("local", "distant"))
    assert read_sonata(path, population="distant", n_neurons=3).n_edges == 3
    with pytest.raises(ValueError, match="population must be one of 'distant', 'local', got None"):
        read_sonata(path)


def test_bad_sonata_files_name_the_edge(tmp_path):
    path = write_sonata(tmp_path / "edges.h5")
    with pytest.raises(ValueError, match="edge 2, source_node_id: 2 is out of range; 0 to 1"):
        read_sonata(path, n_neurons=2)
    negative = write_sonata(tmp_path / "n.h5", ids=([0, -1, 2], [1, 2, 0]))
    with pytest.raises(ValueError, match="edge 1, source_node_id: -1 is out of range"):
        read_sonata(negative)
    uneven = write_sonata(tmp_path / "u.h5", ids=([0, 0], [1, 2, 0]))
    with pytest.raises(ValueError, match="2 source_node_id, but 3 target_node_id"):
        read_sonata(uneven)
    between = write_sonata(tmp_path / "b.h5", ends=("thalamus", "cortex"))
    with pytest.raises(ValueError, match="from population 'thalamus' to 'cortex'"):
        read_sonata(between)
    with h5py.File(path, "a") as file:
        file["edges/local/1/syn_weight"][0] = np.nan
    with pytest.raises(ValueError, match="edge 1: syn_weight nan is not finite"):
        read_sonata(path)


def test_truncated_and_foreign_files(tmp_path):
    path = write_sonata(tmp_path / "edges.h5")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"edges.h5: not a readable SONATA edge file"):
        read_connectome(path)
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["nodes/x"] = np.zeros(3)
    with pytest.raises(ValueError, match="not a readable SONATA edge file"):
        read_connectome(foreign)
