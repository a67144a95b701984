"""Networks of neurons without geometry: perceptrons, and layers wired at random."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.learning.uniform_arrays import uniform_arrays
from neuropil.types import RandomKey

Activation = Callable[[Float[Array, " cells"]], Float[Array, " cells"]]


class Perceptron(eqx.Module):
    """Layers in which every cell listens to every cell of the layer before.

    Between layers, after every `activation_every`-th, `activation` acts on all cells of one
    together, so that a softmax is allowed; the last layer is linear. Two layers are equation (1)
    of Peterson, "What can astrocytes compute?"; with the widths of an astrocyte network it is its
    control without locality.
    """

    weights: tuple[Float[Array, "_to _from"], ...]
    biases: tuple[Float[Array, " _to"], ...]
    activation: Activation = eqx.field(static=True)
    activation_every: int = eqx.field(static=True)

    def __init__(
        self,
        widths: Sequence[int],
        *,
        activation: Activation = jax.nn.softmax,
        activation_every: int = 1,
        gain: float = 1.0,
        key: RandomKey,
    ):
        """Weights and biases uniform in +-gain/sqrt(cells of the layer before).

        `widths` are those of the input and of every layer. Raises `ValueError` for fewer than
        two, or one below 1, and for `activation_every` below 1.
        """
        _require_widths(widths, activation_every)
        pairs = list(itertools.pairwise(widths))
        drawn = uniform_arrays(
            key,
            (*((to, origin) for origin, to in pairs), *((to,) for _, to in pairs)),
            tuple(gain / math.sqrt(origin) for origin, _ in pairs) * 2,
        )
        self.weights, self.biases = drawn[: len(pairs)], drawn[len(pairs) :]
        self.activation, self.activation_every = activation, activation_every

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(array.size for array in (*self.weights, *self.biases))

    def __call__(
        self, x: Float[Array, " inputs"], *, key: RandomKey | None = None, training: bool = False
    ) -> Float[Array, " outputs"]:
        """The outputs; neither `key` nor `training` matters, as nothing is random."""
        del key, training
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            heard = self.activation(x) if layer and layer % self.activation_every == 0 else x
            x = weight @ heard + bias
        return x


class RandomlyWired(eqx.Module):
    """Layers in which every cell listens to a few cells of the layer before, drawn at random.

    The control for locality: widths and numbers of connections are those of an astrocyte network,
    only the neighbourhoods are scattered.
    """

    weights: tuple[Float[Array, "_to partners"], ...]
    biases: tuple[Float[Array, " _to"], ...]
    sources: tuple[Int[Array, "_to partners"], ...]
    activation: Activation = eqx.field(static=True)
    activation_every: int = eqx.field(static=True)

    def __init__(
        self,
        widths: Sequence[int],
        *,
        partners: int = 3,
        activation: Activation = jax.nn.softmax,
        activation_every: int = 1,
        gain: float = 1.0,
        key: RandomKey,
    ):
        """Each cell has `partners` different sources, all sets of them being equally likely.

        Weights and biases are uniform in +-gain/sqrt(partners). Raises `ValueError` as
        `Perceptron`, and for `partners` below 1 or above the width of a layer that is listened to.
        """
        _require_widths(widths, activation_every)
        if not 1 <= partners <= min(widths[:-1]):
            raise ValueError(
                f"partners must lie in 1 ... {min(widths[:-1])}, the narrowest layer that is "
                f"listened to, got {partners}"
            )
        weight_key, source_key = jax.random.split(key)
        pairs = list(itertools.pairwise(widths))
        drawn = uniform_arrays(
            weight_key,
            (*((to, partners) for _, to in pairs), *((to,) for _, to in pairs)),
            (gain / math.sqrt(partners),) * (2 * len(pairs)),
        )
        self.weights, self.biases = drawn[: len(pairs)], drawn[len(pairs) :]
        self.sources = _subsets(source_key, tuple(pairs), partners)
        self.activation, self.activation_every = activation, activation_every

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(array.size for array in (*self.weights, *self.biases))

    def __call__(
        self, x: Float[Array, " inputs"], *, key: RandomKey | None = None, training: bool = False
    ) -> Float[Array, " outputs"]:
        """The outputs; neither `key` nor `training` matters, as nothing is random."""
        del key, training
        layers = zip(self.weights, self.biases, self.sources, strict=True)
        for layer, (weight, bias, sources) in enumerate(layers):
            heard = self.activation(x) if layer and layer % self.activation_every == 0 else x
            x = jnp.sum(weight * heard[sources], axis=1) + bias
        return x


def hidden_for(parameters: int, *, inputs: int, outputs: int) -> int:
    """Hidden cells of the perceptron with two layers whose parameters are nearest in number."""
    return max(1, round((parameters - outputs) / (inputs + 1 + outputs)))


def _require_widths(widths: Sequence[int], activation_every: int) -> None:
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths must be two or more numbers, all at least 1, got {list(widths)}")
    if activation_every < 1:
        raise ValueError(f"activation_every must be at least 1, got {activation_every}")


@partial(jax.jit, static_argnames=("pairs", "partners"))
def _subsets(
    key: RandomKey, pairs: tuple[tuple[int, int], ...], partners: int
) -> tuple[Int[Array, "_to partners"], ...]:
    """For every cell of each layer, different cells of the layer before, given as (from, to)."""
    sizes = np.concatenate([np.full(to, origin) for origin, to in pairs])
    ranked = jax.random.uniform(key, (len(sizes), int(sizes.max())))
    # Cells beyond the end of a narrower layer come last, where none of them is taken.
    beyond = np.arange(ranked.shape[1])[None, :] >= sizes[:, None]
    first = jnp.argsort(jnp.where(beyond, 2.0, ranked), axis=1)[:, :partners]
    ends = list(itertools.accumulate((to for _, to in pairs), initial=0))
    return tuple(first[begin:end] for begin, end in itertools.pairwise(ends))


__all__ = ["Perceptron", "RandomlyWired", "hidden_for"]
