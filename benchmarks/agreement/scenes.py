"""Scenes of networks: patches that bend, blend, look inside and draw wide, beyond what examples of node types show."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bends import RANDOM

from agreement.networks import lively
from ganzfeld.kernels.colour_map import MAPS
from ganzfeld.kernels.layer_view import NORMALISATIONS, VIEWS
from ganzfeld.networks.wide import FILLS

FACE = "source = noise(amplitude=0.9, tx=t)\nface = network('planets', latent=source, psi=0.8)\n"


def scenes(folder: Path, size: int) -> dict[str, str]:
    """Whole patches by what they are. Random networks of size × size pixels are written into the folder."""
    for kind, make in RANDOM.items():
        lively(make(size), 1).save(folder / f"{kind}.safetensors")
    return {
        what: f"{lines}\nout({'shown' if 'shown =' in lines else 'face'}, size=({size}, {size}))"
        for what, lines in _lines(size).items()
    }


def _each(line: str, options: Iterable[object]) -> dict[str, str]:
    """A line with each of some options in it, by their names."""
    return {str(option): line.format(repr(option)) for option in options}


def _looks(line: str, options: Iterable[str]) -> dict[str, str]:
    """Looks inside, as `_each`."""
    return {f"shown, {name}": f"{FACE}{text}" for name, text in _each(f"face.show({line})", options).items()}


def _lines(size: int) -> dict[str, str]:
    """Patches without their output: `shown` or `face` is sent out."""
    # The shipped StyleGAN2s have channels that only play in float32; random pictures are brighter than white.
    large = "face = network({}, latent=seeds('0-3', speed=3), psi=0.8)\n{}\nshown = levels(face, contrast={})"
    face_at = "shown = network('planets', latent=seeds([3]), psi=0.8, {})"
    plane = "shown = network('orbits', latent=seeds([3]), psi=0.8, {})"
    return {
        "plain": FACE,
        "its average": "shown = network('flowers')",
        "psi, cutoff": face_at.format("cutoff=4, noise='none'"),
        "new noise": face_at.format("noise='random', noise_strength=2"),
        "a smaller picture": face_at.format("resolution=64"),
        **{f"wide, {fill}": face_at.format(f"size=(480, 270), fill={fill!r}") for fill in FILLS},
        "a part": face_at.format("size=(100, 90)"),
        "orbits": plane.format("cutoff=5"),
        "orbits, placed": plane.format("x=0.2*t, y=0.1, rotate=40, zoom=1.5"),
        "orbits, wide": plane.format("size=(240, 135)"),
        "bent": f"{FACE}face.bend('b*.conv?.weight', lerp_noise=0.1, rotate=9*sin(i+t), channels=0.5)\n"
        "face.bend('b64', rotate=20, blur=0.02, only='0-31')\nface.bend('b32', feedback=0.7, feedback_rotate=3)\n"
        "face.bend('b16', multiply=1 + 0.2*sin(c))\nface.bend('b128', gain=1.2)",
        "large, bent": large.format(
            "'stylegan2.safetensors'", "face.bend('b*.conv?.weight', lerp_noise=0.1, rotate=9*sin(i+t), inputs=0.5)\n"
            f"face.bend('b{size // 4}', rotate=20, noise=0.3, channels=0.5)\n"
            f"face.bend('b{size // 2}.conv0', feedback=0.5, feedback_x=0.01, gain=1.2)", 0.1),
        "large, a StyleGAN3, bent": large.format(
            "'stylegan3-t.safetensors'", "face.bend('L*[0-9].weight', scale=1 + t, inputs=0.5)\n"
            "face.bend('L7', blur=0.02, x=0.1, channels=0.5)\nface.bend('L4', feedback=0.5)", 0.5),
        "masked": f"{FACE}brush = image('picture.png')\nclouds = noise('simplex2d', period=0.3, tx=t)\n"
        "face.bend('b64', rotate=20, mask=brush)\nface.bend('b64', multiply=0.2, channels=0.5, mask=clouds)\n"
        "face.bend('b32', threshold=0.4, noise=0.3, mask=brush)\nbloom = network('flowers', latent=source)\n"
        "face.bend('b128', feedback=0.5, mask=bloom)",
        "masked and wide": face_at.format("size=(480, 270)").replace("shown", "face")
        + "\nbrush = image('picture.png')\nface.bend('b64', rotate=20, mask=brush)"
        "\nface.bend('b16', multiply=3, mask=brush)",
        "orbits, masked": plane.format("rotate=40, size=(240, 135)").replace("shown", "face")
        + "\nface.bend('L4', multiply=-1, mask=image('picture.png'))",
        "bent and wide": face_at.format("size=(480, 270)").replace("shown", "face")
        + "\nface.bend('b64', rotate=20, x=0.1)\nface.bend('b32', noise=0.3)",
        "blended": f"{FACE}face.blend('flowers', '*', amount=0.8, crossover=24, below=0.1)",
        "style and move": f"{FACE}face.style(seeds([5]), 'b4 b8', amount=0.6)\n"
        "face.move('1', 'b16-b64', amount=2)\nface.move(amount=0.5*i, layers='0-2', seed=3)\n"
        "face.move('b16.1', amount=1)",
        **_looks("'b32', view={}, normalise='frame'", VIEWS),
        **_looks("'b64.conv0', view='one', normalise={}", NORMALISATIONS),
        **_looks("'b16', view='mean', map={}", MAPS),
        **{f"spectrum {name}": text for name, text in _looks("'b64', view={}, spectrum=True", VIEWS).items()},
    }  # fmt: skip
