"""The GPU paths against the readable reference: in Triton's interpreter on tiny networks, or on a card."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("triton", reason="the GPU paths are Triton's")

from ganzfeld.kernels import card
from ganzfeld.kernels.card import has_wgmma
from ganzfeld.kernels.cuda import convolution as hopper
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours
from ganzfeld.kernels.side_streams import PendingTensors
from ganzfeld.kernels.triton import convolution, doubling
from ganzfeld.kernels.triton.convolution import Tile
from ganzfeld.networks.config import Config
from ganzfeld.networks.generator import LayerHook, LayerPeek, SynthesisOptions
from ganzfeld.networks.gpu import parts, stylegan2_plan
from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
small = {"mapping_layers": 2, "z_dim": 32, "w_dim": 32}
three = {"channel_base": 256, "channel_max": 20, "num_layers": 4, "margin_size": 4, "first_stopband": 2**1.1}
CONFIGS: dict[str, Config] = {
    "stylegan2": StyleGAN2Config.design(16, channel_base=256, channel_max=32, **small),  # type: ignore[arg-type]
    "stylegan2-wide": StyleGAN2Config.design(8, channel_base=128, channel_max=16, const_size=(5, 3), **small),  # type: ignore[arg-type]
    "stylegan2-odd": StyleGAN2Config.design(16, channel_base=288, channel_max=24, **small),  # type: ignore[arg-type]
    "stylegan3-t": StyleGAN3Config.design("stylegan3-t", 16, **three, **small),  # type: ignore[arg-type]
    "stylegan3-narrow": StyleGAN3Config.design("stylegan3-t", 16, width=8, **three, **small),  # type: ignore[arg-type]
    "stylegan3-r": StyleGAN3Config.design("stylegan3-r", 16, **three, **small),  # type: ignore[arg-type]
}


@pytest.fixture(autouse=True)
def all_that_is_small_doubles_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in networks so small that none of their pictures is an eighth of the last."""
    monkeypatch.setattr(doubling, "SMALLER", 1)


@functools.cache
def networks(kind: str) -> tuple[Network, GpuStyleGAN2 | GpuStyleGAN3, Tensor]:
    """The reference, the GPU path on the same tensors, and a w."""
    network = Network.random(CONFIGS[kind], seed=1)
    torch.manual_seed(2)
    for name, tensor in network.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
        elif "magnitude" in name:
            tensor.uniform_(0.5, 2)
        elif (name.endswith(".bias") and "affine" not in name) or name == "synthesis.input.affine.weight":
            tensor.normal_()
    network.to(DEVICE).fast = False
    path = (GpuStyleGAN2 if kind.startswith("stylegan2") else GpuStyleGAN3)(network.config, network.tensors)  # type: ignore[arg-type]
    return network, path, network.mapping(network.latent(3))


def error(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return float((found.float() - expected).norm() / expected.norm())


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_picture_and_every_layer_agree(kind: str):
    network, path, w = networks(kind)
    z = network.latent(3)
    assert error(path.mapping(z, None, 0.7), network.mapping(z, truncation_psi=0.7)) < 1e-5
    assert error(path.synthesis(w), network.synthesis(w)) < 3e-3
    for layer in network.layers:
        assert error(path.synthesis(w, SynthesisOptions(until=layer)), network.synthesis(w, until=layer)) < 3e-3, layer


@pytest.mark.parametrize("bends", [False, True])
@pytest.mark.parametrize("kind", CONFIGS)
def test_looking_at_every_layer_changes_no_bit(kind: str, bends: bool):
    network, path, w = networks(kind)
    after = LayerHook(lambda name, x: 1.5 * x, [network.layers[1], network.layers[-2]]) if bends else None
    seen: dict[str, Tensor] = {}
    expected: dict[str, Tensor] = {}
    peek = LayerPeek(lambda name, x: seen.update({name: x.clone()}), network.layers)
    plain = path.synthesis(w, SynthesisOptions(after=after))
    assert torch.equal(path.synthesis(w, SynthesisOptions(after=after, peek=peek)), plain)
    network.synthesis(
        w, after=after, peek=LayerPeek(lambda name, x: expected.update({name: x.clone()}), network.layers)
    )
    assert list(seen) == list(expected) == list(network.layers)
    for layer in network.layers[:-1]:  # StyleGAN3 shows its last layer in the picture's own scale
        assert error(seen[layer], expected[layer]) < 5e-3, layer


@pytest.mark.parametrize("kind", CONFIGS)
def test_bent_layers_and_gains_agree(kind: str):
    network, path, w = networks(kind)
    first, middle, last = network.layers[1], network.layers[2], network.layers[-1]
    one, other, *_ = network.convolutions
    each = torch.linspace(-1, 2, network.layer_shapes[other][0], dtype=torch.float64, device=DEVICE)
    gains = {one: torch.tensor(1.7, device=DEVICE), other: each}

    def bent(name: str, x: Tensor) -> Tensor:
        return {first: lambda: x * 1.5, middle: lambda: x.flip(3), last: lambda: x.roll(1, 2)}[name]()

    after = LayerHook(bent, [first, middle, last])
    assert error(path.synthesis(w, SynthesisOptions(after=after)), network.synthesis(w, after=after)) < 4e-3
    assert error(path.synthesis(w, SynthesisOptions(gains=gains)), network.synthesis(w, gains=gains)) < 4e-3
    alone = {one: torch.full((1,), 1.7, device=DEVICE)}
    assert error(path.synthesis(w, SynthesisOptions(gains=alone)), network.synthesis(w, gains=alone)) < 4e-3


@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
def test_the_input_turns_and_moves(kind: str):
    network, path, w = networks(kind)
    turn = torch.tensor([[0.8, -0.6, 0.1], [0.6, 0.8, -0.2], [0.0, 0.0, 1.0]], device=DEVICE)
    assert error(path.synthesis(w, SynthesisOptions(transform=turn)), network.synthesis(w, transform=turn)) < 3e-3  # type: ignore[call-arg]


@pytest.mark.parametrize("size", [(28, 16), (16, 20)])
@pytest.mark.parametrize("kind", CONFIGS)
def test_wide_pictures_agree(kind: str, size: tuple[int, int]):
    network, path, w = networks(kind)
    assert error(path.synthesis(w, SynthesisOptions(wide=network.wide(size))), network.synthesis(w, size=size)) < 3e-3


def test_smaller_pictures_and_noise_agree():
    network, path, w = networks("stylegan2")
    assert isinstance(path, GpuStyleGAN2)
    assert error(path.synthesis(w, SynthesisOptions(resolution=8)), network.synthesis(w, resolution=8)) < 3e-3
    for noise in ({"noise_mode": "none"}, {"noise_mode": "random", "seed": torch.tensor(5, device=DEVICE)},
                  {"noise_strength": torch.tensor(2.0, device=DEVICE)}):  # fmt: skip
        assert error(path.synthesis(w, SynthesisOptions(**noise)), network.synthesis(w, **noise)) < 3e-3, noise


def test_large_pictures_double_as_small_ones_do(monkeypatch: pytest.MonkeyPatch):
    network, small, w = networks("stylegan2")
    monkeypatch.setattr(doubling, "LARGEST", 8)
    path = GpuStyleGAN2(network.config, network.tensors)  # type: ignore[arg-type]
    assert isinstance(small, GpuStyleGAN2)
    assert [c.filter is None for c in path.convolutions if c.up == 2] == [False, True]
    assert all(c.filter is not None for c in small.convolutions if c.up == 2)
    assert error(path.synthesis(w), network.synthesis(w)) < 3e-3
    layer = "b16.conv0"  # the one that doubles in another way
    assert error(path.synthesis(w, SynthesisOptions(until=layer)), network.synthesis(w, until=layer)) < 3e-3
    size = (28, 16)
    assert error(path.synthesis(w, SynthesisOptions(wide=network.wide(size))), network.synthesis(w, size=size)) < 3e-3


@pytest.mark.parametrize("processors", [1, 132])
def test_tiles_of_cards_of_any_size_agree(processors: int, monkeypatch: pytest.MonkeyPatch):
    """Few processors have large tiles, many have their sums in parts."""
    network, _, w = networks("stylegan2")
    monkeypatch.setattr(parts, "multiprocessors", lambda device: processors)
    path = GpuStyleGAN2(network.config, network.tensors)  # type: ignore[arg-type]
    tiles = [step.tile for step in path._plan(16, None) if isinstance(step.tile, Tile)]
    assert {tile.warps == 8 for tile in tiles} == ({True} if processors == 1 else {False})
    assert max(tile.splits for tile in tiles) == (1 if processors == 1 else 6)
    assert error(path.synthesis(w), network.synthesis(w)) < 3e-3


def test_every_tile_fits_on_every_card(monkeypatch: pytest.MonkeyPatch):
    """By count; that Triton takes no more than that, `test_process_compile_ahead` tells of some."""
    sizes = [2**power for power in range(4, 10)]
    for capability in ((8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)):
        monkeypatch.setattr(card, "capability", lambda device, capability=capability: capability)
        for processors in (4, 20, 46, 84, 132, 188):
            monkeypatch.setattr(parts, "multiprocessors", lambda device, processors=processors: processors)
            for side, outputs, inputs in itertools.product((4, 8, 16, 64, 256, 1024), [*sizes, 1024, 2048], sizes):
                tile = parts.tile_for(side * (side + 1), outputs, inputs, torch.device("cuda"))
                assert tile.shared <= card.shared_memory_of(capability), (capability, processors, tile)
                # What follows a convolution stores eight channels at a time, of which there are a power of two.
                assert tile.outputs.bit_count() == 1 and tile.outputs >= 16, tile


class Late(PendingTensors):
    """Tensors that are there only when somebody has waited for them."""

    def __init__(self, late: dict[str, list[Tensor]]) -> None:
        super().__init__()
        self.late = {name: [(tensor, tensor.clone()) for tensor in tensors] for name, tensors in late.items()}
        self.waits = 0
        for tensors in late.values():
            for tensor in tensors:
                tensor.fill_(9)

    def any_of(self, names: Iterable[str]) -> bool:
        return not self.late.keys().isdisjoint(names)

    def announce(self, names: Iterable[str], device: torch.device) -> None:
        super().announce(names, device)
        self.late |= {name: [] for name in names}

    def wait(self, names: Iterable[str] | None = None, *, but: Collection[str] = ()) -> None:
        come = [name for name in (list(self.late) if names is None else names) if name in self.late and name not in but]
        self.waits += bool(come)
        for name in come:
            for tensor, value in self.late.pop(name):
                tensor.copy_(value)
        super().wait(come)  # what the current stream copies, the next one that waits for it must wait for, too


def test_each_layer_waits_for_its_own_weights_and_the_first_for_no_others():
    network, path, w = networks("stylegan2")
    path = GpuStyleGAN2(network.config, network.tensors)  # type: ignore[arg-type]
    expected, first = path.synthesis(w), path.synthesis(w, SynthesisOptions(until="b8.conv0"))
    late = {name: [weight.out, weight.energy] for name, weight in path.weights.items()}
    late |= {path.affines[0]: [path.styles.weight]}
    path.pending = pending = Late(late)
    assert torch.equal(path.synthesis(w, SynthesisOptions(until="b8.conv0")), first)
    assert set(pending.late) == {name for name in path.weights if "b16" in name}
    assert torch.equal(path.synthesis(w), expected)
    assert pending.waits >= 4 and not pending.late  # nor are there powers that nobody has waited for
    path.pending = pending = Late(late)
    assert torch.equal(path.synthesis(w), expected) and not pending.late


HOPPER = DEVICE == "cuda" and has_wgmma(torch.device(DEVICE))


@pytest.mark.skipif(not HOPPER, reason="wants a card of the Hopper generation")
@pytest.mark.parametrize("loud", [1.0, 300.0], ids=["quiet", "clamped"])
@pytest.mark.parametrize("channels", [128, 512])
def test_large_tiles_agree(channels: int, loud: float):
    """Sizes at which the Hopper convolution plays, with every width of tile it has and activations up to the clamp."""
    network = Network.random(StyleGAN2Config.design(256, channel_base=channels * 64, channel_max=channels), seed=1)
    network.to(DEVICE).fast = False
    for name, tensor in network.tensors.items():
        if name.endswith(".bias") and "affine" not in name:
            tensor.normal_().mul_(loud)
    path = GpuStyleGAN2(network.config, network.tensors)  # type: ignore[arg-type]
    assert {type(step.tile).__name__ for step in path._plan(256, None)} == {"Tile", "HopperTile"}
    w = network.mapping(network.latent(3))
    for layer in network.layers:
        assert error(path.synthesis(w, SynthesisOptions(until=layer)), network.synthesis(w, until=layer)) < 5e-3, layer
    assert error(path.synthesis(w), network.synthesis(w)) < 5e-3

    after = LayerHook(lambda name, x: x.flip(3) * 0.9, ["b128.conv0"])
    assert error(path.synthesis(w, SynthesisOptions(after=after)), network.synthesis(w, after=after)) < 5e-3
    size = (200, 136)
    assert error(path.synthesis(w, SynthesisOptions(wide=network.wide(size))), network.synthesis(w, size=size)) < 5e-3


def as_on_hopper(
    x: Tensor, weight: Tensor, field: ActivationLayout, activation: Activation, colours: Colours | None, *, up: int,
    block: hopper.HopperTile, partial: Tensor | None = None,
) -> None:  # fmt: skip
    """What the Hopper convolution does, and no more: pixels are written, what lies between rows is left alone."""
    assert partial is None and activation.styled is not None
    height, width, channels = field.height, field.width, len(activation.gain)
    padded = F.pad(x.view(height, width, -1), (0, 0, 0, 1)).reshape(height * (width + 1), -1)
    styled = torch.empty(up * height, up * width, channels, dtype=torch.float16)
    dense = replace(activation, styled=styled, styled_pitch=up * width)
    convolution.layer(
        padded, weight, ActivationLayout(height, width, width + 1), dense, colours, up=up, tile=Tile(16, channels, 32)
    )
    activation.styled.view(up * height, -1, channels)[:, : up * width] = styled


@pytest.mark.skipif(DEVICE == "cuda", reason="what the processor stands in for is there")
def test_large_tiles_leave_what_small_channels_read(monkeypatch: pytest.MonkeyPatch):
    """A layer on the Hopper convolution, and one after it that has too few channels for it."""
    network, _, w = networks("stylegan2")
    monkeypatch.setattr(stylegan2_plan, "has_wgmma", lambda device: True)
    monkeypatch.setattr(hopper, "FEWEST", 16)
    monkeypatch.setattr(hopper.HopperTile, "kernel", lambda self, macros, device: SimpleNamespace())
    monkeypatch.setattr(hopper, "layer", as_on_hopper)
    nothing = lambda self, channels, device: torch.full(  # noqa: E731
        (self.height * self.pitch, channels), float("nan"), dtype=torch.float16
    )
    monkeypatch.setattr(ActivationLayout, "empty", nothing)
    path = GpuStyleGAN2(network.config, network.tensors)  # type: ignore[arg-type]
    assert [type(step.tile).__name__ for step in path._plan(16, None)] == [
        "HopperTile",
        "HopperTile",
        "HopperTile",
        "Tile",
        "Tile",
    ]
    assert error(path.synthesis(w), network.synthesis(w)) < 3e-3


def test_fetched_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch):
    """The Hopper generation's way to memory, which the interpreter knows too."""
    _, path, w = networks("stylegan2")
    expected = path.synthesis(w)
    for module in (convolution, doubling):
        monkeypatch.setattr(module, "has_tma", lambda device: True)
    if DEVICE == "cpu":
        assert torch.equal(path.synthesis(w), expected)


@pytest.mark.parametrize("kind", CONFIGS)
def test_far_from_what_it_was_trained_for_nothing_breaks(kind: str):
    """w of 4 σ and psi 3; constants, biases and affines times ±4; a weight that is zero."""
    network, _, _ = networks(kind)
    names = [name for name in network.weights if name.endswith(("const", ".bias", "affine.weight", "torgb.weight"))]
    bent = network.variant(names)
    zero = next(name for name in network.weights if name.endswith("conv1.weight") or ".L1" in name)
    bent = bent.variant([zero])
    for i, name in enumerate(names):
        bent.tensors[name].mul_((-4, 4)[i % 2])
    bent.tensors[zero].zero_()
    path = (GpuStyleGAN2 if kind.startswith("stylegan2") else GpuStyleGAN3)(bent.config, bent.tensors)  # type: ignore[arg-type]
    w = path.mapping(4 * network.latent(1).sign(), None, 3.0)
    for scale in (1.0, 30.0):
        assert path.synthesis(w * scale).isfinite().all()


CHANGED = {
    "stylegan2": ("synthesis.b8.conv0.weight", "synthesis.b8.conv1.weight", "synthesis.b16.conv0.resample_filter"),
    "stylegan3-t": ("synthesis.L1_24_20.weight", "synthesis.L2_24_16.bias", "synthesis.L4_16_3.weight"),
    "stylegan3-r": ("synthesis.L1_24_20.weight", "synthesis.input.weight", "synthesis.L2_24_16.up_filter"),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_changed_tensors_are_derived_again(kind: str):
    network, _, w = networks(kind)
    names = CHANGED[kind]
    bent = network.variant(names)
    path = (GpuStyleGAN2 if kind.startswith("stylegan2") else GpuStyleGAN3)(bent.config, bent.tensors)  # type: ignore[arg-type]
    for name in names:
        bent.tensors[name].mul_(torch.rand_like(bent.tensors[name]) + 0.5)
    path.derived.refresh()
    bent.fast = False
    assert error(path.synthesis(w), bent.synthesis(w)) < 3e-3
