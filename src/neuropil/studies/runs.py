"""Runs as their readers see them: configuration, ledger, figures and arrays of a stored run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from neuropil.studies.claims import Claim, Verdict, claim_from_json
from neuropil.studies.contract import Shard
from neuropil.studies.failures import RunDamaged
from neuropil.studies.store import SCHEMA, RunFolder


@dataclass(frozen=True)
class StoredFigure:
    """A figure of a run: its PNG and SVG files, the caption, and a description in words."""

    name: str
    caption: str
    alt: str
    png: Path
    svg: Path


@dataclass(frozen=True)
class RunResult:
    """A complete run of a study, as it is stored in `folder`.

    `identity` is what was run (study, scale, seed, code version, configuration, shards),
    `provenance` under which circumstances; `finished` is when the claims were last judged, in UTC
    as ISO 8601; `not_run` names the shards that a run of headlines left out. Arrays are read when
    they are asked for.
    """

    folder: Path
    finished: str
    identity: dict[str, Any]
    provenance: dict[str, Any]
    not_run: tuple[str, ...]
    claims: tuple[Claim, ...]
    figures: tuple[StoredFigure, ...]

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.identity["study"]["name"]

    @property
    def key(self) -> str:
        """Hash of study, configuration, seed and code version: the name of the folder."""
        return self.identity["key"]

    def count(self, verdict: Verdict) -> int:
        """Number of claims with this verdict."""
        return sum(claim.verdict is verdict for claim in self.claims)

    def datasets(self) -> dict[str, xr.Dataset]:
        """Results of the shards that were run, by name; `RunDamaged` when a checksum differs."""
        folder = RunFolder(self.folder)
        return {
            shard.name: folder.read_shard(shard)
            for shard in shards_of(self.identity)
            if shard.name not in self.not_run
        }

    def to_xarray(self) -> xr.DataTree:
        """The results of all shards as one labelled tree, a child for each shard."""
        return xr.DataTree.from_dict({f"/{name}": data for name, data in self.datasets().items()})


def shards_of(identity: dict[str, Any]) -> list[Shard]:
    """The shards of a run, from its stored identity."""
    return [Shard(index, name) for index, name in enumerate(identity["shards"])]


def load_run(folder: Path) -> RunResult:
    """Read a complete run; raises `RunDamaged`, naming the file, when one is missing or damaged."""
    store = RunFolder(folder)
    identity = store.read_record("configuration")
    provenance = store.read_record("provenance")
    ledger = store.read_record("claims")
    pictures = folder / "figures"
    figures = RunFolder(pictures).read_record("figures")
    try:
        return RunResult(
            folder=folder,
            finished=ledger["finished"],
            identity=identity,
            provenance=provenance,
            not_run=tuple(ledger["not_run"]),
            claims=tuple(claim_from_json(record) for record in ledger["claims"]),
            figures=tuple(
                StoredFigure(
                    **figure,
                    png=pictures / f"{figure['name']}.png",
                    svg=pictures / f"{figure['name']}.svg",
                )
                for figure in figures["figures"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunDamaged(f"{folder} does not hold a run of schema {SCHEMA}: {error}") from error


def latest_runs(output: Path, studies: Sequence[str] = ()) -> list[RunResult]:
    """The run completed last of each study named, or of every study that has one, by name.

    Raises `ValueError` when a study that is named, or any study at all, has no complete run.
    """
    if isinstance(studies, str):
        raise ValueError(f"studies must be a sequence of names, got the text {studies!r}")
    complete: dict[str, list[Path]] = {}
    for ledger in sorted(output.glob("*/*/claims.json")):
        complete.setdefault(ledger.parents[1].name, []).append(ledger.parent)
    missing = [name for name in studies if name not in complete]
    if missing or not complete:
        what = f"study {missing[0]!r}" if missing else "any study"
        raise ValueError(
            f"no complete run of {what} in {output}: make one with `neuropil reproduce"
            + (f" {missing[0]}`" if missing else "`")
        )
    return [_latest(complete[name]) for name in studies or sorted(complete)]


def _latest(folders: Sequence[Path]) -> RunResult:
    """The last of the runs that can be read; the reason why not where none can."""
    runs, damage = [], None
    for folder in folders:
        try:
            runs.append(load_run(folder))
        except RunDamaged as error:
            damage = error
    if damage and not runs:
        raise damage
    return max(runs, key=lambda run: run.finished)
