"""Systems with stationary states that are known, and the circuits of the seed paper's figures."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from mpmath import mp, mpf
from numpy.polynomial import chebyshev

from neuropil.circuits import Activation, TripartiteMotif, tripartite_motif_figure_9
from neuropil.system import AbstractSystem, Box, LayerSystem, layer

FIGURE_9 = {
    "neuron_decay": (0.3, 0.4),
    "synapse_decay": (1.0, 0.5),
    "hebbian_gain": (6.0, -5.0),
    "glial_gain": (-2.0, 3.0),
}
# psi(z) at the folds of the layer system, x1 and x2; solved with 50 digits.
FOLD_FIGURE_9 = (0.781805127560162503890721346, 1.527308192587218581375, -1.945162916807643213018)
FOLD_FIGURE_9_OUTSIDE = (2.272722818736449173121, 13.47281512273858, 2.558946001482060)
FOLD_FIGURE_2 = (0.8925412881398885115337, 0.6013579169826086, -1.082550929918600)
FOLD_FIGURE_2_OUTSIDE = (1.021152939696538880, 0.6603479178037269, 0.2512973334767775)

EQUILIBRIA_FIGURE_2 = [
    (
        0.566698396001891,
        0.445919388106698,
        0.419359269628207,
        0.650663131463277,
        3.889691725487970,
    ),
    (
        0.576018421736738,
        -1.229100353377734,
        -1.152010262048436,
        1.781456271824560,
        1.448910276009761,
    ),
    (
        0.704989358207086,
        -0.0477662804280542,
        -0.0428209561883550,
        1.011129457592485,
        3.266556331061027,
    ),
]
EQUILIBRIUM_FIGURE_8A = (
    0.189696618607056,
    -0.780089405166368,
    -1.425387205713045,
    1.207103060140740,
    0.567637001780039,
)


class Given(AbstractSystem):
    """Any function of the state, with one parameter beside it."""

    function: Callable[..., Any] = eqx.field(static=True)
    n: int = eqx.field(static=True, default=1)
    parameter: Any = eqx.field(converter=lambda value: jnp.asarray(value, float), default=0.0)

    @property
    def state_names(self):
        return tuple(f"x{i}" for i in range(self.n))

    @property
    def state_unit(self):
        return "mV"

    def vector_field(self, time, state):
        return self.function(state, self.parameter)


def box(n, lower, upper):
    return Box(np.broadcast_to(np.float64(lower), (n,)), np.broadcast_to(np.float64(upper), (n,)))


def chebyshev_polynomial(x, degree):
    """T_degree, with all its zeros known: cos((2 k - 1) pi / (2 degree))."""
    coefficients = chebyshev.cheb2poly([0.0] * degree + [1.0])
    return sum(c * x**k if k else c * jnp.ones_like(x) for k, c in enumerate(coefficients) if c)


def figure_9_layer(modulation, *, neuron_time_constant=10.0, **changes) -> LayerSystem:
    """The layer system of Fig. 9 with the output of the astrocyte, psi(z), as its slow state."""
    return layer(modulated_motif(neuron_time_constant=neuron_time_constant, **changes), modulation)


def modulated_motif(**changes) -> TripartiteMotif:
    """The motif of Fig. 9 whose astrocyte puts out its state."""
    parameters = {name: jnp.asarray(value) for name, value in {**FIGURE_9, **changes}.items()}
    return TripartiteMotif(**parameters, astrocyte_activation=Activation(lambda z: z, -1.0, 1.0))


def layer_box(motif=None) -> Box:
    """Where the fast components of a motif end up."""
    whole = (tripartite_motif_figure_9() if motif is None else motif).invariant_box()
    return Box(whole.lower[:4], whole.upper[:4])


def polished_zero(function, start, *, digits=50):
    """A zero by Newton's method in many digits; `function` takes and gives lists of mpf."""
    with mp.workdps(digits):
        return list(mp.findroot(lambda *x: function(list(x)), [mpf(float(s)) for s in start]))


def motif_equations(motif):
    """The stationary equations of a motif in mpmath, for its parameters as doubles."""
    a, b, c, d = (
        [mpf(float(value)) for value in np.broadcast_to(np.asarray(leaf), 2)]
        for leaf in (
            motif.neuron_decay,
            motif.synapse_decay,
            motif.hebbian_gain,
            motif.glial_gain,
        )
    )
    e, h = mpf(float(motif.astrocyte_decay)), mpf(float(motif.coincidence_gain))

    def logistic(x):
        return 1 / (1 + mp.exp(-x))

    def equations(state):
        x1, x2, w1, w2, z = state
        one, two = logistic(x1), logistic(x2)
        return [
            w2 * two - a[0] * x1,
            w1 * one - a[1] * x2,
            c[0] * one * two + d[0] * mp.tanh(z) - b[0] * w1,
            c[1] * one * two + d[1] * mp.tanh(z) - b[1] * w2,
            h * one * two - e * z,
        ]

    return equations


def row(systems, index):
    """One of many systems that are stacked along the first axis of their arrays."""
    return jax.tree.map(lambda leaf: leaf[index] if eqx.is_array(leaf) else leaf, systems)


def stacked(systems):
    """Systems of one structure as one, along a new first axis."""
    return jax.tree.map(
        lambda *leaves: jnp.stack(leaves) if eqx.is_array(leaves[0]) else leaves[0], *systems
    )
