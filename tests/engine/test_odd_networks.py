"""Networks of unusual shapes play: grey with alpha, and classes without a latent."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import network_files as made
from ganzfeld import Player


def frame(folder, network, latent: str) -> np.ndarray:
    network.save(folder / "x.safetensors")
    (folder / "x.ganz").write_text(f'face = network("x.safetensors", latent={latent})\nout(face)\n')
    player = Player(folder / "x.ganz", device="cpu")
    image = [frame.image for frame in player.frames(seconds=0.05, fps=60)][-1]
    assert not player.problems
    return np.asarray(image)


def test_two_channels_are_grey_and_alpha(tmp_path):
    network = made.small2(img_channels=2)
    image = frame(tmp_path, network, "seeds([3])")
    assert image.shape == (16, 16, 4) and np.ptp(image[..., :3], axis=-1).max() == 0
    with torch.inference_mode():
        picture = network.synthesis(network.mapping(network.latent(3)))[0]
    expected = (picture * 127.5 + 128).clamp(0, 255)
    assert (torch.from_numpy(image[..., [0, 3]].copy()).permute(2, 0, 1) - expected).abs().max() <= 1.01


@pytest.mark.parametrize("latent", ["seeds([1, 2])", 'noise("simplex2d", tx=t)'])
def test_a_network_of_classes_without_a_latent(tmp_path, latent):
    assert frame(tmp_path, made.small2(z_dim=0, c_dim=3), latent).shape == (16, 16, 4)
