"""Any network of one hidden layer as a wave of astrocytes that computes the same function.

Peterson's Theorem II.2 ("What can astrocytes compute?") turns astrocytes into neurons; that waves
approximate everything needs the other direction, which is built here.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from neuropil.learning.astrocyte.network import AstrocyteNetwork
from neuropil.learning.astrocyte.steps import WaveStep, identity
from neuropil.learning.astrocyte.systolic import Move, Region, product_moves, trimming_moves
from neuropil.learning.astrocyte.transport import (
    LINEAR_TRANSPORT,
    AbstractTransport,
    Code,
    LinearTransport,
)
from neuropil.learning.astrocyte.two_layer import TwoLayerNetwork
from neuropil.learning.astrocyte.wiring import AbstractWiring, Gather, Slide, Spread

SMALLEST_SCALE = 2.0**-40
RAW = Code(0.0, 1.0, 0.0, 1.0)


class AstrocyteEquivalent(NamedTuple):
    """A wave that computes what a two-layer network computes, and how well.

    No output differs by more than `error_bound` from the two-layer network for inputs within the
    stated bound, round-off aside; it is 0 for exact transport. `scale` is the factor on signals
    in transit.
    """

    network: AstrocyteNetwork
    error_bound: float
    scale: float

    @property
    def depth(self) -> int:
        """Steps."""
        return len(self.network.steps)

    @property
    def n_cells(self) -> int:
        """Cells of all layers, input and output among them."""
        return self.network.n_cells

    @property
    def width(self) -> int:
        """Cells of the widest layer."""
        return max(cells[0] for cells in self.network.widths)


def to_astrocytes(
    network: TwoLayerNetwork | eqx.nn.MLP,
    *,
    neighbours: int = 3,
    transport: AbstractTransport = LINEAR_TRANSPORT,
    inputs_within: float = 1.0,
    tolerance: float = 1e-6,
) -> AstrocyteEquivalent:
    """A network of spreads, slides and gathers that computes the same function.

    Inputs stream past accumulators, each pair of which meets once as neighbours (`systolic`);
    then all hidden units apply their activation in one step, and stream past the outputs. From n
    inputs over r hidden units to p outputs, at k = `neighbours`, this takes
    ceil((n + r - 1) / h) + ceil((r + p - 1) / h) steps, h = (k - 1) // 2, and gathers that cut
    what is left over, at most ceil(max(n, r + p) / (2 h)) before the second half and as many
    behind it. An even k is used as k - 1.

    With the default transport all other steps are linear and the result is exact to round-off.
    With `RectifiedTransport` or a `SmoothTransport` every step but the last has the activation
    of the hidden units. The first is exact for |x_i| <= `inputs_within`; for the second, signals
    are scaled by a power of two at which the error bound, followed through all steps, is at most
    `tolerance`.

    Raises `ValueError` for fewer than 3 neighbours, for a transport whose activation is not the
    network's, and for a tolerance that no scale down to 2^-40 reaches.
    """
    two_layer = (
        network
        if isinstance(network, TwoLayerNetwork)
        else TwoLayerNetwork.from_perceptron(network)
    )
    _require(two_layer, neighbours, transport, inputs_within, tolerance)
    moves = _moves(two_layer, (neighbours - 1) // 2)
    scale = 1.0
    largest, error = _followed(moves, two_layer, transport, inputs_within, scale)
    while error > tolerance:
        scale /= 2
        if scale < SMALLEST_SCALE:
            raise ValueError(
                f"tolerance must be at least what scaled signals reach, {error:.3g} here, "
                f"got {tolerance}"
            )
        largest, error = _followed(moves, two_layer, transport, inputs_within, scale)
    steps = _steps(moves, two_layer, transport, transport.code(largest, scale))
    return AstrocyteEquivalent(AstrocyteNetwork(tuple(steps)), error, scale)


def _require(
    network: TwoLayerNetwork,
    neighbours: int,
    transport: AbstractTransport,
    inputs_within: float,
    tolerance: float,
) -> None:
    if neighbours < 3:
        raise ValueError(
            f"neighbours must be at least 3, or signals cannot pass each other, got {neighbours}"
        )
    for name, value in (("inputs_within", inputs_within), ("tolerance", tolerance)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be finite and positive, got {value}")
    if isinstance(transport, LinearTransport):
        return
    probe = jnp.linspace(-4.0, 4.0, 33)
    expected, found = network.activation(probe), transport.activation(probe)
    if not np.allclose(expected, found, rtol=0, atol=1e-12):
        raise ValueError(
            "transport must have the activation of the network's hidden units, "
            f"got {transport.activation} for {network.activation}"
        )


def _moves(network: TwoLayerNetwork, reach: int) -> list[Move]:
    n, r, p = network.n_inputs, network.n_hidden, network.n_outputs
    first = np.asarray(network.input_weights), np.asarray(network.input_bias)
    second = np.asarray(network.output_weights), np.asarray(network.output_bias)
    into, region = product_moves(*first, Region(1, n), reach, hidden=True)
    # Outputs come in from the right and need as much room there; the rest is cut at once, so
    # that later layers are small. What is left over at the left is cut on the way where it can.
    room = Region(region.first, min(region.last, max(r, r + p - 1)))
    between, region = trimming_moves(region, room, Region(1, r), reach)
    out, region = product_moves(*second, region, reach, hidden=False)
    behind, _ = trimming_moves(region, Region(1, p), Region(1, p), reach)
    return [*into, *between, *out, *behind]


def _followed(
    moves: list[Move],
    network: TwoLayerNetwork,
    transport: AbstractTransport,
    inputs_within: float,
    scale: float,
) -> tuple[float, float]:
    """Largest signal in transit, and the bound on the error of any output.

    A step multiplies bounds by the absolute values of its weights; a cell in transit adds its
    remainder, and hidden units stretch errors by at most the Lipschitz constant.
    """
    largest_of_all = 0.0
    size: np.ndarray = np.full(network.n_inputs, inputs_within)
    error: np.ndarray = np.zeros(network.n_inputs)
    at_rest = float(np.max(np.abs(network.activation(jnp.zeros(1)))))
    for number, move in enumerate(moves):
        weight = np.abs(move.weight)
        after, before = move.after - move.first_after, move.before - move.first_before
        size = np.bincount(after, weight * size[before], move.n_after) + np.abs(move.bias)
        error = np.bincount(after, weight * error[before], move.n_after)
        if move.hidden:
            if transport.is_exact and not np.isfinite(transport.lipschitz):
                return 0.0, 0.0
            size = at_rest + transport.lipschitz * size
            error = transport.lipschitz * error
        elif number < len(moves) - 1:
            largest_of_all = max(largest_of_all, float(np.max(size)))
            error = error + transport.remainder(size + error, scale)
        if np.max(error) > 1 + np.max(size):
            # Signals that large are far from where the activation is straight.
            return largest_of_all, float("inf")
    return largest_of_all, float(np.max(error))


def _steps(
    moves: list[Move], network: TwoLayerNetwork, transport: AbstractTransport, coded: Code
) -> list[WaveStep]:
    steps = []
    arriving = RAW
    for number, move in enumerate(moves):
        plain = move.hidden or number == len(moves) - 1
        code = RAW if plain else coded
        activation = network.activation if move.hidden else transport.activation
        if number == len(moves) - 1 and not move.hidden:
            activation = identity
        factor = code.input_scale / arriving.output_scale
        weight = move.weight * factor
        taken_out = np.bincount(
            move.after - move.first_after, weight * arriving.output_offset, move.n_after
        )
        bias = code.input_offset + code.input_scale * move.bias - taken_out
        wiring, bands = _bands(move, weight)
        steps.append(
            WaveStep(
                wiring=wiring,
                bands=jnp.asarray(bands),
                bias=jnp.asarray(bias) if np.any(bias) else None,
                activation=activation,
            )
        )
        arriving = code
    return steps


def _bands(
    move: Move, weight: Float[np.ndarray, " places"]
) -> tuple[AbstractWiring, Float[np.ndarray, "neighbours owners"]]:
    after, before = move.after - move.first_after, move.before - move.first_before
    wiring: AbstractWiring
    if move.letter == "s":
        wiring = Spread((move.n_before,), move.neighbours)
        owner, place = before, after - before
    elif move.letter == "d":
        wiring = Slide((move.n_before,), move.neighbours)
        owner, place = after, before - after + (move.neighbours - 1) // 2
    else:
        wiring = Gather((move.n_before,), move.neighbours)
        owner, place = after, before - after
    bands = np.zeros((move.neighbours, wiring.owners[0]))
    bands[place, owner] = weight
    return wiring, bands


__all__ = ["AstrocyteEquivalent", "to_astrocytes"]
