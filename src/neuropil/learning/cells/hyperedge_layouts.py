"""How the synapses of a network of neurons and glia lie in memory, so that a step is cheap."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits import DenseNeuroGlialNetwork, NeuroGlialNetwork
from neuropil.connectivity.hyperedges import NeuroGlialWiring


class AbstractHyperedgeLayout(eqx.Module):
    """Who is wired to whom, as linear maps between neurons, synapses and astrocytes.

    `shapes` gives the shape of each of the gains c, d, f, h, and of the synapses, in this layout.
    """

    n_neurons: eqx.AbstractVar[int]
    n_astrocytes: eqx.AbstractVar[int]

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name: the `synapses` and the four gains."""

    @abstractmethod
    def received(
        self, synapses: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " neurons"]:
        """Sum over the synapses onto each neuron, of synapses that are `held`."""

    @abstractmethod
    def synapse_drive(
        self,
        hebbian_gain: Float[Array, "..."],
        glial_gain: Float[Array, "..."] | None,
        rates: Float[Array, " neurons"],
        modulation: Float[Array, " astrocytes"],
    ) -> Float[Array, "..."]:
        """C Phi + D psi, or C Phi alone without a glial gain."""

    @abstractmethod
    def sensed(
        self, coincidence_gain: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " astrocytes"]:
        """H Phi."""

    @abstractmethod
    def shared(
        self, gap_strength: Float[Array, "..."], modulation: Float[Array, " astrocytes"]
    ) -> Float[Array, " astrocytes"]:
        """F psi."""

    @abstractmethod
    def circuit(self, parameters: Mapping[str, Any]) -> NeuroGlialNetwork | DenseNeuroGlialNetwork:
        """The circuit in continuous time with the parameters, which are named as its fields."""

    def held(self, synapses: Float[Array, "..."]) -> Float[Array, "..."]:
        """The synapses, with nothing where the layout has room but no hyperedge."""
        return synapses

    @abstractmethod
    def laid_out(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a circuit, named as its fields, in the shapes of the layout."""

    @abstractmethod
    def listed(self, synapses: Float[Array, "..."]) -> Float[Array, " synapses"]:
        """Values of the synapses in the order of the circuit's state."""


class FullMatrices(AbstractHyperedgeLayout):
    """Everything reaches everything: the wiring of `circuits.DenseNeuroGlialNetwork`.

    `elementwise` says whether C is a gain for each synapse or a full matrix of n^2 x n^2.
    """

    n_neurons: int = eqx.field(static=True)
    n_astrocytes: int = eqx.field(static=True)
    elementwise: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.n_neurons < 1 or self.n_astrocytes < 1:
            raise ValueError(
                "n_neurons and n_astrocytes must be at least 1, "
                f"got {self.n_neurons} and {self.n_astrocytes}"
            )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Matrices over pairs of neurons, laid out row by row."""
        n, m = self.n_neurons, self.n_astrocytes
        return {
            "synapses": (n, n),
            "hebbian_gain": (n, n) if self.elementwise else (n * n, n * n),
            "glial_gain": (n * n, m),
            "gap_strength": (m, m),
            "coincidence_gain": (m, n * n),
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
        """Matrix products with Phi and psi."""
        n = self.n_neurons
        coincidence = rates[:, None] * rates[None, :]
        if self.elementwise:
            learned = hebbian_gain * coincidence
        else:
            learned = (hebbian_gain @ jnp.ravel(coincidence)).reshape(n, n)
        if glial_gain is None:
            return learned
        return learned + (glial_gain @ modulation).reshape(n, n)

    def sensed(
        self, coincidence_gain: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " astrocytes"]:
        """H times all products of rates."""
        return coincidence_gain @ jnp.ravel(rates[:, None] * rates[None, :])

    def shared(
        self, gap_strength: Float[Array, "..."], modulation: Float[Array, " astrocytes"]
    ) -> Float[Array, " astrocytes"]:
        """F psi."""
        return gap_strength @ modulation

    def circuit(self, parameters: Mapping[str, Any]) -> DenseNeuroGlialNetwork:
        """The dense network."""
        listed: dict[str, Any] = {
            name: jnp.ravel(value) if name.startswith("synapse_") and np.ndim(value) else value
            for name, value in parameters.items()
        }
        return DenseNeuroGlialNetwork(**listed)

    def laid_out(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the synapses as a matrix."""
        n = self.n_neurons
        return {
            name: jnp.reshape(value, (n, n))
            if name in ("synapse_decay", "synapse_rate") and np.ndim(value)
            else value
            for name, value in parameters.items()
        }

    def listed(self, synapses: Float[Array, "..."]) -> Float[Array, " synapses"]:
        """Row by row."""
        return jnp.ravel(synapses)


class HyperedgeList(AbstractHyperedgeLayout):
    """One entry for each hyperedge and each gap junction, in the order of a wiring.

    Time and memory are proportional to the hyperedges, whatever the wiring.
    """

    wiring: NeuroGlialWiring
    n_neurons: int = eqx.field(static=True)
    n_astrocytes: int = eqx.field(static=True)

    def __init__(self, wiring: NeuroGlialWiring):
        self.wiring = wiring
        self.n_neurons, self.n_astrocytes = wiring.n_neurons, wiring.n_astrocytes

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Lists; the astrocytes have one gain each."""
        synapses = (self.wiring.n_synapses,)
        return {
            "synapses": synapses,
            "hebbian_gain": synapses,
            "glial_gain": synapses,
            "gap_strength": (self.wiring.gap_to.shape[-1],),
            "coincidence_gain": (self.n_astrocytes,),
        }

    def received(
        self, synapses: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " neurons"]:
        """Sum over hyperedges by postsynaptic neuron."""
        return self.wiring.sum_by_neuron(synapses * self.wiring.of_presynaptic(rates))

    def synapse_drive(
        self,
        hebbian_gain: Float[Array, "..."],
        glial_gain: Float[Array, "..."] | None,
        rates: Float[Array, " neurons"],
        modulation: Float[Array, " astrocytes"],
    ) -> Float[Array, "..."]:
        """For each hyperedge c phi phi + d psi."""
        learned = hebbian_gain * self._coincidence(rates)
        if glial_gain is None:
            return learned
        return learned + glial_gain * self.wiring.of_astrocyte(modulation)

    def sensed(
        self, coincidence_gain: Float[Array, "..."], rates: Float[Array, " neurons"]
    ) -> Float[Array, " astrocytes"]:
        """The gain of each astrocyte times the sum over its triangles."""
        return coincidence_gain * self.wiring.sum_by_astrocyte(self._coincidence(rates))

    def shared(
        self, gap_strength: Float[Array, "..."], modulation: Float[Array, " astrocytes"]
    ) -> Float[Array, " astrocytes"]:
        """Sum over gap junctions."""
        junctions = eqx.tree_at(lambda wiring: wiring.gap_strength, self.wiring, gap_strength)
        return junctions.through_gap_junctions(modulation)

    def circuit(self, parameters: Mapping[str, Any]) -> NeuroGlialNetwork:
        """The network over the wiring."""
        strength = jnp.asarray(parameters["gap_strength"], float)
        wiring = eqx.tree_at(lambda given: given.gap_strength, self.wiring, strength)
        others = {name: value for name, value in parameters.items() if name != "gap_strength"}
        return NeuroGlialNetwork(wiring, **others)

    def laid_out(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """As they are; gains that are one number for all are repeated."""
        return {
            name: jnp.broadcast_to(value, self.shapes[name]) if name in self.shapes else value
            for name, value in parameters.items()
        }

    def listed(self, synapses: Float[Array, "..."]) -> Float[Array, " synapses"]:
        """As they are."""
        return synapses

    def _coincidence(self, rates: Float[Array, " neurons"]) -> Float[Array, " synapses"]:
        return self.wiring.of_presynaptic(rates) * self.wiring.of_postsynaptic(rates)


__all__ = ["AbstractHyperedgeLayout", "FullMatrices", "HyperedgeList"]
