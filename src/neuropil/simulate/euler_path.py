"""Forward Euler steps as one compiled loop: short paths of thousands of systems, with gradients."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.system import AbstractNoisySystem, AbstractSystem
from neuropil.types import RandomKey, Scalar, State


def euler_path(
    system: AbstractSystem,
    start: State,
    *,
    step: float,
    n_steps: int,
    save_every: int = 1,
    key: RandomKey | None = None,
) -> Float[Array, "saved dimension"]:
    """States every `save_every` steps of `step` ms, the start included.

    Pure JAX, without error control: take it under `jax.vmap`, `jax.jit` and `jax.grad` where
    thousands of paths of one length are wanted, or where published numerics used such steps;
    otherwise `integrate`. With `key`, Euler-Maruyama steps of an `AbstractNoisySystem`.

    Raises `ValueError`, naming the argument, for a step that is not positive, steps that are not
    a multiple of `save_every`, and a key for a system without noise.
    """
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be positive and finite, got {step} ms")
    if save_every < 1 or n_steps < 1 or n_steps % save_every:
        raise ValueError(
            f"n_steps must be a positive multiple of save_every, got {n_steps} and {save_every}"
        )
    if key is not None and not isinstance(system, AbstractNoisySystem):
        raise ValueError(f"key must be None for a system without noise, {type(system).__name__}")

    def move(state: State, number: Array) -> tuple[State, None]:
        time: Scalar = step * number.astype(float)
        new = state + step * system.vector_field(time, state)
        if key is not None:
            assert isinstance(system, AbstractNoisySystem)
            normal = jax.random.normal(jax.random.fold_in(key, number), state.shape)
            new = new + step**0.5 * system.noise_amplitude(time, state) * normal
        return new, None

    def stretch(state: State, first: Array) -> tuple[State, State]:
        end = jax.lax.scan(move, state, first + jnp.arange(save_every))[0]
        return end, end

    saved = jax.lax.scan(stretch, start, jnp.arange(0, n_steps, save_every))[1]
    return jnp.concatenate([start[None], saved])


__all__ = ["euler_path"]
