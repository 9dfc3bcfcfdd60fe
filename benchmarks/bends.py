"""What bends cost: the time of a bent frame over that of the plain one.

    python benchmarks/bends.py [--device cuda] [--size 1024] [--seconds 3] [NETWORK ...]

NETWORK is `stylegan2` (config-f) or `stylegan3-t` with random weights at --size, a shipped network, or a file. One
frame is mapping, bends, synthesis and the change to bytes, of one latent. On CUDA each way is captured in one graph
and replayed; amounts are read from the device, as in a patch, so nothing is left out because a bend happens to do
nothing. The ways take turns, so that other work on the machine disturbs their ratios as little as possible.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see cpu.py

import torch
from frame import captured
from torch import Tensor

from ganzfeld.bending.base import TARGETS, bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.kernels.rgba import from_signed, to_rgba8
from ganzfeld.networks.device import pick_device
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.node import Named

RANDOM: dict[str, Callable[[int], Network]] = {
    "stylegan2": lambda size: Network.random(StyleGAN2Config.design(size, channel_base=32768, channel_max=512)),
    "stylegan3-t": lambda size: Network.random(StyleGAN3Config.design("stylegan3-t", size)),
}
MIDDLE = 256  # pixels: the size of the layer whose activation is bent
FRAMES_BETWEEN_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Way:
    """A way to make a frame: its lines, and the amounts written in them, of one number or of one for each match.
    `most`: the target, a share of the frame. than: the name of the way that it is held against."""

    name: str
    lines: tuple[BendLine | BlendLine, ...] = ()
    amounts: tuple[tuple[str, float | tuple[float, ...]], ...] = ()
    most: float | None = None
    than: str = "plain"


def somewhere(network: Network) -> Tensor:
    """A picture as large as the network's own that says where: a soft disc, and what is transparent at one side."""
    width, height = network.size
    down = torch.linspace(-1, 1, height, device=network.device)[:, None]
    across = torch.linspace(-1, 1, width, device=network.device)[None]
    disc = (1.5 - 2 * (down.square() + across.square()).sqrt()).clamp(0, 1)
    return torch.stack([disc, disc, disc, (across + 1.5).clamp(0, 1).expand(height, width)])[None]


def ways(network: Network) -> Iterable[Way]:
    convolutions = network.config.globs.convolutions
    bender = Bender(network)
    bender.bend(BendLine("all", convolutions, ("scale",)))
    bender.ready()
    largest = max(bender.changed, key=lambda name: network.tensors[name].numel())
    sizes = {name: shape[1] for name, shape in network.layer_shapes.items()}
    layer = min(sizes, key=lambda name: (abs(sizes[name] - MIDDLE), name))
    other = Network.random(network.config, seed=1).to(network.device)

    yield Way("plain")
    for word, amount in (("scale", 1.01), ("lerp_noise", 0.1), ("rotate", 5.0)):
        given = ((word, amount), ("channels", 0.5))
        yield Way(f"one weight, {word}", (BendLine("one", largest, (word,)),), given, 0.03)
        yield Way(f"one weight, {word}, a share", (BendLine("one", largest, (word,), masked=True),), given, 0.03)
    for word, amount in (("scale", 1.01), ("lerp_noise", 0.1), ("rotate", 5.0)):
        yield Way(f"all convolutions, {word}", (BendLine("all", convolutions, (word,)),), ((word, amount),), 0.12)
    yield Way("all convolutions, gain", (BendLine("all", convolutions, ("gain",)),), (("gain", 1.1),), 0.12)
    for word, amount in (("multiply", 1.1), ("rotate", 5.0), ("blur", 0.01), ("sharpen", 1.0), ("feedback", 0.5)):
        bend, name = BendLine("activation", layer, (word,)), f"{layer} ({sizes[layer]}²), {word}"
        yield Way(name, (bend,), ((word, amount),), 0.05)
        yield Way(f"{name}, masked", (replace(bend, placed=True),), ((word, amount),), 0.03, name)
    for words, how in ((("ablate",), ""), (("multiply",), ", a share"), (("rotate", "blur"), "")):
        amounts = (*((word, 0.1) for word in words), ("channels", 0.5))
        bend = BendLine("activation", layer, words, masked=bool(how))
        name = f"{layer} ({sizes[layer]}²), {' '.join(words)}{how}"
        yield Way(name, (bend,), amounts)
        yield Way(f"{name}, masked", (replace(bend, placed=True),), amounts, 0.03, name)
    yield Way("a blend of two networks", (BlendLine("blend", other, "*"),), (("amount", 0.3),), 0.15)


class Frame:
    """One way of making a frame; when it has begun, in a graph on CUDA."""

    def __init__(self, network: Network, way: Way) -> None:
        self.way = way
        self.bender = Bender(network)
        for line in way.lines:
            self.bender.blend(line) if isinstance(line, BlendLine) else self.bender.bend(line)
        self.bender.ready()
        neutral = {name: amount.default for kind in TARGETS for bend in bends(kind).values()
                   for name, amount in bend.amounts.items()}  # fmt: skip
        numbers = {**neutral, "channels": 1.0, "inputs": 1.0, "soft": 0.0, **dict(way.amounts)}
        like: dict[str, Any] = {"dtype": torch.float32, "device": network.device}
        uniforms = {name: torch.tensor(number, **like) for name, number in numbers.items()}
        self.amounts = {line.name: Named(uniforms) for line in way.lines}
        self.bender.prepare({line.name: 3 for line in way.lines})
        placed = [line.name for line in way.lines if isinstance(line, BendLine) and line.placed]
        self.pictures = dict.fromkeys(placed, somewhere(network)) if placed else {}
        self.z = network.latent(0)
        self.number = torch.zeros((), dtype=torch.int64, device=network.device)
        self.memories: dict[str, Tensor] = {}
        self.run: Callable[[], object] = self.make

    def begin(self) -> None:
        self.make()
        if self.z.is_cuda:
            self.run = captured(self.make)

    def make(self) -> Tensor:
        return to_rgba8(from_signed(self.picture()))

    def picture(self) -> Tensor:
        with self.bender.bent(self.amounts, self.number, self.memory) as network:
            after = self.bender.after(self.amounts, self.number, self.memory, self.pictures)
            gains = self.bender.gains(self.amounts, self.number, self.memory)
            return network.synthesis(network.mapping(self.z, truncation_psi=0.8), after=after, gains=gains)

    def memory(self, name: str, shape: tuple[int, ...]) -> Tensor:
        if name not in self.memories:
            self.memories[name] = torch.zeros(shape, device=self.z.device)
        return self.memories[name]


def measure(frames: list[Frame], seconds: float) -> list[float]:
    """Seconds of a frame by each way: the fastest on a CPU, the median of the device's own times on CUDA."""
    times: list[list[float]] = [[] for _ in frames]
    end = time.perf_counter() + seconds * len(frames)
    on_device = frames[0].z.is_cuda
    while time.perf_counter() < end or not times[-1]:
        for frame, found in zip(frames, times):
            frame.run()  # the caches now hold this way's weights
            found.append(_seconds_on_device(frame) if on_device else _seconds(frame))
    return [statistics.median(found) if on_device else min(found) for found in times]


def _seconds(frame: Frame) -> float:
    start = time.perf_counter()
    frame.run()
    return time.perf_counter() - start


def _seconds_on_device(frame: Frame) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(FRAMES_BETWEEN_EVENTS):
        frame.run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3 / FRAMES_BETWEEN_EVENTS


def report(network: Network, seconds: float) -> None:
    """Print the table of one network."""
    changed = sum(tensor.numel() for tensor in network.tensors.values())
    print(f"\n{network.kind} {network.resolution} px, {changed / 1e6:.1f} M numbers, on {network.device}")
    print(f"{'':52} {'ms':>9} {'more':>8} {'at most':>8}   (more than plain; masked: than without a mask)")
    with torch.inference_mode():
        frames = [Frame(network, way) for way in ways(network)]
        for frame in frames:
            frame.begin()
        times = measure(frames, seconds)
    by_name = {frame.way.name: found for frame, found in zip(frames, times)}
    for frame, found in zip(frames, times):
        over, most = (found - by_name[frame.way.than]) / times[0], frame.way.most
        columns = f"{over:+8.1%} {most:8.0%}{'' if over <= most else '  missed'}" if most else f"{over:+8.1%}"
        print(f"{frame.way.name:52} {1e3 * found:9.3f} {columns}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="(default: both random ones; on a CPU, planets)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, help="of random networks (default: 1024, on a CPU 64)")
    parser.add_argument("--seconds", type=float, default=1, help="for each way")
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    on_cpu = device.type == "cpu"
    size = arguments.size or (64 if on_cpu else 1024)
    about = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"torch {torch.__version__}, {about}")
    for name in arguments.networks or (["planets"] if on_cpu else RANDOM):
        network = RANDOM[name](size) if name in RANDOM else load_network(name)
        report(network.to(device), arguments.seconds)


if __name__ == "__main__":
    main()
