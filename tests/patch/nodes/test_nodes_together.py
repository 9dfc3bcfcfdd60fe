"""Several networks in one patch, and pictures of every origin leading a network through its latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzfeld.engine.player import Player
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.patch.language.parser import parse
from numbered_film import write_film

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def second_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("second") / "second.safetensors"
    config = StyleGAN2Config.design(16, channel_base=256, channel_max=16, mapping_layers=2, z_dim=24, w_dim=16)
    Network.random(config, seed=5).save(path)
    return path


def frames(text: str, count: int = 2) -> list[torch.Tensor]:
    with Player(parse(text)) as player:
        pictures = []
        for _ in range(count):
            pictures.append(player.frame(0.2).image.clone())
            assert not player.problems, player.problems
        return pictures


def equal(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, some, others))


def test_two_networks_meet_in_a_mix(small_network: Path, second_network: Path) -> None:
    two = (
        "source = noise(tx=t)\n"
        f"one = network({str(small_network)!r}, latent=source)\n"
        f"other = network({str(second_network)!r}, latent=source)\n"
    )
    one, other = frames(f"{two}out(one)"), frames(f"{two}out(other, size=(32, 32))")
    assert not equal(one, other)
    assert equal(frames(f"{two}out(mix(one, other, 0))"), one)
    assert equal(frames(f"{two}out(mix(one, other, 1))"), other)
    half = frames(f"{two}out(mix(one, other, 0.5))")
    for mixed, a, b in zip(half, one, other):
        inside = (a > 0) & (a < 255) & (b > 0) & (b < 255)  # what is brighter than white counts in a mix
        assert inside.any()
        assert (mixed.float() - (a.float() + b.float()) / 2)[inside].abs().max() <= 1


def test_what_is_done_to_one_does_not_reach_another_of_the_same_file(small_network: Path) -> None:
    node = f"network({str(small_network)!r}, latent=source"
    both = (
        f"source = noise(tx=t)\nplain = {node})\nbent = {node}, size=(48, 32))\n"
        "bent.bend('b4.const', scale=-2)\nbent.bend('b8', rotate=90, feedback=0.5)\n"
        "bent.blend(%r, amount=0.5, mode='add')\n"
    ) % str(small_network)
    alone = frames(f"source = noise(tx=t)\nplain = {node})\nout(plain)")
    assert equal(frames(f"{both}out(plain)"), alone)
    bent = frames(f"{both}out(bent)")
    assert bent[0].shape != alone[0].shape
    # Side by side, whichever comes first.
    assert equal(frames(f"{both}out(mix(plain, bent, 0))"), alone)
    assert equal(frames(f"{both}out(mix(bent, plain, 0))"), bent)


def sources(folder: Path) -> dict[str, str]:
    pattern = np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(pattern).save(folder / "picture.png")
    return {
        "image": f"image({str(folder / 'picture.png')!r})",
        "movie": f"movie({str(write_film(folder / 'film.mkv'))!r}, position=0.5)",
        "noise": "noise(period=0.3)",
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("movie", "scan"),
        ("noise", "scan"),
        ("image", "rows"),
        ("image", "columns"),
        ("image", "circle"),
    ],
)
def test_any_picture_leads_a_network(kind: str, path: str, small_network: Path, tmp_path: Path) -> None:
    led = f"face = network({str(small_network)!r}, latent=sample(%s, {path!r}))\nout(face)"
    pictures = frames(led % sources(tmp_path)[kind], 3)
    still = frames(led % "levels(noise(), brightness=0)", 3)
    assert equal(still[1:], still[:1] * 2), "darkness leads to one place"
    assert not torch.equal(pictures[0], still[0])
    assert torch.equal(pictures[0], pictures[2]) != (kind == "movie")


def test_a_network_leads_another(small_network: Path, second_network: Path) -> None:
    text = (
        f"first = network({str(small_network)!r}, latent=noise(tx=t), size=(50, 20))\n"
        f"second = network({str(second_network)!r}, latent=sample(first, amplitude=%s))\nout(second)"
    )
    led, free = frames(text % 1), frames(text % 0)
    assert not torch.equal(led[0], led[1])
    assert torch.equal(free[0], free[1])
