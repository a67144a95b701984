"""Waves drawn: their cells and connections, and what the cells do."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from neuropil.plots.style import BLUE, RED
from neuropil.plots.wave_activity import wave_activity
from neuropil.plots.wave_diagram import wave_diagram

GATHER = np.array([[1.0, -2.0, 0.5, 0.0], [0.0, 4.0, 0.0, -1.0]])
SPREAD = np.array([[2.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])


def test_a_diagram_has_a_line_for_each_connection_and_a_dot_for_each_cell():
    ax = wave_diagram([GATHER, SPREAD], letters="gs")
    first, second = (c for c in ax.collections if isinstance(c, LineCollection))
    assert len(first.get_segments()) == 5
    assert len(second.get_segments()) == 4
    assert sum(line.get_xdata().size for line in ax.lines) == 4 + 2 + 3
    # Cell 0 after hears cell 1 before, at heights 0.5 and 0.5, with a negative weight.
    np.testing.assert_allclose(first.get_segments()[1], [[0, 0.5], [1, 0.5]])
    colours = [tuple(colour[:3]) for colour in first.get_colors()]
    assert colours == [to_rgb(c) for c in (BLUE, RED, BLUE, BLUE, RED)]
    strongest = np.argmax(first.get_colors()[:, 3])
    assert strongest == 3
    assert [text.get_text() for text in ax.texts] == ["g", "s"]


def test_activity_is_centred_and_blank_outside_the_layers():
    layers = [np.array([1.0, -2.0, 3.0]), np.array([4.0, 0.5])]
    ax = wave_activity(layers, letters=["g"])
    picture = np.ma.filled(ax.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(picture[:, 0], [1, 1, -2, -2, 3, 3])
    np.testing.assert_array_equal(picture[:, 1], [np.nan, 4, 4, 0.5, 0.5, np.nan])
    assert ax.images[0].get_clim() == (-4.0, 4.0)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["input", "g"]
    faded = wave_activity([layers[0], layers[1] * 1e-6], relative=True)
    shown = np.ma.filled(faded.images[0].get_array(), np.nan)
    np.testing.assert_allclose(np.nanmax(np.abs(shown), axis=0), 1.0)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: wave_diagram([]), "matrices must be those of 1 to 60 steps"),
        (lambda: wave_diagram([GATHER, GATHER]), "step 2 starts at 4 cells"),
        (lambda: wave_diagram([np.ones((201, 3))]), "at most 200 cells"),
        (lambda: wave_diagram([GATHER], letters="gd"), "letters must name 1 steps"),
        (lambda: wave_activity([]), "at least one layer"),
        (lambda: wave_activity([np.array([np.nan])]), "layers must hold"),
        (lambda: wave_activity([np.ones(3)], letters="g"), "letters must name 0 steps"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
