"""The risky way: a network in TouchDesigner's own process, in the strict imitation. The card's memory is the host's."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any

import numpy as np
import pytest
import torch

from ganzfeld import touchdesigner
from ganzfeld.errors import OutputError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

STREAM = 4711


@pytest.fixture(scope="module")
def network() -> Network:
    config = StyleGAN2Config.design(16, channel_base=256, channel_max=16, mapping_layers=2, z_dim=32, w_dim=32)
    return Network.random(config, seed=3)


def on_host(array: Any) -> torch.Tensor:
    """What torch would see at that address of a card."""
    said = array.__cuda_array_interface__
    number, count = np.dtype(said["typestr"]), int(np.prod(said["shape"]))
    memory = (ctypes.c_ubyte * (count * number.itemsize)).from_address(said["data"][0])
    tensor = torch.from_numpy(np.frombuffer(memory, number).reshape(said["shape"]).copy())
    assert array.memory is not None
    return tensor


@pytest.fixture
def place(stage, network, monkeypatch) -> Any:
    """A Script TOP with the shipped callbacks, and a noise at its input."""
    one = stage()
    one.file("ganzfeld_link")
    loads: list[tuple[str, str]] = []

    def load(name: str, device: str) -> Network:
        loads.append((name, device))
        return network

    monkeypatch.setattr("ganzfeld.load_network", load, raising=False)
    monkeypatch.setattr(touchdesigner, "_tensor", on_host)
    monkeypatch.setattr(touchdesigner, "_handle", lambda: None)
    monkeypatch.setattr(touchdesigner, "on_stream", contextlib.nullcontext)
    home, td = one.project.home, one.module
    noise = home.create(td.noiseTOP, "source")
    numbers = np.random.default_rng(1).standard_normal(32).astype(np.float32)
    noise.paint = lambda frame: numbers[:, None, None]
    noise.par.format = "mono32float"
    script = home.create(td.scriptTOP, "target")
    for each in list(script.docked):
        each.destroy()
    callbacks = home.create(td.textDAT, "mine")
    callbacks.text = (one.folder / "in_process_callbacks.py").read_text("utf-8")
    script.par.callbacks = "mine"
    noise.outputConnectors[0].connect(script)
    callbacks.module.onSetupParameters(script)
    callbacks.module.onSetupParameters(script)
    one.noise, one.script, one.callbacks, one.numbers, one.loads = noise, script, callbacks, numbers, loads
    yield one
    touchdesigner.forget(script)


def test_the_picture_is_the_networks_the_right_way_up_in_the_right_colours(place, network):
    place.noise.cook()
    place.script.cook()
    z = torch.from_numpy(place.numbers)[None]
    picture = network.synthesis(network.mapping(z, truncation_psi=0.8))[0]
    expected = (picture.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    shown = np.round(place.script.texture * 255).astype(np.uint8)  # RGBA, the lowest row first
    assert (shown[::-1, :, :3] == expected).all()
    assert (shown[..., 3] == 255).all()
    assert place.script.card_copies == 1


def test_an_edit_of_the_dat_loads_no_network_again_and_a_pulse_does(place):
    place.script.cook()
    place.callbacks.text += "\nmine = 1\n"
    place.script.cook()
    assert place.loads == [("orbits", "cuda")]
    place.callbacks.module.onPulse(place.script.par.File)
    place.script.cook()
    assert len(place.loads) == 1
    place.callbacks.module.onPulse(place.script.par.Load)
    place.script.cook()
    assert len(place.loads) == 2
    place.script.par.File.val = "faces.pkl"
    place.script.cook()
    assert place.loads[-1] == ("faces.pkl", "cuda")


def test_a_latent_of_another_shape_or_type_is_told(place):
    place.noise.paint = lambda frame: np.zeros((4, 32, 1), np.float32)
    place.noise.cook()
    with pytest.raises(OutputError, match="32 × 4 pixels") as wrong:
        place.script.cook()
    assert "1 × 32" in wrong.value.hint
    place.noise.paint = lambda frame: np.zeros((32, 1, 4), np.float32)
    place.noise.par.format = "rgba8fixed"
    place.noise.cook()
    with pytest.raises(OutputError, match="uint8"):
        place.script.cook()


def test_a_tops_picture_is_rgba_from_the_top(place):
    pixels = np.zeros((3, 2, 4), np.float32)
    pixels[2, 0] = 1, 0, 0, 1  # the highest row is the last
    place.noise.paint = lambda frame: pixels
    for kind, most in (("rgba32float", 1), ("rgba8fixed", 255)):
        place.noise.par.format = kind
        place.noise.cook()
        found = touchdesigner.pixels(place.noise)
        assert found.shape == (3, 2, 4)
        assert found[0, 0].tolist() == [most, 0, 0, most]


@pytest.mark.parametrize("shape", [(1, 1, 4, 6), (1, 4, 4, 6), (4, 6, 4)])
def test_every_kind_of_picture_is_taken_and_its_memory_kept(shape, place):
    made = torch.zeros(shape, dtype=torch.uint8 if len(shape) == 3 else torch.float32)
    place.callbacks.text = "def onCook(scriptOp):\n    show(scriptOp)\n"
    place.callbacks.module.show = lambda script: touchdesigner.show(script, made)
    for _ in range(5):
        place.script.cook()
    assert place.script.texture.shape == (4, 6, 4)
    assert len(touchdesigner._shown[place.script.id]) == touchdesigner.SHOWN_KEPT
    made = torch.zeros(2, 4, 4, 4)
    with pytest.raises(OutputError, match="cannot be shown"):
        place.script.cook()
