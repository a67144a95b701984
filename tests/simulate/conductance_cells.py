"""Conductance-based circuits whose behaviour is known by other means."""

from math import exp, expm1, log

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.conductance_system import (
    AbstractConductanceSystem,
    Calcium,
    Channels,
    Gates,
    GradedSynapses,
)


class Passive(AbstractConductanceSystem):
    """One cell with nothing but a leak: a filter of first order."""

    maximal_conductances: Float[Array, "1 1"]
    synaptic_conductances: Float[Array, " 0"] = eqx.field(
        converter=jnp.asarray, default_factory=lambda: jnp.zeros(0)
    )
    injected_currents: Float[Array, " 1"] = eqx.field(
        converter=jnp.asarray, default_factory=lambda: jnp.zeros(1)
    )

    @property
    def cell_names(self):
        return ("cell",)

    @property
    def channels(self):
        no = np.array([False])
        return Channels(("leak",), np.array([-60.0]), np.array([0]), no, no, no)

    @property
    def calcium(self):
        return Calcium(0.05, 3000.0, 3.0, 200.0, 0.0, 12.0)

    @property
    def synapses(self):
        none, nothing = np.zeros(0, int), np.zeros(0)
        return GradedSynapses((), none, none, nothing, nothing, nothing, nothing)

    @property
    def capacitance(self):
        return 2.0

    @property
    def area(self):
        return 0.5

    def activation(self, voltages):
        ones = jnp.ones((*voltages.shape, 1))
        return Gates(ones, ones)

    def inactivation(self, voltages):
        return self.activation(voltages)


def _gate(v, a, b):
    return 1 / (1 + exp((v + a) / b))


def _two(v, a, b, c, d):
    return 1 / (exp((v + a) / b) + exp((v + c) / d))


ACTIVATIONS = [
    (3, lambda v: _gate(v, 25.5, -5.29), lambda v: 2.64 - 2.52 * _gate(v, 120, -25)),
    (3, lambda v: _gate(v, 27.1, -7.2), lambda v: 43.4 - 42.6 * _gate(v, 68.1, -20.5)),
    (3, lambda v: _gate(v, 33, -8.1), lambda v: 2.8 + 14 * _two(v, 27, 10, 70, -13)),
    (3, lambda v: _gate(v, 27.2, -8.7), lambda v: 23.2 - 20.8 * _gate(v, 32.9, -15.2)),
    (4, lambda v: _gate(v, 28.3, -12.6), lambda v: 180.6 - 150.2 * _gate(v, 46, -22.7)),
    (4, lambda v: _gate(v, 12.3, -11.8), lambda v: 14.4 - 12.8 * _gate(v, 28.3, -19.2)),
    (1, lambda v: _gate(v, 75, 5.5),
     lambda v: 2 / (exp(-14.59 - 0.086 * v) + exp(-1.87 + 0.0701 * v))),
]  # fmt: skip
INACTIVATIONS = [
    (lambda v: _gate(v, 48.9, 5.18),
     lambda v: 1.34 * _gate(v, 62.9, -10) * (1.5 + _gate(v, 34.9, 3.6))),
    (lambda v: _gate(v, 32.1, 5.5), lambda v: 210 - 179.6 * _gate(v, 55, -16.9)),
    (lambda v: _gate(v, 60, 6.2), lambda v: 120 + 300 * _two(v, 55, 9, 65, -16)),
    (lambda v: _gate(v, 56.9, 4.9), lambda v: 77.2 - 58.4 * _gate(v, 38.9, -26.5)),
]  # fmt: skip
# presynaptic, postsynaptic, reversal, closing time
SYNAPSES = [(0, 1, -70, 40), (0, 1, -80, 100), (0, 2, -70, 40), (0, 2, -80, 100),
            (1, 0, -70, 40), (1, 2, -70, 40), (2, 1, -70, 40)]  # fmt: skip


def scalar_pyloric(conductances, strengths, currents, step, n_steps):
    """Voltages of the pyloric circuit, in plain Python, one number at a time.

    Written from the published equations; conductances (3, 8) in mS, currents in
    µA, voltages (n_steps + 1, 3).
    """
    volts, calcium = [-50.0] * 3, [0.05] * 3
    m = [[0.0] * 7 for _ in range(3)]
    h = [[0.0] * 4 for _ in range(3)]
    s = [0.0] * 7
    recorded = [list(volts)]
    for _ in range(n_steps):
        old, old_calcium = list(volts), list(calcium)
        for j in range(3):
            g = [
                conductances[j][k] * m[j][k] ** ACTIVATIONS[k][0] * (h[j][k] if k < 4 else 1.0)
                for k in range(7)
            ] + [conductances[j][7]]
            nernst = 8.31451e3 * 283 / (2 * 96485.3415) * log(3000 / old_calcium[j])
            target = 0.05 - 14961 * (g[1] + g[2]) * (old[j] - nernst)
            calcium[j] = target + (old_calcium[j] - target) * exp(-step / 200)
            reversal = [50, nernst, nernst, -80, -80, -80, -20, -50]
            total = sum(g)
            drive = sum(a * b for a, b in zip(g, reversal, strict=True)) + currents[j]
            for k, (_, post, synaptic_reversal, _) in enumerate(SYNAPSES):
                if post == j:
                    total += strengths[k] * s[k]
                    drive += strengths[k] * s[k] * synaptic_reversal
            if total == 0:
                volts[j] = old[j] + step * drive / 0.6283e-3
            else:
                rest = drive / total
                volts[j] = old[j] - (rest - old[j]) * expm1(-step * total / 0.6283e-3)
            for k, (_, steady, tau) in enumerate(ACTIVATIONS):
                x = steady(old[j])
                if k == 4:
                    x *= old_calcium[j] / (old_calcium[j] + 3)
                m[j][k] = x + (m[j][k] - x) * exp(-step / tau(old[j]))
            for k, (steady, tau) in enumerate(INACTIVATIONS):
                x = steady(old[j])
                h[j][k] = x + (h[j][k] - x) * exp(-step / tau(old[j]))
        for k, (pre, _, _, closing) in enumerate(SYNAPSES):
            steady = 1 / (1 + exp((-35 - old[pre]) / 5))
            tau = closing * (1 - steady)
            s[k] = steady if step > tau else s[k] + (steady - s[k]) * step / tau
        recorded.append(list(volts))
    return np.array(recorded)
