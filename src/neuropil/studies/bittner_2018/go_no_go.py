"""Networks of rank one that answer one stimulus and not another, by mean-field theory."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neuropil.circuits import RankOneStatistics, sample_low_rank_network
from neuropil.inference import (
    Behaviour,
    Interval,
    ParameterDistribution,
    Support,
    reweighted,
)
from neuropil.meanfield import (
    HighestBranch,
    LowestBranch,
    MeanFieldIteration,
    StationaryBranches,
    iterate_mean_field,
    stationary_branches,
)
from neuropil.simulate import euler_path
from neuropil.studies.bittner_2018.answers import stored
from neuropil.types import RandomKey

STATISTICS = ("go", "no_go_square")
_BATCH = 256
_START = (0.0, 0.0, 1.0)


class Response(eqx.Module):
    """What a network does without and with its stimulus, by every branch and by the chosen one.

    `no_go` is the overlap on the lowest attracting branch, `go` on the highest; not a number
    where the network does not rest there. `silent_growth` is the growth rate in 1/tau around
    kappa = 0 without a stimulus; `branches` are the overlaps of all branches (stimulus, branch),
    `rests` whether each is stable.
    """

    no_go: Float[Array, ""]
    go: Float[Array, ""]
    silent_growth: Float[Array, ""]
    branches: Float[Array, "2 branches"]
    rests: Array


def support(configuration: Mapping[str, Any]) -> Support:
    """z = (M_m, M_n, Sigma_m, Sigma_n, g), without units."""
    ranges = configuration["go_no_go"]["ranges"]
    return Support({name: Interval(*ends) for name, ends in ranges.items()})


def behaviour(configuration: Mapping[str, Any], *, silent: bool = True) -> Behaviour:
    """Mean and variance of the response; with `silent` little of it without a stimulus."""
    numbers = configuration["go_no_go"]
    return Behaviour(
        no_statistics,
        {"go": numbers["go_mean"]},
        variances={"go": numbers["go_variance"]},
        at_most={"no_go_square": numbers["no_go_square"]} if silent else None,
        tolerance=numbers["tolerance"],
    )


def no_statistics(parameters: Mapping[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
    """A stand-in: statistics are looked up in the table of draws."""
    del parameters
    return dict.fromkeys(STATISTICS, jnp.asarray(jnp.nan))


def network(
    parameters: Mapping[str, Float[Array, ""]], covariance: Float[Array, ""] | float, noise: float
) -> RankOneStatistics:
    """The network with an input that covaries with n as a stimulus makes it."""
    return RankOneStatistics(
        **parameters,
        covariance_n_input=jnp.asarray(covariance, float),
        deviation_input=jnp.asarray(noise, float),
    )


def response(
    parameters: Mapping[str, Float[Array, ""]], stimuli: Float[Array, " 2"], noise: float
) -> Response:
    """All branches of one network under both stimuli."""

    def solved(covariance: Float[Array, ""]) -> StationaryBranches:
        return stationary_branches(network(parameters, covariance, noise), throw=False)

    found = jax.vmap(solved)(stimuli)
    rests, attracts = found.is_stable, found.attracts
    chosen = []
    for place, choice in enumerate((LowestBranch(), HighestBranch())):
        number = choice.choose(found.overlap[place], found.exists[place], attracts[place])
        overlap = found.overlap[place, number]
        chosen.append(jnp.where(rests[place, number], overlap, jnp.nan))
    silent = jnp.nanargmin(jnp.abs(found.overlap[0]))
    return Response(chosen[0], chosen[1], found.growth_rate[0, silent], found.overlap, rests)


@eqx.filter_jit
def responses(
    parameters: Mapping[str, Float[Array, " draws"]], stimuli: Float[Array, " 2"], noise: float
) -> Response:
    """`response` of many networks."""
    return jax.lax.map(lambda each: response(each, stimuli, noise), parameters, batch_size=_BATCH)


@eqx.filter_jit
def iterated(
    parameters: Mapping[str, Float[Array, " draws"]], noise: float
) -> Float[Array, " draws"]:
    """Where the published iteration ends without a stimulus when it starts from kappa = 0."""

    def end(each: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
        found = iterate_mean_field(
            network(each, 0.0, noise), MeanFieldIteration(), _START, throw=False
        )
        return found.overlap

    return jax.vmap(end)(parameters)


def run_go_no_go(configuration: Mapping[str, Any], key: RandomKey) -> xr.Dataset:
    """The trap, the problem on stable branches, and finite networks.

    The statistics of every draw are solved once; the answer weights the draws.
    """
    numbers = configuration["go_no_go"]
    noise = numbers["deviation_input"]
    draw_key, choose_key, network_key = jax.random.split(key, 3)
    asked = support(configuration)
    parameters = jax.vmap(asked.parameters)(asked.draw(draw_key, numbers["draws"]))
    stimuli = jnp.asarray(numbers["stimuli"])
    found = responses(parameters, stimuli, noise)
    table = {"go": np.asarray(found.go), "no_go_square": np.asarray(found.no_go) ** 2}
    # Either statistic without the other would leave networks in that have no such state.
    rests = np.isfinite(table["go"]) & np.isfinite(table["no_go_square"])
    table = {name: np.where(rests, values, np.nan) for name, values in table.items()}
    answer = reweighted(behaviour(configuration), asked, parameters, table)
    vacuous = reweighted(behaviour(configuration, silent=False), asked, parameters, table)
    few = numbers["stored_draws"]
    first = {name: values[:few] for name, values in parameters.items()}
    of_draws = xr.Dataset(
        {
            "draw_parameter": (
                ("trial", "parameter"),
                np.stack([first[name] for name in asked.names], axis=1),
            ),
            "iterated": ("trial", np.asarray(iterated(first, noise))),
            "silent_growth": (
                "trial",
                np.asarray(found.silent_growth)[:few],
                {"units": "1/tau"},
            ),
            "branch_overlap": (
                ("trial", "stimulus", "branch"),
                np.asarray(found.branches)[:few],
            ),
            "branch_rests": (("trial", "stimulus", "branch"), np.asarray(found.rests)[:few]),
            "draws": ((), numbers["draws"]),
            "draws_at_rest": ((), int(rests.sum())),
            "draws_unstable_at_zero": ((), int((np.asarray(found.silent_growth) > 0).sum())),
            "effective_samples": ((), answer.effective_samples),
            "vacuous_entropy": ((), vacuous.entropy.value, {"units": "nats"}),
            "vacuous_entropy_error": ((), vacuous.entropy.standard_error, {"units": "nats"}),
            "vacuous_bistable": ((), _share_not_silent(vacuous, table)),
            "bistable": ((), _share_not_silent(answer, table)),
        },
        {"stimulus": numbers["stimuli"], "parameter": list(asked.names)},
    )
    chosen = sampled(answer, table, choose_key, configuration["samples"])
    finite = finite_networks(configuration, chosen, network_key)
    reference = reference_branches(numbers)
    return xr.merge([stored(answer), of_draws, chosen, finite, reference])


def _share_not_silent(answer: ParameterDistribution, table: Mapping[str, np.ndarray]) -> float:
    """The probability of a network that has a state other than silence without a stimulus."""
    square = table["no_go_square"][np.isfinite(table["no_go_square"])][: len(answer.log_weights)]
    return float(np.exp(answer.log_weights) @ (square > 1e-8))


def sampled(
    answer: ParameterDistribution, table: Mapping[str, np.ndarray], key: RandomKey, most: int
) -> xr.Dataset:
    """Draws without weights, as many as the weights carry, with their statistics.

    One of large weight is drawn again and again, as often as its weight says.
    """
    names = answer.problem.support.names
    count = min(most, int(answer.effective_samples))
    levels = (np.arange(count) + float(jax.random.uniform(key))) / count
    chosen = np.searchsorted(np.cumsum(np.exp(answer.log_weights)), levels)
    # In no order, so that the first few are a sample, too.
    chosen = np.random.default_rng(0).permutation(np.minimum(chosen, len(answer.log_weights) - 1))
    rests = np.isfinite(table["go"])
    parameters = answer.parameters
    values = np.stack([parameters[name][chosen] for name in names], axis=1)
    return xr.Dataset(
        {
            "sample": (("draw", "parameter"), values),
            "statistic": (
                ("draw", "name"),
                np.stack([table[name][rests][chosen] for name in STATISTICS], axis=1),
            ),
        },
        {"parameter": list(names), "name": list(STATISTICS)},
    )


def reference_branches(numbers: Mapping[str, Any]) -> xr.Dataset:
    """The branches at the parameters from which the published targets were taken."""
    parameters = {
        name: jnp.asarray([value])
        for name, value in zip(numbers["ranges"], numbers["reference_point"], strict=True)
    }
    found = responses(parameters, jnp.asarray(numbers["stimuli"]), numbers["deviation_input"])
    return xr.Dataset(
        {
            "reference_overlap": (("stimulus", "branch"), np.asarray(found.branches)[0]),
            "reference_rests": (("stimulus", "branch"), np.asarray(found.rests)[0]),
        }
    )


def finite_networks(
    configuration: Mapping[str, Any], samples: xr.Dataset, key: RandomKey
) -> xr.Dataset:
    """Overlaps of simulated networks of growing size at some of the samples.

    Without the stimulus a network starts at its input, with it on the branch that is expected.
    """
    numbers = configuration["go_no_go"]
    sizes, count = numbers["sizes"], numbers["networks"]
    names = samples["parameter"].values.tolist()
    expected = samples["statistic"].sel(name="go").values[:count]
    measured = np.empty((len(sizes), count, 2))
    for place, size in enumerate(sizes):
        for number in range(count):
            values = jnp.asarray(samples["sample"].values[number])
            parameters = dict(zip(names, values, strict=True))
            draw = jax.random.fold_in(jax.random.fold_in(key, place), number)
            for stimulus, covariance in enumerate(numbers["stimuli"]):
                statistics = network(parameters, covariance, numbers["deviation_input"])
                start = expected[number] if stimulus else 0.0
                measured[place, number, stimulus] = resting_overlaps(
                    statistics, size, numbers, start, draw
                )[0]
    return xr.Dataset(
        {
            "measured_overlap": (("size", "network", "stimulus"), measured),
            "expected_overlap": (
                ("network", "stimulus"),
                np.stack(
                    [-np.sqrt(samples["statistic"].sel(name="no_go_square")[:count]), expected],
                    axis=1,
                ),
            ),
        },
        {"size": sizes},
    )


def resting_overlaps(
    statistics: RankOneStatistics,
    neurons: int,
    numbers: Mapping[str, Any],
    start: float,
    key: RandomKey,
) -> Float[np.ndarray, " 2"]:
    """kappa = <n phi> and the readout <m phi> where a drawn network comes to rest.

    It starts from the state x = m kappa + I with kappa = `start`.
    """
    drawn = sample_low_rank_network(statistics, neurons, key=key)
    steps = round(numbers["duration"] / numbers["step"])
    begin = drawn.m[:, 0] * start + drawn.external_input
    rest = _rested(drawn, begin, numbers["step"], steps)
    rates = np.tanh(np.asarray(rest))
    return np.array([rates @ drawn.n[:, 0], rates @ drawn.m[:, 0]]) / neurons


@eqx.filter_jit
def _rested(drawn, begin, step: float, steps: int) -> Float[Array, " neurons"]:
    return euler_path(drawn, begin, step=step, n_steps=steps, save_every=steps)[-1]


__all__ = [
    "STATISTICS",
    "behaviour",
    "finite_networks",
    "iterated",
    "network",
    "reference_branches",
    "response",
    "responses",
    "resting_overlaps",
    "run_go_no_go",
    "sampled",
    "support",
]
