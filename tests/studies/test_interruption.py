"""Interrupts that fall into code whose exceptions Python drops."""

import gc
import signal
import sys
import time

import pytest

from neuropil.studies.interruption import interrupts_kept


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """A shell ignores interrupts for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def wait_for_the_interrupt():
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        time.sleep(0.01)


def test_an_interrupt_inside_a_callback_of_the_garbage_collector_arrives():
    def callback(phase, information):
        if phase == "start":
            gc.callbacks.remove(callback)
            signal.raise_signal(signal.SIGINT)

    with interrupts_kept():
        gc.callbacks.append(callback)
        gc.collect()
        with pytest.raises(KeyboardInterrupt):
            wait_for_the_interrupt()


def test_an_interrupt_inside_a_finaliser_arrives():
    class Interrupted:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with interrupts_kept():
        interrupted = Interrupted()
        del interrupted
        with pytest.raises(KeyboardInterrupt):
            wait_for_the_interrupt()


def test_other_dropped_exceptions_go_to_the_hook_that_was_there(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)

    class Broken:
        def __del__(self):
            raise ArithmeticError("out of numbers")

    with interrupts_kept():
        broken = Broken()
        del broken
    assert [report.exc_type for report in seen] == [ArithmeticError]
    assert sys.unraisablehook == seen.append
