"""The node `network` at sizes of its own choosing: every part of it works there, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.language.parser import parse

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def small_stylegan3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small3") / "small3.safetensors"
    shape = {"channel_base": 128, "channel_max": 8, "num_layers": 4, "z_dim": 16, "w_dim": 16}
    Network.random(StyleGAN3Config.design("stylegan3-t", 16, **shape), seed=1).save(path)
    return path


def frames(text: str, count: int = 2, step: float = 0.5) -> list[torch.Tensor]:
    with Player(parse(text)) as player:
        pictures = [player.frame(step).image.clone() for _ in range(count)]
        assert not player.problems
        return pictures


def test_the_own_size_is_the_plain_picture(small_network: Path) -> None:
    text = f"face = network({str(small_network)!r}, latent=seeds(speed=1)%s)\nout(face)"
    plain = frames(text % "")
    assert all(map(torch.equal, frames(text % ", size=(32, 32), fill='noise'"), plain))
    assert all(map(torch.equal, frames(text % ", size=32"), plain))


def test_layers_bends_fills_and_smaller_pictures_go_wide(small_network: Path) -> None:
    face = f"face = network({str(small_network)!r}, latent=noise(), size=(80, 28), fill=seq('mirror tile', beats=8))"
    plain = frames(f"{face}\nout(face)", 5)
    assert all(picture.shape == (28, 80, 4) for picture in plain)
    assert not torch.equal(plain[0], plain[4]), "another fill"
    bends = "face.bend('b16', noise=0.5, rotate=20, feedback=0.5)\nface.bend('b4.const', scale=1.5)"
    assert not torch.equal(frames(f"{face}\n{bends}\nout(face)", 1)[0], plain[0])
    # A smaller picture shows the same field in fewer pixels: 80 of them reach twice as far.
    small = face.replace("size=", "resolution=16, size=")
    assert frames(f"{small}\nout(face)", 1)[0].shape == (28, 80, 4)
    assert frames(f"{face}\nface.show('b8')\nout(face)", 1)[0].shape == (7, 20, 4)
    assert frames(f"{small}\nface.show('b8')\nout(face)", 1)[0].shape == (14, 40, 4)


def test_a_wide_stylegan3(small_stylegan3: Path) -> None:
    face = f"face = network({str(small_stylegan3)!r}, latent=noise(), size=(50, 12), zoom=0.8, rotate=30*t)"
    bent = "face.bend('L1', noise=0.5, shuffle=0.3)"
    plain, other = frames(f"{face}\nout(face)"), frames(f"{face}\n{bent}\nout(face)")
    assert plain[0].shape == (12, 50, 4)
    assert not torch.equal(plain[0], plain[1])
    assert not torch.equal(plain[0], other[0])


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("size=(900, 900)", "GB of memory"),
        ("size=(0, 5)", "whole pixels"),
        ("size='big'", "whole pixels"),
        ("fill='mirrored'", "mirrored"),
    ],
)
def test_what_cannot_be_made_is_refused(
    small_network: Path, monkeypatch: pytest.MonkeyPatch, argument: str, word: str
) -> None:
    monkeypatch.setenv("GANZFELD_LIMITS", "memory=0.05")
    with pytest.raises(PatchError, match=word) as caught:
        frames(f"face = network({str(small_network)!r}, {argument})\nout(face)")
    assert caught.value.where.line == 1
