"""Steps, cells and parameters that waves need, against a walk over all strings of steps."""

import functools

import numpy as np
import pytest

from neuropil.learning.astrocyte import (
    document_penalty,
    fewest_mixing_steps,
    neural_layer,
    penalty,
    shortest_wave,
    widths,
    wirings,
)

LONGEST = 6
# Pairs of widths and the steps for full mixing found by brute force at k = 3.
MIXING = {
    (2, 12): 6, (2, 4): 2, (4, 2): 2, (3, 3): 2, (4, 4): 3, (5, 5): 4, (6, 2): 3, (3, 7): 4,
    (7, 3): 4, (6, 4): 4, (4, 8): 5, (1, 5): 2, (20, 10): 14,
}  # fmt: skip


@functools.cache
def heard(letter, width, neighbours, stride):
    wiring = wirings(letter, width, neighbours=neighbours, stride=stride)[0]
    return wiring.matrix(np.ones((neighbours, *wiring.owners))) > 0


def all_waves(before, neighbours, stride, lowest):
    """Fewest (steps, cells) to every width, and to every width with all inputs mixed."""
    plain, mixed = {}, {}
    level = {(before, np.eye(before, dtype=bool).tobytes()): before}
    for steps in range(LONGEST + 1):
        following = {}
        for (width, flat), cells in level.items():
            depends = np.frombuffer(flat, bool).reshape(width, before)
            cost = (steps, cells)
            plain[width] = min(plain.get(width, cost), cost)
            if depends.all():
                mixed[width] = min(mixed.get(width, cost), cost)
            for letter in "sdg":
                if letter == "g" and width < neighbours:
                    continue
                step = heard(letter, width, neighbours, stride)
                if step.shape[0] < lowest or step.shape[0] > 250:
                    continue
                state = (step.shape[0], ((step @ depends.astype(int)) > 0).tobytes())
                more = cells + step.shape[0]
                following[state] = min(following.get(state, more), more)
        level = following
    return plain, mixed


@pytest.mark.parametrize(
    ("neighbours", "stride"), [(2, 1), (3, 1), (4, 1), (5, 1), (2, 2), (3, 2), (5, 3)]
)
@pytest.mark.parametrize("lowest", [1, 3])
def test_no_wave_is_shorter_or_smaller(neighbours, stride, lowest):
    compared = 0
    for before in range(lowest, 8):
        for mixing, table in zip(
            (False, True), all_waves(before, neighbours, stride, lowest), strict=True
        ):
            for after in range(lowest, 10):
                if after not in table:
                    continue
                path = shortest_wave(
                    before,
                    after,
                    neighbours=neighbours,
                    stride=stride,
                    mixing=mixing,
                    narrowest=lowest,
                )
                assert (path.steps, path.cells) == table[after], (before, after, mixing, path)
                compared += 1
    assert compared > 5


@pytest.mark.parametrize("neighbours", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("widest", [False, True])
def test_a_path_is_a_wave_that_mixes_in_the_fewest_steps(neighbours, widest):
    for before, turns in ((1, 3), (9, 0), (14, -1), (23, -2), (11, 4)):
        after = before + turns * (neighbours - 1)
        path = shortest_wave(before, after, neighbours=neighbours, mixing=True, widest=widest)
        assert path.steps == fewest_mixing_steps(before, after, neighbours=neighbours)
        walked = widths(path.notation, before, neighbours=neighbours)
        assert path.widths == tuple(width for (width,) in walked)
        assert path.widths[-1] == after
        assert widest or min(path.widths) >= min(before, after)
        depends = np.eye(before)
        for letter, width in zip(path.notation.split(), path.widths, strict=False):
            depends = heard(letter, width, neighbours, 1) @ depends
        assert depends.all()
    narrow, wide = (
        shortest_wave(23, 23, neighbours=neighbours, mixing=True, widest=choice)
        for choice in (False, True)
    )
    assert narrow.cells < wide.cells
    assert narrow.parameters < wide.parameters


def test_the_figures_that_are_known():
    for (before, after), steps in MIXING.items():
        assert shortest_wave(before, after, mixing=True).steps == steps
    wave = shortest_wave(2, 12)
    assert (wave.notation, wave.widths) == ("s s s s s", (2, 4, 6, 8, 10, 12))
    assert wave.transmission_time(10.0) == 50.0
    # The paper's digits network takes 10 steps; 14 are needed for every class to see every input.
    assert shortest_wave(20, 10).steps == 5
    assert shortest_wave(20, 10, mixing=True, widest=True).notation == "s s s s d g g g g g g g g g"
    assert shortest_wave(7, 7).steps == 0
    assert neural_layer(2, 12)[2:] == (1, 14, 2 * 12 + 12)


def test_parameters_are_those_of_the_network():
    path = shortest_wave(6, 6, mixing=True, widest=True)
    assert path.notation == "s s d g g"
    assert path.parameters == 3 * (6 + 8 + 8 + 6) + (3 * 10 - 2) + (8 + 10 + 10 + 8 + 6)


def test_the_penalty_of_the_document():
    """It is steps - 1 when widths differ, full mixing when they do not, and off for odd changes."""
    assert document_penalty(2, 12) == penalty(2, 12) == 4
    for before in range(1, 9):
        for after in range(1, 9):
            if before == after:
                exact = penalty(before, after, mixing=True)
            else:
                exact = penalty(before, after)
            if (before - after) % 2:
                assert exact is None
            else:
                assert document_penalty(before, after) == exact
    assert document_penalty(2, 3) == -1
    assert document_penalty(3, 2) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 3), "must differ from before = 2 by a multiple of neighbours - 1 = 2"),
        ((0, 3), "before must be at least 1"),
        ((3, 0), "after must be at least 1"),
    ],
)
def test_widths_that_cannot_be_reached_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        shortest_wave(*arguments)


def test_options_that_cannot_be_met_are_refused():
    with pytest.raises(ValueError, match="stride must lie between 1 and neighbours"):
        shortest_wave(4, 8, stride=4)
    with pytest.raises(ValueError, match="narrowest must lie between 1 and the smaller width 4"):
        shortest_wave(4, 8, narrowest=5)
    with pytest.raises(ValueError, match="widest must be False"):
        shortest_wave(4, 8, stride=2, widest=True)
    with pytest.raises(ValueError, match="after must be a width that waves"):
        shortest_wave(2, 3, neighbours=2, stride=2, narrowest=1)
    with pytest.raises(ValueError, match="neighbours must be at least 2"):
        fewest_mixing_steps(3, 3, neighbours=1)
