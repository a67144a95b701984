"""Pictures of dynamical systems: what the lines, points and arrows stand for."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from matplotlib import pyplot
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.contour import QuadContourSet
from matplotlib.quiver import Quiver
from matplotlib.text import Annotation
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from neuropil import plots
from neuropil.plots.style import BLUE, CYCLE, GREEN, GREY, RED
from neuropil.system import AbstractSystem, Box


class Circle(AbstractSystem):
    """x' = x (r^2 - x^2 - y^2), y' = y - speed t: a circle, a vertical and a moving line."""

    radius: Float[Array, ""]
    speed: Float[Array, ""]

    @property
    def state_names(self):
        return ("x", "y")

    @property
    def state_unit(self):
        return "mV"

    def vector_field(self, time, state):
        x, y = state
        return jnp.stack([x * (self.radius**2 - x**2 - y**2), y - self.speed * time])


class Slaved(AbstractSystem):
    """(a, b, c)' = (b - c, -a, a^2 - c): c follows a^2; in the plane (a, b), b = a^2 is a' = 0."""

    @property
    def state_names(self):
        return ("a", "b", "c")

    @property
    def state_unit(self):
        return ""

    def vector_field(self, time, state):
        a, b, c = state
        return jnp.stack([b - c, -a, a**2 - c])


CIRCLE = Circle(jnp.asarray(1.5), jnp.asarray(0.5))
SQUARE = Box(jnp.array([-2.0, -2.0]), jnp.array([2.0, 2.0]))
CUBE = Box(jnp.array([-1.0, -2.0, 0.0]), jnp.array([1.0, 2.0, 5.0]))
RNG = np.random.default_rng(0)
CURVE = np.cumsum(RNG.normal(size=(50, 4)), axis=0)
NAMES = ("x1", "x2", "w", "z")
PARAMETER = np.array([0.0, 2.0, 3.0, 2.0, 1.0, 4.0])
VALUE = np.linspace(0, 1, 6)
STABLE = np.array([True, True, True, False, False, True])


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def lines_of(ax, label):
    return [line for line in ax.lines if line.get_label() == label and len(line.get_xdata())]


def pieces_of_nullclines(ax):
    """For each nullcline, its pieces as tables of points."""
    sets = [child for child in ax.get_children() if isinstance(child, QuadContourSet)]
    assert all(list(contours.levels) == [0.0] for contours in sets)
    return [[piece for (pieces,) in [contours.allsegs] for piece in pieces] for contours in sets]


def test_branch_is_solid_where_stable_and_has_no_gaps():
    ax = plots.bifurcation_diagram(
        PARAMETER, VALUE, STABLE, parameter_label="strength", value_label="rate"
    )
    solid, dashed = lines_of(ax, "stable"), lines_of(ax, "unstable")
    assert {line.get_linestyle() for line in solid} == {"-"}
    assert {line.get_linestyle() for line in dashed} == {"--"}
    # each piece runs on to the first point of the next
    assert np.array_equal(solid[0].get_ydata(), VALUE[:4])
    assert np.array_equal(dashed[0].get_ydata(), VALUE[3:])
    assert np.array_equal(solid[1].get_ydata(), VALUE[5:])
    assert np.array_equal(dashed[0].get_xdata(), PARAMETER[3:])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("strength", "rate")
    assert plots.bifurcation_diagram(PARAMETER, VALUE, np.ones(6, bool)).get_legend() is None


def test_special_points_are_marked_by_kind_and_named_once_for_all_branches():
    special = {
        "fold": np.array([[3.0, 0.4], [1.0, 0.8], [np.nan, np.nan]]),
        "Hopf": np.array([[2.0, 0.6]]),
        "branch point": np.empty((0, 2)),
        "cusp": np.array([[0.0, 0.0]]),
        "swallowtail": np.array([[0.0, 0.5]]),
    }
    ax = plots.bifurcation_diagram(
        PARAMETER, VALUE, STABLE, special=special, parameter_label="strength", value_label="rate"
    )
    (folds,) = lines_of(ax, "fold")
    assert np.array_equal(folds.get_xydata(), special["fold"][:2])
    assert lines_of(ax, "branch point") == []
    marks = [lines_of(ax, kind)[0].get_marker() for kind in ("fold", "Hopf", "cusp", "swallowtail")]
    assert len(set(marks)) == 4
    names = ["stable", "unstable", "fold", "Hopf", "cusp", "swallowtail"]
    assert legend_texts(ax) == names
    plots.bifurcation_diagram(PARAMETER, VALUE + 1, STABLE, special=special, colour=GREEN, ax=ax)
    assert legend_texts(ax) == names
    assert {line.get_color() for line in lines_of(ax, "stable")} == {BLUE, GREEN}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("strength", "rate")


def test_branches_from_buffers_end_where_their_numbers_do():
    pad = np.full(3, np.nan)
    ax = plots.bifurcation_diagram(
        jnp.append(PARAMETER[:3], pad), jnp.append(VALUE[:3], pad), jnp.array(STABLE)
    )
    (line,) = ax.lines
    assert np.array_equal(line.get_ydata(), VALUE[:3])


def test_nullclines_are_all_pieces_of_the_zero_sets():
    """x stands still on the circle and on the vertical line through its centre."""
    ax = plots.phase_plane(CIRCLE, SQUARE, flow=None, time=2.0)
    of_x, of_y = pieces_of_nullclines(ax)
    (x, y) = np.concatenate(of_x).T
    on_circle = np.isclose(np.hypot(x, y), 1.5, atol=1e-3)
    on_line = np.isclose(x, 0, atol=1e-9)
    assert np.all(on_circle | on_line)
    # All around the circle, and all along the line.
    angle = np.sort(np.arctan2(y, x)[on_circle])
    assert np.max(np.diff(angle)) < 0.05
    height = np.sort(y[on_line])
    assert height[0] == -2
    assert height[-1] == 2
    assert np.max(np.diff(height)) < 0.03
    # y stands still at speed times time
    assert np.allclose(np.concatenate(of_y)[:, 1], 1.0)
    assert legend_texts(ax) == ["x nullcline", "y nullcline"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (mV)", "y (mV)")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-2, 2))


def test_a_plane_without_zeros_has_no_nullcline():
    beside = Box(jnp.array([2.0, 1.0]), jnp.array([3.0, 2.0]))
    ax = plots.phase_plane(CIRCLE, beside)
    assert pieces_of_nullclines(ax) == []
    assert ax.get_legend() is None
    assert pieces_of_nullclines(plots.phase_plane(CIRCLE, SQUARE, nullclines=False)) == []


def test_arrows_point_along_the_flow_and_have_one_length():
    wide = Box(jnp.array([-20.0, -2.0]), jnp.array([20.0, 2.0]))
    ax = plots.phase_plane(CIRCLE, wide, flow="arrows")
    (arrows,) = [child for child in ax.get_children() if isinstance(child, Quiver)]
    x, y = arrows.get_offsets().T
    slope = np.array([x * (1.5**2 - x**2 - y**2), y])
    drawn = np.array([arrows.U, arrows.V])
    assert np.allclose(np.arctan2(*drawn), np.arctan2(*slope))
    assert np.allclose(np.hypot(drawn[0] / 40, drawn[1] / 4), 0.7 / 20)
    assert (arrows.angles, arrows.scale_units, arrows.scale) == ("xy", "xy", 1)


def test_streams_run_along_the_flow():
    ax = plots.phase_plane(CIRCLE, SQUARE, nullclines=False)
    (streams,) = [child for child in ax.collections if isinstance(child, LineCollection)]
    pieces = streams.get_segments()
    path = np.concatenate([np.diff(piece, axis=0) for piece in pieces])
    middle = np.concatenate([(piece[1:] + piece[:-1]) / 2 for piece in pieces])
    slope = middle * np.column_stack([2.25 - np.sum(middle**2, axis=1), np.ones(len(middle))])
    long = np.linalg.norm(path, axis=1) > 1e-3
    path, slope = (v[long] / np.linalg.norm(v[long], axis=1)[:, None] for v in (path, slope))
    assert len(path) > 500
    # All but a few steps around sharp turns.
    assert np.quantile(np.sum(path * slope, axis=1), 0.02) > 0.99


def test_components_are_held_at_a_state_or_follow_the_plane():
    box = Box(jnp.full(3, -1.0), jnp.full(3, 1.0))
    held = plots.phase_plane(Slaved(), box, at=np.array([0.0, 0.0, 0.25]), flow=None)
    of_a, of_b = (np.concatenate(pieces) for pieces in pieces_of_nullclines(held))
    assert np.allclose(of_a[:, 1], 0.25)
    assert np.allclose(of_b[:, 0], 0.0)
    following = plots.phase_plane(Slaved(), box, at=lambda a, b: jnp.stack([a, b, a**2]), flow=None)
    of_a, of_b = (np.concatenate(pieces) for pieces in pieces_of_nullclines(following))
    assert np.allclose(of_a[:, 1], of_a[:, 0] ** 2, atol=1e-4)
    # Components in another order, and a box of the plane alone.
    turned = plots.phase_plane(
        Slaved(),
        Box(jnp.array([-1.0, -3.0]), jnp.array([1.0, 3.0])),
        components=("c", "a"),
        at=np.array([0.0, 0.5, 0.0]),
        flow=None,
    )
    of_c, of_a = (np.concatenate(pieces) for pieces in pieces_of_nullclines(turned))
    assert np.allclose(of_c[:, 0], of_c[:, 1] ** 2, atol=2e-3)
    assert np.allclose(of_a[:, 0], 0.5)
    assert (turned.get_xlabel(), turned.get_ylim()) == ("c", (-3, 3))


def test_equilibria_are_filled_where_stable_and_trajectories_begin_at_a_dot():
    points = jnp.array([[0.0, 0.1, 9.0], [0.3, 0.4, 9.0], [0.6, 0.7, 9.0]])
    ways = CURVE[:, :3], CURVE[:20, 1:]
    ax = plots.phase_plane(
        Slaved(), CUBE, components=("b", "a"), at=np.zeros(3), nullclines=False,
        points=points, stable=jnp.array([True, False, True]), trajectories=ways,
    )  # fmt: skip
    (filled,), (open_,) = lines_of(ax, "stable"), lines_of(ax, "unstable")
    assert np.array_equal(filled.get_xydata(), [[0.1, 0.0], [0.7, 0.6]])
    assert np.array_equal(open_.get_xydata(), [[0.4, 0.3]])
    assert (filled.get_markerfacecolor(), open_.get_markerfacecolor()) == ("black", "white")
    drawn = lines_of(ax, "trajectory")
    for line, way in zip(drawn, ways, strict=True):
        assert np.array_equal(line.get_xydata(), way[:, [1, 0]])
    starts = [line for line in ax.lines if line.get_marker() == "."]
    assert np.array_equal([start.get_xydata()[0] for start in starts], [w[0, [1, 0]] for w in ways])
    assert legend_texts(ax) == ["stable", "unstable", "trajectory"]
    alike = plots.phase_plane(CIRCLE, SQUARE, flow=None, points=np.zeros((1, 2)))
    assert legend_texts(alike)[-1] == "equilibrium"


def test_phase_curves_draw_the_chosen_components_with_points_and_box():
    points = np.arange(8.0).reshape(2, 4)
    ax = plots.phase_curves(
        [CURVE, CURVE + 1], names=NAMES, components=("x2", "w", "z"),
        points=points, stable=np.array([True, False]), box=CUBE, unit="mV",
    )  # fmt: skip
    curves = [line for line in ax.lines if line.get_linestyle() == "-"]
    starts = [line for line in ax.lines if line.get_markersize() == 3]
    for add, (curve, start) in enumerate(zip(curves, starts, strict=True)):
        assert np.array_equal(np.transpose(curve.get_data_3d()), CURVE[:, 1:] + add)
        assert np.array_equal(np.ravel(start.get_data_3d()), CURVE[0, 1:] + add)
        assert curve.get_color() == start.get_color()
    (red,), (black,) = lines_of(ax, "stable"), lines_of(ax, "unstable")
    assert (red.get_color(), black.get_color()) == (RED, "black")
    assert np.array_equal(np.ravel(red.get_data_3d()), [1, 2, 3])
    assert np.array_equal(np.ravel(black.get_data_3d()), [5, 6, 7])
    assert legend_texts(ax) == ["stable", "unstable"]
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == ["x2 (mV)", "w (mV)", "z (mV)"]
    limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
    assert np.all((limits[:, 0] <= CUBE.lower) & (CUBE.upper <= limits[:, 1]))
    bare = plots.phase_curves(jnp.asarray(CURVE)[None], names=NAMES, start_markers=False)
    assert len(bare.lines) == 1
    assert bare.get_legend() is None


def test_the_cuboid_has_the_faces_of_the_box():
    ax = plots.phase_curves(CURVE, names=NAMES, components=("x1", "x2", "z"), box=CUBE)
    (cuboid,) = [child for child in ax.collections if isinstance(child, Poly3DCollection)]
    faces = np.asarray(cuboid._faces)
    assert faces.shape == (6, 4, 3)
    corners = {tuple(corner) for corner in faces.reshape(-1, 3)}
    assert corners == {(x, y, z) for x in (-1.0, 1.0) for y in (-2.0, 2.0) for z in (0.0, 5.0)}
    for face in faces:
        # In a plane, and around it: neighbours differ in one component.
        assert np.sum(np.ptp(face, axis=0) == 0) == 1
        assert np.all(np.sum(face != np.roll(face, 1, axis=0), axis=1) == 1)
    assert len({tuple(sorted(map(tuple, face))) for face in faces}) == 6
    assert cuboid.get_alpha() < 0.2


def test_time_courses_are_named_lines_in_the_order_asked_for():
    times = np.linspace(0, 5, 50)
    ax = plots.time_courses(times, jnp.asarray(CURVE), NAMES, components=("z", "x1"), unit="mV")
    for line, column in zip(ax.lines, (3, 0), strict=True):
        assert np.array_equal(line.get_xydata(), np.column_stack([times, CURVE[:, column]]))
    assert legend_texts(ax) == ["z", "x1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "state (mV)")
    assert legend_texts(plots.time_courses(times, CURVE, NAMES)) == list(NAMES)
    many = [f"x{number}" for number in range(9)]
    ax = plots.time_courses(times, np.tile(times[:, None], 9), many)
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 9
    assert [line.get_color() for line in ax.lines[:7]] == list(CYCLE)


def test_sheets_have_stability_folds_jumps_and_a_trajectory_with_its_direction():
    """The cubic z = 3 x - x^3, whose folds are (2, 1) and (-2, -1)."""
    x = np.linspace(-2.2, 2.2, 201)
    z = 3 * x - x**3
    folds = np.array([[2.0, 1.0], [-2.0, -1.0]])
    jumps = np.array([[2.0, 1.0, -2.0], [-2.0, -1.0, 2.0]])
    way = np.column_stack([np.linspace(-2, 2, 40), np.linspace(-2, -1, 40)])
    ax = plots.sheets(
        [(z, x, np.abs(x) > 1), (z + 9, x, np.ones(201, bool))],
        folds=folds, jumps=jumps, trajectory=way, slow_label="z", fast_label="x",
    )  # fmt: skip
    (dashed,) = lines_of(ax, "unstable")
    assert np.all(np.abs(dashed.get_ydata()[:-1]) <= 1)
    assert len(lines_of(ax, "stable")) == 3
    assert np.array_equal(lines_of(ax, "fold")[0].get_xydata(), folds)
    dotted = lines_of(ax, "jump")
    assert {line.get_linestyle() for line in dotted} == {":"}
    assert np.array_equal([line.get_xydata().ravel() for line in dotted], jumps[:, [0, 1, 0, 2]])
    (grey,) = lines_of(ax, "trajectory")
    assert grey.get_color() == GREY
    assert np.array_equal(grey.get_xydata(), way)
    heads = [child for child in ax.get_children() if isinstance(child, Annotation)]
    of_jumps, of_way = heads[:2], heads[2:]
    # An annotation goes from its text to the point it is about.
    assert [head.xy for head in of_jumps] == [(2.0, -2.0), (-2.0, 2.0)]
    assert all(head.get_position()[0] == head.xy[0] for head in of_jumps)
    assert len(of_way) >= 1
    for head in of_way:
        assert np.all(np.subtract(head.xy, head.get_position()) > 0)
        assert np.isclose(np.interp(head.xy[0], *way.T), head.xy[1])
        assert to_hex(head.arrow_patch.get_facecolor()).upper() == GREY
    assert legend_texts(ax) == ["trajectory", "stable", "unstable", "fold", "jump"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("z", "x")


def test_a_trajectory_that_rests_has_no_direction():
    ax = plots.sheets([(PARAMETER, VALUE, STABLE)], trajectory=np.ones((5, 2)))
    assert not [child for child in ax.get_children() if isinstance(child, Annotation)]


def plane(box=SQUARE, system=CIRCLE, **options):
    return lambda: plots.phase_plane(system, box, **options)


def curves(states=CURVE, names=NAMES, **options):
    return lambda: plots.phase_curves(states, names=names, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plots.bifurcation_diagram(PARAMETER, VALUE[:4], STABLE[:5]),
            "one entry a point, got 6, 4 and 5",
        ),
        (
            lambda: plots.bifurcation_diagram(PARAMETER, np.full(6, np.nan), STABLE),
            "parameter must hold at least one value",
        ),
        (
            lambda: plots.bifurcation_diagram(
                PARAMETER, np.where(np.arange(6) == 2, np.nan, VALUE), STABLE
            ),
            "value must hold at least one value, all finite",
        ),
        (
            lambda: plots.bifurcation_diagram(
                PARAMETER, VALUE, STABLE, special={"fold": np.zeros((2, 3))}
            ),
            r"special\['fold'\] must have 2 columns, got shape \(2, 3\)",
        ),
        (plane(components=("x", "w")), r"components must be 2 of x, y, .*got \['x', 'w'\]"),
        (plane(components=("x", "x")), "each at most once"),
        (plane(system=Slaved(), box=CUBE), "at must say where the other 1 components"),
        (plane(system=Slaved(), box=CUBE, at=np.zeros(2)), "at must be a finite state of 3"),
        (
            plane(system=Slaved(), box=CUBE, at=lambda a, b: jnp.stack([a, b])),
            r"at must give states of 3 components, got one of shape \(2,\)",
        ),
        (
            plane(system=Slaved(), box=CUBE, at=lambda a, b: jnp.stack([b, a, a])),
            "at must leave the components of the plane as they are",
        ),
        (plane(box=CUBE), r"box must have corners of 2 components, got shapes \(3,\)"),
        (plane(box=Box(SQUARE.upper, SQUARE.lower)), "lower ends below its upper ones"),
        (plane(box=Box(SQUARE.lower, SQUARE.upper * jnp.inf)), "box must have finite"),
        (plane(flow="river"), "flow must be 'streams', 'arrows' or None, got 'river'"),
        (plane(resolution=10), "resolution must be at least 20, got 10"),
        (plane(time=np.nan), "where the system has a slope that is a number"),
        (plane(points=np.zeros((1, 3))), "points must hold states of 2 components"),
        (plane(stable=np.ones(1, bool)), "stable must come with points"),
        (
            plane(points=np.zeros((2, 2)), stable=np.ones(1, bool)),
            "stable has 1 entries for 2 points",
        ),
        (plane(trajectories=[np.zeros((9, 1))]), "trajectories must hold states of 2 components"),
        (plane(trajectories=[np.zeros((0, 2))]), "trajectories must have at least one row"),
        (curves([]), "states must hold at least one curve"),
        (curves(np.full((3, 4), np.nan)), "states must be finite"),
        (curves(names=("x", "y", "z")), r"states of 3 components as rows, got shape \(50, 4\)"),
        (curves(names=("x", "y")), "components must be 3 of x, y"),
        (curves(box=SQUARE), "box must have corners of 3 or 4 components"),
        (lambda: curves(ax=pyplot.figure().subplots())(), "ax must be three-dimensional"),
        (
            lambda: plots.time_courses(np.arange(49.0), CURVE, NAMES),
            r"row for each of 49 times and a column for each of 4 names, got shape \(50, 4\)",
        ),
        (
            lambda: plots.time_courses(np.arange(50.0), CURVE, NAMES, components=()),
            "components must be at least one of x1, x2, w, z",
        ),
        (
            lambda: plots.time_courses(np.arange(50.0), CURVE * np.nan, NAMES),
            "states must hold at least one value, all finite",
        ),
        (lambda: plots.sheets([]), "manifold must hold at least one curve"),
        (
            lambda: plots.sheets([(PARAMETER, VALUE, STABLE), (PARAMETER, VALUE, STABLE[:2])]),
            r"manifold\[1\] must have .* one length, got 6, 6 and 2",
        ),
        (
            lambda: plots.sheets([(PARAMETER, VALUE, STABLE)], jumps=np.zeros((1, 2))),
            r"jumps must have 3 columns, got shape \(1, 2\)",
        ),
        (
            lambda: plots.sheets([(PARAMETER, VALUE, STABLE)], trajectory=np.zeros((9, 3))),
            "trajectory must hold states of 2 components",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
