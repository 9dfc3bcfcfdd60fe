"""Painted masks: kept beside the patch, whole or not at all, and nothing else is."""

from __future__ import annotations

import http.client
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fake_show import FakeShow
from ganzfeld.studio import brushes, limits
from ganzfeld.studio.brushes import RefusedBrushError, check_painting
from ganzfeld.studio.server import StudioServer
from studio_client import port_of


def painting(width: int = 40, height: int = 30, mode: str = "RGBA", **options: Any) -> bytes:
    target = io.BytesIO()
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, shape, np.uint8), mode).save(target, "PNG", **options)
    return target.getvalue()


def ask(studio: StudioServer, method: str, name: str, body: bytes = b"", kind: str = "image/png") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(studio), timeout=10)
    try:
        connection.request(method, f"/api/brushes/{name}", body or None, {"content-type": kind} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def beside(show: FakeShow, tmp_path: Path) -> Path:
    show.patch_file = tmp_path / "night.ganz"
    return tmp_path


def test_a_painting_is_kept_and_comes_again(studio: StudioServer, beside: Path) -> None:
    assert ask(studio, "GET", "brush")[0] == 404
    for picture in (painting(), painting(64, 8, "L")):
        status, body = ask(studio, "PUT", "brush", picture)
        assert (status, json.loads(body)) == (200, {"name": "brush", "file": "night.brush.png"})
        assert (beside / "night.brush.png").read_bytes() == picture
        assert ask(studio, "GET", "brush") == (200, picture)
    assert ask(studio, "PUT", "brush2", painting())[0] == 200
    assert sorted(path.name for path in beside.iterdir()) == ["night.brush.png", "night.brush2.png"]


@pytest.mark.parametrize("name", ["photo", "brush100", "brush-1", "Brush", "..%2fbrush", "brush.png", "%00"])
def test_no_other_file_is_reached(studio: StudioServer, beside: Path, name: str) -> None:
    (beside / "night.photo.png").write_bytes(painting())
    for method, body in (("GET", b""), ("PUT", painting())):
        assert ask(studio, method, name, body)[0] in (400, 404)
    assert [path.name for path in beside.iterdir()] == ["night.photo.png"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (painting(limits.LARGEST_PAINTED_SIDE + 1, 1), "image/png", 422),
        (painting(mode="RGBA")[:-5], "image/png", 422),
        (painting() + b"more", "image/png", 422),
        (painting().replace(b"IDAT", b"IDAX"), "image/png", 422),
        (b"\x89PNG\r\n\x1a\n", "image/png", 422),
        (b"GIF89a", "image/png", 422),
        (painting(), "text/plain", 415),
        (bytes(limits.LARGEST_PAINTING + 1), "image/png", 413),
    ],
)
def test_what_is_no_painting_changes_nothing(
    studio: StudioServer, beside: Path, body: bytes, kind: str, status: int
) -> None:
    before = painting(9, 9)
    (beside / "night.brush.png").write_bytes(before)
    found, said = ask(studio, "PUT", "brush", body, kind)
    assert found == status
    assert json.loads(said)["what"]
    assert [path.read_bytes() for path in beside.iterdir()] == [before]


def test_a_show_without_a_file_says_what_to_do(studio: StudioServer) -> None:
    status, body = ask(studio, "PUT", "brush", painting())
    assert status == 409 and "name" in json.loads(body)["hint"]
    assert ask(studio, "GET", "brush")[0] == 409


def test_a_disk_that_cannot_be_written_is_told(
    studio: StudioServer, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(brushes, "write_whole", full)
    status, body = ask(studio, "PUT", "brush", painting())
    assert status == 507 and "night.brush.png" in json.loads(body)["what"]


def test_too_much_at_once_is_refused_for_a_while(studio: StudioServer, beside: Path) -> None:
    statuses = []
    fitting = painting(450, 450)
    for _ in range(40):
        statuses.append(ask(studio, "PUT", "brush", fitting)[0])
        if statuses[-1] == 429:
            break
    assert statuses[0] == 200 and statuses[-1] == 429


def test_a_link_is_not_written_through(studio: StudioServer, beside: Path, tmp_path: Path) -> None:
    """A stranger's show may bring one along in the place of its painting."""
    profile = tmp_path / "profile"
    profile.write_text("mine")
    (beside / "night.brush.png").symlink_to(profile)
    (beside / "night.brush2.png").symlink_to(tmp_path / "not there")
    for name in ("brush", "brush2"):
        status, body = ask(studio, "PUT", name, painting())
        assert status == 409 and b"is a link" in body
        assert (beside / f"night.{name}.png").is_symlink()
    assert profile.read_text() == "mine" and not (tmp_path / "not there").exists()


def test_many_at_one_moment_are_no_more_than_a_few(
    studio: StudioServer, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever had begun before the budget was spent is not heard to the end, either."""
    spent: list[bool] = [False, True]
    monkeypatch.setattr(brushes.Budget, "is_spent", property(lambda self: spent.pop(0)))
    status, body = ask(studio, "PUT", "brush", painting())
    assert status == 429 and list(beside.iterdir()) == [] and b"too much" in body


def test_a_damaged_file_is_not_handed_out(studio: StudioServer, beside: Path) -> None:
    (beside / "night.brush.png").write_bytes(painting()[:-3])
    assert ask(studio, "GET", "brush")[0] == 422
    (beside / "night.brush.png").unlink()
    (beside / "night.brush.png").mkdir()
    assert ask(studio, "GET", "brush")[0] == 404


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_change_of_a_painting_is_noticed(data: st.DataObject) -> None:
    picture = bytearray(painting(5, 4))
    place = data.draw(st.integers(0, len(picture) - 1))
    picture[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RefusedBrushError):
        check_painting(bytes(picture))


@given(chunks=st.lists(st.tuples(st.sampled_from([b"IHDR", b"IDAT", b"IEND", b"tEXt"]), st.binary(max_size=20))))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_refused_in_words(chunks: list[tuple[bytes, bytes]]) -> None:
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
    with pytest.raises(RefusedBrushError):
        check_painting(data)
