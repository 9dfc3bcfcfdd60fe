"""The networks in the package: there, whole, small enough, and of one family."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from ganzfeld.networks.network import load_network
from ganzfeld.networks.shipped import FOLDER, SHIPPED


def test_all_three_ship() -> None:
    assert set(SHIPPED) == {"planets", "flowers", "orbits"}
    assert set(SHIPPED) == {path.stem for path in FOLDER.glob("*.safetensors")}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_network_draws(name: str) -> None:
    shipped = SHIPPED[name]
    assert shipped.size == shipped.path.stat().st_size <= 12_000_000
    network = load_network(shipped.path)
    z = torch.cat([network.latent(seed) for seed in (1, 2)])
    with torch.inference_mode():
        first, second = network.synthesis(network.mapping(z, truncation_psi=0.8), resolution=network.resolutions[-1])
    assert first.shape[-1] == (128 if name == "orbits" else 256)
    assert float((first - second).abs().mean()) > 0.02
    middle, corner = first[:, 96 * first.shape[-1] // 256 : 160 * first.shape[-1] // 256], first[:, :8, :8]
    assert float(middle.mean()) > float(corner.mean()) + 0.1


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_network_has_a_thumbnail_and_credits(name: str) -> None:
    shipped = SHIPPED[name]
    with Image.open(shipped.thumbnail) as thumbnail:
        assert thumbnail.size == (512, 128)
    assert "NASA" in shipped.credit and "CC-BY-4.0" in shipped.licence
    assert f"`{name}.safetensors`" in (FOLDER / "CREDITS.md").read_text()


def test_flowers_and_planets_are_of_one_family() -> None:
    planets, flowers = (load_network(SHIPPED[name].path) for name in ("planets", "flowers"))
    assert planets.weights == flowers.weights
    # Networks trained apart share nothing; these two have most of their directions in common.
    a, b = (n.tensors["synthesis.b32.conv1.weight"].flatten() for n in (planets, flowers))
    assert float(torch.cosine_similarity(a, b, dim=0)) > 0.5
