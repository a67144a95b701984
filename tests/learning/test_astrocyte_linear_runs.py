"""Linear steps joined into one: the same function and gradients as step after step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.astrocyte import AstrocyteNetwork, Biology, Leak, Loss
from neuropil.learning.astrocyte.linear_runs import LinearMap, composed

KEY = jax.random.key(0)
WALKS = (
    ("g d g d g", 13, 3),
    ("s d s s g d", 5, 3),
    ("s s d g g s", 6, 4),
    ("d g d s d g", 9, 2),
    ("s g s g d d d s", 7, 5),
)


def drawn(notation, width, neighbours, **options):
    return AstrocyteNetwork.from_notation(
        notation, width=width, neighbours=neighbours, form="document", key=KEY, **options
    )


def parts_of(network, *, training=False):
    draws = [jnp.zeros(sum(step.n_draws(training=training))) for step in network.steps]
    return composed(network.steps, draws, training=training)


@pytest.mark.parametrize(("walk", "every"), list(zip(WALKS, (2, 3, 9, 3, 9), strict=True)))
def test_joined_steps_do_what_the_steps_do_one_by_one(walk, every):
    network = drawn(*walk, activation_every=every)
    samples = jax.random.normal(KEY, (3, walk[1]))

    def joined(network, x):
        return network(x)

    def one_by_one(network, x):
        return network.activity(x)[-1]

    def found(through):
        def loss(network, samples):
            return jnp.sum(jax.vmap(lambda x: through(network, x))(samples) ** 3)

        return eqx.filter_jit(
            lambda pair: eqx.filter_value_and_grad(lambda pair: loss(*pair))(pair)
        )((network, samples))

    own, expected = (jax.tree.leaves(found(through)) for through in (joined, one_by_one))
    assert len(own) == len(expected) > 2
    for mine, other in zip(own, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


def test_a_map_of_a_map_is_their_product():
    """Against full matrices, with neighbours beyond both ends."""
    rng = np.random.default_rng(0)

    def matrix(own, cells):
        full = np.zeros((own.bands.shape[1], cells))
        for place, row in enumerate(np.asarray(own.bands)):
            for cell, weight in enumerate(row):
                if 0 <= cell + own.first + place < cells:
                    full[cell, cell + own.first + place] = weight
        return full

    for first, reached in ((0, 6), (-1, 8), (-2, 10)):
        before = LinearMap(first, jnp.asarray(rng.normal(size=(3, reached))), jnp.ones(reached))
        slide = LinearMap(-1, jnp.asarray(rng.normal(size=(3, reached))), None)
        both = slide.after(before)
        expected = matrix(slide, reached) @ matrix(before, 8)
        np.testing.assert_allclose(matrix(both, 8), expected, atol=1e-14)
        np.testing.assert_allclose(
            both.offset, matrix(slide, reached) @ np.ones(reached), atol=1e-14
        )


def test_steps_are_joined_only_where_nothing_comes_between():
    def kinds(network, **options):
        return [
            "map" if isinstance(p, LinearMap) else "other" for p in parts_of(network, **options)
        ]

    plain = drawn("g d g d", 12, 3, activation_every=2)
    assert kinds(plain) == ["map", "other", "map"]
    every = drawn("g d g", 12, 3, activation_every=1)
    assert kinds(every) == ["map", "other", "map", "other", "map"]
    leaking = plain.with_biology(Biology(leak=Leak(0.3)))
    assert kinds(leaking) == ["other"] * 4
    dropping = plain.with_biology(Biology(connection_loss=Loss(0.2, test=False)))
    assert kinds(dropping, training=True) == ["other"] * 4
    assert kinds(dropping, training=False) == ["map", "other", "map"]
    ring = drawn("d d", 12, 3, activation_every=9, periodic=True)
    assert kinds(ring) == ["other"] * 2


@pytest.mark.parametrize("walk", [*WALKS, ("s s s s s s", 2, 3), ("g g g g g g", 40, 3)])
def test_joining_takes_no_more_products_and_no_wide_neighbourhood(walk):
    network = drawn(*walk, activation_every=99)
    apart = sum(walk[2] * step.reached[0] for step in network.steps)
    parts = parts_of(network)
    assert sum(part.bands.size for part in parts) <= apart
    assert max(part.bands.shape[0] for part in parts) <= 9
    assert len(parts) < len(network.steps)
