"""A run in a bandit task kept in a folder, chunk by chunk, so that it can go on."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neuropil.types import RandomKey

_IDENTITY = "run.txt"
_STATE = "state.npz"
Arrays = dict[str, Any]


class RunCheckpoint:
    """A folder with the latest state of one run and the records of all its chunks.

    Raises `ValueError` when the folder holds another run, or files of something else. Functions
    among the parameters are recognised by name only.
    """

    def __init__(self, folder: Path, parameters: Any, settings: Any, key: RandomKey, chunk: int):
        self._folder, self._chunk = folder, chunk
        folder.mkdir(parents=True, exist_ok=True)
        identity = _identity(parameters, settings, key)
        label = folder / _IDENTITY
        if label.exists():
            if label.read_text(encoding="utf-8") != identity:
                raise ValueError(
                    f"checkpoint {folder} holds another run (another agent, task, key, seeds, "
                    "chunk or record): choose another folder, or remove it"
                )
        elif any(folder.iterdir()):
            raise ValueError(f"checkpoint {folder} holds files of something else")
        else:
            _write(label, lambda file: file.write(identity.encode()))

    def latest(self, state: Any, trials: int) -> tuple[Any, int, list[Arrays]]:
        """State, trials done and records, where the run was left; else the state that is given.

        Raises `ValueError` when more trials are kept than asked for.
        """
        path = self._folder / _STATE
        if not path.exists():
            return state, 0, []
        with np.load(path, allow_pickle=False) as stored:
            done = int(stored["trials"])
            if done > trials:
                raise ValueError(f"checkpoint {self._folder} holds {done} trials, got {trials=}")
            leaves, structure = jax.tree.flatten(state)
            kept = [_like(old, stored[f"leaf{number}"]) for number, old in enumerate(leaves)]
        records = []
        for first in range(0, done, self._chunk):
            with np.load(self._record(first), allow_pickle=False) as stored:
                records.append({name: stored[name] for name in stored.files})
        return jax.tree.unflatten(structure, kept), done, records

    def keep(self, state: Any, record: Arrays, done: int) -> None:
        """Write a whole chunk: first its record, then the state that counts it as done."""
        _write(self._record(done - self._chunk), lambda file: np.savez(file, **record))
        arrays: Arrays = {
            f"leaf{number}": _plain(leaf) for number, leaf in enumerate(jax.tree.leaves(state))
        }
        arrays["trials"] = np.asarray(done)
        _write(self._folder / _STATE, lambda file: np.savez(file, **arrays))

    def _record(self, first: int) -> Path:
        return self._folder / f"trials-{first:012d}.npz"


def _write(path: Path, write: Any) -> None:
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        write(file)
    os.replace(aside, path)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _like(old: Any, stored: np.ndarray) -> Any:
    if _is_key(old):
        return jax.random.wrap_key_data(jnp.asarray(stored), impl=jax.random.key_impl(old))
    return jnp.asarray(stored) if isinstance(old, jax.Array) else old


def _identity(parameters: Any, settings: Any, key: RandomKey) -> str:
    leaves, structure = jax.tree.flatten(parameters)
    digest = hashlib.sha256(_plain(key).tobytes())
    told = [str(structure), repr(settings)]
    for leaf in leaves:
        if isinstance(leaf, (jax.Array, np.ndarray)):
            digest.update(f"{leaf.dtype}{leaf.shape}".encode())
            digest.update(_plain(leaf).tobytes())
        else:
            told.append(getattr(leaf, "__qualname__", repr(leaf)))
    # Where in memory a function lies is no part of what it is.
    text = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(told))
    return f"{text}\n{digest.hexdigest()}\n"


__all__ = ["RunCheckpoint"]
