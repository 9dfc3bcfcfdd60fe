"""The docs tell the truth: the reference is up to date, patches in the text can be read."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from ganzfeld import Player
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse

ROOT = Path(__file__).parents[2]


def test_the_reference_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec and spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert maker.reference() == maker.TARGET.read_text(encoding="utf-8"), "run python docs/make_reference.py"


@pytest.mark.parametrize("page", ["README.md", "docs/language.md"])
def test_patches_in_the_text_can_be_read(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "out(" in block]
    assert blocks
    for block in blocks:
        Graph(parse(block))


def test_lines_in_the_text_can_be_played() -> None:
    """The blocks of lines about `face`, on a shipped network."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if re.match(r"face\.|other ", block)]
    assert len(blocks) >= 2
    before = "push = knob(0, 1)\nkick = env(hit('/kick'))\nsource = seeds()\nface = network('planets', latent=source)\n"
    for block in blocks:
        with Player(parse(f"{before}{block}\nout(face)"), device="cpu") as player:
            next(iter(player.frames(count=1)))


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.ganz")), ids=lambda path: path.stem)
def test_examples_can_be_read(path: Path) -> None:
    Graph(parse(path.read_text(encoding="utf-8"), str(path)))


PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_in_the_text_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    paths = set(re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|cu|ts|md|toml))`", text))
    places = (ROOT, ROOT / "src" / "ganzfeld")
    assert [path for path in sorted(paths) if not any((place / path).exists() for place in places)] == []
