"""Pictures as a child decodes them: bounded before and while they are decoded."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzfeld.errors import FeederError
from ganzfeld.feeders.kinds import picture as pictures
from ganzfeld.feeders.kinds.picture import PictureFeeder
from ganzfeld.feeders.service import read_file


def decoded(path: Path) -> np.ndarray:
    feeder = PictureFeeder(path)
    array = feeder.read().array
    assert array is not None
    assert array.shape == (feeder.facts["height"], feeder.facts["width"], 4)
    assert array.nbytes == feeder.nbytes
    return array


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_known_before_it_is_decoded(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (12, 5), "red").save(tmp_path / "a.jpg", exif=exif)
    assert decoded(tmp_path / "a.jpg").shape == ((5, 12, 4) if orientation < 5 else (12, 5, 4))


@pytest.mark.parametrize("size", [(9000, 3), (3, 9000), (5000, 4500), (4097, 1)])
def test_the_size_of_what_is_shrunk_is_known(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size).save(tmp_path / "a.png")
    assert max(decoded(tmp_path / "a.png").shape) == 4096


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "CMYK", "L", "I;16", "F"])
def test_many_pixels_in_a_small_file_are_refused(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_DECODED", 99_999)
    suffix = "tif" if mode in ("CMYK", "F", "I;16") else "png"
    Image.new(mode, (400, 300)).save(tmp_path / f"a.{suffix}")
    with pytest.raises(FeederError, match=r"a\.\w+ has 0 million pixels, and at most 0 million"):
        PictureFeeder(tmp_path / f"a.{suffix}")


def test_a_large_photograph_is_decoded_at_a_fraction(tmp_path: Path) -> None:
    Image.new("RGB", (16400, 16400), "red").save(tmp_path / "a.jpg", quality=30)  # 1 GB if decoded whole
    feeder = PictureFeeder(tmp_path / "a.jpg")
    assert feeder.facts == {"width": 4096, "height": 4096}


def test_memory_of_a_child_is_bounded(tmp_path: Path) -> None:
    """128 million pixels in half a megabyte."""
    Image.new("RGB", (11314, 11314)).save(tmp_path / "a.png")
    with pytest.raises(FeederError, match="128 million pixels, and at most 67 million"):
        read_file("picture", tmp_path / "a.png")


def test_grey_of_sixteen_bits_is_converted_in_pieces(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 600 * 7).reshape(600, 7).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert (decoded(tmp_path / "a.png")[..., 0] == (values / 65535 * 255).round()).all()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "gif", "bmp", "psd", "qoi", "tga"])
def test_damaged_pictures_give_our_own_errors(tmp_path: Path, kind: str) -> None:
    whole = tmp_path / f"a.{kind}"
    noise = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    if kind == "psd":
        data = b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x28\0\0\0\x1e\0\x08\0\3" + bytes(12) + b"\0\1" + bytes(400)
    else:
        Image.fromarray(noise).save(whole)
        data = whole.read_bytes()
    draw = random.Random(1)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 8)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        whole.write_bytes(damaged[: draw.choice([len(damaged), draw.randrange(len(damaged))])])
        try:
            decoded(whole)
        except FeederError as error:
            assert f"a.{kind}" in error.what


def test_what_blocks_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(FeederError, match="folder or a device"):
        PictureFeeder(tmp_path / "a.png")
    with pytest.raises(FeederError, match="folder or a device"):
        PictureFeeder(tmp_path)
