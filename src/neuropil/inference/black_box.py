"""Simulators outside JAX: only the numbers that they return are known."""

from collections.abc import Callable, Mapping

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from neuropil.inference.worker_processes import evaluate_in_processes
from neuropil.types import ArrayLike

Evaluated = Mapping[str, Float[ArrayLike, "..."]]


class BlackBox(eqx.Module):
    """A Python function from parameters to statistics, called with NumPy arrays.

    - `batched=False`: `function(parameters)` is called for one set of parameters at a time;
      with noise `function(parameters, seed)`, the seed an integer.
    - `batched=True`: every array gets a leading axis over parameter sets, and `seed` is an array;
      each statistic is returned as an array over the sets.
    - `processes`: how many processes share the calls (not `batched`; the function must be
      importable by name). A call that takes longer than `time_limit` seconds, raises, or brings
      its process down loses only itself: its statistics count as not finite.
    """

    function: Callable[..., Evaluated] = eqx.field(static=True)
    batched: bool = eqx.field(static=True)
    processes: int = eqx.field(static=True)
    time_limit: float = eqx.field(static=True)

    def __init__(
        self,
        function: Callable[..., Evaluated],
        *,
        batched: bool = False,
        processes: int = 0,
        time_limit: float = np.inf,
    ):
        """Raises `ValueError` for settings that do not go together."""
        if processes < 0:
            raise ValueError(f"processes must not be negative, got {processes}")
        if batched and processes:
            raise ValueError("processes call one parameter set at a time: they need batched=False")
        if np.isfinite(time_limit) and not processes:
            raise ValueError("time_limit needs processes, which can be stopped from outside")
        if not time_limit > 0:
            raise ValueError(f"time_limit must be positive, got {time_limit}")
        self.function, self.batched = function, batched
        self.processes, self.time_limit = processes, float(time_limit)

    def __call__(self, *arguments: object) -> Evaluated:
        """The function itself."""
        return self.function(*arguments)

    def evaluate(
        self,
        names: tuple[str, ...],
        parameters: Mapping[str, Float[np.ndarray, "sets ..."]],
        seeds: Int[np.ndarray, " draws"] | None,
    ) -> Float[np.ndarray, "sets draws statistics"]:
        """The named statistics of every parameter set, NaN where the function failed.

        Raises `KeyError` when the function does not return a named statistic.
        """
        sets = len(next(iter(parameters.values())))
        columns = []
        for seed in [None] if seeds is None else seeds:
            if self.batched:
                given = () if seed is None else (np.full(sets, seed),)
                columns.append(_table(self.function(parameters, *given), names, sets))
                continue
            one = [{k: v[number] for k, v in parameters.items()} for number in range(sets)]
            arguments = [(each,) if seed is None else (each, int(seed)) for each in one]
            if self.processes:
                found = evaluate_in_processes(
                    self.function, arguments, self.processes, self.time_limit
                )
            else:
                found = [_tried(self.function, each) for each in arguments]
            rows = [
                np.full(len(names), np.nan) if each is None else _table(each, names, 1)[0]
                for each in found
            ]
            columns.append(np.stack(rows))
        return np.stack(columns, axis=1)


def _table(
    found: Evaluated, names: tuple[str, ...], sets: int
) -> Float[np.ndarray, "sets statistics"]:
    missing = [name for name in names if name not in found]
    if missing:
        raise KeyError(f"statistics returned {sorted(found)}, without {missing}")
    columns = [np.asarray(found[name], float).reshape(-1) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.size != sets:
            raise ValueError(f"statistic {name!r} must have {sets} values, got {column.size}")
    return np.stack(columns, axis=1)


def _tried(function: Callable[..., Evaluated], arguments: tuple) -> Evaluated | None:
    # Whatever a simulator raises is about its parameters: they count as outside its domain, and
    # the share of them is reported.
    try:
        return function(*arguments)
    except Exception:
        return None


__all__ = ["BlackBox", "Evaluated"]
