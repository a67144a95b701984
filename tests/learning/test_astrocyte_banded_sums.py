"""Sums over neighbours as one operation: values and derivatives against the sums written out."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.learning.astrocyte.banded_sums import to_narrow, to_wide

RNG = np.random.default_rng(0)
NARROW, NEIGHBOURS = 4, 3


@dataclass(frozen=True)
class Line:
    """Narrow cell j sees the wide cells j, j + 1, j + 2, which it may say or not."""

    is_line: bool
    wide = (NARROW + NEIGHBOURS - 1,)
    owners = (NARROW,)

    def windows(self):
        return [lambda signal, k=k: signal[k : k + NARROW] for k in range(NEIGHBOURS)]


def narrow(bands, wide):
    return to_narrow(Line(is_line=True), bands, wide)


def narrow_on_any(bands, wide):
    return to_narrow(Line(is_line=False), bands, wide)


def narrow_written_out(bands, wide):
    offset = bands[NEIGHBOURS] if len(bands) > NEIGHBOURS else 0.0
    return sum(bands[k] * wide[k : k + NARROW] for k in range(NEIGHBOURS)) + offset


def wide(bands, narrow):
    return to_wide(Line(is_line=True), bands, narrow)


def wide_on_any(bands, narrow):
    return to_wide(Line(is_line=False), bands, narrow)


def wide_written_out(bands, narrow):
    return sum(jnp.pad(bands[k] * narrow, (k, NEIGHBOURS - 1 - k)) for k in range(NEIGHBOURS))


def given(rows, cells):
    return jnp.asarray(RNG.normal(size=(2, rows, NARROW))), jnp.asarray(
        RNG.normal(size=(2, 32, cells))
    )


PAIRS = {
    "narrow": (narrow, narrow_written_out, given(NEIGHBOURS, NARROW + 2)),
    "offset": (narrow, narrow_written_out, given(NEIGHBOURS + 1, NARROW + 2)),
    "wide": (wide, wide_written_out, given(NEIGHBOURS, NARROW)),
    "narrow, generic": (narrow_on_any, narrow_written_out, given(NEIGHBOURS, NARROW + 2)),
    "wide, generic": (wide_on_any, wide_written_out, given(NEIGHBOURS, NARROW)),
}


def mean_over_samples(function):
    def loss(bands, signals):
        one = jax.vmap(lambda signal: jnp.sum(jnp.sin(function(bands, jnp.tanh(signal)))))
        return jnp.mean(one(signals) ** 2)

    return loss


QUESTIONS = {
    "gradients over models and samples": lambda function: jax.vmap(
        jax.value_and_grad(mean_over_samples(function), argnums=(0, 1))
    ),
    "second derivatives": lambda function: jax.vmap(
        jax.hessian(
            lambda bands, signals: jnp.sum(function(bands, signals[1]) ** 3), argnums=(0, 1)
        )
    ),
    "all models on all samples, twice": lambda function: jax.vmap(
        jax.vmap(jax.vmap(function, in_axes=(None, 0)), in_axes=(0, None)), in_axes=(None, 0)
    ),
}


ASKED = [
    (pair, question)
    for pair in PAIRS
    for question in QUESTIONS
    if "generic" not in pair or question.startswith("gradients")
]


@pytest.mark.parametrize(("pair", "question"), ASKED)
def test_all_is_as_if_written_out(pair, question):
    own, written_out, (bands, signals) = PAIRS[pair]
    found, expected = (
        jax.tree.leaves(jax.jit(QUESTIONS[question](function))(bands, signals))
        for function in (own, written_out)
    )
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("samples", [1, 7, 8, 100, 256])
def test_sums_over_any_number_of_samples(samples):
    bands = jnp.asarray(RNG.normal(size=(NEIGHBOURS + 1, NARROW)))
    signals = jnp.asarray(RNG.normal(size=(samples, NARROW + 2)))
    slope = jax.grad(lambda bands: jnp.sum(jax.vmap(narrow, in_axes=(None, 0))(bands, signals)))(
        bands
    )
    expected = [signals[:, k : k + NARROW].sum(axis=0) for k in range(NEIGHBOURS)]
    expected.append(np.full(NARROW, float(samples)))
    np.testing.assert_allclose(slope, np.stack(expected), rtol=1e-12, atol=1e-12)
