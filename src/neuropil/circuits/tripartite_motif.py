"""The smallest neuron-glia circuit: two neurons, the two synapses between them, one astrocyte."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neuropil.circuits.activation import AbstractActivation, HyperbolicTangent, Logistic
from neuropil.circuits.inputs import InputFunction, as_input, input_range, require_input
from neuropil.circuits.parameters import parameter, require_parameters
from neuropil.circuits.ranges import Range, activation_range, symmetric
from neuropil.system import AbstractSlowFastSystem, Box
from neuropil.types import Scalar, State


class TripartiteMotif(AbstractSlowFastSystem):
    """Two neurons that drive each other, with an astrocyte around both synapses.

        tau_n dx1/dt = -a1 x1 + w2 phi(x2) + u1(t)
        tau_n dx2/dt = -a2 x2 + w1 phi(x1) + u2(t)
        tau_w dw1/dt = -b1 w1 + c1 phi(x1) phi(x2) + d1 psi(z)
        tau_w dw2/dt = -b2 w2 + c2 phi(x1) phi(x2) + d2 psi(z)
        tau_a dz/dt  = -e z + h phi(x1) phi(x2) + v(t)

    (Gong, Pasqualetti, Papouin and Ching, "Astrocytes as a mechanism for meta-plasticity and
    contextually-guided network function", eq. 2 and 14.) w1 is the synapse from neuron 1 onto
    neuron 2, w2 the one back; the state is (x1, x2, w1, w2, z), numbers without a unit.

    a is `neuron_decay`, b `synapse_decay`, c `hebbian_gain`, d `glial_gain` and u `neuron_input`,
    each one value for both or two values; e is `astrocyte_decay`, h `coincidence_gain` and v
    `astrocyte_input`. Inputs are numbers or functions of the time in ms, written for JAX; time
    constants are in ms. phi and psi are `neuron_activation` and `astrocyte_activation`. The
    astrocyte is the slow component; with it held still the motif is the layer system (27).

    Raises `ValueError`, naming the parameter, unless all are finite and of these shapes, and
    time constants and decays are positive.
    """

    neuron_decay: Float[Array, "..."] = parameter(1.0)
    synapse_decay: Float[Array, "..."] = parameter(1.0)
    astrocyte_decay: Float[Array, ""] = parameter(1.0)
    hebbian_gain: Float[Array, "..."] = parameter(1.0)
    glial_gain: Float[Array, "..."] = parameter(1.0)
    coincidence_gain: Float[Array, ""] = parameter(1.0)
    neuron_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    astrocyte_input: InputFunction = eqx.field(converter=as_input, default=0.0)
    neuron_time_constant: Float[Array, ""] = parameter(10.0)
    synapse_time_constant: Float[Array, ""] = parameter(10.0)
    astrocyte_time_constant: Float[Array, ""] = parameter(1000.0)
    neuron_activation: AbstractActivation = Logistic()
    astrocyte_activation: AbstractActivation = HyperbolicTangent()

    def __check_init__(self):
        require_parameters(
            {
                "neuron_decay": (self.neuron_decay, 2),
                "synapse_decay": (self.synapse_decay, 2),
                "astrocyte_decay": (self.astrocyte_decay, 1),
                "neuron_time_constant": (self.neuron_time_constant, 1),
                "synapse_time_constant": (self.synapse_time_constant, 1),
                "astrocyte_time_constant": (self.astrocyte_time_constant, 1),
            },
            positive=True,
        )
        require_parameters(
            {
                "hebbian_gain": (self.hebbian_gain, 2),
                "glial_gain": (self.glial_gain, 2),
                "coincidence_gain": (self.coincidence_gain, 1),
            },
            positive=False,
        )
        require_input("neuron_input", self.neuron_input, 2)
        require_input("astrocyte_input", self.astrocyte_input, 1)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The variables of eq. 2."""
        return ("x1", "x2", "w1", "w2", "z")

    @property
    def state_unit(self) -> str:
        """None: rates, efficacies and astrocyte activity are relative."""
        return ""

    @property
    def is_slow(self) -> Bool[np.ndarray, " dimension"]:
        """The astrocyte."""
        return np.array([False, False, False, False, True])

    def vector_field(self, time: Scalar, state: State) -> State:
        """Time derivative of (x1, x2, w1, w2, z), per ms."""
        x, w, z = state[:2], state[2:4], state[4:]
        rates = self.neuron_activation(x)
        coincidence = rates[0] * rates[1]
        received = (w * rates)[::-1] + self.neuron_input(time)
        learned = self.hebbian_gain * coincidence
        modulated = self.glial_gain * self.astrocyte_activation(z[0])
        sensed = self.coincidence_gain * coincidence + self.astrocyte_input(time)
        return jnp.concatenate(
            [
                (received - self.neuron_decay * x) / self.neuron_time_constant,
                (learned + modulated - self.synapse_decay * w) / self.synapse_time_constant,
                (sensed - self.astrocyte_decay * z) / self.astrocyte_time_constant,
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

        With r the range of phi, s that of psi and U, V those of the inputs, z lies in
        (h r r + V) / e, w in (c r r + d s) / b and x in (w r + U) / a. `uniform=True` gives the
        larger set Omega of Theorem 1 (SI.4), symmetric and with one bound for both neurons and
        one for both synapses, widened by the inputs where there are any.

        Inputs that are functions of time need the bounds on their absolute values. The bounds
        are computed in floating point without outward rounding. Raises `ValueError` for an
        activation that is not bounded, or an input that is not constant and has no bound.
        """
        phi = activation_range("neuron_activation", self.neuron_activation)
        psi = activation_range("astrocyte_activation", self.astrocyte_activation)
        u = Range(*input_range("neuron_input", self.neuron_input, neuron_input_bound))
        v = Range(*input_range("astrocyte_input", self.astrocyte_input, astrocyte_input_bound))
        if uniform:
            rate, modulation = phi.magnitude, psi.magnitude
            gain, glial = jnp.max(jnp.abs(self.hebbian_gain)), jnp.max(jnp.abs(self.glial_gain))
            w_max = (gain * rate**2 + glial * modulation) / jnp.min(self.synapse_decay)
            x_max = (w_max * rate + jnp.max(u.magnitude)) / jnp.min(self.neuron_decay)
            z_max = jnp.abs(self.coincidence_gain) * rate**2 + jnp.max(v.magnitude)
            x, w, z = map(symmetric, (x_max, w_max, z_max / self.astrocyte_decay))
        else:
            coincidence = phi.times(phi)
            z = coincidence.scaled(self.coincidence_gain).plus(v).scaled(1 / self.astrocyte_decay)
            learned, modulated = coincidence.scaled(self.hebbian_gain), psi.scaled(self.glial_gain)
            w = learned.plus(modulated).scaled(1.0 / self.synapse_decay)
            arriving = w.times(phi).each(lambda end: jnp.broadcast_to(end, (2,))[::-1])
            x = arriving.plus(u).scaled(1.0 / self.neuron_decay)
        return Box(
            _state(x.lower, w.lower, z.lower),
            _state(x.upper, w.upper, z.upper),
        )


def tripartite_motif_figure_2() -> TripartiteMotif:
    """The motif of Fig. 2B to 2G and 8B: three equilibria, two of them stable.

    The time constants of the paper, 0.01, 0.01 and 1 without a unit, are read in seconds.
    """
    return _motif(a=(0.7, 0.6), b=(1.6, 1.7), c=(12.0, -10.0), d=(-4.0, 5.0), e=0.6, h=6.0)


def tripartite_motif_figure_8a() -> TripartiteMotif:
    """The motif of Fig. 8A: one equilibrium, stable. Time constants as in Fig. 2."""
    return _motif(a=(2.0, 1.0), b=(1.2, 1.7), c=(2.0, -3.0), d=(-4.0, 5.0), e=2.0, h=6.6)


def tripartite_motif_figure_9(
    *, astrocyte_decay: float = 1.0, coincidence_gain: float = 1.0
) -> TripartiteMotif:
    """The motif of Fig. 9, whose layer system has a fold at psi(z) = 0.7818.

    The figure shows the layer system alone, in which the two parameters of the astrocyte do not
    occur; the paper gives no values for them.
    """
    return _motif(
        a=(0.3, 0.4),
        b=(1.0, 0.5),
        c=(6.0, -5.0),
        d=(-2.0, 3.0),
        e=astrocyte_decay,
        h=coincidence_gain,
    )


Pair = tuple[float, float]


def _motif(*, a: Pair, b: Pair, c: Pair, d: Pair, e: float, h: float) -> TripartiteMotif:
    return TripartiteMotif(
        neuron_decay=jnp.asarray(a),
        synapse_decay=jnp.asarray(b),
        hebbian_gain=jnp.asarray(c),
        glial_gain=jnp.asarray(d),
        astrocyte_decay=jnp.asarray(e, float),
        coincidence_gain=jnp.asarray(h, float),
    )


def _state(
    x: Float[Array, "..."], w: Float[Array, "..."], z: Float[Array, "..."]
) -> Float[Array, "5"]:
    return jnp.concatenate(
        [jnp.broadcast_to(part, (size,)) for part, size in ((x, 2), (w, 2), (z, 1))]
    )


__all__ = [
    "TripartiteMotif",
    "tripartite_motif_figure_2",
    "tripartite_motif_figure_8a",
    "tripartite_motif_figure_9",
]
