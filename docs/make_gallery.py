"""Write docs/gallery.md and its pictures:  python docs/make_gallery.py [WORD ...]

Every operation at several strengths, as strips made by the shipped networks. With words, only strips whose name holds
one of them are drawn anew; the page is always written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzfeld import Player
from ganzfeld.bending.base import bends, blend_modes
from ganzfeld.kernels.colour_map import MAPS
from ganzfeld.kernels.layer_view import VIEWS
from ganzfeld.networks.wide import FILLS
from ganzfeld.patch.examples import GIVEN, examples_of, patch_text
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.nodes import node_types

TARGET = Path(__file__).with_name("gallery.md")
PICTURES = Path(__file__).with_name("pictures") / "gallery"
CELL = 128  # pixels
QUALITY = 70
FPS = 20

PLANET = 'face = network("planets", latent=seeds([8], speed=0), psi=0.8, resolution=128)'
ORBIT = 'face = network("orbits", latent=seeds([8], speed=0), psi=0.8)'


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of pictures: `line` with each of `values` in the place of its `{}`. name: its picture's file name.

    before: the lines above. shown: the node that is sent out. seconds: played before the picture is taken. crisp: with
    hard edges between enlarged pixels. wide: how many cells a picture takes.
    """

    name: str
    line: str
    values: tuple[Any, ...]
    before: str = PLANET
    shown: str = "face"
    seconds: float = 0.0
    crisp: bool = False
    wide: int = 1

    @property
    def code(self) -> str:
        """The line as the page shows it."""
        return self.line.format("…")

    def patch(self, value: Any) -> str:
        line = self.line.format(repr(value) if isinstance(value, str | bool) else value)
        edges = ', filter="nearest"' if self.crisp else ""
        size = f"({self.wide * CELL}, {CELL})"
        return f"{self.before}\n{line}\nout({self.shown}, size={size}, fps={FPS}{edges})\n"


MOST_IN_A_STRIP = 6
SECONDS_OF_TRAILS = 1.5
"""Played before the picture of a node or a bend that remembers."""
STANDING = "source = seeds([8], speed=0)"
"""What examples read as `source`, but that it stands still: so all pictures of a strip begin with the same one."""
LAYERS = ("b8", "b16", "b32", "b64", "b128")
MOVED = 'face = network("planets", latent=seeds([8, 3], speed=0.6), psi=0.8, resolution=128)'


def bent(*targets: str) -> Iterator[Strip]:
    """The examples of all bends of some targets."""
    for target in targets:
        for bend in bends(target).values():
            settings = {name: setting.default(frozenset()) for name, setting in bend.settings.items()}
            # What remembers frames is shown after some, of a network that moves.
            past = bool(bend.held((1, 1, 1, 1), settings))
            for example in bend.examples:
                before, seconds = (MOVED, SECONDS_OF_TRAILS) if past else (PLANET, 0)
                yield Strip(example.name, example.line, example.values, before, seconds=seconds)


def channels() -> Iterator[Strip]:
    for word, values, more in (
        ("channels", (0.1, 0.25, 0.5, 0.75, 1), ""),
        ("seed", (1, 2, 3, 4, 5), ", channels=0.3"),
        ("soft", (0, 0.25, 0.5, 0.75, 1), ", channels=0.5"),
        ("only", ("0-31", "32-63", "64-127", "128-191", "192-255"), ""),
    ):
        yield Strip(f"channels-{word}", f'face.bend("b16", rotate=90{more}, {word}={{}})', values)
    weight = 'face.bend("synthesis.b*.conv?.weight", lerp_noise=0.35'
    yield Strip("channels-outputs", f"{weight}, channels={{}})", (0.1, 0.25, 0.5, 0.75, 1))
    yield Strip("channels-inputs", f"{weight}, inputs={{}})", (0.1, 0.25, 0.5, 0.75, 1))
    yield Strip("channels-c", 'face.bend("b16", x=0.3*sin(c*{}))', (0.01, 0.03, 0.1, 0.3, 1))


def blends() -> Iterator[Strip]:
    for mode in blend_modes().values():
        for example in mode.examples:
            yield Strip(example.name, example.line, example.values)
    yield Strip("blend-crossover", 'face.blend("flowers", amount=1, crossover={})', (8, 16, 32, 64, 128))
    yield Strip("blend-below", 'face.blend("flowers", amount=0, below=1, crossover={})', (8, 16, 32, 64, 128))
    yield Strip("blend-width", 'face.blend("flowers", amount=1, crossover=24, width={})', (0, 1, 2, 4, 8))


def latents() -> Iterator[Strip]:
    yield Strip("psi", 'face = network("planets", latent=seeds([8], speed=0), psi={}, resolution=128)',
                (-0.7, 0, 0.4, 1, 1.4), before="")  # fmt: skip
    rows = ("0-1", "2-3", "4-5", "6-13", "0-3")
    yield Strip("style-layers", "face.style(seeds([3], speed=0), {})", rows)
    yield Strip("style-amount", 'face.style(seeds([3], speed=0), "0-4", amount={})', (-0.5, 0.25, 0.5, 1, 1.5))
    for direction in ("1", "2", "3"):
        yield Strip(f"move-{direction}", f'face.move("{direction}", amount={{}})', (-2, -1, 1, 2, 3))
    for word, values in {
        "x": (-0.3, -0.15, 0.15, 0.3),
        "y": (-0.3, -0.15, 0.15, 0.3),
        "rotate": (-30, -15, 15, 30),
        "zoom": (0.5, 0.75, 1.5, 2.5),
    }.items():
        line = f'face = network("orbits", latent=seeds([8], speed=0), psi=0.8, {word}={{}})'
        yield Strip(f"plane-{word}", line, values, before="")


def wide() -> Iterator[Strip]:
    fills = tuple(FILLS)
    line = 'face = network("planets", latent=seeds([8], speed=0), psi=0.8, resolution=128, size=(384, 128), fill={})'
    yield Strip("wide-fill", line, fills[:2], before="", wide=3)
    yield Strip("wide-fill-2", line, fills[2:], before="", wide=3)
    line = 'face = network("orbits", latent=seeds([{}], speed=0), psi=0.8, size=(384, 128))'
    yield Strip("wide-plane", line, (8, 5), before="", wide=3)


def looks() -> Iterator[Strip]:
    for view in VIEWS:
        line = f'face.show({{}}, view="{view}", normalise="frame")'
        yield Strip(f"view-{view}", line, LAYERS, crisp=view != "grid")
    maps = tuple(name for name in MAPS if name != "none")
    yield Strip("view-map", 'face.show("b32", view="one", normalise="frame", map={})', maps)
    yield Strip("view-gain", 'face.show("b32", view="rgb", normalise="frame", gain={})', (0.3, 0.6, 1, 1.5, 3))
    yield Strip("view-spectrum", 'face.show({}, view="mean", spectrum=True, normalise="frame")', LAYERS)


def pictures() -> Iterator[Strip]:
    """The examples that node types which change a picture carry, where they go through several values."""
    for word, cls in sorted(node_types().items()):
        reads = {declared.makes for declared in cls.declared_inputs().values()}
        if "image" not in reads or "image" not in cls.makes:
            continue
        for example in examples_of(cls):
            *before, _ = patch_text(cls, example).removesuffix(f"out({example.shown})\n").splitlines()
            for start in range(0, len(example.values), MOST_IN_A_STRIP):
                number = start // MOST_IN_A_STRIP
                if not cls.remembers:
                    before = [STANDING if line == GIVEN["source"] else line for line in before]
                name = f"{word}-{example.parameter}" + (f"-{number + 1}" if number else "")
                yield Strip(
                    name,
                    example.line,
                    example.values[start : start + MOST_IN_A_STRIP],
                    "\n".join(before),
                    example.shown,
                    seconds=SECONDS_OF_TRAILS if cls.remembers else 0,
                    crisp=True,
                )


CHAPTERS: dict[str, tuple[str, tuple[Strip, ...]]] = {
    "Weights": (
        "Bends of what was learnt, before demodulation; `gain` acts after it.",
        tuple(bent("weight", "convolution")),
    ),
    "Activations": (
        "Bends of what flows through, early (b16) and late (b64) in the network.",
        tuple(bent("activation")),
    ),
    "Channels": (
        "Which channels a bend takes: a seeded share, some of them, or each by its own amount.",
        tuple(channels()),
    ),
    "Blends": ("From one network towards another of the same build, everywhere or in some layers.", tuple(blends())),
    "Latents": (
        "Where in the network's space to be: truncation, style mixing, directions, StyleGAN3's plane.",
        tuple(latents()),
    ),
    "Wide pictures": ("Drawn by the network itself, three times as wide as it was trained to be.", tuple(wide())),
    "Looking inside": ("`show`: any layer, any way.", tuple(looks())),
    "Pictures": ("What comes after the network.", tuple(pictures())),
}


def page() -> str:
    """The text of the gallery."""
    lines = [
        "# Gallery",
        "",
        "Every operation at several strengths, on the shipped networks. A chapter begins with the plain picture.",
        "Made by `python docs/make_gallery.py`; do not edit. What the words mean is in the [reference](reference.md).",
        "",
    ]
    for title, (about, chapter) in CHAPTERS.items():
        lines += [f"## {title}", "", about, "", f"![nothing done](pictures/gallery/{plain(title)}.jpg)", ""]
        for strip in chapter:
            values = ", ".join(f"`{value}`" for value in strip.values)
            lines += [f"`{strip.code}` at {values}", "", f"![{strip.name}](pictures/gallery/{strip.name}.jpg)", ""]
    return "\n".join(lines)


def strips() -> Iterator[Strip]:
    """Every picture of the page."""
    for title, (_, chapter) in CHAPTERS.items():
        yield Strip(plain(title), "", ("",))
        yield from chapter


def plain(title: str) -> str:
    """The name of the picture that shows a chapter's network with nothing done to it."""
    return f"plain-{title.lower().replace(' ', '-')}"


def drawn(strip: Strip, player: Player) -> Any:
    """A strip's picture. `player` keeps networks open from strip to strip; what remembers gets a player of its own."""
    from PIL import Image

    width = CELL * strip.wide
    picture = Image.new("RGB", (width * len(strip.values), CELL))
    for place, value in enumerate(strip.values):
        patch = parse(strip.patch(value))
        if strip.seconds:
            with Player(patch, device="cpu") as fresh:
                cell = _shown(fresh, round(FPS * strip.seconds))
        else:
            player.engine.load(patch)
            cell = _shown(player, 1)
        picture.paste(cell, (place * width, 0))
    return picture


def _shown(player: Player, frames: int) -> Any:
    from PIL import Image

    *_, frame = player.frames(count=frames, fps=FPS)
    if player.problems:
        raise player.problems[0]
    rgba = Image.fromarray(frame.image.cpu().numpy(), "RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD")
    words = parser.parse_args().words
    PICTURES.mkdir(parents=True, exist_ok=True)
    every = list(strips())
    with Player(parse(f"{PLANET}\nout(face)"), device="cpu") as player:
        for strip in every:
            if not words or any(word in strip.name for word in words):
                drawn(strip, player).save(PICTURES / f"{strip.name}.jpg", quality=QUALITY, optimize=True)
                print(strip.name, flush=True)
    for path in set(PICTURES.glob("*.jpg")) - {PICTURES / f"{strip.name}.jpg" for strip in every}:
        path.unlink()
    TARGET.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
