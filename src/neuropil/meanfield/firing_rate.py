"""Stationary firing rate of the leaky integrate-and-fire neuron with white noise."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.meanfield.scaled_error_functions import scaled_interval_integral

Parameter = jax.Array | np.ndarray | float | int

SQRT_PI = np.sqrt(np.pi)


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
    _require_physical(arguments)
    e, sigma, tau, t_ref, v_th, v_r, e_l = jnp.broadcast_arrays(
        *(jnp.asarray(value, float) for value in arguments.values())
    )
    gap, width = v_th - e_l - e, v_th - v_r
    scale = jax.lax.stop_gradient(jnp.exp(-(jnp.maximum(gap / sigma, 0.0) ** 2)))
    integral = scaled_interval_integral(gap, width, sigma)
    return scale / (t_ref * scale + SQRT_PI * tau * integral)


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
            raise ValueError(f"{name} must be positive, got {concrete[name]}")
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


__all__ = ["firing_rate"]
