"""The networks that come with Ganzfeld. How they were made: `training/` in the repository; sources: CREDITS.md here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ShippedNetwork:
    """One of the shipped networks.

    Attributes:
        name: what a patch calls it.
        path: the .safetensors file; thumbnail: four pictures of it, JPEG.
        size: of the file, in bytes.
        credit: who made what it learnt from; licence: its SPDX identifier.
        description: one sentence.
    """

    name: str
    path: Path
    thumbnail: Path
    size: int
    credit: str
    licence: str
    description: str


_MAPS = (
    "learnt from renderings of maps by Oleg Pluton (Helleformer), Kexitt, Snowfall, MrSpace43, FarGetaNik and "
    "Magenta Meteorite (CC BY 4.0) and by NASA and USGS (public domain); all sources in CREDITS.md"
)

_ABOUT = {
    "planets": (
        "StyleGAN2, 256 px: planets, moons and ringed giants under one sun, with their skies.",
        f"The Ganzfeld authors, {_MAPS}",
        "CC-BY-4.0",
    ),
    "flowers": (
        "StyleGAN2, 256 px: flowers of light with three to nine petals; grown out of planets, so the two blend.",
        f"The Ganzfeld authors; fractal flames after Scott Draves' algorithm; fine-tuned from planets, {_MAPS}",
        "MIT AND CC-BY-4.0",
    ),
    "orbits": (
        "StyleGAN3-t, 128 px: planets again, whose surfaces turn and move with them.",
        f"The Ganzfeld authors, {_MAPS}",
        "CC-BY-4.0",
    ),
}


def _found(name: str) -> ShippedNetwork:
    description, credit, licence = _ABOUT[name]
    path = FOLDER / f"{name}.safetensors"
    return ShippedNetwork(name, path, path.with_suffix(".jpg"), path.stat().st_size, credit, licence, description)


SHIPPED: dict[str, ShippedNetwork] = {
    name: _found(name) for name in _ABOUT if (FOLDER / f"{name}.safetensors").is_file()
}
"""The shipped networks by name."""
