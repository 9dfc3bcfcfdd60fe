"""Examples of node types: how their text is read, and what patches they become."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzfeld.patch.examples import patch_text, read_example, uses, write_files
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.nodes import node_types


@pytest.mark.parametrize(
    ("text", "line", "values", "parameter", "shown"),
    [
        ("other = flip(face)", "other = flip(face)", (), "", "other"),
        ("é = levels(face, hue={-60, 1.5})", "é = levels(face, hue={})", (-60, 1.5), "hue", "é"),
        ("a = noise({'x', 'y'}, tx=t)", "a = noise({}, tx=t)", ("x", "y"), "", "a"),
        ("face.show('b8', map={'none'})", "face.show('b8', map={})", ("none",), "map", "face"),
        ("b = noise()\nout(b, size=(8, 8))", "out(b, size=(8, 8))", (), "", "out"),
    ],
)
def test_an_example_is_read(text: str, line: str, values: tuple, parameter: str, shown: str) -> None:
    example = read_example(text)
    assert (example.line, example.values, example.parameter, example.shown) == (line, values, parameter, shown)
    assert example.text() == text.replace(text[text.find("{") : text.find("}") + 1], repr(values[0]) if values else "")


@pytest.mark.parametrize("text", ["x", "1 + 1", "a = flip(b, x={1, 2}, y={3, 4})", "a = flip(b, x={1})\na = flip(a)"])
def test_what_is_no_example_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="example"):
        read_example(text)


def test_a_patch_holds_what_its_example_reads_and_nothing_else() -> None:
    types = node_types()
    flipped = parse(patch_text(types["flip"], read_example("a = flip(face)"), size=(8, 4)))
    assert list(flipped.nodes) == ["source", "face", "a", "out"]
    assert flipped.nodes["out"].arguments["size"].text == "(8, 4)"
    assert list(parse(patch_text(types["image"], read_example("a = image('picture.png')"))).nodes) == ["a", "out"]
    sent = parse(patch_text(types["out"], read_example("out(face)")))
    assert [node.type for node in sent.nodes.values()] == ["seeds", "network", "out"]


def test_a_latent_is_played_by_a_network() -> None:
    nodes = parse(patch_text(node_types()["seeds"], read_example("shown = seeds('0-3')"))).nodes
    assert nodes["played"].inputs == {"latent": "shown"}
    assert nodes["out"].inputs == {"image": "played"}


def test_choices_that_no_example_goes_through_are_uses_too(tmp_path: Path) -> None:
    found = [what for what, _ in uses(node_types()["mix"], tmp_path / "a.ganz", (8, 8))]
    assert "mode screen" in found and found.count("fit stretch") == 1
    assert len(found) == len(set(found))


def test_the_files_are_where_examples_look(tmp_path: Path) -> None:
    write_files(tmp_path, z_dim=4, side=8)
    assert {file.name for file in tmp_path.iterdir()} == {"picture.png", "film.gif", "latents.npy", "script.py"}
