"""The published method: a normalising flow under an augmented Lagrangian."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.stats import ttest_ind

from neuropil.inference.adam import adam_start, adam_step, all_finite
from neuropil.inference.behaviour import constraints_of
from neuropil.inference.distribution import ParameterDistribution
from neuropil.inference.flow import Flow, reference_flow, trainable
from neuropil.inference.flow_architecture import AbstractFlowArchitecture, CouplingFlow
from neuropil.inference.lagrangian_answer import lagrangian_answer, row_spread
from neuropil.inference.methods import AbstractInferenceMethod
from neuropil.inference.target import Problem
from neuropil.types import RandomKey, Scalar


class LagrangianState(NamedTuple):
    """Where a run stands; `multipliers` are minus the natural parameters, by row.

    `flow` and `best_flow` hold the arrays of a flow; the best is that of largest entropy among
    those within the tolerances after an epoch, less the price of what it misses (`best_entropy`
    is -inf while there is none).
    `trace` is that of `ParameterDistribution`.
    """

    step: int
    flow: Any
    multipliers: Float[np.ndarray, " rows"]
    penalty: float
    violations: Float[np.ndarray, " repeats"]
    spread: Float[np.ndarray, " rows"]
    scale: Float[np.ndarray, " rows"]
    best_flow: Any
    best_multipliers: Float[np.ndarray, " rows"]
    best_entropy: float
    finite: int
    simulations: int
    trace: Float[np.ndarray, "steps 4"]


class Epoch(NamedTuple):
    """What one epoch did, for those who watch.

    `not_rejected` is the published test: no mean of a constraint is significantly off. It passes
    the more easily the fewer samples it has, so nothing here depends on it; `within` says that
    every interval lies within its tolerance.
    """

    entropy: float
    residual: Float[np.ndarray, " rows"]
    penalty: float
    not_rejected: bool
    within: bool


_ENTROPY_NOISE = 0.01
"""Nats."""


class AugmentedLagrangian(AbstractInferenceMethod):
    """Gradient descent of a flow on -entropy + multipliers . R + penalty / 2 |R|^2.

    R are the means by which constraints are missed. Each epoch minimises with Adam started
    afresh, then adds penalty * R to the multipliers, and multiplies the penalty by `growth` with
    a probability that rises with the evidence that |R|^2 has not shrunk by the factor `shrink`
    (Welch's test). Source: Bittner et al. 2021, eLife 10:e56265, Methods. Of the epochs within
    the tolerances the one with the largest entropy is kept, counted less |multipliers . R| and
    with the later one preferred where two differ by less than noise. The flow starts as the
    reference, which is the uniform distribution on a bounded support.

    The published settings are `CouplingFlow(layers=3, width=50, depth=2, knots=0)`,
    `scaled=False`, `guarded=False`, `learning_rate=1e-3` and a penalty found by trial for each
    problem.

    - `epochs`, `iterations`: how many, and how many steps of Adam in each.
    - `batch_size`: draws for each step; halves of them make the penalty's gradient unbiased.
    - `penalty`: the first; `None` takes one over the first |R|, so that the pull is of order one.
    - `scaled`: constraints in units of their targets' spread, else as they are.
    - `guarded`: the rate of learning falls to zero within each epoch, and the penalty stays as it
      is while every constraint is within its tolerance. Otherwise a large penalty multiplies the
      noise that is left, and multipliers wander off.
    - `repeats`, `significance`: batches for the tests, and the level of the published one.
    - `samples`, `populations`: of the answer.
    """

    architecture: AbstractFlowArchitecture = CouplingFlow()
    epochs: int = 10
    iterations: int = 1000
    batch_size: int = 500
    learning_rate: float = 5e-3
    penalty: float | None = None
    growth: float = 4.0
    shrink: float = 0.25
    scaled: bool = True
    guarded: bool = True
    repeats: int = 200
    significance: float = 0.05
    samples: int = 32_768
    populations: int = 16

    def __check_init__(self) -> None:
        """Raises `ValueError` for settings outside their range."""
        for name in ("epochs", "iterations", "learning_rate", "shrink", "significance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.batch_size < 2 or self.batch_size % 2:
            raise ValueError(f"batch_size must be even and positive, got {self.batch_size}")
        if self.penalty is not None and not self.penalty > 0:
            raise ValueError(f"penalty must be positive, got {self.penalty}")
        if not self.growth > 1:
            raise ValueError(f"growth must exceed 1, got {self.growth}")
        for name in ("repeats", "populations"):
            if getattr(self, name) < 3:
                raise ValueError(f"{name} must be three or more, got {getattr(self, name)}")
        if self.samples < 64 * self.populations or self.samples % (2 * self.populations):
            raise ValueError(
                f"samples must be a multiple of {2 * self.populations}, twice the populations, and "
                f"at least {64 * self.populations}, got {self.samples}"
            )

    def init(self, problem: Problem, key: RandomKey) -> tuple[Problem, LagrangianState]:
        """The flow as the reference, and how far that misses the constraints.

        Raises `ValueError` for a black box, which has no gradient, and for statistics that are
        not finite on part of the support, or do not vary.
        """
        if problem.behaviour.is_black_box:
            raise ValueError(
                "AugmentedLagrangian needs gradients of the statistics, which a BlackBox has not: "
                "write them in JAX, or take NaturalPath"
            )
        flow_key, key = jax.random.split(key)
        flow = reference_flow(problem.support, self.architecture, flow_key)
        unscaled = constraints_of(problem.behaviour, np.ones(len(problem.behaviour.names)))
        problem = eqx.tree_at(lambda p: p.constraints, problem, unscaled)
        statistics = np.asarray(_statistics(problem, flow.draw(key, 4096)[0]))
        inside = np.all(np.isfinite(statistics), axis=1).mean()
        if inside < 1:
            raise ValueError(
                f"statistics are finite in only {100 * inside:.3g} % of the support, and a flow "
                "cannot keep away from the rest: narrow the support, or take NaturalPath"
            )
        for name, width in zip(problem.behaviour.names, np.ptp(statistics, axis=0), strict=True):
            if not width > 0:
                raise ValueError(
                    f"statistic {name!r} does not vary over the support: it cannot be constrained"
                )
        low, high = np.quantile(statistics, [0.16, 0.84], axis=0)
        width = np.where(high > low, 0.5 * (high - low), statistics.std(axis=0))
        constraints = constraints_of(problem.behaviour, width)
        if not self.scaled:
            constraints = eqx.tree_at(
                lambda c: c.scale, constraints, jnp.ones_like(constraints.scale)
            )
        problem = eqx.tree_at(lambda p: p.constraints, problem, constraints)
        arrays = eqx.filter(flow, eqx.is_array)
        means, _, spread = self._batches(problem, flow, key)
        size = float(np.sqrt(np.sum(means.mean(axis=0) ** 2)))
        rows = means.shape[1]
        return problem, LagrangianState(
            0,
            arrays,
            np.zeros(rows),
            1.0 / max(size, 1.0) if self.penalty is None else float(self.penalty),
            _violations(problem, means),
            spread,
            np.asarray(constraints.scale),
            arrays,
            np.zeros(rows),
            -np.inf,
            1,
            4096 + self._cost(problem, self.repeats),
            np.zeros((0, 4)),
        )

    def step(
        self, problem: Problem, state: LagrangianState, key: RandomKey
    ) -> tuple[LagrangianState, Epoch]:
        """One epoch."""
        train_key, batch_key, coin_key = jax.random.split(key, 3)
        flow = self._flow(problem, state.flow)
        trained, finite = _descended(
            problem,
            flow,
            jnp.asarray(state.multipliers),
            jnp.asarray(state.penalty),
            train_key,
            self.learning_rate,
            self.iterations,
            self.batch_size,
            self.guarded,
        )
        simulations = state.simulations + self._cost(problem, self.iterations)
        if not bool(finite):
            row = np.array([0.0, np.nan, np.nan, simulations])
            state = state._replace(
                step=state.step + 1,
                finite=0,
                simulations=simulations,
                trace=np.concatenate([state.trace, row[None]]),
            )
            nothing = np.full(state.multipliers.size, np.nan)
            return state, Epoch(np.nan, nothing, state.penalty, False, False)
        means, entropies, spread = self._batches(problem, trained, batch_key)
        residual, entropy = means.mean(axis=0), float(entropies.mean())
        sign = np.asarray(problem.constraints.sign)
        multipliers = _allowed(sign, state.multipliers + state.penalty * residual)
        violations = _violations(problem, means)
        comparison = ttest_ind(violations, self.shrink * state.violations, equal_var=False)
        half = 2 * means.std(axis=0, ddof=1) / np.sqrt(self.repeats)
        off = np.where(sign == 0, np.abs(residual), -sign * residual) + half
        scale = np.asarray(problem.constraints.scale)
        within = bool(np.all(off <= problem.behaviour.tolerance * spread / scale))
        coin = float(jax.random.uniform(coin_key, (), float))
        grows = comparison.statistic > 0 and coin < 1 - comparison.pvalue / 2
        grows = grows and not (self.guarded and within)
        arrays = eqx.filter(trained, eqx.is_array)
        fair = entropy - float(np.abs(multipliers) @ np.abs(residual))
        if within and fair > state.best_entropy - _ENTROPY_NOISE:
            state = state._replace(
                best_flow=arrays, best_multipliers=multipliers, best_entropy=fair
            )
        simulations += self._cost(problem, self.repeats)
        row = np.array([0.0, entropy, np.abs(residual).max(), simulations])
        info = Epoch(entropy, residual, state.penalty, self._not_rejected(sign, means), within)
        state = state._replace(
            step=state.step + 1,
            flow=arrays,
            multipliers=multipliers,
            penalty=state.penalty * (self.growth if grows else 1.0),
            violations=violations,
            spread=spread,
            simulations=simulations,
            trace=np.concatenate([state.trace, row[None]]),
        )
        return state, info

    def finished(self, problem: Problem, state: LagrangianState) -> bool:
        """Whether all epochs are spent, or a number was not finite."""
        return state.step >= self.epochs or not state.finite

    def answer(
        self, problem: Problem, state: LagrangianState, key: RandomKey
    ) -> ParameterDistribution:
        """Fresh samples of the best flow within the tolerances, or of the last where none is."""
        found = np.isfinite(state.best_entropy)
        return lagrangian_answer(
            problem,
            self._flow(problem, state.best_flow if found else state.flow),
            -np.asarray(state.best_multipliers if found else state.multipliers),
            key,
            populations=self.populations,
            samples=self.samples,
            simulations=state.simulations,
            trace=state.trace,
            finite=bool(state.finite),
            batch_size=4096,
        )

    def describe(self, problem: Problem, info: Epoch) -> dict[str, str]:
        """Entropy, the worst constraint in units of its scale, the penalty, and both verdicts."""
        return {
            "entropy": f"{info.entropy:.3f}",
            "worst constraint": f"{np.abs(info.residual).max():.3g}",
            "penalty": f"{info.penalty:.3g}",
            "within tolerance": "yes" if info.within else "no",
            "not rejected": "yes" if info.not_rejected else "no",
        }

    def _flow(self, problem: Problem, arrays: Any) -> Flow:
        """A flow from its arrays; all else follows from the architecture."""
        whole = reference_flow(problem.support, self.architecture, jax.random.key(0))
        fixed = eqx.filter(whole, eqx.is_array, inverse=True)
        return eqx.combine(jax.tree.map(jnp.asarray, arrays), fixed)

    def _batches(
        self, problem: Problem, flow: Flow, key: RandomKey
    ) -> tuple[
        Float[np.ndarray, "repeats rows"],
        Float[np.ndarray, " repeats"],
        Float[np.ndarray, " rows"],
    ]:
        """Mean features and entropies of fresh batches, and the spread of the rows."""
        means, entropies, features = _measured(problem, flow, key, self.repeats, self.batch_size)
        return (
            np.asarray(means),
            np.asarray(entropies),
            row_spread(problem, np.asarray(features)),
        )

    def _not_rejected(
        self, sign: Int[np.ndarray, " rows"], means: Float[np.ndarray, "repeats rows"]
    ) -> bool:
        above, below = (means > 0).mean(axis=0), (means < 0).mean(axis=0)
        chance = 2 * np.where(sign == 0, np.minimum(above, below), np.where(sign > 0, above, below))
        return bool(np.all(chance > self.significance / len(sign)))

    def _cost(self, problem: Problem, batches: int) -> int:
        return batches * self.batch_size * max(problem.behaviour.draws, 1)


def _allowed(sign: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
    """Multipliers of bounds push inwards or not at all."""
    return np.where(sign == 0, multipliers, -sign * np.maximum(-sign * multipliers, 0.0))


def _violations(
    problem: Problem, means: Float[np.ndarray, "repeats rows"]
) -> Float[np.ndarray, " repeats"]:
    """|R|^2 of each batch; a bound counts where it is violated."""
    sign = np.asarray(problem.constraints.sign)
    return np.sum(np.where(sign == 0, means, np.maximum(-sign * means, 0.0)) ** 2, axis=1)


def _features(problem: Problem, coordinates: Float[Array, " free"]) -> Float[Array, " rows"]:
    values = problem.behaviour.values(problem.support.parameters(coordinates), problem.draw_keys())
    return jnp.mean(jax.vmap(problem.constraints.features)(values), axis=0)


@eqx.filter_jit
def _statistics(
    problem: Problem, coordinates: Float[Array, "points free"]
) -> Float[Array, "points statistics"]:
    keys = problem.draw_keys()
    return jax.vmap(
        lambda y: jnp.mean(problem.behaviour.values(problem.support.parameters(y), keys), axis=0)
    )(coordinates)


@eqx.filter_jit
def _measured(problem: Problem, flow: Flow, key: RandomKey, repeats: int, batch_size: int) -> tuple:
    def batch(key: RandomKey) -> tuple:
        drawn, density = flow.traced_draw(key, batch_size)
        features = jax.vmap(lambda y: _features(problem, y))(drawn)
        volumes = jax.vmap(problem.support.log_volume)(drawn)
        return jnp.mean(features, axis=0), jnp.mean(volumes - density), features

    means, entropies, features = jax.lax.map(batch, jax.random.split(key, repeats))
    return means, entropies, features.reshape(-1, features.shape[-1])


@eqx.filter_jit
def _descended(
    problem: Problem,
    flow: Flow,
    multipliers: Float[Array, " rows"],
    penalty: Scalar,
    key: RandomKey,
    learning_rate: float,
    iterations: int,
    batch_size: int,
    decays: bool,
) -> tuple[Flow, Array]:
    """The flow after Adam's steps on the augmented Lagrangian, and whether all were finite."""
    start, fixed = eqx.partition(flow, trainable(flow))
    sign = problem.constraints.sign.astype(float)

    def pull(mean: Float[Array, " rows"]) -> Float[Array, " rows"]:
        full = multipliers + penalty * mean
        inward = -sign * jnp.maximum(-sign * full, 0.0)
        return jnp.where(sign == 0, full, inward)

    def objective(weights: Any, key: RandomKey) -> Scalar:
        drawn, density = eqx.combine(weights, fixed).traced_draw(key, batch_size)
        volumes = jax.vmap(problem.support.log_volume)(drawn)
        features, back = jax.vjp(
            jax.vmap(lambda y: _features(problem, y)), jax.lax.stop_gradient(drawn)
        )
        first, second = jnp.split(features, 2)
        # Each half is pulled by what the other half misses: the two are independent, so that the
        # product of mean and gradient has no bias.
        pulls = jnp.stack([pull(jnp.mean(second, axis=0)), pull(jnp.mean(first, axis=0))])
        (slopes,) = back(jnp.repeat(pulls, batch_size // 2, axis=0) / batch_size)
        # The value is not the Lagrangian's, the gradient is.
        return jnp.mean(density - volumes) + jnp.sum(jax.lax.stop_gradient(slopes) * drawn)

    def step(carry: tuple, key: RandomKey) -> tuple[tuple, None]:
        weights, adam, finite = carry
        value, slope = jax.value_and_grad(objective)(weights, key)
        share = 0.5 * (1 + jnp.cos(jnp.pi * adam.steps / iterations)) if decays else 1.0
        weights, adam = adam_step(weights, slope, adam, share * learning_rate)
        return (weights, adam, finite & all_finite((value, slope))), None

    first = (start, adam_start(start), jnp.asarray(True))
    (weights, _, finite), _ = jax.lax.scan(step, first, jax.random.split(key, iterations))
    return eqx.combine(weights, fixed), finite


__all__ = ["AugmentedLagrangian", "Epoch", "LagrangianState"]
