import functools

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.meanfield.trees import Tree, all_trees, rooted_trees, tree_from_name, with_leaf


def parent_choices(largest=8):
    """A number for each vertex but the root, to be taken modulo its place."""
    return st.lists(st.integers(0, 2**16), max_size=largest - 1)


def tree_of(choices):
    return Tree((-1, *(choice % (place + 1) for place, choice in enumerate(choices))))


@functools.cache
def names_of_size(vertices):
    return {tree.name for tree in rooted_trees(vertices)}


def renumbered(tree, draw):
    """The same tree with vertices visited in another order, parents first."""
    order, ready = [], [0]
    while ready:
        vertex = ready.pop(draw(st.integers(0, len(ready) - 1)))
        order.append(vertex)
        ready.extend(tree.children[vertex])
    number = {vertex: place for place, vertex in enumerate(order)}
    return Tree((-1, *(number[tree.parents[vertex]] for vertex in order[1:])))


def test_there_are_as_many_trees_as_sequence_a000081_says():
    assert [len(rooted_trees(n)) for n in range(1, 11)] == [1, 1, 2, 4, 9, 20, 48, 115, 286, 719]
    assert len(all_trees()) == 17


@pytest.mark.parametrize("vertices", range(1, 9))
def test_no_shape_comes_twice(vertices):
    found = rooted_trees(vertices)
    assert len({tree.name for tree in found}) == len(found)
    assert all(tree.size == vertices for tree in found)


@given(parent_choices())
def test_every_tree_is_among_them(choices):
    tree = tree_of(choices)
    assert tree.name in names_of_size(tree.size)


@given(parent_choices(), st.data())
def test_name_does_not_depend_on_the_numbering(choices, data):
    tree = tree_of(choices)
    assert renumbered(tree, data.draw).name == tree.name


@given(parent_choices(7), parent_choices(7))
def test_names_are_equal_for_isomorphic_trees_alone(first, second):
    graphs = []
    for tree in map(tree_of, (first, second)):
        graph = networkx.DiGraph(tree.edges)
        graph.add_nodes_from(range(tree.size))
        graphs.append(graph)
    assert (tree_of(first).name == tree_of(second).name) == networkx.is_isomorphic(*graphs)


@given(parent_choices())
def test_a_tree_can_be_read_back_from_its_name(choices):
    tree = tree_of(choices)
    read = tree_from_name(tree.name)
    assert read.name == tree.name
    assert read.height == tree.height


def test_a_leaf_is_numbered_last():
    grown = with_leaf(tree_from_name("[[]]"), 1)
    assert grown.parents == (-1, 0, 1)
    assert grown.name == "[[[]]]"
    assert with_leaf(tree_from_name("[[]]"), 0).name == "[[][]]"
    # Every tree of n + 1 vertices is one of n vertices with a leaf.
    names = {with_leaf(tree, v).name for tree in rooted_trees(6) for v in range(6)}
    assert names == {tree.name for tree in rooted_trees(7)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tree(()), "parents must begin with -1"),
        (lambda: Tree((-1, 1)), "vertex 1 has parent 1"),
        (lambda: rooted_trees(0), "vertices must be at least 1, got 0"),
        (lambda: all_trees(up_to=0), "up_to must be at least 1, got 0"),
        (lambda: with_leaf(Tree((-1,)), 1), "vertex must be between 0 and 0, got 1"),
        (lambda: tree_from_name("[]["), "nested brackets of one tree"),
        (lambda: tree_from_name("[]]"), "nested brackets of one tree"),
        (lambda: tree_from_name("[["), "nested brackets of one tree"),
        (lambda: tree_from_name(""), "nested brackets of one tree"),
    ],
)
def test_bad_trees_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
