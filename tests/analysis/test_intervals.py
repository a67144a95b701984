"""Every operation of the intervals against Arb, an arithmetic of intervals of its own."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import IntervalFunction

flint = pytest.importorskip("flint")
arb = flint.arb

EVERYWHERE, POSITIVE = (-30.0, 30.0), (1e-3, 50.0)
# Function, the same for Arb, where its arguments lie, and whether it is monotonic there.
ONE_ARGUMENT = {
    "negation": (lambda x: -x, lambda x: -x, EVERYWHERE, True),
    "absolute": (jnp.abs, abs, EVERYWHERE, False),
    "square": (jnp.square, lambda x: x * x, EVERYWHERE, False),
    "cube": (lambda x: x**3, lambda x: x**3, EVERYWHERE, True),
    "fourth power": (lambda x: x**4, lambda x: x**4, EVERYWHERE, False),
    "inverse cube": (lambda x: x**-3, lambda x: 1 / x**3, POSITIVE, True),
    "inverse square": (lambda x: x**-2, lambda x: 1 / x**2, (-50.0, -1e-3), True),
    "real power": (lambda x: x**1.5, lambda x: x ** arb(1.5), POSITIVE, True),
    "square root": (jnp.sqrt, lambda x: x.sqrt(), POSITIVE, True),
    "inverse root": (jax.lax.rsqrt, lambda x: x.rsqrt(), POSITIVE, True),
    "exp": (jnp.exp, lambda x: x.exp(), EVERYWHERE, True),
    "expm1": (jnp.expm1, lambda x: x.expm1(), EVERYWHERE, True),
    "log": (jnp.log, lambda x: x.log(), POSITIVE, True),
    "log1p": (jnp.log1p, lambda x: x.log1p(), (-0.99, 50.0), True),
    "tanh": (jnp.tanh, lambda x: 1 - 2 / ((2 * x).exp() + 1), EVERYWHERE, True),
    "logistic": (jax.nn.sigmoid, lambda x: 1 / (1 + (-x).exp()), EVERYWHERE, True),
    "erf": (jax.scipy.special.erf, lambda x: x.erf(), (-5.0, 5.0), True),
    "atan": (jnp.arctan, lambda x: x.atan(), EVERYWHERE, True),
    "sin": (jnp.sin, lambda x: x.sin(), EVERYWHERE, False),
    "cos": (jnp.cos, lambda x: x.cos(), (-1e4, 1e4), False),
}
TWO_ARGUMENTS = {
    "sum": (lambda x, y: x + y, lambda x, y: x + y, EVERYWHERE),
    "difference": (lambda x, y: x - y, lambda x, y: x - y, EVERYWHERE),
    "product": (lambda x, y: x * y, lambda x, y: x * y, EVERYWHERE),
    "quotient": (lambda x, y: x / y, lambda x, y: x / y, POSITIVE),
    "negative quotient": (lambda x, y: x / y, lambda x, y: x / y, (-50.0, -1e-3)),
    "maximum": (jnp.maximum, lambda x, y: max(x, y), EVERYWHERE),
    "minimum": (jnp.minimum, lambda x, y: min(x, y), EVERYWHERE),
}


@pytest.fixture(autouse=True)
def _digits():
    before, flint.ctx.prec = flint.ctx.prec, 200
    yield
    flint.ctx.prec = before


def random_boxes(n, span, *, rows=60):
    """Thick and thin boxes of many sizes and positions, and points of them."""
    generator = np.random.default_rng(n)
    magnitude = 10.0 ** generator.uniform(-8, 0, (rows, 1))
    lower = span[0] + (span[1] - span[0]) * generator.uniform(0, 1, (rows, n))
    lower[::3] *= magnitude[::3]
    lower = np.clip(lower, *span)
    upper = np.minimum(lower + magnitude * (span[1] - span[0]), span[1])
    upper[::5] = lower[::5]
    inner = lower + generator.uniform(0, 1, (rows, n)) * (upper - lower)
    return lower, upper, np.stack([lower, upper, np.clip(inner, lower, upper)], axis=1)


def assert_contained(low, high, value):
    assert arb(float(low)) <= value <= arb(float(high)), (low, high, value)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_a_function_of_one_argument_contains_the_values_of_arb(name):
    function, exact, span, monotonic = ONE_ARGUMENT[name]
    lower, upper, points = random_boxes(1, span)
    low, high = IntervalFunction(function, 1).values(lower, upper)
    for row in range(len(lower)):
        values = [exact(arb(float(x))) for x in points[row, :, 0]]
        for value in values:
            assert_contained(low[row, 0], high[row, 0], value)
        if monotonic or lower[row] == upper[row]:
            # And no wider than the ends by more than some units in the last place.
            ends = sorted(float(value) for value in values[:2])
            np.testing.assert_allclose([low[row, 0], high[row, 0]], ends, rtol=5e-14, atol=1e-299)


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
def test_a_function_of_two_arguments_contains_the_values_of_arb(name):
    function, exact, span = TWO_ARGUMENTS[name]
    lower, upper, points = random_boxes(2, span)
    low, high = IntervalFunction(lambda x: function(x[0], x[1]), 2).values(lower, upper)
    for row in range(len(lower)):
        corners = [
            exact(arb(float(points[row, i, 0])), arb(float(points[row, j, 1])))
            for i in range(3)
            for j in range(3)
        ]
        for value in corners:
            assert_contained(low[row, 0], high[row, 0], value)
        ends = [min(map(float, corners)), max(map(float, corners))]
        np.testing.assert_allclose([low[row, 0], high[row, 0]], ends, rtol=1e-15, atol=1e-299)


@pytest.mark.parametrize("name", ["tanh", "logistic"])
@pytest.mark.parametrize("order", [1, 2])
def test_slopes_of_sigmoids_contain_the_derivatives_of_arb(name, order):
    function, exact, span, _ = ONE_ARGUMENT[name]
    lower, upper, points = random_boxes(1, span)
    if order == 2:
        function = jax.grad(lambda x, of=function: of(x))
        traced = IntervalFunction(lambda x: function(x[0])[None], 1)
    else:
        traced = IntervalFunction(function, 1)
    low, high = traced.jacobian(lower, upper)
    for row in range(len(lower)):
        for x in points[row, :, 0]:
            series = exact(flint.arb_series([arb(float(x)), 1], prec=3))
            value = series[order] * math.factorial(order)
            assert_contained(low[row, 0, 0], high[row, 0, 0], value)


def test_a_point_gets_an_interval_with_an_interior():
    third = IntervalFunction(lambda x: x / 3.0, 1)
    low, high = third.values(np.ones(1), np.ones(1))
    assert low < high
    assert arb(float(low[0])) < arb(1) / 3 < arb(float(high[0]))


INFINITE = [
    # x, y, and numbers that x * y or x / y takes or comes close to
    ("product", (1.0, math.inf), (0.0, 1.0), (0.0, 1e300)),
    ("product", (-1.0, 0.0), (-math.inf, -1.0), (0.0, 1e300)),
    ("product", (0.0, 0.0), (-math.inf, math.inf), (0.0,)),
    ("product", (-math.inf, math.inf), (-1.0, 2.0), (-1e300, 0.0, 1e300)),
    ("product", (-math.inf, -1.0), (0.0, math.inf), (0.0, -1e300)),
    ("quotient", (1.0, math.inf), (1.0, math.inf), (1e-300, 1.0, 1e300)),
    ("quotient", (-2.0, math.inf), (-math.inf, -1.0), (2.0, 0.0, -1e300)),
    ("quotient", (1.0, 2.0), (-1.0, 1.0), (-1e300, 1e300)),
    ("quotient", (1.0, 2.0), (0.0, 1.0), (1.0, 1e300)),
    ("sum", (-math.inf, 1.0), (1.0, math.inf), (-1e300, 1e300)),
    ("difference", (1.0, math.inf), (1.0, math.inf), (-1e300, 1e300)),
]


@pytest.mark.parametrize(("name", "x", "y", "values"), INFINITE)
def test_nothing_is_lost_at_infinite_ends(name, x, y, values):
    function = TWO_ARGUMENTS[name][0]
    interval = IntervalFunction(lambda v: function(v[0], v[1]), 2)
    low, high = interval.values(*np.array([x, y]).T)
    for value in values:
        assert low[0] <= value <= high[0]


def test_overflow_makes_an_end_infinite_and_never_no_number():
    function = IntervalFunction(lambda x: jnp.exp(x) * jnp.exp(x) - jnp.exp(x) * jnp.exp(x + 1), 1)
    low, high = function.values(np.array([700.0]), np.array([800.0]))
    assert low[0] == -math.inf
    assert high[0] == math.inf


@pytest.mark.parametrize("function", [jnp.log, jnp.sqrt, lambda x: 1 / x, lambda x: x**-1])
def test_leaving_the_domain_is_told(function):
    interval = IntervalFunction(function, 1)
    lower, upper = np.array([[-1.0], [0.5]]), np.array([[2.0], [2.0]])
    np.testing.assert_array_equal(interval.is_continuous(lower, upper), [False, True])
    # The part of the box in the domain is still enclosed.
    low, high = interval.values(lower, upper)
    for x in (0.01, 1.0, 2.0):
        assert low[0, 0] <= float(function(jnp.asarray(x))) <= high[0, 0]


def test_a_wave_reaches_one_where_its_crest_is_inside():
    low, high = IntervalFunction(jnp.sin, 1).values(
        np.array([[1.5], [4.7], [0.1], [-1e8]]), np.array([[1.6], [4.72], [0.2], [1e8]])
    )
    assert high[0, 0] == 1.0
    assert low[1, 0] == -1.0
    np.testing.assert_allclose([low[2, 0], high[2, 0]], np.sin([0.1, 0.2]), rtol=1e-14)
    assert (low[3, 0], high[3, 0]) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0.0, 1.0], [1.0, 0.5], r"the box is empty: lower\[1\] = 1.0 lies above upper\[1\] = 0.5"),
        ([0.0], [1.0], "lower end of the box must have 2 components"),
        ([0.0, math.nan], [1.0, 1.0], "lower end of the box holds values that are not a number"),
        ([[0.0, 0.0]], [1.0, 1.0], "both ends of the box must have one shape"),
    ],
)
def test_bad_boxes_are_named(lower, upper, message):
    function = IntervalFunction(lambda x: x, 2)
    with pytest.raises(ValueError, match=message):
        function.values(np.array(lower), np.array(upper))
