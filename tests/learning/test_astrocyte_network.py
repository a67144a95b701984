"""Networks written as letters, in three forms, with and without time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.astrocyte import (
    AstrocyteNetwork,
    Biology,
    Gather,
    Noise,
    SlowWave,
    Spread,
    letters,
    softmax,
    uniform_step,
    widths,
)

KEY = jax.random.key(0)
DIGITS = "g d g d g d g d g d"


def lines(cells):
    return [line for (line,) in cells]


def test_letters_are_read_however_they_are_set():
    assert letters("(s, d,g)") == letters("s d g") == letters("sdg") == "sdg"


def test_the_strings_of_table_1_do_not_add_up():
    """Peterson's Table 1: XOR as printed ends at 2 cells, digits as printed have 11 steps."""
    xor = "(s,d,s,d,s,d,g,s,g,s,g,g,g)"
    assert lines(widths(xor, 2)) == [2, 4, 4, 6, 6, 8, 8, 6, 8, 6, 8, 6, 4, 2]
    digits = "(g,s,g,s,g,s,g,s,g,s,g)"
    assert len(letters(digits)) == 11
    assert lines(widths(digits, 20))[-1] == 18
    assert lines(widths(DIGITS, 20)) == [20, 18, 18, 16, 16, 14, 14, 12, 12, 10, 10]


@pytest.mark.parametrize("form", ["document", "recommended", "published_code"])
def test_a_network_takes_one_step_after_the_other(form):
    network = AstrocyteNetwork.from_notation("g d s d", width=9, form=form, key=KEY)
    x = jax.random.normal(KEY, (9,))
    layers = eqx.filter_jit(network.activity)(x)
    assert lines(network.widths) == [9, 7, 7, 9, 9] == [layer.size for layer in layers]
    assert network.n_cells == 41
    assert network.notation == "g d s d"
    for step, before, after in zip(network.steps, layers, layers[1:], strict=False):
        expected = step.matrix() @ np.asarray(before)
        if form != "published_code":
            expected = expected + np.asarray(step.bias)
        np.testing.assert_allclose(after, step.activation(jnp.asarray(expected)), atol=1e-14)
    np.testing.assert_allclose(eqx.filter_jit(network)(x), layers[-1], atol=1e-15)
    every = 1 if form == "document" else 2
    shown = {"published_code": softmax}.get(form, jnp.tanh)
    active = [step.activation is shown for step in network.steps]
    assert active == [place % every == every - 1 and place < 3 for place in range(4)]


@pytest.mark.parametrize("notation", ["dddddd", "gdddddddsddd"])
def test_runs_of_equal_steps_are_the_same_steps(notation):
    """Long runs are one compiled loop."""
    network = AstrocyteNetwork.from_notation(notation, width=7, form="document", key=KEY)
    x = jax.random.normal(KEY, (7,))
    layers = eqx.filter_jit(network.activity)(x)
    assert len(layers) == len(notation) + 1
    expected = np.asarray(x)
    for step, layer in zip(network.steps, layers[1:], strict=True):
        expected = np.asarray(step.activation(step.matrix() @ expected + step.bias))
        np.testing.assert_allclose(layer, expected, atol=1e-14)


def test_noise_differs_between_equal_steps():
    """Each step of a loop draws its own."""
    biology = Biology(signal_noise=Noise(1.0))
    network = AstrocyteNetwork.from_notation("dddddd", width=7, key=KEY, biology=biology)
    numbers, rest = eqx.partition(network, eqx.is_array)
    silent = eqx.combine(jax.tree.map(jnp.zeros_like, numbers), rest).with_biology(biology)
    layers = np.stack(silent.activity(jnp.zeros(7), key=KEY)[1:])
    assert len(np.unique(layers)) == layers.size


def test_parameters_are_connections_and_biases():
    network = AstrocyteNetwork.from_notation("g d", width=6, key=KEY)
    assert network.n_parameters == (4 * 3 + 4) + (4 * 3 - 2 + 4)
    bare = AstrocyteNetwork.from_notation("g d", width=6, key=KEY, bias=False)
    assert bare.n_parameters == 4 * 3 + 4 * 3 - 2


def test_a_sheet_shrinks_and_grows_along_both_axes():
    network = AstrocyteNetwork.from_notation("g d s", width=(6, 5), key=KEY, neighbours=2)
    assert network.widths == ((6, 5), (5, 4), (5, 4), (6, 5))
    assert eqx.filter_jit(network)(jnp.ones((6, 5))).shape == (6, 5)


@pytest.mark.slow
def test_recommended_weights_keep_signals_and_gradients_alive():
    """Over 40 steps, the document's uniform weights lose nearly everything."""
    notation = " ".join("g d" for _ in range(20))
    x = jax.random.normal(KEY, (64,))
    sizes = {}
    for form in ("document", "recommended"):
        network = AstrocyteNetwork.from_notation(notation, width=64, form=form, key=KEY, bias=False)
        sizes[form] = np.std(jax.jit(jax.grad(lambda x, n=network: jnp.sum(n(x))))(x))
    assert sizes["document"] < 1e-6
    assert 1e-3 < sizes["recommended"] < 1e2


def test_slow_waves_arrive_and_settle():
    network = AstrocyteNetwork.from_notation("g d g", width=9, form="document", key=KEY)
    x = jax.random.normal(KEY, (9,))
    inputs = jnp.broadcast_to(x, (60, 9))
    still = eqx.filter_jit(network.activity)(x)[1:]
    # Cells without inertia: one step of the wave in each time step, no sooner.
    quick = SlowWave(network, 1e-9).activity(inputs, time_step=1.0)
    for number, (layer, settled) in enumerate(zip(quick, still, strict=True)):
        np.testing.assert_allclose(layer[number], settled, atol=1e-12)
    slow = SlowWave(network, jnp.array([20.0, 30.0, 40.0]))
    first = slow.activity(inputs, time_step=5.0)[0]
    times = 5.0 * np.arange(1, 61)
    expected = (1 - np.exp(-times / 20.0))[:, None] * np.asarray(still[0])[None, :]
    np.testing.assert_allclose(first, expected, atol=1e-12)
    last = slow(jnp.broadcast_to(x, (400, 9)), time_step=5.0)
    np.testing.assert_allclose(last[-1], still[-1], atol=1e-10)


def test_slow_waves_draw_noise_anew_and_need_a_key():
    biology = Biology(signal_noise=Noise(0.1))
    network = AstrocyteNetwork.from_notation("g", width=5, key=KEY, biology=biology)
    wave = SlowWave(network, 1e-9)
    noisy = wave(jnp.zeros((4, 5)), time_step=1.0, key=KEY)
    assert len(np.unique(np.asarray(noisy)[:, 0])) == 4
    with pytest.raises(ValueError, match="key must be given"):
        wave(jnp.zeros((4, 5)), time_step=1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"notation": "g x d"}, "got 'x' as step 2"),
        ({"notation": " "}, "at least one step"),
        ({"notation": "g g g g g"}, r"step 5 \(g\): cells must be at least 3"),
        ({"form": "paper"}, "form must be one of"),
        ({"form": "published_code", "neighbours": 5}, "for published_code"),
        ({"activation_every": 0}, "activation_every must be at least 1"),
    ],
)
def test_notations_that_cannot_be_walked_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AstrocyteNetwork.from_notation(**{"notation": "g d", "width": 9, "key": KEY} | arguments)


def test_what_does_not_fit_is_refused():
    network = AstrocyteNetwork.from_notation("g d", width=9, key=KEY)
    with pytest.raises(ValueError, match=r"x must have shape \(9,\), got \(8,\)"):
        network(jnp.ones(8))
    steps = (uniform_step(Gather((9,)), key=KEY), uniform_step(Spread((8,)), key=KEY))
    with pytest.raises(ValueError, match=r"step 1 ends at \(7,\) cells, step 2 starts at \(8,\)"):
        AstrocyteNetwork(steps)
    with pytest.raises(ValueError, match="time_constants must be finite and positive"):
        SlowWave(network, 0.0)
    with pytest.raises(ValueError, match="time_constants must be one value or one for each of 2"):
        SlowWave(network, jnp.ones(3))
    with pytest.raises(ValueError, match="time_step must be positive"):
        SlowWave(network)(jnp.ones((3, 9)), time_step=0.0)
    with pytest.raises(ValueError, match="inputs must have shape"):
        SlowWave(network)(jnp.ones((3, 8)), time_step=1.0)
