"""Training of many networks at once: against one by one, a closed form, and what is refused."""

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats

from neuropil.learning.classification.dense_networks import Perceptron, RandomlyWired, hidden_for
from neuropil.learning.classification.epochs import (
    BatchedAdam,
    begin,
    epoch,
    orders,
    shuffled,
)
from neuropil.learning.classification.objectives import NegativeLogLikelihood, SquaredError
from neuropil.learning.classification.training import (
    Samples,
    in_single_precision,
    judge,
    many,
    train_classifiers,
)
from neuropil.result import NotSolved, Outcome

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 96)
CENTRES = RNG.normal(size=(3, 4)) * 2
INPUTS = CENTRES[LABELS] + RNG.normal(size=(96, 4))
SAMPLES = Samples(INPUTS[:64], LABELS[:64], INPUTS[64:], LABELS[64:])
METHOD = BatchedAdam(0.02, batch_size=16)


def perceptron(key):
    return Perceptron((4, 5, 3), activation=jnp.tanh, key=key)


@pytest.fixture(scope="module")
def trained():
    return train_classifiers(many(perceptron, KEY, 3), SAMPLES, METHOD, epochs=30, key=KEY)


def test_clusters_are_learned(trained):
    assert np.all(trained.accuracy[:, -1] > 0.8)
    assert np.all(trained.loss[:, -1] < 0.5 * trained.loss[:, 0])
    assert np.all(trained.outcome == Outcome.SUCCESSFUL)


def test_seeds_do_not_know_of_each_other(trained):
    # The second of three, alone, epoch by epoch.
    progress, layout = begin(jax.tree.map(lambda leaf: leaf[1:2], many(perceptron, KEY, 3)))
    objective = NegativeLogLikelihood()

    def loss(network, x, target, key):
        return objective.loss(network(x, key=key, training=True), target)

    inputs, targets = jnp.asarray(SAMPLES.inputs), jnp.asarray(SAMPLES.targets)
    step = eqx.filter_jit(
        lambda state, order, keys: epoch(state, layout, loss, inputs, targets, order, METHOD, keys)
    )
    for number in range(30):
        keys = jax.random.split(jax.random.fold_in(KEY, number), 3)[1:2]
        progress, mean = step(progress, orders(keys, 64, METHOD), keys)
        np.testing.assert_allclose(mean[0], trained.loss[1, number], rtol=1e-9)
    for mine, theirs in zip(
        jax.tree.leaves(eqx.filter(layout.models(progress.learned), eqx.is_inexact_array)),
        jax.tree.leaves(eqx.filter(trained.networks, eqx.is_inexact_array)),
        strict=True,
    ):
        np.testing.assert_allclose(mine[0], theirs[1], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("width", [4, 24])
def test_models_all_at_once_are_models_one_by_one(width, monkeypatch):
    # As on a processor and as on an accelerator, with more samples than inputs and with fewer.
    inputs = jnp.asarray(RNG.normal(size=(48, width)))
    networks = many(lambda key: Perceptron((width, 5, 3), activation=jnp.tanh, key=key), KEY, 2)
    progress, layout = begin(networks)
    objective = NegativeLogLikelihood()
    keys = jax.random.split(KEY, 2)
    order = orders(keys, 48, METHOD)

    def loss(network, x, target, key):
        return objective.loss(network(x, key=key), target)

    def after():
        run = eqx.filter_jit(
            lambda: epoch(
                progress, layout, loss, inputs, jnp.asarray(LABELS[:48]), order, METHOD, keys
            )
        )
        return jax.tree.leaves(run())

    one_by_one = after()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for mine, theirs in zip(after(), one_by_one, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("samples", "size", "passes"), [(7, 7, 2), (30, 7, 3)])
def test_every_pass_takes_each_sample_at_most_once(samples, size, passes):
    method = BatchedAdam(batch_size=size, passes=passes)
    order = np.asarray(orders(jax.random.split(KEY, 2), samples, method))
    batches = samples // size
    assert order.shape == (2, passes * batches, size)
    for chosen in order.reshape(-1, batches * size):
        assert len(set(chosen.tolist())) == batches * size
        assert set(chosen.tolist()) <= set(range(samples))


def test_all_orders_are_as_likely():
    draws = 24_000
    found = np.asarray(jax.vmap(lambda key: shuffled(key, 4))(jax.random.split(KEY, draws)))
    kinds, counts = np.unique(found, axis=0, return_counts=True)
    assert len(kinds) == 24
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.slow
def test_a_batch_of_all_is_gradient_descent_on_the_mean(trained):
    del trained
    network = perceptron(KEY)
    method = BatchedAdam(0.02, batch_size=64)
    found = train_classifiers(
        jax.tree.map(lambda leaf: leaf[None], network), SAMPLES, method, epochs=2, key=KEY
    )
    weights, fixed = eqx.partition(network, eqx.is_inexact_array)

    def mean_loss(weights):
        outputs = jax.vmap(eqx.combine(weights, fixed))(SAMPLES.inputs)
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, SAMPLES.targets))

    adam = optax.adam(0.02)
    memory = adam.init(weights)
    for number in range(2):
        value, slope = jax.value_and_grad(mean_loss)(weights)
        np.testing.assert_allclose(found.loss[0, number], value, rtol=1e-12)
        with jax.numpy_dtype_promotion("standard"):
            change, memory = adam.update(slope, memory)
        weights = optax.apply_updates(weights, change)
    final = jax.tree.leaves(eqx.filter(found.networks, eqx.is_inexact_array))
    for mine, theirs in zip(jax.tree.leaves(weights), final, strict=True):
        np.testing.assert_allclose(mine, theirs[0], rtol=1e-10)


def test_each_seed_may_have_inputs_of_its_own(trained):
    own = Samples(
        np.stack([SAMPLES.inputs] * 3),
        LABELS[:64],
        np.stack([SAMPLES.test_inputs] * 3),
        LABELS[64:],
    )
    found = train_classifiers(many(perceptron, KEY, 3), own, METHOD, epochs=30, key=KEY)
    np.testing.assert_allclose(found.loss, trained.loss, rtol=1e-9)


def test_accuracy_is_that_of_the_trained_networks(trained):
    arrays, structure = eqx.partition(trained.networks, eqx.is_array)
    for seed in range(3):
        own = jax.tree.map(operator.itemgetter(seed), arrays)
        loss, accuracy = judge(
            eqx.combine(own, structure), jnp.asarray(SAMPLES.test_inputs),
            jnp.asarray(LABELS[64:]), NegativeLogLikelihood(), KEY,
        )  # fmt: skip
        assert float(accuracy) == pytest.approx(float(trained.accuracy[seed, -1]))
        assert float(loss) == pytest.approx(float(trained.test_loss[seed, -1]))


def test_single_precision_stays_single():
    found = train_classifiers(
        in_single_precision(many(perceptron, KEY, 2)), SAMPLES, METHOD, epochs=2, key=KEY
    )
    leaves = jax.tree.leaves(eqx.filter(found.networks, eqx.is_array))
    assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
    assert found.accuracy.dtype == np.float32


def test_a_loss_that_is_no_number_is_reported():
    broken = SAMPLES._replace(inputs=np.where(np.arange(64)[:, None] == 5, np.nan, INPUTS[:64]))
    with pytest.raises(NotSolved, match="training of classifiers: 2 of 2 not solved"):
        train_classifiers(many(perceptron, KEY, 2), broken, METHOD, epochs=2, key=KEY)
    found = train_classifiers(
        many(perceptron, KEY, 2), broken, METHOD, epochs=2, key=KEY, throw=False
    )
    assert np.all(found.outcome == Outcome.NOT_FINITE)
    assert np.all(found.accuracy == 0)


def test_one_value_is_fitted_by_squares():
    line = Samples(INPUTS[:64], INPUTS[:64, 0], INPUTS[64:], INPUTS[64:, 0])
    found = train_classifiers(
        many(lambda key: Perceptron((4, 1), key=key), KEY, 2),
        line,
        BatchedAdam(0.05, batch_size=64),
        epochs=300,
        key=KEY,
        objective=SquaredError(0.01),
    )
    assert np.all(found.accuracy[:, -1] == 1)
    weights = found.networks.weights[0]
    np.testing.assert_allclose(weights[:, 0], np.tile([1.0, 0, 0, 0], (2, 1)), atol=5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"method": BatchedAdam(batch_size=65)}, "batch_size must be at most .* 64, got 65"),
        (
            {"samples": SAMPLES._replace(targets=LABELS[:60])},
            "inputs must have a row for each of 60 targets",
        ),
        (
            {"samples": SAMPLES._replace(test_inputs=np.stack([INPUTS[64:]] * 2))},
            "test_inputs must be shared by all seeds",
        ),
        ({"networks": perceptron(KEY)}, "networks must be made by `many`"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {
        "networks": many(perceptron, KEY, 2), "samples": SAMPLES, "method": METHOD, "epochs": 1,
        "key": KEY, **change,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        train_classifiers(given.pop("networks"), given.pop("samples"), **given)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"learning_rate": 0.0}, "learning_rate"), ({"batch_size": 0}, "batch_size"),
     ({"passes": 0}, "passes")],
)  # fmt: skip
def test_methods_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        BatchedAdam(**options)


def test_scattered_cells_listen_to_as_many_as_said():
    network = RandomlyWired((7, 6, 2), partners=3, key=KEY)
    jacobian = jax.jacobian(lambda x: _first_layer(network, x))(jnp.ones(7))
    assert np.all((np.abs(jacobian) > 0).sum(axis=1) == 3)
    for sources in network.sources:
        assert all(len(set(row.tolist())) == 3 for row in sources)
    assert network.n_parameters == 6 * 4 + 2 * 4


def _first_layer(network, x):
    return jnp.sum(network.weights[0] * x[network.sources[0]], axis=1)


def test_perceptrons_are_affine_between_activations():
    linear = Perceptron((4, 6, 5, 3), activation=jnp.tanh, activation_every=3, key=KEY)
    x, y = jnp.asarray(INPUTS[:2])
    np.testing.assert_allclose(linear(x) + linear(y) - linear(x + y), linear(0 * x), atol=1e-12)
    assert linear.n_parameters == 4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3


def test_hidden_cells_for_a_number_of_parameters():
    for hidden in (1, 7, 20):
        size = Perceptron((20, hidden, 10), key=KEY).n_parameters
        assert hidden_for(size, inputs=20, outputs=10) == hidden


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Perceptron((4,), key=KEY), "widths must be two or more"),
        (lambda: Perceptron((4, 0), key=KEY), "all at least 1"),
        (lambda: Perceptron((4, 2), activation_every=0, key=KEY), "activation_every"),
        (lambda: RandomlyWired((4, 2, 2), partners=3, key=KEY), r"1 ... 2, .* got 3"),
        (lambda: many(perceptron, KEY, 0), "seeds must be at least 1"),
    ],
)
def test_networks_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()
