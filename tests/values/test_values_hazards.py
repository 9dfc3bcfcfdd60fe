"""What may kill or hang a process is written down while it lasts, and stopped when it never ends."""

from __future__ import annotations

import secrets
import threading
import time

import pytest

from ganzfeld.values import hazards as module
from ganzfeld.values.hazards import LONGEST_PATH, MOST_ROWS, HazardBoard, Hazards, NeverReturned, stamp_of
from waiting import until


@pytest.fixture
def board():
    board = HazardBoard(f"gz{secrets.token_hex(4)}", create=True)
    yield board
    board.remove()


def test_another_process_sees_what_stands(board, tmp_path):
    file = tmp_path / "é s.py"
    file.write_text("1")
    hazards = Hazards(board)
    before = board.progress
    seen = []
    inner = lambda: seen.extend(board.standing())  # noqa: E731
    hazards.run("opening", "/a", 2.5, lambda: hazards.run("running", file, 9, inner))
    assert [(hazard.kind, hazard.path, hazard.patience) for hazard in seen] == [
        ("running", str(file), 9.0),
        ("opening", "/a", 2.5),
    ]
    assert seen[0].stamp == stamp_of(file) != 0
    assert seen[1].stamp == 0
    assert all(hazard.waited_for for hazard in seen)
    assert board.standing() == []
    assert board.progress >= before + 4


def test_more_than_there_are_rows_and_long_paths(board):
    hazards = Hazards(board)

    def nested(depth: int) -> int:
        if depth:
            return hazards.run("loading", "x" * 3 * LONGEST_PATH, 9, lambda: nested(depth - 1))
        return len(board.standing())

    assert nested(MOST_ROWS + 5) == MOST_ROWS
    assert board.standing() == []
    with pytest.raises(ZeroDivisionError):
        hazards.run("loading", "a", 9, lambda: 1 / 0)
    assert board.standing() == []


def test_what_never_returns_is_stopped_and_nothing_comes_later():
    hazards = Hazards()
    for _ in range(3):
        with pytest.raises(NeverReturned):
            hazards.run("running", "a", 0.05, lambda: [None for _ in iter(int, 1)])
    deadline = time.perf_counter() + 0.3
    while time.perf_counter() < deadline:
        pass
    assert hazards.standing() == []
    assert "a" in hazards.stopped


def test_what_does_not_hear_it_is_given_up():
    given_up = threading.Event()
    hazards = Hazards(give_up=lambda hazard: given_up.set())
    with pytest.raises(NeverReturned):
        hazards.run("running", "a", 0.05, lambda: given_up.wait(60))
    assert given_up.is_set()


def test_a_mended_file_ends_its_hazard_at_once():
    hazards = Hazards()
    ended = threading.Event()

    def hang() -> None:
        try:
            hazards.run("loading", "a", 1000, lambda: [None for _ in iter(int, 1)])
        except NeverReturned:
            ended.set()

    thread = threading.Thread(target=hang, daemon=True)
    thread.start()
    until(lambda: any(hazard.seconds > 1.1 for hazard in hazards.standing()))
    hazards.mended("b")
    assert not ended.wait(0.3)
    hazards.mended("a")
    assert ended.wait(30)


def test_the_watchdog_ends_when_nothing_is_left_to_watch_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    hazards = Hazards()
    for _ in range(2):
        assert hazards.run("running", "a.py", 10.0, lambda: hazards._watchdog) is not None
        assert until(lambda: hazards._watchdog is None)
