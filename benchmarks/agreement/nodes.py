"""Every node type of the language, in patches that use what it can do, played by the engine on two devices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import numpy as np
from bends import RANDOM
from PIL import Image
from torch import Tensor

from agreement.item import LIMIT, Item, Pictures, Side
from agreement.networks import lively
from ganzfeld.engine.player import Player
from ganzfeld.kernels.colour_map import MAPS
from ganzfeld.kernels.composite import BLENDS
from ganzfeld.kernels.layer_view import NORMALISATIONS, VIEWS
from ganzfeld.kernels.noise import NOISE_TYPES
from ganzfeld.kernels.placement import OUTSIDE
from ganzfeld.kernels.reading import PATHS
from ganzfeld.kernels.resize import FILTERS, FITS
from ganzfeld.networks.wide import FILLS
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.node import Node
from ganzfeld.patch.nodes import node_types

STEPS_EXACT = 1
"""Both sides reckon in float32, and round at the end."""
STEPS = 16
"""Where a network plays, in half precision on a card: the worst of all numbers in a picture."""
SPECTRUM_LIMIT, SPECTRUM_STEPS = 3e-2, 48
"""Decades of power: where there is next to none, a rounding error is much of it."""
FRAMES, SECONDS = 3, 0.1
"""On a card the first frame may be run from Python; the others are replays."""
NOT_HERE = {
    "camera": "wants a camera",
}
"""Node types that are not compared."""
PARTS_NOT_HERE = {
    "upscale, model": "wants the file of an upscaling network, and there is none here",
}
NETWORKS = ("network(", "sheet(")
SCRIPT = """def frame(context, inputs):
    n = context.state["n"] = context.state.get("n", 0) + 1
    return 1 - inputs.image ** n
"""
FACE = "source = noise(amplitude=0.9, tx=t)\nface = network('planets', latent=source, psi=0.8)\n"


def items(folder: Path, size: int) -> Iterator[Item]:
    """One for each use of each registered node type. Files that they read are written into the folder."""
    uses = _uses(_files(folder, size), size)
    for word, cls in sorted(node_types().items()):
        if word in NOT_HERE:
            yield Item(f"nodes: {word}", not_here=NOT_HERE[word])
            continue
        for what, lines in uses.get(word, {"": _usual(word, cls)}).items():
            shown = "shown" if "shown =" in lines else "face"
            text = lines if "out(" in lines else f"{lines}\nout({shown}, size=({size}, {size}))"
            limit, steps = LIMIT, STEPS if any(name in text for name in NETWORKS) else STEPS_EXACT
            if "spectrum=True" in text:
                limit, steps = SPECTRUM_LIMIT, SPECTRUM_STEPS
            yield Item(f"nodes: {word}{', ' if what else ''}{what}", _played(text), limit, steps)
    for part, reason in PARTS_NOT_HERE.items():
        yield Item(f"nodes: {part}", not_here=reason)


def _played(text: str) -> Pictures:
    def pictures(side: Side) -> Iterator[Tensor]:
        found: list[Tensor] = []
        route = mock.patch("ganzfeld.networks.runtime.fastest", return_value=None)
        with (
            route if side.readable else contextlib.nullcontext(),
            Player(parse(text), device=str(side.device), trusted=lambda path: True) as player,
        ):
            for _ in range(FRAMES):
                frame = player.frame(SECONDS)
                if player.problems:
                    raise player.problems[0]
                found += [image.clone() for image in frame.images.values()]
        yield from found

    return pictures


def _usual(word: str, cls: type[Node]) -> str:
    """A patch for a node type that `_uses` does not know, with nothing but its inputs."""
    sources = {"image": "face", "latent": "source"}
    given = ", ".join(f"{name}={sources[each.makes]}" for name, each in cls.declared_inputs().items())
    made = f"{word}({given})"
    return f"{FACE}shown = {made if 'image' in cls.makes else f'network(latent={made})'}"


def _files(folder: Path, size: int) -> Mapping[str, str]:
    """Two pictures with alpha, a short film, latents, a script and two networks, as the language names them."""
    across, down = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size // 2))
    smooth = np.stack([across, down, 0.5 + 0.5 * np.sin(9 * across * down), 1 - across * down], -1)
    striped = np.stack([np.sin(40 * across), np.cos(30 * down), np.sin(20 * (across + down)), across], -1) ** 2
    for name, picture in (("smooth", smooth), ("striped", striped)):
        Image.fromarray((picture * 255).astype(np.uint8)).save(folder / f"{name}.png")
    film = [Image.fromarray((np.roll(smooth[..., :3], 20 * k, 1) * 255).astype(np.uint8)) for k in range(10)]
    film[0].save(folder / "film.gif", save_all=True, append_images=film[1:], duration=50)
    np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(3, 256)))
    (folder / "script.py").write_text(SCRIPT)
    for kind, make in RANDOM.items():
        lively(make(size), 1).save(folder / f"{kind}.safetensors")
    return {path.stem: repr(str(path)) for path in folder.iterdir()}


def _each(line: str, options: Iterable[object]) -> dict[str, str]:
    """A line with each of some options in it, by their names."""
    return {str(option): line.format(repr(option)) for option in options}


def _looks(line: str, options: Iterable[str]) -> dict[str, str]:
    """Looks inside, as `_each`."""
    return {f"shown, {name}": f"{FACE}{text}" for name, text in _each(f"face.show({line})", options).items()}


def _uses(files: Mapping[str, str], size: int) -> dict[str, dict[str, str]]:
    """Patches by the word of their node and what they use of it. Without an `out`, `shown` or `face` is sent out."""
    image, other = f"image({files['smooth']})", f"image({files['striped']})"
    of_face = f"{FACE}shown = "
    # The shipped StyleGAN2s have channels that only play in float32; random pictures are brighter than white.
    large = "face = network({}, latent=seeds('0-3', speed=3), psi=0.8)\n{}\nshown = levels(face, contrast={})"
    by_latent = "shown = network('planets', psi=0.8, latent={})"
    face_at = "shown = network('planets', latent=seeds([3]), psi=0.8, {})"
    plane = "shown = network('orbits', latent=seeds([3]), psi=0.8, {})"
    return {
        "feedback": {
            **_each(f"shown = feedback({image}, zoom=1.02, rotate=2, hue=5, fade=0.02, x=0.01, mode={{}})",
                    ("mix", "over", "max", "add", "screen", "difference")),
            **_each(f"shown = feedback({image}, zoom=0.95, rotate=2, edge={{}})", OUTSIDE),
            "of a network": f"{of_face}feedback(face, zoom=1.02, rotate=2, hue=5)",
        },
        "flip": {"": f"{of_face}flip(face, x=True, y=True)"},
        "image": {"": f"out({image})"},
        "latent": {
            "a file": by_latent.format(f"latent({files['rows']}, index=t)"),
            "numbers": by_latent.format("latent([0.5, -1, 2])"),
        },
        "levels": {
            "": f"shown = levels({image}, brightness=1.2, contrast=1.3, gamma=0.8, hue=40, saturation=1.5, invert=0.3)",
            "of a network": f"{of_face}levels(face, contrast=1.2, gamma=1.2, hue=90*t)",
        },
        "mix": {
            **_each(f"shown = mix({image}, {other}, amount=0.6, mode={{}})", ("mix", "wipe", *BLENDS)),
            **_each(f"{of_face}mix(face, {other}, amount=0.4, fit={{}})", FITS),
        },
        "movie": {"": f"shown = movie({files['film']})"},
        "network": {
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
                files["stylegan2"], "face.bend('b*.conv?.weight', lerp_noise=0.1, rotate=9*sin(i+t), inputs=0.5)\n"
                f"face.bend('b{size // 4}', rotate=20, noise=0.3, channels=0.5)\n"
                f"face.bend('b{size // 2}.conv0', feedback=0.5, feedback_x=0.01, gain=1.2)", 0.1),
            "large, a StyleGAN3, bent": large.format(
                files["stylegan3-t"], "face.bend('L*[0-9].weight', scale=1 + t, inputs=0.5)\n"
                "face.bend('L7', blur=0.02, x=0.1, channels=0.5)\nface.bend('L4', feedback=0.5)", 0.5),
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
        },
        "noise": {
            **_each("shown = noise({}, tx=t, ty=0.3, rz=20, harmonics=2.5, most_harmonics=3, mono=False, exponent=1.2)",
                    NOISE_TYPES),
            **{f"{kind} as a latent": by_latent.format(f"noise({kind!r}, tx=t)") for kind in NOISE_TYPES},
        },
        "out": {
            **_each(f"out({image}, size=({size}, {size * 9 // 16}), fit={{}})", FITS),
            **_each(f"out({image}, size=({size * 3 // 4}, {size}), filter={{}})", FILTERS),
        },
        "sample": _each(by_latent.format(f"sample({image}, {{}})"), PATHS)
        | {"a network": by_latent.format("sample(network('flowers', latent=seeds('0-3', speed=2)))")},
        "script": {"": f"shown = script({files['script']}, {image})"},
        "seeds": {
            **{f"in {space}": by_latent.format(f"seeds('0-3', speed=3, space={space!r})") for space in "wz"},
            "a file": by_latent.format(f"seeds({files['rows']}, speed=3)"),
        },
        "sheet": {
            "": "shown = sheet(['planets', 'flowers', 'orbits'], latent=seeds('0-3'))",
            "maps": "shown = sheet(['planets', 'orbits'], layers=['b16', 'L3', 'image'], cell=64, map='fireice', "
            "view='one', normalise='frame')",
        },
        "transform": {
            **_each(f"shown = transform({image}, x=0.1, y=-0.2, rotate=30, zoom=0.6, edge={{}})", OUTSIDE),
            "smooth": f"shown = transform({image}, rotate=10*t, zoom=0.3, pivot_x=0.2, smooth=True)",
            "of a network": f"{of_face}transform(face, rotate=10, zoom=1.5)",
        },
        "upscale": {
            "": f"out(upscale({image}, factor=1.5))",
            "of a network": f"{of_face}upscale(face, factor=4)",
        },
    }  # fmt: skip
