"""Bends that act only in a part of the picture: every one, on every kind of network, in pictures of any shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganzfeld.bending.base import TARGETS, bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.layer_masks import LayerMasks
from ganzfeld.bending.lines import BendLine
from ganzfeld.bending.matching import bent
from ganzfeld.errors import NetworkError
from ganzfeld.kernels import card
from ganzfeld.kernels.resize import resize
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.networks.wide import middle, picture_in_field
from ganzfeld.patch.node import Named

SMALL: dict[str, Any] = {"channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8}
CONFIGS = {
    "stylegan2": StyleGAN2Config.design(16, mapping_layers=2, **SMALL),
    "stylegan2 5:3": StyleGAN2Config.design(16, mapping_layers=2, const_size=(10, 6), **SMALL),
    "stylegan3": StyleGAN3Config.design("stylegan3-t", 32, num_layers=5, **SMALL),
    "stylegan3 1:2": StyleGAN3Config.design("stylegan3-r", 32, width=16, num_layers=5, **SMALL),
}
LAYERS = {"stylegan2": "b8", "stylegan3": "L2"}
NEUTRAL = {name: amount.default for kind in TARGETS for bend in bends(kind).values()
           for name, amount in bend.amounts.items()}  # fmt: skip


@pytest.fixture(scope="module", params=CONFIGS)
def network(request: pytest.FixtureRequest) -> Network:
    return Network.random(CONFIGS[request.param], seed=1)


def layer_of(network: Network) -> str:
    return network.layer_name(LAYERS[network.kind.partition("-")[0]])


def grey(light: float, alpha: float = 1, size: tuple[int, int] = (20, 12)) -> Tensor:
    """A picture of one brightness."""
    width, height = size
    return torch.tensor([light, light, light, alpha]).reshape(1, 4, 1, 1).expand(1, 4, height, width).contiguous()


def pictures(
    network: Network, line: BendLine, amounts: Mapping[str, float], mask: Tensor | None, frames: int = 1, **options: Any
) -> Iterator[Tensor]:
    """The frames of a network with one line."""
    bender = Bender(network, options.get("size"))
    bender.bend(line)
    bender.ready()
    numbers = {**NEUTRAL, "channels": 0.6, "inputs": 1.0, "soft": 0.2, **amounts}
    values = {line.name: Named({name: torch.tensor(float(number)) for name, number in numbers.items()})}
    bender.prepare({line.name: 3})
    memories: dict[str, Tensor] = {}

    def memory(name: str, shape: tuple[int, ...]) -> Tensor:
        return memories.setdefault(name, torch.zeros(shape))

    for number in range(frames):
        frame = torch.tensor(number)
        with torch.inference_mode(), bender.bent(values, frame, memory) as live:
            after = bender.after(values, frame, memory, {} if mask is None else {line.name: mask})
            w = live.mapping(torch.linspace(-1, 1, network.z_dim)[None] + number)
            yield live.synthesis(w, "none", after=after, **options).clone()


def some_way(word: str) -> dict[str, float]:
    """The bend's amounts, all some way into their ranges."""
    amounts = bends("activation")[word].amounts
    return {name: amount.range[0] + 0.7 * (amount.range[1] - amount.range[0]) for name, amount in amounts.items()}


def line_of(network: Network, *words: str, **more: Any) -> BendLine:
    chain = [bends("activation")[word] for word in words]
    given = frozenset(name for bend in chain for name in bend.amounts)
    kept = tuple((name, setting.default(given)) for bend in chain for name, setting in bend.settings.items())
    named = tuple(name for bend in chain for name in bend.amounts)
    return BendLine("here", layer_of(network), named, settings=kept, **more)


@pytest.mark.parametrize("word", bends("activation"))
def test_every_bend_keeps_to_a_mask(network: Network, word: str) -> None:
    """White is the bend without a mask, black and what is transparent the layer without the bend: to the bit."""
    amounts, frames = some_way(word), 2
    for more in ({}, {"masked": True}):
        bare = line_of(network, word, **more)
        masked = line_of(network, word, placed=True, **more)
        whole = list(pictures(network, bare, amounts, None, frames))
        none = list(pictures(network, bare, {}, None, frames))
        assert not torch.equal(whole[-1], none[-1]), "it does something"
        for mask, expected in ((grey(1), whole), (grey(0), none), (grey(1, alpha=0), none), (grey(9), whole)):
            assert all(map(torch.equal, pictures(network, masked, amounts, mask, frames), expected))
        half = list(pictures(network, masked, amounts, grey(0.5), frames))[-1]
        assert torch.isfinite(half).all()
        assert not torch.equal(half, whole[-1]) and not torch.equal(half, none[-1])


def test_several_bends_of_one_line_keep_to_it_together(network: Network) -> None:
    amounts = {"rotate": 40.0, "multiply": -2.0, "quantise": 0.5}
    words = ("rotate", "multiply", "quantise")
    bare, masked = (BendLine("here", layer_of(network), words, placed=placed) for placed in (False, True))
    (whole,), (none,) = (pictures(network, bare, given, None) for given in (amounts, {}))
    for mask, expected in ((grey(1), whole), (grey(0), none)):
        assert torch.equal(next(pictures(network, masked, amounts, mask)), expected)


@pytest.mark.parametrize("word", bends("activation"))
def test_every_bend_keeps_to_a_mask_in_half_precision(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a card bends, by our kernels: in Triton's interpreter here."""
    pytest.importorskip("triton")
    monkeypatch.setattr(card, "has_triton", lambda device: True)
    network = Network.random(CONFIGS["stylegan2 5:3"], seed=1)
    generator = torch.Generator().manual_seed(4)
    shape = (1, *network.layer_shapes[layer_of(network)])
    x = torch.randn(shape, generator=generator).half().to(memory_format=torch.channels_last)
    mask = (torch.rand(shape[2:], generator=generator) * 3 - 1).clamp(0, 1).half()
    for words, more in (((word,), {}), (("noise", word), {"masked": True})):
        line = line_of(network, *dict.fromkeys(words), **more)
        bender = Bender(network)
        bender.bend(line)
        bender.prepare({"here": 3})
        ((match,),) = bender._layers.values()
        amounts = {name: amount for each in words for name, amount in some_way(each).items()}
        numbers = {**NEUTRAL, "channels": 0.6, "soft": 0.2, **amounts}
        values = {name: torch.tensor(float(number)) for name, number in numbers.items()}
        whole, part = (
            bent(x, match, values, torch.tensor(0), lambda name, shape: torch.zeros(shape), where=where)
            for where in (None, mask)
        )
        assert part.dtype == torch.float16 and torch.isfinite(part).all()
        assert torch.equal(part[:, :, mask == 0], x[:, :, mask == 0])
        assert torch.equal(part[:, :, mask == 1], whole[:, :, mask == 1]) or more, "to the bit"
        expected = torch.lerp(x.float(), whole.float(), mask.float())
        assert ((part - expected).abs() <= 4e-3 * (1 + expected.abs())).all()


def activation(network: Network, line: BendLine, amounts: Mapping[str, float], mask: Tensor | None, **options: Any):
    """What leaves the bent layer under the picture, with the margin that it has around it."""
    return next(pictures(network, line, amounts, mask, until=line.target, **options))


def read_alone(mask: Tensor, network: Network, layer: str, size: tuple[int, int] | None) -> Tensor:
    """A mask as a layer sees it under the picture, by another way: enlarged first, then looked up at each place."""
    wide = network.wide(size)
    field = picture_in_field(network.config, layer, wide)
    fine = resize(mask[:, :1], 960, 960, "linear")[0, 0]
    rows, columns = torch.arange(field.height) + 0.5, torch.arange(field.width) + 0.5
    down = ((rows - field.top) / field.down * 960).long().clamp(0, 959)
    across = ((columns - field.left) / field.across * 960).long().clamp(0, 959)
    return middle(network.config, layer, fine[down][:, across][None, None], wide)


@pytest.mark.parametrize("size", [None, (40, 16), (9, 30), (57, 61)])
def test_a_mask_lies_where_the_picture_does(network: Network, size: tuple[int, int] | None) -> None:
    """Ramps across and down arrive at each layer at the places that it shows of the picture."""
    for across in (True, False):
        ramp = torch.linspace(0, 1, 64)
        ramp = ramp.expand(64, 64) if across else ramp[:, None].expand(64, 64)
        mask = torch.cat([ramp.expand(3, 64, 64), torch.ones(1, 64, 64)])[None]
        for layer in network.layers:
            line = BendLine("here", layer, ("add",), placed=True)
            bent = activation(network, line, {"add": 1.0}, mask, size=size)
            plain = activation(network, line, {"add": 0.0}, mask, size=size)
            found, expected = (bent - plain)[:, :1], read_alone(mask, network, layer, size)
            field = picture_in_field(network.config, layer, network.wide(size))
            sample = 1 / (field.across if across else field.down)
            error = (found - expected).abs()
            # A sample at the border sees the middle of what is there.
            assert error.max() < 0.01 + 0.4 * sample, (layer, across)
            inside = (expected > 1.1 * sample) & (expected < 1 - 1.1 * sample)
            assert not inside.any() or error[inside].max() < 0.012, (layer, across)


def test_the_picture_and_its_layers_agree_where_it_is() -> None:
    """What is cut out of a wide field is, at every layer, the same part of the world: the mask's middle is the
    picture's, and the picture's borders are the mask's."""
    for config in CONFIGS.values():
        network = Network.random(config, seed=1)
        for size in (None, *((w, h) for w in (16, 31, 100) for h in (16, 33, 64))):
            wide = network.wide(size)
            last = list(config.specs)[-1]
            shown = picture_in_field(config, last, wide)
            whole = wide.side((config.size[1], config.size[0]), config.specs[last].scale) if wide else config.size[::-1]
            width, height = size or config.size
            assert (shown.height, shown.width) == whole
            assert (shown.down, shown.across) == (height, width)
            assert shown.top == (whole[0] - height) // 2 and shown.left == (whole[1] - width) // 2
            for layer in config.specs:
                field = picture_in_field(config, layer, wide)
                # Its middle lies where the last layer's does, seen from the middle of the field.
                off = (field.top + field.down / 2 - field.height / 2) / config.specs[layer].rate
                own = (shown.top + shown.down / 2 - shown.height / 2) / config.specs[last].rate
                assert off == pytest.approx(own, abs=1e-6), (layer, size)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_mask_on_any_layer_stays_between(data: st.DataObject) -> None:
    """Whatever a mask is, what leaves a layer is between the plain and the bent activation."""
    config = CONFIGS[data.draw(st.sampled_from(sorted(CONFIGS)))]
    network = Network.random(config, seed=1)
    size = data.draw(st.none() | st.tuples(st.integers(8, 50), st.integers(8, 50)))
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    seed = data.draw(st.integers(0, 99))
    mask = torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(seed)) * 2
    mask[0, :, 0, 0] = data.draw(st.sampled_from([float("nan"), float("inf"), -1e30, 0.3]))
    layer = data.draw(st.sampled_from([name for name, spec in config.specs.items() if not spec.picture]))
    line = BendLine("here", layer, ("multiply",), placed=True)
    bare = BendLine("here", layer, ("multiply",))
    part, whole, none = (
        activation(network, each, {"multiply": amount}, mask, size=size)
        for each, amount in ((line, 3.0), (bare, 3.0), (bare, 1.0))
    )
    low, high = torch.minimum(whole, none), torch.maximum(whole, none)
    slack = 1e-5 * (1 + whole.abs())
    assert ((part >= low - slack) & (part <= high + slack)).all()


def test_lines_that_want_the_same_mask_share_it(network: Network) -> None:
    masks = LayerMasks(network, None, None)
    layers = list(network.layers)[:3]
    picture, other = grey(0.5), grey(0.7)
    wanted = {layer: ["a", "b", "c"] for layer in layers}
    made = masks.made(wanted, {"a": picture, "b": picture, "c": other})
    masks.ready()
    for layer in layers:
        field = picture_in_field(network.config, layer, None)
        assert made["a", layer] is made["b", layer]
        assert made["a", layer] is not made["c", layer]
        assert made["a", layer].shape == (field.height, field.width)
    shapes = {picture_in_field(network.config, layer, None) for layer in layers}
    assert len({id(mask) for mask in made.values()}) == 2 * len(shapes)
    assert masks.made({layer: [] for layer in layers}, {}) == {}


def test_what_has_no_place_is_refused(network: Network) -> None:
    weight = next(iter(network.convolutions.values()))
    with pytest.raises(NetworkError, match="is a weight") as refused:
        Bender(network).bend(BendLine("here", weight, ("scale",), placed=True))
    assert refused.value.hint
    with pytest.raises(NetworkError, match="'gain' acts on a whole convolution"):
        Bender(network).bend(BendLine("here", layer_of(network), ("multiply", "gain"), placed=True))


def test_a_hook_after_layers_that_no_mask_reaches_makes_none(network: Network) -> None:
    bender = Bender(network)
    bender.bend(line_of(network, "multiply"))
    bender.ready()
    values = {"here": Named({name: torch.tensor(float(number)) for name, number in NEUTRAL.items()})}
    hook = bender.after(values, torch.tensor(0), lambda name, shape: torch.zeros(shape))
    assert isinstance(hook, LayerHook)
