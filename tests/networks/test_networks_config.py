from __future__ import annotations

import json

import pytest
import torch

from ganzfeld.errors import NetworkError
from ganzfeld.networks.kinds import config_from_json
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config


def test_the_papers_largest_networks():
    two = StyleGAN2Config.design(1024)
    assert two.channels == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert two.blocks == (4, 8, 16, 32, 64, 128, 256, 512, 1024)
    assert two.num_ws == 18
    three = StyleGAN3Config.design("stylegan3-t", 1024)
    assert [layer.name for layer in three.layers] == [
        "L0_36_512",
        "L1_36_512",
        "L2_52_512",
        "L3_52_512",
        "L4_84_512",
        "L5_148_512",
        "L6_148_512",
        "L7_276_323",
        "L8_276_203",
        "L9_532_128",
        "L10_1044_81",
        "L11_1044_51",
        "L12_1044_32",
        "L13_1024_32",
        "L14_1024_3",
    ]
    radial = StyleGAN3Config.design("stylegan3-r", 1024)
    assert radial.layers[0].name == "L0_36_1024" and radial.layers[0].kernel == 1
    assert [len(layer.down_taps) for layer in radial.layers] == [2] * 12 + [1, 1, 0]


@pytest.mark.parametrize("config", [StyleGAN2Config.design(8, c_dim=3), StyleGAN3Config.design("stylegan3-r", 32)])
def test_configurations_survive_json(config):
    words = json.loads(json.dumps(config.to_json()))
    assert config_from_json(words | {"a word from the future": 1}) == config


@pytest.mark.parametrize("resolution", [0, 2, 12, 100, -8])
def test_sizes_that_no_network_has(resolution):
    for design in (StyleGAN2Config.design, lambda size: StyleGAN3Config.design("stylegan3-t", size)):
        with pytest.raises(NetworkError, match="powers of two"):
            design(resolution)


@pytest.mark.parametrize(
    "words", [{}, {"kind": "stylegan9"}, {"kind": "stylegan2"}, {"kind": "stylegan3-t", "num_ws": 3}]
)
def test_configurations_that_say_too_little(words):
    with pytest.raises(NetworkError):
        config_from_json(words)


def test_tensors_that_are_no_generator():
    config = StyleGAN2Config.design(8)
    with pytest.raises(NetworkError, match="no sizes at all"):
        config.measured({})
    with pytest.raises(NetworkError, match=r"\[4, 16\]"):
        config.measured({f"synthesis.b{size}.conv1.weight": torch.zeros(1, 1, 3, 3) for size in (4, 16)})
    with pytest.raises(NetworkError, match="not 4 dimensions"):
        config.measured({"synthesis.b4.conv1.weight": torch.zeros(3)})
