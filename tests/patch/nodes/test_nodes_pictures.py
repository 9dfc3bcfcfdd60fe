"""What the picture nodes do in a patch."""

from __future__ import annotations

import struct
import sys
import types
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.feeders.kinds.picture import LARGEST_SIDE
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media.pictures import read_picture


def played(text: str, count: int = 1, fps: float = 60) -> list[np.ndarray]:
    """The frames of a patch, uint8 [H, W, 4]."""
    with Player(parse(text), device="cpu") as player:
        frames = [frame.image.clone().numpy() for frame in player.frames(count=count, fps=fps)]
        assert not player.problems, player.problems
    return frames


def saved(path: Path, *colour: int, size: tuple[int, int] = (6, 4), **options: Any) -> Path:
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(path, **options)
    return path


@pytest.fixture
def dot(tmp_path: Path) -> str:
    """image(…) of an orange dot on black, 33 px."""
    array = np.zeros((33, 33, 3), np.uint8)
    array[16, 16] = (255, 120, 40)
    Image.fromarray(array).save(tmp_path / "dot.png")
    return f"image({str(tmp_path / 'dot.png')!r})"


# image


def test_an_image_keeps_its_alpha(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", 10, 20, 30, 128)
    assert (played(f"out(image({str(path)!r}))")[0] == (10, 20, 30, 128)).all()


def test_an_image_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: shown with the right side down
    path = saved(tmp_path / "a.jpg", 10, 20, 30, size=(8, 4), exif=exif)
    assert read_picture(path).shape == (1, 4, 8, 4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "CMYK", "I;16", "F", "YCbCr"])
def test_images_of_every_mode(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif"
    if mode in ("I;16", "F"):
        white = 65535 if mode == "I;16" else 1
        kind = np.uint16 if mode == "I;16" else np.float32
        Image.fromarray(np.full((4, 6), white, kind)).save(path)
    else:
        Image.new("RGB", (6, 4), "white").convert(mode).save(path)
    assert torch.equal(read_picture(path), torch.ones(1, 4, 4, 6))


def test_a_large_image_is_shrunk(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", 10, 20, 30, size=(LARGEST_SIDE + 1000, 2))
    assert read_picture(path).shape[3] == LARGEST_SIDE


def test_a_bomb_is_not_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "bomb.png", 0, 0, 0)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 30000, 30000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(data)
    with pytest.raises(PatchError, match="million pixels"):
        read_picture(path)


@pytest.mark.parametrize("format", ["EPS", "PCX", "ICO"])
def test_a_file_that_is_a_program_or_no_common_picture_starts_nothing(
    tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (8, 8)).save(path, format)
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *_, **__: pytest.fail("it started a program"))
    with pytest.raises(PatchError, match="not a picture"):
        read_picture(path)


def test_the_pictures_of_a_patch_have_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZFELD_LIMITS", "memory=0.02")  # 21 MB
    paths = [str(saved(tmp_path / f"{k}.png", 1, 2, 3, size=(400, 400))) for k in range(9)]  # 2.6 MB each
    player = Player(parse(f"out(image({paths[0]!r}), size=(16, 16))"), device="cpu")
    for _ in range(2):  # what was opened already counts as well
        with pytest.raises(PatchError, match="GB of memory") as caught:
            player.engine.load(
                "\n".join(f"out(image({path!r}), name='o{k}', size=(16, 16))" for k, path in enumerate(paths))
            )
    assert caught.value.where.line in (8, 9)
    player.close()


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"GIF89a\xff\xff\xff\xff"]
)
def test_a_bad_image_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(PatchError, match=r"bad\.png") as caught:
        Player(parse(f"out(image({str(tmp_path / 'bad.png')!r}))"), device="cpu")
    assert caught.value.where.line == 1


@pytest.mark.parametrize("argument", ["", "'missing.png'", "3"])
def test_an_image_that_is_not_there(argument: str) -> None:
    with pytest.raises(PatchError, match=r"missing\.png|quotes"):
        Player(parse(f"out(image({argument}))"), device="cpu")


def test_a_saved_image_shows_anew(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", 255, 0, 0)
    with Player(parse(f"out(image({str(path)!r}))"), device="cpu") as player:
        assert player.frame(0).image[0, 0, 0] == 255
        assert player.engine.watched == {path}
        saved(path, 0, 0, 255, size=(9, 9))
        player.engine.notice(path)
        player.engine._builder._thread.submit(lambda: None).result()
        assert player.frame(0).image[0, 0].tolist() == [0, 0, 255, 255]


def test_an_image_is_a_choice(tmp_path: Path) -> None:
    red, blue = saved(tmp_path / "red.png", 255, 0, 0), saved(tmp_path / "blue.png", 0, 0, 255)
    text = f"out(image({str(red)!r} if frame % 2 else {str(blue)!r}))"
    first, second = played(text, 2)
    assert first[0, 0].tolist() == [0, 0, 255, 255]
    assert second[0, 0].tolist() == [255, 0, 0, 255]


# transform, levels, mix


def test_transform_follows_its_values(dot: str) -> None:
    shown = played(f"out(transform({dot}, x=1/3, y=1/3, edge='black'))")[0][..., 0]
    assert np.unravel_index(shown.argmax(), shown.shape) == (16 - 11, 16 + 11)


def test_levels_follow_their_values(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", 64, 128, 192)
    assert played(f"out(levels(image({str(path)!r}), invert=1))")[0][0, 0].tolist() == [191, 127, 63, 255]


@pytest.mark.parametrize(("fit", "left"), [("fit", 10), ("fill", 200), ("stretch", 200)])
def test_mix_fits_b_to_a(tmp_path: Path, fit: str, left: int) -> None:
    a, b = saved(tmp_path / "a.png", 10, 10, 10, size=(8, 4)), saved(tmp_path / "b.png", 200, 200, 200, size=(5, 5))
    text = f"out(mix(image({str(a)!r}), image({str(b)!r}), amount=1, mode='over', fit={fit!r}))"
    shown = played(text)[0]
    assert shown.shape == (4, 8, 4)
    assert abs(int(shown[2, 0, 0]) - left) <= 1
    assert abs(int(shown[2, 4, 0]) - 200) <= 1


@pytest.mark.parametrize("node", ["transform({}, rotate=30 + 360*{})", "levels({}, hue=30 + 360*{})"])
def test_angles_are_as_fine_after_a_month(dot: str, node: str) -> None:
    source = f"levels(transform({dot}, x=0.1, zoom=8), hue=20, contrast=0.5)"
    early, late = (played(f"out({node.format(source, turns)})")[0] for turns in (0, 10**9))
    assert early.std() > 10
    assert np.array_equal(early, late)


# feedback


def test_trails_fade_by_the_amount(dot: str) -> None:
    text = f"out(feedback(levels({dot}, brightness=1 if frame == 0 else 0), amount=0.5))"
    shown = [int(frame[16, 16, 0]) for frame in played(text, 4)]
    assert shown == [255, 128, 64, 32]


def test_trails_are_the_same_at_every_rate(dot: str) -> None:
    text = f"out(feedback(levels({dot}, brightness=1 if frame == 0 else 0), amount=0.8, x=0.05, edge='black'))"
    slow, fast = played(text, 5, fps=30)[-1], played(text, 17, fps=120)[-1]
    assert slow[..., 0].argmax() % 33 == fast[..., 0].argmax() % 33 > 20
    assert abs(int(slow[..., 0].astype(int).sum()) - int(fast[..., 0].astype(int).sum())) < 30


def test_trails_zoom_outwards_and_turn(tmp_path: Path) -> None:
    array = np.zeros((65, 65, 3), np.uint8)
    array[32, 48] = 255
    Image.fromarray(array).save(tmp_path / "a.png")
    flash = f"levels(image({str(tmp_path / 'a.png')!r}), brightness=1 if frame == 0 else 0)"
    text = f"out(feedback({flash}, amount=1, mode='max', zoom=1.5, rotate=90, edge='black'))"
    shown = played(text, 2)[1][..., 0]
    assert np.unravel_index(shown.argmax(), shown.shape) == (32 - 24, 32)


@pytest.mark.parametrize("mode", ["over", "max", "add", "screen", "difference"])
def test_every_mode_leaves_trails_and_stays_finite(dot: str, mode: str) -> None:
    flash = f"levels({dot}, brightness=1 if frame == 0 else 0)"
    flash = flash if mode != "over" else f"mix(transform({flash}, x=9), {flash}, amount=1 if frame == 0 else 0)"
    frames = played(f"out(feedback({flash}, amount=0.9, mode={mode!r}))", 3)
    seen = frames[-1][16, 16].astype(int)
    assert abs(int(seen[0] * seen[3] / 255) - 0.81 * 255) < 2


def test_feedback_survives_anything(tmp_path: Path) -> None:
    knobs = "zoom=10, rotate=1e6, hue=1e6, x=1e6, fade=0, amount=1"
    wild = "levels(noise(), contrast=1e6, brightness=1e6, saturation=1e6)"
    with Player(parse(f"out(feedback({wild}, {knobs}, mode='add'), size=(24, 16))"), device="cpu") as player:
        for _ in player.frames(count=10):
            trails = [tensor for key, tensor in player.engine._playing.state.tensors.items() if "trail" in key[1]]
            assert trails
            assert all(torch.isfinite(trail).all() and trail.abs().max() <= 1 for trail in trails)


def test_feedback_goes_on_from_a_checkpoint(dot: str) -> None:
    text = f"out(feedback(levels({dot}, brightness=1 if frame < 2 else 0), amount=0.9))"
    with Player(parse(text), device="cpu") as one, Player(parse(text), device="cpu") as other:
        for _ in one.frames(count=4):
            pass
        other.engine.restore(one.engine.checkpoint())
        other.clock.restore(one.clock.checkpoint())
        assert torch.equal(one.frame(1 / 60).image, other.frame(1 / 60).image)


def test_feedback_stands_still_when_the_show_does(dot: str) -> None:
    with Player(parse(f"out(feedback({dot}, zoom=1.2, rotate=9, amount=0.9))"), device="cpu") as player:
        for frame in player.frames(count=4):
            before = frame.image.clone()
        player.clock.paused = True
        for frame in player.frames(count=3):
            assert (frame.image.int() - before.int()).abs().max() <= 1


def test_two_sizes_of_one_feedback_do_not_share_a_trail(dot: str) -> None:
    text = f"f = feedback(levels({dot}, brightness=1 if frame == 0 else 0), amount=0.5)\n"
    alone = "out(f, size=(33, 33))"
    one, two = (played(text + outs, 3)[-1] for outs in (alone, f"{alone}\nout(f, size=(9, 9))"))
    assert np.array_equal(one, two)


# upscale, sample


def test_upscale_asks_for_less(tmp_path: Path) -> None:
    shown = played("out(upscale(noise(), factor=2), size=(32, 24))")[0]
    small = played("out(noise(), size=(16, 12))")[0]
    mean = shown.reshape(12, 2, 16, 2, 4).mean((1, 3))
    assert np.abs(mean - small).mean() < 8
    path = saved(tmp_path / "a.png", 1, 2, 3)
    assert played(f"out(upscale(image({str(path)!r}), factor=2.5))")[0].shape == (10, 15, 4)


def test_upscale_without_spandrel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(PatchError, match="spandrel") as caught:
        Player(parse("out(upscale(noise(), model='4x.pth'))"), device="cpu")
    assert "pip install" in caught.value.hint
    assert caught.value.where.column == 28


@pytest.fixture
def doubling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A stand-in for spandrel, whose only network repeats every pixel."""

    class Descriptor:
        scale, input_channels, output_channels = 2, 3, 3

        def to(self, device: torch.device) -> Descriptor:
            return self

        def eval(self) -> Descriptor:
            return self

        def __call__(self, image: torch.Tensor) -> torch.Tensor:
            assert image.shape[:2] == (1, 3)
            return image.repeat_interleave(2, 2).repeat_interleave(2, 3)

    class Loader:
        def __init__(self, device: torch.device) -> None:
            pass

        def load_from_file(self, path: Path) -> Descriptor:
            if path.read_bytes() != b"weights":
                raise RuntimeError("unknown architecture")
            return Descriptor()

    fake = types.ModuleType("spandrel")
    fake.ModelLoader, fake.ImageModelDescriptor = Loader, Descriptor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spandrel", fake)
    (tmp_path / "2x.pth").write_bytes(b"weights")
    yield tmp_path / "2x.pth"


def test_upscale_with_a_network(doubling: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", 10, 20, 30, 128)
    image = f"image({str(path)!r})"
    shown = played(f"out(upscale({image}, model={str(doubling)!r}))")[0]
    assert shown.shape == (8, 12, 4)
    assert (shown == (10, 20, 30, 128)).all()
    assert played(f"out(upscale({image}, model={str(doubling)!r}, factor=3))")[0].shape == (12, 18, 4)


def test_a_bad_upscaler_is_refused(doubling: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"?")
    with pytest.raises(PatchError, match=r"bad\.pth"):
        Player(parse(f"out(upscale(noise(), model={str(tmp_path / 'bad.pth')!r}))"), device="cpu")


@pytest.mark.parametrize("path", ["scan", "rows", "columns", "circle"])
def test_a_picture_leads_a_network(small_network: Path, dot: str, path: str) -> None:
    moving = f"transform({dot}, x=0.1, zoom=8 + 4*frame)"
    text = f"source = sample({moving}, {path!r})\nout(network({str(small_network)!r}, latent=source))"
    first, second = played(text, 2)
    assert not np.array_equal(first, second)
