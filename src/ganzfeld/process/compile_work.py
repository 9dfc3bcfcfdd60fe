"""What is compiled before it is needed: the launches of shows, without their numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzfeld.networks.config import Config

Piece = Callable[[], object]
"""Launches kernels that are to be compiled."""


def first(text: str, file: Path | None) -> Iterator[Piece]:
    """What this patch needs for its first frame, so far as it can be told without building it; file: where it lies.
    Raises GanzfeldError for a text that is no patch."""
    from ganzfeld.networks.find import find_network
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.patch.resources import Resources

    graph = Graph(parse(text, str(file) if file else None))
    bent = any(line.method in ("bend", "show") for node in graph.nodes.values() for line in node.model.methods)
    resources = Resources(file.absolute().parent if file else None)
    for node in graph.nodes.values():
        if node.cls.plays_network:
            for name in graph.slots[node.addresses["file"]].candidates:
                path = find_network(str(name)) or resources.resolve(str(name))
                yield functools.partial(play_file, path, bent=bent)
    yield from pictures()
    if bent:
        yield from bends(vectors=(8,))


def work() -> Iterator[Piece]:
    """All there is to compile, in pieces, what is likely to be wanted first."""
    yield from bends()
    yield from pictures()
    yield from masks()
    for config in configs():
        yield functools.partial(play, config)


def bends(vectors: tuple[int, ...] = (8, 1, 4, 2)) -> Iterator[Piece]:
    """Those of activations that are kernels of ours, for every way in which `Field` reads an activation. vectors: how
    many channels it takes at a time; eight, where nothing speaks against it."""
    import torch

    from ganzfeld.kernels.triton.affine import affine
    from ganzfeld.kernels.triton.blur import gaussian_blur
    from ganzfeld.kernels.triton.feedback import feedback, remembered
    from ganzfeld.kernels.triton.neighbours import dilate, erode, sharpen, sobel
    from ganzfeld.kernels.triton.scaling import added, multiplied

    amount, frame = torch.tensor(0.5), torch.tensor(0)
    for vector in vectors:
        for groups in (13, 5, 3):  # taken 16, 8 and 4 together
            x = torch.empty(1, vector * groups, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
            yield functools.partial(affine, x, amount, amount, amount, amount)
            yield functools.partial(gaussian_blur, x, amount, 1)
            yield functools.partial(feedback, x, torch.empty(remembered(x, 1)), frame, [amount] * 6, 1.0)
            for bend in (multiplied, added, sharpen, sobel, erode, dilate):
                yield functools.partial(bend, x, amount)


def masks() -> Iterator[Piece]:
    """A picture read as a mask, and the bends that keep to one, of activations as most networks have them."""
    import torch

    from ganzfeld.kernels.triton.affine import affine
    from ganzfeld.kernels.triton.blur import gaussian_blur
    from ganzfeld.kernels.triton.feedback import feedback, remembered
    from ganzfeld.kernels.triton.masks import luminous, masked
    from ganzfeld.kernels.triton.neighbours import dilate, erode, sharpen, sobel
    from ganzfeld.kernels.triton.scaling import added, multiplied

    amount, frame, mask = torch.tensor(0.5), torch.tensor(0), torch.empty(4, 4, dtype=torch.float16)
    yield functools.partial(luminous, torch.empty(1, 4, 4, 4))
    for groups in (13, 5, 3):
        x = torch.empty(1, 8 * groups, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
        yield functools.partial(affine, x, amount, amount, amount, amount, mask)
        yield functools.partial(gaussian_blur, x, amount, 1)
        yield functools.partial(feedback, x, torch.empty(remembered(x, 1)), frame, [amount] * 6, 1.0, mask)
        for bend in (multiplied, added, sharpen, sobel, erode, dilate):
            yield functools.partial(bend, x, amount, mask)
        for channels in (None, torch.empty(8 * groups)):
            yield functools.partial(masked, x, x, mask, channels)


def pictures() -> Iterator[Piece]:
    """The two ends of a patch's pictures: of sizes that sixteen divides, and of others."""
    import torch

    from ganzfeld.kernels.triton.pictures import from_signed, to_rgba8

    for side in (16, 20):
        for channels in (3, 1, 4):
            yield functools.partial(from_signed, torch.empty(1, channels, side, side))
        for dither in (None, torch.empty((), dtype=torch.int64)):
            yield functools.partial(to_rgba8, torch.empty(1, 4, side, side), dither)


def configs() -> Iterator[Config]:
    """The networks that most people have: those that come with Ganzfeld, and the papers' own."""
    from ganzfeld.networks.files import read_config
    from ganzfeld.networks.find import locate, shipped_names
    from ganzfeld.networks.kinds import config_from_json
    from ganzfeld.networks.stylegan2.config import StyleGAN2Config
    from ganzfeld.networks.stylegan3.config import StyleGAN3Config

    for name in shipped_names():
        yield config_from_json(read_config(locate(name)))
    for resolution in (1024, 512, 256):
        yield StyleGAN2Config.design(resolution)
        yield StyleGAN2Config.design(resolution, conv_clamp=None)
        yield StyleGAN3Config.design("stylegan3-t", resolution)
        yield StyleGAN3Config.design("stylegan3-r", resolution)
    # Half the channels, as both papers have them at this size.
    yield StyleGAN2Config.design(256, channel_base=16384)
    yield StyleGAN3Config.design("stylegan3-t", 256, channel_base=16384)
    yield StyleGAN3Config.design("stylegan3-r", 256, channel_base=32768)


def play_file(path: Path, *, bent: bool) -> None:
    """The same of a network in a file."""
    from ganzfeld.networks.files import read_config
    from ganzfeld.networks.kinds import config_from_json

    play(config_from_json(read_config(path)), bent=bent)


def play(config: Config, *, bent: bool = True) -> None:
    """What a network of this shape launches, as it is and (`bent`) with each of its layers bent or looked at, without
    its numbers."""
    import torch

    from ganzfeld.kernels.side_streams import PendingTensors
    from ganzfeld.networks.generator import LayerHook, LayerPeek, SynthesisOptions
    from ganzfeld.networks.kinds import kind_of
    from ganzfeld.networks.reference.stylegan3 import designed_filter
    from ganzfeld.networks.stylegan3.config import StyleGAN3Config

    # A filter's own numbers decide what is compiled.
    layers = config.layers if isinstance(config, StyleGAN3Config) else ()
    each = {(layer.name, way): designed_filter(layer, way) for layer in layers for way in ("up", "down")}
    filters = {f"synthesis.{name}.{way}_filter": taps for (name, way), taps in each.items() if taps is not None}
    with torch.device("meta"), torch.no_grad():
        kind = kind_of(config)
        tensors = {**kind.module(config).state_dict(), **filters}
        if not kind.fits_gpu(config, tensors):
            return
        network = kind.on_gpu(config, tensors, PendingTensors())
        network.mapping(torch.empty(1, config.z_dim), None, torch.empty(()), torch.empty((), dtype=torch.int64))
        w = torch.empty(1, config.num_ws, config.w_dim)
        # A bend leaves an activation as it lies in memory, or without the padding of its channels.
        network.synthesis(w)
        if not bent:
            return
        for after in (LayerHook(lambda name, x: x), LayerHook(lambda name, x: x.clone())):
            network.synthesis(w, SynthesisOptions(after=after))
        network.synthesis(w, SynthesisOptions(peek=LayerPeek(lambda name, x: None, config.specs)))
