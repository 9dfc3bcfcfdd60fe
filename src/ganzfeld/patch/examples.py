"""Examples of node types: patch text that each type carries in its own file (`Node.examples`).

The tests play them, the gallery draws them, the reference shows them, and benchmarks compare devices by them. An
example is one line, or several. What its last line names is shown; a latent is shown by a network that plays it. One
argument may have several values in braces, `hue={-60, 60}`: the example stands for one use with each of them.

An example may read these without saying what they are: `source` (latents that move), `face` and `bloom` (pictures by
two networks), and the files `picture.png` (with alpha), `film.gif`, `latents.npy` ([3, z_dim]) and `script.py`, which
`write_files` makes in the patch's folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import PatchError, reason_of
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch, Term
from ganzfeld.patch.node import Choice, Node

GIVEN = {
    "source": "source = seeds([8, 3], speed=0.6)",
    "face": 'face = network("planets", latent=source, psi=0.8, resolution=128)',
    "bloom": 'bloom = network("flowers", latent=seeds([4], speed=0), psi=0.8, resolution=128)',
}
"""What examples may read, each in the words of the language. A later one may read an earlier one."""
SCRIPT = """def frame(context, inputs):
    n = context.state["n"] = context.state.get("n", 0) + 1
    return 1 - inputs.image ** n
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One example, read.

    before: the lines above the last one. line: the last one, with "{}" where several values are. values: those, or ()
    if there is one use only. parameter: what has the values. shown: the name of the node that is shown.
    """

    before: str
    line: str
    values: tuple[Any, ...]
    parameter: str
    shown: str

    @property
    def uses(self) -> tuple[Any, ...]:
        """The values, or one that stands for the only use."""
        return self.values or (None,)

    def text(self, value: Any = None) -> str:
        """The lines with this value (else the first) in the place of the braces."""
        last = self.line.format(repr(self.values[0] if value is None else value)) if self.values else self.line
        return f"{self.before}{last}"


def examples_of(cls: type[Node]) -> list[Example]:
    """A type's examples, read. Raises ValueError if one is none."""
    return [read_example(text) for text in cls.examples]


def read_example(text: str) -> Example:
    """An example of patch text, read. Raises ValueError if it is none."""
    before, _, line = text.rpartition("\n")
    match ast.parse(line).body:
        case [ast.Assign(targets=[ast.Name(id=shown)])]:
            pass
        case [ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=shown))))]:
            pass
        case [ast.Expr(value=ast.Call(func=ast.Name(id=shown)))]:
            pass
        case _:
            raise ValueError(f"An example ends with a line that names or calls a node, not {line!r}")
    several = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Set)]
    if len(several) > 1 or "{" in before:
        raise ValueError(f"Only one argument of an example has several values: {text!r}")
    before = f"{before}\n" if before else ""
    if not several:
        return Example(before, line, (), "", shown)
    values, parameter = several[0], ""
    for node in ast.walk(ast.parse(line)):
        if isinstance(node, ast.keyword) and ast.dump(node.value) == ast.dump(values):
            parameter = node.arg or ""
    start, end = values.col_offset, values.end_col_offset or 0
    written = line.encode()
    line = (written[:start] + b"{}" + written[end:]).decode()
    return Example(before, line, tuple(map(ast.literal_eval, values.elts)), parameter, shown)


def patch_text(cls: type[Node], example: Example, value: Any = None, size: tuple[int, int] | None = None) -> str:
    """A whole patch that plays an example with one of its values.

    size: (width, height) of the output, if the example has none of its own.
    """
    text = example.text(value)
    read = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    given = []
    for name, line in reversed(GIVEN.items()):
        if name in read and f"{name} = " not in text:
            given.insert(0, line)
            read |= {node.id for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}
    lines = [*given, text]
    if not cls.is_output:
        shown = example.shown
        if "image" not in _makes(text, shown, cls):
            lines.append(f'played = network("planets", latent={shown}, psi=0.8, resolution=128)')
            shown = "played"
        lines.append(f"out({shown})" if size is None else f"out({shown}, size={size})")
    return "\n".join(lines) + "\n"


def _makes(text: str, shown: str, cls: type[Node]) -> tuple[str, ...]:
    """What the node that an example shows can be asked for. It need not be of the type that has the example."""
    from ganzfeld.patch.nodes import node_types

    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=word))) if name == shown:
                return node_types()[word].makes
    return ("image",) if shown in GIVEN else cls.makes


def uses(cls: type[Node], file: Path, size: tuple[int, int]) -> Iterator[tuple[str, Patch]]:
    """Every use of a type as a patch, with what is particular about it: each example with each of its values, and the
    first example with each option of each choice that no example goes through.

    file: the patch's own file, beside which the files are that examples name. size: as `patch_text`.
    """
    examples = examples_of(cls)
    for number, example in enumerate(examples, start=1):
        for value in example.uses:
            what = f"{example.parameter} {value}".strip() if example.values else f"example {number}"
            yield what, parse(patch_text(cls, example, value, size), str(file))
    gone_through = {example.parameter for example in examples if example.values}
    first = parse(patch_text(cls, examples[0], size=size), str(file))
    node = next((node for node in first.nodes.values() if node.type == cls.word), None)
    if node is None:
        return
    for name, declared in cls.declared.items():
        if not isinstance(declared, Choice) or declared.options is None or name in gone_through:
            continue
        for option in declared.options:
            changed = msgspec.structs.replace(node, arguments={**node.arguments, name: Term(text=repr(option))})
            yield f"{name} {option}", msgspec.structs.replace(first, nodes={**first.nodes, node.name: changed})


def write_files(folder: Path, z_dim: int = 256, side: int = 64) -> None:
    """Make the files that examples name, pictures of side × side / 2 pixels, in this folder. Raises PatchError."""
    import numpy as np
    from PIL import Image

    across, down = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side // 2))
    smooth = np.stack([across, down, 0.5 + 0.5 * np.sin(9 * across * down), 1 - across * down], -1)
    try:
        Image.fromarray((smooth * 255).astype(np.uint8)).save(folder / "picture.png")
        film = [Image.fromarray((np.roll(smooth[..., :3], 4 * k, 1) * 255).astype(np.uint8)) for k in range(10)]
        film[0].save(folder / "film.gif", save_all=True, append_images=film[1:], duration=50)
        np.save(folder / "latents.npy", np.random.default_rng(0).normal(size=(3, z_dim)))
        (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    except OSError as error:
        raise PatchError(f"The examples' files cannot be written to {folder}: {reason_of(error)}") from None
