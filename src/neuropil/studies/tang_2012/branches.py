"""Single networks followed in connection strength, through what stops the iteration."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.analysis import Branch, PseudoArclength, continuation
from neuropil.circuits import RateNetwork
from neuropil.connectivity import DenseWeights
from neuropil.meanfield import Picard, SiegertTransfer, self_consistent_rates
from neuropil.studies.tang_2012.ensemble import converged, iterate, stacked, transfer_of
from neuropil.studies.tang_2012.wiring import network
from neuropil.types import RandomKey

METHOD = PseudoArclength(
    maximum_points=300, maximum_folds=16, maximum_hopf_points=0, maximum_branch_points=0
)
REFRACTORY = ("with", "without")


def _matrices(
    configuration: Mapping[str, Any], kind: str, key: RandomKey
) -> Float[Array, "networks neurons neurons"]:
    chosen = configuration["branches"]
    keys = jax.random.split(key, chosen["networks"])
    drawn = [network(configuration, "erdos-renyi", kind, chosen["neurons"], k) for k in keys]
    return jnp.stack([jnp.asarray(one.connectome.to_dense()) for one in drawn])


def _follow(configuration: Mapping[str, Any], circuit: RateNetwork) -> Branch:
    """The branch that begins at the uncoupled network."""
    start = jnp.full(circuit.weights.n_neurons, circuit.external_input)
    return continuation(
        circuit,
        METHOD,
        start,
        parameter="strength",
        begin=0.0,
        until=configuration["branches"]["largest_strength"],
        throw=False,
    )


def _branch_variables(branches: list[Branch]) -> dict[str, tuple]:
    """Strength, mean input and stability along every branch; not a number past its end."""
    dimensions = ("network", "point")
    filled = [np.arange(METHOD.maximum_points) < int(one.n_points) for one in branches]
    return {
        "branch_strength": (dimensions, np.stack([np.asarray(b.parameter) for b in branches])),
        "branch_input": (dimensions, np.stack([np.asarray(b.state).mean(1) for b in branches])),
        "branch_stable": (
            dimensions,
            np.stack([np.asarray(b.stable) & f for b, f in zip(branches, filled, strict=True)]),
        ),
        "reached_end": ("network", np.array([bool(one.reached_end) for one in branches])),
        "fold_strength": (
            ("network", "fold"),
            np.stack([np.asarray(one.fold_parameter) for one in branches]),
        ),
    }


def run_mixed(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Mixed networks followed to the largest strength, whether or not the iteration converges.

    Where the iteration fails from the branch's own neighbourhood, the spectral radius of its
    Jacobian there says whether that is because it has lost its stability.
    """
    wiring_key, start_key = jax.random.split(key)
    matrices = _matrices(configuration, "mixed", wiring_key)
    transfer = transfer_of(configuration)
    shape = (matrices.shape[0], 1, matrices.shape[1])
    starts = configuration["ensemble"]["largest_start"] * jax.random.uniform(start_key, shape)
    batch = stacked(configuration, transfer, matrices)
    failed = ~converged(iterate(configuration, batch, starts))[:, 0]
    branches = [
        _follow(
            configuration, RateNetwork(DenseWeights(m), transfer, configuration["external_input"])
        )
        for m in matrices
    ]
    radius = np.stack([_radius(transfer, m, b) for m, b in zip(matrices, branches, strict=True)])
    strengths = np.asarray(configuration["strengths"])
    unstable = []
    for one, lost, along in zip(branches, failed, radius, strict=True):
        reached = np.asarray(one.parameter)
        nearest = np.nanargmin(np.abs(reached[None] - strengths[:, None]), axis=1)
        unstable += list(along[nearest[lost]] > 1)
    return xr.Dataset(
        {
            **_branch_variables(branches),
            "branch_radius": (("network", "point"), radius),
            "iteration_failed": (("network", "strength"), failed),
            "iteration_unstable_where_failed": ("failure", np.array(unstable, bool)),
        },
        coords={"strength": strengths},
    )


def _radius(
    transfer: SiegertTransfer, matrix: Float[Array, "neurons neurons"], branch: Branch
) -> Float[np.ndarray, " points"]:
    """Spectral radius of g W diag(r') along a branch: above one the iteration is unstable."""
    points = int(branch.n_points)
    radius = np.full(branch.parameter.size, np.nan)
    slopes = np.asarray(transfer.derivative(branch.state[:points]))
    strengths = np.asarray(branch.parameter)[:points, None, None]
    jacobians = strengths * np.asarray(matrix)[None] * slopes[:, None, :]
    radius[:points] = np.abs(np.linalg.eigvals(jacobians)).max(axis=1)
    return radius


def run_bistable(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Excitatory networks with a weaker drive: two folds, and two limits between them."""
    chosen = configuration["branches"]
    matrices = _matrices(configuration, "excitatory", key)
    transfer = transfer_of(configuration, noise=chosen["bistable_noise"])
    drive = chosen["bistable_external_input"]
    branches, distinct = [], []
    for matrix in matrices:
        circuit = RateNetwork(DenseWeights(matrix), transfer, drive)
        branch = _follow(configuration, circuit)
        branches.append(branch)
        folds = np.asarray(branch.fold_parameter)[: int(branch.n_folds)]
        middle = float(folds.mean()) if folds.size else chosen["largest_strength"] / 2
        ends = jnp.stack([jnp.full(matrix.shape[0], level) for level in (drive, 2000.0)])
        solution = self_consistent_rates(
            circuit, Picard(maximum_steps=5000), ends, strengths=[middle], separation=1e-4
        )
        distinct.append(int(solution.number_found()[0]))
    variables = _branch_variables(branches)
    dimensions, folds = variables.pop("fold_strength")
    # The branch turns back at the upper fold first, and forward again at the lower one.
    return xr.Dataset(
        {
            **variables,
            "fold_strength": (dimensions, np.sort(folds, axis=1)[:, :2]),
            "distinct_limits": ("network", np.array(distinct)),
        }
    )


def run_saturation(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Excitatory networks with and without a refractory period, which is what bounds the rate.

    Without it r(E) approaches E / (tau (V_th - V_r)), and inputs run away where the strength
    reaches tau (V_th - V_r) over the spectral radius of the weights.
    """
    matrices = _matrices(configuration, "excitatory", key)
    strengths = np.asarray(configuration["strengths"])
    neuron = configuration["neuron"]
    in_degree = np.asarray(matrices.sum(axis=2))
    slopes, largest, examples = [], [], []
    for changes in ({}, {"refractory_period": 0.0}):
        transfer = transfer_of(configuration, **changes)
        batch = stacked(configuration, transfer, matrices)
        starts = jnp.full(
            (matrices.shape[0], 1, matrices.shape[1]), configuration["external_input"]
        )
        solution = iterate(configuration, batch, starts)
        found = converged(solution)[:, 0]
        inputs = np.where(found[..., None], np.asarray(solution.input)[:, 0], np.nan)
        largest.append(np.max(np.where(found, strengths, 0.0), axis=1))
        examples.append(inputs.mean(axis=2))
        upper = strengths >= strengths[-1] / 2
        slope = (inputs[:, -1] - inputs[:, upper][:, 0]) / np.ptp(strengths[upper])
        slopes.append(np.mean(slope * neuron["refractory_period"] / in_degree, axis=1))
    radius = np.abs(np.linalg.eigvals(np.asarray(matrices))).max(axis=1)
    return xr.Dataset(
        {
            "slope_over_ceiling": (("refractory", "network"), np.stack(slopes)),
            "largest_strength": (("refractory", "network"), np.stack(largest)),
            "mean_input": (("refractory", "network", "strength"), np.stack(examples)),
            "predicted_runaway": (
                "network",
                neuron["membrane_time_constant"] * (neuron["threshold"] - neuron["reset"]) / radius,
            ),
        },
        coords={"refractory": list(REFRACTORY), "strength": strengths},
    )
