"""Many may run, or one may capture: never both."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ganzfeld.engine.program.reader_writer_lock import ReaderWriterLock


def test_runs_side_by_side_and_captures_alone() -> None:
    capture_lock = ReaderWriterLock()
    inside: list[str] = []
    wrong: list[list[str]] = []
    both = threading.Barrier(2, timeout=10)

    def note(what: str, enter: bool) -> None:
        (inside.append if enter else inside.remove)(what)
        if "capture" in inside and len(inside) > 1:
            wrong.append(list(inside))

    def run() -> None:
        for _ in range(100):
            with capture_lock.shared():
                note("run", True)
                time.sleep(1e-5)
                note("run", False)

    def capture() -> None:
        for _ in range(100):
            with capture_lock.exclusive() as granted:
                assert granted
                note("capture", True)
                time.sleep(1e-5)
                note("capture", False)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work) for work in (run, run, capture, capture)]:
            done.result(30)
    assert not wrong

    def meet() -> None:
        with capture_lock.shared():
            both.wait()

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(meet) for _ in range(2)]:
            done.result(10)


def test_who_has_no_time_does_not_wait() -> None:
    capture_lock = ReaderWriterLock()
    with capture_lock.shared(), capture_lock.exclusive(wait=False) as granted:
        assert not granted
    with capture_lock.exclusive() as first, capture_lock.exclusive(wait=False) as second:
        assert first
        assert not second
    with capture_lock.exclusive(wait=False) as granted:
        assert granted


def test_a_failure_ends_its_turn() -> None:
    capture_lock = ReaderWriterLock()
    for way in (capture_lock.shared, capture_lock.exclusive):
        with pytest.raises(RuntimeError), way():
            raise RuntimeError
    with capture_lock.exclusive(wait=False) as granted:
        assert granted
