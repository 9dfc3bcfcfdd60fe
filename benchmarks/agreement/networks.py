"""Every bend and blend, and what is done to latents, of one network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from bends import Frame, Way
from frame import bent_places
from torch import Tensor

from agreement.item import LIMIT, Item, Pictures, Side
from agreement.latents import conditional, latents
from ganzfeld.bending.base import Amount, bends, blend_modes
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.targets import side_of
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

JUMPS = 5e-2
"""Where a bend is not continuous, a number that half precision has moved across an edge lands a whole step away. That
happens to what lies within a thousandth of an edge, and comes to some per cent of the picture."""
OF_ITS_RANGE = 0.3
PLAIN = Way("plain")
FRAMES = 3
"""Compared where a bend remembers."""


def lively(network: Network, seed: int) -> Network:
    """Random numbers also where an untrained network has zeros or ones, which hide much: fine noise, biases, …"""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.tensors.items():
        if name.endswith("noise_strength"):
            tensor.uniform_(0.1, 0.3, generator=generator)
        elif "magnitude" in name:
            tensor.uniform_(0.5, 1, generator=generator)  # so that StyleGAN3's waves get through
        elif name.endswith(("w_avg", "input.affine.weight")):
            tensor.normal_(0, 0.3, generator=generator)
        elif name.endswith(".bias") and "affine" not in name:
            tensor.normal_(0, 0.1, generator=generator)
    return network


def sides(network: Network, *places: tuple[torch.device, bool]) -> list[Side]:
    """The same network and the same other one on each device; there by the readable reference or not."""
    other = lively(Network.random(network.config, seed=1), 2)
    found = []
    for device, readable in places:
        mine, its = (each.variant([]).to(device) for each in (network, other))
        mine.fast = its.fast = not readable
        found.append(Side(device, readable, mine, its))
    return found


def items(network: Network) -> Iterator[Item]:
    kind = network.kind
    yield Item(f"{kind} plain", _drawn(lambda side: PLAIN))
    for target in ("weight", "convolution"):
        yield from _of_bends(kind, target, network.config.globs.convolutions)
    yield from _of_bends(kind, "activation", bent_places(network)[1])
    yield from _of_blends(network)
    yield from _of_latents(network)


SHAPES: dict[str, Callable[[int], Network]] = {
    "stylegan2 5:3": lambda size: Network.random(StyleGAN2Config.design(size // 2, const_size=(10, 6))),
    "stylegan3-t 1:2": lambda size: Network.random(StyleGAN3Config.design("stylegan3-t", size, width=size // 2)),
}
"""Networks whose pictures are no squares, by a size that they have roughly."""


def shaped_items(name: str, network: Network) -> Iterator[Item]:
    """What looks at where things are in a picture, of one of `SHAPES`."""
    yield Item(f"{name} plain", _drawn(lambda side: PLAIN))
    yield from _of_bends(name, "activation", bent_places(network)[1])
    width, height = network.size
    for what, size in (
        ("wider", (width + height, height)),
        ("higher", (width, 2 * height)),
        ("a part", (width // 2, 9)),
    ):
        yield Item(f"{name} {what}", _synthesised(size=size))
    for layer in network.layers[1::3]:
        yield Item(f"{name} {layer}", _synthesised(until=layer))
    for smaller in network.resolutions[:-1]:
        yield Item(f"{name} {smaller} px high", _synthesised(resolution=smaller))


def _synthesised(**options: Any) -> Pictures:
    """One picture, made with these options of `Network.synthesis`."""

    def pictures(side: Side) -> Iterator[Tensor]:
        assert side.network is not None
        yield side.network.synthesis(side.network.mapping(side.network.latent(0)), **options)

    return pictures


def amount_seen(amount: Amount) -> float:
    """Some way from where nothing happens towards the further end of the range, unless the bend says another."""
    low, high = amount.range
    if amount.compared is not None:
        return amount.compared
    if not low <= amount.default <= high:
        return (low + high) / 2
    end = high if high - amount.default >= amount.default - low else low
    return amount.default + OF_ITS_RANGE * (end - amount.default)


def _drawn(way: Callable[[Side], Way], frames: int = 1) -> Pictures:
    """The pictures of a way, each of another latent."""

    def pictures(side: Side) -> Iterator[Tensor]:
        assert side.network is not None
        frame = Frame(side.network, way(side))
        for number in range(frames):
            frame.z.copy_(side.network.latent(number))
            frame.number.fill_(number)
            yield frame.picture()

    return pictures


def _plain(frames: int = 1, way: Way = PLAIN) -> Callable[[Side], Tensor]:
    """The last of the pictures with nothing, or only this, done."""

    def picture(side: Side) -> Tensor:
        if (way, frames) not in side.plain:
            *_, side.plain[way, frames] = _drawn(lambda side: way, frames)(side)
        return side.plain[way, frames]

    return picture


def _of_bends(kind: str, target: str, place: str) -> Iterator[Item]:
    """Every registered bend of one kind: by its own word, and with all its amounts; everywhere, on a share, and of
    activations also in a part of the picture."""
    for word, bend in bends(target).items():
        settings: tuple[tuple[str, Any], ...] = tuple(
            (name, setting.default(frozenset(bend.amounts))) for name, setting in bend.settings.items()
        )
        frames = FRAMES if bend.held((1, 1, 1, 1), dict(settings)) else 1
        # Noise comes before what would act on nothing.
        first = ("noise",) if bend.wants_detail and kind == "stylegan3-t" else ()
        for words in dict.fromkeys([(word,), tuple(bend.amounts)]):
            known = {name: amount for each in (*first, word) for name, amount in bends(target)[each].amounts.items()}
            amounts = tuple((each, amount_seen(known[each])) for each in (*first, *words))
            # Everywhere, on a share of the channels, and in a part of the picture.
            ways = [(False, False), (True, False), *([(False, True), (True, True)] if target == "activation" else [])]
            for share, placed in ways:
                inputs = share and target == "weight"
                line = BendLine("bend", place, words, None, None, share, inputs, settings, placed)
                shares = (("channels", 0.5), ("inputs", 0.5)) if share else ()
                way = Way(word, (replace(line, words=(*first, *words)),), (*amounts, *shares))
                plain = replace(way, lines=(replace(line, words=first),)) if first else PLAIN
                how = (", all its amounts" if len(words) > 1 else "") + (", a share" if share else "")
                how += ", masked" if placed else ""
                yield Item(
                    f"{kind} {target}s: {word}{how}",
                    _drawn(lambda side, way=way: way, frames),
                    JUMPS if target == "activation" and bend.jumps else LIMIT,
                    plain=None if bend.divided_out and not share else _plain(frames, plain),
                )


def _of_blends(network: Network) -> Iterator[Item]:
    """Every mode, by one amount and by resolution."""
    known = [side_of(network, name) for name in network.weights]
    # Between two resolutions: at one of them a rounding error would decide whether "swap" swaps.
    middle = 1.2 * math.sqrt(min(known) * max(known))
    crossing = (("crossover", middle), ("width", 2.0))
    for mode, how_blended in blend_modes().items():
        most, least = how_blended.compared
        amount = ("amount", most)
        for how, amounts in (("", (amount,)), (", crossed over", (amount, ("below", least), *crossing))):

            def way(side: Side, mode: str = mode, how: str = how, amounts: Any = amounts) -> Way:
                assert side.other is not None
                return Way(mode, (BlendLine("blend", side.other, "*", mode, bool(how)),), amounts)

            yield Item(f"{network.kind} blends: {mode}{how}", _drawn(way), plain=_plain())


def _of_latents(network: Network) -> Iterator[Item]:
    for name, picture in latents(network).items():

        def pictures(side: Side, picture: Callable[[Network], Tensor] = picture) -> Iterator[Tensor]:
            assert side.network is not None
            yield picture(side.network)

        yield Item(f"{network.kind} latents: {name}", pictures, plain=_plain())
    if network.kind == "stylegan2":
        layers = sum(name.endswith("noise_strength") for name in network.weights)
        each = tuple(6 * layer / layers for layer in range(layers))
        line = BendLine("noise", "synthesis.b*.noise_strength", ("scale",))
        way = Way("noise", (line,), (("scale", each),))
        yield Item(f"{network.kind} latents: noise strength by layer", _drawn(lambda side: way), plain=_plain())
    yield Item(f"{network.kind} latents: labels", lambda side: conditional(network.kind, side))
