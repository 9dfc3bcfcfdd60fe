"""Files that the real public code wrote: each draws the picture that the public code drew of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.networks.files import open_network_file
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


OPENS = [
    "dvs2__official_state_dict.pt",
    "ros__blur_1_2_1.pt",
    "ros__e4e_psp.pt",
    "stylegan-xl__uncond.pkl",
    "tf-ada__default.pkl",
    "tf-ada__resnet.pkl",
    "tf-sg2__resnet.pkl",
]


@pytest.mark.parametrize("name", OPENS)
def test_a_picture_is_that_of_the_public_code(name):
    network = load_network(FOLDER / name)
    with np.load(FOLDER / f"{Path(name).stem}.npz") as drawn:
        errors = pictures(network, dict(drawn))
    assert errors
    # Where the file holds no average w, the public code drew with an estimate of its own.
    estimated = any("no average w" in note for note in open_network_file(FOLDER / name).notes)
    for picture, error in errors.items():
        assert error < (0.02 if estimated and picture != "psi1" else 1e-4), (picture, error)
