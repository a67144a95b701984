"""Moves of particles that leave a density unchanged and follow its gradient."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neuropil.inference.target import Natural, Points, Problem, over_points, place
from neuropil.types import RandomKey, Scalar

_WANTED_ACCEPTANCE = 0.8
_ADAPTATION = 0.7


def spread_factor(
    coordinates: Float[np.ndarray, "points free"],
) -> Float[np.ndarray, "free free"] | Float[np.ndarray, " free"]:
    """What turns standard normal numbers into steps that are shaped like the cloud of points.

    A Cholesky factor where there are points enough to know all covariances, else the standard
    deviations.
    """
    points, free = coordinates.shape
    if points < 10 * free or free > 256:
        return np.std(coordinates, axis=0) + 1e-12
    covariance = np.atleast_2d(np.cov(coordinates, rowvar=False))
    covariance[np.diag_indices(free)] *= 1 + 1e-6
    return np.linalg.cholesky(covariance + 1e-18 * np.eye(free))


def hamiltonian_sweeps(
    problem: Problem,
    natural: Natural,
    key: RandomKey,
    points: Points,
    log_step: float,
    *,
    sweeps: int,
    leaps: int,
    batch_size: int | None,
) -> tuple[Points, float, float]:
    """Hamiltonian Monte Carlo of every particle; the step is tuned to the mean acceptance.

    Steps of each half of the particles are shaped like the other half: a particle whose own place
    had a part in the shape, or that of its copies, which lie next to it, would move further the
    further out it is, and in many dimensions that changes the density (means were off by a fifth
    of their spread with ten particles a dimension). Returns the points, the log step and the
    acceptance of the last sweep.
    """
    middle = points.log_density.shape[0] // 2
    halves = slice(None, middle), slice(middle, None)
    accepted = []
    for half, other, own_key in zip(halves, halves[::-1], jax.random.split(key), strict=True):
        factor = jnp.asarray(spread_factor(np.asarray(points.coordinates[other])))
        moved, step, acceptance = _sweeps_of_half(
            problem,
            natural,
            own_key,
            jax.tree.map(lambda leaf, half=half: leaf[half], points),
            factor,
            jnp.asarray(log_step),
            sweeps=sweeps,
            leaps=leaps,
            batch_size=batch_size,
        )
        points = jax.tree.map(
            lambda whole, part, half=half: whole.at[half].set(part), points, moved
        )
        log_step = float(step)
        accepted.append(float(acceptance))
    return points, log_step, float(np.mean(accepted))


@eqx.filter_jit
def _sweeps_of_half(
    problem: Problem,
    natural: Natural,
    key: RandomKey,
    points: Points,
    factor: Float[Array, "..."],
    log_step: Scalar,
    *,
    sweeps: int,
    leaps: int,
    batch_size: int | None,
) -> tuple[Points, Scalar, Scalar]:
    """The same with steps of a given shape, see `spread_factor`."""

    def shaped(vector: Float[Array, " free"]) -> Float[Array, " free"]:
        return factor * vector if factor.ndim == 1 else factor @ vector

    def unshaped(vector: Float[Array, " free"]) -> Float[Array, " free"]:
        return factor * vector if factor.ndim == 1 else factor.T @ vector

    def trajectory(carried: tuple) -> tuple[Points, Scalar]:
        point, key, step = carried
        momentum_key, accept_key = jax.random.split(key)
        momentum = jax.random.normal(momentum_key, point.coordinates.shape, float)

        def leap(_: Int[Array, ""], carry: tuple) -> tuple:
            now, momentum = carry
            momentum = momentum + 0.5 * step * unshaped(now.slope)
            there = place(problem, natural, now.coordinates + step * shaped(momentum))
            return there, momentum + 0.5 * step * unshaped(there.slope)

        proposed, end = jax.lax.fori_loop(0, leaps, leap, (point, momentum))
        gain = (
            proposed.log_density
            - point.log_density
            + 0.5 * (jnp.dot(momentum, momentum) - jnp.dot(end, end))
        )
        acceptance = jnp.where(jnp.isnan(gain), 0.0, jnp.exp(jnp.minimum(gain, 0.0)))
        accepted = jax.random.uniform(accept_key, (), float) < acceptance
        kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), proposed, point)
        return kept, acceptance

    def sweep(carry: tuple, key: RandomKey) -> tuple[tuple, Scalar]:
        points, log_step = carry
        length_key, key = jax.random.split(key)
        # Lengths vary from particle to particle, so that none is a multiple of a period.
        n_points = points.log_density.shape[0]
        steps = jnp.exp(log_step) * jax.random.uniform(length_key, (n_points,), float, 0.6, 1.2)
        points, acceptance = over_points(
            trajectory, (points, jax.random.split(key, n_points), steps), batch_size
        )
        mean = jnp.mean(acceptance)
        return (points, log_step + _ADAPTATION * (mean - _WANTED_ACCEPTANCE)), mean

    (points, log_step), acceptance = jax.lax.scan(
        sweep, (points, log_step), jax.random.split(key, sweeps)
    )
    return points, log_step, acceptance[-1]


def largest_correlation(
    before: Float[np.ndarray, "points rows"], after: Float[np.ndarray, "points rows"]
) -> float:
    """How much of where points were is left after moves: over rows, the largest correlation."""
    first, second = before - before.mean(axis=0), after - after.mean(axis=0)
    scale = np.sqrt((first**2).mean(axis=0) * (second**2).mean(axis=0))
    shared = (first * second).mean(axis=0)
    return float(np.max(shared / np.where(scale > 0, scale, np.inf)))


__all__ = ["hamiltonian_sweeps", "largest_correlation", "spread_factor"]
