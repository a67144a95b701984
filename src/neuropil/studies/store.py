"""The folder of a run as its writer sees it: one writer, whole files, verified shards.

configuration.json   what was run: study, scale, seed, code version, configuration
provenance.json      under which circumstances, one entry for each time the run was continued
shards/              one Zarr group a shard, with its SHA-256 list beside it (`sha256sum -c`)
unfinished/          where shards of an hour keep their state until they are finished
figures/             PNG and SVG, and `figures.json` with names and captions
claims.json          the ledger; it is written last, so where it is, the run ended: it names the
                     shards that were left out of a run of headlines
log.txt              what happened when
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import matplotlib
import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import DrawnFigure, Shard
from neuropil.studies.failures import OutputFailed, RunDamaged, RunHeld
from neuropil.studies.files import ASIDE, checksums, remove, write_text, writing
from neuropil.studies.provenance import now

SCHEMA = 1
"""Version of the JSON files of a run."""

COMPLETE = "complete"
"""Outcome of a session that ended with claims and figures."""

FIGURE_DOTS_PER_INCH = 160

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. Every method that writes raises `OutputFailed` when it cannot."""

    path: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only writer until the block ends, and clear what a killed writer left aside.

        The operating system frees the lock when its holder dies. Raises `RunHeld` when another
        run has it.
        """
        lock = filelock.FileLock(self.path / "lock")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise RunHeld(
                f"another run is writing {self.path}: wait until it ends, or choose another "
                "output folder"
            ) from error
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise OutputFailed(
                f"cannot write {self.path}: {reason}. Choose another output folder."
            ) from error
        try:
            for leftover in self.path.rglob("*" + ASIDE):
                remove(leftover)
            yield
        finally:
            lock.release()

    def log(self, line: str) -> None:
        """Add a line, with the time, to the log."""
        try:
            with (self.path / "log.txt").open("a", encoding="utf-8") as stream:
                stream.write(f"{now()} {line}\n")
        except OSError as error:
            raise OutputFailed(f"cannot write {self.path / 'log.txt'}: {error.strerror}") from error

    def write_record(self, name: str, record: Mapping[str, Any]) -> None:
        """Write `name`.json: the record with the schema version."""
        text = json.dumps({"schema": SCHEMA, **record}, indent=2, ensure_ascii=False)
        write_text(self.path / f"{name}.json", text + "\n")

    def read_record(self, name: str) -> dict[str, Any]:
        """Read what `write_record` wrote; raises `RunDamaged` when that is not what is there."""
        path = self.path / f"{name}.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            schema = record["schema"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunDamaged(f"{path} is missing or damaged: repeat the run") from error
        if schema != SCHEMA:
            raise RunDamaged(f"{path} has schema {schema}, this version reads schema {SCHEMA}")
        return record

    def has_shard(self, shard: Shard) -> bool:
        """Whether the shard is finished and every byte is what was written."""
        group, listing = self._shard_paths(shard)
        if not group.is_dir() or not listing.is_file():
            return False
        return listing.read_text(encoding="utf-8") == _listing(group)

    @property
    def workspaces(self) -> Path:
        """Holds the folders in which unfinished shards keep their state, by number."""
        return (self.path / "unfinished").absolute()

    def progress_of(self, shard: Shard) -> str:
        """The line in which an unfinished shard says how far it is; empty where there is none."""
        try:
            return (self.workspaces / f"{shard.index:04d}" / "progress.txt").read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def write_shard(self, shard: Shard, dataset: xr.Dataset) -> None:
        """Store the result of a shard: the arrays first, the list that vouches for them last."""
        group, listing = self._shard_paths(shard)
        with writing(group) as aside:
            # Format 2: format 3 has no settled representation of text.
            dataset.to_zarr(aside, mode="w", zarr_format=2, consolidated=True)
            remove(listing)
        write_text(listing, _listing(group))
        shutil.rmtree(self.workspaces / f"{shard.index:04d}", ignore_errors=True)
        with suppress(OSError):
            self.workspaces.rmdir()

    def read_shard(self, shard: Shard) -> xr.Dataset:
        """The result of a finished shard, in memory; raises `RunDamaged` when it is not whole."""
        group, _ = self._shard_paths(shard)
        if not self.has_shard(shard):
            raise RunDamaged(f"{group} is missing or damaged: repeat the run, which computes it")
        with xr.open_dataset(group, engine="zarr", chunks=None) as dataset:
            return dataset.load()

    def write_figures(self, figures: Iterable[DrawnFigure]) -> None:
        """Save every figure as PNG and SVG with its caption, all of them or none."""
        index = []
        with writing(self.path / "figures") as aside:
            aside.mkdir()
            for drawn in figures:
                require_safe_name("figure", drawn.name)
                _save_figure(drawn, aside)
                index.append({"name": drawn.name, "caption": drawn.caption, "alt": drawn.alt})
            text = json.dumps({"schema": SCHEMA, "figures": index}, indent=2, ensure_ascii=False)
            (aside / "figures.json").write_text(text + "\n", encoding="utf-8")

    def write_claims(self, claims: Sequence[Claim], not_run: Sequence[str] = ()) -> None:
        """Write the ledger, which completes the run; raises `ValueError` on a repeated claim.

        `not_run` names the shards that were left out of a run of headlines.
        """
        identifiers = [claim.identifier for claim in claims]
        if len(set(identifiers)) != len(identifiers):
            raise ValueError(f"claim identifiers must be distinct, got {sorted(identifiers)}")
        record = {
            "finished": now(),
            "not_run": list(not_run),
            "claims": [claim.to_json() for claim in claims],
        }
        self.write_record("claims", record)

    def _shard_paths(self, shard: Shard) -> tuple[Path, Path]:
        stem = f"{shard.index:04d}-{shard.name}"
        folder = self.path / "shards"
        return folder / f"{stem}.zarr", folder / f"{stem}.sha256"


def check_shards(shards: Sequence[Shard]) -> None:
    """Raise `ValueError` unless shards are numbered 0, 1, ... and their names can name files."""
    if not shards:
        raise ValueError("a study needs at least one shard")
    numbers = [shard.index for shard in shards]
    if numbers != list(range(len(shards))):
        raise ValueError(f"shards must be numbered 0 to {len(shards) - 1} in order, got {numbers}")
    for shard in shards:
        require_safe_name("shard", shard.name)
    if len({shard.name for shard in shards}) != len(shards):
        raise ValueError("shard names must be distinct")


def require_safe_name(what: str, name: str) -> None:
    """Raise `ValueError` unless `name`, of a `what`, can name a file on every system."""
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(
            f"{what} name {name!r} must be letters, digits, dots, underscores and hyphens"
        )


def _listing(group: Path) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in checksums(group).items())


def _save_figure(drawn: DrawnFigure, folder: Path) -> None:
    import matplotlib.pyplot as plt  # slow to import, and only needed where figures are drawn

    # Without a fixed salt and with a date, equal figures would give unequal files.
    with matplotlib.rc_context({"svg.hashsalt": drawn.name}):
        drawn.figure.savefig(folder / f"{drawn.name}.png", dpi=FIGURE_DOTS_PER_INCH)
        drawn.figure.savefig(folder / f"{drawn.name}.svg", metadata={"Date": None})
    plt.close(drawn.figure)
