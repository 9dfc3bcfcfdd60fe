"""The words that the editor completes: from the registries and from the patch, nothing by hand."""

from __future__ import annotations

import pytest

from ganzfeld.bending.base import TARGETS
from ganzfeld.bending.base import bends as bends_of
from ganzfeld.networks.find import shipped_names
from ganzfeld.networks.network import load_network
from ganzfeld.patch.expressions import NAMES, known_functions
from ganzfeld.patch.flags import LINE_FLAGS
from ganzfeld.patch.nodes import node_types
from ganzfeld.studio.vocabulary import vocabulary
from ganzfeld.studio.words import MethodWord, NodeWord, Words

PATCH = """\
push = knob(-2, 3)
kick = wander(t)
source = noise("simplex2d", tx=-0.5)
face = network("planets", latent=source, psi=0.8)
face.bend("b16", rotate=40*push, channels=0.3)
out(face)
"""


@pytest.fixture(scope="module")
def words() -> Words:
    return vocabulary(PATCH)


def node(words: Words, name: str) -> NodeWord:
    return next(each for each in words.nodes if each.name == name)


def method(words: Words, name: str) -> MethodWord:
    return next(each for each in node(words, "network").methods if each.name == name)


def test_every_word_of_the_language_is_there_with_a_word_about_it(words):
    assert {each.name for each in words.nodes} == set(node_types())
    assert {each.name for each in words.functions} == set(known_functions())
    assert {each.name for each in words.names} == set(NAMES)
    assert all(each.doc for each in (*words.nodes, *words.functions, *words.names))
    assert all(parameter.doc for each in words.nodes for parameter in each.parameters)
    assert all(each.example for each in words.nodes)


def test_parameters_say_what_may_stand_there(words):
    psi = next(each for each in node(words, "network").parameters if each.name == "psi")
    assert (psi.kind, psi.range, psi.default) == ("value", (-1, 2), "1")
    kind = next(each for each in node(words, "noise").parameters if each.options)
    assert '"simplex2d"' in kind.options
    file = next(each for each in node(words, "network").parameters if each.name == "file")
    assert file.options == tuple(f'"{name}"' for name in shipped_names())


def test_bends_are_parameters_of_their_line(words):
    bends = {each.name: each for each in method(words, "bend").parameters}
    assert bends["rotate"].range is not None and bends["rotate"].doc
    assert {
        "target",
        "channels",
        "seed",
        *(bend.word() for kind in TARGETS for bend in bends_of(kind).values()),
    } <= bends.keys()
    assert [each.name for each in method(words, "blend").parameters if each.options] == ["other", *LINE_FLAGS]


def test_every_liked_bend_of_layers_is_a_line_that_plays(words):
    assert {each.name for each in words.bends} == {
        amount for bend in bends_of("activation").values() for amount in bend.taste
    }
    lines = "".join(f'face.bend("b16", {each.arguments})\n' for each in words.bends)
    assert vocabulary(PATCH.replace("out(", f"{lines}out(")).problem == ""
    assert all(each.doc for each in words.bends)


def test_what_the_patch_has_is_known_by_address(words):
    assert words.problem == ""
    assert words.types == {"source": "noise", "face": "network", "out": "out"}
    known = {each.address: each for each in words.addresses}
    assert known["/face/psi"].reference == "face.psi"
    assert (known["/push"].kind, known["/kick"].kind) == ("knob", "signal")


def test_numbers_have_their_place_and_their_range(words):
    lines = PATCH.split("\n")
    written = {
        each.address: lines[each.line - 1][each.column - 1 : each.column - 1 + each.length] for each in words.numbers
    }
    assert written == {"/source/tx": "-0.5", "/face/psi": "0.8", "/face/b16/channels": "0.3"}
    psi = next(each for each in words.numbers if each.address == "/face/psi")
    assert (psi.low, psi.high, psi.default) == (-1, 2, 1)


def test_layers_and_weights_are_those_of_the_very_network(words):
    network = load_network("planets")
    (told,) = words.networks
    assert told.node == "face"
    assert told.layers == network.layers
    assert "synthesis.b4.const" in told.weights


def test_a_network_is_offered_those_that_it_blends_with(words):
    assert [each.blends for each in words.networks] == [("flowers",)]
    line = f'face.blend("flowers", {words.blending})'
    assert line == 'face.blend("flowers", "*", amount=0.5)'
    assert vocabulary(PATCH.replace("out(", f"{line}\nout(")).problem == ""


def test_a_text_that_is_no_patch_keeps_the_language():
    words = vocabulary("face = network(")
    assert words.problem and words.nodes and words.functions
    assert not words.addresses and not words.networks


def test_a_network_that_is_not_there_has_no_names(tmp_path):
    words = vocabulary('out(network("gone.pkl"))', tmp_path)
    assert words.problem == ""
    assert [(each.layers, each.weights) for each in words.networks] == [((), ())]
