"""Looks at trained networks honestly: pictures for the eye and numbers beside those of the renderer itself.

    python -m training.report planets --folder out/planets --to out/report --blend-with out/flowers

Writes JPEG sheets and ``<recipe>.json``. The numbers, each for generated against rendered pictures and, as the
yardstick, for two sets of rendered ones: sliced Wasserstein distance on Laplacian pyramids (Karras et al. 2018, ×1000),
precision and recall (Kynkäänniemi et al. 2019) on the pictures shrunk to 16×16, and how far each picture is from the
most similar other one of its own set, which falls when modes collapse.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzfeld.networks.network import Network
from training.recipes import RECIPES, Recipe, build, pictures
from training.sheet import contact_sheet, save_sheet
from training.train import load_average

Draw = Callable[[int], Tensor]


class Artist:
    """The average generator of a folder. On a CPU the package's own network paints, which is faster there."""

    def __init__(self, recipe: Recipe, folder: Path, device: torch.device):
        sharpened = folder / "sharpened.pt"
        state = torch.load(sharpened, weights_only=True) if sharpened.exists() else load_average(folder, device)
        if state is None:
            raise FileNotFoundError(f"no checkpoint in {folder}")
        self.recipe, self.seen, self.device = recipe, state["seen"], device
        self.resolution = recipe.config.img_resolution
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.generator: nn.Module = build(recipe, device, dtype)[0].requires_grad_(False)
        self.generator.load_state_dict(state["average"])
        self.one = torch.ones((), device=device)
        self.player: Network | None = None

    def latents(self, n: int, seed: int) -> Tensor:
        return torch.randn(n, self.generator.z_dim, generator=torch.Generator().manual_seed(seed)).to(self.device)

    @torch.no_grad()
    def paint(self, z: Tensor, psi: float = 1.0) -> Tensor:
        w = self.generator.network.mapping(z, truncation_psi=psi)
        if self.device.type == "cpu":
            if self.player is None:
                self.player = Network(self.recipe.config, self.generator.network.state_dict())
            return torch.cat([self.player.synthesis(part).clamp(-1, 1) for part in w.split(4)])
        return torch.cat([self.generator(part, self.resolution, self.one)[0] for part in w.split(32)]).clamp(-1, 1)

    def draw(self, n: int) -> Tensor:
        return self.paint(torch.randn(n, self.generator.z_dim, device=self.device))

    @torch.no_grad()
    def blended(self, other: Artist, amount: float) -> Artist:
        """Every weight that much of the way to the other network's."""
        mixed = copy.copy(self)
        mixed.generator, mixed.player = copy.deepcopy(self.generator), None
        theirs = dict(other.generator.state_dict())
        for name, tensor in mixed.generator.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], amount)
        return mixed


def collect(draw: Draw, count: int, size: int, chunk: int = 128) -> Tensor:
    """``count`` pictures shrunk to at most ``size`` pixels, in half precision on the device."""
    parts = []
    for _ in range(count // chunk):
        made = draw(chunk)
        parts.append((F.avg_pool2d(made, made.shape[-1] // size) if made.shape[-1] > size else made).half())
    return torch.cat(parts)


@torch.no_grad()
def sliced_wasserstein(first: Tensor, second: Tensor, directions: int = 512, per_picture: int = 64) -> dict[str, float]:
    """The distance at each level of the Laplacian pyramid down to 16 px, ×1000, and their mean."""
    result = {}
    while True:
        size = first.shape[-1]
        last = size <= 16
        levels = []
        for pyramid in (first, second):
            smaller = F.avg_pool2d(pyramid, 2)
            grown = F.interpolate(smaller, scale_factor=2, mode="bilinear", align_corners=False)
            levels.append(pyramid if last else pyramid - grown)
        described = [_descriptors(level, per_picture) for level in levels]
        total = 0.0
        for _ in range(directions // 64):
            axes = F.normalize(torch.randn(described[0].shape[1], 64, device=first.device), dim=0)
            sorted_pair = [(d @ axes).sort(dim=0).values for d in described]
            total += float((sorted_pair[0] - sorted_pair[1]).abs().mean())
        result[str(size)] = 1000 * total / (directions // 64)
        if last:
            break
        first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
    result["mean"] = sum(result.values()) / len(result)
    return result


def _descriptors(level: Tensor, per_picture: int) -> Tensor:
    """7×7 patches at random places, each channel normalised over all of them: ``[n · per_picture, 147]``."""
    n, _, size, _ = level.shape
    device = level.device
    corner = torch.randint(0, size - 6, (2, n, per_picture, 1, 1), device=device)
    offset = torch.arange(7, device=device)
    rows, columns = corner[0] + offset[:, None], corner[1] + offset[None, :]
    which = torch.arange(n, device=device)[:, None, None, None]
    patches = level.permute(0, 2, 3, 1)[which, rows, columns].float()
    patches = (patches - patches.mean((0, 1, 2, 3))) / patches.std((0, 1, 2, 3)).clamp(min=1e-6)
    return patches.reshape(n * per_picture, -1)


@torch.no_grad()
def nearest(query: Tensor, among: Tensor, k: int = 1, same: bool = False) -> tuple[Tensor, Tensor]:
    """Distances to and indices of the k nearest rows; ``same``: both are one set, a row is not its own neighbour."""
    distances, indices = [], []
    for start in range(0, len(query), 1024):
        part = torch.cdist(query[start : start + 1024], among)
        if same:
            part[torch.arange(len(part)), torch.arange(start, start + len(part))] = float("inf")
        near = part.topk(k, largest=False)
        distances.append(near.values)
        indices.append(near.indices)
    return torch.cat(distances), torch.cat(indices)


def coverage(made: Tensor, real: Tensor) -> tuple[float, float]:
    """Precision and recall: the share of ``made`` inside the 3-neighbour balls of ``real``, and the other way round."""

    def inside(points: Tensor, centres: Tensor) -> float:
        radius = nearest(centres, centres, 3, same=True)[0][:, -1]
        hits = [(torch.cdist(part, centres) <= radius).any(1).float().sum() for part in points.split(1024)]
        return float(torch.stack(hits).sum() / len(points))

    return inside(made, real), inside(real, made)


def measure(made: Tensor, real: Tensor, fresh: Tensor) -> dict[str, object]:
    """All numbers for ``made``, and for ``fresh`` (more rendered pictures) in its place."""
    flat = {
        name: F.adaptive_avg_pool2d(x.float(), 16).flatten(1)
        for name, x in (("made", made), ("real", real), ("fresh", fresh))
    }
    numbers: dict[str, object] = {}
    for name, x in (("made", made), ("fresh", fresh)):
        precision, recall = coverage(flat[name], flat["real"])
        own = nearest(flat[name], flat[name], same=True)[0]
        numbers["generated" if name == "made" else "rendered"] = {
            "sliced_wasserstein": sliced_wasserstein(x, real),
            "precision": precision,
            "recall": recall,
            "nearest_in_own_set": {"median": float(own.median()), "1%": float(own.flatten().quantile(0.01))},
        }
    return numbers


def neighbours_sheet(made: Tensor, real: Tensor, count: int = 8) -> Tensor:
    """A row of generated pictures, and below each the three most similar of ``real``."""
    flat = [F.adaptive_avg_pool2d(x.float(), 32).flatten(1) for x in (made[:count], real)]
    index = nearest(flat[0], flat[1], 3)[1]
    return torch.cat([made[:count], *(real[index[:, k]] for k in range(3))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8192)
    parser.add_argument("--garden", type=Path)
    parser.add_argument("--blend-with", type=Path, help="folder of flowers: also writes the way there")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    device, recipe, name, to = torch.device(arguments.device), RECIPES[arguments.recipe], arguments.recipe, arguments.to
    artist = Artist(recipe, arguments.folder, device)
    shrink = max(1, artist.resolution // 128)

    z = artist.latents(64, seed=7)
    for psi in (1.0, 0.7):
        save_sheet(F.avg_pool2d(artist.paint(z, psi), shrink), to / f"{name}-psi{psi}.jpg", quality=80)
    save_sheet(artist.paint(z[:8], 0.8), to / f"{name}-large.jpg", columns=4)

    stops = artist.latents(5, seed=11)
    walk = torch.cat([torch.stack([torch.lerp(a, b, k / 4) for k in range(4)]) for a, b in pairwise(stops)])
    save_sheet(F.avg_pool2d(artist.paint(walk, 0.8), shrink), to / f"{name}-walk.jpg", columns=8)

    if arguments.blend_with:
        other = Artist(RECIPES["flowers"], arguments.blend_with, device)
        steps = [artist.blended(other, amount).paint(z[:6], 0.8) for amount in (0, 0.25, 0.5, 0.75, 1)]
        save_sheet(F.avg_pool2d(torch.stack(steps, 1).flatten(0, 1), shrink), to / f"{name}-blend.jpg", columns=5)

    source = pictures(recipe, artist.resolution, device, arguments.garden)
    real, fresh = (collect(source.draw, arguments.count, 128) for _ in range(2))
    made = collect(artist.draw, arguments.count, 128)
    save_sheet(
        F.avg_pool2d(neighbours_sheet(made, real).float(), made.shape[-1] // min(96, made.shape[-1])),
        to / f"{name}-neighbours.jpg",
    )
    contact_sheet(real[:64].float()).save(to / f"{name}-rendered.jpg", quality=80)
    numbers = {"pictures_seen": artist.seen, "count": arguments.count} | measure(made, real, fresh)
    (to / f"{name}.json").write_text(json.dumps(numbers, indent=1))
    print(name, json.dumps(numbers), flush=True)


if __name__ == "__main__":
    main()
