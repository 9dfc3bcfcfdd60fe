"""Looks at trained networks honestly: pictures for the eye and numbers beside those of the renderer itself.

    python -m training.report planets --folder out/planets --to out/report --blend-with out/flowers

Writes JPEG sheets and ``<recipe>.json`` with the numbers of `training.measures`, each for generated against rendered
pictures and, as the yardstick, for two sets of rendered ones. A folder may also be a network's .safetensors file.
Flames are best measured against a garden that the network has not learnt from; ``--learnt-from`` names the other one,
whose most similar forms are then shown and measured: is anything learnt by heart?
"""

from __future__ import annotations

import argparse
import copy
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzfeld.networks.network import Network, load_network
from training.flames import Garden
from training.measures import collect, forms, measure, nearest, nearest_forms
from training.recipes import RECIPES, Recipe, build, pictures
from training.sheet import save_sheet
from training.train import load_average


class Artist:
    """The average generator of a folder. On a CPU the package's own network paints, which is faster there."""

    def __init__(self, recipe: Recipe, folder: Path, device: torch.device):
        self.recipe, self.device = recipe, device
        self.resolution = recipe.config.img_resolution
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.generator: nn.Module = build(recipe, device, dtype)[0].requires_grad_(False)
        self.seen: int | None = None
        if folder.suffix == ".safetensors":
            self.generator.network.load_state_dict(load_network(folder).tensors)
        else:
            state = _newest(folder, device)
            self.generator.load_state_dict(state["average"])
            self.seen = state["seen"]
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


def _newest(folder: Path, device: torch.device) -> dict[str, Any]:
    sharpened = folder / "sharpened.pt"
    if sharpened.exists():
        return torch.load(sharpened, map_location=device, weights_only=True)
    state = load_average(folder, device)
    if state is None:
        raise FileNotFoundError(f"no checkpoint in {folder}")
    return state


def neighbours_sheet(made: Tensor, real: Tensor, count: int = 8) -> Tensor:
    """A row of generated pictures, and below each the three most similar of ``real``."""
    flat = [F.adaptive_avg_pool2d(x.float(), 32).flatten(1) for x in (made[:count], real)]
    index = nearest(flat[0], flat[1], 3)[1]
    return torch.cat([made[:count], *(real[index[:, k]] for k in range(3))])


def learnt_by_heart(made: Tensor, fresh: Tensor, garden: Garden, count: int = 8) -> tuple[dict[str, object], Tensor]:
    """How near the forms of ``made``, and of ``fresh`` (drawn from another garden), are to the nearest in ``garden``.

    Also a sheet: ``count`` made pictures, chosen evenly from the nearest to the farthest; below each that nearest form.
    """
    known = torch.cat([forms(part.float() ** 1.45) for part in garden.density.split(256)])
    numbers: dict[str, object] = {}
    for name, drawn in (("rendered", fresh), ("generated", made)):
        found = [nearest_forms(part.amax(1, keepdim=True) / 2 + 0.5, known) for part in drawn.split(256)]
        distance, which = torch.cat([d for d, _ in found]), torch.cat([i for _, i in found])
        numbers[name] = {"median": float(distance.median()), "1%": float(distance.quantile(0.01))}
    shown = distance.argsort()[torch.linspace(0, len(distance) - 1, count, device=distance.device).long()]
    size = made.shape[-1]
    theirs = F.adaptive_avg_pool2d(garden.density[which[shown]].float() ** 1.45, size).expand(-1, 3, -1, -1) * 2 - 1
    return numbers, torch.cat([made[shown].float(), theirs])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8192, help="pictures to measure with; 0: only sheets")
    parser.add_argument("--garden", type=Path, help="flames to measure against")
    parser.add_argument("--learnt-from", type=Path, help="the flames that the network learnt from")
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
    save_sheet(artist.paint(z[:24], 1.0), to / f"{name}-large.jpg", columns=6, quality=90)

    stops = artist.latents(5, seed=11)
    walk = torch.cat([torch.stack([torch.lerp(a, b, k / 4) for k in range(4)]) for a, b in pairwise(stops)])
    save_sheet(F.avg_pool2d(artist.paint(walk, 0.8), shrink), to / f"{name}-walk.jpg", columns=8)

    if arguments.blend_with:
        other = Artist(RECIPES["flowers"], arguments.blend_with, device)
        steps = [artist.blended(other, amount).paint(z[:6], 0.8) for amount in (0, 0.25, 0.5, 0.75, 1)]
        save_sheet(F.avg_pool2d(torch.stack(steps, 1).flatten(0, 1), shrink), to / f"{name}-blend.jpg", columns=5)

    if not arguments.count:
        return
    source = pictures(recipe, artist.resolution, device, arguments.garden)
    real, fresh = (collect(source.draw, arguments.count, artist.resolution) for _ in range(2))
    made = collect(artist.draw, arguments.count, artist.resolution)
    shrunk = made.shape[-1] // min(96, made.shape[-1])
    save_sheet(F.avg_pool2d(neighbours_sheet(made, real).float(), shrunk), to / f"{name}-neighbours.jpg")
    save_sheet(F.avg_pool2d(real[:64].float(), shrink), to / f"{name}-rendered.jpg", quality=80)
    numbers = {"pictures_seen": artist.seen, "count": arguments.count} | measure(made, real, fresh)
    if arguments.learnt_from:
        garden = Garden.load(arguments.learnt_from, device)
        numbers["nearest_form_learnt_from"], sheet = learnt_by_heart(made, fresh, garden)
        save_sheet(F.avg_pool2d(sheet, shrunk), to / f"{name}-forms.jpg")
    (to / f"{name}.json").write_text(json.dumps(numbers, indent=1))
    print(name, json.dumps(numbers), flush=True)


if __name__ == "__main__":
    main()
