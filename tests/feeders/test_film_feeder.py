"""Films as a child decodes them: the exact frame at any second, its alpha, its colours, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzfeld.errors import FeederError
from ganzfeld.feeders.kinds.film import FilmFeeder
from ganzfeld.outputs.base import open_output
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
def film(request: pytest.FixtureRequest, tmp_path: Path) -> FilmFeeder:
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
    return FilmFeeder(path)


def test_every_frame_is_found_from_everywhere(film: FilmFeeder) -> None:
    assert film.seconds == pytest.approx(40 / film.rate, abs=0.002)
    order = [*range(40), *range(39, -1, -1), *np.random.default_rng(0).integers(0, 40, 30)]
    # Times as shows have them: sums of fractions.
    found = [read_number(film.rgba(film.decoded(float(sum([1 / film.rate] * number))))) for number in order]
    assert found == order
    assert not film.damaged


def test_before_the_first_and_after_the_last(tmp_path: Path) -> None:
    film = FilmFeeder(write_film(tmp_path / "a.mp4"))
    assert read_number(film.rgba(film.decoded(100))) == 39
    assert read_number(film.rgba(film.decoded(-3))) == 0


def test_a_film_that_was_cut_off_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "a.mkv", 120, g=5).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    film = FilmFeeder(tmp_path / "cut.mkv")
    last = read_number(film.rgba(film.decoded(1e9)))
    assert 5 < last < 119
    assert [read_number(film.rgba(film.decoded(n / 25))) for n in range(last)] == list(range(last))


def test_a_damaged_film_plays_on(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", g=5)
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat"), data.index(b"moov")
    middle = (begin + end) // 2
    data[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(data)
    film = FilmFeeder(path)
    seen = [read_number(film.rgba(film.decoded(n / 25))) for n in range(40)]
    assert seen[0] == 0
    assert seen[-1] == 39
    assert 0 < sum(number != n for n, number in enumerate(seen)) < 20


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_film_stands_upright(tmp_path: Path, rotation: int) -> None:
    film = FilmFeeder(write_film(tmp_path / "a.mp4", rotation=rotation))
    upright = film.rgba(film.decoded(5 / 25))
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
    film = FilmFeeder(tmp_path / "a.mp4")
    shown = film.rgba(film.decoded(0))
    assert np.abs(shown[6::12, 8::16].astype(int) - picture[6::12, 8::16]).max() <= 4


def test_alpha_is_kept(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream: Any = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 8, 8, "argb"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((8, 8, 4), (10, 20, 30, 40), np.uint8), "rgba")))
        container.mux(stream.encode(None))
    film = FilmFeeder(tmp_path / "a.mov")
    assert film.rgba(film.decoded(0))[4, 4].tolist() == [10, 20, 30, 40]


def test_a_sound_has_no_pictures(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    with pytest.raises(FeederError, match=r"a\.wav has no pictures"):
        FilmFeeder(tmp_path / "a.wav")
