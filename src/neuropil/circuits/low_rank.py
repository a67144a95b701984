"""Networks whose connectivity is a few outer products and a random part."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits.activation import AbstractActivation, HyperbolicTangent
from neuropil.circuits.parameters import parameter, require_parameters
from neuropil.circuits.rank_one import RankOneStatistics, ratio
from neuropil.system import AbstractSystem
from neuropil.types import RandomKey, Scalar, State


def _columns(value) -> Float[Array, "..."]:
    given = jnp.asarray(value, float)
    return given[:, None] if given.ndim == 1 else given


def _matrix(value) -> Float[Array, "..."] | None:
    return None if value is None else jnp.asarray(value, float)


class LowRankNetwork(AbstractSystem):
    """tau dx_i/dt = -x_i + sum_j J_ij phi(x_j) + I_i with J = g chi + sum_r m_r n_r^T / N.

    `m` and `n` hold one column for each rank (one vector will do for rank one), `external_input`
    is I, one value or one for each neuron; `random_weights` is chi, None for none, and `strength`
    is g; phi is `activation`; `time_constant` is tau in ms. The state and all else are numbers
    without a unit. The sum of ranks stays factored, so that without a random part an evaluation
    costs O(N) a rank.

    Raises `ValueError`, naming the parameter, when shapes do not fit or a value is not finite, or
    `time_constant` is not positive.
    """

    m: Float[Array, "neurons ranks"] = eqx.field(converter=_columns)
    n: Float[Array, "neurons ranks"] = eqx.field(converter=_columns)
    external_input: Float[Array, "..."] = parameter(0.0)
    random_weights: Float[Array, "neurons neurons"] | None = eqx.field(
        converter=_matrix, default=None
    )
    strength: Float[Array, ""] = parameter(0.0)
    time_constant: Float[Array, ""] = parameter(1.0)
    activation: AbstractActivation = HyperbolicTangent()

    def __check_init__(self):
        if self.m.ndim != 2 or self.m.shape != self.n.shape or not self.m.size:
            raise ValueError(
                "m and n must both have one row for each neuron and one column for each rank, "
                f"got shapes {self.m.shape} and {self.n.shape}"
            )
        neurons = self.n_neurons
        random = self.random_weights
        if random is not None and random.shape != (neurons, neurons):
            raise ValueError(
                f"random_weights must be None or have shape {(neurons, neurons)}, "
                f"got {random.shape}"
            )
        for name in ("m", "n", "random_weights"):
            value = getattr(self, name)
            if value is None or isinstance(value, jax.core.Tracer):
                continue
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name} must be finite")
        require_parameters({"external_input": (self.external_input, neurons)}, positive=False)
        for name in ("strength", "time_constant"):
            value = getattr(self, name)
            if value.shape != ():
                raise ValueError(f"{name} must be one value, got shape {value.shape}")
            require_parameters({name: (value, 1)}, positive=name == "time_constant")

    @property
    def n_neurons(self) -> int:
        """N."""
        return self.m.shape[0]

    @property
    def state_names(self) -> tuple[str, ...]:
        """One activation variable for each neuron."""
        return tuple(f"x_{i}" for i in range(self.n_neurons))

    @property
    def state_unit(self) -> str:
        """None."""
        return ""

    def overlaps(self, states: Float[Array, "... neurons"]) -> Float[Array, "... ranks"]:
        """kappa_r = n_r^T phi(x) / N of a state, or of many along leading axes."""
        return self.activation(states) @ self.n / self.n_neurons

    def vector_field(self, time: Scalar, state: State) -> State:
        """(-x + J phi(x) + I) / tau, per ms."""
        del time
        received = self.m @ self.overlaps(state) + self.external_input
        if self.random_weights is not None:
            received = received + self.strength * (self.random_weights @ self.activation(state))
        return (received - state) / self.time_constant


def sample_low_rank_network(
    statistics: RankOneStatistics,
    n_neurons: int,
    *,
    key: RandomKey,
    time_constant: float | Float[Array, ""] = 1.0,
) -> LowRankNetwork:
    """A network of rank one and a random part with the given statistics, phi = tanh.

    The random part is left out where g is known to be zero; otherwise it takes 8 N^2 bytes. One
    key, one network: another g with the same key scales the same random part. Raises
    `ValueError` when `n_neurons` is below 1 or the parameters make no sense.
    """
    if n_neurons < 1:
        raise ValueError(f"n_neurons must be at least 1, got {n_neurons}")
    along_m, along_n, independent, random = jax.random.split(key, 4)
    z_m, z_n, z_perp = (jax.random.normal(k, (n_neurons,)) for k in (along_m, along_n, independent))
    s = statistics
    external_input = (
        s.mean_input
        + ratio(s.covariance_m_input, s.deviation_m) * z_m
        + ratio(s.covariance_n_input, s.deviation_n) * z_n
        + s.deviation_input * z_perp
    )
    without_random = not isinstance(s.strength, jax.core.Tracer) and float(s.strength) == 0.0
    weights = jax.random.normal(random, (n_neurons, n_neurons)) / np.sqrt(n_neurons)
    return LowRankNetwork(
        s.mean_m + s.deviation_m * z_m,
        s.mean_n + s.deviation_n * z_n,
        external_input,
        None if without_random else weights,
        s.strength,
        jnp.asarray(time_constant, float),
    )


__all__ = ["LowRankNetwork", "sample_low_rank_network"]
