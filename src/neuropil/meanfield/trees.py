"""Rooted trees: the shapes of paths of influence onto a neuron."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Tree:
    """A rooted tree by the parent of each vertex: vertex 0 is the root, with parent -1.

    A parent has a smaller number than its children. An edge runs from a parent, the receiver
    (postsynaptic), to a child, which sends. Raises `ValueError` when `parents` is not such a tree.
    """

    parents: tuple[int, ...]

    def __post_init__(self):
        if not self.parents or self.parents[0] != -1:
            raise ValueError(f"parents must begin with -1 for the root, got {self.parents}")
        for vertex, parent in enumerate(self.parents[1:], start=1):
            if not 0 <= parent < vertex:
                raise ValueError(
                    f"parents must name an earlier vertex for each but the root: vertex {vertex} "
                    f"has parent {parent}"
                )

    @property
    def size(self) -> int:
        """Number of vertices."""
        return len(self.parents)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs (parent, child): receiver and sender."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if child)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each vertex."""
        found: list[list[int]] = [[] for _ in self.parents]
        for parent, child in self.edges:
            found[parent].append(child)
        return tuple(map(tuple, found))

    @cached_property
    def branches(self) -> tuple[str, ...]:
        """The canonical name of the tree that hangs from each vertex."""
        names = [""] * self.size
        for vertex in reversed(range(self.size)):
            inner = sorted((names[child] for child in self.children[vertex]), key=_order)
            names[vertex] = f"[{''.join(inner)}]"
        return tuple(names)

    @property
    def name(self) -> str:
        """Nested brackets, the same for trees that differ in the numbering alone.

        A vertex is a pair of brackets around its children, larger ones first: "[]" is the root
        alone, "[[]]" one edge, "[[][]]" a root with two children, "[[[]]]" a chain of three.
        """
        return self.branches[0]

    @property
    def height(self) -> int:
        """Number of edges of the longest path from the root."""
        depth = [0] * self.size
        for parent, child in self.edges:
            depth[child] = depth[parent] + 1
        return max(depth)

    def __str__(self) -> str:
        return self.name


def _order(name: str) -> tuple[int, str]:
    return -len(name), name


def tree_from_name(name: str) -> Tree:
    """The tree of nested brackets, vertices numbered as their brackets open.

    Raises `ValueError` unless the brackets are those of one tree.
    """
    parents: list[int] = []
    path: list[int] = [-1]
    for place, sign in enumerate(name):
        if sign == "[" and (path[-1] >= 0 or not parents):
            parents.append(path[-1])
            path.append(len(parents) - 1)
        elif sign == "]" and len(path) > 1:
            path.pop()
        else:
            raise ValueError(f"name must be nested brackets of one tree, got {name!r} at {place}")
    if len(path) != 1 or not parents:
        raise ValueError(f"name must be nested brackets of one tree, got {name!r}")
    return Tree(tuple(parents))


def with_leaf(tree: Tree, vertex: int) -> Tree:
    """The tree with one more child of `vertex`, numbered last: T + n of the hierarchy.

    Raises `ValueError` when there is no such vertex.
    """
    if not 0 <= vertex < tree.size:
        raise ValueError(f"vertex must be between 0 and {tree.size - 1}, got {vertex}")
    return Tree((*tree.parents, vertex))


def rooted_trees(vertices: int) -> tuple[Tree, ...]:
    """All rooted trees of so many vertices, one of each shape, chains first.

    There are 1, 1, 2, 4, 9, 20, 48, 115, ... (sequence A000081). Constant time a tree, on average.
    Source: Beyer and Hedetniemi, "Constant time generation of rooted trees", SIAM J. Comput. 9
    (1980). Raises `ValueError` for fewer than 1 vertex.
    """
    if vertices < 1:
        raise ValueError(f"vertices must be at least 1, got {vertices}")
    return tuple(_tree_of_levels(levels) for levels in _level_sequences(vertices))


def all_trees(*, up_to: int = 5) -> tuple[Tree, ...]:
    """All rooted trees of at most `up_to` vertices, small ones first: 17 up to five."""
    if up_to < 1:
        raise ValueError(f"up_to must be at least 1, got {up_to}")
    return tuple(tree for vertices in range(1, up_to + 1) for tree in rooted_trees(vertices))


def _level_sequences(vertices: int) -> Iterator[list[int]]:
    """Depths of the vertices in preorder, canonical ones alone, in falling lexical order."""
    levels = list(range(vertices))
    while True:
        yield levels
        deep = [place for place, level in enumerate(levels) if level > 1]
        if not deep:
            return
        # The last vertex below depth 1 moves up beside its parent, and what lies between the
        # two is repeated to the end.
        last = deep[-1]
        parent = max(place for place in range(last) if levels[place] == levels[last] - 1)
        period = last - parent
        levels = levels[:last]
        for place in range(last, vertices):
            levels.append(levels[place - period])


def _tree_of_levels(levels: list[int]) -> Tree:
    parents, latest = [], {-1: -1}
    for vertex, level in enumerate(levels):
        parents.append(latest[level - 1])
        latest[level] = vertex
    return Tree(tuple(parents))


__all__ = ["Tree", "all_trees", "rooted_trees", "tree_from_name", "with_leaf"]
