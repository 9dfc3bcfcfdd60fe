"""Files that the real public code wrote: each draws the picture that the public code drew of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.networks.network import Network, load_network

FOLDER = Path(os.environ.get("GANZFELD_FOREIGN", Path(__file__).parents[4] / "shared" / "foreign"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not here; GANZFELD_FOREIGN says where it is")

PICTURES = {"const": ("const", 0.7), "none": ("none", 0.7), "psi1": ("const", 1.0)}
"""Name of the picture: (noise, truncation)."""


def pictures(network: Network, drawn: dict[str, np.ndarray]) -> dict[str, float]:
    """How far the network's pictures are from the public code's: relative L2 distances by name."""
    z = torch.from_numpy(drawn["z"]).float()
    label = torch.from_numpy(drawn["label"]).float() if drawn["label"].size else None
    errors = {}
    for name, (noise, psi) in PICTURES.items():
        if name in drawn:
            picture = network.synthesis(network.mapping(z, label, psi), noise)
            right = torch.from_numpy(drawn[name])
            assert picture.shape == right.shape
            errors[name] = float((picture - right).norm() / right.norm())
    return errors


@pytest.mark.parametrize("name", ["tf-ada__default.pkl", "tf-ada__resnet.pkl", "tf-sg2__resnet.pkl"])
def test_a_picture_is_that_of_the_public_code(name):
    network = load_network(FOLDER / name)
    with np.load(FOLDER / f"{Path(name).stem}.npz") as drawn:
        errors = pictures(network, dict(drawn))
    assert errors
    for picture, error in errors.items():
        assert error < 1e-4, picture
