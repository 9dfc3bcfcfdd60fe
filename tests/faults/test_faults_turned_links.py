"""A project's folder that is a link (`current` -> `releases/2`): turned, the same names are other files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from fake_show import FakeShow
from ganzfeld.engine.engine import Engine
from ganzfeld.process.show_files import ShowFiles
from ganzfeld.values.time import Clock
from waiting import until

TEXT = "out(image('p.png'), size=(8, 8))"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right there")


@pytest.fixture
def turned(tmp_path):
    """Two releases, and a link to the first; the second has another picture."""
    for name, colour in (("one", 10), ("two", 200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.ganz").write_text(TEXT)
        Image.new("L", (8, 8), colour).save(tmp_path / name / "p.png")
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "one")

    def turn(name: str) -> None:
        (tmp_path / "next").symlink_to(tmp_path / name)
        (tmp_path / "next").replace(link)

    return link, turn


def test_the_same_text_in_another_folder_is_another_patch(turned):
    link, turn = turned
    engine, clock = Engine(device="cpu"), Clock()
    try:
        engine.load(TEXT, link / "a.ganz")
        seen = [next(iter(engine.frame(clock.advance(0.02)).values())).float().mean()]
        for name in ("two", "one"):
            turn(name)
            engine.swap(TEXT, link / "a.ganz")
            seen.append(next(iter(engine.frame(clock.advance(0.02)).values())).float().mean())
        assert seen[0] == seen[2] and seen[0] < seen[1]
    finally:
        engine.close()


def test_every_file_is_looked_at_again_when_the_folder_is_another(turned):
    link, turn = turned
    heard: list[str] = []

    class Listener(FakeShow):
        def text_saved(self, text: str) -> None:
            heard.append("text")

        def file_changed(self, path: str) -> None:
            heard.append(Path(path).parent.name)

        def snapshots_read(self, bank: bytes, *, anew: bool = False) -> None: ...

    files = ShowFiles(link / "a.ganz", Listener())
    files.watch([str(link.resolve() / "p.png")])
    files.start()
    try:
        turn("two")
        until(lambda: heard == ["text", "one"])
    finally:
        files.close()
