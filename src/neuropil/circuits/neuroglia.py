"""Networks of neurons, plastic synapses and astrocytes."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neuropil.circuits.activation import AbstractActivation, HyperbolicTangent, Logistic
from neuropil.circuits.inputs import InputFunction, as_input, input_range, require_input
from neuropil.circuits.parameters import parameter, require_parameters
from neuropil.circuits.ranges import Range, activation_range, symmetric
from neuropil.connectivity.hyperedges import NeuroGlialWiring
from neuropil.system import AbstractSlowFastSystem, Box
from neuropil.types import Scalar, State


class NeuroGlialState(NamedTuple):
    """The parts of a state: neurons x, synapses w and astrocytes z."""

    neurons: Float[Array, "..."]
    synapses: Float[Array, "..."]
    astrocytes: Float[Array, "..."]


class _Ranges(NamedTuple):
    """Ranges of the neurons, the synapses and the astrocytes."""

    neurons: Range
    synapses: Range
    astrocytes: Range


class NeuroGlialNetwork(AbstractSlowFastSystem):
    """Neurons, synapses that learn, and astrocytes that sense and modulate them.

    With i the postsynaptic and j the presynaptic neuron of a synapse and k its astrocyte,

        tau_n dx_i/dt  = -a_i x_i + sum_j w_ij phi(x_j) + u_i(t)
        tau_w dw_ij/dt = -b_ij w_ij + c_ij phi(x_i) phi(x_j) + d_ij psi(z_k)
        tau_a dz_k/dt  = -e_k z_k + sum_l f_kl psi(z_l) + h_k sum phi(x_i) phi(x_j) + v_k(t),

    the last sum over the triangles (two neurons and the astrocyte) of `wiring`, which also holds
    f (Gong, Pasqualetti, Papouin and Ching, "Astrocytes as a mechanism for meta-plasticity and
    contextually-guided network function", eq. 1 and 7). `wiring.n_neurons` values x come first
    in the state, then one w for each hyperedge, then the z; all are numbers without a unit.

    a, b, e are `neuron_decay`, `synapse_decay`, `astrocyte_decay`; c is `hebbian_gain`
    (anti-Hebbian where negative), d `glial_gain`, h `coincidence_gain`; u and v, `neuron_input`
    and `astrocyte_input`, are numbers or functions of the time in ms, written for JAX; time
    constants are in ms. Each is one value, or one for each neuron, synapse or astrocyte. phi and
    psi are `neuron_activation` and `astrocyte_activation`. Astrocytes are the slow components.

    The cost of one evaluation is proportional to the number of hyperedges. Raises `ValueError`,
    naming the parameter, unless all are finite and fit the wiring, and time constants and decays
    are positive.
    """

    wiring: NeuroGlialWiring
    neuron_decay: Float[Array, "..."] = parameter(1.0)
    synapse_decay: Float[Array, "..."] = parameter(1.0)
    astrocyte_decay: Float[Array, "..."] = parameter(1.0)
    hebbian_gain: Float[Array, "..."] = parameter(1.0)
    glial_gain: Float[Array, "..."] = parameter(1.0)
    coincidence_gain: Float[Array, "..."] = parameter(1.0)
    neuron_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    astrocyte_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    neuron_time_constant: Float[Array, "..."] = parameter(10.0)
    synapse_time_constant: Float[Array, "..."] = parameter(10.0)
    astrocyte_time_constant: Float[Array, "..."] = parameter(1000.0)
    neuron_activation: AbstractActivation = Logistic()
    astrocyte_activation: AbstractActivation = HyperbolicTangent()

    def __check_init__(self):
        n, o, m = self._sizes
        require_parameters(
            {
                "neuron_decay": (self.neuron_decay, n),
                "synapse_decay": (self.synapse_decay, o),
                "astrocyte_decay": (self.astrocyte_decay, m),
                "neuron_time_constant": (self.neuron_time_constant, n),
                "synapse_time_constant": (self.synapse_time_constant, o),
                "astrocyte_time_constant": (self.astrocyte_time_constant, m),
            },
            positive=True,
        )
        require_parameters(
            {
                "hebbian_gain": (self.hebbian_gain, o),
                "glial_gain": (self.glial_gain, o),
                "coincidence_gain": (self.coincidence_gain, m),
            },
            positive=False,
        )
        require_input("neuron_input", self.neuron_input, n)
        require_input("astrocyte_input", self.astrocyte_input, m)

    @property
    def _sizes(self) -> tuple[int, int, int]:
        wiring = self.wiring
        return wiring.n_neurons, wiring.n_synapses, wiring.n_astrocytes

    @property
    def state_names(self) -> tuple[str, ...]:
        """Neurons, synapses (numbered as in the wiring), astrocytes."""
        n, o, m = self._sizes
        return (
            *(f"neuron_{i}" for i in range(n)),
            *(f"synapse_{s}" for s in range(o)),
            *(f"astrocyte_{k}" for k in range(m)),
        )

    @property
    def state_unit(self) -> str:
        """None: rates, efficacies and astrocyte activity are relative."""
        return ""

    @property
    def is_slow(self) -> Bool[np.ndarray, " dimension"]:
        """The astrocytes."""
        n, o, m = self._sizes
        return np.arange(n + o + m) >= n + o

    def join(
        self,
        neurons: float | Float[Array | np.ndarray, "..."] = 0.0,
        synapses: float | Float[Array | np.ndarray, "..."] = 0.0,
        astrocytes: float | Float[Array | np.ndarray, "..."] = 0.0,
    ) -> State:
        """The state with the given parts, each one value or one for each element."""
        parts = zip((neurons, synapses, astrocytes), self._sizes, strict=True)
        return jnp.concatenate(
            [jnp.broadcast_to(jnp.asarray(part, float), (size,)) for part, size in parts]
        )

    def parts(self, states: Float[Array, "... dimension"]) -> NeuroGlialState:
        """Neurons, synapses and astrocytes of a state, or of many along leading axes."""
        n, o, _ = self._sizes
        return NeuroGlialState(states[..., :n], states[..., n : n + o], states[..., n + o :])

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of the state, per ms."""
        x, w, z = self.parts(state)
        wiring = self.wiring
        rates, modulation = self.neuron_activation(x), self.astrocyte_activation(z)
        arriving = wiring.of_presynaptic(rates)
        coincidence = arriving * wiring.of_postsynaptic(rates)

        received = wiring.sum_by_neuron(w * arriving) + self.neuron_input(time)
        learned = self.hebbian_gain * coincidence
        modulated = self.glial_gain * wiring.of_astrocyte(modulation)
        sensed = self.coincidence_gain * wiring.sum_by_astrocyte(coincidence)
        shared = wiring.through_gap_junctions(modulation) + self.astrocyte_input(time)
        return jnp.concatenate(
            [
                (received - self.neuron_decay * x) / self.neuron_time_constant,
                (learned + modulated - self.synapse_decay * w) / self.synapse_time_constant,
                (sensed + shared - self.astrocyte_decay * z) / self.astrocyte_time_constant,
            ]
        )

    def invariant_box(
        self,
        *,
        neuron_input_bound: float | Float[Array | np.ndarray, "..."] | None = None,
        astrocyte_input_bound: float | Float[Array | np.ndarray, "..."] | None = None,
        uniform: bool = False,
    ) -> Box:
        """A box that trajectories do not leave and that all come arbitrarily close to.

        Each component obeys tau dy/dt = -decay y + drive, so it ends up between the lowest and
        the highest drive over decay; drives are bounded in the order astrocytes, synapses,
        neurons. Every equilibrium and every attractor lies inside. `uniform=True` gives the
        larger box of Theorem 1 (the set Omega of SI.4, here for any network and with inputs):
        symmetric, with one bound for all neurons, one for all synapses, one for all astrocytes.

        Inputs that are functions of time need the bounds on their absolute values. The bounds
        are computed in floating point without outward rounding. Raises `ValueError` for an
        activation that is not bounded, or an input that is not constant and has no bound.
        """
        phi = activation_range("neuron_activation", self.neuron_activation)
        psi = activation_range("astrocyte_activation", self.astrocyte_activation)
        u = Range(*input_range("neuron_input", self.neuron_input, neuron_input_bound))
        v = Range(*input_range("astrocyte_input", self.astrocyte_input, astrocyte_input_bound))
        ends = self._uniform_ranges if uniform else self._ranges
        x, w, z = ends(phi, psi, u, v)
        return Box(self.join(x.lower, w.lower, z.lower), self.join(x.upper, w.upper, z.upper))

    def _ranges(self, phi: Range, psi: Range, u: Range, v: Range) -> _Ranges:
        wiring = self.wiring
        coincidence = phi.times(phi)
        triangles = wiring.sum_by_astrocyte(jnp.ones(wiring.n_synapses))
        z = (
            coincidence.scaled(triangles * self.coincidence_gain)
            .plus(psi.scaled(wiring.gap_strength).each(wiring.sum_by_gap))
            .plus(v)
            .scaled(1.0 / self.astrocyte_decay)
        )
        w = (
            coincidence.scaled(self.hebbian_gain)
            .plus(psi.scaled(self.glial_gain))
            .scaled(1.0 / self.synapse_decay)
        )
        arriving = w.times(phi).scaled(jnp.ones(wiring.n_synapses))
        x = arriving.each(wiring.sum_by_neuron).plus(u).scaled(1.0 / self.neuron_decay)
        return _Ranges(x, w, z)

    def _uniform_ranges(self, phi: Range, psi: Range, u: Range, v: Range) -> _Ranges:
        wiring = self.wiring
        rate, modulation = phi.magnitude, psi.magnitude
        in_degree = jnp.max(wiring.sum_by_neuron(jnp.ones(wiring.n_synapses)))
        triangles = jnp.max(wiring.sum_by_astrocyte(jnp.ones(wiring.n_synapses)))
        gaps = jnp.max(wiring.sum_by_gap(jnp.abs(wiring.gap_strength)))
        sensed = jnp.max(jnp.abs(self.coincidence_gain)) * triangles * rate**2
        z = (sensed + gaps * modulation + jnp.max(v.magnitude)) / jnp.min(self.astrocyte_decay)
        learned = jnp.max(jnp.abs(self.hebbian_gain)) * rate**2
        modulated = jnp.max(jnp.abs(self.glial_gain)) * modulation
        w = (learned + modulated) / jnp.min(self.synapse_decay)
        x = (in_degree * w * rate + jnp.max(u.magnitude)) / jnp.min(self.neuron_decay)
        return _Ranges(symmetric(x), symmetric(w), symmetric(z))


__all__ = ["NeuroGlialNetwork", "NeuroGlialState"]
