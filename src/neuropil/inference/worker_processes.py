"""Calls shared among processes, each with a limit of time, none able to take others with it."""

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    call: int = -1
    deadline: float = float("inf")


def evaluate_in_processes(
    function: Callable[..., Mapping[str, Any]],
    arguments: Sequence[tuple],
    processes: int,
    time_limit: float,
) -> list[Mapping[str, Any] | None]:
    """What the function returns for each tuple of arguments; `None` where it did not return.

    A call that outlasts `time_limit` seconds is stopped with its process, which is replaced. The
    limit starts when the call is handed over.
    """
    context = multiprocessing.get_context("spawn")
    results: list[Mapping[str, Any] | None] = [None] * len(arguments)
    waiting = list(range(len(arguments)))[::-1]
    workers = [_started(context, function) for _ in range(min(processes, len(arguments)))]
    try:
        while waiting or any(worker.call >= 0 for worker in workers):
            for place, worker in enumerate(workers):
                if worker.call >= 0 and time.monotonic() > worker.deadline:
                    _stop(worker)
                    workers[place] = worker = _started(context, function)
                if worker.call < 0 and waiting:
                    worker.call = waiting.pop()
                    worker.deadline = time.monotonic() + time_limit
                    worker.connection.send(arguments[worker.call])
            busy = {id(worker.connection): worker for worker in workers if worker.call >= 0}
            for ready in wait([worker.connection for worker in busy.values()], timeout=0.1):
                worker = busy[id(ready)]
                try:
                    results[worker.call] = worker.connection.recv()
                    worker.call = -1
                except EOFError:
                    _stop(worker)
                    workers[workers.index(worker)] = _started(context, function)
    finally:
        for worker in workers:
            _stop(worker)
    return results


def _started(context: Any, function: Callable[..., Mapping[str, Any]]) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _stop(worker: _Worker) -> None:
    worker.process.terminate()
    worker.process.join()
    worker.connection.close()


def _serve(function: Callable[..., Mapping[str, Any]], connection: Connection) -> None:
    while True:
        try:
            arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send(dict(function(*arguments)))
        except Exception:
            connection.send(None)


__all__ = ["evaluate_in_processes"]
