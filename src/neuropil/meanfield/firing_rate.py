"""Stationary firing rate of the leaky integrate-and-fire neuron with white noise."""

from math import pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.meanfield.passage_integrals import interval_integral, scale_exponent

Parameter = jax.Array | np.ndarray | float | int


def firing_rate(
    mean_input: Parameter,
    noise: Parameter,
    *,
    membrane_time_constant: Parameter = 20.0,
    refractory_period: Parameter = 2.0,
    threshold: Parameter = 20.0,
    reset: Parameter = 10.0,
    leak_potential: Parameter = 0.0,
) -> Float[Array, "..."]:
    """Stationary firing rate of a leaky integrate-and-fire neuron, in spikes/ms.

    The neuron is tau dv/dt = -(v - E_L) + E + sigma sqrt(tau) xi(t); at `threshold` it spikes and
    is held at `reset` for `refractory_period`. With a = (V_r - E_L - E) / sigma and
    b = (V_th - E_L - E) / sigma its rate nu is

        1 / nu = t_ref + tau sqrt(pi) int_a^b exp(u^2) (1 + erf(u)) du

    (Siegert 1951; Ricciardi 1977; Amit and Brunel 1997; Brunel 2000, eq. 21). Potentials,
    `mean_input` (E) and `noise` (sigma) are in mV, times in ms. All arguments broadcast against
    each other, and the rate can be differentiated in each of them.

    Raises `ValueError`, naming the argument, for concrete arguments that are not finite, for
    `noise` or `membrane_time_constant` that are not positive, for a negative `refractory_period`,
    and for a `threshold` that is not above `reset`.
    """
    arguments = {
        "mean_input": mean_input,
        "noise": noise,
        "membrane_time_constant": membrane_time_constant,
        "refractory_period": refractory_period,
        "threshold": threshold,
        "reset": reset,
        "leak_potential": leak_potential,
    }
    return _rate(*_checked(arguments))


def log_firing_rate(
    mean_input: Parameter,
    noise: Parameter,
    *,
    membrane_time_constant: Parameter = 20.0,
    refractory_period: Parameter = 2.0,
    threshold: Parameter = 20.0,
    reset: Parameter = 10.0,
    leak_potential: Parameter = 0.0,
) -> Float[Array, "..."]:
    """Natural logarithm of `firing_rate` in spikes/ms, also where the rate itself underflows.

    Arguments, derivatives and errors are those of `firing_rate`.
    """
    arguments = {
        "mean_input": mean_input,
        "noise": noise,
        "membrane_time_constant": membrane_time_constant,
        "refractory_period": refractory_period,
        "threshold": threshold,
        "reset": reset,
        "leak_potential": leak_potential,
    }
    return _log_rate(*_checked(arguments))


@jax.jit
def _rate(*arguments: Float[Array, "..."]) -> Float[Array, "..."]:
    exponent, interval = _scaled_interval(*jnp.broadcast_arrays(*arguments))
    return jnp.exp(-exponent) / interval


@jax.jit
def _log_rate(*arguments: Float[Array, "..."]) -> Float[Array, "..."]:
    exponent, interval = _scaled_interval(*jnp.broadcast_arrays(*arguments))
    return -exponent - jnp.log(interval)


def _scaled_interval(
    mean_input: Float[Array, "*batch"],
    noise: Float[Array, "*batch"],
    membrane_time_constant: Float[Array, "*batch"],
    refractory_period: Float[Array, "*batch"],
    threshold: Float[Array, "*batch"],
    reset: Float[Array, "*batch"],
    leak_potential: Float[Array, "*batch"],
) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """m and exp(-m) / nu, the scaled mean interval between spikes; m counts as a constant."""
    gap = _distance(threshold, leak_potential, mean_input)
    exponent = scale_exponent(gap, noise)
    integral = interval_integral(gap, threshold - reset, noise)
    passage = sqrt(pi) * membrane_time_constant * integral
    return exponent, refractory_period * jnp.exp(-exponent) + passage


def _distance(
    threshold: Float[Array, "*batch"],
    leak_potential: Float[Array, "*batch"],
    mean_input: Float[Array, "*batch"],
) -> Float[Array, "*batch"]:
    """threshold - leak_potential - mean_input, rounded once.

    The rate may depend on this distance a thousand times more steeply than on the potentials, so
    the rounding error of the first difference is carried into the second (Knuth's two-sum).
    """
    first = threshold - leak_potential
    taken = threshold - first
    lost = (threshold - (first + taken)) + (taken - leak_potential)
    second = first - mean_input
    taken = first - second
    lost = lost + (first - (second + taken)) + (taken - mean_input)
    return second + jax.lax.stop_gradient(lost)


def _checked(arguments: dict[str, Parameter]) -> list[Float[Array, "..."]]:
    """All arguments as arrays, once the concrete ones are known to make sense together."""
    shapes = {name: np.shape(value) for name, value in arguments.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"the shapes of the arguments must broadcast, got {listed}") from None
    _require_physical(arguments)
    return [jnp.asarray(value, float) for value in arguments.values()]


def _require_physical(arguments: dict[str, Parameter]) -> None:
    """Raise `ValueError` for the first argument that makes no sense; traced ones are skipped."""
    concrete = {
        name: np.asarray(value)
        for name, value in arguments.items()
        if not isinstance(value, jax.core.Tracer)
    }
    for name, value in concrete.items():
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name} must be finite, got {value}")
    for name in ("noise", "membrane_time_constant"):
        if name in concrete and np.any(concrete[name] <= 0):
            given = np.atleast_1d(concrete[name])
            raise ValueError(f"{name} must be positive, got {given[given <= 0][0]}")
    if "refractory_period" in concrete and np.any(concrete["refractory_period"] < 0):
        raise ValueError(
            f"refractory_period must not be negative, got {concrete['refractory_period']}"
        )
    if {"threshold", "reset"} <= set(concrete) and np.any(
        concrete["threshold"] <= concrete["reset"]
    ):
        raise ValueError(
            f"threshold must lie above reset, got threshold {concrete['threshold']} mV and "
            f"reset {concrete['reset']} mV"
        )


__all__ = ["firing_rate", "log_firing_rate"]
