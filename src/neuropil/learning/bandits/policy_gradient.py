"""Online policy gradients: a recurrent network that learns from every reward as it comes."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.learning.adam import Moments, adam_step, no_moments
from neuropil.learning.bandits.agent import AbstractAgent
from neuropil.learning.bandits.baselines import AbstractBaseline, RunningMean
from neuropil.learning.bandits.online_gradients import (
    AbstractOnlineGradient,
    TruncatedBackpropagation,
    gradient_support,
)
from neuropil.learning.cells.cell import (
    AbstractCell,
    CellMaker,
    CellState,
    parameters_of,
    with_parameters,
)
from neuropil.types import RandomKey

Rate = float | Float[Array, ""]


class LearnerState(NamedTuple):
    """The cell with what it has learned, Adam's moments, the window and the baseline."""

    cell: AbstractCell
    moments: Moments
    memory: Any
    baseline: Float[Array, " memory"]


class ActedState(NamedTuple):
    """A learner between choice and reward.

    `eligibility` is the gradient of the log-probability of the arm that was chosen, by parameter
    group; `activity` the state of the cell that made the choice.
    """

    learner: LearnerState
    eligibility: dict[str, Any]
    activity: CellState


class OnlinePolicyGradient(AbstractAgent):
    """REINFORCE with one update of Adam a trial (Gong et al., Methods, eq. 13 and the loss L).

    The policy is softmax(logits / `temperature`). After the reward r of arm i the parameters
    descend the gradient of (baseline - r) log p_i, as Williams' REINFORCE does.

    - `cell`: a cell, which every run starts from, or a maker of cells, which each run draws its
      own parameters from: `equinox.Partial(gru_cell, units=64)`.
    - `trained`: names of the parameter groups that learn, all of them unless given. Groups that
      cannot receive a gradient through `gradient` are not handed to Adam: `learning_groups` says
      which are.
    - `gradient`: `TruncatedBackpropagation(window)` or `ForwardMode()`.
    - `learning_rate`, and `learning_rates` for groups that have another; `gradient_gains` multiply
      the gradients of groups before Adam, which sees them only where gradients are near its
      epsilon of 1e-8.

    Learning rates, gains, temperature and the baseline's numbers may be arrays with one more
    axis, for many agents at once. Raises `ValueError`, naming the argument, for rates and
    temperatures that are not positive.
    """

    cell: AbstractCell | CellMaker
    learning_rate: Rate = 1e-3
    temperature: Rate = 1.0
    baseline: AbstractBaseline = RunningMean()
    gradient: AbstractOnlineGradient = TruncatedBackpropagation()
    trained: tuple[str, ...] | None = eqx.field(static=True, default=None)
    learning_rates: dict[str, Rate] = eqx.field(default_factory=dict)
    gradient_gains: dict[str, Rate] = eqx.field(default_factory=dict)

    def __check_init__(self):
        numbers = {"learning_rate": self.learning_rate, "temperature": self.temperature}
        for field in ("learning_rates", "gradient_gains"):
            numbers |= {f"{field}[{n!r}]": rate for n, rate in getattr(self, field).items()}
        for name, number in numbers.items():
            if isinstance(number, jax.core.Tracer):
                continue
            if not np.all(np.isfinite(number)) or not np.all(np.asarray(number) > 0):
                raise ValueError(f"{name} must be positive and finite, got {number}")

    @property
    def window(self) -> int:
        """Trials that the gradient looks back on."""
        return self.gradient.window

    def cell_shapes(self, *, arms: int, channels: int) -> AbstractCell:
        """The cell that a task calls for, with shapes in place of arrays.

        Raises `ValueError` when a cell was given that has other arms or channels.
        """
        return eqx.filter_eval_shape(lambda key: self._made(arms, channels, key), jax.random.key(0))

    def gradient_support(self, *, arms: int, channels: int) -> dict[str, bool]:
        """For each parameter group of the cell whether a gradient can reach it."""
        cell = self.cell_shapes(arms=arms, channels=channels)
        return gradient_support(cell, self.gradient.steps_that_matter(cell))

    def learning_groups(self, *, arms: int, channels: int) -> tuple[str, ...]:
        """The groups that learn: trained, and reached by a gradient.

        Raises `ValueError` for names that are not groups of the cell.
        """
        support = self.gradient_support(arms=arms, channels=channels)
        for field, names in (
            ("trained", self.trained or ()),
            ("learning_rates", tuple(self.learning_rates)),
            ("gradient_gains", tuple(self.gradient_gains)),
        ):
            for name in names:
                if name not in support:
                    raise ValueError(
                        f"{field} names {name!r}; the groups of the cell are {tuple(support)}"
                    )
        wanted = tuple(support) if self.trained is None else self.trained
        return tuple(name for name in support if support[name] and name in wanted)

    def start(self, *, arms: int, channels: int, key: RandomKey) -> LearnerState:
        """A cell before the first trial."""
        names = self.learning_groups(arms=arms, channels=channels)
        cell = self._made(arms, channels, key)
        moments = no_moments(parameters_of(cell, names))
        return LearnerState(cell, moments, self.gradient.start(cell, names), self.baseline.start())

    def act(
        self,
        state: LearnerState,
        context: Float[Array, " channels"],
        label: Int[Array, ""],
        key: RandomKey,
    ) -> tuple[Int[Array, ""], Float[Array, " arms"], ActedState]:
        """One step of the cell, an arm from its policy, and the gradient of its log-probability."""
        del label
        cell, names = state.cell, tuple(state.moments.mean)
        dtype = cell.readout_bias.dtype
        advance = self.gradient.advance(cell, names, state.memory, context.astype(dtype))
        temperature = jnp.asarray(self.temperature, dtype)
        logits = advance.logits / temperature
        policy = jax.nn.softmax(logits)
        arm = jax.random.categorical(key, logits)
        chosen = jax.nn.one_hot(arm, policy.size, dtype=dtype)
        eligibility = advance.pullback((chosen - policy) / temperature)
        learner = state._replace(memory=advance.memory)
        acted = ActedState(learner, eligibility, advance.state)
        return arm, policy.astype(float), acted

    def learn(
        self, state: ActedState, arm: Int[Array, ""], reward: Float[Array, ""]
    ) -> LearnerState:
        """One update of Adam."""
        del arm
        learner = state.learner
        factors, baseline = self._factors(state, reward)
        gradient = {
            name: jax.tree.map(lambda values, by=factors[name]: by * values, values)
            for name, values in state.eligibility.items()
        }
        updates, moments = adam_step(gradient, learner.moments)
        parameters = parameters_of(learner.cell, tuple(gradient))
        moved = {
            name: self._moved(name, values, updates[name]) for name, values in parameters.items()
        }
        return LearnerState(with_parameters(learner.cell, moved), moments, learner.memory, baseline)

    def activity(self, acted: ActedState) -> dict[str, Float[Array, "..."]]:
        """The parts of the cell's state that made the choice."""
        return acted.learner.cell.activity(acted.activity)

    def gradient_norms(
        self, acted: ActedState, reward: Float[Array, ""]
    ) -> dict[str, Float[Array, ""]]:
        """Euclidean norm of the gradient that Adam is handed, by parameter group."""
        factors, _ = self._factors(acted, reward)
        return {
            name: jnp.abs(factors[name]) * _norm(values)
            for name, values in acted.eligibility.items()
        }

    def parameter_groups(self, state: LearnerState) -> dict[str, Any]:
        """The groups of the cell, and its activity."""
        cell = state.cell
        return parameters_of(cell, cell.groups) | {"activity": state.memory}

    def _made(self, arms: int, channels: int, key: RandomKey) -> AbstractCell:
        if not isinstance(self.cell, AbstractCell):
            return self.cell(arms=arms, channels=channels, key=key)
        for name, found, wanted in (
            ("arms", self.cell.arms, arms),
            ("channels of context", self.cell.channels, channels),
        ):
            if found != wanted:
                raise ValueError(f"cell has {found} {name}, the task {wanted}")
        return self.cell

    def _moved(self, name: str, values: Any, updates: Any) -> Any:
        rate = self.learning_rates.get(name, self.learning_rate)
        return jax.tree.map(
            lambda value, by: value - jnp.asarray(rate, value.dtype) * by, values, updates
        )

    def _factors(
        self, acted: ActedState, reward: Float[Array, ""]
    ) -> tuple[dict[str, Float[Array, ""]], Float[Array, " memory"]]:
        learner = acted.learner
        expected, baseline = self.baseline.follow(learner.baseline, reward)
        disappointment = (expected - reward).astype(learner.cell.readout_bias.dtype)
        return {
            name: disappointment
            * jnp.asarray(self.gradient_gains.get(name, 1.0), disappointment.dtype)
            for name in acted.eligibility
        }, baseline


def _norm(values: Any) -> Float[Array, ""]:
    return jnp.sqrt(jnp.sum(jnp.stack([jnp.sum(leaf**2) for leaf in jax.tree.leaves(values)])))


__all__ = ["ActedState", "LearnerState", "OnlinePolicyGradient"]
