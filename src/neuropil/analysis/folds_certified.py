"""All folds of a system as one parameter moves, with proof."""

from collections.abc import Callable

import equinox as eqx
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Float64

from neuropil.analysis.branch_and_prune import BranchAndPrune
from neuropil.analysis.interval_functions import require_finite_box, trace
from neuropil.analysis.parameters import Residual, vector_field_of
from neuropil.analysis.tape_derivatives import Derivatives, determinant
from neuropil.analysis.zero_search import AbstractZeroSearch, completeness
from neuropil.result import NotSolved, Outcome
from neuropil.system import AbstractSystem, Box
from neuropil.types import RandomKey, Scalar, State

LARGEST_DIMENSION = 8


class AllFolds(eqx.Module):
    """The folds that were found, each proved to exist, and what is not decided.

    - `parameter[k]`, `state[k]`: middle of the enclosure of a fold, sorted by the parameter;
    - `parameter_lower[k]` to `parameter_upper[k]` and `enclosure[k]`: ends between which exactly
      one fold lies;
    - `undecided_parameter[u]` (lower and upper end) and `undecided[u]`: boxes that may hold
      further ones;
    - `complete`: whether it is proved that there are no others in the box and range.

    A fold here is a point where f = 0 and det J = 0 and where these n + 1 equations are regular:
    the Jacobian loses one rank, the parameter moves the state across, and the branch turns
    quadratically. A branch point or a cusp is none, and stays undecided.
    """

    parameter: Float64[np.ndarray, " folds"]
    state: Float64[np.ndarray, "folds dimension"]
    parameter_lower: Float64[np.ndarray, " folds"]
    parameter_upper: Float64[np.ndarray, " folds"]
    enclosure: Box
    undecided_parameter: Float64[np.ndarray, "boxes 2"]
    undecided: Box
    complete: bool
    n_examined: int
    outcome: int
    parameter_name: str = eqx.field(static=True)
    state_names: tuple[str, ...] = eqx.field(static=True)
    state_unit: str = eqx.field(static=True)

    def __len__(self) -> int:
        return len(self.parameter)

    @property
    def sentence(self) -> str:
        """What was found and what is proved, in words."""
        plural = "" if len(self) == 1 else "s"
        return (
            f"{len(self)} fold{plural} in {self.parameter_name} proved to exist; "
            f"{completeness(self.complete, len(self.undecided_parameter))}"
        )

    def to_xarray(self) -> xr.Dataset:
        """Folds and their enclosures, labelled."""
        unit = {"unit": self.state_unit}
        both = ("fold", "component")
        return xr.Dataset(
            {
                "state": (both, self.state, unit),
                "lower": (both, np.asarray(self.enclosure.lower), unit),
                "upper": (both, np.asarray(self.enclosure.upper), unit),
                f"{self.parameter_name}_lower": ("fold", self.parameter_lower),
                f"{self.parameter_name}_upper": ("fold", self.parameter_upper),
            },
            coords={
                self.parameter_name: ("fold", self.parameter),
                "component": list(self.state_names),
            },
            attrs={"complete": int(self.complete), "sentence": self.sentence},
        )


class _AtParameter(eqx.Module):
    """A residual as a function of one array: the state, then the parameter."""

    residual: Residual

    def __call__(self, unknown: Float[Array, " unknowns"]) -> State:
        return self.residual(unknown[:-1], unknown[-1])


def all_folds(
    problem: AbstractSystem | Callable[[State, Scalar], State],
    box: Box,
    method: AbstractZeroSearch | None = None,
    *,
    between: tuple[float, float],
    parameter: str = "parameter",
    key: RandomKey | None = None,
    throw: bool = True,
) -> AllFolds:
    """All folds of the stationary states in a box, for parameter values `between` two ends.

    `problem` is a system with a scalar field `parameter` (its value there does not matter), at
    time 0, or a function of state and parameter. With the default method `BranchAndPrune()` the
    extended system f = 0, det J = 0 is solved with proof that nothing is missing.

    The determinant is written out, so the state may have at most 8 components. Raises
    `ValueError` for more, for an empty or infinite box or range, or an operation without interval
    enclosure; `NotSolved` when boxes stay undecided, which `throw=False` returns.
    """
    if isinstance(problem, AbstractSystem):
        residual: Residual = vector_field_of(problem, parameter)
        names, unit = problem.state_names, problem.state_unit
    else:
        residual = problem
        names = tuple(f"component_{i}" for i in range(np.shape(box.lower)[-1]))
        unit = ""
    n = len(names)
    if n > LARGEST_DIMENSION:
        raise ValueError(
            f"problem must have at most {LARGEST_DIMENSION} components, got {n}: the determinant "
            "of the Jacobian is written out"
        )
    ends = require_finite_box(box, n)
    low, high = (float(end) for end in between)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"between must be two finite rising numbers, got {between}")
    traced = trace(_AtParameter(residual), n + 1)
    derivatives = Derivatives(traced.tape)
    jacobian = [row[:n] for row in derivatives.jacobian(traced.values)]
    values = [*traced.values, determinant(traced.tape, jacobian)]
    program = traced.tape.finish(values, derivatives.jacobian(values))
    method = BranchAndPrune() if method is None else method
    whole = np.concatenate([ends, [[low], [high]]], axis=1)
    parameters = np.stack([traced.parameters, traced.parameters], axis=1)
    zeros = method.find(program, whole[None], parameters, key=key)
    order = np.argsort(zeros.enclosure[:, 0, n])
    lower, upper = zeros.enclosure[order, 0], zeros.enclosure[order, 1]
    left = zeros.undecided
    folds = AllFolds(
        parameter=0.5 * lower[:, n] + 0.5 * upper[:, n],
        state=0.5 * lower[:, :n] + 0.5 * upper[:, :n],
        parameter_lower=lower[:, n],
        parameter_upper=upper[:, n],
        enclosure=Box(lower[:, :n], upper[:, :n]),
        undecided_parameter=left[:, :, n],
        undecided=Box(left[:, 0, :n], left[:, 1, :n]),  # type: ignore[arg-type]
        complete=len(left) == 0 and method.proves_completeness,
        n_examined=int(zeros.examined[0]),
        outcome=int(Outcome.MAXIMUM_STEPS_REACHED if len(left) else Outcome.SUCCESSFUL),
        parameter_name=parameter,
        state_names=names,
        state_unit=unit,
    )
    if throw and folds.outcome != Outcome.SUCCESSFUL:
        raise NotSolved(f"all_folds: {folds.sentence} (`throw=False` returns it.)")
    return folds


__all__ = ["AllFolds", "all_folds"]
