"""Finished realisations kept in a folder, so that an interrupted simulation goes on."""

import hashlib
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from neuropil.connectivity import Connectome
from neuropil.simulate.spike_methods import AbstractSpikeMethod, Realisation, Request
from neuropil.system import AbstractSpikingSystem

_IDENTITY = "simulation.txt"


class SpikeCheckpoint:
    """A folder with one file a realisation, each whole or absent.

    Raises `ValueError` when the folder holds another simulation.
    """

    def __init__(self, folder: Path, identity: str):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        label = folder / _IDENTITY
        if label.exists():
            if label.read_text(encoding="utf-8") != identity:
                raise ValueError(
                    f"checkpoint {folder} holds another simulation (another system, connectome, "
                    "method, start, key or version): choose another folder, or remove it"
                )
        elif any(folder.iterdir()):
            raise ValueError(f"checkpoint {folder} holds files of something else")
        else:
            _written(label, lambda aside: aside.write_text(identity, encoding="utf-8"))

    def finished(self, realisations: int) -> dict[int, Realisation]:
        """The realisations that are there, of the first so many."""
        found = {}
        for realisation in range(realisations):
            path = self._path(realisation)
            if path.exists():
                with np.load(path, allow_pickle=False) as stored:
                    found[realisation] = Realisation(
                        stored["times"],
                        stored["neurons"],
                        stored["potentials"],
                        0,
                        -1,
                        float(stored["end_time"]),
                        0.0,
                    )
        return found

    def keep(self, realisation: int, result: Realisation) -> None:
        """Store a realisation that reached its end."""

        def save(aside: Path) -> None:
            with aside.open("wb") as file:
                np.savez(
                    file,
                    times=result.times,
                    neurons=result.neurons,
                    potentials=result.potentials,
                    end_time=result.time,
                )

        _written(self._path(realisation), save)

    def _path(self, realisation: int) -> Path:
        return self._folder / f"realisation-{realisation:06d}.npz"


def fingerprint(
    system: AbstractSpikingSystem,
    connectome: Connectome,
    method: AbstractSpikeMethod,
    starts: Float[np.ndarray, "one_or_realisations neurons"],
    request: Request,
    seed: np.uint64,
) -> str:
    """A hash of everything that decides the numbers but the code of the user's own functions."""
    digest = hashlib.sha256()
    wiring = (connectome.row_start, connectome.presynaptic, connectome.weights)
    parts: list[Any] = [system, wiring, method, starts, tuple(request), np.asarray(seed)]
    leaves = jax.tree.leaves(parts)
    named = [leaf for leaf in leaves if not callable(leaf)]
    digest.update(str(jax.tree.structure(jax.tree.map(lambda _: 0, parts))).encode())
    for leaf in named:
        array = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _written(path: Path, write: Any) -> None:
    """Write aside, then rename: a reader finds all of it or nothing."""
    aside = path.with_name(path.name + ".part")
    write(aside)
    os.replace(aside, path)


__all__ = ["SpikeCheckpoint", "fingerprint"]
