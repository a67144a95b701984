"""The two readings of how networks of neurons and glia were trained on bandits."""

from typing import Any

import equinox as eqx
import numpy as np

from neuropil.learning.bandits.baselines import RunningMean
from neuropil.learning.bandits.online_gradients import TruncatedBackpropagation
from neuropil.learning.bandits.policy_gradient import OnlinePolicyGradient
from neuropil.learning.cells.hyperedge_layouts import AbstractHyperedgeLayout, FullMatrices
from neuropil.learning.cells.initial_values import Normal, Uniform
from neuropil.learning.cells.neuroglia_cell import neuroglia_cell


def random_gains(
    layout: AbstractHyperedgeLayout,
    *,
    hebbian: float,
    glial: float,
    gap: float,
    coincidence: float,
) -> dict[str, Normal]:
    """Gaussian C, D, F and H that drive a layout as full matrices with these deviations would.

    Over full matrices a synapse hears all m astrocytes and an astrocyte all n^2 pairs of neurons,
    each through a gain of its own. Where a synapse belongs to one astrocyte, which has one gain
    for its p triangles, D is larger by sqrt(m), H is n/p times as large, and C and D are larger
    by n over the root of the number of synapses: what arrives at a neuron and at an astrocyte
    then has the same variance as long as the rates are alike.
    """
    deviations = {
        "hebbian_gain": hebbian,
        "glial_gain": glial,
        "gap_strength": gap,
        "coincidence_gain": coincidence,
    }
    wiring = getattr(layout, "wiring", None)
    if wiring is not None:
        n, m = layout.n_neurons, layout.n_astrocytes
        fewer = n / wiring.n_synapses**0.5
        triangles = max(int(np.sum(np.asarray(wiring.is_sensed))) / m, 1.0)
        factors = {
            "hebbian_gain": fewer,
            "glial_gain": fewer * m**0.5,
            "coincidence_gain": n / triangles,
        }
        deviations |= {name: deviations[name] * factor for name, factor in factors.items()}
    return {name: Normal(deviation) for name, deviation in deviations.items()}


def document(
    layout: AbstractHyperedgeLayout | None = None, *, window: int = 3, **options: Any
) -> OnlinePolicyGradient:
    """The agent of Gong et al. as their article describes it (eq. 12, 13 and Methods).

    What the article says: 128 neurons, 64 astrocytes; gamma = 0.1, tau = 0.01; all right-hand
    sides one step before; C, D, F, H Gaussian with variance 1/N, input weights, read-out and bias
    uniform between -1/sqrt(N) and 1/sqrt(N); a plain softmax; the mean of the rewards up to the
    present one, with it; Adam with a rate of 0.001 on all parameters, after every trial.

    What it leaves open is settled as follows. N, "the dimension of the matrix", is the larger of
    its two. C is a gain for each synapse, as in eq. 1: a full matrix of 16384 x 16384 is
    `FullMatrices(128, 64, elementwise=False)`. D and H are full. The start is zero.
    Back-propagation looks back three trials, the fewest through which all parameters receive a
    gradient. Tasks give the context as one number, which neurons and astrocytes both receive;
    its size is that of the task's signal.

    `layout` puts another network in place, with gains as in `random_gains`; `options` are those
    of `neuroglia_cell`.
    """
    full = _full(layout)
    n, m = full.n_neurons, full.n_astrocytes
    gains = random_gains(full, hebbian=1 / n, glial=1 / n, gap=m**-0.5, coincidence=1 / n)
    return OnlinePolicyGradient(
        eqx.Partial(neuroglia_cell, full, **(gains | options)),
        learning_rate=1e-3,
        temperature=1.0,
        baseline=RunningMean(includes_present=True),
        gradient=TruncatedBackpropagation(window),
    )


def published_code(
    layout: AbstractHyperedgeLayout | None = None, *, window: int = 1, **options: Any
) -> OnlinePolicyGradient:
    """The agent of Gong et al. as their public code for the stationary bandit runs it.

    It differs from the article in these choices: gamma = 0.2, tau = 0.02; neurons go first, and
    synapses and astrocytes follow their new activity; C is a gain for each synapse; C and D have
    a deviation of 1/128, F and H of 1/8; input weights are standard normal; logits are halved
    before the softmax; the mean is that of the rewards before the present one, zero at first; the
    state is detached at every trial, so that only the input weights of the neurons and the
    read-out receive a gradient, although all parameters are handed to Adam.

    The read-out starts as PyTorch's linear layers do, uniform between -1/sqrt(neurons) and
    1/sqrt(neurons). The signal is 1 where nothing changes; for changing contexts a comment in
    the code has -1, 0 and 1.

    The deviations are for full matrices; over another `layout` gains are as in `random_gains`.
    `options` are those of `neuroglia_cell`.
    """
    full = _full(layout)
    n, m = full.n_neurons, full.n_astrocytes
    readout = Uniform(n**-0.5)
    chosen: dict[str, Any] = {
        **random_gains(full, hebbian=1 / n, glial=1 / n, gap=m**-0.5, coincidence=m**-0.5),
        "neuron_rate": 0.2,
        "time_scale_ratio": 0.02,
        "neuron_input_weights": Normal(1.0),
        "astrocyte_input_weights": Normal(1.0),
        "readout_weights": readout,
        "readout_bias": readout,
        "neurons_first": True,
    }
    return OnlinePolicyGradient(
        eqx.Partial(neuroglia_cell, full, **(chosen | options)),
        learning_rate=1e-3,
        temperature=2.0,
        baseline=RunningMean(),
        gradient=TruncatedBackpropagation(window),
    )


def _full(layout: AbstractHyperedgeLayout | None) -> AbstractHyperedgeLayout:
    return FullMatrices(128, 64) if layout is None else layout


__all__ = ["document", "published_code", "random_gains"]
