"""A folder for TouchDesigner: a builder script, the files of its DATs, patches, and a text on how to use it.

TouchDesigner's side is in `files/`. Those files run in TouchDesigner's own Python (3.9 or later), which has NumPy and
no Ganzfeld, and are shipped as they are; only the scripts that are pasted know the folder.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzfeld.outputs import shared

FILES = Path(__file__).with_name("files")
SHIPPED = (
    "ganzfeld_link.py",
    "ganzfeld_page.py",
    "ganzfeld_td.py",
    "ganzfeld_build.py",
    "target_callbacks.py",
    "execute.py",
    "pulses.py",
    "in_process_callbacks.py",
)
FIRST_PORT = 9420
PORTS_APART = 10
_SCRIPT = '''r"""Paste into TouchDesigner's Textport: exec(open(r"{here}", encoding="utf-8").read())"""

import importlib
import sys

FOLDER = {folder!r}
if FOLDER not in sys.path:
    sys.path.append(FOLDER)
import ganzfeld_build

importlib.reload(ganzfeld_build)
print(ganzfeld_build.build(FOLDER, "{name}"))
'''


@dataclass(frozen=True)
class SetUp:
    """One component of TouchDesigner.

    name: its own, and of its script. patch: the patch's file; one beside the folder's other files, or an absolute path.
    tree: what OSCQuery says of the patch, without values; values: by address. input_name: what the patch calls the
    pictures that TouchDesigner sends; None: it reads none. expressions: of parameters, by address.
    """

    name: str
    patch: str
    tree: Mapping[str, Any]
    values: Mapping[str, Any]
    input_name: str | None = None
    expressions: Mapping[str, str] = field(default_factory=dict)


ANCESTORS: Mapping[str, Mapping[str, str]] = {
    "basic": {},
    "synthesis_layer": {},
    "edit_layer": {"/face/edit/scale": "math.sin(absTime.seconds)"},
    "blend_networks": {"/face/roles/amount": "math.sin(absTime.seconds*.2)*.5+.5"},
}
"""The ancestor's set-ups: name -> expressions on parameters of its patch."""


def ancestor_patch(name: str) -> str:
    """The text of a set-up's patch."""
    return (FILES / f"{name}.ganz").read_text("utf-8")


def write_folder(folder: Path, setups: Iterable[SetUp], *, python: str = sys.executable) -> list[Path]:
    """Write everything; the paths of the scripts that build, that of the first set-up (`build.py`) first. python: what
    runs Ganzfeld. What is there of this name is written over. Raises OSError."""
    folder = folder.absolute()
    (folder / "setups").mkdir(parents=True, exist_ok=True)
    shared.write_files(folder)
    for name in SHIPPED:
        shutil.copyfile(FILES / name, folder / name)
    scripts: list[Path] = []
    lines = []
    for number, setup in enumerate(setups):
        script = folder / ("build.py" if number == 0 else f"setups/{setup.name}.py")
        script.write_text(_SCRIPT.format(here=script, folder=str(folder), name=setup.name), "utf-8")
        said = {
            "component": setup.name,
            "python": python,
            "patch": setup.patch,
            "shared": f"gz-{setup.name}"[:16],
            "input": setup.input_name or "td",
            "noise": setup.input_name is not None,
            "port": FIRST_PORT + PORTS_APART * number,
            "files": [*SHIPPED, "ganzfeld_ring.py", "ganzfeld_cuda.py", setup.patch],
            "tree": setup.tree,
            "values": setup.values,
            "expressions": setup.expressions,
        }
        text = json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "setups" / f"{setup.name}.json").write_text(text, "utf-8")
        if not Path(setup.patch).is_absolute() and setup.name in ANCESTORS:
            (folder / setup.patch).write_text(ancestor_patch(setup.name), "utf-8")
        scripts.append(script)
        lines.append(f'   {setup.name}: exec(open(r"{script}", encoding="utf-8").read())')
    words = {"FOLDER": str(folder), "PYTHON": python, "SETUPS": "\n".join(lines)}
    for name in ("README.txt", "CHECKLIST.txt", "capture.py"):
        text = (FILES / name).read_text("utf-8")
        for word, stands_for in words.items():
            text = text.replace(f"@{word}@", stands_for)
        (folder / name).write_text(text.rstrip() + "\n", "utf-8")
    return scripts
