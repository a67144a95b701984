"""The critical manifold of a slow-fast system: sheets, folds, drift, jumps, and their validity."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Float64, Int

from neuropil.analysis.diagrams import Diagram, complete_diagram
from neuropil.analysis.pseudo_arclength import PseudoArclength
from neuropil.simulate import AbstractMethod, Stiff, integrate
from neuropil.system import (
    AbstractSlowFastSystem,
    Box,
    LayerSystem,
    join_states,
    layer,
    slow_drift,
)

LEAVING = 1e-3
"""How far past a fold a jump begins, in the slow variable and relative to its range."""


class Sheet(eqx.Module):
    """Part of the critical manifold on which the slow variable rises or falls steadily.

    - `slow[p]`: the slow variable, ascending;
    - `fast[p, i]`: the fast components at rest there;
    - `n_unstable[p]`: eigenvalues of the layer with positive real parts; the sheet attracts
      where there are none (it is normally hyperbolic where none lies on the imaginary axis);
    - `drift[p]`: time derivative of the slow variable on the sheet (reduced flow), per ms;
    - `spectral_gap[p]`: smallest |Re| of the layer's eigenvalues over the rate at which the slow
      variable changes the sheet, |d drift / d slow| along it. Reduction to the sheet is valid
      where this is large; it vanishes at folds.
    """

    slow: Float64[np.ndarray, " points"]
    fast: Float64[np.ndarray, "points fast"]
    n_unstable: Int[np.ndarray, " points"]
    drift: Float64[np.ndarray, " points"]
    spectral_gap: Float64[np.ndarray, " points"]

    @property
    def attracting(self) -> Bool[np.ndarray, " points"]:
        """Where the fast components return to the sheet."""
        return self.n_unstable == 0


class Jump(NamedTuple):
    """Where the fast components leave a fold, and where they come to rest.

    `sheet` is the number of the sheet they land on, -1 when they settle on none (a cycle, say).
    """

    fold: int
    slow: float
    start: Float64[np.ndarray, " fast"]
    landing: Float64[np.ndarray, " fast"]
    sheet: int


class CriticalManifold(eqx.Module):
    """All stationary states of the layer over a range of the slow variable, as sheets.

    - `sheets`: the sheets, each ending at a fold or at the end of the range;
    - `fold_slow[k]`, `fold_fast[k]`: where two sheets meet and normal hyperbolicity is lost;
    - `jumps`: what the fast components do where the drift carries an attracting sheet over a
      fold;
    - `equilibrium_slow[q]`, `equilibrium_fast[q]`, `equilibrium_stable[q]`: zeros of the drift on
      the sheets, which are the equilibria of the whole system, and whether they attract on
      their sheet and along it;
    - `complete`: whether it is proved that no sheet is missing.
    """

    sheets: tuple[Sheet, ...]
    fold_slow: Float64[np.ndarray, " folds"]
    fold_fast: Float64[np.ndarray, "folds fast"]
    jumps: tuple[Jump, ...]
    equilibrium_slow: Float64[np.ndarray, " equilibria"]
    equilibrium_fast: Float64[np.ndarray, "equilibria fast"]
    equilibrium_stable: Bool[np.ndarray, " equilibria"]
    complete: bool
    slow_name: str = eqx.field(static=True)
    fast_names: tuple[str, ...] = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def distance(
        self, slow: Float[np.ndarray, " times"], fast: Float[np.ndarray, "times fast"]
    ) -> Float64[np.ndarray, "times sheets"]:
        """Largest difference of the fast components from each sheet at the same slow variable.

        Infinite where a sheet does not reach there: how a trajectory lies on the manifold.
        """
        columns = []
        for sheet in self.sheets:
            at = np.stack([np.interp(slow, sheet.slow, one) for one in sheet.fast.T], axis=1)
            outside = (slow < sheet.slow[0]) | (slow > sheet.slow[-1])
            columns.append(np.where(outside, np.inf, np.abs(fast - at).max(axis=1)))
        return np.stack(columns, axis=1)

    def to_xarray(self) -> xr.Dataset:
        """Points of all sheets with the number of their sheet, folds, jumps and equilibria."""
        sheet = np.repeat(np.arange(len(self.sheets)), [one.slow.size for one in self.sheets])

        def joined(name: str) -> Any:
            return np.concatenate([getattr(one, name) for one in self.sheets])

        unit = {"unit": self.unit}
        empty = np.zeros((0, len(self.fast_names)))
        jumps = self.jumps
        return xr.Dataset(
            {
                "fast": (("point", "component"), joined("fast"), unit),
                "n_unstable": ("point", joined("n_unstable")),
                "drift": ("point", joined("drift"), {"unit": f"{self.unit}/ms"}),
                "spectral_gap": ("point", joined("spectral_gap")),
                "fold_fast": (("fold", "component"), self.fold_fast, unit),
                "jump_start": (
                    ("jump", "component"),
                    np.stack([jump.start for jump in jumps]) if jumps else empty,
                    unit,
                ),
                "jump_landing": (
                    ("jump", "component"),
                    np.stack([jump.landing for jump in jumps]) if jumps else empty,
                    unit,
                ),
                "jump_sheet": ("jump", np.array([jump.sheet for jump in jumps], int)),
                "equilibrium_fast": (("equilibrium", "component"), self.equilibrium_fast, unit),
                "equilibrium_stable": ("equilibrium", self.equilibrium_stable),
            },
            coords={
                "slow": ("point", joined("slow"), unit),
                "sheet": ("point", sheet),
                "fold_slow": ("fold", self.fold_slow, unit),
                "jump_slow": ("jump", np.array([jump.slow for jump in jumps], float), unit),
                "equilibrium_slow": ("equilibrium", self.equilibrium_slow, unit),
                "component": list(self.fast_names),
            },
            attrs={"complete": int(self.complete), "slow_name": self.slow_name},
        )


def critical_manifold(
    system: AbstractSlowFastSystem,
    box: Box,
    *,
    between: tuple[float, float],
    relaxation: AbstractMethod | None = None,
    relaxation_time: float | None = None,
    **diagram_options: Any,
) -> CriticalManifold:
    """The critical manifold of a system with one slow variable, over a range of it.

    `box` bounds the fast components; within it no sheet is missing, as the manifold is the
    complete diagram of the layer (see `complete_diagram`, which takes `diagram_options`). Jumps
    are followed by integrating the layer with `relaxation` (by default `Stiff()`) from just past
    a fold, for `relaxation_time` ms (by default 200 times the slowest decay on the attracting
    sheets, taken at their middles).

    Raises `ValueError` when the system has not exactly one slow variable, or for what
    `complete_diagram` refuses; `NotSolved` when the diagram is not proved complete. Source: N.
    Fenichel, J. Differ. Equ. 31, 53 (1979); C. Kuehn, "Multiple Time Scale Dynamics" (2015).
    """
    n_slow = int(system.is_slow.sum())
    if n_slow != 1:
        raise ValueError(f"system must have exactly one slow variable, got {n_slow}")
    middle = 0.5 * (between[0] + between[1])
    # Folds are what ends a sheet; a search for other special points is not needed.
    diagram_options.setdefault(
        "method", PseudoArclength(maximum_hopf_points=0, maximum_branch_points=0)
    )
    diagram = complete_diagram(
        layer(system, middle), box, parameter="slow_state", between=between, **diagram_options
    )
    sheets = tuple(_sheet(system, *part) for part in _parts(diagram))
    folds_slow = np.asarray(diagram.fold_parameter)
    folds_fast = np.asarray(diagram.fold_state)
    slow, fast, stable = _equilibria(system, sheets)
    method = Stiff() if relaxation is None else relaxation
    duration = _relaxation_time(sheets, system) if relaxation_time is None else relaxation_time
    jumps = []
    for number, (at, state) in enumerate(zip(folds_slow, folds_fast, strict=True)):
        jump = _jump(system, sheets, number, float(at), state, between, method, duration)
        if jump is not None:
            jumps.append(jump)
    slow_index = int(np.flatnonzero(system.is_slow)[0])
    return CriticalManifold(
        sheets=sheets,
        fold_slow=folds_slow,
        fold_fast=folds_fast,
        jumps=tuple(jumps),
        equilibrium_slow=slow,
        equilibrium_fast=fast,
        equilibrium_stable=stable,
        complete=diagram.complete,
        slow_name=system.state_names[slow_index],
        fast_names=layer(system, middle).state_names,
        unit=system.state_unit,
    )


def _parts(diagram: Diagram) -> list[tuple[np.ndarray, np.ndarray]]:
    """Slow variable, ascending, and fast components of every stretch between folds."""
    folds = list(
        zip(np.asarray(diagram.fold_parameter), np.asarray(diagram.fold_state), strict=True)
    )
    parts = []
    for branch in diagram.branches:
        slow, fast = branch.parameter, branch.state
        direction = np.sign(np.diff(slow))
        turns = np.flatnonzero(direction[1:] * direction[:-1] < 0) + 1
        ends = [0, *turns.tolist(), slow.size - 1]
        for first, last in pairwise(ends):
            inner_slow, inner_fast = slow[first : last + 1], fast[first : last + 1]
            upwards = inner_slow[-1] > inner_slow[0]
            if not upwards:
                inner_slow, inner_fast = inner_slow[::-1], inner_fast[::-1]
            at_turns = (first in turns, last in turns)
            low_turn, high_turn = at_turns if upwards else at_turns[::-1]
            if low_turn:
                inner_slow, inner_fast = _extended(inner_slow, inner_fast, folds, 0)
            if high_turn:
                inner_slow, inner_fast = _extended(inner_slow, inner_fast, folds, -1)
            parts.append((inner_slow, inner_fast))
    return parts


def _extended(
    slow: np.ndarray, fast: np.ndarray, folds: Sequence[tuple[Any, np.ndarray]], end: int
) -> tuple[np.ndarray, np.ndarray]:
    """A sheet that reaches as far as the fold nearest to its end."""
    distances = [abs(at - slow[end]) + np.abs(state - fast[end]).max() for at, state in folds]
    at, state = folds[int(np.argmin(distances))]
    if end == 0:
        kept = slow > at
        return np.append(at, slow[kept]), np.concatenate([state[None], fast[kept]])
    kept = slow < at
    return np.append(slow[kept], at), np.concatenate([fast[kept], state[None]])


class _Linearised(NamedTuple):
    """Blocks of the Jacobian, fast and slow, and the drift."""

    fast_fast: Any
    fast_slow: Any
    slow_fast: Any
    slow_slow: Any
    drift: Any


@eqx.filter_jit
def _linearise(system: AbstractSlowFastSystem, slow: Any, fast: Any) -> _Linearised:
    def at(slow, fast):
        zero = jnp.zeros(())

        def layer_field(fast, slow):
            return LayerSystem(system, slow).vector_field(zero, fast)

        def drift(fast, slow):
            return slow_drift(system, zero, fast, slow)

        held = slow[None]
        return _Linearised(
            jax.jacfwd(layer_field)(fast, held),
            jax.jacfwd(layer_field, argnums=1)(fast, held)[:, 0],
            jax.jacfwd(drift)(fast, held)[0],
            jax.jacfwd(drift, argnums=1)(fast, held)[0, 0],
            drift(fast, held)[0],
        )

    return jax.vmap(at)(slow, fast)


def _sheet(system: AbstractSlowFastSystem, slow: np.ndarray, fast: np.ndarray) -> Sheet:
    blocks = _Linearised(*map(np.asarray, _linearise(system, jnp.asarray(slow), jnp.asarray(fast))))
    real_parts = np.linalg.eigvals(blocks.fast_fast).real
    along = np.full(slow.size, np.inf)
    for point in range(slow.size):
        try:
            follow = -np.linalg.solve(blocks.fast_fast[point], blocks.fast_slow[point])
        except np.linalg.LinAlgError:
            continue
        along[point] = abs(blocks.slow_slow[point] + blocks.slow_fast[point] @ follow)
    with np.errstate(divide="ignore"):
        gap = np.abs(real_parts).min(axis=1) / along
    return Sheet(slow, fast, (real_parts > 0).sum(axis=1), blocks.drift, gap)


def _equilibria(
    system: AbstractSlowFastSystem, sheets: tuple[Sheet, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Zeros of the drift on the sheets, polished on the whole system."""
    dimension = system.is_slow.size
    slow, fast, stable = [], [], []
    for sheet in sheets:
        for point in np.flatnonzero(sheet.drift[1:] * sheet.drift[:-1] < 0):
            before, after = sheet.drift[point : point + 2]
            share = before / (before - after)
            at = sheet.slow[point] + share * (sheet.slow[point + 1] - sheet.slow[point])
            start = sheet.fast[point] + share * (sheet.fast[point + 1] - sheet.fast[point])
            state, jacobian = _polish(system, jnp.asarray(start), jnp.asarray([at]))
            own = np.asarray(system.is_slow)
            slow.append(float(state[own][0]))
            fast.append(np.asarray(state)[~own])
            stable.append(bool(np.linalg.eigvals(np.asarray(jacobian)).real.max() < 0))
    shape = (len(slow), dimension - 1)
    return np.array(slow, float), np.array(fast, float).reshape(shape), np.array(stable, bool)


@eqx.filter_jit
def _polish(system: AbstractSlowFastSystem, fast: Any, slow: Any) -> tuple[Any, Any]:
    def field(state):
        return system.vector_field(jnp.zeros(()), state)

    def improve(_, state):
        return state - jnp.linalg.solve(jax.jacfwd(field)(state), field(state))

    state = jax.lax.fori_loop(0, 8, improve, join_states(system, fast, slow))
    return state, jax.jacfwd(field)(state)


def _relaxation_time(sheets: tuple[Sheet, ...], system: AbstractSlowFastSystem) -> float:
    """200 times the slowest decay of the layer at the middles of its attracting sheets."""
    slowest = 0.0
    for sheet in sheets:
        middle = sheet.slow.size // 2
        if sheet.attracting[middle]:
            at = slice(middle, middle + 1)
            blocks = _linearise(system, jnp.asarray(sheet.slow[at]), jnp.asarray(sheet.fast[at]))
            decay = -np.linalg.eigvals(np.asarray(blocks.fast_fast[0])).real.max()
            slowest = max(slowest, 1.0 / decay)
    return 200.0 * slowest if slowest else 200.0


def _jump(
    system: AbstractSlowFastSystem,
    sheets: tuple[Sheet, ...],
    number: int,
    at: float,
    state: np.ndarray,
    between: tuple[float, float],
    method: AbstractMethod,
    duration: float,
) -> Jump | None:
    """The jump at a fold, if the drift carries an attracting sheet over it."""
    side, attracting, drift = 0.0, False, 0.0
    for sheet in sheets:
        for end, inner in ((0, 1), (-1, -2)):
            if sheet.slow.size > 1 and sheet.slow[end] == at and np.all(sheet.fast[end] == state):
                side, drift = float(np.sign(sheet.slow[inner] - at)), float(sheet.drift[end])
                attracting |= bool(sheet.attracting[inner])
    if not attracting or drift * side >= 0:
        return None
    beyond = at - side * LEAVING * (between[1] - between[0])
    relaxed = integrate(
        layer(system, beyond), method, state, duration=duration, save_at=[duration], throw=False
    )
    landing = np.asarray(relaxed.final_state)
    nearest, distance = -1, 1e-3 * (1.0 + np.abs(landing).max())
    for index, sheet in enumerate(sheets):
        if sheet.slow[0] <= beyond <= sheet.slow[-1]:
            there = np.array([np.interp(beyond, sheet.slow, one) for one in sheet.fast.T])
            if np.abs(there - landing).max() < distance:
                nearest, distance = index, np.abs(there - landing).max()
    return Jump(number, beyond, state, landing, nearest)


__all__ = ["CriticalManifold", "Jump", "Sheet", "critical_manifold"]
