"""Previews against the engine of a show: the very picture that would play, from where the show is; nothing twice."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.process import previewing
from ganzfeld.process.messages import CheckpointSaved, OutsideHit, ReleaseParameter, SetOutside, SetParameter
from ganzfeld.process.preview_messages import DrawPreviews, PreviewText, ShowTime
from ganzfeld.process.preview_process import PreviewOptions
from ganzfeld.process.previewing import EngineArtist, torch_previews
from ganzfeld.values.time import Moment

PATCH = """\
push   = knob(0, 1)
beats  = count(hit("/drum"))
source = noise("random", tx=phase(0.3), amplitude=0.2 + 0.1*push)
lit    = levels(source, brightness=1 + 0.1*beats + osc("/x"))
trail  = feedback(lit, amount=0.5, mode="add")
out(trail, size=(32, 32))
out(lit, size=(640, 640), name="other")
"""


def moment(frame: int) -> Moment:
    t = frame / 10
    return Moment(frame, t, t - (frame - 1) / 10 if frame else 0.0, 2 * t, t / 2, 120.0)


def at(frame: int) -> ShowTime:
    t = frame / 10
    return ShowTime(frame=frame, t=t, beat=2 * t)


@pytest.fixture
def artist() -> EngineArtist:
    return torch_previews(PreviewOptions("cpu"))


def order(
    *texts: str, playing: str = PATCH, saved: CheckpointSaved | None = None, path: Path | None = None, height: int = 64
) -> DrawPreviews:
    named = {index: PreviewText(text) for index, text in enumerate(texts)}
    return DrawPreviews(1, height, named, playing, str(path) if path else None, saved)


class Show:
    """An engine that plays a frame every tenth of a second."""

    def __init__(self, text: str, frames: int = 3) -> None:
        self.engine = Engine(device="cpu")
        self.engine.load(text)
        self.engine.outside.set("/x", 0.05)
        self.engine.outside.hit("/drum")
        self.frames = 0
        for _ in range(frames):
            self.frame()

    def frame(self) -> np.ndarray:
        pictures = self.engine.frame(moment(self.frames))
        self.frames += 1
        return next(iter(pictures.values())).numpy()

    @property
    def saved(self) -> CheckpointSaved:
        return CheckpointSaved(0, self.engine.checkpoint(), {"t": (self.frames - 1) / 10}, 0.0)


def test_a_preview_is_what_would_play_bit_for_bit_and_moves_as_the_wall_does(artist) -> None:
    show = Show(PATCH)
    show.engine.set("/push", 0.7)
    artist.begin(order(PATCH, saved=show.saved))
    for _ in range(3):
        picture, problem = artist.draw(0, at(show.frames))
        assert problem == "" and picture.shape == (32, 32, 4)
        assert np.array_equal(picture, show.frame()) and picture[..., :3].std() > 1
    for message in (SetOutside("/x", 0.3), SetParameter("/push", 0.2), OutsideHit("/drum"), OutsideHit("/drum")):
        artist.overhear(message)
    show.engine.outside.set("/x", 0.3)
    show.engine.set("/push", 0.2)
    for _ in range(2):
        show.engine.outside.hit("/drum")
    assert np.array_equal(artist.draw(0, at(show.frames))[0], show.frame())
    artist.overhear(ReleaseParameter("/push"))
    show.engine.release("/push")
    assert np.array_equal(artist.draw(0, at(show.frames))[0], show.frame())


def test_a_changed_text_takes_its_own_value_and_leaves_other_hands_where_they_are(artist) -> None:
    show = Show(PATCH)
    show.engine.set("/push", 0.7)
    show.engine.set("/lit/brightness", 3.0)
    changed = PATCH.replace("1 + 0.1*beats", "0.5 + 0.1*beats")
    artist.begin(order(changed, saved=show.saved))
    picture, _ = artist.draw(0, at(show.frames))
    show.engine.swap(changed)
    assert np.array_equal(picture, show.frame()) and set(show.engine.turned) == {"/push"}


def test_variants_share_programs_and_nothing_else(artist) -> None:
    show = Show(PATCH)
    texts = [PATCH.replace("amount=0.5", f"amount=0.{digit}") for digit in (1, 9)]
    alone = []
    for text in texts:
        artist.begin(order(text, saved=show.saved))
        alone.append([artist.draw(0, at(frame))[0] for frame in (3, 4, 5)])
    assert not np.array_equal(alone[0][2], alone[1][2])
    artist.begin(order(*texts, saved=show.saved))
    for place, frame in enumerate((3, 4, 5)):
        for index in (0, 1):
            assert np.array_equal(artist.draw(index, at(frame))[0], alone[index][place])
    assert len(artist._easels) == 1


def test_more_structures_than_are_kept_ready_go_on_all_the_same(artist) -> None:
    more = "more{0} = levels(lit)\ntrail = feedback(more{0}, am"
    texts = [PATCH.replace("trail  = feedback(lit, am", more.format(number)) for number in range(3)]
    show = Show(PATCH)
    artist.begin(order(*texts, saved=show.saved))
    seen = [[artist.draw(index, at(frame))[0] for index in range(3)] for frame in (3, 4)]
    assert len(artist._easels) == previewing.MOST_ENGINES
    for pictures in seen:
        assert all(np.array_equal(picture, pictures[0]) for picture in pictures), "they do the same by other names"


def test_what_hands_are_to_hold_is_held_in_the_preview_alone(artist) -> None:
    show = Show(PATCH)
    asked = DrawPreviews(1, 64, {0: PreviewText(PATCH, {"/push": 1.0}), 1: PreviewText(PATCH, {"/gone": 1.0})}, PATCH)
    artist.begin(replace(asked, saved=show.saved))
    picture, _ = artist.draw(0, at(3))
    with pytest.raises(PatchError, match="nothing at /gone"):
        artist.draw(1, at(3))
    show.engine.set("/push", 1.0)
    assert np.array_equal(picture, show.frame())


def test_mistakes_are_told_and_show_nobody_elses_picture(artist) -> None:
    broken = ("face = ((", "out(nothing)", "x = 3", PATCH.replace("phase(0.3)", "1/(t-t)"))
    artist.begin(order(PATCH, *broken, playing="((", height=64))
    assert artist.draw(0, at(1))[0].std() > 1
    for index in (1, 2, 3):
        with pytest.raises(GanzfeldError):
            artist.draw(index, at(1))
    _, problem = artist.draw(4, at(1))
    assert "division by zero" in problem, "an expression that fails holds its value, as in the show"


def test_the_picture_is_drawn_small_and_other_outputs_are_not_drawn(artist) -> None:
    big = PATCH.replace("(32, 32)", "(1920, 1080)").replace("bpm", "") + "swap('bar', fade=9)\nhold(60)\n"
    artist.begin(order(big, playing=big, height=90))
    first, _ = artist.draw(0, at(1))
    assert first.shape == (90, 160, 4)
    engine = artist._easels[0].engine
    assert list(engine.outs) == ["out"] and engine.patch.settings.hold is None


def test_scripts_and_cameras_rest(artist, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "s.py").write_text(f"open({str(ran)!r}, 'w')\ndef frame(context, inputs):\n    return inputs.image\n")
    text = "seen = camera(0, size=(32, 32))\ndone = script('s.py', seen)\nout(done, size=(32, 32))\n"
    artist.begin(order(text, playing=text, path=tmp_path / "p.ganz"))
    picture, problem = artist.draw(0, at(1))
    assert picture.shape == (32, 32, 4) and picture[..., :3].max() == 0
    assert "does not run in previews" in problem and not ran.exists()
    assert not [each for each in threading.enumerate() if each.name == "ganzfeld-camera"]


def test_a_pause_and_a_jump_of_the_show_are_no_time(artist) -> None:
    tried = previewing._Tried(PreviewText(PATCH), {}, order(PATCH))
    assert tried.moment(at(5)).dt == 0.0
    assert tried.moment(at(6)).dt == pytest.approx(0.1)
    assert tried.moment(ShowTime(frame=9, t=0.6, speed=0.0)).dt == 0.0
    jumped = tried.moment(ShowTime(frame=8, t=100.0))
    assert (jumped.dt, jumped.t, jumped.frame) == (0.0, 100.0, 10), "frames only grow"
    told = ShowTime(frame=8, t=100.0, beat=4.0, bpm=60.0, speed=2.0, fps=50.0, at=1000.0)
    assert told.later(1000.5) == ShowTime(33, 101.0, 5.0, 60.0, 2.0, 50.0, 1000.5)
    assert told.later(999.0).t == 100.0
    assert told.later(5000.0).t == 120.0, "what was told long ago is not gone on from for ever"


def test_a_full_card_is_left_to_the_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing.torch.cuda, "mem_get_info", lambda device: (1 << 30, 8 << 30))
    with pytest.raises(GanzfeldError, match="too little memory") as refused:
        torch_previews(PreviewOptions("cuda:0"))
    assert "1024 MB are free" in refused.value.hint
