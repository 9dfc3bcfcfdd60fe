"""What is inside the networks of a patch: layers, weights, and the lines that bend and blend them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from starlette.routing import Route

from fake_show import FakeShow
from ganzfeld.errors import GanzfeldError
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.studio.inside import InsideLine, InsideNetwork, Insides
from ganzfeld.studio.layers import insides
from ganzfeld.studio.lookups import Lookups

PATCH = """\
source = noise("simplex2d", tx=-0.5)
face = network("planets", latent=source)
# it spins
face.bend("b16", rotate=40, channels=0.3)   # slowly
face.bend("b16", multiply=0,
          only="0-2, 7")
for k in ["8", "32"]:
    face.bend(f"b{k}", noise=1)
face.bend("b*.conv?.weight", gain=2); face.bend("b4.const", scale=2)
face.bend("b5", multiply=0)
face.blend("flowers", "b32", amount=0.4)
face.blend("flowers", amount=tri(t))
face.show("b8")
skin = network("flowers", latent=source)
orb = network("orbits", latent=source)
out(face)
"""


@pytest.fixture(scope="module")
def told() -> dict[str, InsideNetwork]:
    answer = insides(PATCH)
    assert answer.problem == ""
    return {network.node: network for network in answer.networks}


def lines(network: InsideNetwork) -> dict[int, InsideLine]:
    return {line.line: line for line in network.lines}


@pytest.mark.parametrize(("node", "file"), [("face", "planets"), ("orb", "orbits")])
def test_layers_and_weights_are_those_of_the_network(told, node, file):
    network = load_network(file)
    shown = told[node]
    assert (shown.kind, shown.width, shown.height) == (network.kind, *network.size)
    shapes = {layer.name: (layer.channels, layer.height, layer.width) for layer in shown.layers}
    assert shapes == network.layer_shapes and list(shapes) == list(network.layers)
    assert {weight.name: weight.shape for weight in shown.weights} == network.weights
    assert all(network.layer_name(layer.short) == layer.name for layer in shown.layers)
    for layer in shown.layers:
        prefix = network.config.specs[layer.name].prefix
        own = [weight for weight in shown.weights if weight.layer == layer.name]
        assert layer.weights == len(own) and all(weight.name.startswith(prefix) for weight in own)


def test_a_line_says_what_it_reaches(told):
    face = told["face"]
    spin, listed, loop, gain, const, nowhere = (line for line in face.lines if line.method == "bend")
    assert (spin.name, spin.text) == ("b16", 'face.bend("b16", rotate=40, channels=0.3)')
    assert (spin.reaches, spin.layers, spin.channels, spin.alone) == ("activation", ("b16",), None, True)
    assert "rotate" in spin.bends
    assert (listed.line, listed.end_line, listed.channels) == (5, 6, (0, 1, 2, 7))
    assert listed.text == 'face.bend("b16", multiply=0, only="0-2, 7")'
    assert (loop.layers, loop.alone) == (("b8", "b32"), False)
    assert gain.reaches == "weight" and gain.weights == 13 and gain.layers == tuple(layer.name for layer in face.layers)
    assert (const.layers, const.weights, const.alone, gain.alone) == (("b4",), 1, False, False)
    assert (nowhere.reaches, nowhere.layers) == ("nothing", ())


def test_blends_say_between_what_and_how_much(told):
    one, all_ = (line for line in told["face"].lines if line.method == "blend")
    assert (one.other, one.target, one.amount, one.address) == ("flowers", "b32", 0.4, "/face/flowers/amount")
    assert one.layers == ("b32.conv0", "b32")
    assert (all_.target, all_.amount) == ("*", None) and len(all_.layers) == len(told["face"].layers)
    assert told["face"].blends == ("flowers",) and told["skin"].blends == ("planets",) and told["orb"].blends == ()
    assert [layer.name for layer in told["face"].layers if layer.inner][:2] == ["b8.conv0", "b16.conv0"]


def test_what_is_muted_is_told_with_the_rest():
    text = """\
face = network("planets")
face.bend("b16", rotate=40, mute=True)
face.bend("b16", rotate=20)
face.bend("b16", rotate=10, solo=True)
face.blend("flowers", amount=0.2)
face.show("b8", mute=True)
out(face, size=(8, 8))
"""
    (face,) = insides(text).networks
    assert [(line.name, line.muted, line.solo, line.acts) for line in face.lines] == [
        ("b16", True, False, False),
        ("b16-2", False, False, False),
        ("b16-3", False, True, True),
        ("flowers", False, False, True),
    ]
    assert face.shows == "" and face.source == ""


def test_the_layer_that_is_shown_is_known(told):
    assert told["face"].shows == "b8" and told["orb"].shows == ""


def test_sizes_are_those_of_the_picture_that_the_node_makes(tmp_path):
    config = StyleGAN2Config.design(32, channel_max=8, mapping_layers=1, const_size=(4, 8), z_dim=16, w_dim=16)
    Network.random(config).save(tmp_path / "tall.safetensors")
    (tall,) = insides('out(network("tall.safetensors", resolution=32))', tmp_path).networks
    assert (tall.width, tall.height) == (32, 64)
    assert [(each.name, each.width, each.height, each.plays) for each in tall.layers][-3:] == [
        ("b16", 16, 32, True),
        ("b32.conv0", 32, 64, False),
        ("b32", 32, 64, False),
    ]
    (wide,) = insides('out(network("planets", size=(512, 256)))').networks
    assert [(each.width, each.height) for each in wide.layers][:2] == [(8, 4), (16, 8)]


def test_a_network_that_is_not_there_is_told(tmp_path):
    (gone,) = insides('out(network("gone.pkl"))', tmp_path).networks
    assert gone.problem == "gone.pkl cannot be read" and gone.layers == ()


def test_of_a_text_that_is_no_patch_there_is_the_one_that_plays():
    broken = "face = network(\n"
    answer = insides(broken, None, 'out(network("planets"))')
    assert answer.problem.startswith("line 1: ") and answer.networks[0].file == "planets"
    assert insides(broken, None, broken).networks == () and insides(broken).networks == ()


def test_the_page_asks_for_the_insides_of_what_is_written():
    show, asked = FakeShow(), []

    def look_inside(*question: str) -> bytes:
        asked.append(question)
        if len(asked) > 1:
            raise GanzfeldError("no words")
        return msgspec.json.encode(Insides(problem="a problem"))

    routes = Lookups(show, look_inside=look_inside).routes
    answer = next(each.endpoint for each in routes if isinstance(each, Route) and each.path == "/api/layers")
    document, _ = show.document.told("", 0)
    told = msgspec.json.decode(asyncio.run(answer(None)).body, type=Insides)
    assert told == Insides((), "a problem", document.log, document.version)
    assert asked == [(document.text, "", show.now.patch_text)]
    assert asyncio.run(answer(None)).status_code == 503
