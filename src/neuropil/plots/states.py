"""States as plots take them: components by name, curves, equilibria with their stability."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float

from neuropil.system import Box

# Underscores: one table may have another size than the next, and what fits is checked below.
Table = Float[Array | np.ndarray, "_rows _components"]
Curves = Table | Float[Array | np.ndarray, "_curves _rows _components"] | Sequence[Table]


def positions_of(
    components: Sequence[str] | None, names: Sequence[str], *, number: int | None
) -> list[int]:
    """Where the named components stand among `names`; the first ones where none are named.

    Raises `ValueError` for names that do not exist or occur twice, or another number of them
    than `number` (None: any but zero).
    """
    if components is None:
        components = names[:number]
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    wanted = "at least one" if number is None else str(number)
    wrong_number = not components if number is None else len(components) != number
    if wrong_number or len(set(components)) < len(components) or not set(components) <= set(names):
        raise ValueError(
            f"components must be {wanted} of {shown}, each at most once; got {list(components)}"
        )
    return [list(names).index(name) for name in components]


def curves_of(
    name: str, states: Curves, dimension: int
) -> list[Float[np.ndarray, "_rows _components"]]:
    """Curves as a list: from one table of states, a stack of them or a sequence.

    Raises `ValueError` when there is none, or one does not have `dimension` columns and a finite
    number everywhere.
    """
    one = getattr(states, "ndim", None) == 2
    tables = [np.asarray(table) for table in ([states] if one else states)]
    if not tables:
        raise ValueError(f"{name} must hold at least one curve")
    for table in tables:
        _require_states(name, table, dimension)
        if not len(table):
            raise ValueError(f"{name} must have at least one row a curve")
    return tables


def equilibria_of(
    points: Table | None,
    stable: Bool[Array | np.ndarray, " labels"] | None,
    dimension: int,
) -> dict[str, Float[np.ndarray, "_points _components"]]:
    """Equilibria under the label they are to be drawn with, those that are there.

    Without `stable` all are called "equilibrium". Raises `ValueError` when `points` does not
    hold states, or `stable` does not fit it.
    """
    if points is None:
        if stable is not None:
            raise ValueError("stable must come with points")
        return {}
    table = np.asarray(points)
    _require_states("points", table, dimension)
    if stable is None:
        groups = {"equilibrium": table}
    else:
        if len(stable) != len(table):
            raise ValueError(f"stable has {len(stable)} entries for {len(table)} points")
        mask = np.asarray(stable)
        groups = {"stable": table[mask], "unstable": table[~mask]}
    return {label: group for label, group in groups.items() if len(group)}


def corners_of(
    box: Box, positions: Sequence[int], dimension: int
) -> tuple[Float[np.ndarray, " chosen"], Float[np.ndarray, " chosen"]]:
    """Lower and upper ends of the chosen components of a box.

    The box has all `dimension` components or, in their order, the chosen ones only. Raises
    `ValueError` for another number, or ends that are not finite and ascending.
    """
    lower, upper = np.asarray(box.lower), np.asarray(box.upper)
    sizes = sorted({(len(positions),), (dimension,)})
    if lower.shape != upper.shape or lower.shape not in sizes:
        raise ValueError(
            f"box must have corners of {' or '.join(str(size[0]) for size in sizes)} components, "
            f"got shapes {lower.shape} and {upper.shape}"
        )
    if lower.shape == (dimension,):
        lower, upper = lower[list(positions)], upper[list(positions)]
    if not np.all(np.isfinite(lower) & np.isfinite(upper) & (lower < upper)):
        raise ValueError(f"box must have finite lower ends below its upper ones, got {box}")
    return lower, upper


def filled_rows(
    name: str, table: Float[Array | np.ndarray, "rows columns"], columns: int
) -> Float[np.ndarray, "filled columns"]:
    """The rows of a table that are numbers; the others are the unused part of a buffer.

    Raises `ValueError` when the table has not as many columns.
    """
    table = np.asarray(table)
    if table.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {table.shape}")
    return table[np.all(np.isfinite(table), axis=1)]


def label_of(name: str, unit: str) -> str:
    """A name with its unit, where it has one."""
    return f"{name} ({unit})" if unit else name


def _require_states(name: str, table: np.ndarray, dimension: int) -> None:
    if table.ndim != 2 or table.shape[1] != dimension:
        raise ValueError(
            f"{name} must hold states of {dimension} components as rows, got shape {table.shape}"
        )
    if not np.all(np.isfinite(table)):
        raise ValueError(f"{name} must be finite")
