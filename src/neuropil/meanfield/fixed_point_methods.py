"""Methods that search fixed points of E -> E0 + g W r(E), for many strengths and starts."""

from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import RateNetwork
from neuropil.meanfield.batches import Layout, columns_in_memory
from neuropil.meanfield.linearisation import solve_linearised
from neuropil.norms import maximum_norm
from neuropil.result import Outcome
from neuropil.types import Scalar, State

NUMBERS_AT_ONCE = 4_800
"""Enough for one core; see `on_all_cores` for several."""

Columns = Float[Array, "columns neurons"]
Strengths = Float[Array, " columns"]


class FixedPointSearch(eqx.Module):
    """Where searches ended, one for each column.

    `residual` is max |E0 + g W r(E) - E| in mV, evaluated at the returned `input`, and
    `iterations` the number of steps that were taken.
    """

    input: Float[Array, "*columns neurons"]
    residual: Float[Array, "*columns"]
    iterations: Int[Array, "*columns"]
    outcome: Int[Array, "*columns"]


class _Lanes(NamedTuple):
    """Columns in work, one in each lane, the number of the next one, and how columns ended."""

    column: Int[Array, " lanes"]
    states: Float[Array, "neurons lanes"]
    steps: Int[Array, " lanes"]
    at_halfway: Float[Array, " lanes"]
    following: Int[Array, ""]
    ends: FixedPointSearch


class _Search(NamedTuple):
    """A state, E0 + g W r(E) - E there, and the steps that led to it."""

    state: State
    defect: State
    steps: Int[Array, ""]


class AbstractFixedPointMethod(eqx.Module):
    """A way to a fixed point, with its tolerance.

    A state E is accepted when max |E0 + g W r(E) - E| is at most `tolerance` times
    max(1 mV, max |E|). Nothing else counts as success.
    """

    tolerance: eqx.AbstractVar[float]

    @abstractmethod
    def search(
        self, network: RateNetwork, strengths: Strengths, starts: Columns
    ) -> FixedPointSearch:
        """Search from each start at its strength; pure, never raises."""

    @abstractmethod
    def layout(self, network: RateNetwork, columns: int) -> Layout:
        """How the `columns` of a network, and networks that are stacked, share a search."""


class Picard(AbstractFixedPointMethod):
    """The iteration of Tang, Hu and Shea-Brown (eq. 1): E <- E0 + g W r(E).

    Converges linearly, and only to fixed points where the spectral radius of g W r'(E) is below
    one. `relaxation` takes that part of each step; below one it follows the rate dynamics in
    steps of `relaxation` time constants, which reaches fixed points where only the synchronous
    iteration is unstable. Raises `ValueError` when `tolerance` is not positive, `maximum_steps`
    is below 1, or `relaxation` is outside (0, 1].
    """

    tolerance: float = 1e-10
    maximum_steps: int = 1_000
    relaxation: float = 1.0

    def __check_init__(self):
        _require_positive("tolerance", self.tolerance)
        _require_positive("maximum_steps", self.maximum_steps)
        if not 0 < self.relaxation <= 1:
            raise ValueError(f"relaxation must be above 0 and at most 1, got {self.relaxation}")

    def search(
        self, network: RateNetwork, strengths: Strengths, starts: Columns
    ) -> FixedPointSearch:
        """Iterate every column until its residual is small enough or the steps are used up.

        Columns are worked on in lanes; a lane whose column has ended takes the next one.
        """
        # Neurons come first here: the product with the weights is then one product of matrices
        # without transposition, and maxima over neurons run along contiguous columns.
        transfer = jax.vmap(network.transfer, in_axes=1, out_axes=1)
        weights = jax.vmap(network.weights.apply, in_axes=1, out_axes=1)
        external = jnp.broadcast_to(network.external_input, starts.shape[1:])[:, None]
        columns = len(starts)
        lanes = _lanes(network, columns)
        halfway = self.maximum_steps // 2

        def advance(lane: _Lanes) -> _Lanes:
            column = jnp.minimum(lane.column, columns - 1)
            following = external + strengths[column][None, :] * weights(transfer(lane.states))
            residual = maximum_norm(following - lane.states, axis=0)
            scale = jnp.maximum(1.0, maximum_norm(lane.states, axis=0))
            accepted = residual <= self.tolerance * scale
            finite = jnp.isfinite(residual)
            at_halfway = jnp.where(lane.steps == halfway, residual, lane.at_halfway)
            ended = accepted | ~finite | (lane.steps >= self.maximum_steps)
            # Half of the steps without progress: the iteration cycles or runs away, and more
            # steps would not help.
            failure = jnp.where(
                residual > 0.5 * at_halfway,
                Outcome.DIVERGED.value,
                Outcome.MAXIMUM_STEPS_REACHED.value,
            )
            end = FixedPointSearch(
                lane.states.T, residual, lane.steps, _outcome(accepted, finite, failure)
            )
            # A lane without a column writes past the end, which drops it.
            row = jnp.where(ended, lane.column, columns)
            following_column = lane.following + jnp.cumsum(ended) - 1
            moved = lane.states + self.relaxation * (following - lane.states)
            begin = starts[jnp.minimum(following_column, columns - 1)].T
            return _Lanes(
                column=jnp.where(ended, following_column, lane.column),
                states=jnp.where(ended[None, :], begin, moved),
                steps=jnp.where(ended, 0, lane.steps + 1),
                at_halfway=jnp.where(ended, jnp.inf, at_halfway),
                following=lane.following + jnp.sum(ended),
                ends=jax.tree.map(
                    lambda all, new: all.at[row].set(new, mode="drop"), lane.ends, end
                ),
            )

        none = jnp.zeros(columns, int)
        first = _Lanes(
            column=jnp.arange(lanes),
            states=starts[:lanes].T,
            steps=jnp.zeros(lanes, int),
            at_halfway=jnp.full(lanes, jnp.inf),
            following=jnp.asarray(lanes),
            ends=FixedPointSearch(starts, jnp.full(columns, jnp.inf), none, none),
        )
        last = jax.lax.while_loop(lambda lane: jnp.any(lane.column < columns), advance, first)
        return last.ends

    def layout(self, network: RateNetwork, columns: int) -> Layout:
        """All columns, which share the lanes; small networks side by side."""
        at_once = _lanes(network, columns) * network.weights.n_neurons
        return Layout(columns, max(1, NUMBERS_AT_ONCE // at_once))


class Newton(AbstractFixedPointMethod):
    """Newton's method, tried again and again from along the path of the rate dynamics.

    An attempt is at most `steps_per_attempt` Newton steps, each halved up to four times until the
    residual falls. The first attempt begins at the start itself, and so finds the fixed point
    near it whether stable or not. If it fails, what it did is forgotten; the path E <- E + h (E0
    + g W r(E) - E) is followed from the start, and the next attempt begins where it has come to.
    Path lengths double from attempt to attempt, from 8 steps on, while h falls from one by the
    factor 0.7. Converges quadratically, also where Picard's iteration is unstable.

    The linear systems are solved directly for dense weights, and by GMRES to the relative
    accuracy `linear_tolerance` for sparse ones. Raises `ValueError` when a field is not positive.
    """

    tolerance: float = 1e-10
    attempts: int = 9
    steps_per_attempt: int = 10
    linear_tolerance: float = 1e-5

    def __check_init__(self):
        for name in ("tolerance", "attempts", "steps_per_attempt", "linear_tolerance"):
            _require_positive(name, getattr(self, name))

    def search(
        self, network: RateNetwork, strengths: Strengths, starts: Columns
    ) -> FixedPointSearch:
        """Attempt until one succeeds or all have failed, in every column."""

        def search_one(strength: Scalar, start: State) -> FixedPointSearch:
            return self._search_one(eqx.tree_at(lambda n: n.strength, network, strength), start)

        return jax.vmap(search_one)(strengths, starts)

    def layout(self, network: RateNetwork, columns: int) -> Layout:
        """As many columns as there is room for their matrices and factors, or Krylov bases."""
        neurons = network.weights.n_neurons
        return Layout(columns_in_memory(columns, neurons * min(3 * neurons, 60)), 1)

    def _search_one(self, network: RateNetwork, start: State) -> FixedPointSearch:
        def follow(path: _Search, attempt: Int[Array, ""]) -> _Search:
            """Along the dynamics; the first step of all only evaluates the start."""
            end = path.steps + jnp.where(attempt == 0, 1, 4 * 2**attempt)

            def step(path: _Search) -> _Search:
                state = path.state + 0.7**attempt * path.defect
                return _Search(state, network.next_input(state) - state, path.steps + 1)

            return jax.lax.while_loop(lambda path: path.steps < end, step, path)

        def proceed(carry):
            _, latest, attempt, _ = carry
            return ~self._accepts(latest) & (attempt < self.attempts)

        def next_attempt(carry):
            path, _, attempt, newton_steps = carry
            path = follow(path, attempt)
            latest = self._attempt(network, path)
            return path, latest, attempt + 1, newton_steps + latest.steps

        none = jnp.asarray(0)
        path = _Search(start, jnp.zeros_like(start), none)
        unknown = _Search(start, jnp.full_like(start, jnp.inf), none)
        path, latest, _, newton_steps = jax.lax.while_loop(
            proceed, next_attempt, (path, unknown, none, none)
        )
        accepted = self._accepts(latest)
        # A failed attempt may have jumped anywhere; where the dynamics went says more.
        state = jnp.where(accepted, latest.state, path.state)
        residual = jnp.where(accepted, maximum_norm(latest.defect), maximum_norm(path.defect))
        failure = jnp.asarray(Outcome.MAXIMUM_STEPS_REACHED.value)
        outcome = _outcome(accepted, jnp.isfinite(residual), failure)
        return FixedPointSearch(state, residual, path.steps - 1 + newton_steps, outcome)

    def _attempt(self, network: RateNetwork, path: _Search) -> _Search:
        def proceed(search: _Search) -> Bool[Array, ""]:
            unfinished = ~self._accepts(search) & jnp.isfinite(maximum_norm(search.defect))
            return unfinished & (search.steps < self.steps_per_attempt)

        def step(search: _Search) -> _Search:
            change = solve_linearised(
                network, search.state, search.defect, tolerance=self.linear_tolerance
            )

            def too_long(trial):
                _, defect, halvings = trial
                return ~(maximum_norm(defect) < maximum_norm(search.defect)) & (halvings <= 4)

            def shorten(trial):
                halvings = trial[2]
                state = search.state + 0.5**halvings * change
                return state, network.next_input(state) - state, halvings + 1

            untried = (search.state, search.defect, jnp.asarray(0))
            state, defect, _ = jax.lax.while_loop(too_long, shorten, untried)
            return _Search(state, defect, search.steps + 1)

        begin = _Search(path.state, path.defect, jnp.zeros_like(path.steps))
        return jax.lax.while_loop(proceed, step, begin)

    def _accepts(self, search: _Search) -> Bool[Array, ""]:
        scale = jnp.maximum(1.0, maximum_norm(search.state))
        return maximum_norm(search.defect) <= self.tolerance * scale


def _lanes(network: RateNetwork, columns: int) -> int:
    return columns_in_memory(columns, 8 * network.weights.n_neurons)


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value}")


def _outcome(
    accepted: Bool[Array, "..."], finite: Bool[Array, "..."], failure: Int[Array, "..."]
) -> Int[Array, "..."]:
    failure = jnp.where(finite, failure, Outcome.NOT_FINITE.value)
    return jnp.where(accepted, Outcome.SUCCESSFUL.value, failure)


__all__ = ["AbstractFixedPointMethod", "FixedPointSearch", "Newton", "Picard"]
