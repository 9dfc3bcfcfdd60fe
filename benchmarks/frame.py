"""What a frame costs on a card: GPU time from a patch's numbers to RGBA8, everything captured.

    python benchmarks/frame.py [--seconds 1] [NETWORK ...]      # "stylegan2 1024", "stylegan3-t 512", …

Networks of the papers' configurations with random weights. "patch" is a whole patch as the engine plays it, from the
uniforms to bytes: a noise, mapping, truncation, one bent weight, one bent activation, synthesis with constant noise,
a flip. "taps" is what the frame costs more, in percent of it, while somebody looks at its nodes and at every layer:
its twin with the atlas is run for one frame in six at most, and as seldom as keeps it below 3 %; "one in" says how
seldom. "bent" is the network of it from a latent to
bytes, "plain" the same with nothing bent. Beside them: the readable reference run from Python and captured, the floor
(products at 798 TFLOP/s, each activation once through 3.0 TB/s; figures of one H100) and the error in the picture
against the reference in float32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ganzfeld.bending.base import bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.capture import CAPTURING
from ganzfeld.engine.program.program import Program
from ganzfeld.engine.taps.onlooker import EVERY, SELDOM, SHARE
from ganzfeld.engine.taps.twin import TappedTwin
from ganzfeld.kernels.rgba import from_signed, to_rgba8
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.node import Named
from ganzfeld.values.looking import CellView
from ganzfeld.values.time import Clock

NETWORKS = [f"stylegan2 {side}" for side in (1024, 512, 256)]
NETWORKS += [f"stylegan3-t {side}" for side in (1024, 512, 256)] + [f"stylegan3-r {side}" for side in (1024, 512)]
MUST = dict(zip(NETWORKS, (1.2, 0.8, 0.55, 5.5, 3.8, 2.8, 7.0, 5.0)))
AIM = dict(zip(NETWORKS, (0.8, 0.5, 0.35, 4.0, 2.8, 2.0, 5.0, 3.5)))
BYTES_A_SECOND, PRODUCTS_A_SECOND = 3.0e12, 798e12


def network(name: str) -> Network:
    kind, side = name.split()
    if kind == "stylegan2":
        return Network.random(StyleGAN2Config.design(int(side)), seed=1)
    return Network.random(StyleGAN3Config.design(kind, int(side)), seed=1)  # type: ignore[arg-type]


def floor(network: Network) -> float:
    """Seconds that the convolutions' products and one way through memory of every activation take at least."""
    pixels = {layer: shape[1] * shape[2] for layer, shape in network.layer_shapes.items()}
    products = moved = 0
    for layer, name in network.convolutions.items():
        weight = network.tensors[name]
        products += 2 * weight.numel() * pixels[layer]
        moved += 2 * len(weight) * pixels[layer]
    return products / PRODUCTS_A_SECOND + moved / BYTES_A_SECOND


def bent_places(network: Network) -> tuple[str, str]:
    """The weight and the layer that are bent: a middle one, and the one nearest 256²."""
    layers = list(network.convolutions)
    layer = min(layers, key=lambda name: abs(network.layer_shapes[name][1] - 256))
    return network.convolutions[layers[len(layers) // 2]], layer


class Bent:
    """A network with one weight and one activation bent, as a patch bends it."""

    def __init__(self, network: Network) -> None:
        self.bender = Bender(network)
        weight, layer = bent_places(network)
        lines = [BendLine("weight", weight, ("scale",)), BendLine("activation", layer, ("multiply",))]
        for line in lines:
            self.bender.bend(line)
        self.bender.ready()
        self.bender.prepare({line.name: 1 for line in lines})
        neutral = {name: amount.default for kind in ("weight", "activation") for bend in bends(kind).values()
                   for name, amount in bend.amounts.items()}  # fmt: skip
        neutral |= {"scale": 1.01, "multiply": 0.99, "channels": 1.0, "inputs": 1.0, "soft": 0.0}
        values = torch.tensor(list(neutral.values()), device=network.device)
        self.amounts = {line.name: Named(dict(zip(neutral, values))) for line in lines}
        self.frame = torch.zeros((), dtype=torch.int64, device=network.device)

    def picture(self, z: Tensor) -> Tensor:
        with self.bender.bent(self.amounts, self.frame, self.memory) as live:
            after = self.bender.after(self.amounts, self.frame, self.memory)
            return live.synthesis(live.mapping(z, truncation_psi=0.8), after=after)

    def memory(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, device=self.frame.device)


def rgba8(picture: Tensor) -> Tensor:
    """[1, 3, H, W] in −1..1 -> bytes [H, W, 4]."""
    return to_rgba8(from_signed(picture))


@contextmanager
def playing(model: Network) -> Iterator[Program]:
    """A whole patch, captured: `run` is a frame."""
    weight, layer = bent_places(model)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.safetensors"
        model.save(file)
        engine, clock = Engine(device="cuda"), Clock()
        engine.load(
            "source = noise('simplex2d', amplitude=0.9, tx=phase(0.1))\n"
            f"face = network({str(file)!r}, latent=source, psi=0.8 + 0.1*sin(t))\n"
            f"face.bend({weight!r}, scale=1 + 0.1*sin(t))\n"
            f"face.bend({layer!r}, multiply=1 + 0.1*sin(t))\n"
            "out(flip(face, y=True))\n"
        )
        for _ in range(10):
            engine.frame(clock.advance(1 / 60))
        show = engine._playing
        assert show is not None and not engine.problems, engine.problems
        program = show.built.program(show.evaluator.values, show.state, engine._report)
        assert program.captured
        try:
            yield program
        finally:
            engine.close()


def taps(program: Program, model: Network, took: float, seconds: float) -> tuple[float, int]:
    """What looking costs, in percent of a frame that takes so many milliseconds; and how seldom that happens."""
    views = [CellView("node", name) for name in ("source", "face", "out")]
    views += [CellView("layer", "face", layer=layer, size=96) for layer in model.layers]
    twin = TappedTwin(program, views)
    assert twin.captured

    def look() -> None:
        twin.run(program)
        twin.atlas.bytes(1)

    look()
    missing = [view.layer or view.node for view, place in zip(views, twin.atlas.places) if place.problem]
    assert not missing, missing
    more = max(0.0, milliseconds(look, seconds) / took - 1)
    every = round(min(max(EVERY, more / SHARE), SELDOM))
    return 100 * more / every, every


def bent_frame(bent: Bent, z: Tensor) -> Tensor:
    return rgba8(bent.picture(z))


def captured(work: Callable[[], object]) -> Callable[[], None]:
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        work()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    # As urgent as the engine's own, so that what may wait waits here, too.
    with torch.cuda.graph(graph, stream=torch.cuda.Stream(priority=CAPTURING)):
        work()
    return graph.replay


def milliseconds(work: Callable[[], object], seconds: float) -> float:
    """Median time on the device."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        work()
        stop.record()
        stop.synchronize()
        times.append(start.elapsed_time(stop))
    return statistics.median(times)


def measure(name: str, seconds: float) -> None:
    model = network(name).to("cuda")
    z = model.latent(0)
    start = time.perf_counter()
    frame = captured(partial(bent_frame, Bent(model), z))
    torch.cuda.synchronize()
    first = time.perf_counter() - start
    bent = milliseconds(frame, seconds)
    plain = milliseconds(captured(lambda: rgba8(model.synthesis(model.mapping(z, truncation_psi=0.8)))), seconds / 2)
    del frame
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    with playing(model) as program:
        took = milliseconds(program.run, seconds)
        looked, every = taps(program, model, took, seconds)
    used = torch.cuda.max_memory_reserved() / 1e9
    w = model.mapping(z, truncation_psi=0.8)
    found = model.synthesis(w)
    model.fast = False
    expected = model.synthesis(w)
    error = ((found - expected).norm() / expected.norm()).item()

    def reference() -> Tensor:
        return rgba8(model.synthesis(model.mapping(z, truncation_psi=0.8)))

    eager = milliseconds(reference, seconds / 2)
    whole = milliseconds(captured(reference), seconds / 2)
    least = 1e3 * floor(model)
    verdict = "aim" if took <= AIM[name] else "must" if took <= MUST[name] else "missed"
    print(
        f"{name:17} {took:8.3f} {looked:6.1f} {every:6} {bent:8.3f} {plain:8.3f} "
        f"{MUST[name]:6.2f} {AIM[name]:6.2f} {verdict:>7} {least:7.2f} {took / least:6.1f}× "
        f"{eager:8.1f} {whole:8.1f} {error:9.1e} {first:7.1f} {used:7.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=NETWORKS)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("This measures an NVIDIA card, and there is none here; benchmarks/cpu.py measures processors.")
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}, {os.cpu_count()} processors; milliseconds")
    print(
        f"{'network':17} {'patch':>8} {'taps %':>6} {'one in':>6} {'bent':>8} {'plain':>8} "
        f"{'must':>6} {'aim':>6} {'holds':>7} {'floor':>7} {'over':>7} "
        f"{'eager':>8} {'captured':>8} {'error':>9} {'ready s':>7} {'GB':>7}"
    )
    with torch.inference_mode():
        for name in arguments.networks:
            measure(name, arguments.seconds)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
