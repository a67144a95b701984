"""Methods that search fixed points of E -> E0 + g W r(E), for many strengths and starts."""

from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import RateNetwork
from neuropil.meanfield.linearisation import solve_linearised
from neuropil.result import Outcome
from neuropil.types import Scalar, State

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
    def memory(self, network: RateNetwork) -> int:
        """Numbers that one column takes while it is searched, which bounds their number."""


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
        """Iterate every column until its residual is small enough or the steps are used up."""
        # Neurons come first here: the product with the weights is then one product of matrices
        # without transposition, and maxima over neurons run along contiguous columns.
        transfer = jax.vmap(network.transfer, in_axes=1, out_axes=1)
        weights = jax.vmap(network.weights.apply, in_axes=1, out_axes=1)
        external = jnp.broadcast_to(network.external_input, starts.shape[1:])[:, None]
        halfway = self.maximum_steps // 2

        def sizes(values):
            return jnp.max(jnp.abs(values), axis=0)

        def proceed(carry):
            _, _, active, step = carry
            return jnp.any(active) & (step <= self.maximum_steps)

        def assess_and_move(carry):
            states, info, active, step = carry
            following = external + strengths[None, :] * weights(transfer(states))
            residual = sizes(following - states)
            accepted = residual <= self.tolerance * jnp.maximum(1.0, sizes(states))
            # A column that has ended keeps its state and so finds the same residual again.
            active = ~accepted & jnp.isfinite(residual)
            moves = active & (step < self.maximum_steps)
            moved = states + self.relaxation * (following - states)
            info = {
                "residual": residual,
                "accepted": accepted,
                "steps": info["steps"] + moves.astype(int),
                "halfway": jnp.where(step == halfway, residual, info["halfway"]),
            }
            return jnp.where(moves[None, :], moved, states), info, active, step + 1

        unknown = jnp.full_like(strengths, jnp.inf)
        none = jnp.zeros_like(strengths, int)
        info = {"residual": unknown, "accepted": none > 0, "steps": none, "halfway": unknown}
        states, info, _, _ = jax.lax.while_loop(
            proceed, assess_and_move, (starts.T, info, none == 0, jnp.asarray(0))
        )
        # Half of the steps without progress: the iteration cycles or runs away, and more steps
        # would not help.
        stuck = info["residual"] > 0.5 * info["halfway"]
        failure = jnp.where(stuck, Outcome.DIVERGED.value, Outcome.MAXIMUM_STEPS_REACHED.value)
        outcome = _outcome(info["accepted"], jnp.isfinite(info["residual"]), failure)
        return FixedPointSearch(states.T, info["residual"], info["steps"], outcome)

    def memory(self, network: RateNetwork) -> int:
        """A few vectors."""
        return 8 * network.weights.n_neurons


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

    def memory(self, network: RateNetwork) -> int:
        """The matrix of the linearised network with its factors, or the Krylov basis."""
        return network.weights.n_neurons * min(3 * network.weights.n_neurons, 60)

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
        residual = jnp.where(accepted, _size(latest.defect), _size(path.defect))
        failure = jnp.asarray(Outcome.MAXIMUM_STEPS_REACHED.value)
        outcome = _outcome(accepted, jnp.isfinite(residual), failure)
        return FixedPointSearch(state, residual, path.steps - 1 + newton_steps, outcome)

    def _attempt(self, network: RateNetwork, path: _Search) -> _Search:
        def proceed(search: _Search) -> Bool[Array, ""]:
            unfinished = ~self._accepts(search) & jnp.isfinite(_size(search.defect))
            return unfinished & (search.steps < self.steps_per_attempt)

        def step(search: _Search) -> _Search:
            change = solve_linearised(
                network, search.state, search.defect, tolerance=self.linear_tolerance
            )

            def too_long(trial):
                _, defect, halvings = trial
                return ~(_size(defect) < _size(search.defect)) & (halvings <= 4)

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
        return _size(search.defect) <= self.tolerance * jnp.maximum(1.0, _size(search.state))


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value}")


def _size(values: State) -> Scalar:
    return jnp.max(jnp.abs(values))


def _outcome(
    accepted: Bool[Array, "..."], finite: Bool[Array, "..."], failure: Int[Array, "..."]
) -> Int[Array, "..."]:
    failure = jnp.where(finite, failure, Outcome.NOT_FINITE.value)
    return jnp.where(accepted, Outcome.SUCCESSFUL.value, failure)


__all__ = ["AbstractFixedPointMethod", "FixedPointSearch", "Newton", "Picard"]
