"""Pictures of distributions of parameters: what points, bars and lines stand for."""

import numpy as np
import pytest
from matplotlib import pyplot

from neuropil import plots
from neuropil.plots.style import RED

SAMPLES = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 2.0, 3.0]
LABELS = ["a", "b", "c"]


def test_every_pair_is_drawn_once_and_each_parameter_by_itself():
    rows = plots.pair_plot(SAMPLES, LABELS)
    assert [len(axes) for axes in rows] == [1, 2, 3]
    for row, axes in enumerate(rows):
        for column, ax in enumerate(axes[:-1]):
            (points,) = ax.collections
            assert np.array_equal(points.get_offsets(), SAMPLES[:, [column, row]])
        assert sum(bar.get_height() for bar in axes[-1].patches) == len(SAMPLES)
    assert [ax.get_xlabel() for ax in rows[-1]] == LABELS
    assert [axes[0].get_ylabel() for axes in rows] == ["", "b", "c"]


def test_colour_and_modes_of_a_pair_plot():
    colour, modes = np.arange(50.0), np.array([[0.0, 1.0, 2.0]])
    figure = pyplot.figure()
    rows = plots.pair_plot(
        SAMPLES, LABELS, colour=colour, colour_label="rate (Hz)", modes=modes, figure=figure
    )
    pair = rows[2][1]
    assert np.array_equal(pair.collections[0].get_array(), colour)
    (crosses,) = pair.lines
    assert np.array_equal(crosses.get_xydata(), [[1.0, 2.0]])
    assert crosses.get_color() == RED
    # Six panels and a bar that names what the colours are.
    assert len(figure.axes) == 7
    assert figure.axes[-1].get_ylabel() == "rate (Hz)"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": ["a", "b"]}, "labels must name 3"),
        ({"colour": np.full(50, np.nan)}, "colour must hold"),
        ({"samples": np.full((50, 3), np.inf)}, "samples must hold"),
    ],
)
def test_pair_plots_of_what_does_not_fit(changed, message):
    arguments = {"samples": SAMPLES, "labels": LABELS} | changed
    with pytest.raises(ValueError, match=message):
        plots.pair_plot(**arguments)


def test_trace_shows_entropy_and_what_is_missing():
    trace = np.array([[1.0, 5.0, 2.0, 10.0], [0.5, 4.0, 0.2, 20.0], [0.0, 3.0, 0.01, 40.0]])
    ax = plots.inference_trace(trace)
    (entropy,) = ax.lines
    assert np.array_equal(entropy.get_xydata(), [[1, 5], [2, 4], [3, 3]])
    assert "40 simulations" in ax.get_xlabel()
    (right,) = (each for each in ax.figure.axes if each is not ax)
    missing, reference = right.lines
    assert np.array_equal(missing.get_ydata(), trace[:, 2])
    # Nothing is left of the reference at the end, which a logarithmic axis cannot show.
    assert np.array_equal(reference.get_xydata(), [[1, 1.0], [2, 0.5]])
    assert right.get_yscale() == "log"


def test_trace_must_have_a_step():
    with pytest.raises(ValueError, match="trace must have a step or more"):
        plots.inference_trace(np.ones((0, 4)))


def test_directions_are_ordered_from_stiff_to_free():
    values, vectors = np.array([-0.1, -9.0]), np.array([[0.6, -0.8], [-0.8, -0.6]])
    ax = plots.sensitivity_directions(values, vectors, ["x", "y"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["-9", "-0.1"]
    of_x, of_y = ax.containers
    # Signs are such that the largest component points upwards.
    assert np.allclose([bar.get_height() for bar in of_x], [0.8, -0.6])
    assert np.allclose([bar.get_height() for bar in of_y], [0.6, 0.8])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["x", "y"]


def test_directions_must_fit_their_eigenvalues():
    with pytest.raises(ValueError, match="labels must name 2 parameters, got 1"):
        plots.sensitivity_directions(np.ones(2), np.eye(2), ["x"])
    with pytest.raises(ValueError, match="eigenvalues must hold"):
        plots.sensitivity_directions(np.full(2, np.nan), np.eye(2), ["x", "y"])
