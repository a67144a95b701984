"""Fixed points of small maps, followed from where the caller starts."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neuropil.norms import maximum_norm
from neuropil.result import Outcome


class PseudoTransient(eqx.Module):
    """Newton's method that begins as an implicit simulation of dx/ds = map(x) - x.

    Each step solves (1/h + 1 - J) dx = map(x) - x, J the Jacobian of `map`, and lengthens h in
    proportion to the fall of the residual ("switched evolution relaxation", Kelley and Keyes,
    SIAM J. Numer. Anal. 35, 508, 1998); a step that would run against the flow is shortened. The
    short first steps stay in the basin of the start, so of several fixed points it normally
    finds the one that the rate dynamics reach; the long last ones converge quadratically.
    `tolerance` bounds max |map(x) - x| relative to max |x|. Meant for maps of up to some hundred
    components: J is dense.
    """

    tolerance: float = 1e-12
    max_steps: int = eqx.field(static=True, default=200)
    first_step: float = 1.0

    def __check_init__(self):
        for name in ("tolerance", "max_steps", "first_step"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


class SettledState(eqx.Module):
    """Where a map settled: the value, how well it is a fixed point, and how the search ended."""

    value: Float[Array, " dimension"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]
    outcome: Int[Array, ""]


def settle(
    map: Callable[[Float[Array, " dimension"]], Float[Array, " dimension"]],
    start: Float[Array, " dimension"],
    method: PseudoTransient,
) -> SettledState:
    """The fixed point of `map` that `method` reaches from `start`.

    Pure JAX: to be called inside compiled code; nothing raises. `residual` is
    max |map(x) - x| in the unit of the state.
    """
    identity = jnp.eye(start.size)

    def value_twice(value: Float[Array, " dimension"]):
        mapped = map(value)
        return mapped, mapped

    def unfinished(carry):
        _, residual, _, steps, settled = carry
        # The first residual is infinite by construction, and says nothing.
        return ~settled & (jnp.isfinite(residual) | (steps == 0)) & (steps <= method.max_steps)

    def step(carry):
        value, last_residual, pseudo_time, steps, _ = carry
        jacobian, mapped = jax.jacfwd(value_twice, has_aux=True)(value)
        defect = mapped - value
        residual = maximum_norm(defect)
        settled = residual <= method.tolerance * maximum_norm(value)
        # A bound on the change of step in either direction keeps one lucky or unlucky residual
        # from deciding the rest of the way.
        change = jnp.where(steps == 0, 1.0, jnp.clip(last_residual / residual, 0.1, 10.0))
        pseudo_time = jnp.clip(pseudo_time * change, 1e-6, 1e12)
        move = jnp.linalg.solve((1.0 + 1.0 / pseudo_time) * identity - jacobian, defect)
        # Next to an unstable fixed point a long implicit step runs against the flow, back to it.
        with_the_flow = jnp.dot(move, defect) >= 0
        value = jnp.where(settled | ~with_the_flow, value, value + move)
        pseudo_time = jnp.where(with_the_flow, pseudo_time, pseudo_time / 4.0)
        return value, residual, pseudo_time, steps + 1, settled

    initial = (
        start,
        jnp.asarray(jnp.inf),
        jnp.asarray(method.first_step, float),
        jnp.asarray(0),
        jnp.asarray(False),
    )
    value, residual, _, steps, settled = jax.lax.while_loop(unfinished, step, initial)
    outcome = jnp.where(
        settled,
        Outcome.SUCCESSFUL.value,
        jnp.where(
            jnp.isfinite(residual),
            Outcome.MAXIMUM_STEPS_REACHED.value,
            Outcome.NOT_FINITE.value,
        ),
    )
    return SettledState(value, residual, steps - 1, outcome)


__all__ = ["PseudoTransient", "SettledState", "settle"]
