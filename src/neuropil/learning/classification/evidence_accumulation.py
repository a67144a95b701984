"""Evidence that arrives over time: which of two causes is it, when all of it has been seen?"""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.types import RandomKey


class Trials(NamedTuple):
    """Evidence of trials, one a row, and the true cause of each, 0 or 1."""

    evidence: Float[Array, "trials steps"]
    causes: Int[Array, " trials"]


class EvidenceAccumulation(eqx.Module):
    """Two causes, equally likely, that send evidence of opposite mean through equal noise.

    In every one of `steps` time steps the evidence is +`strength` (cause 1) or -`strength`
    (cause 0) plus standard normal noise. The best answer is the sign of the sum: evidence has to
    be kept for the whole trial, all of it with the same weight (Gold and Shadlen, "The neural
    basis of decision making", Annu. Rev. Neurosci. 2007).

    Raises `ValueError` for a strength that is not positive and for less than one step.
    """

    strength: float = eqx.field(static=True, default=0.25)
    steps: int = eqx.field(static=True, default=50)

    def __check_init__(self):
        if not (math.isfinite(self.strength) and self.strength > 0):
            raise ValueError(f"strength must be finite and positive, got {self.strength}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def trials(self, key: RandomKey, number: int) -> Trials:
        """Independent trials."""
        cause_key, noise_key = jax.random.split(key)
        causes = jax.random.bernoulli(cause_key, 0.5, (number,))
        mean = jnp.where(causes, self.strength, -self.strength)
        noise = jax.random.normal(noise_key, (number, self.steps))
        return Trials(mean[:, None] + noise, causes.astype(int))

    @property
    def best_accuracy(self) -> float:
        """Share of right answers of the ideal observer, who adds up all evidence."""
        return self.accuracy_of(np.ones(self.steps))

    def accuracy_of(self, weights: Float[np.ndarray, " steps"]) -> float:
        """Share of right answers from the sign of a weighted sum of the evidence.

        An exponentially forgetting observer has weights q^(steps - 1), ..., q, 1.
        """
        signal = self.strength * float(np.sum(weights)) / float(np.linalg.norm(weights))
        return 0.5 * (1.0 + math.erf(signal / math.sqrt(2.0)))


class IntegratingCells(eqx.Module):
    """Cells with a time constant that listen to evidence and to each other.

    In each step of length dt all cells change by

        h <- h + (dt / tau) (-h + tanh(W h + u e_t + b + noise)),

    with W among the nearest `neighbours` on a ring (astrocytes), or among all cells, themselves
    included (neurons); `near` says which of the weights are there. After the last step two linear
    outputs are read. Noise is independent in every cell and step, with standard deviation
    `noise`; neither it nor the rate dt / tau is learned. Called as `cells(evidence, key=key)`
    with evidence of one trial, of any length.
    """

    weights: Float[Array, "cells cells"]
    near: Bool[Array, "cells cells"]
    input_weights: Float[Array, " cells"]
    bias: Float[Array, " cells"]
    readout: Float[Array, "2 cells"]
    readout_bias: Float[Array, " 2"]
    rate: Float[Array, ""]
    noise: Float[Array, ""]

    def __init__(
        self,
        cells: int,
        *,
        time_constant: float,
        step: float,
        neighbours: int | None = None,
        noise: float = 0.1,
        key: RandomKey,
    ):
        """Weights uniform in +-1/sqrt(partners), no bias; `time_constant` and `step` in ms.

        `neighbours`, an odd number, counts the cell itself; on a ring of fewer cells it is all of
        them. Without it, everybody listens to everybody. Raises `ValueError`, naming the
        argument, for less than one cell, a step that is not in (0, time constant], an even
        number of neighbours and negative noise.
        """
        if cells < 1:
            raise ValueError(f"cells must be at least 1, got {cells}")
        if not 0 < step <= time_constant:
            raise ValueError(f"step must lie in (0, {time_constant}] ms, got {step}")
        if neighbours is not None and (neighbours < 1 or neighbours % 2 == 0):
            raise ValueError(f"neighbours must be an odd number of at least 1, got {neighbours}")
        if not noise >= 0:
            raise ValueError(f"noise must not be negative, got {noise}")
        partners = cells if neighbours is None else min(cells, neighbours)
        keys = jax.random.split(key, 3)
        bound = 1.0 / math.sqrt(partners)
        self.weights = jax.random.uniform(keys[0], (cells, cells), minval=-bound, maxval=bound)
        # Partners are the cells from partners // 2 before to as many after, on the ring.
        ahead = (np.arange(cells)[None] - np.arange(cells)[:, None] + partners // 2) % cells
        self.near = jnp.asarray(ahead < partners)
        self.input_weights = jax.random.uniform(keys[1], (cells,), minval=-1.0, maxval=1.0)
        self.bias = jnp.zeros(cells)
        outward = 1.0 / math.sqrt(cells)
        self.readout = jax.random.uniform(keys[2], (2, cells), minval=-outward, maxval=outward)
        self.readout_bias = jnp.zeros(2)
        self.rate = jnp.asarray(step / time_constant)
        self.noise = jnp.asarray(noise, float)

    def __call__(
        self, evidence: Float[Array, " steps"], *, key: RandomKey, training: bool = False
    ) -> Float[Array, " 2"]:
        """Log odds of the two causes after the last step; `training` makes no difference."""
        del training
        cells = self.weights.shape[0]
        weights = jnp.where(self.near, self.weights, jnp.zeros((), self.weights.dtype))
        noise = jax.random.normal(key, (evidence.shape[0], cells), evidence.dtype)
        rate, amount = jax.lax.stop_gradient((self.rate, self.noise))

        def step(state, arriving):
            value, disturbance = arriving
            drive = weights @ state + self.input_weights * value + self.bias + amount * disturbance
            return state + rate * (jnp.tanh(drive) - state), None

        start = jnp.zeros(cells, evidence.dtype)
        state, _ = jax.lax.scan(step, start, (evidence, noise))
        return self.readout @ state + self.readout_bias


__all__ = ["EvidenceAccumulation", "IntegratingCells", "Trials"]
