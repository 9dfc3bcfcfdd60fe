"""`ganzfeld play --to`, rigs, and `ganzfeld outputs`: real shows, read through shared memory."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from far_ends.shared import one_file_module
from ganzfeld.cli import _rig as rigs
from ganzfeld.cli import main
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.rig import Rig, RigMidi, RigOsc, RigSound, RigSources, load_rig, save_rig
from ganzfeld.outputs.doors.route import parse_route
from ganzfeld.outputs.shared import FILES
from ganzfeld.patch.trust import TrustStore
from waiting import until

PATCH = 'source = noise("simplex2d", amplitude=0.5, mono=True)\nout(source, size=(32, 16), fps=60, name="wall")\n'
ring = one_file_module()


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GANZFELD_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def patch(tmp_path) -> Path:
    path = tmp_path / "organ.ganz"
    path.write_text(PATCH)
    return path


def show(patch: Path | None = None, **options) -> rigs.ShowRig:
    given = {"name": None, "save": None, "to": (), "said": Rig(), "trust": False} | options
    return rigs.show_rig(patch, **given)


def test_a_show_leaves_through_the_doors_of_its_rig(patch):
    names = [f"t{secrets.token_hex(4)}" for _ in range(2)]
    save_rig("club", Rig(doors={"one": parse_route(f"shared:{names[0]}[0,0,8,4]")}))
    words = ["play", patch, "--headless", "--port", "0", "--rig", "club", "--to", f"wall=shared:{names[1]},rate=30"]
    command = [sys.executable, "-c", "from ganzfeld.cli import main; main()", *map(str, words), "--save-rig", "both"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    readers = [ring.Reader(name) for name in names]
    try:
        cut, whole = (until(reader.latest) for reader in readers)
        assert (cut.pixels.shape, whole.pixels.shape) == ((4, 8, 4), (16, 32, 4))
        later = until(lambda: (seen := readers[1].latest()).number > whole.number and seen)
        assert (later.stamp > whole.stamp, later.t > whole.t) == (True, True)
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert f"one: the main picture to shared:{names[0]}[0,0,8,4]" in said
    assert not any(reader.is_live for reader in readers)
    both = load_rig("both")
    assert {name: route.to for name, route in both.doors.items()} == {
        "one": f"shared:{names[0]}[0,0,8,4]",
        "wall": f"shared:{names[1]}",
    }
    assert both.doors["wall"].options["rate"] == 30


def test_a_door_that_cannot_be_is_told_before_anything_plays(patch, capsys):
    for word, what in (("nowhere:2", "no door of the kind 'nowhere'"), ("shared:a,rate=x", "'rate'")):
        with pytest.raises(SystemExit):
            main(["play", str(patch), "--headless", "--to", word])
        assert what in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["play", str(patch), "--headless", "--rig", "club"])
    assert "no rig 'club'" in capsys.readouterr().err


def test_the_command_line_goes_over_the_rig():
    stage = Rig(
        sound=RigSound(input="Scarlett", channel=2),
        midi=RigMidi(inputs=("nano*",), lights=True, master={"cc 1/7": "/master/level"}),
        osc=RigOsc(listen=9000, to=("10.0.0.2:9000",), send="/face"),
    )
    save_rig("club", stage)
    said = Rig(sound=RigSound(speaker="none"), osc=RigOsc(listen=9001))
    rig = show(name="club", said=said, save="mine").rig
    assert rig.sound == RigSound(input="Scarlett", channel=2, speaker="none")
    assert (rig.midi, rig.osc.listen, rig.osc.to) == (stage.midi, 9001, ("10.0.0.2:9000",))
    assert load_rig("mine") == rig
    assert load_rig("club") == stage


def test_what_lies_beside_a_patch_opens_nothing_unasked(patch, capsys):
    beside = patch.with_suffix(".rig")
    beside.write_text('[doors.wall]\npicture = "wall"\nto = "shared:theirs"\n')
    to = ["wall=shared:mine"]
    assert show(patch).rig.doors == {}
    assert "opens no doors" in capsys.readouterr().err
    assert list(show(patch, trust=True).rig.doors) == ["wall"]
    save_rig("club", Rig(doors={"left": parse_route("wall=shared:ours"), "td": parse_route("shared:td")}))
    assert list(show(patch, name="club").rig.doors) == ["left", "td"]
    TrustStore().trust(beside)
    chosen = show(patch, name="club", to=to)
    assert {name: route.to for name, route in chosen.rig.doors.items()} == {
        "td": "shared:td",
        "wall": "shared:theirs",
        "wall-2": "shared:mine",
    }
    assert chosen.asked == {"wall-2"}


def test_what_a_hand_changes_at_a_far_end_is_kept_in_the_rig():
    save_rig("club", Rig(doors={"wall": parse_route("shared:td,rate=30")}))
    chosen = show(name="club", to=["shared:other"])
    chosen.keep("wall", {"rate": 25.0, "region": (0, 0, 4, 4)})
    chosen.keep("shared", {"rate": 1.0})
    doors = load_rig("club").doors
    assert dict(doors["wall"].options) == {"target": "td", "rate": 25.0, "region": (0, 0, 4, 4)}
    assert list(doors) == ["wall"]
    show(to=["shared:x"]).keep("shared", {"rate": 1.0})


def test_doors_of_a_rig_that_cannot_be_opened_do_not_stop_the_show(monkeypatch):
    class Doors:
        master = keep = None

        def open(self, route):
            raise OutputError("no such display", hint="Plug it in")

    class Show:
        doors = Doors()

    Show.doors.master = type("Master", (), {"controls": {}})()
    save_rig("club", Rig(doors={"wall": parse_route("shared:a")}, midi=RigMidi(master={"cc 1/7": "/master/level"})))
    (problem,) = show(name="club").open_doors(Show)
    assert str(problem) == "door 'wall': no such display. Plug it in"
    assert Show.doors.master.controls == {"/midi/cc/1/7": "/master/level"}
    with pytest.raises(OutputError):
        show(to=["shared:a"]).open_doors(Show)


def test_outputs_lists_every_kind_and_what_mends_it(capsys, monkeypatch, tmp_path):
    from ganzfeld.outputs.doors.kinds.shared import Shared
    from ganzfeld.values.status import Problem

    save_rig("club", Rig())
    monkeypatch.setattr(Shared, "found", classmethod(lambda cls: ["a far end"]))
    main_said(["outputs"])
    said = capsys.readouterr().out
    for word in ("shared", "a far end", "alpha: straight", "dtype:", "Rigs: club"):
        assert word in said
    monkeypatch.setattr(Shared, "missing", classmethod(lambda cls: Problem("nothing to share", "sudo apt install it")))
    main_said(["outputs", "--json"])
    told = json.loads(capsys.readouterr().out)
    shared = next(kind for kind in told["kinds"] if kind["kind"] == "shared")
    assert (shared["missing"], shared["mend"], shared["found"]) == ("nothing to share", "sudo apt install it", [])
    assert told["rigs"] == ["club"]
    monkeypatch.setattr(Shared, "missing", classmethod(lambda cls: None))

    def nothing(cls):
        raise OutputError("there is no desktop", hint="start one")

    monkeypatch.setattr(Shared, "found", classmethod(nothing))
    main_said(["outputs"])
    said = capsys.readouterr().out
    assert "missing: there is no desktop" in said and "do: start one" in said and "/output" in said
    main_said(["outputs", "--files", str(tmp_path / "host")])
    assert {path.name for path in (tmp_path / "host").iterdir()} == set(FILES)


def main_said(words: list[str]) -> None:
    try:
        main(words)
    except SystemExit as end:
        assert not end.code


def test_who_may_send_streams_is_said_by_the_rig_and_the_command_line_but_not_beside_a_patch(patch, tmp_path):
    save_rig("club", Rig(sources=RigSources(allow=("10.0.0.1",))))
    chosen = show(name="club", save="both", said=Rig(sources=rigs.said_of_sources(["10.0.0.2", "10.0.0.1"])))
    assert chosen.rig.sources.allow == ("10.0.0.1", "10.0.0.2")
    assert load_rig("both").sources.allow == ("10.0.0.1", "10.0.0.2")
    patch.with_suffix(".rig").write_text('[sources]\nallow = ["10.0.0.9"]\n')
    with pytest.raises(OutputError, match="doors only"):
        show(patch, trust=True)
