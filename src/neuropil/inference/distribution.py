"""The answer of an inference: weighted parameters, natural parameters, and how sure they are."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neuropil.inference.behaviour import constraint_rows
from neuropil.inference.dual import effective_share
from neuropil.inference.evidence import Estimate
from neuropil.inference.flow import Flow
from neuropil.inference.support import Parameters
from neuropil.inference.target import Natural, Points, Problem, place_all, place_black_box
from neuropil.result import Outcome
from neuropil.types import RandomKey


class ConstraintReport(NamedTuple):
    """One row of what was asked: its target, what was reached, and how sure that is."""

    label: str
    target: float
    reached: Estimate
    tolerance: float
    met: bool


class ParameterDistribution(eqx.Module):
    """The maximum-entropy distribution of parameters under a behaviour.

    Its density against the base measure is exp(sum_j eta_j T_j(z) - log Z), with T_j the
    statistic less its target mean (rows `mean`, `at least`, `at most`) or the square of that
    (rows `variance`, `variance at most`). Intervals hold at 95 % and come from the spread between
    populations of particles that never mix.

    - `natural_parameters`: eta by row, in the units of one over the row's.
    - `log_partition`: log Z, in nats.
    - `entropy`: of this distribution against the base measure, in nats.
    - `entropy_gap`: an upper bound on how far that lies below the maximum, given the intervals.
    - `constraints`: a report by row.
    - `inside_share`: the share of the support where statistics are finite; the rest has no weight.
    - `simulations`: how many times the statistics were computed, gradients included.
    - `flow`: where a method's answer is a flow; its density is then this distribution's.
    - `trace`: a row for each step with the share of the reference that is left, the entropy, the
      largest missing constraint in units of its scale, and the simulations up to then.
    """

    problem: Problem
    eta: Float[np.ndarray, " rows"]
    coordinates: Float[np.ndarray, "samples free"]
    log_weights: Float[np.ndarray, " samples"]
    statistics: Float[np.ndarray, "samples statistics"]
    population: Int[np.ndarray, " samples"]
    natural_parameters: dict[str, Estimate]
    log_partition: Estimate
    entropy: Estimate
    entropy_gap: float
    constraints: tuple[ConstraintReport, ...]
    inside_share: float
    simulations: int
    steps: int
    trace: Float[np.ndarray, "steps 4"]
    outcome: Outcome
    flow: Flow | None = None

    @property
    def parameters(self) -> dict[str, Float[np.ndarray, "samples ..."]]:
        """All samples by parameter name; they carry weights, see `log_weights` and `sample`."""
        found = _parameters(self.problem, jnp.asarray(self.coordinates))
        # Compiled code returns dictionaries in alphabetical order.
        return {name: np.asarray(found[name]) for name in self.problem.support.names}

    @property
    def effective_samples(self) -> float:
        """How many independent unweighted samples the weights are worth (Kish)."""
        return effective_share(self.log_weights) * len(self.log_weights)

    def sample(self, key: RandomKey, count: int) -> dict[str, Float[np.ndarray, "count ..."]]:
        """Parameters drawn without weights, and without repetition while there are enough.

        Raises `ValueError` for a count that is not positive or exceeds the samples that are held.
        """
        if not 0 < count <= len(self.log_weights):
            raise ValueError(
                f"count must lie between 1 and the {len(self.log_weights)} samples, got {count}"
            )
        # The largest of weights with Gumbel noise are a draw without repetition.
        noise = np.asarray(jax.random.gumbel(key, self.log_weights.shape, float))
        chosen = np.argpartition(-(self.log_weights + noise), count - 1)[:count]
        return {name: values[chosen] for name, values in self.parameters.items()}

    def log_density(self, parameters: Parameters) -> Float[np.ndarray, " sets"]:
        """Log density against the base measure, for parameters with a leading axis over sets.

        -inf where the statistics are not finite. Raises `ValueError` for other names.
        """
        if self.flow is not None:
            return self.flow.log_density(parameters)
        coordinates = jax.vmap(self.problem.support.coordinates)(
            {name: jnp.asarray(value, float) for name, value in parameters.items()}
        )
        points = placed(self.problem, self.eta, coordinates)
        exponent = np.asarray(points.features) @ self.eta
        return np.where(np.isfinite(exponent), exponent - self.log_partition.value, -np.inf)

    def mean(self, values: Float[np.ndarray, "samples ..."]) -> Float[np.ndarray, "..."]:
        """The weighted mean of anything known for every sample."""
        return np.tensordot(np.exp(self.log_weights), values, axes=1)

    def summary(self) -> str:
        """The answer in lines to print."""
        lines = [
            f"entropy {self.entropy.value:.4f} nats "
            f"[{self.entropy.lower:.4f}, {self.entropy.upper:.4f}], "
            f"at most {self.entropy_gap:.2g} below the maximum",
        ]
        for report in self.constraints:
            eta = self.natural_parameters[report.label]
            mark = "met" if report.met else "NOT met"
            lines.append(
                f"{report.label}: {report.reached.value:.4g} "
                f"[{report.reached.lower:.4g}, {report.reached.upper:.4g}] for "
                f"{report.target:.4g}, {mark}; eta {eta.value:.4g} +- {eta.standard_error:.2g}"
            )
        if self.inside_share < 1:
            lines.append(
                f"statistics are finite in {100 * self.inside_share:.3g} % of the support; "
                "the rest has no weight"
            )
        lines.append(f"{self.simulations} simulations in {self.steps} steps")
        if self.outcome != Outcome.SUCCESSFUL:
            lines.append(self.outcome.sentence)
        return "\n".join(lines)

    def to_xarray(self) -> xr.DataTree:
        """Groups `posterior`, `sample_stats`, `posterior_predictive` and `observed_data`.

        The populations are the chains. Samples of one chain are in no order and carry
        `log_weight`. Units are attributes.
        """
        support, behaviour = self.problem.support, self.problem.behaviour
        chains = int(self.population.max()) + 1
        order = np.argsort(self.population, kind="stable")

        def by_chain(values: Float[np.ndarray, "samples ..."]) -> Float[np.ndarray, "..."]:
            return values[order].reshape(chains, -1, *values.shape[1:])

        posterior = xr.Dataset()
        for name, domain in zip(support.names, support.domains, strict=True):
            values = by_chain(self.parameters[name])
            dimensions = [f"{name}_dim_{axis}" for axis in range(values.ndim - 2)]
            posterior[name] = (("chain", "draw", *dimensions), values, {"units": domain.unit})
        stats = xr.Dataset({"log_weight": (("chain", "draw"), by_chain(self.log_weights))})
        predictive, observed = xr.Dataset(), xr.Dataset()
        for number, name in enumerate(behaviour.names):
            units = {"units": behaviour.units.get(name, "")}
            predictive[name] = (("chain", "draw"), by_chain(self.statistics)[..., number], units)
            if name in behaviour.means:
                observed[name] = ((), behaviour.means[name], units)
        tree = xr.DataTree.from_dict(
            {
                "posterior": posterior,
                "sample_stats": stats,
                "posterior_predictive": predictive,
                "observed_data": observed,
            }
        )
        tree.attrs = {
            "entropy": self.entropy.value,
            "entropy_gap": self.entropy_gap,
            "log_partition": self.log_partition.value,
            "outcome": self.outcome.sentence,
        }
        return tree


def row_labels(problem: Problem) -> list[str]:
    """The names of the rows in reports: `mean re`, `variance re`, `at most rate`."""
    return [f"{kind} {name}" for kind, name in constraint_rows(problem.behaviour)]


def placed(
    problem: Problem, eta: Float[np.ndarray, " rows"], coordinates: Float[Array, "points free"]
) -> Points:
    """What is known at points under the natural parameters of an answer."""
    natural = Natural(jnp.zeros(()), jnp.asarray(eta))
    if problem.behaviour.is_black_box:
        return place_black_box(problem, natural, np.asarray(coordinates))
    return place_all(problem, natural, coordinates)


@eqx.filter_jit
def _parameters(problem: Problem, coordinates: Float[Array, "points free"]) -> Parameters:
    return jax.vmap(problem.support.parameters)(jnp.asarray(coordinates))


__all__ = ["ConstraintReport", "ParameterDistribution", "placed", "row_labels"]
