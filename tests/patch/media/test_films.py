"""Films: the exact frame at any second, and a show that never waits."""

from __future__ import annotations

import gc
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.outputs.base import open_output
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media import projector as projectors
from ganzfeld.patch.media.films import Film
from ganzfeld.patch.media.projector import Projector
from ganzfeld.values.time import Moment
from numbered_film import HEIGHT, WIDTH, read_number, write_film

FORMATS: dict[str, dict[str, Any]] = {
    "one key frame, B-frames.mp4": {"g": 300, "bf": 4},
    "many key frames.mp4": {"g": 5},
    "whole milliseconds.mkv": {"rate": Fraction(30000, 1001)},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "old.avi": {"codec": "mpeg4"},
    "animation.gif": {"codec": "gif", "pix_fmt": "rgb8", "rate": 20},
    "pieces.mp4": {"movflags": None},
}


@pytest.fixture(params=FORMATS)
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Film:
    path, options = tmp_path / request.param, FORMATS[request.param]
    if request.param == "pieces.mp4":  # as our own recordings are written
        from numbered_film import number_picture

        output = open_output(path, (WIDTH, HEIGHT), 25)
        for number in range(40):
            picture = np.dstack([number_picture(number), np.full((HEIGHT, WIDTH), 255, np.uint8)])
            output.write(picture, number / 25, number)
        output.close()
    else:
        write_film(path, **options)
    return Film(path)


def test_every_frame_is_found_from_everywhere(film: Film) -> None:
    assert film.seconds == pytest.approx(40 / film.rate, abs=0.002)
    order = [*range(40), *range(39, -1, -1), *np.random.default_rng(0).integers(0, 40, 30)]
    # Times as shows have them: sums of fractions.
    found = [read_number(film.rgba(film.at(float(sum([1 / film.rate] * number))))) for number in order]
    assert found == order
    assert not film.damaged


def test_before_the_first_and_after_the_last(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mp4"))
    assert read_number(film.rgba(film.at(100))) == 39
    assert read_number(film.rgba(film.at(-3))) == 0


def test_a_film_that_was_cut_off_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "a.mkv", 120, g=5).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    film = Film(tmp_path / "cut.mkv")
    last = read_number(film.rgba(film.at(1e9)))
    assert 5 < last < 119
    assert [read_number(film.rgba(film.at(n / 25))) for n in range(last)] == list(range(last))


def test_a_damaged_film_plays_on(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", g=5)
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat"), data.index(b"moov")
    middle = (begin + end) // 2
    data[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(data)
    film = Film(path)
    seen = [read_number(film.rgba(film.at(n / 25))) for n in range(40)]
    assert seen[0] == 0
    assert seen[-1] == 39
    assert 0 < sum(number != n for n, number in enumerate(seen)) < 20


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_film_stands_upright(tmp_path: Path, rotation: int) -> None:
    film = Film(write_film(tmp_path / "a.mp4", rotation=rotation))
    upright = film.rgba(film.at(5 / 25))
    assert (film.width, film.height) == ((WIDTH, HEIGHT) if rotation == 180 else (HEIGHT, WIDTH))
    assert read_number(np.rot90(upright, -rotation // 90)) == 5


def test_colours_come_back_as_they_were_written(tmp_path: Path) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    picture[..., 3] = 255
    colours = np.random.default_rng(0).integers(0, 256, (4, 4, 3))
    for (row, column), colour in zip(np.ndindex(4, 4), colours.reshape(-1, 3)):
        picture[row * 12 : row * 12 + 12, column * 16 : column * 16 + 16, :3] = colour
    output = open_output(tmp_path / "a.mp4", (WIDTH, HEIGHT), 25, quality=0)
    for number in range(3):
        output.write(picture, number / 25, number)
    output.close()
    film = Film(tmp_path / "a.mp4")
    shown = film.rgba(film.at(0))
    assert np.abs(shown[6::12, 8::16].astype(int) - picture[6::12, 8::16]).max() <= 4


def test_alpha_is_kept(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream: Any = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 8, 8, "argb"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((8, 8, 4), (10, 20, 30, 40), np.uint8), "rgba")))
        container.mux(stream.encode(None))
    film = Film(tmp_path / "a.mov")
    assert film.rgba(film.at(0))[4, 4].tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize("content", [b"", b"not a film", b"#EXTM3U\n#EXTINF:1,\nhttp://localhost:1/a.ts\n"])
def test_what_is_no_film_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(PatchError, match=r"bad\.mp4") as caught:
        Player(parse(f"out(movie({str(tmp_path / 'bad.mp4')!r}))"), device="cpu")
    assert caught.value.where.line == 1


def test_a_sound_has_no_pictures(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    with pytest.raises(PatchError, match=r"a\.wav has no pictures"):
        Film(tmp_path / "a.wav")


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
    decode = Film.at

    def slow(self: Film, seconds: float):
        if threading.current_thread().name == "ganzfeld-film":
            assert gate.wait(20)
        return decode(self, seconds)

    monkeypatch.setattr(Film, "at", slow)
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
    decode = Film.at
    monkeypatch.setattr(Film, "at", lambda self, seconds: go_on.wait(20) and decode(self, seconds))
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

        def broken(self: Film, seconds: float):
            raise ValueError("a disk went")

        monkeypatch.setattr(Film, "at", broken)
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
