"""Self-consistent rates of a network: E = E0 + g W r(E), for many strengths and starts at once."""

from collections.abc import Sequence
from math import prod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neuropil.circuits import RateNetwork
from neuropil.meanfield.batches import is_stacked, map_blocks, map_states, on_all_cores
from neuropil.meanfield.contraction import ContractionCertificate
from neuropil.meanfield.fixed_point_methods import (
    AbstractFixedPointMethod,
    FixedPointSearch,
    Picard,
)
from neuropil.meanfield.multiplicity import distinct_states, statements
from neuropil.meanfield.response import attach_response
from neuropil.result import Outcome, raise_unless_successful
from neuropil.types import ArrayLike


class SelfConsistentRates(eqx.Module):
    """Fixed points of E -> E0 + g W r(E), and how they were found.

    The axes before the neurons are those named in `dimensions`: "network" for a stacked network,
    "start" where several starts were given, "strength" where strengths were. `input` is E in mV,
    `rate` is r(E) in spikes/ms, `residual` is max |E0 + g W r(E) - E| in mV; both are
    differentiable in every array of the network. `iterations` counts steps of the method.
    """

    input: Float[Array, "*batch neurons"]
    rate: Float[Array, "*batch neurons"]
    residual: Float[Array, "*batch"]
    iterations: Int[Array, "*batch"]
    outcome: Int[Array, "*batch"]
    strength: Float[Array, "*batch"]
    dimensions: tuple[str, ...] = eqx.field(static=True)
    certificates: tuple[ContractionCertificate | None, ...] = (None,)
    separation: float = eqx.field(static=True, default=1e-6)

    def distinct(self) -> Int[np.ndarray, "*batch"]:
        """Which of the distinct fixed points of its network and strength each one is.

        Numbered from 0 along the starts; -1 where the search failed. Two count as the same when
        they differ by at most `separation` times max(1 mV, max |E|) in every neuron.
        """
        states, found = self._by_network_start_strength()
        labels = np.empty(states.shape[:3], int)
        for i, k in np.ndindex(states.shape[0], states.shape[2]):
            labels[i, :, k] = distinct_states(
                states[i, :, k], found[i, :, k], separation=self.separation
            )
        return labels.reshape(self.outcome.shape)

    def number_found(self) -> Int[np.ndarray, "..."]:
        """How many distinct fixed points were found: the axes of the result without the starts."""
        shape = self._by_network_start_strength()[1].shape
        numbers = self.distinct().reshape(shape).max(axis=1) + 1
        return numbers.reshape(self._shape_without_starts())

    @property
    def uniqueness(self) -> np.ndarray:
        """What is known about their number, in words: the axes of the result without the starts.

        "unique, proven by the 1-norm (0.83 < 1)", "one found, uniqueness not proven", "several
        found (3)", or "none found". Proofs come from the certificates given to the search.
        """
        states, _ = self._by_network_start_strength()
        strengths = np.asarray(self.strength).reshape(states.shape[:3])[:, 0, :]
        numbers = self.number_found().reshape(strengths.shape)
        sentences = statements(numbers, self.certificates, strengths)
        return sentences.reshape(self._shape_without_starts())

    def to_xarray(self) -> xr.Dataset:
        """The result with named dimensions, units, and `uniqueness` in words."""
        dims = self.dimensions
        without_starts = tuple(name for name in dims if name != "start")
        meanings = {outcome.name.lower(): outcome.value for outcome in Outcome}
        data = xr.Dataset(
            {
                "input": ((*dims, "neuron"), self.input, {"units": "mV"}),
                "rate": ((*dims, "neuron"), self.rate, {"units": "spikes/ms"}),
                "residual": (dims, self.residual, {"units": "mV"}),
                "iterations": (dims, self.iterations),
                "outcome": (dims, self.outcome, meanings),
                "uniqueness": (without_starts, self.uniqueness.astype(str)),
            }
        )
        strength = np.asarray(self.strength)
        units = {"units": "mV ms"}
        if "strength" in dims:
            last = strength.reshape(-1, strength.shape[-1])[0]
            return data.assign_coords(strength=("strength", last, units))
        if dims and dims[0] == "network":
            each = strength.reshape(strength.shape[0], -1)[:, 0]
            return data.assign_coords(strength=("network", each, units))
        return data.assign_coords(strength=((), strength.reshape(-1)[0], units))

    def _by_network_start_strength(self) -> tuple[np.ndarray, np.ndarray]:
        sizes = dict(zip(self.dimensions, self.outcome.shape, strict=True))
        shape = tuple(sizes.get(name, 1) for name in ("network", "start", "strength"))
        found = np.asarray(self.outcome).reshape(shape) == Outcome.SUCCESSFUL
        return np.asarray(self.input).reshape(*shape, -1), found

    def _shape_without_starts(self) -> tuple[int, ...]:
        sizes = zip(self.dimensions, self.outcome.shape, strict=True)
        return tuple(size for name, size in sizes if name != "start")


def self_consistent_rates(
    network: RateNetwork,
    method: AbstractFixedPointMethod = Picard(),  # noqa: B008, it is immutable
    start: ArrayLike | None = None,
    *,
    strengths: ArrayLike | Sequence[float] | None = None,
    certificate: ContractionCertificate | Sequence[ContractionCertificate] | None = None,
    separation: float = 1e-6,
    throw: bool = True,
) -> SelfConsistentRates:
    """Rates that reproduce themselves: fixed points of E -> E0 + g W r(E).

    `network` is one network, or several of one size made into one by `stack_networks`. `start` is
    where to begin, in mV: one state (by default the external input), or several in rows, each of
    which is tried at every strength; for stacked networks also one set of rows for each network.
    `strengths` are values of g to be solved for, in mV ms; by default the network's own. All
    networks, starts and strengths are solved in one compiled call.

    `certificate` is what `contraction_certificate(network)` returned, for `uniqueness` to refer
    to; states closer than `separation`, relative to max(1 mV, max |E|), are one fixed point.

    The result can be differentiated in every array of the network, `strength` included, by the
    implicit function theorem. Inside `jax.jit`, `jax.grad` or `jax.vmap` nothing can be raised:
    pass `throw=False` there and look at `outcome`.

    Raises `NotSolved` when a search fails and `throw` is true, and `ValueError` when `start` or
    `strengths` do not fit the network or are not finite.
    """
    if not separation > 0:
        raise ValueError(f"separation must be positive, got {separation}")
    starts, strength, dimensions = _arrange(network, start, strengths)
    certificates = _certificates(network, certificate)
    found, input, rate = on_all_cores(
        lambda *batch: _solve(method, *batch), network, starts, strength
    )
    if throw and isinstance(found.outcome, jax.core.Tracer):
        raise ValueError(
            "throw must be False inside jax.jit, jax.grad and jax.vmap, where nothing can be "
            "raised: look at `outcome` of the result"
        )
    if throw:
        raise_unless_successful(found.outcome, what="self-consistent rates", throw=True)
    return SelfConsistentRates(
        input=input,
        rate=rate,
        residual=found.residual,
        iterations=found.iterations,
        outcome=found.outcome,
        strength=strength,
        dimensions=dimensions,
        certificates=certificates,
        separation=separation,
    )


@eqx.filter_jit
def _solve(method, network, starts, strengths):
    # The search is not differentiated through: its result gets its derivatives afterwards.
    fixed = jax.lax.stop_gradient(eqx.filter(network, eqx.is_array))
    _, settings = eqx.partition(network, eqx.is_array)
    found: FixedPointSearch = map_blocks(
        method.search,
        eqx.combine(fixed, settings),
        starts,
        jax.lax.stop_gradient(strengths),
        layout=method.layout(network, prod(starts.shape[:-1][is_stacked(network) :])),
    )

    input = attach_response(network, found.input, strengths)
    memory = 8 * network.weights.n_neurons
    rate = map_states(
        lambda each, state: each.transfer(state), network, input, strengths, memory=memory
    )
    return found, input, rate


def _arrange(network, start, strengths):
    """Starts and strengths spread over all axes of the result, and the names of these axes."""
    n, stacked = network.weights.n_neurons, is_stacked(network)
    leading = network.strength.shape
    if start is None:
        begin = jnp.broadcast_to(network.external_input.reshape(*leading, -1), (*leading, n))
        several = False
    else:
        begin = jnp.asarray(start, float)
        several = begin.ndim > 1
        if begin.ndim not in ((1, 2, 3) if stacked else (1, 2)) or begin.shape[-1:] != (n,):
            raise ValueError(
                f"start must be one state of {n} neurons or several in rows, "
                f"got shape {begin.shape}"
            )
        if begin.ndim == 3 and begin.shape[0] != leading[0]:
            raise ValueError(
                f"start has rows for {begin.shape[0]} networks, but {leading[0]} are stacked"
            )
        _require_finite("start", begin)
        if stacked and begin.ndim < 3:
            begin = jnp.broadcast_to(begin, (*leading, *begin.shape))
    strength = network.strength
    if several:
        strength = jnp.broadcast_to(strength[..., None], begin.shape[:-1])
    if strengths is not None:
        values = jnp.asarray(strengths, float)
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"strengths must be one row of values, got shape {values.shape}")
        _require_finite("strengths", values)
        batch = (*begin.shape[:-1], values.size)
        begin = jnp.broadcast_to(begin[..., None, :], (*batch, n))
        strength = jnp.broadcast_to(values, batch)
    present = {"network": stacked, "start": several, "strength": strengths is not None}
    return begin, strength, tuple(name for name, there in present.items() if there)


def _require_finite(name: str, values: Float[Array, "..."]) -> None:
    if not isinstance(values, jax.core.Tracer) and not np.all(np.isfinite(values)):
        raise ValueError(f"{name} must be finite, got {values}")


def _certificates(network, certificate):
    networks = network.strength.size
    if certificate is None:
        return (None,) * networks
    each = (certificate,) if isinstance(certificate, ContractionCertificate) else certificate
    if len(each) != networks:
        raise ValueError(f"certificate holds {len(each)} for {networks} networks")
    return tuple(each)


__all__ = ["SelfConsistentRates", "self_consistent_rates"]
