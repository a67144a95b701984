"""From images to few numbers: random projections, autoencoders, and learning side by side."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm

from neuropil.learning.classification.colearning import colearn, latents
from neuropil.learning.classification.dense_networks import Perceptron
from neuropil.learning.classification.epochs import BatchedAdam
from neuropil.learning.classification.random_projection import sparse_random_projection
from neuropil.learning.classification.training import Samples, many
from neuropil.learning.classification.variational_autoencoder import VariationalAutoencoder
from neuropil.result import NotSolved

KEY = jax.random.key(1)


def test_projections_keep_lengths_on_average():
    keys = jax.random.split(KEY, 400)
    draw = jax.vmap(lambda key: sparse_random_projection(key, inputs=49, outputs=20).weights)
    weights, x = np.asarray(draw(keys)), np.asarray(jax.random.normal(KEY, (49,)))
    ratio = np.sum((weights @ x) ** 2, axis=1) / np.sum(x**2)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(400)
    # One weight in seven is there, and all have one size.
    share = np.mean(weights != 0)
    assert abs(share - 1 / 7) < 4 * np.sqrt(1 / 7 * 6 / 7 / weights.size)
    np.testing.assert_allclose(np.abs(weights[weights != 0]), np.sqrt(7 / 20))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"inputs": 0}, "inputs"), ({"inputs": 4, "outputs": 0}, "outputs"),
     ({"inputs": 4, "density": 0.0}, "density"), ({"inputs": 4, "density": 1.5}, "density")],
)  # fmt: skip
def test_projections_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        sparse_random_projection(KEY, **options)


@pytest.fixture(scope="module")
def autoencoder():
    return VariationalAutoencoder(pixels=6, hidden=5, latent=2, key=KEY)


def test_the_loss_bounds_the_evidence(autoencoder):
    # log p(image) by importance sampling, from above the bound; equality would need the true
    # posterior. Pixels are 0 or 1, for which the Bernoulli law is a law.
    image = jnp.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    draws = 20_000
    keys = jax.random.split(KEY, draws)
    bound = -jnp.mean(jax.vmap(lambda key: autoencoder.loss(image, key))(keys))
    z = jax.vmap(lambda key: autoencoder.sample(image, key))(keys)
    mean, log_variance = autoencoder.posterior(image)
    q = jnp.sum(norm.logpdf(z, mean[None], jnp.exp(log_variance / 2)[None]), axis=1)
    prior = jnp.sum(norm.logpdf(z), axis=1)
    logits = jax.vmap(autoencoder.logits)(z)
    likelihood = jnp.sum(jax.nn.log_sigmoid(jnp.where(image[None] == 1, logits, -logits)), axis=1)
    # The bound is the mean of the same logarithm.
    weights = likelihood + prior - q
    error = float(jnp.std(weights)) / np.sqrt(draws)
    assert float(bound) == pytest.approx(float(jnp.mean(weights)), abs=5 * error)
    evidence = jax.scipy.special.logsumexp(weights) - jnp.log(draws)
    assert float(bound) < float(evidence)


def test_samples_have_the_posterior_moments(autoencoder):
    image = jnp.linspace(0, 1, 6)
    mean, log_variance = autoencoder.posterior(image)
    drawn = jax.vmap(lambda key: autoencoder.sample(image, key))(jax.random.split(KEY, 20_000))
    deviation = np.exp(log_variance / 2)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 5 * deviation / np.sqrt(20_000))
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.05)


def test_sizes_of_an_autoencoder_are_checked():
    with pytest.raises(ValueError, match="latent must be at least 1, got 0"):
        VariationalAutoencoder(pixels=6, latent=0, key=KEY)


RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 2, 160)
# Two kinds of stripes, with pixels switched at random.
STRIPES = np.array([[1, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1, 1]])
PICTURES = np.abs(STRIPES[LABELS] - (RNG.random((160, 8)) < 0.05)).astype(float)
IMAGES = Samples(PICTURES[:128], LABELS[:128], PICTURES[128:], LABELS[128:])
METHOD = BatchedAdam(0.02, batch_size=32)


def make_autoencoders(seeds):
    return many(
        lambda key: VariationalAutoencoder(pixels=8, hidden=12, latent=3, key=key), KEY, seeds
    )


def make_readers(seeds):
    return many(lambda key: Perceptron((3, 2), key=key), KEY, seeds)


@pytest.fixture(scope="module")
def learned():
    return colearn(
        make_autoencoders(2), {"linear": make_readers(2)}, IMAGES, METHOD,
        autoencoder_method=METHOD, epochs=40, key=KEY,
    )  # fmt: skip


def test_both_sides_learn(learned):
    assert np.all(learned.loss[:, -1] < 0.8 * learned.loss[:, 0])
    assert np.all(learned.classifiers["linear"].accuracy[:, -1] > 0.8)
    assert learned.classifiers["linear"].networks.weights[0].shape == (2, 2, 3)


def test_labels_do_not_reach_the_autoencoder(learned):
    other = colearn(
        make_autoencoders(2), {"linear": make_readers(2)},
        IMAGES._replace(targets=1 - IMAGES.targets), METHOD,
        autoencoder_method=METHOD, epochs=40, key=KEY,
    )  # fmt: skip
    np.testing.assert_array_equal(other.loss, learned.loss)
    mine, theirs = (
        jax.tree.leaves(eqx.filter(each.autoencoders, eqx.is_array)) for each in (other, learned)
    )
    for one, two in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.all(other.classifiers["linear"].accuracy[:, -1] < 0.2)


def test_latents_are_draws_for_each_seed(learned):
    drawn = latents(learned.autoencoders, jnp.asarray(IMAGES.test_inputs), jax.random.split(KEY))
    assert drawn.shape == (2, 32, 3)
    assert np.all(np.std(drawn[0] - drawn[1], axis=0) > 0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"classifiers\['linear'\] must be as many .* 2, got 3"):
        colearn(make_autoencoders(2), {"linear": make_readers(3)}, IMAGES, epochs=1, key=KEY)
    with pytest.raises(ValueError, match="batch_size must be at most"):
        colearn(make_autoencoders(2), {}, IMAGES, BatchedAdam(batch_size=129), epochs=1, key=KEY)
    with pytest.raises(ValueError, match="epochs"):
        colearn(make_autoencoders(2), {}, IMAGES, METHOD, epochs=0, key=KEY)


def test_losses_that_are_no_numbers_are_reported():
    broken = IMAGES._replace(inputs=np.full((128, 8), np.nan))
    with pytest.raises(NotSolved, match="training of"):
        colearn(
            make_autoencoders(2), {"linear": make_readers(2)}, broken, METHOD,
            autoencoder_method=METHOD, epochs=1, key=KEY,
        )  # fmt: skip
