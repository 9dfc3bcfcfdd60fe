"""Bends and blends: what each does, and that the originals stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.bending import matching
from ganzfeld.bending.base import TARGETS as KINDS
from ganzfeld.bending.base import Amount, Bend, BendContext, bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.channels import draw, listed, share_mask
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.matching import Match, Seeded
from ganzfeld.bending.targets import matches
from ganzfeld.errors import NetworkError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from sealed import NothingFromHost, Sealed

EVERY = [(target, word) for target in KINDS for word in bends(target)]
FRAME = torch.tensor(3)


def place(x: torch.Tensor, axis: int) -> BendContext:
    memories: dict[str, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(1)
    noise, order = torch.randn(x.shape, generator=generator), torch.randperm(x.shape[axis], generator=generator)
    remember = lambda name, shape: memories.setdefault(name, torch.zeros(shape))  # noqa: E731
    return BendContext("here", lambda: noise, lambda: order, torch.tensor(1.0), FRAME, remember)


def example(target: str) -> tuple[torch.Tensor, int]:
    generator = torch.Generator().manual_seed(2)
    if target == "convolution":
        return torch.ones(6), 0
    shape, axis = ((6, 5, 3, 3), 0) if target == "weight" else ((1, 6, 8, 12), 1)
    return torch.randn(shape, generator=generator), axis


def values(bend: Bend, choose: Callable[[Amount], float]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(float(choose(amount))) for name, amount in bend.amounts.items()}


def between(amount: Amount) -> float:
    low, high = amount.range
    return low + 0.37 * (high - low)


@pytest.mark.parametrize(("target", "word"), EVERY)
def test_every_bend_keeps_the_rules(target: str, word: str) -> None:
    bend = bends(target)[word]
    assert bend.__doc__
    x, axis = example(target)
    before = x.clone()
    assert torch.equal(bend.apply(x, values(bend, lambda amount: amount.default), place(x, axis)), x), "neutral"
    bent = bend.apply(x, values(bend, between), place(x, axis))
    assert bent.shape == x.shape
    assert not torch.equal(bent, x), "it does something"
    assert torch.equal(x, before), "it wrote its input"
    if target == "activation":
        half = bend.apply(x.half(), values(bend, between), place(x, axis))
        assert half.dtype == torch.float16, "a network in half precision wants it back so"
    for end in (0, 1):
        extreme = bend.apply(x, values(bend, lambda amount, end=end: amount.limits[end]), place(x, axis))
        assert torch.isfinite(extreme).all()
    sealed = {name: value.as_subclass(Sealed) for name, value in values(bend, lambda a: a.range[1]).items()}
    here = place(x, axis)
    with NothingFromHost():
        bend.apply(x.as_subclass(Sealed), sealed, here)


@pytest.mark.parametrize(("target", "word"), EVERY)
def test_an_amount_for_each_channel_bends_each_channel_by_its_own(target: str, word: str) -> None:
    bend = bends(target)[word]
    x, axis = example(target)
    here = place(x, axis)
    channels = x.shape[axis]
    shape = [-1 if other == axis else 1 for other in range(x.dim())]
    for name, amount in bend.amounts.items():
        others = values(bend, between)
        own = torch.linspace(*amount.range, channels)
        own[1] = amount.default
        apart = bend.apply(x, {**others, name: own.reshape(shape)}, place(x, axis))
        for channel in range(channels):
            alone = bend.apply(x, {**others, name: own[channel]}, place(x, axis))
            got, expected = apart.select(axis, channel), alone.select(axis, channel)
            assert torch.allclose(got, expected, rtol=1e-5, atol=1e-5), (name, channel)
        ends = torch.tensor([*amount.limits, float(amount.default)]).repeat(channels)[:channels].reshape(shape)
        assert torch.isfinite(bend.apply(x, {**others, name: ends}, here)).all()
        sealed = {key: value.as_subclass(Sealed) for key, value in {**others, name: own.reshape(shape)}.items()}
        bend.apply(x.as_subclass(Sealed), sealed, place(x, axis))


@pytest.fixture(scope="module", params=["stylegan2", "stylegan3"])
def network(request: pytest.FixtureRequest) -> Network:
    if request.param == "stylegan2":
        config: Any = StyleGAN2Config.design(
            16, channel_base=128, channel_max=16, mapping_layers=2, z_dim=8, w_dim=8
        )  # fmt: skip
    else:
        config = StyleGAN3Config.design(
            "stylegan3-t", 16, channel_base=128, channel_max=8, num_layers=4, z_dim=8, w_dim=8
        )
    return Network.random(config, seed=1)


def picture(
    bender: Bender, amounts: Mapping[str, Mapping[str, Any]], seeds: dict[str, int] | None = None
) -> torch.Tensor:
    memories: dict[tuple[str, tuple[int, ...]], torch.Tensor] = {}

    def memory(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        return memories.setdefault((name, shape), torch.zeros(shape))

    lines = {line: Everything(given) for line, given in amounts.items()}
    bender.prepare({line: (seeds or {}).get(line, 0) for line in amounts})
    with torch.inference_mode(), bender.bent(lines, FRAME, memory) as network:
        w = network.mapping(torch.linspace(-1, 1, network.z_dim)[None])
        after, gains = bender.after(lines, FRAME, memory), bender.gains(lines, FRAME, memory)
        return network.synthesis(w, "none", after=after, gains=gains).clone()


class Everything(dict):
    """A line's values: what is given, else neutral."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        neutral = {n: a.default for t in KINDS for b in bends(t).values() for n, a in b.amounts.items()}
        super().__init__(
            {n: torch.tensor(float(v)) for n, v in {**neutral, "channels": 1, "inputs": 1, "soft": 0}.items()}
        )
        for name, value in given.items():
            parts = value if isinstance(value, tuple) else (value,)
            tensors = tuple(torch.tensor(part, dtype=torch.float32) for part in parts)
            self[name] = tensors if isinstance(value, tuple) else tensors[0]

    def __getattr__(self, name: str) -> torch.Tensor:
        return self[name]


def bent(network: Network, line: BendLine, **amounts: float) -> torch.Tensor:
    bender = Bender(network)
    bender.bend(line)
    bender.ready()
    return picture(bender, {line.name: amounts})


TARGETS = {
    "stylegan2": ["b8", "b4.const", "synthesis.b*.conv?.affine.weight", "w_avg", "mapping.fc*", "*.noise_strength"],
    "stylegan3": ["L1", "input.weight", "input.freqs", "*.magnitude_ema", "synthesis.input", "*.up_filter"],
}


def test_bends_reach_the_picture_and_leave_the_network(network: Network) -> None:
    originals = {name: tensor.clone() for name, tensor in network.tensors.items()}
    plain = picture(Bender(network), {})
    for target in TARGETS[network.kind.partition("-")[0]]:
        if target in ("w_avg", "*.noise_strength"):
            continue
        word = "multiply" if target in ("b8", "L1", "synthesis.input") else "scale"
        if target == "synthesis.input":
            target = "input"
        assert not torch.equal(bent(network, BendLine("a", target, (word,)), **{word: -1.5}), plain), target
        assert torch.equal(bent(network, BendLine("a", target, (word,)), **{word: 1.0}), plain), target
    assert all(torch.equal(tensor, originals[name]) for name, tensor in network.tensors.items())
    assert torch.equal(picture(Bender(network), {}), plain)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_sequence_of_bends_leaves_the_originals(network: Network, data: st.DataObject) -> None:
    originals = {name: tensor.clone() for name, tensor in network.tensors.items()}
    plain = picture(Bender(network), {})
    bender = Bender(network)
    amounts: dict[str, dict[str, Any]] = {}
    for number in range(data.draw(st.integers(1, 4))):
        target, word = data.draw(st.sampled_from(EVERY))
        names = {"activation": network.layers, "weight": [*network.weights], "convolution": [*network.convolutions]}
        name = data.draw(st.sampled_from(names[target]))
        bend = bends(target)[word]
        amounts[f"l{number}"] = {}
        for key, amount in bend.amounts.items():
            numbers = st.floats(*amount.limits) | st.just(amount.default)
            # One for all channels, or for each its own.
            apart = st.tuples(st.lists(numbers, min_size=40, max_size=40))
            amounts[f"l{number}"][key] = data.draw(numbers | apart)
        bender.bend(BendLine(f"l{number}", name, (word,), masked=data.draw(st.booleans())))
    bender.ready()
    first = picture(bender, amounts)
    assert torch.equal(torch.nan_to_num(first), torch.nan_to_num(picture(bender, amounts))), "repeatable"
    assert all(torch.equal(tensor, originals[name]) for name, tensor in network.tensors.items())
    assert torch.equal(picture(Bender(network), {}), plain)


def test_a_share_of_channels_is_seeded(network: Network) -> None:
    layer = network.layers[1]
    bender = Bender(network)
    bender.bend(BendLine("a", layer, ("multiply",), masked=True))
    bender.ready()
    none = picture(bender, {"a": {"multiply": 3, "channels": 0}})
    some = picture(bender, {"a": {"multiply": 3, "channels": 0.5}})
    other = picture(bender, {"a": {"multiply": 3, "channels": 0.5}}, {"a": 1})
    assert torch.equal(none, picture(Bender(network), {}))
    assert not torch.equal(some, none)
    assert not torch.equal(some, other)


def test_masks_open_gradually() -> None:
    drawn = draw(1000, 0, 0, torch.device("cpu"))
    assert abs(float((drawn < 0.3).float().mean()) - 0.3) < 0.05
    hard = share_mask(drawn, torch.tensor(0.5), torch.tensor(0.0))
    soft = share_mask(drawn, torch.tensor(0.5), torch.tensor(0.5))
    assert set(hard.unique().tolist()) == {0.0, 1.0}
    assert ((soft > 0) & (soft < 1)).any()
    assert share_mask(drawn, torch.tensor(1.0), torch.tensor(0.5)).min() == 1


def test_a_fan_has_a_value_for_each_match(network: Network) -> None:
    target = "synthesis.*.affine.bias"
    line = BendLine("fan", target, ("scale",))
    bender = Bender(network)
    bender.bend(line)
    bender.ready()
    count = len(bender.matched["fan"])
    assert count > 2
    assert bender.matched["fan"] == tuple(network.weights[name][0] for name in network.weights if "affine.bias" in name
                                          and name.startswith("synthesis."))  # fmt: skip
    flat = picture(bender, {"fan": {"scale": [1.0] * count}})
    fanned = picture(bender, {"fan": {"scale": [1.0] * (count - 1) + [3.0]}})
    assert torch.equal(flat, picture(Bender(network), {}))
    assert not torch.equal(fanned, flat)


def test_gain_acts_where_scale_cannot(network: Network) -> None:
    layer, weight = list(network.convolutions.items())[1]
    plain = picture(Bender(network), {})

    def difference(target: str, word: str, value: float, **line: Any) -> float:
        return float((bent(network, BendLine("a", target, (word,), **line), **{word: value}) - plain).abs().max())

    # Demodulation takes out what `scale` does to a convolution, all of it or some of its output channels.
    assert difference(weight, "scale", 3) < 1e-3 < difference(layer, "gain", 3)
    assert difference(weight, "scale", 3, only=(0, 2)) < 1e-3 < difference(weight, "gain", 3, only=(0, 2))
    assert difference(weight, "scale", 3, only_inputs=(0, 2)) > 1e-3
    assert difference(layer, "gain", 1) == 0 == difference(weight, "gain", 3, only=())
    by_layer = bent(network, BendLine("a", layer, ("gain",)), gain=-2)
    assert torch.equal(by_layer, bent(network, BendLine("a", weight, ("gain",)), gain=-2))
    assert not torch.equal(bent(network, BendLine("a", "synthesis.*.weight", ("gain",)), gain=2), plain)
    for wrong in ("*.affine.weight", "*.torgb.weight" if network.kind == "stylegan2" else network.layers[-1]):
        with pytest.raises(NetworkError, match="is none"):
            Bender(network).bend(BendLine("a", wrong, ("gain",)))


def test_a_line_may_bend_an_activation_and_its_convolution(network: Network) -> None:
    layer = list(network.convolutions)[1]
    together, apart = Bender(network), Bender(network)
    together.bend(BendLine("a", layer, ("gain", "blur")))
    apart.bend(BendLine("a", layer, ("gain",)))
    apart.bend(BendLine("b", layer, ("blur",)))
    together.ready()
    apart.ready()
    expected = picture(apart, {"a": {"gain": -0.5}, "b": {"blur": 0.1}})
    assert torch.equal(picture(together, {"a": {"gain": -0.5, "blur": 0.1}}), expected)
    assert not torch.equal(expected, picture(Bender(network), {}))


def test_blends_meet_the_other_network(network: Network) -> None:
    other = Network.random(network.config, seed=2)
    bender = Bender(network)
    bender.blend(BlendLine("mix", other, "*"))
    bender.ready()
    assert torch.equal(picture(bender, {"mix": {"amount": 0.0}}), picture(Bender(network), {}))
    assert torch.equal(picture(bender, {"mix": {"amount": 1.0}}), picture(Bender(other), {}))
    assert torch.isfinite(picture(bender, {"mix": {"amount": -2.0}})).all()


def test_a_blend_does_nothing_between_equals(network: Network) -> None:
    bender = Bender(network)
    bender.blend(BlendLine("mix", network, "*"))
    bender.ready()
    assert bender.matched["mix"] and not bender.changed


@pytest.mark.parametrize("word", bends("weight"))
def test_a_single_number_can_be_bent_by_anything(network: Network, word: str) -> None:
    name = next(name for name, shape in network.weights.items() if not shape)
    amounts = {key: between(amount) for key, amount in bends("weight")[word].amounts.items()}
    assert torch.isfinite(bent(network, BendLine("a", name, (word,), masked=True), channels=0.5, **amounts)).all()


def test_a_frame_derives_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `rederive` has made again, the fast path does not make again by itself."""
    from ganzfeld.networks.derived import DerivedTensors

    config = StyleGAN2Config.design(16, channel_base=128, channel_max=16, mapping_layers=2, z_dim=8, w_dim=8)
    bender = Bender(Network.random(config, seed=1))
    bender.bend(BendLine("a", "b4.const", ("scale",)))
    bender.ready()
    picture(bender, {"a": {"scale": 2}})
    derived: list[str] = []
    derive = DerivedTensors.derive
    monkeypatch.setattr(DerivedTensors, "derive", lambda self, *given: (derived.append("once"), derive(self, *given)))
    picture(bender, {"a": {"scale": 3}})
    assert derived == ["once"]


@pytest.mark.parametrize("word", ["multiply", "add", "noise", "invert", "feedback"])
def test_half_precision_does_not_run_over(word: str) -> None:
    bend = bends("activation")[word]
    seeded = Seeded((1, 4, 3, 3), 1, 7, torch.device("cpu"), torch.ones(()))
    match = Match(BendLine("line", "b4", (word,)), "b4", 0, (bend,), seeded, None, None)
    seeded.make(1)
    neutral = {name: (torch.full((4,), amount.default),) for name, amount in bend.amounts.items()}
    loud = torch.linspace(-1e4, 1e4, 36).reshape(1, 4, 3, 3).half()
    values = {**neutral, word: (torch.tensor([1e4, -1e4, 7.0, 0.0]),)}
    y = matching.bent(loud, match, values, FRAME, lambda name, shape: torch.zeros(shape))
    assert y.dtype == torch.float16 and torch.isfinite(y).all()


def test_networks_that_do_not_fit_are_told_apart(network: Network) -> None:
    config = StyleGAN2Config.design(16, channel_base=64, channel_max=8, mapping_layers=2, z_dim=8, w_dim=8)
    with pytest.raises(NetworkError):
        Bender(network).blend(BlendLine("mix", Network.random(config), "*"))


@pytest.mark.parametrize(
    ("target", "word", "hint"),
    [("b99", "multiply", "b"), ("*.weight", "blur", "activations"), ("*", "power", "weights")],
)
def test_wrong_targets_are_explained(network: Network, target: str, word: str, hint: str) -> None:
    with pytest.raises(NetworkError, match=hint):
        Bender(network).bend(BendLine("a", target, (word,)))


def test_listed_channels() -> None:
    assert listed("0-3,7") == (0, 1, 2, 3, 7)
    assert listed([2, 5]) == (2, 5)
    with pytest.raises(ValueError, match="channel"):
        listed("x")


def test_bends_in_a_patch(small_network: Path) -> None:
    from ganzfeld import Player
    from ganzfeld.patch.language.parser import parse

    text = f"face = network({str(small_network)!r}, latent=seeds([1], speed=0))\n{{}}out(face)"

    def frames(lines: str, count: int = 2) -> list[torch.Tensor]:
        with Player(parse(text.format(lines)), device="cpu") as player:
            return [frame.image.clone() for frame in player.frames(count=count, fps=10)]

    plain = frames("")
    assert torch.equal(plain[0], plain[1])
    moving = frames('face.bend("b4.const", scale=1 + sin(t))\n')
    assert torch.equal(moving[0], plain[0])
    assert not torch.equal(moving[1], plain[0])
    fan = 'face.bend("synthesis.b*.conv?.affine.bias", scale=1 + 0.5*i/n, name="fan")\n'
    assert not torch.equal(frames(fan)[0], plain[0])
    loud = 'face.bend("b*.conv0", gain=1 + sin(t) + 0.01*c*i)\n'
    assert not torch.equal(frames(loud)[0], frames(loud)[1])
    few, none = 'face.bend("b16", multiply=c < 4)\n', 'face.bend("b16", ablate=1, only="4-999")\n'
    assert torch.equal(frames(few, 1)[0], frames(none, 1)[0])
    apart = 'face.bend("synthesis.b*.conv?.affine.*", scale=1 + (c < 4)*(i % 2)*(n > 3)*0.5)\n'
    alone = "".join(
        f'face.bend("b{size}.{conv}.affine.bias", scale=1.5, only="0-3")\n'
        for size in (4, 8, 16, 32) for conv in ("conv0", "conv1") if (size, conv) != (4, "conv0")
    )  # fmt: skip
    assert torch.equal(frames(apart, 1)[0], frames(alone, 1)[0])
    both = 'face.blend({0!r}, "*", amount={1})\n'
    assert torch.equal(frames(both.format(str(small_network), "c % 2"))[0], plain[0])
    spin = 'face.bend("b16", rotate=40*t, channels=0.3, seed=4, name="spin")\nface.bend("b16", blur=0.05)\n'
    assert not torch.equal(frames(spin)[1], plain[0])
    trails = frames('face.bend("b8", feedback=0.9, feedback_rotate=10)\n', 4)
    assert not torch.equal(trails[0], trails[3])
    assert torch.equal(frames("")[0], plain[0])


def test_what_a_bend_carries_can_be_played() -> None:
    """Its examples are lines of a patch that build, one for each amount; its taste speaks of its amounts."""
    network = Network.random(StyleGAN2Config.design(64, channel_base=1024, channel_max=16, z_dim=8, w_dim=8))
    for target, word in EVERY:
        bend = bends(target)[word]
        shown = {example.name.split("-")[1] for example in bend.examples}
        assert shown == set(bend.amounts), f"{target} {word}"
        assert set(bend.taste) <= set(bend.amounts)
        assert all(set(taste.more or ()) <= set(bend.amounts) for taste in bend.taste.values())
        for line in (line for example in bend.examples for line in example.lines):
            patch = parse(f'face = network("planets")\n{line}\nout(face)')
            Graph(patch)
            kind, _ = matches(network, patch.nodes["face"].methods[0].arguments["target"].text.strip('"'))
            assert kind == target or target == "convolution"
