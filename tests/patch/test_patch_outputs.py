"""The outputs of a patch."""

from __future__ import annotations

from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.outputs import outputs_of, with_output_size

TEXT = "a = noise()\nout(a, size=(8, 4))\nb = out(a)\nout(a, name='wall')"


def test_outputs_are_in_the_order_of_the_text() -> None:
    assert [node.name for node in outputs_of(parse(TEXT))] == ["out", "b", "wall"] == Graph(parse(TEXT)).outs


def test_one_output_has_another_size_and_the_patch_stays_as_it_is() -> None:
    patch = parse(TEXT)
    sized = with_output_size(patch, "wall", (30, 20))
    sizes = [Graph(each).nodes["wall"].structure["size"] for each in (patch, sized)]
    assert sizes == [None, (30, 20)]
    assert sized.nodes["out"] == patch.nodes["out"]
