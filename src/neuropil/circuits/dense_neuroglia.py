"""Neurons, plastic synapses and astrocytes in which everything reaches everything."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neuropil.circuits.activation import AbstractActivation, HyperbolicTangent, Logistic
from neuropil.circuits.inputs import InputFunction, as_input, require_input
from neuropil.circuits.neuroglia import NeuroGlialState
from neuropil.circuits.parameters import parameter, require_parameters
from neuropil.system import AbstractSlowFastSystem
from neuropil.types import Scalar, State


def _matrix() -> Any:
    return eqx.field(converter=lambda given: jnp.asarray(given, float))


class DenseNeuroGlialNetwork(AbstractSlowFastSystem):
    """A network of neurons and glia whose gains are full matrices, as it was trained in print.

    With Phi the n x n matrix of products phi(x_i) phi(x_j), laid out row by row as n^2 values,

        tau_n dx/dt = -a x + W phi(x) + u(t)
        tau_w dW/dt = -b W + C Phi + D psi(z)
        tau_a dz/dt = -e z + F psi(z) + H Phi + v(t)

    (Gong, Pasqualetti, Papouin and Ching, "Astrocytes as a mechanism for meta-plasticity and
    contextually-guided network function", eq. 10). Every astrocyte reaches every synapse and
    senses every pair of neurons, a neuron has a synapse onto itself, and an astrocyte may
    influence itself: `NeuroGlialNetwork` is the network with hyperedges, where none of this is so.

    - `hebbian_gain` (C): shape (n, n), a gain for each synapse, or the full matrix (n^2, n^2).
    - `glial_gain` (D): (n^2, m). `gap_strength` (F): (m, m). `coincidence_gain` (H): (m, n^2).
    - decays and time constants in ms: one value, or one for each neuron, synapse or astrocyte.

    The state is x, then W row by row, then z, without a unit. Raises `ValueError`, naming the
    parameter, unless all are finite and of these shapes, and decays and time constants positive.
    """

    hebbian_gain: Float[Array, "..."] = _matrix()
    glial_gain: Float[Array, "..."] = _matrix()
    gap_strength: Float[Array, "..."] = _matrix()
    coincidence_gain: Float[Array, "..."] = _matrix()
    neuron_decay: Float[Array, "..."] = parameter(1.0)
    synapse_decay: Float[Array, "..."] = parameter(1.0)
    astrocyte_decay: Float[Array, "..."] = parameter(1.0)
    neuron_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    astrocyte_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    neuron_time_constant: Float[Array, "..."] = parameter(10.0)
    synapse_time_constant: Float[Array, "..."] = parameter(10.0)
    astrocyte_time_constant: Float[Array, "..."] = parameter(1000.0)
    neuron_activation: AbstractActivation = Logistic()
    astrocyte_activation: AbstractActivation = HyperbolicTangent()

    def __check_init__(self):
        if self.glial_gain.ndim != 2:
            raise ValueError(
                "glial_gain must have one row a pair of neurons and one column an astrocyte, "
                f"got shape {self.glial_gain.shape}"
            )
        n, m = self.n_neurons, self.n_astrocytes
        for name, allowed in (
            ("hebbian_gain", ((n, n), (n * n, n * n))),
            ("glial_gain", ((n * n, m),)),
            ("gap_strength", ((m, m),)),
            ("coincidence_gain", ((m, n * n),)),
        ):
            value = getattr(self, name)
            if value.shape not in allowed:
                raise ValueError(f"{name} must have shape {allowed}, got {value.shape}")
            require_parameters({name: (jnp.ravel(value), value.size)}, positive=False)
        require_parameters(
            {
                "neuron_decay": (self.neuron_decay, n),
                "synapse_decay": (self.synapse_decay, n * n),
                "astrocyte_decay": (self.astrocyte_decay, m),
                "neuron_time_constant": (self.neuron_time_constant, n),
                "synapse_time_constant": (self.synapse_time_constant, n * n),
                "astrocyte_time_constant": (self.astrocyte_time_constant, m),
            },
            positive=True,
        )
        require_input("neuron_input", self.neuron_input, n)
        require_input("astrocyte_input", self.astrocyte_input, m)

    @property
    def n_neurons(self) -> int:
        """Number of neurons, from the rows of the glial gain."""
        return round(self.glial_gain.shape[-2] ** 0.5)

    @property
    def n_astrocytes(self) -> int:
        """Number of astrocytes."""
        return self.glial_gain.shape[-1]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Neurons, synapses (postsynaptic, presynaptic), astrocytes."""
        n = self.n_neurons
        return (
            *(f"neuron_{i}" for i in range(n)),
            *(f"synapse_{i}_{j}" for i in range(n) for j in range(n)),
            *(f"astrocyte_{k}" for k in range(self.n_astrocytes)),
        )

    @property
    def state_unit(self) -> str:
        """None: rates, efficacies and astrocyte activity are relative."""
        return ""

    @property
    def is_slow(self) -> Bool[np.ndarray, " dimension"]:
        """The astrocytes."""
        fast = self.n_neurons + self.n_neurons**2
        return np.arange(fast + self.n_astrocytes) >= fast

    def join(
        self,
        neurons: float | Float[Array | np.ndarray, "..."] = 0.0,
        synapses: float | Float[Array | np.ndarray, "..."] = 0.0,
        astrocytes: float | Float[Array | np.ndarray, "..."] = 0.0,
    ) -> State:
        """The state with the given parts, each one value or one for each element."""
        n, m = self.n_neurons, self.n_astrocytes
        parts = ((neurons, (n,)), (synapses, (n, n)), (astrocytes, (m,)))
        return jnp.concatenate(
            [jnp.ravel(jnp.broadcast_to(jnp.asarray(part, float), shape)) for part, shape in parts]
        )

    def parts(self, states: Float[Array, "... dimension"]) -> NeuroGlialState:
        """Neurons, synapses (row by row) and astrocytes of a state, or of many."""
        n = self.n_neurons
        return NeuroGlialState(
            states[..., :n], states[..., n : n + n * n], states[..., n + n * n :]
        )

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the state, per ms."""
        x, w, z = self.parts(state)
        n = self.n_neurons
        rates, modulation = self.neuron_activation(x), self.astrocyte_activation(z)
        coincidence = jnp.ravel(rates[:, None] * rates[None, :])
        if self.hebbian_gain.shape[-1] == coincidence.size:
            learned = self.hebbian_gain @ coincidence
        else:
            learned = jnp.ravel(self.hebbian_gain) * coincidence
        received = w.reshape(n, n) @ rates + self.neuron_input(time)
        modulated = self.glial_gain @ modulation
        sensed = self.coincidence_gain @ coincidence
        shared = self.gap_strength @ modulation + self.astrocyte_input(time)
        return jnp.concatenate(
            [
                (received - self.neuron_decay * x) / self.neuron_time_constant,
                (learned + modulated - self.synapse_decay * w) / self.synapse_time_constant,
                (sensed + shared - self.astrocyte_decay * z) / self.astrocyte_time_constant,
            ]
        )


__all__ = ["DenseNeuroGlialNetwork"]
