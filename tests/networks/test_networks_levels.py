"""A smaller picture has the colours of the whole one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganzfeld.folders import cache_folder
from ganzfeld.networks import levels
from ganzfeld.networks.find import shipped_names
from ganzfeld.networks.levels import Levels, levels_of
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

UNSEEN = range(100, 116)
"""Seeds of latents that nothing was fitted to."""


def random_network(channels: int = 3) -> Network:
    config = StyleGAN2Config.design(
        64, channel_base=1024, channel_max=32, mapping_layers=2, z_dim=16, w_dim=16, img_channels=channels
    )
    return Network.random(config, seed=3)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    return tmp_path


def levels_at(network: Network, height: int) -> Levels:
    return levels_of(network, [height])[height]


def distance(network: Network, resolution: int, matched: bool) -> float:
    """How far the colours of smaller pictures are from those of whole ones, whatever stands where: the mean distance of
    equally frequent values (Wasserstein), of −1 to 1."""
    small, whole = [], []
    with torch.no_grad():
        for seed in UNSEEN[: 4 if network.resolution > 64 else None]:
            w = network.mapping(network.latent(seed), None, 0.8)
            picture = network.synthesis(w, resolution=resolution)
            small.append((levels_at(network, resolution).apply(picture) if matched else picture).clamp(-1, 1))
            finished = network.synthesis(w).clamp(-1, 1)
            whole.append(torch.nn.functional.adaptive_avg_pool2d(finished, picture.shape[-2:]))

    def ordered(pictures: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(pictures).transpose(0, 1).flatten(1).sort(1).values

    return (ordered(small) - ordered(whole)).abs().mean().item()


@pytest.mark.parametrize("name", [name for name in shipped_names() if name != "orbits"])
def test_shipped_networks_keep_their_colours(name: str, resolution: int = 64) -> None:
    path = Path(levels.__file__).parent / "shipped" / f"{name}.safetensors"
    network = load_network(path)
    assert distance(network, resolution, matched=True) < 0.1
    assert distance(network, resolution, matched=True) < 0.25 * distance(network, resolution, matched=False)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("resolution", [32, 16, 8])
def test_any_network_comes_near_to_its_colours(channels: int, resolution: int) -> None:
    network = random_network(channels)
    before, after = (distance(network, resolution, matched) for matched in (False, True))
    assert after < 0.2
    assert after < before or before < 0.1


def test_they_are_kept_for_a_network_that_comes_from_a_file(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "small.safetensors"
    random_network().save(path)
    found = levels_at(load_network(path), 16)
    with monkeypatch.context() as patch:
        patch.setattr(levels, "_fit", lambda *_: pytest.fail("it was fitted again"))
        again = levels_at(load_network(path), 16)
    assert torch.equal(found.matrix, again.matrix)
    assert torch.equal(found.offset, again.offset)


@pytest.mark.parametrize("text", ["", "[[1]]", "[[1,0,0],[0,1,0],[0,0,1],[1e999,0,0]]", "null", "[" * 20_000])
def test_what_is_kept_and_makes_no_sense_is_made_again(tmp_path: Path, own_cache: Path, text: str) -> None:
    path = tmp_path / "small.safetensors"
    random_network().save(path)
    found = levels_at(load_network(path), 16)
    (kept,) = (cache_folder() / "levels").iterdir()
    kept.write_text(text)
    again = levels_at(load_network(path), 16)
    assert torch.equal(found.matrix, again.matrix)
    assert kept.read_text() != text


def test_a_network_without_contrast_stays_finite() -> None:
    network = random_network()
    with torch.no_grad():
        for name, tensor in network.tensors.items():
            if ".torgb." in name:
                tensor.zero_()
    found = levels_at(network, 16)
    assert found.matrix.isfinite().all()
    assert found.offset.abs().max() < 1e-3


@pytest.mark.parametrize("name", ["planets", "flowers"])
def test_those_of_shipped_networks_ship(name: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "_fit", lambda network, heights: pytest.fail("they were fitted again"))
    assert set(levels_of(load_network(name), [128, 64, 32])) == {128, 64, 32}
    assert not (own_cache / "levels").exists()
