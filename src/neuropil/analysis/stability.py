"""Stability of stationary states by the eigenvalues of the Jacobian."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from neuropil.system import AbstractSystem
from neuropil.types import Scalar, State


class Stability(eqx.Module):
    """Eigenvalues of the vector field's Jacobian at stationary states, in 1/ms.

    `stable` is true where all real parts are negative, `n_unstable` counts those that are
    positive. Nothing is said where the largest real part is zero to rounding.
    """

    eigenvalues: Complex[Array, "*batch dimension"]
    stable: Bool[Array, "*batch"]
    n_unstable: Int[Array, "*batch"]


def stability(
    system: AbstractSystem,
    states: Float[Array, "*batch dimension"],
    *,
    time: Scalar | float = 0.0,
) -> Stability:
    """Linear stability of stationary states of a system, any axes before the last.

    The states are taken as they are; that they are stationary is not checked. Raises `ValueError`
    when they do not have one value for each component of the system.
    """
    names = system.state_names
    if states.shape[-1:] != (len(names),):
        raise ValueError(
            f"states must have {len(names)} components in the last axis, got shape {states.shape}"
        )
    eigenvalues = _eigenvalues(system, states.reshape(-1, len(names)), jnp.asarray(time, float))
    eigenvalues = eigenvalues.reshape(states.shape)
    return Stability(
        eigenvalues=eigenvalues,
        stable=jnp.max(eigenvalues.real, axis=-1) < 0,
        n_unstable=jnp.sum(eigenvalues.real > 0, axis=-1),
    )


@eqx.filter_jit
def _eigenvalues(
    system: AbstractSystem, states: Float[Array, "states dimension"], time: Scalar
) -> Complex[Array, "states dimension"]:
    def at(state: State) -> Complex[Array, " dimension"]:
        return jnp.linalg.eigvals(jax.jacfwd(lambda x: system.vector_field(time, x))(state))

    return jax.lax.map(at, states)


__all__ = ["Stability", "stability"]
