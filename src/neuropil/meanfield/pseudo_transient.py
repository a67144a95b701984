"""Fixed points of small maps, followed from where the caller starts."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neuropil.result import Outcome


class PseudoTransient(eqx.Module):
    """Newton's method that begins as an implicit simulation of dx/ds = map(x) - x.

    Each step solves (1/h + 1 - J) dx = map(x) - x, J the Jacobian of `map`, and lengthens h in
    proportion to the fall of the residual ("switched evolution relaxation", Kelley and Keyes,
    SIAM J. Numer. Anal. 35, 508, 1998). The short first steps stay in the basin of the start,
    so of several fixed points it normally finds the one that the rate dynamics reach; the long
    last ones converge quadratically. `tolerance` bounds max |map(x) - x| relative to max |x|.
    Meant for maps of up to some hundred components: J is dense.
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
    smallest = jnp.finfo(start.dtype).tiny

    def size(value: Float[Array, " dimension"]) -> Float[Array, ""]:
        return jnp.max(jnp.abs(value))

    def done(
        value: Float[Array, " dimension"], defect: Float[Array, " dimension"]
    ) -> Bool[Array, ""]:
        return size(defect) <= method.tolerance * size(value)

    def proceed(carry):
        value, defect, _, steps = carry
        unfinished = ~done(value, defect) & jnp.all(jnp.isfinite(defect))
        return unfinished & (steps < method.max_steps)

    def step(carry):
        value, defect, pseudo_time, steps = carry
        jacobian = jax.jacfwd(map)(value)
        system = (1.0 + 1.0 / pseudo_time) * identity - jacobian
        moved = value + jnp.linalg.solve(system, defect)
        moved_defect = map(moved) - moved
        fall = size(defect) / jnp.maximum(size(moved_defect), smallest)
        # A bound on the change of step in either direction keeps one lucky or unlucky residual
        # from deciding the rest of the way.
        pseudo_time = jnp.clip(pseudo_time * jnp.clip(fall, 0.1, 10.0), 1e-6, 1e12)
        return moved, moved_defect, pseudo_time, steps + 1

    initial = (start, map(start) - start, jnp.asarray(method.first_step, float), jnp.asarray(0))
    value, defect, _, steps = jax.lax.while_loop(proceed, step, initial)
    finite = jnp.all(jnp.isfinite(defect)) & jnp.all(jnp.isfinite(value))
    outcome = jnp.where(
        done(value, defect),
        Outcome.SUCCESSFUL.value,
        jnp.where(finite, Outcome.MAXIMUM_STEPS_REACHED.value, Outcome.NOT_FINITE.value),
    )
    return SettledState(value, size(defect), steps, outcome)


__all__ = ["PseudoTransient", "SettledState", "settle"]
