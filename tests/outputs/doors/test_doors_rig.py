"""Rigs: read, written, bounded; what lies beside a patch has doors only."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from door_stage import KINDS
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors import rig as rigs
from ganzfeld.outputs.doors.rig import (
    LARGEST_RIG,
    Rig,
    RigMidi,
    RigOsc,
    RigSound,
    load_rig,
    overridden,
    parse_rig,
    read_rig,
    rig_names,
    rig_text,
    save_rig,
    with_doors,
)
from ganzfeld.outputs.doors.route import Route

CLUB = """
[doors.wall]
picture = "wall"
to = "null:DELL[0,0,1920,1080]"
behave = "slow"

[doors."link oben"]
to = "shared"
"""
GOOD = """
[doors.wall]
picture = "wall"
to = "null:DELL[0,0,1920,1080]"
behave = "slow"

[doors.td]
to = "shared:td,rate=30"
alpha = "premultiplied"

[sound]
input = "Scarlett"
channel = 2
speaker = "none"

[midi]
inputs = ["*"]
lights = true
master = { "cc 1/7" = "/master/level", "note 1/60" = "/master/wall/black" }

[osc]
listen = 9000
host = "0.0.0.0"
to = ["192.168.1.20:9000", "tablet:9001"]
send = "/face,/clock"
rate = 30
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZFELD_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr("ganzfeld.outputs.doors.registry.door_kinds", lambda: KINDS)
    return tmp_path


def read(folder, text: str) -> Rig:
    path = folder / "x.rig"
    path.write_text(text, "utf-8")
    return read_rig(path, KINDS)


def test_a_rig_says_everything(folder):
    rig = read(folder, GOOD)
    assert rig.doors["wall"] == Route(
        "null", "wall", "wall", {"target": "DELL", "region": (0, 0, 1920, 1080), "behave": "slow"}
    )
    assert rig.doors["td"] == Route("shared", "", "td", {"target": "td", "rate": 30.0, "alpha": "premultiplied"})
    assert rig.sound == RigSound(input="Scarlett", channel=2, speaker="none")
    assert rig.midi.master["note 1/60"] == "/master/wall/black"
    assert (rig.osc.listen, rig.osc.to[1], rig.osc.rate) == (9000, "tablet:9001", 30.0)


def test_what_is_written_is_read_again(folder):
    rig = read(folder, GOOD)
    path = save_rig("club", rig)
    assert path == folder / "config" / "rigs" / "club.rig"
    assert load_rig("club") == rig
    assert rig_names() == ["club"]
    save_rig("club", Rig())
    assert load_rig("club") == Rig()


_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(target=_words.map(str.strip), picture=_words, behave=_words, device=_words, hosts=st.lists(_words, max_size=3))
def test_every_text_survives_the_file(target, picture, behave, device, hosts):
    rig = Rig(
        doors={"Wand-é": Route("null", picture, "Wand-é", {"target": target, "behave": behave, "rate": 29.97})},
        sound=RigSound(input=device),
        osc=RigOsc(to=tuple(hosts)),
        midi=RigMidi(master={"cc 16/127": "/master/level"}),
    )
    import tomllib

    back = parse_rig(tomllib.loads(rig_text(rig)), KINDS)
    door = back.doors["Wand-é"]
    said = dict(door.options) if target else {**door.options, "target": ""}
    assert (door.picture, said) == (picture, dict(rig.doors["Wand-é"].options))
    assert (back.sound, back.osc, back.midi) == (rig.sound, rig.osc, rig.midi)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[door.x]", "no section [door]"),
        ("doors = 3", "is a section"),
        ("[doors.x]", "says where it leads"),
        ("[doors]\nx = 3", "says where it leads"),
        ('[doors.black]\nto = "null"', "no name of a door"),
        ('[doors."a/b"]\nto = "null"', "no name of a door"),
        ('[doors.x]\nto = "nul"', "[doors.x]"),
        ('[doors.x]\nto = "null"\nrate = "fast"', "'rate'"),
        ('[doors.x]\nto = "null"\npicture = 3', "no name of a door"),
        ("[sound]\nchannel = 0", "'channel' in [sound]"),
        ("[sound]\ngain = 1", "knows no 'gain'"),
        ("[midi]\nmaster = { x = 3 }", "'master"),
        ('[midi]\nmaster = { "cc 1/7" = "/face/psi" }', "cannot be read"),
        ("[osc]\nlisten = 70000", "'listen'"),
        ("[osc", "TOML"),
        ("x = " + "[" * 5000, "cannot be read"),
        ("# " + "x" * LARGEST_RIG, "at most"),
        ("\n".join(f'[doors.d{k}]\nto = "null"' for k in range(17)), "at most 16 doors"),
    ],
)
def test_what_makes_no_sense_is_told(folder, text, what):
    with pytest.raises(OutputError) as caught:
        read(folder, text)
    assert what in str(caught.value)
    assert len(str(caught.value)) < 600


def test_bytes_that_are_no_text(folder):
    path = folder / "x.rig"
    path.write_bytes(os.urandom(400))
    with pytest.raises(OutputError, match="cannot be read"):
        read_rig(path)


@pytest.mark.parametrize("name", ["", "../club", "a b", "x" * 61, "a/b"])
def test_names_are_plain(name):
    with pytest.raises(OutputError, match="no name of a rig"):
        save_rig(name, Rig())


def test_a_rig_that_is_not_there(folder):
    save_rig("club", Rig())
    with pytest.raises(OutputError) as caught:
        load_rig("clib")
    assert "Did you mean 'club'" in str(caught.value)


def test_what_lies_beside_the_patch_replaces_doors_by_output(folder):
    rig = read(folder, GOOD)
    beside = read(folder, '[doors.strip]\npicture = "wall"\nto = "null:LED"\n')
    both = overridden(rig, beside)
    assert {name: route.options["target"] for name, route in both.doors.items()} == {"td": "td", "strip": "LED"}
    assert both.osc == rig.osc
    with pytest.raises(OutputError, match="doors only"):
        overridden(rig, read(folder, "[osc]\nlisten = 9000\n"))


def test_doors_beyond_the_most_are_refused():
    doors = with_doors({}, [Route("null")] * 16)
    assert list(doors)[:2] == ["null", "null-2"]
    with pytest.raises(OutputError, match="at most 16"):
        with_doors(doors, [Route("null")])


def test_a_patch_has_its_rig_beside_it(folder):
    patch = folder / "organ.ganz"
    assert rigs.rig_beside(patch) is None
    patch.with_suffix(".rig").touch()
    assert rigs.rig_beside(patch) == folder / "organ.rig"
