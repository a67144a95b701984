"""A study of a moment's work: the mean of normal numbers, in four shards.

The environment variable TOY_STUDY_STOPS_AT=<index>:<file> makes that shard touch the file and
then wait to be killed; TOY_STUDY_BREAKS_AT=<index> makes it raise.
"""

import os
import time
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neuropil.studies import AbstractStudy, Claim, DrawnFigure, Shard, Verdict

SHARDS = 4


class ToyStudy(AbstractStudy):
    """The mean of standard normal numbers is zero, and their variance is said to be two."""

    name = "toy-2001"
    title = "The mean of normal numbers"
    source = "Nobody (2001), <Journal of Examples>"

    def configuration(self, scale):
        return {"scale": scale, "draws": 50 if scale == "quick" else 200, "shift": 0.25}

    def shards(self, configuration):
        return [Shard(index, f"part-{index}") for index in range(SHARDS)]

    def run_shard(self, configuration, index, key):
        stop, _, signal = os.environ.get("TOY_STUDY_STOPS_AT", "").partition(":")
        if stop == str(index):
            Path(signal).touch()
            time.sleep(600)
        if os.environ.get("TOY_STUDY_BREAKS_AT") == str(index):
            raise ArithmeticError("the numbers ran out")
        draws = jax.random.normal(key, (configuration["draws"],), float)
        return xr.Dataset(
            {
                "draws": ("draw", draws + configuration["shift"], {"unit": "mV"}),
                "label": ("kind", np.array(["excitatory", "inhibitory"])),
                "gap": ("kind", np.array([np.nan, 1.0])),
            },
            attrs={"index": index},
        )

    def claims(self, configuration, results):
        draws = np.concatenate([data["draws"].values for data in results.values()])
        error = draws.std() / np.sqrt(draws.size)
        near = abs(draws.mean() - configuration["shift"]) < 5 * error
        return [
            Claim(
                identifier="mean",
                where="page 1",
                statement="The mean is the shift.",
                published="0.25",
                measured=f"{draws.mean():.3f} ± {error:.3f}",
                rule="within five standard errors",
                verdict=Verdict.REPRODUCED if near else Verdict.NOT_REPRODUCED,
                explanation="" if near else "the mean is elsewhere",
                values={"mean": float(draws.mean()), "nothing": float("nan")},
            ),
            Claim(
                identifier="variance",
                where="page 2",
                statement="The variance is 2 & <b>not</b> 1.",
                published="2",
                measured=f"{draws.var():.2f}",
                rule="within 10 %",
                verdict=Verdict.NOT_REPRODUCED,
                explanation="Standard normal numbers have variance one.",
            ),
            Claim(
                identifier="tail",
                where="page 3",
                statement="One draw in a billion exceeds six.",
                published="1e-9",
                measured="",
                rule="a count",
                verdict=Verdict.NOT_TESTED,
                explanation="It needs a billion draws.",
            ),
        ]

    def figures(self, configuration, results):
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        for name, data in results.items():
            axes.plot(data["draws"].values, label=name)
        axes.legend()
        yield DrawnFigure("draws", "All draws of <all> shards.", figure, "Four noisy lines.")


STUDY = ToyStudy()
