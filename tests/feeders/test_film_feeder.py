"""Films as a child decodes them: the exact frame at any second, its alpha, its colours, and what is refused."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzfeld.errors import FeederError
from ganzfeld.feeders import film_pictures
from ganzfeld.feeders.film_colours import REFERENCE_WHITE, _table, pq_code
from ganzfeld.feeders.kinds import film as films
from ganzfeld.feeders.kinds.film import FilmFeeder
from ganzfeld.outputs.base import open_output
from numbered_film import HEIGHT, WIDTH, read_number, write_film
from odd_films import write_deep, write_transparent, write_two_sizes

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


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_of_browsers_films_is_kept(tmp_path: Path, codec: str) -> None:
    film = FilmFeeder(write_transparent(tmp_path / "a.webm", codec))
    for seconds in (0.4, 0.0, 0.2):  # backwards, too: the decoder is made anew
        picture = film.rgba(film.decoded(seconds))
        assert np.abs(picture[24, :, 3].astype(int) - np.linspace(0, 255, 64)).max() < 6
        assert picture[24, 40, 0] > 245


def test_alpha_of_the_film_that_came_opaque() -> None:
    path = Path(__file__).parents[3] / "shared" / "inputs" / "alpha_vp9.webm"
    if not path.exists():
        pytest.skip("the folder shared/ is not here")
    film = FilmFeeder(path)
    alpha = film.rgba(film.decoded(1.0))[..., 3]
    assert (alpha[:, :30] == 255).all()
    assert (alpha[:, 34:] == 0).all()


WHITE = float(pq_code(np.array(REFERENCE_WHITE)))


@pytest.mark.parametrize(
    ("code", "tags", "shown"),
    [
        # Reference white lies where BT.2390's EETF from 1000 to 203 cd/m² brings it; the peak is white.
        ((WHITE,) * 3, {"transfer": 16, "primaries": 9, "matrix": 9}, (229, 229, 229)),
        ((0.75,) * 3, {"transfer": 18, "primaries": 9, "matrix": 9}, (229, 229, 229)),
        ((0.7518,) * 3, {"transfer": 16, "primaries": 9, "matrix": 9}, (255, 255, 255)),
        ((1.0,) * 3, {"transfer": 18, "primaries": 9, "matrix": 9}, (255, 255, 255)),
        ((0.0,) * 3, {"transfer": 16, "primaries": 9, "matrix": 9}, (0, 0, 0)),
        ((WHITE,) * 3, {"transfer": 16, "primaries": 9, "matrix": 9, "full": True}, (229, 229, 229)),
        # A film that says that nothing in it is brighter is not darkened.
        ((WHITE,) * 3, {"transfer": 16, "primaries": 9, "matrix": 9, "light": "max-cll=203,100"}, (252, 252, 252)),
        # Ordinary films: matrix, range and primaries by their tags.
        ((0.6, 0.2, 0.4), {"transfer": 1, "primaries": 1, "matrix": 1}, (153, 51, 102)),
        ((0.6, 0.2, 0.4), {"transfer": 1, "primaries": 1, "matrix": 1, "full": True}, (153, 51, 102)),
        ((0.6, 0.2, 0.4), {"transfer": 1, "primaries": 1, "matrix": 9}, (153, 51, 102)),
        ((0.6, 0.6, 0.6), {"transfer": 14, "primaries": 9, "matrix": 9}, (153, 153, 153)),
    ],
)
def test_colours_are_read_by_their_tags(
    tmp_path: Path, code: tuple[float, float, float], tags: dict[str, Any], shown: tuple[int, int, int]
) -> None:
    film = FilmFeeder(write_deep(tmp_path / "a.mkv", code, **tags))
    for seconds in (0.0, 0.04):
        picture = film.rgba(film.decoded(seconds))
        assert picture.shape == (48, 64, 4)
        assert np.abs(picture[20, 20].astype(int) - (*shown, 255)).max() <= 3


def test_wide_primaries_become_those_of_a_screen(tmp_path: Path) -> None:
    film = FilmFeeder(write_deep(tmp_path / "a.mkv", (0.6, 0.2, 0.2), transfer=14, primaries=9, matrix=9))
    red, green, blue, _ = film.rgba(film.decoded(0))[20, 20].tolist()
    assert red > 0.6 * 255 + 10
    assert green < 30
    assert blue < 60


def test_hdr_keeps_hues_and_rises_with_the_light() -> None:
    table = _table(16, 9, 1000.0).reshape(64, 64, 64, 3).astype(int)
    greys = table[range(64), range(64), range(64)]
    assert (np.diff(greys, axis=0) >= 0).all()
    assert np.ptp(greys, axis=1).max() <= 2
    assert (table >= 0).all()


def test_a_film_that_changes_its_size_goes_on(tmp_path: Path) -> None:
    film = FilmFeeder(write_two_sizes(tmp_path / "a.webm", (64, 48), (96, 32)))
    for seconds in (0.0, 0.6, 0.2, 0.7):
        picture = film.rgba(film.decoded(seconds))
        assert picture.shape == (48, 64, 4)
        assert (picture[..., 3] == 255).all()
        assert picture[24, 32, 0] > 250
        assert (picture[2, 32, 0] > 250) == (seconds < 0.4)  # fitted in, black above and below


def test_a_large_film_is_shrunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_pictures, "LARGEST_PICTURE", WIDTH * HEIGHT // 4)
    film = FilmFeeder(write_film(tmp_path / "a.mp4"))
    assert (film.width, film.height) == (WIDTH // 2, HEIGHT // 2)
    assert film.rgba(film.decoded(0.2)).shape == (HEIGHT // 2, WIDTH // 2, 4)


def test_a_film_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "MOST_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(FeederError, match="64 × 48 pixels, which is too large"):
        FilmFeeder(write_film(tmp_path / "a.mp4"))


def test_a_film_rests_and_goes_on(tmp_path: Path) -> None:
    film = FilmFeeder(write_film(tmp_path / "a.mp4", g=300))
    film.rest()
    film.rest()
    assert [read_number(film.at(n / 25).array) for n in (7, 8, 3)] == [7, 8, 3]  # type: ignore[arg-type]
    film.rest()
    assert read_number(film.at(39 / 25).array) == 39  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"1\n00:00:00,000 --> 00:00:09,000\nSubtitles\n", "it is a text"),
        ("notes.txt", b"Only a text\n" * 200, "it is a text"),
        ("a.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfilm.mp4\n#EXT-X-ENDLIST\n", "playlist"),
        ("a.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfilm.ts\n#EXT-X-ENDLIST\n", "playlist"),
        ("a.mp4", b"ffconcat version 1.0\nfile film.mp4\n", "list of other files"),
        ("a.ass", b"[Script Info]\nScriptType: v4.00+\n", "it is a text"),
        ("a.mpd", b"<?xml version='1.0'?><MPD></MPD>", "XML"),
        ("a.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "stream"),
        ("a.mp4", b"", "it is empty"),
    ],
)
def test_what_plays_other_files_or_text_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    write_film(tmp_path / "film.mp4")
    write_film(tmp_path / "film.ts")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeederError, match=f"{name} is not a film that can be read: .*{reason}"):
        FilmFeeder(tmp_path / name)


def test_a_raw_stream_is_refused_and_not_played_wrong(tmp_path: Path) -> None:
    with pytest.raises(FeederError, match="put it into an MP4"):
        FilmFeeder(write_film(tmp_path / "a.h264"))


def test_what_blocks_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(FeederError, match=r"a\.mp4 is a folder or a device"):
        FilmFeeder(tmp_path / "a.mp4")


def test_a_film_of_a_codec_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    write_film(path, codec="mpeg4")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZzQ9"))
    with pytest.raises(FeederError, match="cannot be decoded here"):
        FilmFeeder(path)
