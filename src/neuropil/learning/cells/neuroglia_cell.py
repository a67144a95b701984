"""Networks of neurons and glia in discrete time, as cells that can be trained."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.circuits import (
    ConstantInput,
    DenseNeuroGlialNetwork,
    NeuroGlialNetwork,
    NeuroGlialState,
)
from neuropil.circuits.activation import AbstractActivation, HyperbolicTangent, Logistic
from neuropil.learning.cells.cell import AbstractCell, require_shapes
from neuropil.learning.cells.domain_matrices import layout_of
from neuropil.learning.cells.hyperedge_layouts import AbstractHyperedgeLayout, FullMatrices
from neuropil.learning.cells.initial_values import (
    AbstractInitialValues,
    Constant,
    Normal,
    Uniform,
)
from neuropil.types import RandomKey

_GAINS = ("hebbian_gain", "glial_gain", "gap_strength", "coincidence_gain")
_READ_OUT = ("readout_weights", "readout_bias")


class NeuroGliaCell(AbstractCell):
    """The Euler step of a network of neurons, synapses and astrocytes, with input and read-out.

        x_t = x + g_n (-a x + W phi(x) + W_in1 I_t)
        W_t = W + g_w (-b W + C Phi(x) + D psi(z))
        z_t = z + g_a (-e z + F psi(z) + H Phi(x) + W_in2 I_t)
        y_t = W_out x_t + b_out

    (Gong, Pasqualetti, Papouin and Ching, "Astrocytes as a mechanism for meta-plasticity and
    contextually-guided network function", eq. 12, where g_n = g_w = gamma and g_a = gamma tau).
    The right-hand sides hold the state one step before; with `neurons_first` the new x stands in
    the last two lines, as in the authors' public code. `network` gives the circuit that the step
    is derived from; `of` makes a cell of a circuit.

    C, D, F, H are `hebbian_gain`, `glial_gain`, `gap_strength`, `coincidence_gain`, in the shapes
    of `layout`; W_in1 and W_in2 `neuron_input_weights` and `astrocyte_input_weights`; a, b, e the
    decays; g_n, g_w, g_a `neuron_rate`, `synapse_rate`, `astrocyte_rate`, shares of a time
    constant a step. `step_size` is the length of a step in ms, which matters to `network` alone.
    `start` is the state before the first trial.

    Controls: an `astrocyte_rate` of zero holds the astrocytes at their start;
    `has_astrocytes=False` leaves them out; with `has_plastic_synapses=False` the synapses stay as
    they start, and become the parameter group `synapses`. All arrays have one dtype.

    Raises `ValueError`, naming the field, for shapes that do not fit.
    """

    layout: AbstractHyperedgeLayout
    hebbian_gain: Float[Array, "..."]
    glial_gain: Float[Array, "..."]
    gap_strength: Float[Array, "..."]
    coincidence_gain: Float[Array, "..."]
    neuron_input_weights: Float[Array, "neurons channels"]
    astrocyte_input_weights: Float[Array, "astrocytes channels"]
    readout_weights: Float[Array, "arms neurons"]
    readout_bias: Float[Array, " arms"]
    synapses: Float[Array, "..."]
    initial_neurons: Float[Array, " neurons"]
    initial_astrocytes: Float[Array, " astrocytes"]
    neuron_rate: Float[Array, "..."]
    synapse_rate: Float[Array, "..."]
    astrocyte_rate: Float[Array, "..."]
    neuron_decay: Float[Array, "..."]
    synapse_decay: Float[Array, "..."]
    astrocyte_decay: Float[Array, "..."]
    step_size: Float[Array, ""]
    neuron_activation: AbstractActivation = Logistic()
    astrocyte_activation: AbstractActivation = HyperbolicTangent()
    neurons_first: bool = eqx.field(static=True, default=False)
    has_astrocytes: bool = eqx.field(static=True, default=True)
    has_plastic_synapses: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        n, m = self.layout.n_neurons, self.layout.n_astrocytes
        channels, arms = self.neuron_input_weights.shape[-1], self.readout_bias.shape[-1]
        require_shapes(
            {name: (getattr(self, name), shape) for name, shape in self.layout.shapes.items()}
            | {
                "neuron_input_weights": (self.neuron_input_weights, (n, channels)),
                "astrocyte_input_weights": (self.astrocyte_input_weights, (m, channels)),
                "readout_weights": (self.readout_weights, (arms, n)),
                "readout_bias": (self.readout_bias, (arms,)),
                "initial_neurons": (self.initial_neurons, (n,)),
                "initial_astrocytes": (self.initial_astrocytes, (m,)),
            }
        )

    @staticmethod
    def of(
        network: NeuroGlialNetwork | DenseNeuroGlialNetwork,
        *,
        neuron_input_weights: Float[Array | np.ndarray, "neurons channels"],
        astrocyte_input_weights: Float[Array | np.ndarray, "astrocytes channels"],
        readout_weights: Float[Array | np.ndarray, "arms neurons"],
        readout_bias: Float[Array | np.ndarray, " arms"],
        step_size: float = 1.0,
        layout: AbstractHyperedgeLayout | None = None,
        neurons_first: bool = False,
        dtype: Any = float,
    ) -> "NeuroGliaCell":
        """The cell whose step is an Euler step of the network, of `step_size` ms.

        The network's own inputs are left aside: those of the cell take their place. It starts at
        zero. Raises `ValueError` for shapes that do not fit and for a step longer than the
        shortest time constant.
        """
        if layout is None:
            layout = (
                FullMatrices(
                    network.n_neurons,
                    network.n_astrocytes,
                    network.hebbian_gain.shape[-1] == network.n_neurons,
                )
                if isinstance(network, DenseNeuroGlialNetwork)
                else layout_of(network.wiring)
            )
        constants = {
            part: getattr(network, f"{part}_time_constant")
            for part in ("neuron", "synapse", "astrocyte")
        }
        shortest = min(float(jnp.min(value)) for value in constants.values())
        if not 0 < step_size <= shortest:
            raise ValueError(
                f"step_size must be positive and at most {shortest} ms, the shortest time "
                f"constant of the network, got {step_size}"
            )
        n, m = layout.n_neurons, layout.n_astrocytes
        channels, arms = neuron_input_weights.shape[-1], readout_weights.shape[-2]
        require_shapes(
            {
                "neuron_input_weights": (neuron_input_weights, (n, channels)),
                "astrocyte_input_weights": (astrocyte_input_weights, (m, channels)),
                "readout_weights": (readout_weights, (arms, n)),
                "readout_bias": (readout_bias, (arms,)),
            }
        )
        values: dict[str, Any] = {f"{part}_rate": step_size / constants[part] for part in constants}
        values |= {f"{part}_decay": getattr(network, f"{part}_decay") for part in constants}
        values["hebbian_gain"] = network.hebbian_gain
        values["glial_gain"] = network.glial_gain
        values["coincidence_gain"] = network.coincidence_gain
        values["gap_strength"] = (
            network.gap_strength
            if isinstance(network, DenseNeuroGlialNetwork)
            else network.wiring.gap_strength
        )
        laid_out = layout.laid_out(values)
        return _cell(
            layout,
            laid_out
            | {
                "neuron_input_weights": neuron_input_weights,
                "astrocyte_input_weights": astrocyte_input_weights,
                "readout_weights": readout_weights,
                "readout_bias": readout_bias,
                "synapses": np.zeros(layout.shapes["synapses"]),
                "initial_neurons": np.zeros(n),
                "initial_astrocytes": np.zeros(m),
                "step_size": step_size,
            },
            dtype,
            neuron_activation=network.neuron_activation,
            astrocyte_activation=network.astrocyte_activation,
            neurons_first=neurons_first,
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """The gains, input weights and read-out, as far as the cell has them."""
        if not self.has_plastic_synapses:
            return ("synapses", "neuron_input_weights", *_READ_OUT)
        if not self.has_astrocytes:
            return ("hebbian_gain", "neuron_input_weights", *_READ_OUT)
        return (*_GAINS, "neuron_input_weights", "astrocyte_input_weights", *_READ_OUT)

    @property
    def channels(self) -> int:
        """Numbers in the input."""
        return self.neuron_input_weights.shape[-1]

    def initial_state(self) -> NeuroGlialState:
        """The start."""
        return NeuroGlialState(
            self.initial_neurons,
            self.layout.held(jnp.asarray(self.synapses)),
            self.initial_astrocytes,
        )

    def step(self, state: NeuroGlialState, stimulus: Float[Array, " channels"]) -> NeuroGlialState:
        """The state one Euler step later."""
        x, w, z = state
        layout = self.layout
        if not self.has_plastic_synapses:
            w = layout.held(self.synapses)
        rates = self.neuron_activation(x)
        received = layout.received(w, rates) + self.neuron_input_weights @ stimulus
        new_x = x + self.neuron_rate * (received - self.neuron_decay * x)
        if not self.has_plastic_synapses:
            # Astrocytes act through what synapses learn: without it they reach nothing.
            return NeuroGlialState(new_x, state.synapses, z)

        if self.neurons_first:
            rates = self.neuron_activation(new_x)
        modulation = self.astrocyte_activation(z)
        glial_gain = self.glial_gain if self.has_astrocytes else None
        drive = layout.synapse_drive(self.hebbian_gain, glial_gain, rates, modulation)
        new_w = w + self.synapse_rate * (drive - self.synapse_decay * w)
        if not self.has_astrocytes:
            return NeuroGlialState(new_x, new_w, z)

        sensed = layout.sensed(self.coincidence_gain, rates)
        shared = layout.shared(self.gap_strength, modulation)
        arriving = sensed + shared + self.astrocyte_input_weights @ stimulus
        new_z = z + self.astrocyte_rate * (arriving - self.astrocyte_decay * z)
        return NeuroGlialState(new_x, new_w, new_z)

    def output(self, state: NeuroGlialState) -> Float[Array, " neurons"]:
        """The neurons."""
        return state.neurons

    def activity(self, state: NeuroGlialState) -> dict[str, Float[Array, "..."]]:
        """Neurons, synapses and astrocytes; synapses in the layout."""
        return state._asdict()

    def network(
        self, stimulus: Float[Array | np.ndarray, " channels"] | None = None
    ) -> NeuroGlialNetwork | DenseNeuroGlialNetwork:
        """The circuit of which the cell's step is an Euler step, under a constant stimulus.

        A step from the state s is s + `step_size` * vector_field(s), when all right-hand sides
        are taken one step before. Time constants are in ms; parameters in double precision.
        Raises `ValueError` for a cell without astrocytes or plastic synapses, and where a rate
        is zero, which no circuit has.
        """
        if not (self.has_astrocytes and self.has_plastic_synapses):
            raise ValueError("a cell without astrocytes or plastic synapses has no network")
        values: dict[str, Any] = {}
        for part in ("neuron", "synapse", "astrocyte"):
            rate = jnp.asarray(getattr(self, f"{part}_rate"), float)
            if not np.all(np.asarray(rate) > 0):
                raise ValueError(
                    f"{part}_rate is {rate}: a circuit needs finite time constants; hold what "
                    "stands still with `neuropil.system.layer`"
                )
            values[f"{part}_time_constant"] = jnp.asarray(self.step_size, float) / rate
        for name in (*_GAINS, "neuron_decay", "synapse_decay", "astrocyte_decay"):
            values[name] = jnp.asarray(getattr(self, name), float)
        held = np.zeros(self.channels) if stimulus is None else stimulus
        given = jnp.asarray(held, float)
        for part in ("neuron", "astrocyte"):
            weights = jnp.asarray(getattr(self, f"{part}_input_weights"), float)
            values[f"{part}_input"] = ConstantInput(weights @ given)
        values["neuron_activation"] = self.neuron_activation
        values["astrocyte_activation"] = self.astrocyte_activation
        return self.layout.circuit(values)

    def circuit_state(self, state: NeuroGlialState) -> Float[Array, " dimension"]:
        """A state of the cell as a state of `network()`."""
        listed = self.layout.listed(state.synapses)
        return jnp.concatenate(
            [jnp.asarray(part, float) for part in (state.neurons, listed, state.astrocytes)]
        )


def _cell(
    layout: AbstractHyperedgeLayout, values: dict[str, Any], dtype: Any, **options: Any
) -> NeuroGliaCell:
    arrays: dict[str, Any] = {name: jnp.asarray(value, dtype) for name, value in values.items()}
    return NeuroGliaCell(layout=layout, **arrays, **options)


def neuroglia_cell(
    layout: AbstractHyperedgeLayout,
    *,
    arms: int,
    channels: int,
    key: RandomKey,
    neuron_rate: float | Float[Array, ""] = 0.1,
    time_scale_ratio: float | Float[Array, ""] = 0.01,
    hebbian_gain: AbstractInitialValues | None = None,
    glial_gain: AbstractInitialValues | None = None,
    gap_strength: AbstractInitialValues | None = None,
    coincidence_gain: AbstractInitialValues | None = None,
    neuron_input_weights: AbstractInitialValues | None = None,
    astrocyte_input_weights: AbstractInitialValues | None = None,
    readout_weights: AbstractInitialValues | None = None,
    readout_bias: AbstractInitialValues | None = None,
    synapses: AbstractInitialValues | None = None,
    initial_neurons: AbstractInitialValues | None = None,
    initial_astrocytes: AbstractInitialValues | None = None,
    neurons_first: bool = False,
    has_astrocytes: bool = True,
    has_plastic_synapses: bool = True,
    dtype: Any = float,
) -> NeuroGliaCell:
    """A cell with random parameters; a maker of cells once the layout and options are bound.

    `neuron_rate` is gamma, for neurons and synapses, `time_scale_ratio` is tau. Unless other
    distributions are given, C, D, F and H are Gaussian with variance 1/N, input weights, read-out
    and bias uniform between -1/sqrt(N) and 1/sqrt(N), N the larger dimension of the matrix (Gong
    et al., Methods, who say "the dimension"; of gains that are a list, the number of neurons
    squared for C and D, of astrocytes for F and 1 for H), and the start is zero. Without plastic
    synapses, they are Gaussian with variance 1/neurons.

    Raises `ValueError` for rates outside (0, 1] and a ratio that is negative.
    """
    _require_rates(neuron_rate, time_scale_ratio)
    n, m = layout.n_neurons, layout.n_astrocytes
    by_size = {
        "hebbian_gain": n * n,
        "glial_gain": n * n,
        "gap_strength": m,
        "coincidence_gain": n * n if isinstance(layout, FullMatrices) else 1,
    }
    given: dict[str, AbstractInitialValues | None] = {
        "hebbian_gain": hebbian_gain,
        "glial_gain": glial_gain,
        "gap_strength": gap_strength,
        "coincidence_gain": coincidence_gain,
        "neuron_input_weights": neuron_input_weights,
        "astrocyte_input_weights": astrocyte_input_weights,
        "readout_weights": readout_weights,
        "readout_bias": readout_bias,
        "synapses": synapses,
        "initial_neurons": initial_neurons,
        "initial_astrocytes": initial_astrocytes,
    }
    usual: dict[str, AbstractInitialValues] = {
        **{name: Normal(size**-0.5) for name, size in by_size.items()},
        "neuron_input_weights": Uniform(max(n, channels) ** -0.5),
        "astrocyte_input_weights": Uniform(max(m, channels) ** -0.5),
        "readout_weights": Uniform(max(arms, n) ** -0.5),
        "readout_bias": Uniform(arms**-0.5),
        "synapses": Constant(0.0) if has_plastic_synapses else Normal(n**-0.5),
        "initial_neurons": Constant(0.0),
        "initial_astrocytes": Constant(0.0),
    }
    shapes = {
        **layout.shapes,
        "neuron_input_weights": (n, channels),
        "astrocyte_input_weights": (m, channels),
        "readout_weights": (arms, n),
        "readout_bias": (arms,),
        "initial_neurons": (n,),
        "initial_astrocytes": (m,),
    }
    keys = dict(zip(usual, jax.random.split(key, len(usual)), strict=True))
    values: dict[str, Any] = {
        name: (given[name] or usual[name])(keys[name], shapes[name], dtype) for name in usual
    }
    gamma = jnp.asarray(neuron_rate, dtype)
    return _cell(
        layout,
        values
        | {
            "neuron_rate": gamma,
            "synapse_rate": gamma,
            "astrocyte_rate": gamma * jnp.asarray(time_scale_ratio, dtype),
            "neuron_decay": 1.0,
            "synapse_decay": 1.0,
            "astrocyte_decay": 1.0,
            "step_size": 1.0,
        },
        dtype,
        neurons_first=neurons_first,
        has_astrocytes=has_astrocytes,
        has_plastic_synapses=has_plastic_synapses,
    )


def _require_rates(neuron_rate: Any, time_scale_ratio: Any) -> None:
    if not isinstance(neuron_rate, jax.core.Tracer) and not np.all(
        (np.asarray(neuron_rate) > 0) & (np.asarray(neuron_rate) <= 1)
    ):
        raise ValueError(f"neuron_rate must lie above 0 and at most at 1, got {neuron_rate}")
    if not isinstance(time_scale_ratio, jax.core.Tracer) and not np.all(
        np.asarray(time_scale_ratio) >= 0
    ):
        raise ValueError(f"time_scale_ratio must not be negative, got {time_scale_ratio}")


__all__ = ["NeuroGliaCell", "neuroglia_cell"]
