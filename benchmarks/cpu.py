"""Frames per second of whole networks on the CPU: the readable reference against the fast path.

    python benchmarks/cpu.py [--threads 2] [--seconds 3] [NAME ...]

One frame is mapping, truncation and synthesis of one latent in float32. Weights are random (speed does not
depend on them). Reference and fast path take turns, and each keeps its fastest frame, so that other work on
the machine disturbs the ratio as little as possible; a whole program adds its own time to every frame.
"""

from __future__ import annotations

import argparse
import time

import torch

from ganzfeld.networks.config import Config, StyleGAN2Config, StyleGAN3Config
from ganzfeld.networks.network import Network

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


def measure(network: Network, seconds: float) -> tuple[float, float]:
    """Seconds of the fastest frame: by the reference, by the fast path."""
    z = network.latent(0)

    def frame(fast: bool) -> float:
        network.fast = fast
        start = time.perf_counter()
        network.synthesis(network.mapping(z, truncation_psi=0.8))
        return time.perf_counter() - start

    best = {True: float("inf"), False: float("inf")}
    with torch.inference_mode():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or float("inf") in best.values():
            for fast in best:
                # Two in a row: the first finds the other's weights in the caches.
                best[fast] = min(best[fast], frame(fast), frame(fast))
    return best[False], best[True]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NETWORKS)} (default: all)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3, help="for each network")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    unknown = set(arguments.names) - set(NETWORKS)
    if unknown:
        parser.error(f"no network named {', '.join(sorted(unknown))}")

    print(f"{arguments.threads} threads, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print(f"{'network':16} {'reference':>18} {'fast':>18} {'ratio':>7}")
    for name in arguments.names or NETWORKS:
        reference, fast = measure(Network.random(NETWORKS[name]), arguments.seconds)
        columns = (f"{1000 * seconds:7.1f} ms {1 / seconds:5.0f} fps" for seconds in (reference, fast))
        print(f"{name:16} {next(columns):>18} {next(columns):>18} {reference / fast:6.2f}x", flush=True)


if __name__ == "__main__":
    main()
