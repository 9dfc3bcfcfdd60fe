"""A thread that does one task after the other."""

from __future__ import annotations

import gc
import threading

import pytest

from ganzfeld.engine.work_thread import WorkThread

PATIENCE = 20.0


def test_tasks_are_done_in_order_by_one_thread():
    work, done = WorkThread("test-work"), []
    threads = {work.submit(lambda n=n: done.append(n) or threading.get_ident()).result(PATIENCE) for n in range(5)}
    assert done == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    work.close()


def test_one_that_is_left_behind_holds_nobody_up():
    work, never = WorkThread("test-work"), threading.Event()
    work.submit(never.wait, PATIENCE)
    waiting = work.submit(lambda: 7)
    work.abandon()
    assert waiting.result(PATIENCE) == 7
    never.set()
    work.close()


def test_a_closed_one_takes_nothing():
    work = WorkThread("test-work")
    work.close()
    with pytest.raises(RuntimeError, match="closed"):
        work.submit(print)


def test_one_that_nobody_holds_any_more_ends():
    work = WorkThread("test-work")
    thread = work.submit(threading.current_thread).result(PATIENCE)
    del work
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()
