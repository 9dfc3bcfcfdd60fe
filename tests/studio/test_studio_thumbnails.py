"""Snapshots have pictures: of what was shown when they were stored or had arrived, and of nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from fake_show import FakeShow, flat
from ganzfeld.studio.thumbnails import HEIGHT, Thumbnails
from ganzfeld.values.desk import BinnedSnapshot, Desk, SnapshotOnDesk

A, B = "a" * 16, "b" * 16


@pytest.fixture
def shown(show: FakeShow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeShow:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    show.patch_file = tmp_path / "organ.ganz"
    show.desk_now = Desk(snapshots=(SnapshotOnDesk("dawn", (0, 0), key=A), SnapshotOnDesk("dusk", (1, 1), key=B)))
    return show


def grey(data: bytes | None) -> int:
    assert data is not None
    image = Image.open(io.BytesIO(data))
    assert image.height <= HEIGHT
    return image.convert("L").getpixel((3, 3))


def test_a_picture_is_taken_when_a_snapshot_has_arrived_and_stays(shown: FakeShow) -> None:
    thumbnails = Thumbnails(shown)
    shown.push(flat(40, 640, 480))
    thumbnails.look()
    assert thumbnails.get(A) is None  # nothing was recalled
    shown.desk_now = replace(shown.desk_now, shown=("dawn",), share=0.5)
    thumbnails.look()
    shown.desk_now = replace(shown.desk_now, share=1.0)
    thumbnails.look()
    shown.push(flat(200, 640, 480))
    thumbnails.look()
    assert abs(grey(thumbnails.get(A)) - 200) < 4
    shown.push(flat(90, 640, 480))  # hands play on
    thumbnails.look()
    assert abs(grey(thumbnails.get(A)) - 200) < 4
    marked = thumbnails.marked(replace(shown.desk_now, bin=(BinnedSnapshot("gone", A),)))
    assert [each.has_picture for each in (*marked.snapshots, *marked.bin)] == [True, False, True]
    # Another server of the same patch has it, too; one of another patch has not.
    again = Thumbnails(shown)
    again.look()
    assert abs(grey(again.get(A)) - 200) < 4
    shown.patch_file = shown.patch_file.with_name("other.ganz") if shown.patch_file else None
    other = Thumbnails(shown)
    other.look()
    assert other.get(A) is None


def test_one_that_is_stored_has_the_picture_that_is_shown(shown: FakeShow) -> None:
    thumbnails = Thumbnails(shown)
    shown.push(flat(40))
    thumbnails.look()
    new = SnapshotOnDesk("new", (0, 0), key="c" * 16)
    shown.desk_now = replace(shown.desk_now, snapshots=(*shown.desk_now.snapshots, new), shown=("new",))
    thumbnails.look()
    shown.push(flat(200))
    thumbnails.look()
    assert abs(grey(thumbnails.get(new.key)) - 40) < 4


def test_a_rename_takes_the_picture_along(shown: FakeShow) -> None:
    thumbnails = Thumbnails(shown)
    shown.push(flat(40))
    shown.desk_now = replace(shown.desk_now, shown=("dawn",))
    thumbnails.look()
    thumbnails.look()
    dawn, dusk = shown.desk_now.snapshots
    shown.desk_now = replace(shown.desk_now, snapshots=(replace(dawn, name="morning", key="c" * 16), dusk))
    thumbnails.look()
    assert thumbnails.get("c" * 16) == thumbnails.get(A)
    shown.desk_now = replace(
        shown.desk_now, snapshots=(replace(dawn, name="x", key="d" * 16), replace(dusk, key="e" * 16))
    )
    thumbnails.look()
    assert thumbnails.get("d" * 16) is None  # more than a rename


def test_one_that_was_left_again_gets_none(shown: FakeShow) -> None:
    thumbnails = Thumbnails(shown)
    shown.push(flat(40))
    shown.desk_now = replace(shown.desk_now, shown=("dawn",))
    thumbnails.look()
    shown.desk_now = replace(shown.desk_now, shown=("dusk",))
    thumbnails.look()
    thumbnails.look()
    assert thumbnails.get(A) is None
    assert thumbnails.get(B) is not None


def test_a_file_that_holds_something_else_is_no_trouble(shown: FakeShow, tmp_path: Path) -> None:
    thumbnails = Thumbnails(shown)
    shown.push(flat(40))
    shown.desk_now = replace(shown.desk_now, shown=("dawn",))
    thumbnails.look()
    thumbnails.look()
    (file,) = (tmp_path / "thumbnails").iterdir()
    file.write_bytes(b"\x81\xa3../\xc4\x01x")
    again = Thumbnails(shown)
    again.look()
    assert again.get("../") is None and again.get(A) is None
