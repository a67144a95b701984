"""The five-cell form of the stomatogastric ganglion, at the published step and at a fine one."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.circuits import HUB, StomatogastricHub
from neuropil.inference import Behaviour, Interval, Support, reweighted
from neuropil.simulate import euler_path, oscillation_frequency
from neuropil.studies.bittner_2018.answers import stored
from neuropil.types import RandomKey

SPACING = 25.0
"""Of the samples in ms, which is the published step of integration."""


def hub_frequency(
    parameters: Mapping[str, Float[Array, ""]], *, divisions: int, samples: int
) -> dict[str, Float[Array, ""]]:
    """Frequency of the hub in Hz, integrated with `divisions` steps a sample, without noise."""
    circuit = StomatogastricHub(parameters["electrical"], parameters["inhibition"])
    path = euler_path(
        circuit,
        circuit.published_start(),
        step=SPACING / divisions,
        n_steps=samples * divisions,
        save_every=divisions,
    )
    return {"frequency": oscillation_frequency(path[:, HUB], SPACING)}


@eqx.filter_jit
def _frequencies(
    parameters: dict[str, Float[Array, " sets"]], divisions: int, samples: int
) -> Float[Array, " sets"]:
    def one(each: dict[str, Float[Array, ""]]) -> Float[Array, ""]:
        return hub_frequency(each, divisions=divisions, samples=samples)["frequency"]

    return jax.lax.map(one, parameters, batch_size=2048)


def run_hub(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The same draws at both steps, weighted so that the hub has its intermediate frequency."""
    numbers = configuration["hub"]
    (low, high), (least, most) = numbers["electrical"], numbers["inhibition"]
    support = Support(
        {
            "electrical": Interval(low, high, unit="nS"),
            "inhibition": Interval(least, most, unit="nS"),
        }
    )
    drawn = jax.vmap(support.parameters)(support.draw(key, numbers["draws"]))
    found, answers = {}, {}
    for name, divisions in numbers["divisions"].items():
        found[name] = np.asarray(_frequencies(drawn, divisions, numbers["samples"]))
        behaviour = Behaviour(
            lambda parameters, divisions=divisions: hub_frequency(
                parameters, divisions=divisions, samples=numbers["samples"]
            ),
            {"frequency": numbers["mean"]},
            variances={"frequency": numbers["deviation"] ** 2},
            units={"frequency": "Hz"},
        )
        answers[name] = reweighted(behaviour, support, drawn, {"frequency": found[name]})
    kept = slice(0, numbers["stored"])
    shift = np.abs(found["published"] - found["fine"])
    weights = np.exp(answers["published"].log_weights)
    count = len(weights)
    at_fine = float(weights @ found["fine"][:count])
    spread = float(np.sqrt(weights @ (found["fine"][:count] - at_fine) ** 2))
    table = xr.Dataset(
        {
            "shift_median": ((), float(np.nanmedian(shift)), {"units": "Hz"}),
            "shift_high": ((), float(np.nanquantile(shift, 0.95)), {"units": "Hz"}),
            "fine_mean_of_published": ((), at_fine, {"units": "Hz"}),
            "fine_deviation_of_published": ((), spread, {"units": "Hz"}),
            "frequency": (
                ("step_size", "draw"),
                np.stack([found[name][kept] for name in found]),
                {"units": "Hz"},
            ),
            "electrical": ("draw", np.asarray(drawn["electrical"])[kept], {"units": "nS"}),
            "inhibition": ("draw", np.asarray(drawn["inhibition"])[kept], {"units": "nS"}),
        },
        {"step_size": list(found)},
    )
    both = xr.concat(
        [stored(answers[name]).drop_dims("step") for name in found],
        xr.DataArray(list(found), dims="step_size", name="step_size"),
        coords="minimal",
        compat="override",
    )
    return xr.merge([both, table])


__all__ = ["hub_frequency", "run_hub"]
