"""Training of astrocyte waves: banded steps beside masked matrices, widths, and many seeds.

Run `python benchmarks/astrocyte_waves.py`; it prints JSON. One epoch is 469 batches of 128 random
inputs (the length of one over 60 000 images), forward, backward and a step of Adam, in single
precision, for the network g d g d g d g d g d of 20 cells. Beside the banded steps stand

- dense masked layers in JAX: the full matrix times its mask, in the same compiled loop;
- the formulation of the public code in PyTorch: for every source a mask over the full matrix, an
  einsum and a multiplicative bias. It is timed over a few batches and scaled to the epoch. Where
  PyTorch is not installed, its forward pass alone is timed in NumPy, which is a lower bound.

Many seeds stand beside one of them twice: by the epoch, when all is compiled, and from nothing to
the end of the 30 epochs that the study trains for, compilation included.
"""

import importlib.util
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuropil.learning.astrocyte import AstrocyteNetwork
from neuropil.learning.classification.epochs import BatchedAdam, begin, orders
from neuropil.learning.classification.objectives import NegativeLogLikelihood
from neuropil.learning.classification.training import (
    Samples,
    as_arrays,
    in_single_precision,
    many,
    train_classifiers,
    train_epoch,
)

NOTATION = "g d g d g d g d g d"
WIDTH, CLASSES, BATCH, BATCHES = 20, 10, 128, 469
RATE = 0.01
REPEATS = 5
SEEDS, EPOCHS = 20, 30
SOURCE_BATCHES = 3
# Widths, and batches of the epoch that are run at each.
WIDTHS = ((100, 40), (1_000, 20), (10_000, 4))


class MaskedLayer(eqx.Module):
    """A full matrix, of which a mask leaves the neighbours."""

    weights: jax.Array
    bias: jax.Array
    mask: jax.Array
    active: bool = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer for one input."""
        received = jnp.where(self.mask, self.weights, 0) @ x + self.bias
        return jnp.tanh(received) if self.active else received


class MaskedNetwork(eqx.Module):
    """Masked layers, one after the other."""

    layers: tuple[MaskedLayer, ...]

    def __call__(self, x: jax.Array, *, key: Any = None, training: bool = False) -> jax.Array:
        """The network for one input."""
        del key, training
        for layer in self.layers:
            x = layer(x)
        return x


def masked(network: AstrocyteNetwork) -> MaskedNetwork:
    """The same network as masked matrices."""
    layers = []
    for number, step in enumerate(network.steps):
        full = step.matrix().astype(np.float32)
        active = number % 2 == 1 and number + 1 < len(network.steps)
        layers.append(MaskedLayer(jnp.asarray(full), step.bias, jnp.asarray(full != 0), active))
    return MaskedNetwork(tuple(layers))


def touched(kind: str, source: int, reached: int) -> list[int]:
    """Cells that a source of the public code adds to."""
    shift = 0 if kind == "s" else -1
    return sorted({(source + shift + place) % reached for place in range(3)})


def sources_in_torch() -> float:
    """Seconds of an epoch in the formulation of the public code."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes, kinds = [WIDTH], NOTATION.split()
    for kind in kinds:
        sizes.append(sizes[-1] - 2 if kind == "g" else sizes[-1])
    weights, biases = [], []
    for before, after in itertools.pairwise(sizes):
        bound = before**-0.5
        weights.append(torch.empty(after, before).uniform_(-bound, bound).requires_grad_())
        biases.append(torch.empty(after).uniform_(-bound, bound).requires_grad_())

    def forward(x):
        for number, (kind, weight, bias) in enumerate(zip(kinds, weights, biases, strict=True)):
            reached = weight.shape[0]
            output = torch.zeros(x.shape[0], reached)
            for source in range(reached):
                cells = touched(kind, source, reached)
                mask = torch.zeros(weight.shape)
                mask[cells, source] = 1
                output = output + torch.einsum("bi,ji->bj", x, mask * weight)
                mask = torch.zeros(bias.shape)
                mask[cells] = 1
                output = output + torch.einsum("bj,j->bj", output, mask * bias)
            x = output
            if number % 2 == 1 and number + 1 < len(kinds):
                x = torch.softmax(x, dim=1)
        return torch.log_softmax(x, dim=1)

    images, labels = torch.randn(BATCH, WIDTH), torch.randint(0, CLASSES, (BATCH,))
    times = []
    for _ in range(SOURCE_BATCHES + 1):
        begin = time.perf_counter()
        torch.nn.functional.nll_loss(forward(images), labels).backward()
        with torch.no_grad():
            for parameter in (*weights, *biases):
                parameter -= RATE * parameter.grad
                parameter.grad = None
        times.append(time.perf_counter() - begin)
    return min(times[1:]) * BATCHES


def sources_in_numpy() -> float:
    """Seconds of the forward passes of an epoch, masks and einsums as in the public code."""
    generator = np.random.default_rng(0)
    images = generator.normal(size=(BATCH, WIDTH)).astype(np.float32)
    times = []
    for _ in range(SOURCE_BATCHES + 1):
        begin = time.perf_counter()
        x = images
        for kind in NOTATION.split():
            before = x.shape[1]
            reached = before - 2 if kind == "g" else before
            weight, bias = np.ones((reached, before), np.float32), np.ones(reached, np.float32)
            output = np.zeros((BATCH, reached), np.float32)
            for source in range(reached):
                cells = touched(kind, source, reached)
                mask = np.zeros_like(weight)
                mask[cells, source] = 1
                output = output + np.einsum("bi,ji->bj", x, mask * weight)
                mask = np.zeros_like(bias)
                mask[cells] = 1
                output = output + np.einsum("bj,j->bj", output, mask * bias)
            x = output / np.abs(output).max()
        times.append(time.perf_counter() - begin)
    return min(times[1:]) * BATCHES


def against_sources(ours: float) -> dict[str, Any]:
    """The public code's formulation beside ours."""
    with_torch = importlib.util.find_spec("torch") is not None
    theirs = sources_in_torch() if with_torch else sources_in_numpy()
    what = "PyTorch" if with_torch else "NumPy, forward pass only: a lower bound"
    return {"made_with": what, "seconds": theirs, "ratio": theirs / ours}


def wave_of(width: int) -> Callable[[jax.Array], AstrocyteNetwork]:
    """The network of a key."""
    return lambda key: AstrocyteNetwork.from_notation(NOTATION, width=width, key=key)


def problem(
    make: Callable[[jax.Array], Any], seeds: int, width: int, batches: int
) -> tuple[Any, Samples]:
    """Networks, and random samples for them; each seed has inputs of its own."""
    generator = np.random.default_rng(0)
    size = batches * BATCH
    labels = generator.integers(0, CLASSES, size=size)
    images = generator.normal(size=(seeds, size, width)).astype(np.float32)
    networks = in_single_precision(many(make, jax.random.key(0), seeds))
    return networks, Samples(images, labels, images[:, :BATCH], labels[:BATCH])


def training_seconds(
    make: Callable[[jax.Array], Any], seeds: int, *, width: int = WIDTH, batches: int = BATCHES
) -> float:
    """Fastest of several epochs of training with Adam."""
    networks, samples = problem(make, seeds, width, batches)
    method, objective = BatchedAdam(), NegativeLogLikelihood()
    samples = as_arrays(samples, networks)
    progress, layout = begin(networks)
    keys = jax.random.split(jax.random.key(1), seeds)
    order = orders(keys, batches * BATCH, method)
    times = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        _, scores = train_epoch(progress, layout, samples, order, method, objective, keys)
        jax.block_until_ready(scores)
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def seconds_from_nothing(make: Callable[[jax.Array], Any], seeds: int) -> float:
    """Seconds of a training from start to end, everything compiled anew."""
    jax.clear_caches()
    begun = time.perf_counter()
    networks, samples = problem(make, seeds, WIDTH, BATCHES)
    trained = train_classifiers(networks, samples, epochs=EPOCHS, key=jax.random.key(1))
    jax.block_until_ready(trained.accuracy)
    return time.perf_counter() - begun


def by_width() -> list[dict[str, float]]:
    """Time of one batch for growing widths, and by connection."""
    rows = []
    for width, batches in WIDTHS:
        parameters = wave_of(width)(jax.random.key(0)).n_parameters
        taken = training_seconds(wave_of(width), 1, width=width, batches=batches) / batches
        rows.append(
            {
                "width": width,
                "milliseconds_per_batch": taken * 1e3,
                "nanoseconds_per_parameter_and_input": taken * 1e9 / parameters / BATCH,
            }
        )
    return rows


def seeds_at_once(wave: Callable[[jax.Array], AstrocyteNetwork], single: float) -> dict[str, Any]:
    """Many seeds against a single one, whose epoch takes `single` seconds."""
    together = training_seconds(wave, SEEDS)
    begun, alone = (seconds_from_nothing(wave, seeds) for seeds in (SEEDS, 1))
    return {
        "seeds": SEEDS,
        "epoch": {"seconds": together, "ratio": together / single},
        "from_nothing": {"epochs": EPOCHS, "seconds": begun, "ratio": begun / alone},
    }


def run() -> dict[str, Any]:
    """The epoch in all formulations, the growth with width, and many seeds at once."""

    wave = wave_of(WIDTH)
    ours = training_seconds(wave, 1)
    dense = training_seconds(lambda key: masked(wave(key)), 1)
    return {
        "epoch": {"seconds": ours, "batches": BATCHES, "batch": BATCH},
        "dense_masked_jax": {"seconds": dense, "ratio": dense / ours},
        "masked_einsum": against_sources(ours),
        "widths": by_width(),
        "seeds_at_once": seeds_at_once(wave, ours),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
