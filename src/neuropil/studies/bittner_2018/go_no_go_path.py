"""Go/No-Go once more, along natural parameters: a second way to the weighted draws' answer."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neuropil.inference import Behaviour, BlackBox, NaturalPath, maximum_entropy
from neuropil.studies.bittner_2018.answers import stored
from neuropil.studies.bittner_2018.go_no_go import behaviour, responses, support
from neuropil.types import RandomKey


def run_go_no_go_path(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """Entropy, natural parameters and constraints, from particles that move without gradients.

    A response ends where its branch folds, and has no gradient there: particles move by
    what they learn from each other.
    """
    numbers = configuration["go_no_go"]
    stimuli = jnp.asarray(numbers["stimuli"])

    def statistics(
        parameters: Mapping[str, Float[np.ndarray, " draws"]],
    ) -> dict[str, Float[np.ndarray, " draws"]]:
        found = responses(
            jax.tree.map(jnp.asarray, dict(parameters)), stimuli, numbers["deviation_input"]
        )
        go, square = np.asarray(found.go), np.asarray(found.no_go) ** 2
        return {"go": np.where(np.isfinite(square), go, np.nan), "no_go_square": square}

    weighed = behaviour(configuration)
    asked = Behaviour(
        BlackBox(statistics, batched=True),
        {"go": numbers["go_mean"]},
        variances=weighed.variances,
        at_most=weighed.at_most,
        tolerance=weighed.tolerance,
    )
    method = NaturalPath(particles=numbers["particles"], sweeps=1, most_moves=4)
    answer = maximum_entropy(
        asked, support(configuration), method, key=key, check=False, throw=False
    )
    return stored(answer)


__all__ = ["run_go_no_go_path"]
