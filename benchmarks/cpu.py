"""Frames per second of whole networks on the CPU: the readable reference against the fast paths.

    python benchmarks/cpu.py [--threads 2] [--seconds 3] [NAME ...]

One frame is mapping, truncation and synthesis of one latent in float32. Weights are random (speed does not depend
on them) but those of the networks that ship, which are also opened. The ways take turns, and each keeps its fastest
frame, so that other work on the machine disturbs the ratios as little as possible; a whole program adds its own time
to every frame. The column bfloat16 (plain convolutions in half precision) pays only on processors that have
instructions for it.
"""

from __future__ import annotations

import argparse
import os
import time

# Threads that wait for each other sleep instead of spinning: without this, one other busy process makes two
# threads on two cores ten times as slow. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from ganzfeld.networks.config import Config
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

SMALL = {"z_dim": 32, "w_dim": 32}

NETWORKS: dict[str, Config] = {
    "stylegan2-16": StyleGAN2Config.design(16, channel_base=256, channel_max=16, **SMALL),
    "stylegan2-32": StyleGAN2Config.design(32, channel_base=512, channel_max=32, mapping_layers=4, **SMALL),
    "stylegan3-t-32": StyleGAN3Config.design("stylegan3-t", 32, channel_base=512, channel_max=24, **SMALL),
    "stylegan3-r-32": StyleGAN3Config.design("stylegan3-r", 32, channel_base=512, channel_max=24, **SMALL),
    "stylegan3-t-64": StyleGAN3Config.design(
        "stylegan3-t", 64, channel_base=512, channel_max=16, num_layers=10, **SMALL
    ),
    "stylegan2-128": StyleGAN2Config.design(128, channel_base=8192, channel_max=128),
    "stylegan2-256": StyleGAN2Config.design(
        256, channel_base=6144, channel_max=256, mapping_layers=4, z_dim=256, w_dim=256
    ),
    "stylegan3-t-128": StyleGAN3Config.design(
        "stylegan3-t", 128, channel_base=4096, channel_max=160, num_layers=8, z_dim=256, w_dim=256
    ),
}
"""The sizes of the golden networks, a usual small one, and the shapes of the networks that ship."""

PLAYED: dict[str, tuple[str, int | None]] = {
    "planets": ("planets", None),
    "planets-128": ("planets", 128),
    "flowers": ("flowers", None),
    "flowers-128": ("flowers", 128),
    "orbits": ("orbits", None),
}
"""The networks that ship, at full size and stopped at the picture of half the size (`resolution=128` in a patch)."""


def measure(network: Network, seconds: float, resolution: int | None = None) -> dict[str, float]:
    """Seconds of the fastest frame by each way."""
    z = network.latent(0)
    rough = Network(network.config, network.tensors)
    rough.precision = "bfloat16"
    plain = Network(network.config, network.tensors)
    plain.fast = False
    ways = {"reference": plain, "fast": network, "bfloat16": rough}
    best = dict.fromkeys(ways, float("inf"))

    def frame(network: Network) -> float:
        start = time.perf_counter()
        network.synthesis(network.mapping(z, truncation_psi=0.8), resolution=resolution)
        return time.perf_counter() - start

    with torch.inference_mode():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or float("inf") in best.values():
            for way, way_network in ways.items():
                # Two in a row: the first finds another way's weights in the caches.
                best[way] = min(best[way], frame(way_network), frame(way_network))
    return best


def main() -> None:
    names = [*NETWORKS, *PLAYED]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3, help="for each network")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"no network named {', '.join(sorted(unknown))}")

    print(f"{arguments.threads} threads, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print(f"{'network':16} {'reference':>18} {'fast':>18} {'ratio':>7} {'bfloat16':>18}")
    for name in arguments.names or names:
        if name in PLAYED:
            file, resolution = PLAYED[name]
            started = time.perf_counter()
            network = load_network(file)
            opened = f"  opened in {time.perf_counter() - started:.2f} s"
        else:
            network, resolution, opened = Network.random(NETWORKS[name]), None, ""
        best = measure(network, arguments.seconds, resolution)
        reference, fast, rough = (f"{1000 * s:7.1f} ms {1 / s:5.0f} fps" for s in best.values())
        ratio = best["reference"] / best["fast"]
        print(f"{name:16} {reference:>18} {fast:>18} {ratio:6.2f}x {rough:>18}{opened}", flush=True)


if __name__ == "__main__":
    main()
