import gzip
import time

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import (
    connectome_from_edges,
    load_connectome,
    read_connectome,
    save,
)
from neuropil.connectivity.tables import ROWS_PER_BLOCK

EDGES = [("AVAL", "DA1", 3.0), ("DA1", "AVAL", 1.0), ("AVAL", "VB2", 2.5)]
EXPECTED = np.array([[0.0, 1.0, 0.0], [3.0, 0.0, 0.0], [2.5, 0.0, 0.0]])


def written(folder, name: str, text: str, *, encoding: str = "utf-8"):
    path = folder / name
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def table(delimiter: str, header: tuple[str, ...] = ()) -> str:
    rows = [header] if header else []
    rows += [(pre, post, f"{weight}") for pre, post, weight in EDGES]
    return "".join(delimiter.join(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [
        ("edges.csv", ","),
        ("edges.csv", ";"),
        ("edges.tsv", "\t"),
        ("edges.txt", " "),
        ("edges.edgelist", "   "),
        ("edges.tsv.gz", "\t"),
    ],
)
@pytest.mark.parametrize("header", [(), ("Source", "Target", "Weight"), ("pre_id", "post_id", "w")])
def test_delimiters_and_headers_are_recognised(tmp_path, name, delimiter, header):
    connectome = read_connectome(written(tmp_path, name, table(delimiter, header)))
    assert connectome.labels == ("AVAL", "DA1", "VB2")
    assert np.array_equal(connectome.to_dense(), EXPECTED)
    assert connectome.warnings == ()
    assert connectome.provenance.name == name


def test_comments_blank_lines_quotes_and_a_byte_order_mark(tmp_path):
    text = '# made by hand\n\n"AVAL", "DA1",3\n   \nDA1,AVAL,1\n# more\nAVAL,"VB2",2.5\n'
    connectome = read_connectome(written(tmp_path, "e.csv", text, encoding="utf-8-sig"))
    assert connectome.labels == ("AVAL", "DA1", "VB2")
    assert np.array_equal(connectome.to_dense(), EXPECTED)


def test_columns_by_name_and_by_position(tmp_path):
    text = "strength,onto,out of\n3,DA1,AVAL\n1,AVAL,DA1\n2.5,VB2,AVAL\n"
    path = written(tmp_path, "e.csv", text)
    named = read_connectome(path, presynaptic="out of", postsynaptic="onto", weight="strength")
    assert np.array_equal(named.to_dense(), EXPECTED)
    headless = written(tmp_path, "h.csv", text.split("\n", 1)[1])
    placed = read_connectome(headless, presynaptic=2, postsynaptic=1, weight=0)
    assert np.array_equal(placed.to_dense(), EXPECTED)


def test_whole_numbers_are_put_in_ascending_order(tmp_path):
    path = written(tmp_path, "e.txt", "10 9 1\n9 200 2\n")
    connectome = read_connectome(path)
    assert connectome.labels == ("9", "10", "200")
    assert connectome.to_dense().tolist() == [[0, 1, 0], [0, 0, 0], [2, 0, 0]]


def test_numbers_of_neurons(tmp_path):
    path = written(tmp_path, "e.txt", "0 3 1\n3 1 2\n")
    connectome = read_connectome(path, n_neurons=5)
    assert connectome.n_neurons == 5
    assert connectome.labels is None
    assert connectome.to_dense()[3, 0] == 1.0
    assert connectome.to_dense()[1, 3] == 2.0


def test_a_table_of_nodes_gives_order_types_and_positions(tmp_path):
    nodes = written(
        tmp_path,
        "nodes.csv",
        "name,type,x,y,z\nVB2,motor,1,2,3\nDA1,motor,0,0,0\nAVAL,inter,4,5,6\n",
    )
    connectome = read_connectome(written(tmp_path, "e.csv", table(",")), nodes=nodes)
    assert connectome.labels == ("VB2", "DA1", "AVAL")
    assert connectome.cell_types == ("motor", "motor", "inter")
    assert connectome.positions.tolist() == [[1, 2, 3], [0, 0, 0], [4, 5, 6]]
    assert np.array_equal(connectome.restricted_to(["AVAL", "DA1", "VB2"]).to_dense(), EXPECTED)


def test_edges_without_weights(tmp_path):
    path = written(tmp_path, "e.csv", "a,b\nb,c\n")
    connectome = read_connectome(path)
    assert connectome.weights.tolist() == [1.0, 1.0]
    assert connectome.warnings == (
        "there is no column of weights: every edge weighs 1",
        "no header was recognised: the first row is taken as an edge",
    )
    assert len(read_connectome(path, header=False).warnings) == 1
    assert read_connectome(path, header=True, presynaptic=0, postsynaptic=1).labels == ("b", "c")
    weighted = written(tmp_path, "w.csv", "pre,post,weight\na,b,7\n")
    ignored = read_connectome(weighted, weight=False)
    assert ignored.weights.tolist() == [1.0]
    assert ignored.warnings == ()


def test_a_missing_last_line_break_is_noticed(tmp_path):
    connectome = read_connectome(written(tmp_path, "e.csv", "a,b,1\nb,c,12"))
    assert connectome.warnings == (
        "the last line has no line break: the file may have been cut off",
    )


def test_repeated_edges(tmp_path):
    path = written(tmp_path, "e.csv", "a,b,1\na,b,2\n")
    assert read_connectome(path).to_dense()[1, 0] == 3.0
    with pytest.raises(ValueError, match="1 edges repeat a pair"):
        read_connectome(path, repeats="refuse")


BAD = {
    "pre,post,count\na,b,1\na,c,x\n": r"line 3, column 'count': weight 'x' is not a number",
    "a,b,1\na,c,\n": r"line 2, column 3: weight '' is not a number",
    "# c\n\na,b,1\na,c,nan\n": r"line 4, column 3: weight 'nan' is not finite",
    "a,b,-inf\n": r"line 1, column 3: weight '-inf' is not finite",
    "pre,post,synapses\na,b,1\na,c,-2\n": r"line 3, column 'synapses': weight -2 is not a count",
    "pre,post,synapses\na,b,1.5\n": r"line 2, column 'synapses': weight 1.5 is not a count",
    "a,b,1\na,c\n": r"line 2: 2 columns, where the first row has 3; is the file truncated\?",
    "a,b,1\na,c,1,9\n": r"line 2: 4 columns, where the first row has 3",
    "\n# no\nx,y,z\na,b,1\n": r"line 3: columns 'x', 'y', 'z' are not recognised as a header",
    "pre,post,colour\na,b,red\n": r"line 1: no weight column recognised among 'pre', 'post'",
    "": "there are no edges in it",
    "pre,post,weight\n": "there are no edges in it",
    "lonely\n": r"line 1: no postsynaptic column recognised among 'lonely'",
    'a,b,1\na,"c,1\n': r"after line 1: unexpected end of data",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_tables_name_file_line_and_column(tmp_path, text):
    path = written(tmp_path, "bad.csv", text)
    with pytest.raises(ValueError, match=BAD[text]) as caught:
        read_connectome(path)
    assert "bad.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("0 1 1\n1 5 1\n", {"n_neurons": 5}, r"line 2, column 2: cell 5 is out of range; with 5"),
        ("0 1 1\n-1 0 1\n", {"n_neurons": 5}, r"line 2, column 1: cell -1 is out of range"),
        ("0 1 1\nAVA 0 1\n", {"n_neurons": 5}, r"line 2, column 1: cell 'AVA' is not a whole"),
        ("0 1 -1\n", {"counts": True}, r"line 1, column 3: weight -1 is not a count"),
        ("a b 1\n", {"weight": "mass"}, r"line 1: no column 'mass' \(given as `weight`\) among"),
        ("a b 1\n", {"weight": 3}, r"`weight` is column 3, but columns 0 to 2"),
        ("a b 1\n", {"n_neurons": 0}, "n_neurons must be at least 1, got 0"),
        ("a b 1\n", {"delimiter": "::"}, "delimiter must be one character"),
    ],
)
def test_bad_options_and_what_contradicts_them(tmp_path, text, options, message):
    path = written(tmp_path, "e.txt", text)
    with pytest.raises(ValueError, match=message):
        read_connectome(path, **options)


def test_negative_weights_are_allowed_where_they_are_no_counts(tmp_path):
    path = written(tmp_path, "e.csv", "pre,post,synapses\na,b,-2\n")
    assert read_connectome(path, counts=False).to_dense()[1, 0] == -2.0


def test_cells_must_be_among_the_nodes(tmp_path):
    nodes = written(tmp_path, "nodes.csv", "label\nAVAL\nDA1\n")
    path = written(tmp_path, "e.csv", table(","))
    with pytest.raises(ValueError, match=r"line 3, column 2: cell 'VB2' is not among the nodes"):
        read_connectome(path, nodes=nodes)
    with pytest.raises(ValueError, match="give `nodes` or `n_neurons`, not both"):
        read_connectome(path, nodes=nodes, n_neurons=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\nAVAL\nDA1\nAVAL\n", r"line 4: label 'AVAL' again, after line 2"),
        ("colour\nred\n", "line 1: no column `label` among 'colour'"),
        ("label\n", "there are no nodes in it"),
        ("label,x,y,z\nAVAL,1,2,up\n", "line 2, column 'z': position 'up' is not a number"),
    ],
)
def test_bad_nodes_name_the_line(tmp_path, text, message):
    nodes = written(tmp_path, "nodes.csv", text)
    with pytest.raises(ValueError, match=message):
        read_connectome(written(tmp_path, "e.csv", table(",")), nodes=nodes)


def test_a_truncated_gzip_file_says_how_far_it_went(tmp_path):
    rng = np.random.default_rng(0)
    lines = "".join(f"{i}\t{rng.integers(1 << 60)}\t1\n" for i in range(2000))
    whole = written(tmp_path, "e.tsv.gz", lines).read_bytes()
    path = tmp_path / "cut.tsv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.tsv.gz, after line [1-9]\d+: .* truncated"):
        read_connectome(path)
    path.write_bytes(b"a\tb\t1\n")
    with pytest.raises(ValueError, match="after line 0: the compressed file is truncated"):
        read_connectome(path)


def test_files_that_are_not_text(tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes(b"a,b,1\n\xff\xfe\x00,b,1\n")
    with pytest.raises(ValueError, match=r"e.csv, after line \d: not UTF-8 text"):
        read_connectome(path)


def test_lines_are_counted_across_blocks(tmp_path):
    lines = [f"{i % 100} {i % 99} 1\n" for i in range(ROWS_PER_BLOCK + 500)]
    lines[ROWS_PER_BLOCK + 7] = "3 4 many\n"
    path = written(tmp_path, "e.txt", "".join(lines))
    with pytest.raises(ValueError, match=f"line {ROWS_PER_BLOCK + 8}, column 3"):
        read_connectome(path)


edge_lists = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(-1e6, 1e6)), min_size=1, max_size=30
)


@given(edge_lists)
def test_text_and_memory_agree(tmp_path_factory, listed):
    folder = tmp_path_factory.mktemp("edges")
    text = "".join(f"{pre}\t{post}\t{weight!r}\n" for pre, post, weight in listed)
    read = read_connectome(written(folder, "e.tsv", text), n_neurons=10)
    pre, post, weights = (np.array(part) for part in zip(*listed, strict=True))
    expected = connectome_from_edges(pre, post, weights, 10)
    assert np.array_equal(read.to_dense(), expected.to_dense())


def test_parquet(tmp_path):
    path = tmp_path / "e.parquet"
    pre, post, weights = zip(*EDGES, strict=True)
    columns = {"pre": list(pre), "post": list(post), "weight": list(weights)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    connectome = read_connectome(path)
    assert connectome.labels == ("AVAL", "DA1", "VB2")
    assert np.array_equal(connectome.to_dense(), EXPECTED)

    columns["weight"][1] = np.nan
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(ValueError, match=r"e.parquet, row 2, column 'weight': .* not finite"):
        read_connectome(path)
    columns["post"][2] = None
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(ValueError, match=r"row 3, column 'post': the entry is missing"):
        read_connectome(path)
    pyarrow.parquet.write_table(pyarrow.table({"a": [1], "b": [2]}), path)
    with pytest.raises(ValueError, match="no presynaptic column recognised among 'a', 'b'"):
        read_connectome(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="not a readable Parquet file"):
        read_connectome(path)


def test_names_and_files_of_our_own(tmp_path):
    name = "celegans-cook-2019-electrical"
    by_name = read_connectome(name)
    assert by_name.provenance == load_connectome(name).provenance
    save(by_name, tmp_path / "own.npz")
    assert np.array_equal(read_connectome(tmp_path / "own.npz").to_dense(), by_name.to_dense())
    with pytest.raises(ValueError, match=r"no file 'cook', nor a published .* celegans-cook"):
        read_connectome("cook")


def test_a_hundred_thousand_edges_take_less_than_a_second(tmp_path):
    rng = np.random.default_rng(1)
    edges = rng.integers(0, 3_554, (119_010, 2))
    text = "".join(f"{pre} {post} {pre % 9 + 1}.0\n" for pre, post in edges)
    path = written(tmp_path, "e.txt", text)
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        connectome = read_connectome(path)
        best = min(best, time.process_time() - begin)
    assert connectome.weights.sum() == np.sum(edges[:, 0] % 9 + 1)
    assert best < 1.0
