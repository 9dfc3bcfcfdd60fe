"""What is learned: which control, or which address, turns what."""

from __future__ import annotations

import contextlib

import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.midi_learn import MidiLearn
from ganzfeld.values.desk import Desk, KnobOnDesk
from ganzfeld.values.status import PatchSource


class Show:
    def __init__(self, text: str, *knobs: KnobOnDesk) -> None:
        self.text, self.knobs, self.done = text, knobs, []

    def desk(self) -> Desk:
        return Desk(knobs=self.knobs)

    def patch_source(self) -> PatchSource:
        return PatchSource(name="a", text=self.text, version=1)

    def edit(self, text: str) -> None:
        self.text = text

    def arrange(self, what: str, *arguments: object) -> None:
        self.done.append((what, *arguments))


def lesson(show: Show) -> MidiLearn:
    return MidiLearn(show, None, contextlib.nullcontext())


def test_an_address_that_was_picked_turns_the_number_that_is_clicked() -> None:
    show = Show("out(noise(tx=0.5))\n")
    learning = lesson(show)
    learning.learn()
    assert learning.touched("osc /fader/1") is None
    assert learning.lesson is not None and learning.lesson.control == "osc /fader/1"
    learning.learn("/out/image/tx")
    assert learning.lesson is None
    assert show.text == 'image_tx = knob(-4, 4, default=0.5, osc="/fader/1")\nout(noise(tx=image_tx))\n'
    assert show.done == [("move", "/out/image/tx", "/image_tx")]


def test_a_knob_forgets_both_of_its_controls() -> None:
    text = 'push = knob(0, 1, midi="1/7", osc="/push")\nout(noise(tx=push))\n'
    knob = KnobOnDesk("/push", 0.0, 0.0, midi="1/7", osc="/push")
    show = Show(text, knob)
    lesson(show).connect("/push", None)
    assert show.text == "push = knob(0, 1)\nout(noise(tx=push))\n"


def test_what_an_address_cannot_do_is_said() -> None:
    show = Show("out(noise(tx=0.5))\n")
    with pytest.raises(GanzfeldError, match="snapshot is recalled"):
        lesson(show).connect("snapshot:dawn", "osc /x")
    with pytest.raises(GanzfeldError, match="note"):
        lesson(show).connect("/out/image/tx", "note 1/60")
    with pytest.raises(GanzfeldError):
        lesson(show).connect("/out/image/tx", "osc /a*b c")
    assert show.text == "out(noise(tx=0.5))\n"
