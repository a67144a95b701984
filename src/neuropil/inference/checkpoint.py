"""The state of an inference kept in a folder, whole or absent, so that it goes on."""

import hashlib
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from neuropil.inference.target import Problem
from neuropil.types import RandomKey

_STATE = "state.npz"
_IDENTITY = "inference.txt"


class InferenceCheckpoint:
    """A folder with the latest state of one inference.

    Raises `ValueError` when the folder holds another one, or files of something else. Functions
    are recognised by name only: a changed simulator of the same name is the caller's to notice.
    """

    def __init__(self, folder: Path, problem: Problem, method: eqx.Module, key: RandomKey):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        identity = _identity(problem, method, key)
        label = folder / _IDENTITY
        if label.exists():
            if label.read_text(encoding="utf-8") != identity:
                raise ValueError(
                    f"checkpoint {folder} holds another inference (another behaviour, support, "
                    "method or key): choose another folder, or remove it"
                )
        elif any(folder.iterdir()):
            raise ValueError(f"checkpoint {folder} holds files of something else")
        else:
            label.write_text(identity, encoding="utf-8")

    def latest(self, state: Any) -> Any:
        """The state that was kept last, else the one given, which also says what it looks like."""
        path = self._folder / _STATE
        if not path.exists():
            return state
        leaves, structure = jax.tree.flatten(state)
        with np.load(path, allow_pickle=False) as stored:
            found = [stored[f"leaf{number}"] for number in range(len(leaves))]
        return jax.tree.unflatten(
            structure,
            [
                type(old)(new) if isinstance(old, (int, float)) else new
                for old, new in zip(leaves, found, strict=True)
            ],
        )

    def keep(self, state: Any) -> None:
        """Write the state aside, then put it in its place."""
        leaves = jax.tree.leaves(state)
        aside = self._folder / f"{_STATE}.part"
        with aside.open("wb") as file:
            arrays: dict[str, Any] = {f"leaf{n}": np.asarray(leaf) for n, leaf in enumerate(leaves)}
            np.savez(file, **arrays)
        os.replace(aside, self._folder / _STATE)


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


__all__ = ["InferenceCheckpoint"]
