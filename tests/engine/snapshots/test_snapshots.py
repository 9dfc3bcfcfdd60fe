"""Snapshots in an engine: what a recall turns and what it leaves, at which moment, and how it survives."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.engine.snapshots.bank import Bank, Snapshot, encode_bank
from ganzfeld.engine.snapshots.file import SnapshotKeeper, decode_file, read_bank, write_bank
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.language.parser import parse
from ganzfeld.values.time import Clock

TEXT = """\
bpm(120)
push = knob(-2, 3, midi="1/74", osc="/hand")
field = noise(amplitude=0.9, offset=0.1*t, tx=push)
lower = levels(field, brightness=0.5)
target = mix(field, lower, amount=0.25, mode="add")
out(target, size=(8, 8))
"""
FPS = 16  # seconds and beats in exact binary fractions


class Stage:
    """An engine, a clock, and hands."""

    def __init__(self, text: str = TEXT, fps: int = FPS) -> None:
        self.engine = Engine(device="cpu")
        self.engine.load(text)
        self.clock = Clock(120.0)
        self.fps = fps

    def play(self, seconds: float = 0.0) -> torch.Tensor:
        """One frame at least."""
        picture = torch.empty(0)
        for _ in range(max(1, round(seconds * self.fps))):
            picture = self.engine.frame(self.clock.advance(1 / self.fps))["out"]
        assert self.engine.problems in ([], [self.engine.snapshots.problem])
        return picture

    def do(self, what: str, *arguments: Any) -> None:
        self.engine.outside.hit(f"/snapshot/{what}", *arguments)

    def save(self, text: str) -> None:
        self.engine.swap(parse(text))

    def __getitem__(self, address: str) -> Any:
        return self.engine.values[address]


@pytest.fixture
def stage() -> Stage:
    """At 0 s: "dawn" as the text is, "night" with four things turned; night's values are shown."""
    stage = Stage()
    stage.play()
    stage.do("store", "dawn")
    stage.play()
    for address, value in {
        "/push": 3.0,
        "/lower/brightness": 0.9,
        "/field/offset": -1.0,
        "/target/mode": "add",
    }.items():
        stage.engine.set(address, value)
    stage.engine.set("/target/mode", "multiply")
    stage.play()
    stage.do("store", "night")
    stage.play()
    return stage


def test_a_recall_gives_back_everything_and_what_moved_moves_again(stage: Stage) -> None:
    stage.do("recall", "dawn")
    stage.play()
    assert (stage["/push"], stage["/lower/brightness"], stage["/target/mode"]) == (0.0, 0.5, "add")
    assert stage["/field/offset"] == pytest.approx(0.1 * stage.clock.t)
    assert stage.engine.turned == {"/push": 0.0}, "what the text says holds itself"
    stage.do("recall", "night")
    stage.play()
    assert (stage["/push"], stage["/lower/brightness"], stage["/target/mode"]) == (3.0, 0.9, "multiply")
    assert stage["/field/offset"] == -1.0
    assert stage.engine.snapshots.misfits(stage.engine.graph) == {}


def test_a_fade_is_as_long_as_asked_for_at_any_frame_rate(stage: Stage) -> None:
    seen = []
    for fps in (16, 64):
        stage.do("recall", "night")
        stage.play()
        stage.fps = fps
        stage.do("recall", "dawn", 2.0)
        stage.play()
        begun = stage.clock.t
        assert stage["/push"] == 3.0
        stage.play(1.0)
        assert stage.clock.t == begun + 1
        seen.append((stage["/push"], stage["/lower/brightness"], stage["/target/mode"]))
        moving = stage["/field/offset"]
        assert moving == pytest.approx((-1.0 + 0.1 * stage.clock.t) / 2), "what moves by itself is faded in moving"
        stage.play(15 / 16)
        assert stage["/push"] > 0.0
        stage.play(1 / 16)
        assert stage["/push"] == 0.0 and stage["/field/offset"] == pytest.approx(0.1 * stage.clock.t)
    assert seen[0] == seen[1] == (1.5, pytest.approx(0.7), "add")


def test_a_quantised_recall_begins_on_the_line_itself(stage: Stage) -> None:
    stage.fps = 10  # frames do not fall on beats
    while stage.clock.beat < 5:
        stage.play()
    stage.do("recall", "dawn", 2, "beats", "bar")
    while stage.clock.beat < 7.9:
        stage.play()
        assert stage["/push"] == 3.0
    while stage.clock.beat < 9 - 1e-9:
        stage.play()
    share = (stage.clock.beat - 8) / 2
    assert stage["/push"] == pytest.approx(3 - 3 * share * share * (3 - 2 * share))
    stage.play(1)
    assert stage["/push"] == 0.0


def test_who_sends_a_recall_with_every_frame_does_not_hold_it_up(stage: Stage) -> None:
    for _ in range(FPS + 1):
        stage.do("recall", 1.0, 1.0)
        stage.play()
    assert stage["/push"] == 0.0
    for _ in range(3):
        stage.do("recall", 0.0)  # a button that is up
        stage.play()
    assert stage.engine.snapshots.current.name == "dawn"


def test_hands_and_texts_have_the_last_word(stage: Stage) -> None:
    stage.do("recall", "dawn", 1)
    stage.play(0.5)
    stage.engine.set("/push", 2.0)
    stage.save(TEXT.replace("brightness=0.5", "brightness=0.1"))
    stage.engine.release("/field/offset")
    stage.play(1)
    assert stage["/push"] == 2.0, "turned while it faded"
    assert stage["/lower/brightness"] == 0.1, "its text changed while it faded"
    assert stage["/field/offset"] == pytest.approx(0.1 * stage.clock.t), "released while it faded"
    stage.do("recall", "dawn")
    stage.play()
    assert stage["/lower/brightness"] == 0.5, "the snapshot says otherwise than the text"
    stage.save(TEXT.replace("brightness=0.5", "brightness=0.2"))
    stage.play()
    assert stage["/lower/brightness"] == 0.2
    stage.do("recall", "night")
    stage.do("release", 1)
    stage.play(0.5)
    assert stage["/lower/brightness"] != 0.2
    stage.play(1)
    assert stage.engine.turned == {}
    assert (stage["/push"], stage["/lower/brightness"], stage["/target/mode"]) == (0.0, 0.2, "add")


def test_a_control_that_moves_takes_its_knob_from_a_recall(stage: Stage) -> None:
    stage.engine.outside.set("/midi/cc/1/74", 0.5)
    stage.play()
    assert stage["/push"] == 0.5
    stage.do("recall", "night", 1)
    stage.play(0.5)
    assert stage["/push"] > 0.5, "a control that stands still takes nothing"
    stage.engine.outside.set("/midi/cc/1/74", 0.2)
    stage.play(1)
    assert stage["/push"] == -1.0
    assert stage["/lower/brightness"] == 0.9


def test_an_interrupted_fade_goes_on_from_where_it_was(stage: Stage) -> None:
    stage.do("recall", "dawn", 1)
    stage.play(0.5)
    at = stage["/push"], stage["/field/offset"]
    stage.do("recall", "night", 1)
    stage.play()
    assert stage["/push"] == pytest.approx(at[0], abs=0.3)
    assert stage["/field/offset"] == pytest.approx(at[1], abs=0.15)
    for _ in range(20):  # a nervous hand
        stage.do("recall", "dawn" if _ % 2 else "night", 1)
        stage.play(0.125)
    assert all(len(value.parts) <= 2 for value in stage.engine.turned.values() if hasattr(value, "parts"))
    stage.play(1)
    assert stage["/push"] == 0.0


def test_angles_go_the_short_way() -> None:
    stage = Stage("field = noise()\nturned = transform(field, rotate=350)\nout(turned, size=(8, 8))\n")
    stage.play()
    stage.do("store", "a")
    stage.play()
    stage.engine.set("/turned/rotate", 10)
    stage.do("recall", "a", 1)
    for _ in range(FPS + 1):
        stage.play()
        assert math.cos(math.radians(stage["/turned/rotate"])) > 0.98


def test_a_pad_mixes_and_each_snapshot_is_alone_at_its_place(stage: Stage) -> None:
    stage.engine.arrange("place", "dawn", 0, 0)
    stage.engine.arrange("place", "night", 1, 0)
    stage.do("morph", 0.5, 0.7)
    stage.play(0.5)
    assert stage["/push"] == pytest.approx(1.5)
    assert stage["/field/offset"] == pytest.approx((0.1 * stage.clock.t - 1) / 2), "half of it still moves"
    for x, push in ((0, 0.0), (1, 3.0), (0.25, 0.3)):
        stage.do("morph", x, 0)
        stage.play(0.5)
        assert stage["/push"] == pytest.approx(push)


def test_a_pad_glides(stage: Stage) -> None:
    stage.engine.arrange("place", "dawn", 0, 0)
    stage.engine.arrange("place", "night", 1, 0)
    seen = []
    for x in (1, 0):
        stage.do("morph", x, 0)
        for _ in range(6):
            stage.play()
            seen.append(stage["/push"])
    steps = [abs(b - a) for a, b in itertools.pairwise(seen)]
    assert max(steps) < 2.0 and seen[-1] == 0.0


def test_program_changes_notes_and_buttons_recall(stage: Stage) -> None:
    stage.engine.outside.hit("/midi/program/3", 0)
    stage.play()
    assert stage["/push"] == 0.0
    stage.engine.outside.hit("/midi/program/3", 9)  # there are no ten
    stage.play()
    stage.engine.arrange("bind", "night", "note 1/60")
    stage.engine.outside.hit("/midi/note/1/61", 1.0)
    stage.play()
    assert stage["/push"] == 0.0
    stage.engine.outside.hit("/midi/note/1/60", 1.0)
    stage.play()
    assert stage["/push"] == 3.0
    stage.engine.arrange("bind", "dawn", "cc 1/20")
    for value in (0.0, 1.0):
        stage.engine.outside.set("/midi/cc/1/20", value)
        stage.play()
    assert stage["/push"] == 0.0
    stage.engine.set("/push", 1.0)
    stage.play()
    assert stage["/push"] == 1.0, "a button that is held recalls once"


def test_a_snapshot_survives_edits_and_says_what_no_longer_fits(stage: Stage) -> None:
    edited = TEXT.replace("lower", "under").replace('mode="add"', 'mode="screen"').replace("knob(-2, 3", "knob(-2, 1")
    stage.save(edited)
    stage.play()
    assert stage.engine.snapshots.misfits(stage.engine.graph)["night"] == [
        address for address in stage.engine.snapshots.bank.snapshots["night"].values
        if address.startswith("/lower/")
    ]  # fmt: skip
    stage.do("recall", "night")
    stage.play()
    assert stage["/push"] == 1.0, "within its new limits"
    assert stage["/target/mode"] == "multiply"
    assert stage["/under/brightness"] == 0.5
    bank = Bank(
        snapshots={"odd": Snapshot({"/push": "much", "/target/mode": "melt", "/gone": None, "/field/tx": [1.0]})}
    )
    stage.engine.load_snapshots(encode_bank(bank))
    assert stage.engine.snapshots.misfits(stage.engine.graph) == {"odd": ["/push", "/target/mode", "/field/tx"]}
    stage.do("recall", "odd", 1)
    stage.play(2)


def test_what_a_file_of_another_program_lacks_can_be_had_back(stage: Stage) -> None:
    """A backup that was restored, say."""
    snapshots = stage.engine.snapshots
    all_of_them = snapshots.bank
    older = msgspec.structs.replace(all_of_them, snapshots={"dawn": all_of_them.snapshots["dawn"]})
    stage.engine.load_snapshots(encode_bank(older))
    assert list(snapshots.bank.snapshots) == ["dawn"] and snapshots.deleted and snapshots.deleted.name == "night"
    stage.engine.load_snapshots(encode_bank(older))  # once more: it changes nothing
    stage.engine.arrange("undelete", "night")
    assert snapshots.bank.snapshots == all_of_them.snapshots and snapshots.deleted is None
    stage.engine.load_snapshots(encode_bank(older), anew=True)
    assert snapshots.deleted is None, "they are another patch's"


def test_a_snapshot_goes_with_a_node_that_is_renamed(stage: Stage) -> None:
    stage.engine.arrange("readdress", "/lower", "/under")
    stage.save(TEXT.replace("lower", "under"))
    stage.play()
    assert stage.engine.snapshots.misfits(stage.engine.graph) == {}
    stage.do("recall", "night")
    stage.play()
    assert stage["/under/brightness"] == 0.9 and stage["/push"] == 3.0
    for nonsense in (("/low", "under"), ("/", "/under"), ("/under", 7)):
        with pytest.raises(GanzfeldError):
            stage.engine.arrange("readdress", *nonsense)


def test_nonsense_is_told_and_changes_nothing(stage: Stage) -> None:
    before = dict(stage.engine.turned), stage.engine.snapshots.bank
    for what, *arguments in (
        ("recall",), ("recall", "noon"), ("recall", 7), ("recall", "dawn", "slowly"), ("recall", None), ("morph", 1.0),
        ("morph", "a", "b"), ("morph", math.nan, 0), ("store",), ("store", ""), ("store", "a\nb"), ("store", "x" * 100),
    ):  # fmt: skip
        stage.do(what, *arguments)
        stage.play()
        assert stage.engine.snapshots.problem is not None, (what, arguments)
        assert (dict(stage.engine.turned), stage.engine.snapshots.bank) == before
    for what in (
        ["explode"],
        ["rename", "dawn", "night"],
        ["delete", "noon"],
        ["place", "dawn", "a", "b"],
        ["fade", -1],
    ):
        with pytest.raises(GanzfeldError):
            stage.engine.arrange(*what)
    with pytest.raises(GanzfeldError):
        stage.engine.load_snapshots(b"no")
    assert stage.engine.snapshots.bank == before[1]


@pytest.mark.parametrize("after", [0.0, 0.3, 0.5])
def test_a_checkpoint_in_the_midst_of_it_goes_on(stage: Stage, after: float) -> None:
    stage.do("recall", "dawn", 1, "beats", "beat")
    stage.play(after)
    other = Stage()
    other.engine.restore(stage.engine.checkpoint())
    other.clock.restore(stage.clock.checkpoint())
    for _ in range(2 * FPS):
        assert torch.equal(stage.play(), other.play())
        assert stage.engine.values == other.engine.values
    assert other["/push"] == 0.0
    assert other.engine.snapshots.bank == stage.engine.snapshots.bank


def test_a_jump_in_time_leaves_nothing_waiting(stage: Stage) -> None:
    stage.clock.seek(100)
    stage.play()
    stage.do("recall", "dawn", 1, "beats", "bar")
    stage.play()
    assert stage["/push"] == 3.0
    stage.clock.seek(1)
    stage.play(1)
    assert stage["/push"] == 0.0
    stage.do("recall", "night", 60)
    stage.play(1)
    stage.clock.seek(0)
    stage.play()
    assert stage["/push"] == 3.0


def test_values_for_each_match_stay_the_texts_own(small_network: Path) -> None:
    face = f"face = network({str(small_network)!r}, latent=noise())\n"
    stage = Stage(face + "face.bend('b*', scale=1 + 0.1*i, name='fan')\nout(face)\n")
    stage.play()
    stage.do("store", "own")
    stage.play()
    own = list(stage["/face/fan/scale"])
    assert len(own) > 1
    stage.engine.set("/face/fan/scale", 3.0)
    stage.do("recall", "own", 1)
    stage.play(0.5)
    half = stage["/face/fan/scale"]
    assert half == pytest.approx([(value + 3) / 2 for value in own], abs=0.4)
    stage.do("store", "between")
    stage.play(1)
    assert stage["/face/fan/scale"] == own
    assert stage.engine.snapshots.bank.snapshots["between"].values["/face/fan/scale"] is None


def test_while_paused_a_recall_is_there_at_once(stage: Stage) -> None:
    stage.clock.paused = True
    stage.do("recall", "dawn", 5)
    stage.play()
    assert stage["/push"] == 0.0


def test_renamed_and_deleted(stage: Stage) -> None:
    stage.do("recall", "dawn")
    stage.play()
    stage.engine.arrange("rename", "dawn", "  morning ")
    assert list(stage.engine.snapshots.bank.snapshots) == ["morning", "night"]
    assert stage.engine.snapshots.current.name == "morning"
    stage.engine.arrange("delete", "morning")
    assert stage.engine.snapshots.current.name is None
    stage.play()


def test_a_player_keeps_them_beside_the_patch(tmp_path: Path) -> None:
    patch, kept = tmp_path / "organ.ganz", tmp_path / "organ.snapshots.json"
    patch.write_text(TEXT)
    with Player(patch, device="cpu") as player:
        player.set("/push", 2)
        player.frame(0.1)
        player.store("two")
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".ganz"] == [kept.name]
    with Player(patch, device="cpu") as player:
        assert player.snapshots == ["two"]
        player.recall("two", 1.0)
        for _ in range(11):
            player.frame(0.1)
        assert player.engine.values["/push"] == pytest.approx(2, abs=0.1)
        player.morph(0.5, 0.5)
        player.frame(0.1)
        with pytest.raises(GanzfeldError, match="no snapshot 'tow'"):
            player.recall("tow")
    kept.write_text(kept.read_text()[:-20])
    before = kept.read_bytes()
    with Player(patch, device="cpu") as player:
        player.frame(0.1)
        assert kept.name in str(player.problems[0]) and player.snapshots == []
        with pytest.raises(GanzfeldError, match="cannot be read"):
            player.store("three")
    assert kept.read_bytes() == before


def test_a_keeper_never_writes_over_what_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshots.json"
    path.write_text("{")
    keeper = SnapshotKeeper(path)
    assert keeper.read() is None and keeper.problem is not None
    keeper.stored(Bank().with_values("new", {"/x": 1.0}))
    keeper.write(0.0)
    assert path.read_text() == "{"
    write_bank(path, Bank().with_values("old", {"/x": 2.0}))  # somebody mends it
    merged = keeper.read()
    assert merged is not None and sorted(merged.snapshots) == ["new", "old"] and keeper.problem is None
    keeper.write(1.0)
    assert read_bank(path).bank == merged
    assert keeper.read() is None, "its own writing is no news"
    path.unlink()
    path.mkdir()  # nothing can be written here
    keeper.stored(Bank())
    keeper.write(2.0)
    assert keeper.problem is not None
    path.rmdir()
    keeper.write(2.1)
    assert not path.exists(), "not at once again"
    keeper.write(9.0)
    assert read_bank(path).bank == Bank() and keeper.problem is None
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_gone_takes_no_snapshots_with_it_and_what_was_stored_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    folder.mkdir()
    path = folder / "a.snapshots.json"
    old = Bank().with_values("one", {"/x": 1.0}).with_values("two", {"/x": 2.0}).with_values("three", {"/x": 3.0})
    write_bank(path, old)
    keeper = SnapshotKeeper(path)
    assert keeper.read() == old
    away = folder.rename(tmp_path / "away")  # a drive that is away
    assert keeper.read() is None and keeper.bank == old
    assert keeper.problem is not None and "gone" in keeper.problem.what
    without_two = msgspec.structs.replace(
        old, snapshots={name: kept for name, kept in old.snapshots.items() if name != "two"}
    )
    keeper.stored(without_two.with_values("four", {"/x": 4.0}))
    keeper.write(0.0)
    assert not folder.exists() and keeper.problem is not None
    away.rename(folder)
    write_bank(path, old.with_values("three", {"/x": 33.0}).with_values("five", {"/x": 5.0}))  # by somebody else
    merged = keeper.read()
    assert merged is not None
    assert {name: kept.values["/x"] for name, kept in merged.snapshots.items()} == {
        "one": 1.0,
        "three": 33.0,
        "five": 5.0,
        "four": 4.0,
    }
    keeper.write(9.0)
    assert read_bank(path).bank == merged and keeper.problem is None
    path.unlink()
    assert keeper.read() is None and keeper.problem is not None
    keeper.stored(merged.with_values("six", {"/x": 6.0}))
    keeper.write(10.0)
    assert len(read_bank(path).bank.snapshots) == 5 and keeper.problem is None


def test_two_shows_of_one_patch_keep_each_others_snapshots(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshots.json"
    here, there = SnapshotKeeper(path), SnapshotKeeper(path)
    here.stored(Bank().with_values("one", {"/x": 1.0}))
    there.stored(Bank().with_values("two", {"/x": 2.0}))
    here.write(0.0)
    there.write(0.0)
    assert list(read_bank(path).bank.snapshots) == ["one", "two"]
    there.stored(there.bank.with_values("three", {"/x": 3.0}))  # before it has read what the other stored
    there.write(0.1)
    found = here.read()
    assert found is not None and list(found.snapshots) == ["one", "two", "three"]
    assert there.read() == found and there.read() is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"ganzfeld snapshots": 2}', '{"ganzfeld snapshots": 2, "snapshots": {"a": {}}}',
     '{"sanpshots": {}}', '{"snapshots": []}', '{"snapshots": {"a": {"values": {}}', "[" * 100000],
)  # fmt: skip
def test_what_is_no_file_of_snapshots_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.snapshots.json"
    path.write_text(text)
    with pytest.raises(PatchError, match="cannot be read"):
        read_bank(path)


BAD = {
    "no values": "{}",
    "NaN": '{"values": {"/x": NaN}}',
    "infinite": '{"values": {"/x": 1e999}}',
    "a list that is not finite": '{"values": {"/x": [1, -Infinity]}}',
    "an object": '{"values": {"/x": {}}}',
    "nothing": "null",
    "a long number": '{"values": {"/x": "1"}, "midi": %s}' % ("9" * 5000),
    "another word": '{"values": {}, "mide": "cc 1/2"}',
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_one_bad_snapshot_costs_the_others_nothing(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "a.snapshots.json"
    path.write_text('{"snapshots": {"a": {"values": {"/x": 1}}, "bad": ' + bad + ', "b": {"values": {"/x": 2}}}}')
    keeper = SnapshotKeeper(path)
    bank = keeper.read()
    assert bank is not None and list(bank.snapshots) == ["a", "b"]
    assert "bad" in str(keeper.problem) and path.name in str(keeper.problem)
    # Stored beside it: what is bad stays in the file, for somebody to mend.
    keeper.stored(bank.with_values("c", {"/x": 3.0}))
    assert keeper.write(0.0) is None
    again = read_bank(path)
    assert list(again.bank.snapshots) == ["a", "b", "c"] and list(again.bad) == ["bad"]
    assert keeper.problem is not None, "it is still bad"
    keeper.stored(again.bank.with_values("bad", {"/x": 4.0}))
    keeper.write(0.0)
    assert keeper.read() is None and keeper.problem is None
    assert read_bank(path).bank.snapshots["bad"].values == {"/x": 4.0}


def test_a_bad_fade_too_many_and_a_place_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshots.json"
    many = ", ".join(f'"{k}": {{"values": {{}}}}' for k in range(600))
    path.write_text('{"fade": {"length": -1}, "snapshots": {' + many + "}}")
    file = read_bank(path)
    assert len(file.bank.snapshots) == 512 and len(file.bad) == 88
    assert "how recalls fade" in str(file.problem) and "86 more" in str(file.problem)
    path.write_text('{"snapshots": {"a": {"values": {"/x": 1}, "at": [null, null]}}}')
    assert read_bank(path).bank.snapshots["a"].at == (0.5, 0.5)
    assert read_bank(path).problem is None


def test_nothing_is_kept_that_no_file_could_hold(stage: Stage) -> None:
    stage.engine.arrange("place", "dawn", 0.2, 0.8)
    before = stage.engine.snapshots.bank
    for what, *arguments in (
        ("place", "dawn", math.nan, 0.5),
        ("place", "dawn", 0.5, math.inf),
        ("place", "dawn", None, 0.5),
        ("place", ["dawn"], 0.5, 0.5),
        ("fade", math.nan, "seconds", "now"),
        ("fade", 1.0, "fortnights", "now"),
        ("fade", 1.0, "beats", 7),
        ("fade", "1", "beats", "now"),
        ("bind", "dawn", 7),
        ("rename", "dawn", ["x"]),
        ("delete",),
        ("vanish", "dawn"),
    ):
        with pytest.raises(GanzfeldError):
            stage.engine.arrange(what, *arguments)
        assert stage.engine.snapshots.bank == before, what
    for value in (math.nan, math.inf, 10**400, "1", [1.0]):
        with pytest.raises(PatchError):
            stage.engine.set("/push", value)


def test_files_damaged_anywhere_are_read_or_refused(tmp_path: Path) -> None:
    bank = Bank().with_values("a", {"/x": 1.5, "/y": [1.0, 2.0], "/z": None, "/w": "word"}).fading(2.0, "beats", "bar")
    path, random = tmp_path / "a.snapshots.json", Random(5)
    write_bank(path, bank.with_values("ü", {"/x": True}))
    whole = path.read_bytes()
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            data[random.randrange(len(data))] = random.choice(
                b'0-{}[]",:eEnN\\\xff\x00' + bytes([random.randrange(256)])
            )
        try:
            file = decode_file(bytes(data[: random.choice((len(data), random.randrange(len(data))))]), path)
        except (ValueError, RecursionError, PatchError):
            continue
        write_bank(path, file.bank, file.bad)
        assert read_bank(path).bank == file.bank


@pytest.mark.parametrize("name", ["x" * 65, "two\nlines", "", "\0"])
def test_a_name_that_could_not_be_stored_is_not_read_either(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.snapshots.json"
    bank = Bank(snapshots={"good": Snapshot({"/x": 1.0}), name: Snapshot({"/x": 2.0})})
    path.write_bytes(msgspec.json.encode(bank))
    file = read_bank(path)
    assert list(file.bank.snapshots) == ["good"]
    assert "no name for a snapshot" in str(file.problem)
    write_bank(path, file.bank, file.bad)
    assert name in msgspec.json.decode(path.read_bytes())["snapshots"], "it stays as it is"


def test_snapshots_in_another_encoding_or_nested_deeply_are_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshots.json"
    write_bank(path, Bank().with_values("a", {"/x": 1.5}))
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(PatchError, match="text in UTF-16"):
        read_bank(path)
    path.write_text("[" * 100_000)
    with pytest.raises(PatchError, match="nested too deeply"):
        read_bank(path)
