"""Where shards are computed: in this process, in several, or on a Dask cluster."""

import logging
import multiprocessing
import os
import signal
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import jax
import xarray as xr

from neuropil.studies.contract import AbstractStudy
from neuropil.studies.failures import ShardFailed
from neuropil.studies.identity import code_version
from neuropil.types import RandomKey

KEY_IMPLEMENTATION = "threefry2x32"
"""Named in full, so that a setting of the machine cannot change the random numbers of a study."""

CONNECTION_SECONDS = 20.0


def shard_key(seed: int, index: int) -> RandomKey:
    """The key of a shard: the seed's key folded with the shard's number."""
    return jax.random.fold_in(jax.random.key(seed, impl=KEY_IMPLEMENTATION), index)


@dataclass(frozen=True)
class ShardError:
    """What a worker reports instead of a result: one line, and the traceback as text."""

    message: str
    details: str


@dataclass(frozen=True)
class ShardTask:
    """The work of a study as a function of the shard's number that can be sent anywhere.

    `code` is the version of the code that the run was begun with (`code_version`). `workspaces`
    holds a folder for each shard that is under way (`None`: none keeps its state), by number.
    """

    study: AbstractStudy
    configuration: Mapping[str, Any]
    seed: int
    code: str
    workspaces: Path | None = None

    def __call__(self, index: int) -> xr.Dataset | ShardError:
        """Compute one shard; errors are returned, since not every exception can travel."""
        try:
            given = self.configuration, index, shard_key(self.seed, index)
            if self.workspaces is None:
                dataset = self.study.run_shard(*given)
            else:
                dataset = self.study.resume_shard(*given, self.workspaces / f"{index:04d}")
            if not isinstance(dataset, xr.Dataset):
                raise TypeError(f"run_shard must return an xarray.Dataset, got {type(dataset)}")
            return dataset.as_numpy()
        except Exception as error:
            return ShardError(f"{type(error).__name__}: {error}", traceback.format_exc())


def _compute_elsewhere(task: ShardTask, index: int) -> xr.Dataset | ShardError:
    """Compute one shard in another process, if that has the code that the run was begun with."""
    found = _code_here(task.study)
    if found == task.code:
        return task(index)
    return ShardError(
        f"the worker has code version {found[:12]}, but the run was begun with {task.code[:12]}: "
        "install the same version of the package for all workers",
        "",
    )


_VERSIONS: dict[type[AbstractStudy], str] = {}


def _code_here(study: AbstractStudy) -> str:
    """The code version as it was when this process first computed a shard of the study."""
    kind = type(study)
    if kind not in _VERSIONS:
        _VERSIONS[kind] = code_version(study)
    return _VERSIONS[kind]


Results: TypeAlias = Generator[tuple[int, xr.Dataset | ShardError], None, None]
"""Shard numbers with what became of them, as they finish."""


class AbstractExecutor(ABC):
    """Something that computes numbered shards, in any order."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Where the work is done, for the provenance."""

    @abstractmethod
    def run(self, task: ShardTask, indices: Sequence[int]) -> Results:
        """Yield (index, result) as shards finish; closing the iterator stops the work.

        Raises `ShardFailed` when a worker is lost.
        """


@dataclass(frozen=True)
class InProcess(AbstractExecutor):
    """One shard after the other in this process."""

    @property
    def description(self) -> str:
        """Where the work is done."""
        return "in process"

    def run(self, task: ShardTask, indices: Sequence[int]) -> Results:
        """Compute the shards in the order given."""
        for index in indices:
            yield index, task(index)


@dataclass(frozen=True)
class Processes(AbstractExecutor):
    """Shards on `jobs` processes of this machine, each started afresh.

    Raises `ValueError` when `jobs` is not positive.
    """

    jobs: int

    def __post_init__(self):
        if self.jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {self.jobs}")

    @property
    def description(self) -> str:
        """Where the work is done."""
        return f"{self.jobs} processes"

    def run(self, task: ShardTask, indices: Sequence[int]) -> Results:
        """Compute the shards in parallel; workers end when this process does."""
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(
            min(self.jobs, len(indices)),
            mp_context=multiprocessing.get_context("spawn"),  # JAX is unsafe after a fork
            initializer=_begin_worker,
        )
        try:
            with _interrupts_left_to_the_parent():
                futures = {pool.submit(_compute_elsewhere, task, index): index for index in indices}
            for future in as_completed(futures):
                yield futures[future], future.result()
            pool.shutdown()
        except BrokenProcessPool as error:
            raise ShardFailed(
                "a worker process ended without a word, most often for want of memory: repeat "
                "with fewer jobs; finished shards are kept"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
                worker.join()


@contextmanager
def _interrupts_left_to_the_parent() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, not even while they still import."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True)
class DaskCluster(AbstractExecutor):
    """Shards on a Dask cluster: the scheduler at `address`, or `local` for one on this machine.

    A local cluster has `jobs` workers, by default one a processor. Workers elsewhere need the
    same version of this package. Raises `ValueError` when Dask is not installed or `jobs` is given
    for a cluster that is not local.
    """

    address: str
    jobs: int | None = None

    def __post_init__(self):
        _import_distributed()
        if self.jobs is not None and self.address != "local":
            raise ValueError("jobs counts local workers: a cluster with an address has its own")
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {self.jobs}")

    @property
    def description(self) -> str:
        """Where the work is done."""
        return f"Dask cluster {self.address}"

    def run(self, task: ShardTask, indices: Sequence[int]) -> Results:
        """Compute the shards on the workers of the cluster."""
        distributed = _import_distributed()
        task = replace(task, workspaces=None)  # workers elsewhere do not see this disk
        with self._client(distributed, len(indices)) as client:
            futures = {  # impure, or equal calls would share a name and a result
                client.submit(_compute_elsewhere, task, index, pure=False): index
                for index in indices
            }
            try:
                for future in distributed.as_completed(futures):
                    index = futures[future]
                    try:
                        result = future.result()
                    except Exception as error:
                        raise ShardFailed(
                            f"the Dask cluster lost shard {index} ({type(error).__name__}: "
                            f"{error}); finished shards are kept"
                        ) from error
                    yield index, result
                    future.release()
            except BaseException:
                client.cancel(list(futures), force=True)
                raise

    @contextmanager
    def _client(self, distributed: Any, shards: int) -> Iterator[Any]:
        if self.address == "local":
            workers = min(self.jobs or os.cpu_count() or 1, shards)
            with (
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.ERROR,
                ) as cluster,
                distributed.Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = distributed.Client(self.address, timeout=CONNECTION_SECONDS)
        except (OSError, ValueError, TimeoutError) as error:
            raise ShardFailed(f"no Dask scheduler answers at {self.address!r}: {error}") from error
        with client:
            yield client


def _import_distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ValueError(
            "a Dask cluster needs the extra `cluster`: pip install 'neuropil[cluster]'"
        ) from error
    return distributed
