"""Second-order networks (SONETs) with rates as unequal as one likes: theory, and fresh networks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.circuits import LeakyIntegrateAndFire, RateNetwork
from neuropil.connectivity import DenseWeights, sonet
from neuropil.inference import (
    Behaviour,
    BlackBox,
    Interval,
    NaturalPath,
    Support,
    maximum_entropy,
    reweighted,
)
from neuropil.meanfield import Picard, SiegertTransfer, self_consistent_rates
from neuropil.result import Outcome
from neuropil.studies.bittner_2018.reduced_rates import RateTable, Theory, rate_table, reduced_rates
from neuropil.studies.bittner_2018.two_ways import answer_coordinates, answer_variables
from neuropil.types import RandomKey

PARAMETERS = ("connection_probability", "convergent", "chain", "coupling")
STATISTICS = ("mean_rate", "variation")


@eqx.filter_jit
def _batched(theory: Theory, *values: Float[Array, " wirings"]) -> dict[str, Array]:
    return jax.vmap(lambda *each: reduced_rates(theory, *each))(*values)


def reduced_statistics(
    theory: Theory, parameters: Mapping[str, Any]
) -> dict[str, Float[np.ndarray, " wirings"]]:
    """`reduced_rates` of many wirings at once, by parameter name."""
    found = _batched(theory, *(jnp.asarray(parameters[name]) for name in PARAMETERS))
    return {name: np.asarray(found[name]) for name in STATISTICS}


def run_heterogeneous_rates(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The distribution of wirings by the rates they cause, and fresh networks drawn from it."""
    settings = configuration["heterogeneous_rates"]
    theory = theory_of(settings, transfer_of(settings))
    statistics = partial(reduced_statistics, theory)
    units = {"coupling": "mV ms"}
    support = Support(
        {
            name: Interval(low, high, unit=units.get(name, ""))
            for name, (low, high) in settings["ranges"].items()
        }
    )
    behaviour = Behaviour(
        BlackBox(statistics, batched=True),
        {name: settings[name] for name in STATISTICS},
        variances={name: settings[f"deviation_of_{name}"] ** 2 for name in STATISTICS},
        units={"mean_rate": "Hz"},
    )
    path_key, draw_key, sample_key, network_key = jax.random.split(key, 4)
    method = NaturalPath(particles=settings["particles"])
    found = maximum_entropy(behaviour, support, method, key=path_key, throw=False)
    drawn = {
        name: np.asarray(value)
        for name, value in jax.vmap(support.parameters)(
            support.draw(draw_key, settings["drawn"])
        ).items()
    }
    recorded = statistics(drawn)
    weighed = reweighted(behaviour, support, drawn, recorded)
    sample = found.sample(sample_key, settings["stored"])
    predicted = statistics(sample)
    count = settings["networks"]
    fresh = fresh_networks(
        settings, theory.table, {name: sample[name][:count] for name in PARAMETERS}, network_key
    )
    stored = slice(settings["stored"])
    return xr.Dataset(
        {
            "value": (("sample", "parameter"), _table(sample, PARAMETERS)),
            "predicted": (("sample", "statistic"), _table(predicted, STATISTICS)),
            "drawn_value": (("draw", "parameter"), _table(drawn, PARAMETERS)[stored]),
            "drawn": (("draw", "statistic"), _table(recorded, STATISTICS)[stored]),
            "measured": (("network", "statistic"), fresh),
            "target": ("statistic", [settings[name] for name in STATISTICS]),
            "deviation": ("statistic", [settings[f"deviation_of_{name}"] for name in STATISTICS]),
            **answer_variables(found, weighed),
        },
        coords={"parameter": list(PARAMETERS), "statistic": list(STATISTICS)},
        attrs={"neurons": settings["neurons"], "mean_rate_unit": "Hz", "coupling_unit": "mV ms"},
    ).assign_coords(answer_coordinates(found))


def transfer_of(settings: Mapping[str, Any]) -> SiegertTransfer:
    """The rate function of the study's neuron."""
    return SiegertTransfer(LeakyIntegrateAndFire(**settings["neuron"]))


def theory_of(settings: Mapping[str, Any], transfer: SiegertTransfer) -> Theory:
    """The reduced theory for networks of the study's size."""
    drive, neurons = settings["external_input"], settings["neurons"]
    return Theory(rate_table(transfer), jnp.asarray(drive), jnp.asarray(float(neurons)))


def fresh_networks(
    settings: Mapping[str, Any],
    table: RateTable,
    parameters: Mapping[str, Float[np.ndarray, " networks"]],
    key: RandomKey,
) -> Float[np.ndarray, "networks statistics"]:
    """Mean rate (Hz) and coefficient of variation in one network for each parameter set.

    NaN where the rates of a network do not settle.
    """
    method = Picard(tolerance=1e-6, maximum_steps=1000)
    n = settings["neurons"]
    rows = zip(*(parameters[name] for name in PARAMETERS), strict=True)
    measured = []
    for number, (probability, convergent, chain, coupling) in enumerate(rows):
        graph = sonet(
            n,
            float(probability),
            convergent=float(convergent),
            divergent=float(convergent),
            chain=float(chain),
            key=jax.random.fold_in(key, number),
        )
        strength = float(coupling) / (float(probability) * n)
        network = RateNetwork(
            DenseWeights(jnp.asarray(graph.connectome.to_dense())),
            table,
            settings["external_input"],
            strength,
        )
        found = self_consistent_rates(network, method, throw=False)
        rate = 1000.0 * np.asarray(found.rate)
        solved = int(found.outcome) == Outcome.SUCCESSFUL
        measured.append([rate.mean(), rate.std() / rate.mean()] if solved else [np.nan, np.nan])
    return np.array(measured)


def _table(
    values: Mapping[str, Float[np.ndarray, " sets"]], names: tuple[str, ...]
) -> Float[np.ndarray, "sets names"]:
    return np.stack([np.asarray(values[name]) for name in names], axis=1)


__all__ = [
    "PARAMETERS",
    "STATISTICS",
    "fresh_networks",
    "reduced_statistics",
    "run_heterogeneous_rates",
    "theory_of",
    "transfer_of",
]
