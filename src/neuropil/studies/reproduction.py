"""Run a study: compute the shards that are missing, judge the claims, draw the figures."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from neuropil.studies.contract import SCALES, AbstractStudy, Scale, Shard
from neuropil.studies.execution import (
    KEY_IMPLEMENTATION,
    AbstractExecutor,
    InProcess,
    ShardError,
    ShardTask,
)
from neuropil.studies.failures import (
    OutputFailed,
    RunDamaged,
    RunInterrupted,
    ShardFailed,
    StudyFailed,
)
from neuropil.studies.finished_shards import FinishedShards
from neuropil.studies.identity import canonical, code_version, run_key
from neuropil.studies.interruption import interrupts_kept
from neuropil.studies.provenance import environment, now
from neuropil.studies.registry import load_study
from neuropil.studies.runs import RunResult, load_run
from neuropil.studies.store import COMPLETE, RunFolder, check_shards, require_safe_name

LARGEST_SEED = 2**63 - 1

LOG_FILE_INTERVAL = 10.0
"""Seconds between lines of progress where they are not read as they come."""

PROGRESS_INTERVAL = 2.0
"""Seconds between looks at how far unfinished shards are."""

INTERRUPTED = "interrupted"
FAILED = "failed"


def reproduce(
    study: AbstractStudy | str,
    *,
    scale: Scale = "quick",
    seed: int = 0,
    output: Path | str = "runs",
    executor: AbstractExecutor | None = None,
    headlines_only: bool = False,
    progress: bool = True,
) -> RunResult:
    """Run a study, or continue a run of it that was stopped, and store the outcome.

    `study` is an object or a name that `load_study` knows. The run lives in
    `output/<study>/<key>`, where the key is a hash of study, configuration, seed and code: shards
    that are there and whole are not computed again. Results depend on neither the executor nor
    on interruptions. With `headlines_only` the shards are those that the study calls its headlines,
    and claims and figures are those that need no others; a later call without it computes the rest
    in the same folder. `progress` shows a bar on the standard error stream.

    Raises `ValueError` for an unknown study, scale or seed and for a study that breaks its
    contract, `StudyFailed` when the run cannot go on (its subclasses say whether a shard failed,
    the folder cannot be written or another run holds it), and `RunInterrupted`, a
    `KeyboardInterrupt`, on Ctrl-C. After each of them the same call continues the run.
    """
    reference = study if isinstance(study, str) else None
    if isinstance(study, str):
        study = load_study(study)
    if executor is None:
        executor = InProcess()
    identity = _identity(study, scale, seed)
    shards = study.shards(identity["configuration"])
    check_shards(shards)
    identity["study"]["reference"] = reference
    identity["shards"] = [shard.name for shard in shards]
    wanted = shards
    if headlines_only:
        wanted = _headlines(study, identity["configuration"], shards)
    folder = RunFolder(Path(output) / study.name / identity["key"])
    with folder.held(), interrupts_kept():
        session = _Session.begin(folder, identity, executor)
        try:
            missing = [shard for shard in wanted if not folder.has_shard(shard)]
            folder.log(f"{len(wanted) - len(missing)} of {len(wanted)} shards wanted are there")
            if missing:
                task = ShardTask(
                    study, identity["configuration"], seed, identity["code"], folder.workspaces
                )
                _compute(task, folder, missing, session, executor, progress)
            _judge_and_draw(study, identity["configuration"], folder, shards)
        except KeyboardInterrupt as interruption:
            session.end_early(INTERRUPTED, "interrupted")
            raise RunInterrupted(
                f"Interrupted. What is finished is kept in {folder.path}: repeat the same command "
                "to continue."
            ) from interruption
        except Exception as error:
            session.end_early(FAILED, getattr(error, "details", "") or traceback.format_exc())
            raise
        session.end(COMPLETE)
    return load_run(folder.path)


def _headlines(
    study: AbstractStudy, configuration: dict[str, Any], shards: list[Shard]
) -> list[Shard]:
    """The shards that the study calls its headlines."""
    names = study.headlines(configuration)
    unknown = set(names) - {shard.name for shard in shards}
    if unknown or not names:
        raise ValueError(
            f"headlines of {study.name} must name some of its shards, got {sorted(names)}"
        )
    return [shard for shard in shards if shard.name in names]


def _identity(study: AbstractStudy, scale: Any, seed: Any) -> dict[str, Any]:
    """Everything that decides the numbers, checked, with the key of the run."""
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed must be a whole number from 0 to {LARGEST_SEED}, got {seed!r}")
    require_safe_name("study", study.name)
    configuration = study.configuration(scale)
    canonical(configuration)
    code = code_version(study)
    return {
        "study": {"name": study.name, "title": study.title, "source": study.source},
        "scale": scale,
        "seed": seed,
        "key_implementation": KEY_IMPLEMENTATION,
        "code": code,
        "key": run_key(study.name, configuration, seed, code),
        "configuration": configuration,
    }


@dataclass
class _Session:
    """One stretch of work on a run: when, where, with what, and how it ended."""

    folder: RunFolder
    earlier: list[dict[str, Any]]
    record: dict[str, Any]

    @classmethod
    def begin(
        cls, folder: RunFolder, identity: dict[str, Any], executor: AbstractExecutor
    ) -> "_Session":
        """Write down what is going to be run, before anything is."""
        folder.write_record("configuration", identity)
        try:
            earlier = folder.read_record("provenance")["sessions"]
        except (RunDamaged, KeyError):
            earlier = []
        record = {
            "started": now(),
            "ended": None,
            "outcome": None,
            "executor": executor.description,
            "shards": [],
            **environment(),
        }
        session = cls(folder, earlier, record)
        session._write()
        folder.log(f"started {executor.description}")
        return session

    def add(self, shard: Shard) -> None:
        """Write down that a shard was finished, for the case that the session is killed."""
        self.record["shards"].append(shard.name)
        self._write()
        self.folder.log(f"shard {shard.name} finished")

    def end(self, outcome: str) -> None:
        """Write down how it ended."""
        self.record |= {"ended": now(), "outcome": outcome}
        self._write()
        self.folder.log(outcome)

    def end_early(self, outcome: str, reason: str) -> None:
        """Write down why it ended, as far as the folder can still be written."""
        with suppress(OutputFailed):
            self.folder.log(reason.rstrip())
            self.end(outcome)

    def _write(self) -> None:
        self.folder.write_record("provenance", {"sessions": [*self.earlier, self.record]})


def _compute(
    task: ShardTask,
    folder: RunFolder,
    missing: list[Shard],
    session: _Session,
    executor: AbstractExecutor,
    progress: bool,
) -> None:
    """Compute and store the missing shards, each as soon as it is finished."""
    by_index = {shard.index: shard for shard in missing}
    interval = 0.2 if sys.stderr.isatty() else LOG_FILE_INTERVAL
    with (
        closing(executor.run(task, list(by_index))) as results,
        tqdm(
            total=len(missing),
            desc=task.study.name,
            unit="shard",
            disable=not progress,
            mininterval=interval,
        ) as bar,
        _repeated(lambda: _show_unfinished(bar, folder, missing)) if progress else nullcontext(),
    ):
        for index, result in results:
            shard = by_index[index]
            if isinstance(result, ShardError):
                raise ShardFailed(
                    f"shard {shard.name!r} of {task.study.name} failed: {result.message} (the "
                    f"traceback is in {folder.path / 'log.txt'})",
                    result.details,
                )
            try:
                folder.write_shard(shard, result)
            except (TypeError, ValueError) as error:
                raise ShardFailed(f"shard {shard.name!r} cannot be stored: {error}") from error
            session.add(shard)
            bar.set_postfix_str(shard.name, refresh=False)
            bar.update()


def _show_unfinished(bar: tqdm, folder: RunFolder, shards: list[Shard]) -> None:
    """Put what unfinished shards say behind the bar."""
    said = [f"{shard.name}: {line}" for shard in shards if (line := folder.progress_of(shard))]
    if said and "; ".join(said) not in (bar.postfix or ""):
        bar.set_postfix_str("; ".join(said))


@contextmanager
def _repeated(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again, in a thread, until the block ends."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(PROGRESS_INTERVAL):
            look()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _judge_and_draw(
    study: AbstractStudy, configuration: dict[str, Any], folder: RunFolder, shards: list[Shard]
) -> None:
    """Claims and figures from the stored shards, so that a resumed run sees the same numbers."""
    stored = {shard.name: folder.read_shard(shard) for shard in shards if folder.has_shard(shard)}
    results = FinishedShards(stored, [shard.name for shard in shards])
    try:
        claims = study.claims(configuration, results)
        folder.write_figures(study.figures(configuration, results))
        folder.write_claims(claims, [shard.name for shard in shards if shard.name not in stored])
    except StudyFailed:
        raise
    except Exception as error:
        raise StudyFailed(
            f"{study.name}: claims or figures failed: {type(error).__name__}: {error} (the "
            f"traceback is in {folder.path / 'log.txt'})"
        ) from error
