"""Functions of `jax.numpy` over boxes against their values at points, for values and slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import IntervalFunction

MATRIX = np.random.default_rng(0).normal(size=(4, 4))
N = 4


def recurrence(x):
    def step(carried, row):
        carried = jnp.tanh(carried + row)
        return carried, carried * row

    last, rows = jax.lax.scan(step, x[0], x)
    return jnp.append(rows, last)


def backwards(x):
    return jax.lax.scan(lambda c, row: (0.5 * c + row, c), x[0], x, reverse=True)[1]


def counted(x):
    return jax.lax.fori_loop(0, 3, lambda i, y: jnp.sin(y) + i * x, x)


def network(x):
    matrix = jnp.asarray(MATRIX)
    return -x + matrix @ jax.nn.sigmoid(matrix.T @ x) + jnp.einsum("ij,i,j->i", matrix, x, x)


def rearranged(x):
    pairs = jnp.stack([x, x**2], axis=1).reshape(2, 4)
    return jnp.concatenate([jnp.flip(pairs[0]), jnp.roll(pairs[1], 1), pairs.T.ravel()[1:7:2]])


def scattered(x):
    table = jnp.zeros((3, 2)).at[jnp.array([0, 2, 0, 1]), jnp.array([1, 0, 1, 1])].add(x)
    return table.at[1].set(x[:2]).at[2, 1].set(x[3]).ravel()


def gathered(x):
    ends = jnp.take(x, jnp.array([0, 7]), mode="clip")
    return jnp.concatenate([x[jnp.array([3, 0, 0])], x[::-2], ends])


def many_at_once(x):
    return jax.vmap(lambda a, b: jnp.exp(a) * b + x.sum(), in_axes=(0, None))(x, x[1]).ravel()


def piecewise(x):
    return jnp.where(x > 0.1, x**2, -x) + jnp.where(~(x < 2) | (x >= 1), 1.0, jnp.sign(x))


def segments(x):
    return jax.ops.segment_sum(x * x, jnp.array([1, 0, 1, 2]), num_segments=3)


FUNCTIONS = {
    "network": network,
    "rearranged": rearranged,
    "scattered": scattered,
    "gathered": gathered,
    "segments": segments,
    "scan": recurrence,
    "scan from the end": backwards,
    "loop": counted,
    "vmap": many_at_once,
    "jit": jax.jit(lambda x: x * jax.jit(jnp.cos)(x)),
    "checkpoint": jax.checkpoint(lambda x: jnp.sin(x) * x),
    "gradient inside": jax.grad(lambda x: jnp.sum(jnp.tanh(x) ** 3 * x)),
    "tangent inside": lambda x: jax.jvp(jnp.tanh, (x,), (x**2,))[1],
    "piecewise": piecewise,
    "relu": lambda x: jax.nn.relu(x - 0.2),
    "leaky relu": lambda x: jax.nn.leaky_relu(x - 0.2),
    "softplus": jax.nn.softplus,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "elu": jax.nn.elu,
    "silu": jax.nn.silu,
    "softmax": jax.nn.softmax,
    "logsumexp": lambda x: jax.nn.logsumexp(x)[None],
    "norm": lambda x: jnp.linalg.norm(x + 3.0)[None],
    "product": lambda x: jnp.prod(x)[None],
    "largest and smallest": lambda x: jnp.stack([jnp.max(x), jnp.min(x)]),
    "clip": lambda x: jnp.clip(x, -0.5, 0.7),
    "cumulative": lambda x: jnp.cumsum(x * x),
    "powers": lambda x: x**3 - (x + 3.0) ** -2 + (x + 3.0) ** 0.5 + (x + 3.0) ** 2.3,
    "square": lambda x: jnp.square(x) + jnp.reciprocal(x + 3) + jax.lax.rsqrt(x + 3),
    "logarithms": lambda x: jnp.log(x + 3) * jnp.log1p(x + 2) - jnp.expm1(x) * jnp.exp(-x),
    "circle": lambda x: jnp.sin(x) * jnp.cos(3 * x) + jnp.arctan(5 * x),
    "error functions": lambda x: jax.scipy.special.erf(x) * jax.scipy.special.erfc(x),
    "mean and variance": lambda x: jnp.stack([jnp.mean(x), jnp.var(x)]),
    "outer": lambda x: jnp.outer(x, x).ravel() + jnp.diag(jnp.asarray(MATRIX)).sum(),
    "pad": lambda x: jnp.pad(x, (1, 2), constant_values=0.5) * 2.0,
    "triangle": lambda x: jnp.tril(jnp.asarray(MATRIX)) @ x + jnp.trace(jnp.outer(x, x)),
    "split": lambda x: jnp.split(x, 2)[0] * jnp.split(x, 2)[1],
    "hill": lambda x: x**2 / (1.0 + x**2),
    "constant": lambda x: jnp.array([1.0, 0.1]) + 0 * x[:2],
}


def boxes(rows=40):
    generator = np.random.default_rng(5)
    middle = generator.uniform(-1.5, 1.5, (rows, N))
    radius = 10.0 ** generator.uniform(-6, -0.5, (rows, 1)) * generator.uniform(0, 1, (rows, N))
    return middle - radius, middle + radius


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_slopes_of_all_points_are_in_those_of_the_box(name):
    function = FUNCTIONS[name]
    interval = IntervalFunction(function, N)
    lower, upper = boxes()
    generator = np.random.default_rng(6)
    points = np.concatenate(
        [
            lower[None],
            upper[None],
            lower + generator.uniform(0, 1, (4, *lower.shape)) * (upper - lower),
        ]
    )
    low, high = interval.values(lower, upper)
    slope_low, slope_high = interval.jacobian(lower, upper)
    smooth = interval.is_continuous(lower, upper)
    assert smooth.any()
    at = jax.jit(jax.vmap(jax.vmap(lambda x: (function(x), jax.jacfwd(function)(x)))))
    values, slopes = map(np.asarray, at(jnp.asarray(points)))
    # XLA rounds to nearest, in an order of its own.
    room = 1e-13 * (1 + np.abs(values).max())
    assert np.all(low - room <= values)
    assert np.all(values <= high + room)
    room = 1e-12 * (1 + np.abs(slopes).max())
    assert np.all((slope_low - room <= slopes)[:, smooth])
    assert np.all((slopes <= slope_high + room)[:, smooth])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_enclosure_of_a_point_is_sharp(name):
    function = FUNCTIONS[name]
    points = np.random.default_rng(7).uniform(-1.3, 1.4, (10, N))
    interval = IntervalFunction(function, N)
    low, high = interval.values(points, points)
    values = jax.vmap(function)(jnp.asarray(points))
    np.testing.assert_allclose(low, values, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(high, values, rtol=1e-12, atol=1e-12)
    slope_low, slope_high = interval.jacobian(points, points)
    slopes = jax.vmap(jax.jacfwd(function))(jnp.asarray(points))
    np.testing.assert_allclose(slope_low, slopes, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(slope_high, slopes, rtol=1e-11, atol=1e-11)


def test_slopes_over_a_kink_hold_those_of_both_sides():
    interval = IntervalFunction(lambda x: jnp.abs(x) + jnp.maximum(2 * x, 0.0), 1)
    low, high = interval.jacobian(-np.ones(1), np.ones(1))
    assert low[0, 0] <= -1.0
    assert high[0, 0] >= 3.0
    assert interval.is_continuous(-np.ones(1), np.ones(1))


def test_a_jump_is_not_called_continuous():
    interval = IntervalFunction(jnp.sign, 1)
    assert not interval.is_continuous(-np.ones(1), np.ones(1))
    assert interval.is_continuous(0.5 * np.ones(1), np.ones(1))
    low, high = interval.values(-np.ones(1), np.ones(1))
    assert low[0] <= -1.0
    assert high[0] >= 1.0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: jnp.sort(x), "the function uses the operation 'sort'"),
        (lambda x: jnp.linalg.eigvalsh(jnp.outer(x, x)), "for which there is no interval"),
        (lambda x: jnp.floor(x), "the function uses the operation 'floor'"),
        (lambda x: x[jnp.argmax(x)][None], "the function uses the operation 'argmax'"),
        (
            lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x),
            "takes an index or a condition that depends on the arguments",
        ),
        (
            lambda x: jax.lax.while_loop(lambda y: y.sum() < 1, lambda y: y + 1, x),
            "the function uses the operation 'while'",
        ),
    ],
)
def test_what_has_no_enclosure_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        IntervalFunction(function, 2)
