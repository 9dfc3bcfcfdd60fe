"""Takes that are begun and ended while a show plays: exact from their first frame on."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.language.parser import parse
from ganzfeld.process import show_takes
from ganzfeld.process.messages import Begin, RecordTake, VersionedText
from ganzfeld.process.show_takes import ShowTakes
from ganzfeld.process.take_watch import TakeWatch, free_take
from ganzfeld.takes.replay import Replay
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Timeline
from ganzfeld.values.time import Clock
from waiting import until

TEXT = """bpm(130)
swap("now", fade=0.25)
push = knob(0, 4, osc="/push")
kick = env(hit("/drum"), 0, 0.2)
source = noise("simplex2d", amplitude=0.9, tx=phase(0.7), period=1 + 0.1*count(hit("/drum")))
trail = feedback(source, amount=lag(osc("/x", 0.5), 0.3), zoom=1.01 + 0.01*push*kick)
out(trail, size=(40, 24), fps=30)
"""


class Show:
    """An engine that plays, and what the loop does with it."""

    def __init__(self, folder: Path, take: str | None = None) -> None:
        self.clock, self.time, self.fps = Clock(), 50.0, 30.0
        self.engine = Engine(device="cpu", trusted=lambda path: True)
        self.texts: dict[int, VersionedText] = {}
        self.engine.load(self.known(TEXT))
        self.path: Path | None = folder / "a.ganz"
        begin = Begin("none", self.texts[1], take=take, name="a")
        self.takes = ShowTakes(begin, self.engine, self, lambda: self.path, self.texts)  # type: ignore[arg-type]
        self.chance, self.shown = random.Random(3), []

    def known(self, text: str):
        version = len(self.texts) + 1
        self.texts[version] = VersionedText(version, text)
        return parse(text, version=version)

    def play(self, frames: int) -> None:
        for _ in range(frames):
            self.engine.outside.set("/x", self.chance.random())
            if self.chance.random() < 0.3:
                self.engine.outside.hit("/drum")
            self.time += 1 / 30
            picture = self.engine.frame(self.clock.advance(1 / 30))["out"]
            self.shown.append(picture.numpy().copy())
            self.takes.look()

    def save(self, text: str) -> None:
        self.engine.submit(self.known(text))
        until(lambda: self.engine._builder.ready is not None)

    def begin(self, path: Path) -> None:
        self.takes.ask(RecordTake(str(path), "a"))
        until(lambda: self.takes._coming is None or self.takes._coming.is_ready)

    def close(self) -> None:
        self.takes.close()
        self.engine.close()


@pytest.fixture
def show(tmp_path: Path):
    show = Show(tmp_path)
    yield show
    show.close()


def replayed(path: Path) -> np.ndarray:
    take = Take(path)
    timeline = Timeline(take)
    replay = Replay(take, timeline, device="cpu")
    replay.start(timeline.starts(tensors=True)[0])
    frames = [replay.frame().numpy().copy() for _ in range(len(timeline))]
    replay.close()
    return np.stack(frames)


def test_a_take_that_is_begun_in_the_midst_comes_back_bit_by_bit(show: Show, tmp_path: Path) -> None:
    show.engine.set("/source/amplitude", 1.4)
    show.engine.outside.set("/push", 3)
    show.play(12)
    show.engine.outside.hit("/snapshot/store", "dawn")
    show.engine.release("/source/amplitude")
    show.play(12)
    show.begin(tmp_path / "one.ganztake")
    show.play(1)  # between this frame and the next one it begins
    began = len(show.shown)
    show.play(10)
    show.engine.outside.hit("/snapshot/recall", "dawn", 0.4, "seconds")
    show.engine.set("/source/amplitude", 0.6)  # after the recall, in one frame
    show.play(10)
    show.save(TEXT.replace("1.01", "1.03"))
    show.play(12)
    show.takes.ask(RecordTake())
    ended = len(show.shown)
    assert show.engine.recorder is None
    show.play(3)
    show.begin(tmp_path / "two.ganztake")
    show.play(6)
    show.takes.close()
    first = replayed(tmp_path / "one.ganztake")
    assert len(first) == ended - began == 32
    assert np.array_equal(first, np.stack(show.shown[began:ended]))
    assert len(np.unique(first.reshape(len(first), -1), axis=0)) > 25, "it would be easy if nothing moved"
    assert np.array_equal(replayed(tmp_path / "two.ganztake"), np.stack(show.shown[-5:]))
    take = Take(tmp_path / "one.ganztake")
    assert take.sessions[0].opened.exact
    assert take.folder(take.sessions[0]) == tmp_path


def test_a_take_waits_for_the_end_of_a_cross_fade(show: Show, tmp_path: Path) -> None:
    show.play(3)
    show.save(TEXT.replace("1.01", "1.2"))
    show.play(2)
    show.begin(tmp_path / "a.ganztake")
    show.play(1)
    assert show.engine.recorder is None, "half of the picture would be missing"
    show.play(12)
    assert show.engine.recorder is not None
    show.takes.close()
    frames = replayed(tmp_path / "a.ganztake")
    assert np.array_equal(frames, np.stack(show.shown[-len(frames) :]))


def test_no_take_waits_for_ever(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_takes, "SETTLES_WITHIN", 0.0)
    monkeypatch.setattr(Engine, "checkpoint", lambda self, *, whole=False: b"\x80")
    show.begin(tmp_path / "a.ganztake")
    show.play(2)
    show.takes.close()
    assert not Take(tmp_path / "a.ganztake").sessions[0].opened.exact


def test_a_text_that_nobody_knows_any_more_is_written_as_what_plays(show: Show, tmp_path: Path) -> None:
    show.play(2)
    show.texts.clear()
    show.begin(tmp_path / "a.ganztake")
    show.play(5)
    show.takes.close()
    assert np.array_equal(replayed(tmp_path / "a.ganztake"), np.stack(show.shown[-4:]))


def test_a_take_that_cannot_be_recorded_is_told_and_ended(show: Show, tmp_path: Path, monkeypatch) -> None:
    from ganzfeld.takes import recorder

    with monkeypatch.context() as broken:
        broken.setattr(recorder, "header", lambda *_: 1 / 0)
        show.begin(tmp_path / "a.ganztake")
        show.play(1)
    assert "no take can be recorded" in str(show.takes.problem)
    show.takes.ask(RecordTake())
    assert show.takes.problem is None
    show.begin(tmp_path / "missing" / "a.ganztake")
    show.play(3)
    until(lambda: show.takes.problem is not None)
    assert "is not recorded" in str(show.takes.problem)


def test_a_take_from_the_first_frame_on(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    show = Show(tmp_path, str(tmp_path / "night.ganztake"))
    show.play(5)
    show.close()
    assert np.array_equal(replayed(tmp_path / "night.ganztake"), np.stack(show.shown))
    begun = set(threading.enumerate()) - before
    assert not [thread for thread in begun if thread.name.startswith("ganzfeld-take")]


def test_no_take_is_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "a.ganztake"
    assert free_take(path) == path
    path.write_bytes(b"x" * 9)
    (tmp_path / "a-2.ganztake").touch()
    assert free_take(path) == tmp_path / "a-3.ganztake"
    with pytest.raises(GanzfeldError, match="no take can be recorded"):
        free_take(tmp_path / f"{'x' * 300}.ganztake")
    watch = TakeWatch(None)
    watch.look(1.0)
    assert watch.status is None
    watch.follow(path)
    watch.look(1.0)
    assert watch.status is not None and (watch.status.name, watch.status.size) == ("a.ganztake", 9)
    watch.follow(None)
    watch.look(2.0)
    assert watch.status is None


def test_which_take_is_what_a_show_says(tmp_path: Path) -> None:
    """The supervisor's side: one take at a time, with the words of the show."""
    from ganzfeld.process.options import ShowOptions
    from ganzfeld.process.show_in_files import ShowInFiles

    given = []

    class Desk(ShowInFiles):
        name = "the opening"
        _lock = threading.RLock()
        _files = SimpleNamespace(patch=SimpleNamespace(path=tmp_path / "a.ganz"))
        _options = ShowOptions(None, "a", "cpu", None, None, False, None, False, tmp_path / "a.wav")
        _care = SimpleNamespace(take=TakeWatch(None))

        def _give(self, message, *, key=None, keep=True) -> None:
            given.append((message, keep))

    desk = Desk()
    desk.end_take()
    assert not given
    desk.record_take()
    with pytest.raises(GanzfeldError, match="already"):
        desk.record_take()
    assert desk._options.take == tmp_path / "a.ganztake"
    assert given[-1] == (RecordTake(str(tmp_path / "a.ganztake"), "the opening", str(tmp_path / "a.wav")), False)
    desk.end_take()
    assert desk._options.take is None and given[-1][0].path == ""
    songs: list[Path] = []
    desk.hear_file = songs.append
    desk.hear_song(tmp_path / "b.wav")
    desk.record_take()
    assert given[-1][0].sound == str(tmp_path / "b.wav")
    with pytest.raises(GanzfeldError, match="knows one sound"):
        desk.hear_song(tmp_path / "c.wav")
    desk.end_take()
    assert songs == [tmp_path / "b.wav"]
    desk._files = SimpleNamespace(patch=None)
    desk.record_take()
    assert desk._options.take == Path.cwd() / "the opening.ganztake"
