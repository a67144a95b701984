"""Ctrl-C that is not lost."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE_SECONDS = 0.05
"""Time for the code that swallowed the interrupt to return."""


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Inside, an interrupt that Python would swallow is sent again.

    Python reports and drops whatever is raised inside a finaliser or a callback of the garbage
    collector, and JAX registers such a callback: a Ctrl-C that falls into one would be a line on
    the error stream, and the work would go on.
    """
    previous = sys.unraisablehook
    left = threading.Event()

    def repeat() -> None:
        time.sleep(_PAUSE_SECONDS)
        if not left.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Thread(target=repeat, daemon=True).start()
        else:
            previous(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        left.set()
        sys.unraisablehook = previous


__all__ = ["interrupts_kept"]
