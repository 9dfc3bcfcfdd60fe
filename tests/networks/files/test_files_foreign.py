"""Files that the real public code wrote: each draws the picture that the public code drew of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld import NetworkFileError
from ganzfeld.kernels.side_streams import PendingTensors
from ganzfeld.networks.files import open_network_file
from ganzfeld.networks.kinds import kind_of
from ganzfeld.networks.network import Network, load_network

FOLDER = Path(os.environ.get("GANZFELD_FOREIGN", Path(__file__).parents[4] / "shared" / "foreign"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not here; GANZFELD_FOREIGN says where it is")

PICTURES = {"const": ("const", 0.7), "none": ("none", 0.7), "psi1": ("const", 1.0)}
"""Name of the picture: (noise, truncation)."""


def distance(picture: torch.Tensor, right: np.ndarray) -> float:
    """Relative L2 distance."""
    assert picture.shape == right.shape
    return float((picture - torch.from_numpy(right)).norm()) / float(np.linalg.norm(right))


def pictures(network: Network, drawn: dict[str, np.ndarray]) -> dict[str, float]:
    """How far the network's pictures are from the public code's, by name; the worst of the arrangements for a CPU."""
    z = torch.from_numpy(drawn["z"]).float()
    label = torch.from_numpy(drawn["label"]).float() if drawn["label"].size else None
    errors = {name: 0.0 for name in PICTURES if name in drawn}
    for network.fast in (False, True):
        for name in errors:
            noise, psi = PICTURES[name]
            picture = network.synthesis(network.mapping(z, label, psi), noise)
            errors[name] = max(errors[name], distance(picture, drawn[name]))
    return errors


OPENS = [
    "dvs2__official_state_dict.pt",
    "eps696__wide_4x6.pkl",
    "human__sg2_rect.pkl",
    "human__sg3t_rect.pkl",
    "ros__blur_1_2_1.pt",
    "ros__e4e_psp.pt",
    "stylegan-xl__cond.pkl",
    "stylegan-xl__uncond.pkl",
    "tf-sg2-arr__cond.pkl",
    "tf-ada__default.pkl",
    "tf-ada__resnet.pkl",
    "tf-sg2__resnet.pkl",
]


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "reference"])
@pytest.mark.parametrize("name", OPENS)
def test_a_picture_is_that_of_the_public_code(name, fast):
    network = load_network(FOLDER / name)
    network.fast = fast
    with np.load(FOLDER / f"{Path(name).stem}.npz") as drawn:
        errors = pictures(network, dict(drawn))
    assert errors
    # Where the file holds no average w, the public code drew with an estimate of its own.
    estimated = any("no average w" in note for note in open_network_file(FOLDER / name).notes)
    for picture, error in errors.items():
        assert error < (0.02 if estimated and picture != "psi1" else 1e-4), (picture, error)


@pytest.mark.parametrize("name", ["human__sg3t_rect", "stylegan-xl__cond"])
def test_a_picture_in_half_precision_is_near_that_of_the_public_code(name):
    pytest.importorskip("triton", reason="the GPU's arrangements are Triton's")
    network = load_network(FOLDER / f"{name}.pkl")
    if torch.cuda.is_available():
        network.to("cuda")
    kind = kind_of(network.config)
    assert kind.fits_gpu(network.config, network.tensors)
    generator = kind.on_gpu(network.config, network.tensors, PendingTensors())
    with np.load(FOLDER / f"{name}.npz") as drawn:
        z = torch.from_numpy(drawn["z"][:1]).to(network.device, torch.float32)
        label = torch.from_numpy(drawn["label"][:1]).to(network.device) if drawn["label"].size else None
        picture = generator.synthesis(generator.mapping(z, label, 0.7))
        assert distance(picture.cpu(), drawn["const"][:1]) < 2e-3


REFUSED = {
    "aliasfree__train.pt": "alias-free-gan",
    "lucidrains__model_1.pt": "lucidrains",
    "maua__latent_input.pt": "maua",
    "r3gan__r3.pkl": "R3GAN",
    "ros__swagan.pt": "SWAGAN",
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_other_mathematics_is_refused_by_its_name(name):
    with pytest.raises(NetworkFileError, match=f"the file holds .*{REFUSED[name]}") as caught:
        open_network_file(FOLDER / name)
    assert "damaged" not in str(caught.value) and "tampered" not in str(caught.value)
