"""The engine: changed while it plays, never stopped by a mistake."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.patch.models import Patch
from ganzfeld.values.time import Clock
from waiting import until

FPS = 30


class Stage:
    """An engine and a clock."""

    def __init__(self, text: str) -> None:
        self.engine = Engine(device="cpu", trusted=lambda path: True)
        self.engine.load(text)
        self.clock = Clock(self.engine.bpm)

    def play(self, frames: int = 1) -> torch.Tensor:
        picture = torch.empty(0)
        for _ in range(frames):
            picture = self.engine.frame(self.clock.advance(1 / FPS))["out"]
        return picture

    def save(self, text: str, *, at_once: bool = False) -> None:
        """Submit a text and wait until it is built (or refused)."""
        self.engine.submit(text, version=7, at_once=at_once)
        assert self.engine.is_building or self.engine._builder.ready is not None
        deadline = time.monotonic() + 60
        while self.engine._builder.ready is None and time.monotonic() < deadline:
            time.sleep(0.005)


@pytest.fixture
def text(small_network: Path) -> str:
    return (
        "drift = phase(0.5)\nsource = noise(amplitude=0.9, tx=drift)\n"
        f"face = network({str(small_network)!r}, latent=source, psi=0.8)\nout(face)\n"
    )


def test_the_picture_moves_and_repeats_exactly(text: str) -> None:
    one, other = Stage(text), Stage(text)
    frames = [one.play().clone() for _ in range(4)]
    assert not torch.equal(frames[0], frames[3])
    for frame in frames:
        assert torch.equal(frame, other.play())


def test_a_number_changes_and_the_motion_goes_on(text: str) -> None:
    one, other = Stage(text), Stage(text)
    one.play(5), other.play(5)
    built = one.engine._playing.built
    one.save(text.replace("psi=0.8", "psi=0.2"))
    assert not torch.equal(one.play(), other.play())
    assert one.engine._playing.built is built, "a number needs no new program"
    one.save(text)
    assert torch.equal(one.play(), other.play()), "the integrated phase was not disturbed"


def test_a_structural_change_keeps_state(text: str) -> None:
    one, other = Stage(text), Stage(text)
    one.play(5), other.play(5)
    one.save(text.replace("out(face)", "mirrored = flip(face, x=True)\nout(mirrored)"))
    assert torch.equal(one.play(), other.play().flip(1))


@pytest.mark.parametrize("bad", ["out(", "out(fase)", "out(network('missing.pkl'))", "import os", ""])
def test_a_bad_patch_changes_nothing_but_the_message(text: str, bad: str) -> None:
    one, other = Stage(text), Stage(text)
    one.play(3), other.play(3)
    one.save(bad)
    assert torch.equal(one.play(), other.play())
    assert one.engine.problems
    one.save(text)
    one.play()
    assert not one.engine.problems


def test_of_many_saves_the_last_wins(text: str) -> None:
    stage = Stage(text)
    for psi in range(20):
        stage.engine.submit(text.replace("0.8", f"{psi / 10}"))
    stage.save(text.replace("0.8", "0.25"))
    stage.play(3)
    assert stage.engine.values["/face/psi"] == 0.25


def test_a_failing_expression_holds_its_value(text: str) -> None:
    stage = Stage(text.replace("psi=0.8", "psi=1/(frame - 3) if frame > 1 else 0.5"))
    stage.play(3)
    assert stage.engine.values["/face/psi"] == -1
    stage.play()
    assert stage.engine.values["/face/psi"] == -1
    assert stage.engine.problems[0].where.address == "/face/psi"
    assert stage.engine.problems[0].where.line == 3
    stage.play()
    assert stage.engine.values["/face/psi"] == 1
    assert not stage.engine.problems


def test_a_turned_knob_stays_until_its_own_text_changes(text: str) -> None:
    stage = Stage(text)
    stage.play()
    stage.engine.set("/face/psi", 0.1)
    stage.save(text.replace("amplitude=0.9", "amplitude=0.5"))
    stage.play()
    assert stage.engine.values["/face/psi"] == 0.1
    stage.save(text.replace("amplitude=0.9", "amplitude=0.5").replace("psi=0.8", "psi=0.6"))
    stage.play()
    assert stage.engine.values["/face/psi"] == 0.6


def test_hands_cannot_reach_what_is_not_there(text: str) -> None:
    stage = Stage(text)
    with pytest.raises(PatchError, match="/face/psi"):
        stage.engine.set("/face/psy", 1)
    with pytest.raises(PatchError):
        stage.engine.set("/face/psi", "much")
    with pytest.raises(PatchError):
        stage.engine.set("/face/file", "/etc/passwd")


def test_swaps_wait_for_the_bar_and_fade(text: str) -> None:
    stage = Stage("bpm(120)\nswap('bar', fade=1)\n" + text)
    stage.play(10)
    changed = ("bpm(120)\nswap('bar', fade=1)\n" + text).replace("psi=0.8", "psi=-1")
    stage.save(changed)
    assert not stage.engine.is_building and stage.engine.ready == (7, 4.0)
    waited = 0
    while stage.engine._builder.ready is not None:
        stage.play()
        waited += 1
        assert waited < 70
    assert abs(stage.clock.beat / 4 - 1) < 1 / FPS
    assert stage.engine._fade is not None
    stage.play(FPS + 2)
    assert stage.engine._fade is None


def test_a_swap_at_once_waits_for_nothing(text: str) -> None:
    text = "bpm(120)\nswap('bar', fade=1)\n" + text
    stage = Stage(text)
    stage.play(10)
    stage.save(text.replace("psi=0.8", "psi=-1"), at_once=True)
    assert stage.engine.ready == (7, 0.0)
    stage.play()
    assert stage.engine.values["/face/psi"] == -1
    assert stage.engine._fade is None and stage.engine.ready == (0, 0.0)
    assert stage.engine.patch is not None
    assert Patch.from_json(stage.engine.patch.to_json()).settings.fade == 0, "a take is told that there was no fade"
    stage.save(text)
    assert stage.engine.ready == (7, 4.0), "that one time only"


def test_choices_switch_on_the_beat(small_network: Path) -> None:
    stage = Stage(
        f"bpm(60)\nface = network({str(small_network)!r}, latent=noise())\n"
        "face.show(seq('image b8', beats=2), normalise='fixed')\nout(face, size=(32, 32))"
    )
    shown = [stage.engine.values["/face/show/layer"] for _ in range(3 * FPS) if stage.play() is not None]
    assert shown[FPS // 2] == "image"
    assert shown[FPS + FPS // 2] == "b8"
    assert shown[2 * FPS + FPS // 2] == "image"


def test_a_circle_is_named(text: str) -> None:
    with pytest.raises(PatchError, match=r"a.*b"):
        Stage("a = b + 1\nb = a + 1\n" + text)
    with pytest.raises(PatchError, match="circle"):
        Stage("a = flip(b)\nb = flip(a)\nout(a)")


def test_a_checkpoint_goes_on_in_another_engine(text: str) -> None:
    one, other = Stage(text), Stage(text)
    one.play(7)
    one.engine.set("/face/psi", 0.3)
    other.engine.restore(one.engine.checkpoint())
    other.clock.restore(one.clock.checkpoint())
    assert torch.equal(one.play(), other.play())
    assert other.engine.values["/face/psi"] == 0.3


def test_hits_are_counted_and_knobs_listen(text: str) -> None:
    stage = Stage("push = knob(0, 10, osc='/push')\nhits = count(hit('/pad'))\n" + text.replace("0.8", "push"))
    stage.engine.outside.set("/push", 4.0)
    for _ in range(10):
        stage.engine.outside.hit("/pad")
    stage.play()
    assert stage.engine.values["/face/psi"] == 4
    assert stage.engine.values["/hits"] == 10


def test_of_a_recall_and_a_hand_in_one_frame_the_later_has_it(text: str) -> None:
    """Cue lists send both at once."""
    stage = Stage("push = knob(0, 1, default=0.2)\n" + text.replace("0.8", "push"))
    engine = stage.engine
    engine.set("/push", 0.9)
    stage.play()
    engine.store("bright")
    for fade in (0, 0.2):
        engine.set("/push", 0.1)
        stage.play()
        engine.outside.hit("/snapshot/recall", "bright", fade)
        engine.set("/push", 0.4)
        engine.set("/push", 0.5)
        stage.play(12)
        assert engine.values["/push"] == 0.5
        engine.set("/push", 0.3)
        engine.outside.hit("/snapshot/recall", "bright", fade)
        stage.play(12)
        assert engine.values["/push"] == 0.9
        engine.outside.hit("/snapshot/recall", "bright", fade)
        engine.set("/push", 0.5)
        engine.release("/push")
        stage.play(12)
        assert engine.values["/push"] != 0.5
    engine.outside.hit("/snapshot/recall", "bright", 0)
    with pytest.raises(PatchError):
        engine.set("/nothing", 1)


@pytest.mark.parametrize("scripted", [True, False])
def test_a_process_is_damaged_where_texts_cannot_be_built_since_a_script_ran(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted: bool
) -> None:
    script = tmp_path / "a.py"
    script.write_text("def frame(context, inputs):\n    return [[1.0]]\n")
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.load(f"a = script({str(script)!r})\nout(a, size=(4, 4))" if scripted else text)
    clock, build, failing = Clock(), engine._builder._build, []

    def broken(*words: Any) -> Any:
        if failing:
            raise TypeError("'NoneType' object is not callable")
        return build(*words)

    monkeypatch.setattr(engine._builder, "_build", broken)

    def save(number: int) -> None:
        engine.submit(text.replace("0.8", f"0.{number}"))
        until(lambda: not engine.is_building)
        engine.frame(clock.advance(1 / 30))

    failing.append(True)
    save(1)
    assert not engine.is_damaged and "TypeError" in str(engine.problems)
    failing.clear()
    save(2)
    failing.append(True)
    save(3)
    assert not engine.is_damaged, "one was built between"
    engine.submit("nonsense(")
    save(4)
    assert engine.is_damaged == scripted
    engine.close()


def test_player_gives_frames(text: str, tmp_path: Path) -> None:
    (tmp_path / "moving.ganz").write_text(text)
    with Player(tmp_path / "moving.ganz", device="cpu") as player:
        frames = list(player.frames(seconds=0.5, fps=10))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [round(frame.t, 3) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert frames[0].image.shape == (32, 32, 4)
    assert frames[0].image.dtype == torch.uint8


def test_player_refuses_what_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="there is no file"):
        Player(tmp_path / "none.ganz")
    (tmp_path / "bad.ganz").write_text("out(")
    with pytest.raises(PatchError, match=r"bad\.ganz"):
        Player(tmp_path / "bad.ganz", device="cpu")


def test_a_show_does_not_import_torchs_compiler():
    """It takes seconds, and nothing here is compiled by it: a network is opened and bent, a frame is made."""
    code = (
        "import sys, ganzfeld\n"
        "from ganzfeld.patch.language.parser import parse\n"
        "for network, layer in (('planets', 'b16'), ('orbits', 'L6')):\n"
        "    text = f\"face = network('{network}', latent=noise())\\nface.bend('{layer}', rotate=20)\\nout(face)\"\n"
        "    next(ganzfeld.Player(parse(text), device='cpu').frames(count=1))\n"
        "print([name for name in ('torch._dynamo', 'torch._inductor', 'sympy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_disk_that_fails_is_told_in_words_and_the_show_goes_on(small_network, monkeypatch):
    stage = Stage("out(noise())")
    before = stage.play()

    def fails(*_, **__):
        raise OSError(5, "Input/output error", str(small_network))

    with monkeypatch.context() as failing:
        failing.setattr("ganzfeld.patch.network.networks.load_network", fails)
        stage.save(f"face = network({str(small_network)!r}, latent=noise())\nout(face)\n")
        assert stage.play().shape == before.shape
        assert [problem.what for problem in stage.engine.problems] == [
            f"{small_network.name} cannot be read: Input/output error"
        ]
    stage.save(f"face = network({str(small_network)!r}, latent=noise())\nout(face)\n# again")
    stage.play(2)
    assert stage.engine.problems == []
