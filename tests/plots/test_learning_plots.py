"""What plots of learning show, and what they refuse."""

import numpy as np
import pytest

from neuropil import plots

RNG = np.random.default_rng(1)
RUNS = np.cumsum(RNG.random((10, 50)), axis=1)
TRIALS = np.arange(50)


def labelled(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_lines_are_medians_and_bands_the_given_intervals():
    interval = (RUNS.min(axis=0), RUNS.max(axis=0))
    ax = plots.cumulative_regret(TRIALS, {"a": RUNS}, intervals={"a": interval}, switches=[25])
    np.testing.assert_allclose(labelled(ax)["a"].get_ydata(), np.median(RUNS, axis=0))
    edge = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (edge.min(), edge.max()) == (RUNS.min(), RUNS.max())
    assert any(np.all(np.asarray(line.get_xdata()) == 25) for line in ax.lines)


def test_each_run_can_be_a_line():
    ax = plots.cumulative_regret(TRIALS, {"a": RUNS}, each_run=True)
    assert len(ax.lines) == 11
    assert not ax.collections


def test_a_raster_marks_the_trials_that_lose():
    ax = plots.regret_raster({"a": np.array([0.0, 0.3, 0.0, 0.1]), "b": np.zeros(4)})
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 3])
    assert len(ax.lines[1].get_xdata()) == 0
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize("horizontal", [False, True])
def test_points_are_seeds_and_bars_medians(horizontal):
    finals = {"one": np.array([3.0, 1.0, 2.0]), "two": np.array([5.0])}
    ax = plots.final_regrets(finals, intervals={"one": (1.0, 3.0)}, horizontal=horizontal)
    axis = "get_xdata" if horizontal else "get_ydata"
    points, median, interval = (np.asarray(getattr(line, axis)()) for line in ax.lines[:3])
    np.testing.assert_array_equal(points, [1, 2, 3])
    np.testing.assert_array_equal(median, [2, 2])
    np.testing.assert_array_equal(interval, [1, 3])


def test_curves_of_contexts_have_the_visits_of_their_own():
    regret = RNG.random((5, 6))
    ax = plots.context_learning_curves(regret, np.array([0, 1, 1, 0, 2, 0]))
    drawn = labelled(ax)
    np.testing.assert_array_equal(drawn["context 0"].get_xdata(), [1, 4, 6])
    np.testing.assert_allclose(drawn["context 1"].get_ydata(), np.median(regret[:, [1, 2]], axis=0))


def test_phases_after_a_switch_are_medians():
    regret = RNG.random((4, 10))
    ax = plots.regret_after_switch(np.arange(10), {"first": regret, "last": regret / 2})
    np.testing.assert_allclose(labelled(ax)["first"].get_ydata(), np.median(regret, axis=0))
    np.testing.assert_allclose(labelled(ax)["last"].get_ydata(), np.median(regret, axis=0) / 2)


def test_paths_of_one_family_share_their_colour():
    path = RNG.random((7, 2))
    ax = plots.component_trajectories({"c0, early": path, "c0, late": path + 1, "c1, early": path})
    drawn = labelled(ax)
    assert drawn["c0, early"].get_color() == drawn["c0, late"].get_color()
    assert drawn["c0, early"].get_color() != drawn["c1, early"].get_color()
    assert drawn["c0, early"].get_alpha() < drawn["c0, late"].get_alpha()


def test_cells_show_their_numbers_and_empty_ones_nothing():
    ax = plots.heat_map(np.array([[1.0, np.nan], [10.0, 0.1]]), "ab", "xy", logarithmic=True)
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "1", (0, 1): "10", (1, 1): "0.1"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.cumulative_regret(TRIALS, {}), "runs must hold one agent"),
        (lambda: plots.cumulative_regret(TRIALS[:5], {"a": RUNS}), "has 50 points, trials has 5"),
        (lambda: plots.cumulative_regret(TRIALS, {"a": RUNS * np.nan}), r"runs\['a'\].*finite"),
        (
            lambda: plots.cumulative_regret(TRIALS, {"a": RUNS}, intervals={"b": (TRIALS, TRIALS)}),
            "intervals has 'b'",
        ),
        (lambda: plots.regret_raster({}), "regret must hold one agent"),
        (lambda: plots.final_regrets({}), "finals must hold one setting"),
        (lambda: plots.final_regrets({"a": np.zeros(0)}), "at least one value"),
        (
            lambda: plots.final_regrets({"a": np.ones(2)}, intervals={"b": (0.0, 1.0)}),
            "intervals has 'b'",
        ),
        (
            lambda: plots.context_learning_curves(RUNS, np.zeros(3, int)),
            "each of 50 visits, got 3",
        ),
        (lambda: plots.regret_after_switch(TRIALS, {}), "regret must hold one phase"),
        (lambda: plots.regret_after_switch(TRIALS[:9], {"a": RUNS}), "50 points, trials has 9"),
        (lambda: plots.component_trajectories({}), "trajectories must hold one path"),
        (lambda: plots.heat_map(np.eye(2), "abc", "de"), "rows must name 2 rows.*got 3"),
        (lambda: plots.heat_map(np.eye(2), "ab", "de", logarithmic=True), "must be positive"),
        (lambda: plots.heat_map(np.full((1, 1), np.nan), "a", "b"), "at least one finite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
