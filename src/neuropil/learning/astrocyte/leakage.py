"""What leak does to a wave that was exact without it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.learning.astrocyte.biology import Biology, Leak
from neuropil.learning.astrocyte.network import AstrocyteNetwork


def leak_errors(
    network: AstrocyteNetwork,
    spreads: Float[Array | np.ndarray, " spreads"],
    inputs: Float[Array, "samples ..."],
    *,
    reach: int = 3,
) -> Float[Array, " spreads"]:
    """Largest change of any output over `inputs` when transmitter leaks, for each spread.

    The leak is that of `Leak`, in every step; `spreads` are in cells. Raises `ValueError` for a
    spread that is negative or not finite.
    """
    widths = np.asarray(spreads, float)
    if widths.ndim != 1 or not np.all(np.isfinite(widths) & (widths >= 0)):
        raise ValueError(f"spreads must be a list of numbers, finite, not negative, got {spreads}")
    exact = jax.jit(jax.vmap(network))(inputs)

    @jax.jit
    def largest(spread: Float[Array, ""]) -> Float[Array, ""]:
        leaking = network.with_biology(Biology(leak=Leak(spread, reach)))
        return jnp.max(jnp.abs(jax.vmap(leaking)(inputs) - exact))

    return jnp.stack([largest(spread) for spread in jnp.asarray(widths)])


__all__ = ["leak_errors"]
