"""Synapses as a matrix, where each neuron's synapses lie in the domain of one astrocyte."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neuropil.circuits import NeuroGlialNetwork
from neuropil.connectivity.hyperedges import NeuroGlialWiring
from neuropil.learning.cells.hyperedge_layouts import AbstractHyperedgeLayout, HyperedgeList


class DomainMatrices(AbstractHyperedgeLayout):
    """Synapses as a matrix, where the astrocyte of a synapse follows from the postsynaptic neuron.

    Entries without a hyperedge are held at zero. What a list does entry by entry are products of
    small matrices here: several times faster where a good part of all pairs has a synapse.
    """

    wiring: NeuroGlialWiring
    is_synapse: Bool[Array, "neurons neurons"]
    is_sensed: Bool[Array, "neurons neurons"]
    is_gap: Bool[Array, "astrocytes astrocytes"]
    domain: Int[Array, " neurons"]
    n_neurons: int = eqx.field(static=True)
    n_astrocytes: int = eqx.field(static=True)
    neurons_per_domain: int = eqx.field(static=True)

    def __init__(self, wiring: NeuroGlialWiring):
        """Raises `ValueError` where a neuron's synapses belong to different astrocytes."""
        domain = domains(wiring)
        if domain is None:
            raise ValueError(
                "wiring must put all synapses onto a neuron into the domain of one astrocyte"
            )
        n, m = wiring.n_neurons, wiring.n_astrocytes
        post, pre = np.asarray(wiring.post), np.asarray(wiring.pre)
        is_synapse, is_sensed = np.zeros((2, n, n), bool)
        is_synapse[post, pre] = True
        is_sensed[post, pre] = np.asarray(wiring.is_sensed)
        is_gap = np.zeros((m, m), bool)
        is_gap[np.asarray(wiring.gap_to), np.asarray(wiring.gap_from)] = True
        self.wiring, self.n_neurons, self.n_astrocytes = wiring, n, m
        self.is_synapse, self.is_sensed, self.is_gap, self.domain = map(
            jax.device_put, (is_synapse, is_sensed, is_gap, domain.astype(np.int32))
        )
        in_blocks = n % m == 0 and np.array_equal(domain, np.repeat(np.arange(m), n // m))
        self.neurons_per_domain = n // m if in_blocks else 0

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Matrices over pairs; the astrocytes have one gain each."""
        n, m = self.n_neurons, self.n_astrocytes
        return {
            "synapses": (n, n),
            "hebbian_gain": (n, n),
            "glial_gain": (n, n),
            "gap_strength": (m, m),
            "coincidence_gain": (m,),
        }

    def received(
        self, synapses: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " neurons"]:
        """W phi."""
        return synapses @ rates

    def synapse_drive(
        self,
        hebbian_gain: Float[Array, "..."],
        glial_gain: Float[Array, "..."] | None,
        rates: Float[Array, " neurons"],
        modulation: Float[Array, " astrocytes"],
    ) -> Float[Array, "..."]:
        """c phi phi + d psi at the hyperedges."""
        drive = hebbian_gain * (rates[:, None] * rates[None, :])
        if glial_gain is not None:
            drive = drive + glial_gain * self._by_neuron(modulation)[:, None]
        return _only(self.is_synapse, drive)

    def sensed(
        self, coincidence_gain: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " astrocytes"]:
        """The gain of each astrocyte times the sum over its triangles."""
        partners = self.is_sensed.astype(rates.dtype) @ rates
        return coincidence_gain * self._by_astrocyte(rates * partners)

    def shared(
        self, gap_strength: Float[Array, "..."], modulation: Float[Array, " astrocytes"]
    ) -> Float[Array, " astrocytes"]:
        """Sum over gap junctions."""
        return _only(self.is_gap, gap_strength) @ modulation

    def circuit(self, parameters: Mapping[str, Any]) -> NeuroGlialNetwork:
        """The network over the wiring."""
        by_synapse = ("hebbian_gain", "glial_gain", "synapse_decay", "synapse_time_constant")
        listed: dict[str, Any] = {
            name: self.listed(value) if name in by_synapse and np.ndim(value) == 2 else value
            for name, value in parameters.items()
            if name != "gap_strength"
        }
        wiring = self.wiring
        strength = jnp.asarray(parameters["gap_strength"], float)[wiring.gap_to, wiring.gap_from]
        return NeuroGlialNetwork(
            eqx.tree_at(lambda given: given.gap_strength, wiring, strength), **listed
        )

    def laid_out(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Values of synapses and gap junctions at their places in matrices."""
        wiring, shapes = self.wiring, self.shapes
        laid_out = dict(parameters)
        for name in ("hebbian_gain", "glial_gain", "synapse_decay", "synapse_rate"):
            if name in shapes or np.ndim(parameters[name]):
                # Where there is no synapse nothing is driven: any finite value will do.
                room = jnp.zeros(shapes["synapses"])
                laid_out[name] = room.at[wiring.post, wiring.pre].set(parameters[name])
        laid_out["gap_strength"] = (
            jnp.zeros(shapes["gap_strength"])
            .at[wiring.gap_to, wiring.gap_from]
            .set(parameters["gap_strength"])
        )
        laid_out["coincidence_gain"] = jnp.broadcast_to(
            parameters["coincidence_gain"], shapes["coincidence_gain"]
        )
        return laid_out

    def held(self, synapses: Float[Array, "..."]) -> Float[Array, "..."]:
        """Zero where there is no hyperedge."""
        return _only(self.is_synapse, synapses)

    def listed(self, synapses: Float[Array, "..."]) -> Float[Array, " synapses"]:
        """Those of the hyperedges, in the order of the wiring."""
        return synapses[self.wiring.post, self.wiring.pre]

    def _by_neuron(self, values: Float[Array, " astrocytes"]) -> Float[Array, " neurons"]:
        if self.neurons_per_domain:
            return jnp.repeat(values, self.neurons_per_domain, total_repeat_length=self.n_neurons)
        return values.at[self.domain].get(mode="promise_in_bounds")

    def _by_astrocyte(self, values: Float[Array, " neurons"]) -> Float[Array, " astrocytes"]:
        if self.neurons_per_domain:
            return jnp.sum(values.reshape(self.n_astrocytes, self.neurons_per_domain), axis=1)
        return jax.ops.segment_sum(values, self.domain, self.n_astrocytes)


def domains(wiring: NeuroGlialWiring) -> Int[np.ndarray, " neurons"] | None:
    """The astrocyte around each neuron's synapses, if there is never more than one.

    Neurons that receive nothing are put to the first.
    """
    post, astrocyte = np.asarray(wiring.post), np.asarray(wiring.astrocyte)
    domain = np.zeros(wiring.n_neurons, np.int64)
    domain[post] = astrocyte
    return domain if np.array_equal(domain[post], astrocyte) else None


def layout_of(wiring: NeuroGlialWiring) -> HyperedgeList | DomainMatrices:
    """Matrices where they are at least an eighth full and domains allow it, else a list."""
    filled = wiring.n_synapses / wiring.n_neurons**2
    if filled >= 0.125 and domains(wiring) is not None:
        return DomainMatrices(wiring)
    return HyperedgeList(wiring)


def domain_wiring(n_neurons: int, n_astrocytes: int) -> NeuroGlialWiring:
    """All pairs of different neurons joined, each astrocyte around an equal share of the neurons.

    An astrocyte holds all synapses onto its neurons; every two astrocytes are joined by gap
    junctions of strength 1 in both directions. The synapses are in the order of the postsynaptic,
    then of the presynaptic neuron.

    Raises `ValueError` unless `n_astrocytes` divides `n_neurons`.
    """
    if n_astrocytes < 1 or n_neurons % n_astrocytes:
        raise ValueError(
            f"n_astrocytes must divide n_neurons = {n_neurons} evenly, got {n_astrocytes}"
        )
    post, pre = np.nonzero(~np.eye(n_neurons, dtype=bool))
    return NeuroGlialWiring(
        pre,
        post,
        post // (n_neurons // n_astrocytes),
        n_neurons=n_neurons,
        n_astrocytes=n_astrocytes,
        gap_junctions=1.0 - np.eye(n_astrocytes),
    )


def _only(mask: Bool[Array, "to from"], values: Float[Array, "to from"]) -> Float[Array, "to from"]:
    return jnp.where(mask, values, jnp.zeros((), values.dtype))


__all__ = ["DomainMatrices", "domain_wiring", "domains", "layout_of"]
