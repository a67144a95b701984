"""All zeros of systems whose zeros are known, and honesty where they cannot be proved."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zero_problems import Given, box, chebyshev_polynomial, row

from neuropil.analysis import BranchAndPrune, fixed_points, fixed_points_batch
from neuropil.result import NotSolved
from neuropil.system import Box


def circle_and_line(x, p):
    return jnp.stack([x[0] ** 2 + x[1] ** 2 - 1.0, x[0] - x[1]])


def himmelblau(x, p):
    """The gradient of Himmelblau's function, which has nine zeros."""
    u, v = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    return jnp.stack([4 * x[0] * u + 2 * v, 2 * u + 4 * x[1] * v])


# Function, dimension, ends of the box, and the zeros in it.
KNOWN = {
    "line": (lambda x, p: 3.0 * x - 1.0, 1, (-2.0, 5.0), [[1 / 3]]),
    "two circles": (
        circle_and_line,
        2,
        (-2.0, 3.0),
        [[-np.sqrt(0.5)] * 2, [np.sqrt(0.5)] * 2],
    ),
    "chebyshev": (
        lambda x, p: chebyshev_polynomial(x, 9),
        1,
        (-1.5, 1.25),
        [[np.cos((2 * k - 1) * np.pi / 18)] for k in range(9, 0, -1)],
    ),
    "sine": (lambda x, p: jnp.sin(x), 1, (-10.0, 8.0), [[k * np.pi] for k in range(-3, 3)]),
    "kinks": (
        lambda x, p: jnp.abs(jnp.abs(x) - 1.0) - 0.5,
        1,
        (-4.0, 5.0),
        [[-1.5], [-0.5], [0.5], [1.5]],
    ),
    "none": (lambda x, p: x * x + 0.01, 1, (-1.0, 1.0), []),
    "outside": (lambda x, p: x - 2.0, 1, (-1.0, 1.0), []),
    "large numbers": (lambda x, p: x - 1e9 - 0.5, 1, (1e9, 1e9 + 1.0), [[1e9 + 0.5]]),
    "logarithm": (lambda x, p: jnp.log(x), 1, (-1.0, 3.0), [[1.0]]),
    "stiff": (
        lambda x, p: jnp.stack([1e6 * (x[0] - x[1] ** 2), x[1] - 1e-3 * jnp.tanh(x[0]) - 0.5]),
        2,
        (-1.0, 2.0),
        [[0.25024520924699534, 0.5002451491488902]],
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_all_zeros_are_found_and_no_others(name):
    function, n, (lower, upper), zeros = KNOWN[name]
    found = fixed_points(Given(function, n), box(n, lower, upper))
    assert found.complete
    assert len(found) == len(zeros)
    np.testing.assert_allclose(
        found.state, np.reshape(sorted(zeros), (-1, n)), rtol=1e-7, atol=1e-12
    )
    for low, high in zip(found.enclosure.lower, found.enclosure.upper, strict=True):
        assert np.all(high - low <= 1e-12 * (1 + np.abs(high)))


def test_nine_critical_points_of_himmelblau():
    found = fixed_points(Given(himmelblau, 2), box(2, -5.0, 5.0))
    assert len(found) == 9
    assert found.complete
    for exact in ([3.0, 2.0], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848127]):
        assert np.abs(found.state - exact).max(axis=1).min() < 1e-5
    # Morse: minima minus saddles plus maxima of a function that grows to infinity.
    n_unstable = found.n_unstable
    assert np.sum((-1) ** n_unstable) == 1


@given(
    st.lists(
        st.floats(-0.95, 0.95, allow_subnormal=False),
        min_size=1,
        max_size=6,
        unique_by=lambda x: round(x, 2),
    ),
    st.floats(1e-3, 1e3),
)
def test_a_product_of_its_zeros_has_them_all(zeros, scale):
    # Zeros as close as rounding of this box allows: 0.005 apart and more.
    zeros = sorted(z for i, z in enumerate(zeros) if all(abs(z - o) > 5e-3 for o in zeros[:i]))

    def function(x, p):
        value = scale * jnp.ones_like(x)
        for zero in zeros:
            value = value * (x - zero)
        return value

    found = fixed_points(Given(function, 1), box(1, -1.0, 1.0))
    assert len(found) == len(zeros)
    for zero, low, high in zip(zeros, found.enclosure.lower, found.enclosure.upper, strict=True):
        assert low[0] <= zero <= high[0]


def test_a_zero_on_a_face_and_on_a_cut_is_found_once():
    # 0.4871 of the way from -1 to 1: where the box is cut.
    cut = -1.0 + 0.4871 * 2.0
    for zero in (-1.0, 1.0, 0.0, cut):
        function = lambda x, p, zero=zero: jnp.tanh(x - zero) * (1.5 + jnp.sin(9 * x))  # noqa: E731
        found = fixed_points(Given(function, 1), box(1, -1.0, 1.0))
        np.testing.assert_allclose(found.state, [[zero]], atol=1e-12)


DEGENERATE = {
    "double zero": (lambda x, p: x * x, 1, [0.0]),
    "triple zero": (lambda x, p: x**3, 1, [0.0]),
    "two closer than the tolerance": (lambda x, p: x * x - 1e-24, 1, [1e-12]),
    "touching curves": (
        lambda x, p: jnp.stack([x[0] ** 2 - x[1], x[1]]),
        2,
        [0.0, 0.0],
    ),
    "a jump across zero": (lambda x, p: jnp.sign(x - 0.3), 1, [0.3]),
    "a pole": (lambda x, p: 1.0 / (x - 0.3), 1, [0.3]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_what_cannot_be_decided_is_reported_and_never_dropped(name):
    function, n, zero = DEGENERATE[name]
    found = fixed_points(Given(function, n), box(n, -1.0, 1.5), throw=False)
    assert not found.complete
    left = [
        np.all(low <= zero) and np.all(zero <= high)
        for low, high in zip(found.undecided.lower, found.undecided.upper, strict=True)
    ]
    assert sum(left) == 1
    assert np.max(found.undecided.upper - found.undecided.lower) < 1e-3
    with pytest.raises(NotSolved, match="stays undecided: a further one there is neither found"):
        fixed_points(Given(function, n), box(n, -1.0, 1.5))


def test_a_curve_of_zeros_stays_undecided_along_its_whole_length():
    function = lambda x, p: jnp.stack([x[0] - x[1], 2.0 * (x[0] - x[1])])  # noqa: E731
    method = BranchAndPrune(tolerance=0.02)
    found = fixed_points(Given(function, 2), box(2, -1.0, 1.0), method, throw=False)
    assert len(found) == 0
    for zero in np.linspace(-1, 1, 41):
        inside = (found.undecided.lower <= zero) & (zero <= found.undecided.upper)
        assert inside.all(axis=1).any()


def test_a_row_without_a_slope_is_no_division_by_zero():
    flat = Given(lambda x, p: jnp.stack([x[0] - 0.2, 0.0 * x[1]]), 2)
    found = fixed_points(flat, box(2, -1.0, 1.0), BranchAndPrune(tolerance=0.1), throw=False)
    assert not found.complete
    never = Given(lambda x, p: jnp.stack([x[0] - 0.2, 0.0 * x[1] + 1.0]), 2)
    assert len(fixed_points(never, box(2, -1.0, 1.0))) == 0


@pytest.mark.parametrize("narrow", [0, 1])
@pytest.mark.parametrize("lower", [0.0, 0.3, 1e9])
def test_a_variable_between_neighbouring_doubles_is_not_split(narrow, lower):
    ends = Box(np.full(2, -1.5), np.full(2, 1.25))
    ends.lower[narrow], ends.upper[narrow] = lower, np.nextafter(lower, np.inf)

    def function(x, p):
        wide = chebyshev_polynomial(x[1 - narrow], 9)
        values = [x[narrow] - lower, wide + x[narrow] - lower]
        return jnp.stack(values if narrow == 0 else values[::-1])

    found = fixed_points(Given(function, 2), ends)
    zeros = [np.cos((2 * k - 1) * np.pi / 18) for k in range(9, 0, -1)]
    np.testing.assert_allclose(np.sort(found.state[:, 1 - narrow]), zeros, atol=1e-7)
    assert found.n_examined < 1000


def test_too_few_boxes_leave_the_rest_undecided():
    function, n, (lower, upper), zeros = KNOWN["chebyshev"]
    method = BranchAndPrune(maximum_boxes=3)
    found = fixed_points(Given(function, n), box(n, lower, upper), method, throw=False)
    assert found.n_examined == 3
    for zero in np.ravel(zeros):
        boxes = (found.undecided, found.enclosure)
        assert any(
            low[0] <= zero <= high[0] for each in boxes for low, high in zip(*each, strict=True)
        )


@pytest.mark.slow
def test_a_parameter_given_as_an_interval_proves_all_values_between():
    def function(x, p):
        return x**3 - x - p

    system = partial(Given, function, 1)
    ends = box(1, -2.0, 2.0)
    # Folds of x^3 - x = p lie at |p| = 2 / (3 sqrt 3) = 0.3849.
    for low, high, count in ((-0.03, 0.05, 3), (0.3, 0.303, 3), (0.4, 0.45, 1), (3.0, 5.0, 1)):
        found = fixed_points(system(low), ends, up_to=system(high))
        assert len(found) == count
        for p in np.linspace(low, high, 5):
            zeros = np.roots([1.0, 0.0, -1.0, -p])
            zeros = np.sort(zeros[np.abs(zeros.imag) < 1e-9].real)
            assert np.all(found.enclosure.lower[:, 0] <= zeros)
            assert np.all(zeros <= found.enclosure.upper[:, 0])
    few = BranchAndPrune(maximum_boxes=2_000)
    across = fixed_points(system(0.3), ends, few, up_to=system(0.5), throw=False)
    assert not across.complete


def test_many_ranges_of_a_parameter_at_once_are_those_one_by_one():
    def function(x, p):
        return x**3 - x - p

    grid = jnp.linspace(0.3848, 2.0, 80)
    systems, up_to = Given(function, 1, grid[:-1]), Given(function, 1, grid[1:])
    few = BranchAndPrune(maximum_boxes=2_000)
    found = fixed_points_batch(systems, box(1, -2.0, 2.0), few, up_to=up_to, throw=False)
    # The first range holds the fold, and no other one does.
    np.testing.assert_array_equal(found.complete, [False] + 78 * [True])
    np.testing.assert_array_equal(found.count[1:], 1)
    for index in (1, 40, 78):
        one = fixed_points(row(systems, index), box(1, -2.0, 2.0), up_to=row(up_to, index))
        np.testing.assert_array_equal(found[index].enclosure.lower, one.enclosure.lower)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        (Box(np.zeros(1), np.ones(1)), "lower end of the box must have 2 components"),
        (Box(np.zeros(2), np.array([1.0, -1.0])), "the box is empty"),
        (Box(np.zeros(2), np.array([1.0, np.inf])), "box must be finite.*`bound` finds one"),
        (Box(np.zeros(2), np.array([1.0, 0.0])), "box must have an interior"),
        (Box(np.zeros(2), np.array([1.0, np.nan])), "upper end of the box holds values that are"),
    ],
)
def test_bad_boxes_are_refused(ends, message):
    with pytest.raises(ValueError, match=message):
        fixed_points(Given(circle_and_line, 2), ends)


def test_bad_systems_and_methods_are_refused():
    ends = box(2, -1.0, 1.0)
    with pytest.raises(ValueError, match="parameter must be finite, got nan"):
        fixed_points(Given(circle_and_line, 2, np.nan), ends)
    with pytest.raises(ValueError, match="no interval enclosure"):
        fixed_points(Given(lambda x, p: jnp.floor(x), 2), ends)
    with pytest.raises(ValueError, match="up_to must differ from the system in the values"):
        fixed_points(Given(circle_and_line, 2), ends, up_to=Given(himmelblau, 2))
    with pytest.raises(ValueError, match="tolerance must be positive, got 0"):
        BranchAndPrune(tolerance=0.0)
    with pytest.raises(ValueError, match="maximum_boxes must be positive, got -1"):
        BranchAndPrune(maximum_boxes=-1)
