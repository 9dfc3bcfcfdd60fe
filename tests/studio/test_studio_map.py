"""The map of a patch: what the page is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from fake_show import PATCH
from ganzfeld.studio.map import patch_map
from ganzfeld.studio.map_words import MapInput, MapNode
from studio_client import get

ROOT = Path(__file__).parents[2]
MAPS = ROOT / "src/ganzfeld/studio/web/tests/maps.json"
TEXT = """\
push = knob(-2, 3, midi="1/74")
far = 2*push  # a signal
loud = lag(audio.level, 1)
src = seeds("1,2", speed=far)
face = network("planets", latent=src, psi=0.8 + loud, cutoff=cc(1, 3))
face.style(seeds("7"), "b32", amount=osc("/x", 0.5), name="fine")
face.bend("b8", rotate=3, mute=True, name="spin")
bright = levels(face, hue=20*sin(t), bypass=True)
out(bright >> flip(y=True))
"""


def nodes_of(text: str) -> dict[str, MapNode]:
    found = patch_map(text)
    assert found.problem == ""
    return {node.name: node for node in found.nodes}


def test_nodes_knobs_and_signals_are_on_the_map_with_what_goes_between_them() -> None:
    nodes = nodes_of(TEXT)
    assert list(nodes) == ["push", "far", "loud", "src", "face", "face/fine/latent", "bright", "out", "out/image"]
    assert nodes["face"].inputs == (
        MapInput("latent", "latent", False, "src"),
        MapInput("fine.latent", "latent", True, "face/fine/latent"),
    )
    assert [(node.type, node.named) for node in nodes.values()][-4:] == [
        ("seeds", False), ("levels", True), ("out", True), ("flip", False)
    ]  # fmt: skip
    assert patch_map(TEXT).wires == (("push", "far"), ("far", "src"), ("loud", "face"))
    assert nodes["bright"].bypass and nodes["bright"].passes and not nodes["face"].passes
    assert [(line.name, line.mute, line.at) for line in nodes["face"].lines] == [("fine", False, 6), ("spin", True, 7)]


def test_each_number_says_what_turns_it() -> None:
    nodes = nodes_of(TEXT)
    by = {
        (name, number.line, number.name): number.by
        for name, node in nodes.items()
        for number in node.numbers
        if number.text or node.type == "knob"
    }
    assert by["push", "", ""] == "midi"
    assert by["src", "", "speed"] == "knob"
    assert by["face", "", "psi"] == "sound" and by["face", "", "cutoff"] == "midi"
    assert by["face", "fine", "amount"] == "osc"
    assert by["bright", "", "hue"] == "formula" and by["face", "spin", "rotate"] == "text"
    psi, *_ = (number for number in nodes["face"].numbers if number.name == "psi")
    assert (psi.address, psi.low, psi.high, psi.value, psi.reads) == ("/face/psi", -1, 2, None, ("loud",))
    first = [number.text != "" for number in nodes["face"].numbers]
    assert first == sorted(first, reverse=True)  # what is written comes first


def test_what_is_no_patch_says_why_and_where() -> None:
    found = patch_map("a = noise()\nout(b)")
    assert (found.nodes, found.line) == ((), 2) and "no node 'b'" in found.problem


def test_the_answer_is_of_the_document_at_its_version(studio, show, monkeypatch) -> None:
    asked = []

    def known(self: object, text: str) -> bytes:
        asked.append(text)
        return msgspec.json.encode(patch_map(text.replace("rotat=", "rotate=")))

    monkeypatch.setattr("ganzfeld.studio.word_service.WordService.map", known)
    answer = json.loads(get(studio, "/api/map").body)
    whole, _ = show.document.told("", 0)
    assert asked == [PATCH] and (answer["log"], answer["version"]) == (whole.log, whole.version)
    assert [node["name"] for node in answer["nodes"]] == ["push", "source", "face", "out"]


def maps_of_examples() -> dict[str, object]:
    """The map of every example, for the tests of the page's layout."""
    files = sorted(ROOT.glob("examples/*.ganz"))
    return {file.name: msgspec.to_builtins(patch_map(file.read_text("utf-8"))) for file in files}


def test_the_page_lays_out_the_maps_of_these_examples() -> None:
    """They are in the page's tests: `python tests/studio/test_studio_map.py` writes them."""
    known = json.loads(MAPS.read_text("utf-8"))
    assert known == json.loads(json.dumps(_plain(maps_of_examples())))


def _plain(maps: dict) -> dict:
    """Without what the layout does not look at, and changes with every word of the reference."""
    for found in maps.values():
        for node in found["nodes"]:
            node["numbers"] = [
                {key: number[key] for key in ("name", "line", "address", "kind", "text", "low", "reads")}
                for number in node["numbers"]
                if number["text"] or number["kind"] == "knob"
            ]
    return maps


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in _plain(maps_of_examples()).items()]
    MAPS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
