"""The neural side of the equivalence: networks of one hidden layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.steps import CellActivation


class TwoLayerNetwork(eqx.Module):
    """y = V activation(W x + b) + c, from n inputs over r hidden units to p outputs.

    Peterson, "What can astrocytes compute?", eq. 1, with p outputs in place of one and a
    threshold at the output. Raises `ValueError` when the parts do not fit.
    """

    input_weights: Float[Array, "_hidden _inputs"]
    input_bias: Float[Array, " _hidden"]
    output_weights: Float[Array, "_outputs _hidden"]
    output_bias: Float[Array, " _outputs"]
    activation: CellActivation = jnp.tanh

    def __check_init__(self):
        hidden, _ = self.input_weights.shape
        outputs, _ = self.output_weights.shape
        for name, shape in (
            ("input_bias", (hidden,)),
            ("output_weights", (outputs, hidden)),
            ("output_bias", (outputs,)),
        ):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")

    @classmethod
    def from_perceptron(cls, perceptron: eqx.nn.MLP) -> "TwoLayerNetwork":
        """The same network as an `equinox.nn.MLP` of depth 1 whose output is linear.

        Raises `ValueError` for another depth, for an activation of the output, and for inputs or
        outputs that are scalars.
        """
        if perceptron.depth != 1:
            raise ValueError(f"perceptron must have depth 1, got {perceptron.depth}")
        if "scalar" in (perceptron.in_size, perceptron.out_size):
            raise ValueError(
                "perceptron must take and give vectors, "
                f"got {perceptron.in_size} and {perceptron.out_size}"
            )
        probe = jnp.array([-1e6, -3.0, -0.1, 0.0, 0.1, 3.0, 1e6])
        if not np.array_equal(jax.vmap(perceptron.final_activation)(probe), probe):
            raise ValueError(
                "perceptron must have a linear output, "
                f"got final_activation {perceptron.final_activation}"
            )
        first, last = perceptron.layers
        none = jnp.zeros((), first.weight.dtype)
        return cls(
            first.weight,
            jnp.broadcast_to(none if first.bias is None else first.bias, (first.out_features,)),
            last.weight,
            jnp.broadcast_to(none if last.bias is None else last.bias, (last.out_features,)),
            _cell_by_cell(perceptron.activation),
        )

    @property
    def n_inputs(self) -> int:
        """Inputs."""
        return self.input_weights.shape[1]

    @property
    def n_hidden(self) -> int:
        """Hidden units."""
        return self.input_weights.shape[0]

    @property
    def n_outputs(self) -> int:
        """Outputs."""
        return self.output_weights.shape[0]

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """The output for one input."""
        hidden = self.activation(self.input_weights @ x + self.input_bias)
        return self.output_weights @ hidden + self.output_bias


def _cell_by_cell(activation: CellActivation) -> CellActivation:
    """The activation of a perceptron, if it is one function for all hidden units."""
    leaves = [leaf for leaf in jax.tree.leaves(activation) if eqx.is_array(leaf)]
    if leaves:
        raise ValueError(
            "perceptron must have one activation without parameters for all hidden units, "
            f"got one with {len(leaves)} arrays"
        )
    return activation


__all__ = ["TwoLayerNetwork"]
