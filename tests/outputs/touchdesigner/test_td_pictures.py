"""Pictures both ways through the Script TOP: the right way up, channels in order, copied only when they are new."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fake_td
from card_writing import Writer
from fake_cuda import FakeCuda
from td_project import Stage


@pytest.fixture
def played(stage) -> Any:
    """A built component whose show is played by the test: `writer` writes what it shows, `reader` reads what it is
    sent. Nothing is started."""
    one: Stage = stage()
    one.build()
    ring, bridges = one.file("ganzfeld_ring"), one.file("ganzfeld_td")
    name = "t" + secrets.token_hex(4)
    one.comp.par.Sharedname.val, one.comp.par.Inputname.val = name, name + "i"
    link = SimpleNamespace(
        state="playing",
        problem="",
        session=1,
        tree=None,
        tree_number=0,
        values={"/show/fps": 59.9, "/show/patch": "organ.ganz"},
        begin=lambda: None,
        end=lambda: None,
        restart=lambda: link.restarts.append(1),
        received=dict,
        send=lambda *message: None,
        restarts=[],
    )
    bridges.Link = lambda folder, config: link
    writer, reader = ring.Writer(name), ring.Reader(name + "i")
    yield SimpleNamespace(one=one, link=link, writer=writer, reader=reader, bridges=bridges, comp=one.comp)
    writer.close()
    reader.close()


def corners() -> np.ndarray:
    """uint8 [3, 2, 4], RGBA, rows from the top: red at the upper left, blue and half transparent at the lower right."""
    pixels = np.zeros((3, 2, 4), np.uint8)
    pixels[0, 0], pixels[2, 1] = (255, 0, 0, 255), (0, 0, 255, 128)
    return pixels


def test_a_picture_is_the_right_way_up_and_rgba(played):
    played.writer.write(corners())
    played.one.project.frame()
    target, out = played.comp.op("target").texture, played.comp.op("out1").texture
    assert target[2, 0].tolist() == [1, 0, 0, 1]  # the first row is the lowest
    assert target[0, 1].tolist() == [0, 0, 1, pytest.approx(128 / 255)]
    assert out is not None and np.array_equal(out, target)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float16"])
def test_every_type_of_pixels_that_comes_is_taken(played, kind):
    played.writer.write(np.full((4, 4, 4), 1, kind))
    played.one.project.frame()
    most = {"uint8": 255, "uint16": 65535}.get(kind, 1)
    assert played.comp.op("target").texture[0, 0, 0] == pytest.approx(1 / most)


def test_nothing_is_copied_when_nothing_is_new(played):
    target = played.comp.op("target")
    for _ in range(5):
        played.one.project.frame()
    assert target.copies == 0
    played.writer.write(corners())
    for _ in range(5):
        played.one.project.frame()
    assert target.copies == 1
    played.writer.write(corners())
    played.one.project.frame()
    assert target.copies == 2 and target.texture is not None


def test_an_edit_of_a_dat_loses_nothing(played):
    played.writer.write(corners())
    played.one.project.frame()
    bridge = played.bridges.bridge(played.comp)
    callbacks = played.one.folder / "target_callbacks.py"
    callbacks.write_text(callbacks.read_text("utf-8") + "\nmine = 1\n", "utf-8")
    before = played.comp.op("target_callbacks").module
    played.one.project.frame()
    assert played.comp.op("target_callbacks").module is not before
    assert played.bridges.bridge(played.comp) is bridge and played.comp.op("target").copies == 1


def test_what_is_wrong_is_a_warning_of_the_operator_and_a_line_of_the_table(played):
    target, status = played.comp.op("target"), played.comp.op("status")
    played.writer.write(corners())
    played.one.project.frame()
    assert target.warnings() == ""
    rows = dict(status.rows())
    assert (rows["state"], rows["fps"], rows["patch"], rows["picture"]) == ("playing", "59.9", "organ.ganz", "1")
    assert int(rows["stamp"]) > 0 and float(rows["age_ms"]) >= 0
    played.link.problem = "organ.ganz:3: there is no node type 'nose'"
    played.bridges.STATUS_SECONDS = 0.0
    played.one.project.frame()
    assert target.warnings() == played.link.problem and dict(status.rows())["problem"] == played.link.problem
    played.link.problem, played.link.state = "", "starting"
    played.one.project.frame()
    assert target.warnings() == "Ganzfeld is starting" and target.texture is not None
    assert played.comp.op("info").par.op.eval() == "target"


def connect(played: Any, height: int, width: int, channels: int, paint: Any) -> Any:
    made = played.comp.create(fake_td.OpType("noiseTOP"), "theirs")
    made.paint = paint
    made.outputConnectors[0].connect(played.comp.op("target"))
    return made


def test_a_latent_goes_out_in_touchdesigners_own_order(played):
    numbers = np.linspace(-1, 1, 512, dtype=np.float32)
    connect(played, 512, 1, 1, lambda frame: (numbers + frame)[:, None, None])
    for _ in range(4):
        played.one.project.frame()
    got = played.reader.latest()
    assert got.pixels.shape == (1, 512, 1) and got.pixels.dtype == np.float32 and got.colour == "data"
    assert any(np.array_equal(got.pixels[0, :, 0], numbers + frame) for frame in range(5))
    assert got.number <= 3  # the first frame has nothing yet, and a frame sends once however often it cooks


def test_a_picture_goes_out_the_right_way_up(played):
    pixels = np.zeros((3, 2, 3), np.float32)
    pixels[2, 0] = 1, 0, 0  # the highest row is the last
    pixels[0, 1] = 0, 0, 7
    connect(played, 3, 2, 3, lambda frame: pixels)
    for _ in range(3):
        played.one.project.frame()
    got = played.reader.latest()
    assert got.pixels.dtype == np.uint8 and got.pixels.shape == (3, 2, 4) and got.colour == "sRGB"
    assert got.pixels[0, 0].tolist() == [255, 0, 0, 255] and got.pixels[2, 1].tolist() == [0, 0, 255, 255]


def test_one_channel_is_grey(played):
    connect(played, 2, 2, 1, lambda frame: np.full((2, 2, 1), 0.5, np.float32))
    for _ in range(3):
        played.one.project.frame()
    assert played.reader.latest().pixels[0, 0].tolist() == [128, 128, 128, 255]


TOUCHDESIGNERS = ("BGRA", "straight", "bottom")


@pytest.fixture
def card(played, tmp_path, monkeypatch) -> Any:
    """The same with a card that both sides see, behind a stand-in for its driver. `cards` writes; made anew by
    `again`."""
    module = played.one.file("ganzfeld_cuda")
    folder = tmp_path / "card"
    folder.mkdir()
    far = FakeCuda(folder)
    monkeypatch.setattr(module, "load", lambda: far)
    played.comp.par.Cuda.val = True
    played.far, played.module, played.made = far, module, []

    def again() -> Writer:
        played.made.append(Writer(folder, played.comp.par.Sharedname.eval()))
        return played.made[-1]

    played.again = again
    played.cards = again()
    yield played
    played.bridges.end_all()
    for writer in played.made:
        writer.cards.close()
    assert far.opened == 0


def as_touchdesigner_has_it(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]])


def test_a_picture_on_the_card_is_the_right_way_up_and_in_touchdesigners_order(card):
    target = card.comp.op("target")
    card.writer.write(np.full((3, 2, 4), 77, np.uint8))
    card.cards.write(as_touchdesigner_has_it(corners()), TOUCHDESIGNERS)
    for _ in range(3):
        card.one.project.frame()
    assert target.texture[2, 0].tolist() == [1, 0, 0, 1]
    assert target.texture[0, 1].tolist() == [0, 0, 1, pytest.approx(128 / 255)]
    assert (target.copies, target.card_copies) == (1, 1), "nothing is copied when nothing is new"
    assert dict(card.comp.op("status").rows())["cuda"] == "on"
    assert target.warnings() == ""


def test_a_picture_that_touchdesigner_may_still_copy_is_not_written_over(card):
    seen = []
    for number in range(1, 12):
        card.cards.write(as_touchdesigner_has_it(np.full((3, 2, 4), number, np.uint8)), TOUCHDESIGNERS)
        card.one.project.frame()
        picture = card.bridges.bridge(card.comp).picture
        for later in range(3):
            card.cards.write(np.full((3, 2, 4), 100 + later, np.uint8), TOUCHDESIGNERS)
        seen.append((picture.is_held, int(picture.to_host()[0, 0, 0])))
    assert seen == [(True, number) for number in range(1, 12)]
    assert card.far.waited == len(seen) - 1, "its copy is waited for before a picture is given back"


def test_while_there_is_none_on_the_card_pictures_come_through_memory(card, monkeypatch):
    target = card.comp.op("target")
    card.bridges.STATUS_SECONDS = 0.0
    card.cards.write(as_touchdesigner_has_it(corners()), TOUCHDESIGNERS)
    card.one.project.frame()
    assert target.card_copies == 1
    monkeypatch.setattr(card.module, "_is_alive", lambda pid: False)
    card.cards.cuda.die()
    card.cards.cards._left.clear()
    card.cards.cards._now = None
    card.writer.write(np.full((3, 2, 4), 255, np.uint8))
    card.one.project.frame()
    assert (target.copies, target.card_copies) == (2, 1)
    assert (target.texture == 1).all()
    assert "nobody shares" in dict(card.comp.op("status").rows())["cuda"]
    monkeypatch.undo()
    monkeypatch.setattr(card.module, "load", lambda: card.far)
    card.again().write(as_touchdesigner_has_it(corners()), TOUCHDESIGNERS)
    card.one.project.frame()
    assert (target.copies, target.card_copies) == (3, 2)
    assert dict(card.comp.op("status").rows())["cuda"] == "on"


def test_pictures_that_lie_otherwise_and_no_card_are_told_and_come_through_memory(card, monkeypatch):
    target = card.comp.op("target")
    card.cards.write(corners())
    card.writer.write(corners())
    card.one.project.frame()
    assert (target.copies, target.card_copies) == (1, 0)
    assert "RGBA from the top" in dict(card.comp.op("status").rows())["cuda"]

    def load():
        raise card.module.CudaError("there is no driver of an NVIDIA card here")

    card.bridges.end_all()
    monkeypatch.setattr(card.module, "load", load)
    card.one.project.frame()
    assert (target.copies, target.card_copies) == (2, 0)
    assert "no driver" in dict(card.comp.op("status").rows())["cuda"]


def test_the_show_is_asked_to_share_on_the_card_only_where_it_is_switched_on(played, monkeypatch):
    link = played.one.file("ganzfeld_link")
    words: list[list[str]] = []

    def popen(said, **options):
        words.append(said)
        return SimpleNamespace(poll=lambda: None)

    monkeypatch.setattr(link.subprocess, "Popen", popen)
    config = {"python": __file__, "patch": __file__, "name": "wall", "port": 9420}
    for cuda in (False, True):
        link.Link(str(played.one.folder), {**config, "cuda": cuda})._start(0.0)
    assert [each.count("cuda:wall,order=BGRA,origin=bottom") for each in words] == [0, 1]


def test_switched_off_it_lets_go_and_on_it_comes_back(played):
    played.writer.write(corners())
    played.one.project.frame()
    played.comp.par.Active.val = False
    played.one.project.frame()
    assert dict(played.comp.op("status").rows())["state"] == "off"
    assert played.comp.op("target").warnings() == "Active is off" and played.comp.op("target").texture is not None
    played.comp.par.Active.val = True
    played.writer.write(corners())
    played.one.project.frame()
    assert played.comp.op("target").warnings() == "" and played.comp.op("target").copies == 2


def test_another_name_keeps_the_show_and_a_deleted_component_lets_it_go(played):
    played.one.project.frame()
    bridge = played.bridges.bridge(played.comp)
    object.__setattr__(played.comp, "name", "renamed")
    assert played.bridges.bridge(played.comp) is bridge
    for name in ("target", "status"):
        played.comp.op(name).destroy()
    bridge.frame()  # a user may delete what a user likes
    object.__setattr__(played.comp, "name", "basic")
    played.comp.destroy()
    other = played.one.project.home.create(played.one.module.baseCOMP, "other")
    played.bridges.bridge(other)
    assert bridge.link is None


def test_pulses_reach_the_show(played):
    played.one.project.frame()
    played.comp.par.Restart.pulse()
    assert played.link.restarts == [1]


def test_the_imitation_is_strict(played):
    target, project, td = played.comp.op("target"), played.one.project, played.one.module
    pixels = np.zeros((2, 2, 4), np.uint8)
    for wrong in (
        lambda: target.copyNumpyArray(pixels),
        lambda: target.par.nothing,
        lambda: setattr(played.comp.op("flip1").par, "flipq", 1),
        lambda: setattr(played.comp.op("flip1").par, "flop", "sideways"),
        lambda: setattr(target, "resolution", 3),
        lambda: target.addWarning("late"),
        lambda: played.comp.create(td.OpType("nodeTOP") if hasattr(td, "OpType") else object(), "x"),
        lambda: played.comp.customPages[0].appendFloat("bad_name"),
        lambda: played.comp.customPages[0].appendFloat("Active"),
        lambda: played.comp.customPages[0].appendSlider("Good"),
    ):
        with pytest.raises((fake_td.tdError, AttributeError)):
            wrong()
    shape = td.CUDAMemoryShape()
    shape.width = shape.height = 2
    for wrong in (
        lambda: setattr(shape, "channels", 4),
        lambda: target.copyCUDAMemory(1, 16, shape),
    ):
        with pytest.raises((fake_td.tdError, AttributeError)):
            wrong()
    with pytest.raises(Exception, match=r"pickle|local"):
        played.comp.store("link", lambda: None)
    played.comp.op("target_callbacks").text = """
import numpy as np
kept = []
def onCook(scriptOp):
    kept.append(1)
    scriptOp.copyNumpyArray(np.zeros((2, 2, 4), np.float64))
"""
    with pytest.raises(fake_td.tdError, match="no type of pixels"):
        target.cook(force=True)
    module = played.comp.op("target_callbacks").module
    played.comp.op("target_callbacks").text += "\n"
    assert module.kept == [1] and played.comp.op("target_callbacks").module.kept == []
    assert project.op("/nowhere") is None
