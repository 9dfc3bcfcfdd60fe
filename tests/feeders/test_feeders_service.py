"""Children that decode: limited, replaceable, and gone when nobody needs them."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import psutil
import pytest

from ganzfeld.errors import FeederError
from ganzfeld.feeders import service
from ganzfeld.feeders.service import OpenFeeder, child_pids, end_children, read_file

TROUBLE = "odd_feeders.trouble"
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def no_children(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(service, "PAUSES", (0.0, 60.0))
    end_children()
    yield
    end_children()


def opened(**options: object) -> OpenFeeder:
    return OpenFeeder(TROUBLE, "/nowhere/film.mp4", **options)  # type: ignore[arg-type]


def test_a_child_imports_no_torch_and_is_shared() -> None:
    one, two = opened(), opened()
    assert one.facts["pid"] == two.facts["pid"] == child_pids()[0]
    assert not {"torch", "av", "scipy", "asyncio"} & set(one.facts["modules"])


def test_arrays_come_in_shared_memory_and_stay_while_they_are_held() -> None:
    feeder = opened(slots=3)
    held = [feeder.ask("numbers", first=k, count=1 << 18).array for k in range(5)]  # more than there are slots
    feeder.close()
    for k, array in enumerate(held):
        assert array is not None
        assert (array == np.arange(k, k + (1 << 18), dtype=np.float32)).all()


def test_slots_are_used_again() -> None:
    feeder = opened(slots=2)
    for k in range(50):
        part = feeder.ask("numbers", first=k, count=1 << 18).array[5:9]  # type: ignore[index]
        assert part.tolist() == [k + 5, k + 6, k + 7, k + 8]
    slots = feeder._opened.slots  # type: ignore[union-attr]
    assert slots is not None
    del part
    gc.collect()
    assert len(slots._free) == 2


def test_no_shared_memory_is_left_behind(tmp_path: Path) -> None:
    feeder = opened(slots=2)
    feeder.ask("numbers", first=0, count=1 << 18)
    name = feeder._opened.slots.name  # type: ignore[union-attr]
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_without_shared_memory_answers_come_through_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service, "Slots", full)
    array = opened(slots=2).ask("numbers", first=3, count=1 << 18).array
    assert array is not None
    assert array[-1] == 3 + (1 << 18) - 1
    array += 1  # it may be written


def test_what_answers_too_much_is_refused() -> None:
    with pytest.raises(FeederError, match="It holds 64 MB unpacked; at most 16 MB"):
        opened().ask("numbers", first=0, count=1 << 24)
    with pytest.raises(FeederError, match="unpacked; at most 16 MB"):
        opened(slots=1, nbytes=1 << 25).ask("pid")


def test_errors_keep_their_words() -> None:
    feeder = opened()
    with pytest.raises(FeederError, match=r"It is not so\. Do this"):
        feeder.ask("refuses")
    with pytest.raises(FeederError, match="ValueError: odd"):
        feeder.ask("raises", message="odd")
    with pytest.raises(FeederError, match=r"more memory than a file may take here \(512 MB"):
        feeder.ask("eat")
    for word in ("secret", "limits", "__init__", "nothing"):
        with pytest.raises(FeederError, match="Nothing here answers"):
            feeder.ask(word)
    assert feeder.ask("pid").facts == feeder.facts["pid"]  # the child has survived all of that


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux")
def test_a_child_can_do_nothing_but_decode(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    assert OpenFeeder(TROUBLE, path).ask("escapes").facts == []
    assert path.read_bytes() == b"film"
    assert not (tmp_path / "written").exists() or not (tmp_path / "written").stat().st_size


@posix
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("crash", "was ended by SIGSEGV"),
        ("leave", "ended by itself"),
        ("spin", "took too much processor time"),
        ("hang", "gave no answer for 0.5 s"),
        ("garble", "no answer"),
    ],
)
def test_a_child_that_dies_is_told_and_replaced(fault: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    feeder, other = opened(), opened()
    patience = 0.5 if fault in ("hang", "garble") else 15.0
    with pytest.raises(FeederError, match=rf"film\.mp4 stopped: the process that decodes it .*{words}.*started again"):
        feeder.ask(fault, patience=patience)
    assert len(caplog.records) == 1
    shared = other.ask("pid").facts  # who shared the child goes on at once
    assert feeder.ask("pid").facts not in (shared, feeder.facts)


@posix
def test_pauses_grow_until_an_answer_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    feeder = opened()
    for _ in range(2):
        with pytest.raises(FeederError, match="stopped"):
            feeder.ask("crash")
    assert child_pids() == []
    with pytest.raises(FeederError, match=r"SIGSEGV.*started again in 60 s"):
        feeder.ask("pid")  # at once, and nothing is started
    assert child_pids() == []
    feeder._again = time.monotonic()
    assert feeder.ask("pid").facts
    with pytest.raises(FeederError, match="again at once"):
        feeder.ask("crash")


@posix
def test_a_render_asks_again_at_once() -> None:
    feeder = opened()
    os.kill(feeder.ask("pid").facts, signal.SIGKILL)
    assert feeder.ask("numbers", first=2, count=3, tries=3).array.tolist() == [2, 3, 4]  # type: ignore[union-attr]
    with pytest.raises(FeederError, match="SIGSEGV"):
        feeder.ask("crash", tries=3)


@posix
def test_a_file_that_kills_at_once_is_refused() -> None:
    with pytest.raises(FeederError, match="SIGSEGV"):
        opened(start="crash")
    assert child_pids() == []


@posix
def test_a_stopped_child_is_replaced() -> None:
    feeder = opened()
    os.kill(feeder.facts["pid"], signal.SIGSTOP)
    with pytest.raises(FeederError, match="no answer"):
        feeder.ask("pid", patience=0.3)
    assert feeder.ask("pid").facts


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from ganzfeld.feeders.service import OpenFeeder\n"
        f"feeder = OpenFeeder({TROUBLE!r}, '/x')\n"
        "print(feeder.facts['pid'], flush=True)\n"
        "sys.stdin.read(1)\n"
        "import threading\n"
        "threading.Thread(target=feeder.ask, args=('hang',), daemon=True).start()\n"
        "sys.stdin.read(1)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdin is not None and parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.communicate(b"xx", timeout=30)
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_children_end_when_nothing_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(service, "_children", service.Children())
    feeder = opened()
    process = psutil.Process(feeder.facts["pid"])
    del feeder  # never closed
    gc.collect()
    gone, _ = psutil.wait_procs([process], timeout=10)
    assert gone or process.status() == psutil.STATUS_ZOMBIE


def test_many_threads_ask_one_child() -> None:
    feeders, wrong = [opened() for _ in range(6)], []

    def ask(feeder: OpenFeeder, first: int) -> None:
        for k in range(first, first + 40):
            array = feeder.ask("numbers", first=k, count=3).array
            if array is None or array.tolist() != [k, k + 1, k + 2]:
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(feeder, 100 * k)) for k, feeder in enumerate(feeders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
    assert len(child_pids()) == 1


def test_one_question_opens_and_closes() -> None:
    assert read_file(TROUBLE, "/x", "pid").facts == child_pids()[0]
