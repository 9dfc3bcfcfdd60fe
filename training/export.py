"""Writes a trained network into the package: half precision, and a thumbnail.

python -m training.export planets --folder out/planets
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F

from ganzfeld.networks.files import save_network_file
from ganzfeld.networks.network import load_network
from training.recipes import RECIPES, build
from training.sheet import contact_sheet
from training.train import load_average

SHIPPED = Path(__file__).parents[1] / "src/ganzfeld/networks/shipped"


def export(name: str, folder: Path, target: Path) -> None:
    """The average generator of ``folder`` as ``target``; filters and frequencies, being few, stay single precision."""
    sharpened = folder / "sharpened.pt"
    cpu = torch.device("cpu")
    state = torch.load(sharpened, weights_only=True) if sharpened.exists() else load_average(folder, cpu)
    if state is None:
        raise FileNotFoundError(f"no checkpoint in {folder}")
    wrapped = build(RECIPES[name], cpu, torch.float32)[0]
    wrapped.load_state_dict(state["average"])
    network = wrapped.network
    learnt = {key for key, _ in network.named_parameters()}
    designed = dict(build(RECIPES[name], cpu, torch.float32)[0].network.named_buffers())
    weights = {}
    for key, tensor in network.state_dict().items():
        if key.endswith("_filter"):
            tensor = designed[key]  # a carried checkpoint has rounded it
        weights[key] = (tensor.half() if key in learnt or key.endswith("noise_const") else tensor).contiguous()
    save_network_file(target, RECIPES[name].config.to_json(), weights)


def thumbnail(path: Path, target: Path, seeds: tuple[int, ...]) -> None:
    """Four pictures side by side, 128 px each."""
    network = load_network(path)
    z = torch.cat([network.latent(seed) for seed in seeds])
    with torch.inference_mode():
        pictures = network.synthesis(network.mapping(z, truncation_psi=0.8))
    small = F.avg_pool2d(pictures, max(1, pictures.shape[-1] // 128))
    contact_sheet(small, columns=len(seeds)).save(target, quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs=4, default=(1, 2, 3, 4), help="of the thumbnail")
    arguments = parser.parse_args()
    target = SHIPPED / f"{arguments.recipe}.safetensors"
    export(arguments.recipe, arguments.folder, target)
    thumbnail(target, target.with_suffix(".jpg"), tuple(arguments.seeds))
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
