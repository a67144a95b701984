"""Pictures of spiking networks and of their limits: what ticks, colours and bars stand for."""

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex

from neuropil import plots
from neuropil.plots.style import BLUE, RED


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def bars_of(container):
    """Lower and upper ends of the error bars of one set of points."""
    (bars,) = container.lines[2]
    return np.array([segment[:, 1] for segment in bars.get_segments()])


TIMES = np.array([1.0, 5.0, 5.5, 19.0, 20.0, 30.0])
NEURONS = np.array([0, 3, 1, 3, 2, 0])


def test_raster_draws_each_spike_of_the_interval_and_counts_them_below():
    ax = plots.raster(TIMES, NEURONS, interval=(0.0, 20.0), n_neurons=4, bin_width=5.0)
    (ticks,) = ax.lines
    assert np.array_equal(ticks.get_xydata(), np.column_stack([TIMES[:4], NEURONS[:4]]))
    (below,) = ax.child_axes
    (steps,) = below.patches
    counts, edges, _ = steps.get_data()
    assert np.array_equal(edges, [0, 5, 10, 15, 20])
    # spikes at 5 and 5.5 in the second bin; a rate of one spike of four neurons in 5 ms is 50 Hz
    # (the last bin has its right end)
    assert np.allclose(counts, [50, 100, 0, 100])
    assert ax.get_xlim() == below.get_xlim() == (0, 20)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "neuron")
    assert below.get_ylabel() == "rate (Hz)"
    assert all(0 <= tick < 4 for tick in ax.get_yticks())
    # The panel of rates lies below the lowest neuron.
    low, high = ax.get_ylim()
    assert (-0.5 - low) / (high - low) > below.get_position().height / ax.get_position().height


def test_raster_begins_where_the_interval_does_and_may_be_empty():
    ax = plots.raster(TIMES, NEURONS, interval=(4.0, 6.0), n_neurons=4)
    counts, edges, _ = ax.child_axes[0].patches[0].get_data()
    assert len(counts) == 100
    assert edges[0] == 4
    assert np.isclose(counts.sum() * 0.02 * 4 / 1000, 2)
    silent = plots.raster(np.empty(0), np.empty(0, int), interval=(0.0, 1.0), n_neurons=2)
    assert silent.lines[0].get_xdata().size == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"neurons": NEURONS[:3]}, "neurons has 3 entries for 6"),
        ({"n_neurons": 3}, "neurons must be 0 to 2, got 0 to 3"),
        ({"interval": (5.0, 5.0)}, "interval must be two finite times"),
        ({"bin_width": 21.0}, "bin_width must be above 0 and at most 20.0 ms, got 21"),
    ],
)
def test_raster_refuses_what_does_not_fit(changed, message):
    given = {"times": TIMES, "neurons": NEURONS, "interval": (0.0, 20.0), "n_neurons": 4}
    with pytest.raises(ValueError, match=message):
        plots.raster(**{**given, **changed})


ACROSS = np.array([0.0, 1.0, 3.0])
POTENTIALS = np.array([-5.0, 0.0, 5.0, 10.0])
VALUES = np.arange(12.0).reshape(3, 4) / 100


def test_density_has_potentials_upwards_and_its_unit_on_the_scale():
    ax = plots.density(ACROSS, jnp.asarray(POTENTIALS), jnp.asarray(VALUES), threshold=8.0)
    (mesh,) = [each for each in ax.collections if isinstance(each, QuadMesh)]
    assert np.allclose(np.asarray(mesh.get_array()).reshape(4, 3), VALUES.T)
    corners = mesh.get_coordinates()
    # cells reach halfway to their neighbours
    assert np.allclose(corners[0, :, 0], [-0.5, 0.5, 2.0, 4.0])
    assert np.allclose(corners[:, 0, 1], [-7.5, -2.5, 2.5, 7.5, 12.5])
    assert mesh.get_clim() == (0.0, pytest.approx(np.percentile(VALUES, 99.5)))
    assert np.allclose(mesh.cmap(0.0), 1.0)
    assert mesh.colorbar.extend == "max"
    assert mesh.colorbar.ax.get_ylabel() == "density (1/mV)"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "membrane potential (mV)")
    assert legend_texts(ax) == ["threshold"]
    assert np.array_equal(ax.lines[0].get_ydata(), [8.0, 8.0])
    even = plots.density(ACROSS, POTENTIALS, np.ones((3, 4)), across_label="type ξ")
    assert even.collections[0].colorbar.extend == "neither"
    assert even.get_xlabel() == "type ξ"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": VALUES.T}, "values must have a row for each of 3 entries"),
        ({"values": VALUES - 0.05}, "values must not be negative, got -0.05"),
        ({"values": VALUES * np.nan}, "values must hold at least one value, all finite"),
        ({"across": ACROSS[::-1]}, "across must hold at least two ascending"),
        ({"potentials": POTENTIALS[:1]}, "potentials must hold at least two ascending"),
    ],
)
def test_density_refuses_what_is_none(changed, message):
    given = {"across": ACROSS, "potentials": POTENTIALS, "values": VALUES}
    with pytest.raises(ValueError, match=message):
        plots.density(**{**given, **changed})


def test_rates_against_type_are_a_line_in_order_and_points_in_hertz():
    types, rates = np.array([0.5, 0.0, 1.0]), np.array([0.02, 0.01, 0.04])
    ax = plots.rate_against_type(
        types, rates, measured_types=np.array([0.3]), measured_rates=np.array([0.015])
    )
    points, line = ax.lines
    assert np.allclose(line.get_xydata(), [[0, 10], [0.5, 20], [1, 40]])
    assert np.allclose(points.get_xydata(), [[0.3, 15]])
    assert (to_hex(points.get_color()), to_hex(line.get_color())) == (to_hex(BLUE), to_hex(RED))
    assert legend_texts(ax) == ["neurons", "limit"]
    assert ax.get_ylabel() == "firing rate (Hz)"
    assert plots.rate_against_type(types, jnp.asarray(rates)).get_legend() is None
    with pytest.raises(ValueError, match="must be given together"):
        plots.rate_against_type(types, rates, measured_types=types)
    with pytest.raises(ValueError, match="rates has 2 entries for 3 of types"):
        plots.rate_against_type(types, rates[:2])
    with pytest.raises(ValueError, match="measured_rates must hold"):
        plots.rate_against_type(types, rates, measured_types=types, measured_rates=rates * np.nan)


LIMIT = np.array([2.0, -0.5])


def test_observables_are_ratios_to_the_limit_with_their_errors():
    ax = plots.observables(
        ["root", "edge"],
        LIMIT,
        {"N = 10": np.array([3.0, -0.25]), "N = 100": jnp.asarray(LIMIT)},
        errors={"N = 10": np.array([1.0, 0.1])},
    )
    first, second = ax.containers
    assert np.allclose(first.lines[0].get_ydata(), [1.5, 0.5])
    assert np.allclose(bars_of(first), [[1.0, 2.0], [0.3, 0.7]])
    assert np.allclose(second.lines[0].get_ydata(), 1.0)
    assert second.lines[2] == ()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["root", "edge"]
    # Points of one tree stand together around its tick.
    x = np.array([each.lines[0].get_xdata() for each in (first, second)])
    assert np.allclose(x.mean(axis=0), [0, 1])
    assert np.ptp(x, axis=0).max() < 0.5
    assert set(legend_texts(ax)) == {"limit", "N = 10", "N = 100"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"limit": np.array([1.0, 0.0])}, "limit must not hold a zero"),
        ({"measured": {"a": np.ones(3)}}, r"measured\['a'\] has 3 entries, 2 are needed"),
        ({"errors": {"b": np.ones(2)}}, r"errors has 'b', which is not among \['a'\]"),
        ({"errors": {"a": -np.ones(2)}}, r"errors\['a'\] must not be negative"),
        ({"measured": {"a": np.array([1.0, np.nan])}}, r"measured\['a'\] must hold"),
    ],
)
def test_observables_refuse_what_does_not_compare(changed, message):
    given = {"trees": ["root", "edge"], "limit": LIMIT, "measured": {"a": LIMIT}}
    with pytest.raises(ValueError, match=message):
        plots.observables(**{**given, **changed})


def test_convergence_fits_the_exponent_of_a_power_law():
    sizes = np.array([100, 400, 1600])
    errors = {"a": 3.0 / np.sqrt(sizes), "b": 7.0 / sizes}
    ax = plots.convergence(sizes, errors, standard_errors={"a": 0.1 * errors["a"]})
    assert legend_texts(ax) == ["a: exponent -0.50", "b: exponent -1.00"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    fits = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert np.allclose(
        [fit.get_ydata() for fit in fits], [errors["a"][[0, 2]], errors["b"][[0, 2]]]
    )
    assert np.allclose(bars_of(ax.containers[0]), np.outer(errors["a"], [0.9, 1.1]))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["100", "400", "1600"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sizes": np.array([10.0, 10.0])}, "sizes must hold at least two positive"),
        ({"sizes": np.array([0.0, 10.0])}, "sizes must hold at least two positive"),
        ({"errors": {"a": np.array([0.1, 0.0])}}, r"errors\['a'\] must be positive"),
        ({"errors": {"a": np.ones(3)}}, r"errors\['a'\] has 3 entries, 2 are needed"),
        ({"standard_errors": {"b": np.ones(2)}}, "standard_errors has 'b', which is not among"),
    ],
)
def test_convergence_refuses_what_has_no_logarithm(changed, message):
    given = {"sizes": np.array([10.0, 20.0]), "errors": {"a": np.array([0.2, 0.1])}}
    with pytest.raises(ValueError, match=message):
        plots.convergence(**{**given, **changed})


def test_new_plots_share_a_row_of_axes():
    """Each keeps to the axes it is given, so that it can stand beside others."""
    figure, axes = pyplot.subplots(1, 2)
    plots.raster(TIMES, NEURONS, interval=(0.0, 20.0), n_neurons=4, ax=axes[0])
    plots.convergence(np.array([1, 2]), {"a": np.array([0.2, 0.1])}, ax=axes[1])
    figure.canvas.draw()
    box = axes[0].get_window_extent()
    inner = axes[0].child_axes[0].get_window_extent()
    assert box.x0 - 1 <= inner.x0 <= inner.x1 <= box.x1 + 1
    assert box.y0 - 1 <= inner.y0 <= inner.y1 <= box.y1 + 1
