"""Plots of training and robustness: which points and bars are drawn."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from neuropil.plots.robustness import robustness
from neuropil.plots.training_curves import training_curves

RNG = np.random.default_rng(0)
CURVES = {"astrocytes": RNG.random((5, 12)), "neurons": RNG.random((3, 12))}
LEVELS = np.array([0.0, 0.1, 0.8])
KEPT = {"one": RNG.random((3, 6)), "other": RNG.random((3, 4))}


def test_every_seed_and_the_median_are_drawn():
    ax = training_curves(CURVES, chance=0.1)
    lines = [line.get_ydata() for line in ax.lines]
    assert len(lines) == 5 + 1 + 3 + 1 + 1
    for values in CURVES.values():
        for row in [*values, np.median(values, axis=0)]:
            assert any(np.array_equal(row, line) for line in lines)
    assert list(ax.lines[0].get_xdata()) == list(range(1, 13))
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["astrocytes", "neurons", "chance"]


def test_every_network_is_a_point_and_every_median_a_bar():
    ax = robustness(LEVELS, KEPT)
    points = [line for line in ax.lines if line.get_marker() == "o"]
    bars = [each for each in ax.collections if isinstance(each, LineCollection)]
    for values, drawn, bar in zip(KEPT.values(), points, bars, strict=True):
        np.testing.assert_array_equal(np.sort(drawn.get_ydata()), np.sort(values.ravel()))
        heights = [segment[0, 1] for segment in bar.get_segments()]
        np.testing.assert_allclose(heights, np.median(values, axis=1))
        # Points of a level stand within its bar.
        places = np.asarray(drawn.get_xdata()).reshape(values.shape)
        for row, segment in zip(places, bar.get_segments(), strict=True):
            assert segment[0, 0] <= row.min() <= row.max() <= segment[1, 0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "0.1", "0.8"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training_curves({}), "one kind or more"),
        (lambda: training_curves({"a": np.full((2, 3), np.nan)}), r"curves\['a'\]"),
        (lambda: robustness(LEVELS, {}), "one kind or more"),
        (lambda: robustness(LEVELS, {"a": np.zeros((2, 3))}), "a row for each of 3 levels, got 2"),
        (lambda: robustness(LEVELS, {"a": np.full((3, 2), np.inf)}), r"performance\['a'\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
