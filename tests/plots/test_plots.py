"""The data behind each figure, its labels, and what it refuses to draw."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from matplotlib import pyplot
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle

from neuropil import plots
from neuropil.circuits import tripartite_motif_figure_2
from neuropil.plots.style import BLUE, COLUMN, RED
from neuropil.system import Box


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


RNG = np.random.default_rng(0)
RATES = RNG.lognormal(-4, 0.5, size=100)
STRENGTH = np.linspace(0, 10, 6)
INPUTS = 15 + np.outer(STRENGTH, np.array([1.0, 2.0, 4.0]))

PLANE = (jnp.full(2, -3.0), jnp.full(2, 3.0))

PROJECTIONS = {"phase_curves": "3d"}
CALLS = {
    "robustness": lambda ax: plots.robustness(np.arange(3.0), {"a": np.ones((3, 2))}, ax=ax),
    "training_curves": lambda ax: plots.training_curves({"a": np.ones((2, 3))}, ax=ax),
    "circuit_rasters": lambda ax: plots.circuit_rasters(
        1000.0 + np.arange(12.0).reshape(2, 2, 3), ["LP", "PY"], interval=(0.0, 2000.0), ax=ax
    ),
    "component_trajectories": lambda ax: plots.component_trajectories({"a": np.eye(2)}, ax=ax),
    "context_learning_curves": lambda ax: plots.context_learning_curves(
        np.ones((3, 4)), np.array([0, 1, 0, 1]), ax=ax
    ),
    "cumulative_regret": lambda ax: plots.cumulative_regret(
        np.arange(4), {"a": np.ones((3, 4))}, ax=ax
    ),
    "final_regrets": lambda ax: plots.final_regrets({"a": np.ones(3)}, ax=ax),
    "heat_map": lambda ax: plots.heat_map(np.eye(2), "ab", "cd", ax=ax),
    "regret_after_switch": lambda ax: plots.regret_after_switch(
        np.arange(5), {"a": np.ones((3, 5))}, ax=ax
    ),
    "regret_raster": lambda ax: plots.regret_raster({"a": np.ones(3)}, ax=ax),
    "inference_trace": lambda ax: plots.inference_trace(np.ones((3, 4)), ax=ax),
    "sensitivity_directions": lambda ax: plots.sensitivity_directions(
        np.array([-2.0, -1.0]), np.eye(2), ("a", "b"), ax=ax
    ),
    "convergence": lambda ax: plots.convergence(STRENGTH + 1, {"a": STRENGTH + 1}, ax=ax),
    "density": lambda ax: plots.density(STRENGTH, np.arange(3.0), INPUTS, ax=ax),
    "observables": lambda ax: plots.observables(["a"], np.ones(1), {"b": np.ones(1)}, ax=ax),
    "raster": lambda ax: plots.raster(
        STRENGTH, np.arange(6), interval=(0.0, 10.0), n_neurons=6, ax=ax
    ),
    "rate_against_type": lambda ax: plots.rate_against_type(STRENGTH, STRENGTH, ax=ax),
    "degree_histogram": lambda ax: plots.degree_histogram(np.array([3, 4, 4, 9]), ax=ax),
    "rate_histogram": lambda ax: plots.rate_histogram(RATES, ax=ax),
    "motif_frequencies": lambda ax: plots.motif_frequencies({"chain": RATES}, ax=ax),
    "adjacency": lambda ax: plots.adjacency(np.eye(4, k=1), ax=ax),
    "digraph": lambda ax: plots.digraph(np.eye(4, k=1), ax=ax),
    "fixed_points_against_strength": lambda ax: plots.fixed_points_against_strength(
        STRENGTH, INPUTS, ax=ax
    ),
    "bifurcation_diagram": lambda ax: plots.bifurcation_diagram(
        STRENGTH, INPUTS[:, 0], np.ones(6, bool), ax=ax
    ),
    "moment_scatter": lambda ax: plots.moment_scatter(RATES, RATES**2, ax=ax),
    "prediction_against_measurement": lambda ax: plots.prediction_against_measurement(
        RATES, RATES, ax=ax
    ),
    "phase_plane": lambda ax: plots.phase_plane(
        tripartite_motif_figure_2(), Box(*PLANE), at=np.ones(5), ax=ax
    ),
    "phase_curves": lambda ax: plots.phase_curves(INPUTS, names=("x", "y", "z"), ax=ax),
    "time_courses": lambda ax: plots.time_courses(STRENGTH, INPUTS, ("x", "y", "z"), ax=ax),
    "sheets": lambda ax: plots.sheets([(STRENGTH, INPUTS[:, 0], np.ones(6, bool))], ax=ax),
    "transfer_function": lambda ax: plots.transfer_function(STRENGTH, STRENGTH, ax=ax),
}


def test_every_plot_is_here():
    of_a_whole_figure = {"pair_plot"}
    assert set(CALLS) | of_a_whole_figure == set(plots.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_plots_draw_on_the_given_axes_or_on_new_ones(name):
    projection = PROJECTIONS.get(name)
    ax, untouched = (pyplot.figure().add_subplot(projection=projection) for _ in range(2))
    before = pyplot.get_fignums()
    assert CALLS[name](ax) is ax
    assert pyplot.get_fignums() == before
    assert len(ax.get_children()) > len(untouched.get_children())
    new = CALLS[name](None)
    assert new is not ax
    assert new.figure.get_figwidth() <= COLUMN[0]
    new.figure.canvas.draw()


def test_degree_histogram_counts_every_neuron_in_bins_of_whole_degrees():
    in_degrees, out_degrees = RNG.binomial(900, 0.3, size=400), RNG.binomial(900, 0.3, size=400)
    ax = plots.degree_histogram(in_degrees, out_degrees)
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert sum(bar.get_height() for bar in bars) == 400
    for bar in bars:
        inside = (in_degrees > bar.get_x()) & (in_degrees < bar.get_x() + bar.get_width())
        assert bar.get_height() == inside.sum()
        assert bar.get_x() % 1 == 0.5
        assert np.isclose(bar.get_width() % 1, 0)
    outline = next(patch for patch in ax.patches if not isinstance(patch, Rectangle))
    assert outline.get_xy()[:, 1].max() > 0
    assert legend_texts(ax) == ["in-degree", "out-degree"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("degree", "neurons")
    assert plots.degree_histogram(in_degrees).get_xlabel() == "in-degree"
    one = plots.degree_histogram(np.full(5, 7))
    assert [bar.get_height() for bar in one.patches] == [5]


def test_rates_are_drawn_in_hertz():
    ax = plots.rate_histogram(RATES, label="SONET")
    assert sum(bar.get_height() for bar in ax.patches) == 100
    assert np.isclose(ax.patches[0].get_x(), 1000 * RATES.min())
    last = ax.patches[-1]
    assert np.isclose(last.get_x() + last.get_width(), 1000 * RATES.max())
    assert ax.get_xlabel() == "firing rate (Hz)"
    assert legend_texts(ax) == ["SONET"]


def test_motif_bars_are_means_and_lines_are_requests():
    realised = {"chain": np.array([0.1, 0.3]), "reciprocal": np.array([0.5])}
    ax = plots.motif_frequencies(realised, {"reciprocal": 0.45})
    assert np.allclose([bar.get_height() for bar in ax.patches], [0.2, 0.5])
    (points,) = [line for line in ax.lines if line.get_marker() == "."]
    assert np.allclose(points.get_ydata(), [0.1, 0.3])
    (request,) = ax.collections[0].get_segments()
    assert np.allclose(request[:, 1], 0.45)
    assert request[0, 0] < 1 < request[1, 0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["chain", "reciprocal"]
    assert set(legend_texts(ax)) == {"mean", "network", "requested"}


def picture_of(ax):
    (image,) = ax.images
    return np.asarray(image.get_array())


def test_adjacency_squares_are_the_connections():
    matrix = np.zeros((5, 5))
    matrix[0, 3], matrix[4, 1] = 2.0, -1.0
    for form in (matrix, scipy.sparse.csr_array(matrix)):
        ax = plots.adjacency(form)
        picture = picture_of(ax)
        assert np.allclose(picture[0, 3], to_rgb(BLUE))
        assert np.allclose(picture[4, 1], to_rgb(RED))
        assert np.sum(np.any(picture < 1, axis=2)) == 2
        assert ax.get_xlabel() == "presynaptic neuron"
        assert ax.get_ylabel() == "postsynaptic neuron"
        # row 0 on top, neuron i centred at i
        assert ax.get_ylim() == (4.5, -0.5)
        assert ax.get_xlim() == (-0.5, 4.5)


def test_adjacency_is_sorted_by_type_with_bars():
    matrix = np.zeros((6, 6))
    matrix[0, 1] = 1.0
    types = ["b", "a", "b", "a", "a", "a"]
    ax = plots.adjacency(matrix, types)
    # neuron 0 is the first of type b, after four of type a; neuron 1 the first of type a
    assert np.allclose(picture_of(ax)[4, 0], to_rgb(BLUE))
    above = [bar for bar in ax.patches if bar.get_height() == 0.025]
    assert [(bar.get_x(), bar.get_width()) for bar in above] == [(-0.5, 4), (3.5, 2)]
    assert [text.get_text() for text in ax.texts] == ["a", "b"]
    assert [text.get_position()[0] for text in ax.texts] == [2, 5]


def test_large_adjacency_shows_density_within_bounded_memory():
    n = 5000
    matrix = scipy.sparse.random_array((n, n), density=2e-3, rng=np.random.default_rng(1))
    dense_corner = scipy.sparse.random_array((500, 500), density=0.05, rng=np.random.default_rng(2))
    dense_corner.resize((n, n))
    ax = plots.adjacency(scipy.sparse.csr_array(matrix + dense_corner))
    picture = picture_of(ax)
    assert picture.shape == (400, 400, 3)
    ink = 1 - picture[:, :, 0]
    assert ink[:40, :40].mean() > 5 * ink[40:, 40:].mean()
    assert ink[40:, 40:].mean() > 0
    assert ax.get_xlim() == (-0.5, n - 0.5)


def test_uneven_cells_do_not_look_denser():
    """With 600 neurons in 400 cells, cells of one and of two neurons alternate."""
    ink = 1 - picture_of(plots.adjacency(np.ones((600, 600))))
    assert np.ptp(ink[:, :, 0]) < 1e-12


def test_crowded_type_names_are_tilted():
    types = ["a long name of a type"] * 5 + ["another long name"] * 5 + ["third name"] * 5
    assert {t.get_rotation() for t in plots.adjacency(np.eye(15), types).texts} == {40}
    assert {t.get_rotation() for t in plots.adjacency(np.eye(4), list("aabb")).texts} == {0}


def test_digraph_arrows_run_from_pre_to_post():
    matrix = np.zeros((4, 4))
    matrix[1, 0], matrix[2, 3] = 1.0, -1.0
    ax = plots.digraph(matrix)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    (points,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    place = points.get_offsets()
    assert len(arrows) == 2
    ends = {to_hex(arrow.get_edgecolor()).upper(): arrow._posA_posB for arrow in arrows}
    assert np.allclose(ends[BLUE], [place[0], place[1]])
    assert np.allclose(ends[RED], [place[3], place[2]])
    colours = [to_hex(colour).upper() for colour in points.get_facecolors()]
    assert colours == [BLUE, BLUE, BLUE, RED]


def test_fixed_points_have_one_line_a_neuron_and_gaps_where_not_converged():
    converged = np.array([True, True, False, False, True, True])
    ax = plots.fixed_points_against_strength(STRENGTH, INPUTS, converged=converged)
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]
    lost = [line for line in ax.lines if line.get_linestyle() != "-"]
    assert len(lines) == len(lost) == 3
    for neuron in range(3):
        drawn, left = lines[neuron].get_ydata(), lost[neuron].get_ydata()
        assert np.array_equal(drawn[converged], INPUTS[converged, neuron])
        assert np.all(np.isnan(drawn[~converged]))
        assert np.array_equal(left[~converged], INPUTS[~converged, neuron])
    (shade,) = ax.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (STRENGTH[1], STRENGTH[4])
    assert legend_texts(ax) == ["not converged"]
    assert ax.get_xlabel() == "connection strength (mV ms)"
    assert ax.get_ylabel() == "input current (mV)"
    assert plots.fixed_points_against_strength(STRENGTH, INPUTS).get_legend() is None


def test_moment_scatter_draws_the_least_squares_line_and_its_band():
    x = RNG.normal(size=40)
    y = 2 * x + 1 + 0.3 * RNG.normal(size=40)
    gap = np.append(x, np.nan)
    ax = plots.moment_scatter(gap, np.append(y, 1.0), xlabel="a", ylabel="b", interval=(0.9, 0.99))
    slope, intercept = np.polyfit(x, y, 1)
    (line,) = ax.lines
    assert np.allclose(line.get_ydata(), intercept + slope * line.get_xdata())
    points, band = ax.collections
    assert np.allclose(points.get_offsets(), np.column_stack([x, y]))
    # the band of the mean against its textbook value at one end
    residual = y - intercept - slope * x
    error = np.sqrt(np.sum(residual**2) / 38)
    error *= np.sqrt(1 / 40 + (x.max() - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    ends = band.get_paths()[0].vertices
    at_end = ends[np.isclose(ends[:, 0], x.max()), 1]
    assert np.isclose(np.ptp(at_end), 2 * 1.96 * error)
    r = np.corrcoef(x, y)[0, 1]
    assert legend_texts(ax) == [f"r = {r:.2f}, R² = {r**2:.2f} [0.90, 0.99]"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


def test_moment_scatter_takes_a_band_from_elsewhere():
    band = np.array([[0.0, 1.0], [-5.0, -6.0], [5.0, 7.0]])
    ax = plots.moment_scatter(np.arange(5.0), np.arange(5.0) ** 2, band=band)
    vertices = ax.collections[1].get_paths()[0].vertices
    assert vertices[:, 1].min() == -6
    assert vertices[:, 1].max() == 7


def test_moment_scatter_without_spread_draws_points_only():
    ax = plots.moment_scatter(np.ones(4), np.arange(4.0))
    assert not ax.lines
    assert ax.get_legend() is None


def test_predictions_lie_above_measurements_and_the_line_is_identity():
    measured = np.array([1.0, 10.0, 100.0, -1.0])
    ax = plots.prediction_against_measurement(2 * measured, measured, label="ER", unit="mV²")
    assert np.allclose(ax.collections[0].get_offsets(), [[1, 2], [10, 20], [100, 200]])
    (line,) = ax.lines
    assert np.array_equal(line.get_xdata(), line.get_ydata())
    assert ax.get_xlim() == ax.get_ylim() == (line.get_xdata()[0], line.get_xdata()[1])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("measured (mV²)", "predicted (mV²)")
    assert legend_texts(ax) == ["ER (1 not drawn)"]


def test_transfer_function_has_its_slope_on_the_right():
    inputs = np.linspace(0, 30, 50)
    ax = plots.transfer_function(inputs, 0.001 * inputs**2, slope=0.002 * inputs)
    assert np.allclose(ax.lines[0].get_ydata(), inputs**2)
    (right,) = [other for other in ax.figure.axes if other is not ax]
    assert np.allclose(right.lines[0].get_ydata(), 2 * inputs)
    assert ax.get_ylim()[0] == right.get_ylim()[0] == 0
    assert ax.get_xlabel() == "mean input current (mV)"
    assert (ax.get_ylabel(), right.get_ylabel()) == ("firing rate (Hz)", "slope (Hz/mV)")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.degree_histogram(np.array([], int)), "in_degrees must hold at least one"),
        (
            lambda: plots.degree_histogram(np.array([1.0]), np.array([np.nan])),
            "out_degrees must hold at least one value, all finite",
        ),
        (lambda: plots.rate_histogram(np.array([np.inf])), "rates must hold at least one"),
        (lambda: plots.motif_frequencies({"chain": np.array([])}), r"realised\['chain'\] must"),
        (
            lambda: plots.motif_frequencies({"chain": RATES}, {"chains": 0.1}),
            r"requested motif 'chains' is not among \['chain'\]",
        ),
        (lambda: plots.adjacency(np.ones((2, 3))), r"must be square, got shape \(2, 3\)"),
        (
            lambda: plots.adjacency(np.eye(3), ["a", "b"]),
            "cell_types has 2 entries for 3 neurons",
        ),
        (lambda: plots.digraph(np.eye(61)), r"at most 60 neurons, got shape \(61, 61\)"),
        (
            lambda: plots.fixed_points_against_strength(STRENGTH, INPUTS[:4]),
            "inputs has 4 rows for 6 strengths",
        ),
        (
            lambda: plots.fixed_points_against_strength(
                STRENGTH, INPUTS, converged=np.ones(5, bool)
            ),
            "converged has 5 entries for 6 strengths",
        ),
        (lambda: plots.transfer_function(STRENGTH, STRENGTH[:5]), "one value for each of 6 inputs"),
        (
            lambda: plots.transfer_function(STRENGTH, STRENGTH, slope=STRENGTH[:5]),
            "rate and slope must have one value for each of 6 inputs",
        ),
        (
            lambda: plots.moment_scatter(STRENGTH, STRENGTH[:4]),
            "x and y must have one value a network, got 6 and 4",
        ),
        (
            lambda: plots.prediction_against_measurement(STRENGTH, STRENGTH[:4]),
            "predicted and measured must have one value a case, got 6 and 4",
        ),
        (lambda: plots.digraph(np.ones((2, 3))), r"must be square with .* got shape \(2, 3\)"),
        (
            lambda: plots.moment_scatter(np.array([1.0, np.nan, 2.0]), np.arange(3.0)),
            "at least 3 finite points, got 2",
        ),
        (
            lambda: plots.prediction_against_measurement(np.array([-1.0]), np.array([1.0])),
            "share no case that is positive and finite",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
