"""The state of an inference kept in a folder, whole or absent, so that it goes on."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neuropil.inference.target import Problem
from neuropil.types import RandomKey

_STATE = "state.npz"
_IDENTITY = "inference.txt"
_PROGRESS = "progress.txt"


class InferenceCheckpoint:
    """A folder with the latest state of one inference.

    Raises `ValueError` when the folder holds files of something else.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _IDENTITY).exists():
            raise ValueError(f"checkpoint {folder} holds files of something else")

    def latest(self) -> list[np.ndarray] | None:
        """The leaves of the state that was kept last, `None` before the first."""
        path = self._folder / _STATE
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return [stored[f"leaf{number}"] for number in range(len(stored.files))]

    def claim(self, problem: Problem, method: eqx.Module, key: RandomKey) -> None:
        """Take the folder for this inference, the scales of its problem set.

        Raises `ValueError` when it holds another. Functions are recognised by name only: a
        changed simulator of the same name is the caller's to notice.
        """
        identity = _identity(problem, method, key)
        label = self._folder / _IDENTITY
        if not label.exists():
            label.write_text(identity, encoding="utf-8")
        elif label.read_text(encoding="utf-8") != identity:
            raise ValueError(
                f"checkpoint {self._folder} holds another inference (another behaviour, support, "
                "method or key): choose another folder, or remove it"
            )

    def keep(self, state: Any) -> None:
        """Write the state aside, then put it in its place."""
        leaves = jax.tree.leaves(state)
        aside = self._folder / f"{_STATE}.part"
        with aside.open("wb") as file:
            arrays: dict[str, Any] = {f"leaf{n}": np.asarray(leaf) for n, leaf in enumerate(leaves)}
            np.savez(file, **arrays)
        os.replace(aside, self._folder / _STATE)

    def tell(self, line: str) -> None:
        """Write in one line how far the inference is, for those who look into the folder."""
        aside = self._folder / f"{_PROGRESS}.part"
        aside.write_text(line + "\n", encoding="utf-8")
        os.replace(aside, self._folder / _PROGRESS)


def filled(template: Any, leaves: Sequence[np.ndarray]) -> Any:
    """A state like `template` with these leaves. Raises `ValueError` for another number of them."""
    old, structure = jax.tree.flatten(template)
    if len(old) != len(leaves):
        raise ValueError(
            f"the state that was kept has {len(leaves)} parts and this method's has {len(old)}: "
            "choose another checkpoint folder, or remove it"
        )
    return jax.tree.unflatten(structure, [_like(*pair) for pair in zip(old, leaves, strict=True)])


def _like(old: Any, leaf: np.ndarray) -> Any:
    if isinstance(old, (int, float)):
        return type(old)(leaf)
    return jnp.asarray(leaf) if isinstance(old, jax.Array) else leaf


def _identity(problem: Problem, method: eqx.Module, key: RandomKey) -> str:
    behaviour = problem.behaviour
    function = behaviour.statistics
    name = getattr(function, "__qualname__", type(function).__name__)
    digest = hashlib.sha256()
    arrays = [
        leaf for leaf in jax.tree.leaves(problem) if isinstance(leaf, (jax.Array, np.ndarray))
    ]
    for leaf in arrays:
        is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        digest.update(np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes())
    digest.update(np.asarray(jax.random.key_data(key)).tobytes())
    targets = (
        behaviour.means,
        behaviour.variances,
        behaviour.variances_at_most,
        behaviour.at_least,
        behaviour.at_most,
    )
    told = (name, targets, behaviour.tolerance, behaviour.draws, problem.support.labels, method)
    return f"{told!r}\n{digest.hexdigest()}\n"


__all__ = ["InferenceCheckpoint", "filled"]
