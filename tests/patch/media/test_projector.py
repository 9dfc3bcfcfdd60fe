"""Films in patches: every frame in a render, and a show that never waits, whatever happens to the child."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media import projector as projectors
from ganzfeld.patch.media.projector import FilmReader, Projector
from ganzfeld.values.time import Moment
from numbered_film import HEIGHT, WIDTH, read_number, write_film


@pytest.mark.parametrize("content", [b"", b"not a film", b"#EXTM3U\n#EXTINF:1,\nhttp://localhost:1/a.ts\n"])
def test_what_is_no_film_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(PatchError, match=r"bad\.mp4") as caught:
        Player(parse(f"out(movie({str(tmp_path / 'bad.mp4')!r}))"), device="cpu")
    assert caught.value.where.line == 1


@pytest.mark.parametrize("argument", ["", "'missing.mp4'", "7"])
def test_a_film_that_is_not_there(argument: str) -> None:
    with pytest.raises(PatchError, match=r"missing\.mp4|quotes"):
        Player(parse(f"out(movie({argument}))"), device="cpu")


def played(text: str, count: int, fps: float) -> list[int]:
    with Player(parse(text), device="cpu") as player:
        numbers = [read_number(frame.image.numpy()) for frame in player.frames(count=count, fps=fps)]
        assert not player.problems
    return numbers


@pytest.mark.parametrize(
    ("arguments", "fps", "expected"),
    [
        ("", 25, [n % 40 for n in range(90)]),
        ("loop=False", 25, [min(n, 39) for n in range(60)]),
        ("speed=2", 25, [2 * n % 40 for n in range(50)]),
        ("speed=-1", 25, [-n % 40 for n in range(90)]),
        ("speed=0, position=20/25", 25, [20] * 3),
        ("speed=0, position=(7*frame % 40)/25", 60, [7 * n % 40 for n in range(20)]),
        ("", 50, [n // 2 % 40 for n in range(100)]),
        ("", 5, [5 * n % 40 for n in range(20)]),
    ],
)
def test_a_render_has_every_frame(tmp_path: Path, arguments: str, fps: float, expected: list[int]) -> None:
    path = write_film(tmp_path / "a.mp4", g=12)
    assert played(f"out(movie({str(path)!r}, {arguments}))", len(expected), fps) == expected


def test_two_readers_see_the_same_film(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4")
    text = f"m = movie({str(path)!r})\nout(m)\nout(m, size=(128, 96))"
    assert played(text, 30, 25) == list(range(30))


def test_a_choice_of_films(tmp_path: Path) -> None:
    one, two = write_film(tmp_path / "a.mp4"), write_film(tmp_path / "b.mp4")
    text = f"out(movie({str(one)!r} if frame % 2 else {str(two)!r}))"
    assert played(text, 20, 25) == list(range(20))


def test_a_show_never_waits_for_a_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    decode = FilmReader.at

    def slow(self: FilmReader, seconds: float, **options):
        if threading.current_thread().name == "ganzfeld-film":
            assert gate.wait(20)
        return decode(self, seconds, **options)

    monkeypatch.setattr(FilmReader, "at", slow)
    path = write_film(tmp_path / "a.mp4")
    engine = Engine(device="cpu")
    engine.load(f"out(movie({str(path)!r}))")

    def shown(frame: int) -> int:
        moment = Moment(frame, frame / 25, 1 / 25 if frame else 0.0, 0, 0, 120)
        return read_number(engine.frame(moment)["out"].numpy())

    assert [shown(frame) for frame in range(8)] == [0] * 8  # nothing more is decoded, and nothing waits
    gate.set()
    deadline = time.monotonic() + 20
    frame, late = 8, 0
    while late != frame and time.monotonic() < deadline:
        late = shown(frame)
        frame += late != frame  # the film catches up with the show
        time.sleep(0.01)
        if frame == 39:
            break
    assert late > 0
    engine.close()


def test_a_render_says_so_when_it_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projector = Projector(write_film(tmp_path / "a.mp4"))
    go_on = threading.Event()
    decode = FilmReader.at
    monkeypatch.setattr(
        FilmReader, "at", lambda self, seconds, **options: go_on.wait(20) and decode(self, seconds, **options)
    )
    monkeypatch.setattr(projectors, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(PatchError, match=r"a\.mp4 took longer"):
        projector.picture(1.0, loop=True, wait=True)
    go_on.set()


def test_the_thread_ends_when_nobody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projectors, "IDLE_SECONDS", 0.05)
    projector = Projector(write_film(tmp_path / "a.mp4"))
    assert read_number(projector.picture(3 / 25, loop=True, wait=True)) == 3
    thread = projector._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    assert read_number(projector.picture(9 / 25, loop=True, wait=True)) == 9
    thread = projector._thread
    del projector
    assert thread is not None
    thread.join(10)
    gc.collect()
    assert not thread.is_alive()


def test_a_film_that_fails_is_reported_and_stays_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "a.mp4")
    with Player(parse(f"out(movie({str(path)!r}))"), device="cpu") as player:
        assert read_number(player.frame(0).image.numpy()) == 0

        def broken(self: FilmReader, seconds: float, **options):
            raise ValueError("a disk went")

        monkeypatch.setattr(FilmReader, "at", broken)
        assert read_number(player.frame(1.0).image.numpy()) < 40
        assert "a.mp4" in str(player.problems[0])
        monkeypatch.undo()


def test_film_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "a.mp4", 250, g=250)
    monkeypatch.setattr(projectors, "AHEAD_BYTES", WIDTH * HEIGHT * 4 * 5)
    projector = Projector(path)
    for number in range(100):
        assert read_number(projector.picture(number / 25, loop=True, wait=True)) == number
        assert len(projector._ready) <= 8
