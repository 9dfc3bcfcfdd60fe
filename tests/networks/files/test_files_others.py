"""Networks of other mathematics are refused by their own name, and neither as damaged nor as an attack."""

from __future__ import annotations

import io
import pickle

import pytest
import torch

import foreign_files as foreign
import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert


def tensors(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.zeros(2, 2) for name in names}


def rosinality(*more: str, leave_out: str = "\n") -> dict[str, torch.Tensor]:
    state = made.rosinality(made.small2(conv_clamp=None))
    return {**{name: tensor for name, tensor in state.items() if leave_out not in name}, **tensors(*more)}


def module(class_name: str, **children: object) -> made.Persistent:
    return made.Persistent(class_name, {"_parameters": {}, "_buffers": {}, "_modules": children})


def tensorflow(function: str, version: int = 4, names: tuple[str, ...] = ()) -> tuple:
    networks = made.tensorflow(made.small2())
    networks[2].state |= {"build_func_name": function, "version": version}
    networks[2].state["components"]["synthesis"].state["variables"] = [(name, torch.zeros(2).numpy()) for name in names]
    return networks


def eg3d() -> made.Persistent:
    return module("TriPlaneGenerator", backbone=made.official(made.small2()), superresolution=module("X"))


FASTGAN = tensors("init.init.0.weight_orig", "feat_8.1.weight_orig", "se_64.main.1.weight_orig", "to_big.weight_orig")
LUCIDRAINS = tensors(
    "S.net.0.weight",
    "G.initial_block",
    "G.blocks.0.to_style1.weight",
    "G.blocks.0.to_noise1.weight",
    "GE.initial_block",
)
STYLEGAN1 = ("4x4/Const/const", "4x4/Const/StyleMod/weight", "4x4/Const/Noise/weight")

OTHERS = {
    "the first StyleGAN, snapshot": (tensorflow("G_style", 3, STYLEGAN1), "StyleGAN of the first kind"),
    "the first StyleGAN of the second's code": (tensorflow("G_style", 4, STYLEGAN1), "StyleGAN of the first kind"),
    "the first StyleGAN, another's": ({"g_synthesis.blocks.4x4.const": torch.zeros(2)}, "StyleGAN of the first kind"),
    "the first StyleGAN, rosinality's": (
        {"generator": tensors("generator.progression.0.conv1.weight", "style.1.weight")},
        "StyleGAN of the first kind",
    ),
    "ProGAN": (foreign.call("tfutil", "Network", "G"), "Progressive GAN"),
    "FastGAN": ({"g": FASTGAN, "d": {}, "g_ema": list(FASTGAN.values())}, "FastGAN"),
    "FastGAN, bare": (foreign.prefixed("module.", FASTGAN), "FastGAN"),
    "Projected GAN": ({"G_ema": module("Generator", synthesis=module("FastganSynthesis"))}, "FastGAN"),
    "R3GAN, tensors": (
        tensors("G.Model.MainLayers.0.Layers.0.Basis", "G.Model.AggregationLayer.Layer.weight"),
        "R3GAN",
    ),
    "lucidrains": ({"GAN": LUCIDRAINS, "version": "1.9.0"}, "lucidrains' stylegan2-pytorch"),
    "lightweight-gan": (
        {"GAN": tensors("G.initial_conv.0.weight", "G.layers.0.0.2.weight"), "version": "1.0"},
        "lightweight-gan",
    ),
    "maua": ({"g_ema": rosinality("input.linear.weight", "input.linear.bias")}, "maua's"),
    "SWAGAN": ({"g_ema": rosinality("to_rgbs.0.iwt.ll", "to_rgbs.0.dwt.hh")}, "SWAGAN"),
    "alias-free": ({"g_ema": tensors("affine_fourier.weight", "input.freqs", "conv1.weight")}, "alias-free-gan"),
    "EG3D": ({"G_ema": eg3d()}, "EG3D"),
    "EG3D, tensors": (
        foreign.prefixed("backbone.", foreign.state_dict(made.small2())) | tensors("superresolution.block0.weight"),
        "EG3D",
    ),
    "StyleGAN-T": (
        {"G_ema": module("Generator", mapping=module("M", clip=module("CLIP")), x=module("StyleSplit"))},
        "StyleGAN-T",
    ),
    "StyleGAN-T, tensors": (
        {**foreign.state_dict(made.small2()), **tensors("mapping.clip.model.proj", "mapping.x_avg")},
        "StyleGAN-T",
    ),
    "Stable Diffusion": ({"state_dict": tensors("model.diffusion_model.input_blocks.0.0.weight")}, "diffusion model"),
    "LoRA": (tensors("lora_unet_down.lora_up.weight"), "LoRA"),
    "GFPGAN": ({"params_ema": tensors("conv_body_first.weight", "stylegan_decoder.style_mlp.1.weight")}, "GFPGAN"),
    "BasicSR": ({"params_ema": tensors("style_convs.0.modulated_conv.weight", "style_mlp.1.weight")}, "BasicSR"),
    "ESRGAN": ({"params_ema": tensors("conv_first.weight", "body.0.rdb1.conv1.weight")}, "upscaler"),
    "BigGAN": (tensors("shared.weight", "blocks.0.0.bn1.gain.weight"), "BigGAN"),
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_it_is_named(name):
    content, word = OTHERS[name]
    file = io.BytesIO()
    torch.save(content, file)
    for data in (pickle.dumps(content, 2), file.getvalue()):
        check(data, word)


def check(data: bytes, word: str) -> None:
    with pytest.raises(NetworkFileError, match=f"the file holds .*{word}") as caught:
        convert.read(memoryview(data))
    text = f"{caught.value.what} {caught.value.hint}"
    assert "damaged" not in text and "tampered" not in text and len(caught.value.hint) > 20


@pytest.mark.parametrize("name", [name for name in OTHERS if isinstance(OTHERS[name][0], dict)])
def test_a_discriminator_of_that_kind_does_not_condemn_a_generator(name):
    content, _ = OTHERS[name]
    network = made.small2()
    mixed = {"G_ema": made.official(network), "D": content, "discriminator": content, "d_ema": content}
    assert convert.read(memoryview(pickle.dumps(mixed, 4))).config.to_json()["img_resolution"] == 16


def test_what_nobody_knows_is_told_by_what_is_in_it():
    with pytest.raises(NetworkFileError, match=r"a dictionary \('alpha', 'beta'\), not a generator"):
        convert.read(memoryview(pickle.dumps({"alpha": torch.zeros(2), "beta": 1}, 4)))
