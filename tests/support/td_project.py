"""A project of the imitation of TouchDesigner, with a folder that `ganzfeld touchdesigner` would write."""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import fake_td
import ganzfeld
from ganzfeld.cli.touchdesigner import set_up_of
from ganzfeld.outputs.touchdesigner import write_folder

MODULES = ("ganzfeld_link", "ganzfeld_page", "ganzfeld_td", "ganzfeld_build", "ganzfeld_ring", "ganzfeld_cuda")
PATCH = """
push = knob(-2, 3)
kick = env(hit("/drum/kick"), 0, 0.4)
source = noise("simplex2d", amplitude=0.9*push, tx=phase(0.1))
target = flip(source, y=True)
out(target, size=(64, 48))
"""


def tree_of(text: str) -> dict[str, Any]:
    """What OSCQuery says of a patch, without values."""
    return dict(set_up_of("any", "any.ganz", text, {}).tree)


def values_of(text: str) -> dict[str, Any]:
    return dict(set_up_of("any", "any.ganz", text, {}).values)


class Stage:
    """A folder, a project, and the files of the folder as TouchDesigner has them. module: the imitation's `td`."""

    def __init__(self, folder: Path, text: str = PATCH, name: str = "basic", **options: Any) -> None:
        self.folder, self.name = folder, name
        folder.mkdir(exist_ok=True)
        self.patch = folder / f"{name}-patch.ganz"
        self.patch.write_text(text, "utf-8")
        setup = set_up_of(name, self.patch.name, text, options.pop("expressions", {}))
        (self.script,) = write_folder(folder, [setup], python=options.pop("python", sys.executable))
        self.open()

    def open(self) -> None:
        """A new project, in a TouchDesigner that has just been started."""
        forget()
        sys.modules["td"], self.project = fake_td.make()
        self.module = sys.modules["td"]

    def build(self) -> str:
        """Paste the line into the Textport; what is printed."""
        with redirect_stdout(io.StringIO()) as said:
            exec(self.script.read_text("utf-8"), {})
        return said.getvalue().strip()

    @property
    def comp(self) -> Any:
        found = self.project.op(f"/project1/{self.name}")
        assert found is not None
        return found

    def file(self, name: str) -> Any:
        """A module of the folder, as the component has it."""
        if str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))
        return __import__(name)


def forget() -> None:
    """Nothing of an earlier folder is left in this Python."""
    bridges = getattr(sys.modules.get("ganzfeld_td"), "end_all", None)
    if bridges is not None:
        bridges()
    for name in (*MODULES, "td"):
        sys.modules.pop(name, None)


@contextmanager
def stages() -> Iterator[Any]:
    """Makes stages; afterwards this Python is as it was."""
    before = list(sys.path)
    try:
        yield Stage
    finally:
        forget()
        sys.path[:] = before


def free_port() -> int:
    """The first of three ports that nobody has just now: TCP, UDP, UDP."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port > 65000:
                continue
            try:
                for beside in (1, 2):
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                        other.bind(("127.0.0.1", port + beside))
            except OSError:
                continue
            return port
    raise AssertionError("no three free ports")


def environment() -> dict[str, str]:
    """What a show of these tests needs, so that it is this checkout that plays."""
    source = str(Path(ganzfeld.__file__).parents[1])
    return {"PYTHONPATH": source, "OMP_NUM_THREADS": "1", "HOME": os.environ.get("HOME", "/")}
