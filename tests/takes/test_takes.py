"""Takes: recorded from a playing engine, torn, read, and replayed to the very same frames."""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media import scripts
from ganzfeld.takes import recorder as recording
from ganzfeld.takes.file import MAGIC, TakeWriter, read_records
from ganzfeld.takes.packing import Played, pack_happenings, pack_times, unpack_happenings, unpack_times
from ganzfeld.takes.recorder import TakeRecorder, header
from ganzfeld.takes.records import Fingerprint, Frames, Header, Opened
from ganzfeld.takes.replay import Replay, View, averaged
from ganzfeld.takes.take import Ran, Take
from ganzfeld.takes.timeline import Start, Timeline
from ganzfeld.values.outside import Hit
from ganzfeld.values.time import Clock, Moment
from numbered_film import write_film

PATIENCE = 30.0


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
    return result


TEXT = """bpm(130)
swap("beat", fade=0.25)
push = knob(0, 4, osc="/push")
kick = env(hit("/drum"), 0, 0.2)
hits = count(hit("/drum", s="bd"))
drift = phase(0.7)
source = noise("simplex2d", amplitude=0.9, tx=drift, period=1 + 0.5*audio.level)
face = network({network!r}, latent=source, psi=0.8 + 0.2*sin(t) + 0.1*push)
face.bend("b16", rotate=40*kick, channels=0.5, seed=3 + hits, name="spin")
trail = feedback(face, amount=lag(osc("/x", 0.5), 0.3), zoom=1.01)
out(trail, size=(40, 24), fps=30)
"""


class Night:
    """A show of one process whose hands are a script: plays, records, and keeps what it showed."""

    def __init__(
        self,
        path: Path,
        text: str,
        fps: float = 30.0,
        at: float = 1234.5,
        *,
        cameras: bool = False,
        device: str = "cpu",
        trusted: bool = True,
    ) -> None:
        self.clock = Clock()
        self.cameras = cameras
        self.path = path
        self.at = at
        self.fps = fps
        self.texts: list[str] = []
        self.engine = Engine(device=device, trusted=lambda path: trusted)
        self.engine.load(self._parsed(text))
        self.clock.bpm = self.engine.bpm or 120
        self._open(Opened(text=text, at=self.at, bpm=self.clock.bpm))
        self.behind = 0.0
        self.shown: list[np.ndarray] = []

    def _parsed(self, text: str):
        self.texts.append(text)
        return parse(text, version=len(self.texts))

    def restart(self, checkpoint: bytes, clock: dict, at: float) -> None:
        """The render process died, and another one goes on from what was saved a moment ago."""
        text = self.text_of(self.engine.patch.version) or ""
        self.end()
        self.engine = Engine(device="cpu", trusted=lambda path: True)
        self.engine.load(self._parsed(text))
        self.engine.restore(checkpoint)
        self.clock.restore(clock)
        self._open(Opened(text=text, checkpoint=checkpoint, at=at, t=clock["t"], beat=clock["beat"], bpm=clock["bpm"]))
        self.at, self.behind = at, self.at - at

    def _open(self, opened: Opened) -> None:
        about = header(self.engine.device, "a night")
        self.recorder = TakeRecorder(self.path, about, lambda: self.at, self.text_of, cameras=self.cameras)
        self.recorder.opened(msgspec.structs.replace(opened, folder=str(self.path.parent)))
        self.engine.recorder = self.recorder

    def text_of(self, version: int) -> str | None:
        return self.texts[version - 1] if version else None

    def save(self, text: str) -> None:
        self.engine.submit(self._parsed(text))
        until(lambda: self.engine._builder.ready is not None)

    def play(self, frames: int = 1, *, late: float = 0.0) -> None:
        for _ in range(frames):
            step, self.behind = 1 / self.fps + late + self.behind, 0.0
            self.at += step
            pictures = self.engine.frame(self.clock.advance(step))
            self.shown.append(next(iter(pictures.values())).cpu().numpy().copy())

    def keep(self) -> None:
        self.recorder.checkpoint(self.engine.checkpoint())

    def end(self) -> None:
        self.recorder.close()
        self.engine.close()


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two tests on two cores do not wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def patch(small_network: Path) -> str:
    return TEXT.format(network=str(small_network))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, patch: str) -> Iterator[Night]:
    """Five seconds with everything in them: signals, hands, snapshots, edits, a pause, a jump, late frames, and a
    render process that is replaced by another one."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        # Every state that is offered is kept.
        monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
        monkeypatch.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
        night = Night(tmp_path_factory.mktemp("night") / "night.ganztake", patch)
        chance = random.Random(5)
        saved = b""
        for frame in range(150):
            engine = night.engine
            engine.outside.set("/audio/level", round(chance.random(), 4))
            if chance.random() < 0.2:
                engine.outside.set("/x", chance.random())
            for _ in range(chance.choice([0, 0, 0, 0, 1, 3])):
                engine.outside.hit("/drum", "s", chance.choice(["bd", "sn"]), velocity=chance.random())
            match frame:
                case 5 | 60:
                    engine.outside.hit("/snapshot/store", f"at {frame}")
                case 10:
                    engine.outside.set("/push", 2)
                case 15:
                    engine.set("/source/amplitude", 1.5)
                case 20:
                    night.save(patch.replace("0.8 +", "0.3 +"))
                case 45:
                    night.save(patch.replace("out(trail", "mirror = flip(trail, x=True)\nout(mirror"))
                case 55:
                    engine.release("/source/amplitude")
                case 65:
                    engine.outside.hit("/snapshot/recall", "at 5", 0.8, "beats")
                case 70:
                    night.clock.paused = True
                case 75:
                    night.clock.paused = False
                case 80:
                    night.clock.seek(30.0)
                case 95:
                    engine.submit("nonsense(")
                case 118:
                    saved = engine.checkpoint(), dict(night.clock.checkpoint()), night.at
                case 121:
                    night.restart(*saved)
            night.play(late=0.021 if frame % 17 == 0 else 0.0)
            if frame % 10 == 9:
                night.keep()
        night.end()
        yield night


def replayed(
    night: Night, *, fps: float | None = None, start: Start | None = None, count: int | None = None, device: str = "cpu"
) -> np.ndarray:
    take = Take(night.path)
    timeline = Timeline(take, fps)
    replay = Replay(take, timeline, device=device)
    start = start or timeline.starts(tensors=True)[0]
    replay.start(start)
    frames = [replay.frame().cpu().numpy().copy() for _ in range(count or len(timeline) - start.first)]
    replay.close()
    return np.stack(frames)


def test_the_night_comes_back_bit_by_bit(night: Night) -> None:
    shown = np.stack(night.shown)
    assert len(np.unique(shown.reshape(len(shown), -1), axis=0)) > 100, "it would be easy if nothing moved"
    assert np.array_equal(replayed(night), shown)


def test_from_every_kept_state_the_rest_of_the_night_comes_back(night: Night) -> None:
    take = Take(night.path)
    starts = Timeline(take).starts(tensors=True)
    assert len(starts) >= 6, "during a fade no state is whole"
    for start in starts:
        shown = np.stack(night.shown[start.first : start.first + 6])
        assert np.array_equal(replayed(night, start=start, count=len(shown)), shown)


def test_a_replay_goes_on_from_anothers_position(night: Night) -> None:
    take = Take(night.path)
    timeline = Timeline(take)
    replay = Replay(take, timeline, device="cpu")
    replay.start(timeline.starts(tensors=True)[0])
    for _ in range(38):
        replay.frame()
    position = msgspec.msgpack.decode(msgspec.msgpack.encode(replay.position()), type=type(replay.position()))
    assert position.exact
    other = Replay(take, timeline, device="cpu")
    other.resume(position)
    for shown in night.shown[38:60]:
        assert np.array_equal(other.frame().numpy(), shown)


# Another rate, another size


def test_an_even_rate_follows_the_times_of_the_night(night: Night) -> None:
    take = Take(night.path)
    live, even = Timeline(take), Timeline(take, 24)
    first, times = take.sessions[0], take.sessions[0].times
    assert len(even) == round((live.at[-1] - live.at[0]) * 24) + 1
    begins = {start.first: start for start in even.starts(tensors=False)}
    assert len(begins) == 2, "its trails are not of this size"
    moments = [even.moment(index, begins.get(index)) for index in range(len(even))]
    assert [moment.frame for moment in moments] == list(range(len(even)))
    jumps = [b.t - a.t - b.dt for a, b in itertools.pairwise(moments) if b.frame not in begins]
    jumps = [jump for jump in jumps if abs(jump) > 1e-6]
    assert len(jumps) == 1, "time goes on by dt but where somebody jumped"
    assert jumps[0] > 26
    assert min(moment.dt for moment in moments) >= 0
    # What was moved in all is what was moved that night, of the first session and of the second.
    of_first = [m.dt for m, session in zip(moments, even.session) if session == 0]
    assert sum(of_first) == pytest.approx(times.dt.sum(), abs=1.5 / 24)
    paused = [moment.t for moment, at in zip(moments, even.at) if times.at[70] < at + times.at[0] < times.at[74]]
    assert len(set(paused)) == 1
    assert len(paused) >= 2
    # A rate whose frames fall on the night's gives the night's times.
    for index in range(1, 10):
        same = Timeline(take, 60).moment(2 * index)
        slow = first.times.moment(index)
        late = take.sessions[0].times.at[index] - take.sessions[0].times.at[0] - 2 * index / 60
        assert same.t == pytest.approx(slow.t - late, abs=1e-9)


def test_everything_that_came_is_there_at_any_rate(night: Night) -> None:
    """Of a night at 30 frames a second, a third of the frames still count every hit, and end with every value."""
    take = Take(night.path)
    session = take.sessions[0]
    timeline = Timeline(take, 10)
    replay = Replay(take, timeline, device="cpu")
    replay.start(timeline.starts(tensors=False)[0])
    heard = []
    index = int(np.flatnonzero(timeline.session == 0)[-1])
    until = int(timeline.until[index])
    replay.engine.outside.hit = lambda address, *arguments, **named: heard.append(address)  # type: ignore[method-assign]
    while replay._index <= index:
        replay.frame()
    assert len(heard) == sum(len(frame.hits) for frame in itertools.islice(session.frames(), until)) > 60
    values: dict = {}
    for frame in itertools.islice(session.frames(), until):
        values |= frame.values
    assert replay.engine.outside.values() == values
    replay.close()


def test_starts_of_an_even_rate_hold_no_pictures(tmp_path: Path, patch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without trails, a render at another rate may begin at any kept state, and goes on there as it would have."""
    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
    night = Night(tmp_path / "plain.ganztake", patch.replace("out(trail", "out(face"))
    for _ in range(6):
        night.play(5)
        night.keep()
    night.end()
    starts = Timeline(Take(night.path), 47).starts(tensors=False)
    assert len(starts) == 6
    whole = replayed(night, fps=47)
    for start in starts[1:]:
        # The state is the night's, not the slower clock's: the last bit of a phase may differ, a picture hardly.
        part = replayed(night, fps=47, start=start, count=5).astype(int)
        assert abs(part - whole[start.first : start.first + 5]).max() <= 2


def test_larger_and_averaged(night: Night) -> None:
    take = Take(night.path)
    timeline = Timeline(take)
    for view, size in ((View((80, 48)), (48, 80)), (View((40, 24), supersample=3), (24, 40))):
        replay = Replay(take, timeline, view, "cpu")
        replay.start(timeline.starts(tensors=False)[0])
        frame = replay.frame()
        assert frame.shape == (*size, 4)
        small = torch.nn.functional.interpolate(frame.permute(2, 0, 1)[None].float(), (24, 40), mode="area")
        assert (small[0].permute(1, 2, 0) - torch.from_numpy(night.shown[0]).float()).abs().mean() < 8
        replay.close()


def test_an_average_counts_only_what_is_seen() -> None:
    picture = torch.zeros(2, 4, 4, dtype=torch.uint8)
    picture[0, 0] = torch.tensor([200, 100, 0, 255])
    picture[:, 2:] = torch.tensor([10, 20, 30, 255], dtype=torch.uint8)
    assert averaged(picture, 2).tolist() == [[[200, 100, 0, 64], [10, 20, 30, 255]]]


# The file


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_packed_comes_back(data: st.DataObject) -> None:
    number = st.floats(allow_nan=False)
    clock = Clock()
    frames = []
    at = data.draw(st.floats(0, 1e6))
    for _ in range(data.draw(st.integers(1, 8))):
        step = data.draw(st.sampled_from([1 / 60, 1 / 30, 0.5, 0.0]) | st.floats(0, 10))
        at += step
        moment = data.draw(st.just(clock.advance(step)) | st.builds(Moment, st.integers(0, 1 << 50), *[number] * 5))
        moment = Moment(moment.frame, moment.t, moment.dt, moment.beat, moment.beat / 4, moment.bpm)
        value = st.one_of(number, st.integers(-(1 << 60), 1 << 60), st.text(max_size=3), st.booleans(), st.none())
        value |= st.floats(0, 1).map(lambda x: round(x, 4)) | st.floats(width=32, allow_nan=False)
        values = data.draw(st.dictionaries(st.sampled_from(["/a", "/b"]), value | st.lists(number, max_size=2)))
        named = data.draw(st.lists(st.sampled_from("ab"), max_size=3))
        hits = tuple(Hit(name, (1, "x", 0.5), {"s": "bd"}) for name in named)
        frames.append(Played(at, moment, values, hits))
    again = unpack_happenings(pack_happenings(frames), unpack_times(pack_times(frames), len(frames)))
    assert again == frames
    for one, other in zip(again, frames):
        assert repr(sorted(one.values.items())) == repr(sorted(other.values.items())), "types, and −0"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
def test_a_take_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.ganztake")
    with pytest.raises(GanzfeldError, match="a pipe"):
        read_records(tmp_path / "p.ganztake")


def test_a_take_may_be_torn_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.ganztake"
    writer = TakeWriter(path)
    records = [Header(name="night"), Opened(text="x"), Fingerprint("a", "b" * 64), Fingerprint("c", "d" * 64)]
    ends = [writer.bytes]
    for record in records:
        writer.append(record)
        ends.append(writer.bytes)
    writer.close()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length] + b"\0" * (length % 3))
        known = sum(end <= length for end in ends) - 1
        if known >= 0:
            assert read_records(path) == (records[:known], path.stat().st_size - ends[known])
        else:
            with pytest.raises(GanzfeldError, match="not a take"):
                read_records(path)
        if length % 7 == 0 and known >= 0:
            writer = TakeWriter(path)
            writer.append(records[-1])
            writer.close()
            assert read_records(path) == ([*records[:known], records[-1]], 0)
    damaged = bytearray(whole)
    damaged[ends[2] + 20] ^= 1
    path.write_bytes(damaged)
    assert read_records(path)[0] == records[:2], "a bit that fell over ends it"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "diary.ganztake"
    path.write_text("Dear diary")
    with pytest.raises(OSError, match="not a take"):
        TakeWriter(path)
    assert path.read_text() == "Dear diary"
    with pytest.raises(GanzfeldError, match="not a take"):
        Take(path)
    path.write_bytes(MAGIC)
    with pytest.raises(GanzfeldError, match="no frame"):
        Take(path)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs limits of POSIX")
def test_a_full_disk_stops_the_recording_and_never_the_show(
    tmp_path: Path, patch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(recording, "TRY_AGAIN_SECONDS", 0.05)
    night = Night(tmp_path / "full.ganztake", patch)
    recorder = night.recorder
    night.play(3)

    def kept() -> list[int]:
        try:
            return [session.count for session in Take(night.path).sessions]
        except GanzfeldError:
            return []  # what has left the queue may not have reached the file yet

    until(lambda: night.path.exists() and not recorder._queue and kept() == [3])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (night.path.stat().st_size + 40, hard))
    try:
        night.play(3)
        problem = until(lambda: recorder.problem)
        assert "too large" in problem.what or "full" in problem.what
        assert "plays on" in problem.hint
        night.play(30)
        until(lambda: recorder.wants_state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    text = night.text_of(night.engine.patch.version)
    state, clock = night.engine.checkpoint(), night.clock
    recorder.opened(Opened(text=text, checkpoint=state, at=night.at, t=clock.t, beat=clock.beat, bpm=clock.bpm))
    until(lambda: recorder.problem is None)
    night.play(5)
    night.end()
    take = Take(night.path)
    assert take.torn == 0
    assert [session.count for session in take.sessions] == [3, 5]
    shown = np.stack([*night.shown[:3], *night.shown[-5:]])
    assert np.array_equal(replayed(night), shown)


@pytest.mark.skipif(os.name == "nt", reason="files that are open stay there")
def test_a_take_whose_file_is_taken_away_is_told_and_begun_anew(
    tmp_path: Path, patch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.01)
    night = Night(tmp_path / "gone.ganztake", patch)
    night.play(3)
    until(lambda: night.path.exists() and night.path.stat().st_size > 0 and not night.recorder._queue)
    night.path.unlink()
    problem = until(lambda: night.recorder.problem)
    assert "taken away" in problem.what and problem.where.file == str(night.path)
    until(lambda: night.recorder.wants_state)
    night.play(2)  # what is played until a state comes is lost, too
    state, clock = night.engine.checkpoint(whole=True), night.clock
    text = night.text_of(night.engine.patch.version)
    night.recorder.opened(
        Opened(text=text, checkpoint=state, at=night.at, t=clock.t, beat=clock.beat, bpm=clock.bpm, resumed=True)
    )
    night.engine.tell_taken_again()
    until(lambda: night.recorder.problem is None)
    night.play(5)
    night.end()
    assert [session.count for session in Take(night.path).sessions] == [5]
    assert np.array_equal(replayed(night), np.stack(night.shown[-5:]))


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_two_shows_never_write_one_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.01)
    path = tmp_path / "one.ganztake"
    other = (
        "import sys; from pathlib import Path; from ganzfeld.takes.file import TakeWriter\n"
        f"writer = TakeWriter(Path({str(path)!r})); print('writes', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", other], stdin=-1, stdout=-1, text=True) as writing:
        assert writing.stdout is not None and writing.stdout.readline() == "writes\n"
        size = path.stat().st_size
        night = Night(path, "out(noise(), size=(8, 8))")
        night.play(2)
        problem = until(lambda: night.recorder.problem)
        assert "another show" in problem.what
        assert path.stat().st_size == size
        night.end()
        writing.communicate(timeout=20)
    TakeWriter(path).close()


def test_a_recorder_that_fails_never_fails_the_frame(tmp_path: Path) -> None:
    night = Night(tmp_path / "odd.ganztake", "out(noise(), size=(8, 8))")
    night.play(2)
    night.recorder._time = lambda: 1 / 0
    night.play(2)
    assert len(night.shown) == 4
    assert night.recorder.problem is not None


def test_what_differs_is_told(night: Night, tmp_path: Path) -> None:
    take = Take(night.path)
    assert take.differences(torch.device("cpu")) == []
    (tmp_path / "waves.py").write_text("1")
    take.fingerprints = [Fingerprint(str(tmp_path / "waves.py"), "0" * 64), Fingerprint("gone.png", "0" * 64)]
    take.header = msgspec.structs.replace(
        take.header, torch="1.0", device="cuda", device_name="NVIDIA H100", code="0" * 64
    )
    said = "\n".join(take.differences(torch.device("cpu")))
    for part in (
        "torch was 1.0",
        "waves.py is not the same",
        "gone.png is not here",
        "H100",
        "on cuda",
        "own code has changed",
    ):
        assert part in said


# What cannot be looked at again


def take_up(night: Night, tell: Callable[[], None]) -> Any:
    """Have the script node's file read again, beside the show; the script."""
    script = night.engine._playing.built.nodes["b"].script  # type: ignore[union-attr]
    script._fresh = None  # that it waits for permission
    tell()
    until(lambda: script._fresh is not None)
    return script


def test_edits_of_scripts_come_back(tmp_path: Path) -> None:
    script = tmp_path / "shade.py"
    body = "def frame(context, inputs):\n    return inputs.image * {} + 0.001 * context.frame\n"
    script.write_text(body.format(0.2))
    text = f"a = noise()\nb = script({str(script)!r}, image=a)\nout(b, size=(8, 8))"
    night = Night(tmp_path / "scripted.ganztake", text, trusted=False)
    night.play(2)
    assert not isinstance(take_up(night, lambda: night.engine.trust(script))._fresh, Exception), "permission was given"
    night.play(3)
    for number, wait in ((0.6, 2), ("broken(", 1), (0.9, 1)):
        script.write_text(body.format(number))
        take_up(night, lambda: night.engine.notice(script))
        night.play(wait)
    night.end()
    script.write_text(body.format(0.1))
    take = Take(night.path)
    assert len(take.scripts["b"]) == 3
    replay = Replay(take, Timeline(take), device="cpu", trusted=lambda path: True)
    replay.start(replay.timeline.starts(tensors=True)[0])
    for shown in night.shown:
        assert np.array_equal(replay.frame().numpy(), shown)
    replay.close()


def test_modules_beside_a_script_come_back(tmp_path: Path) -> None:
    script, helper, late = tmp_path / "shade.py", tmp_path / "helper.py", tmp_path / "late.py"
    script.write_text(
        "import helper\ndef frame(context, inputs):\n    if context.frame > 3: import late\n"
        "    return inputs.image * helper.shade(context)\n"
    )
    body = "def shade(context): return {} + 0.001 * context.frame\n"
    helper.write_text(body.format(0.2))
    late.write_text("")
    text = f"a = noise()\nb = script({str(script)!r}, image=a)\nout(b, size=(8, 8))"
    night = Night(tmp_path / "scripted.ganztake", text)
    night.play(6)
    for number, wait in ((0.6, 2), ("broken(", 1), (0.9, 1)):
        helper.write_text(body.format(number))
        assert helper in night.engine.watched
        take_up(night, lambda: night.engine.notice(helper))
        night.play(wait)
    night.end()
    helper.unlink()
    late.write_text("raise ValueError")
    take = Take(night.path)
    names = [{name for name, _ in ran.modules} for ran in take.scripts["b"]]
    assert names[:2] == [{"helper.py"}, {"helper.py", "late.py"}]
    replay = Replay(take, Timeline(take), device="cpu", trusted=lambda path: True)
    replay.start(replay.timeline.starts(tensors=True)[0])
    for shown in night.shown:
        assert np.array_equal(replay.frame().numpy(), shown)
    replay.close()
    ran = take.scripts["b"][0]
    assert not ran.is_at(script)
    helper.write_text(body.format(0.2))
    assert ran.is_at(script)
    assert not take.scripts["b"][1].is_at(script), "another module is not as it was then"
    assert not Ran(b"", (("../helper.py", helper.read_bytes()),)).is_at(late.with_name("empty.py"))


def test_a_script_that_was_set_aside_is_so_in_a_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not run again: it would hang again, and longer or shorter than then."""
    monkeypatch.setattr(scripts, "FIRST_SECONDS", 0.3)
    monkeypatch.setattr(scripts, "LATER_SECONDS", 0.3)
    script = tmp_path / "shade.py"
    body = "def frame(context, inputs):\n    while context.frame == {}: pass\n    return inputs.image * {}\n"
    script.write_text(body.format(-1, 0.2))
    text = f"a = noise(tx=t)\nb = script({str(script)!r}, image=a)\nout(b, size=(8, 8))"
    night = Night(tmp_path / "hung.ganztake", text, trusted=True)
    night.play(3)
    script.write_text(body.format(5, 0.5))
    take_up(night, lambda: night.engine.notice(script))
    night.play(6)
    assert night.engine.set_aside, "it hung"
    script.write_text(body.format(-1, 0.7))
    take_up(night, lambda: night.engine.notice(script))
    night.play(3)
    night.end()
    monkeypatch.setattr(scripts, "FIRST_SECONDS", 60.0)
    monkeypatch.setattr(scripts, "LATER_SECONDS", 60.0)
    take = Take(night.path)
    assert len(take.scripts["b"]) == 3
    replay = Replay(take, Timeline(take), device="cpu", trusted=lambda path: True)
    replay.start(replay.timeline.starts(tensors=True)[0])
    for shown in night.shown:
        assert np.array_equal(replay.frame().numpy(), shown)
    replay.close()


def test_hands_beside_recalls_come_back_in_their_order(tmp_path: Path) -> None:
    night = Night(tmp_path / "cues.ganztake", "a = noise(amplitude=0.2)\nout(a, size=(8, 8))")
    engine = night.engine
    night.play()
    engine.set("/a/amplitude", 0.9)
    night.play()
    engine.store("bright")
    for fade in (0.0, 0.1):
        engine.set("/a/amplitude", 0.4)
        engine.outside.hit("/snapshot/recall", "bright", fade)
        night.play(5)
        assert engine.values["/a/amplitude"] == 0.9
        engine.outside.hit("/snapshot/recall", "bright", fade)
        engine.set("/a/amplitude", 0.5)
        night.play()
        engine.outside.hit("/snapshot/release", fade)
        night.play(5)
        engine.outside.hit("/snapshot/recall", "bright", fade)
        engine.set("/a/amplitude", 0.6)
        night.play(5)
        assert engine.values["/a/amplitude"] == 0.6
    night.end()
    assert np.array_equal(replayed(night), np.stack(night.shown))


def test_films_that_came_late_come_back_late(tmp_path: Path) -> None:
    """A show does not wait for a film, so what was seen depends on the machine's mood. A take keeps it."""
    write_film(tmp_path / "film.mkv", 60)
    text = f"a = movie({str(tmp_path / 'film.mkv')!r}, speed=7)\nout(a, size=(16, 16))"
    night = Night(tmp_path / "film.ganztake", text)
    night.play(40)
    time.sleep(0.2)
    night.play(5)
    night.end()
    take = Take(night.path)
    assert take.sessions[0].taken, "no frame came late, although nobody waited"
    assert np.array_equal(replayed(night), np.stack(night.shown))


@pytest.mark.parametrize(("kept", "word"), [(True, "camera(99"), (False, "camera(99"), (True, "ndi('x'")])
def test_what_a_camera_showed_comes_back_if_it_was_kept(tmp_path: Path, kept: bool, word: str) -> None:
    chance = np.random.default_rng(1)
    pictures = chance.integers(0, 256, (8, 24, 32, 4), np.uint8)
    if "camera" in word:
        pictures[..., 3] = 255
    text = f"a = {word}, size=(32, 24))\nout(a)"
    night = Night(tmp_path / "seen.ganztake", text, cameras=kept)
    node: Any = night.engine._playing.built.nodes["a"]  # type: ignore[union-attr]
    for number in (0, 0, 1, 2, 2, 3, 5, 6, 7, 7):
        node.live = SimpleNamespace(newest=lambda shown=pictures[number]: shown, problem=None)
        night.play()
    night.end()
    take = Take(night.path)
    said = "\n".join(take.differences(torch.device("cpu")))
    if kept:
        assert np.array_equal(replayed(night), np.stack(night.shown))
        assert np.array_equal(replayed(night, start=Start(0, 5, None, 5)), np.stack(night.shown)[5:])
        assert "inexact" not in said
    else:
        assert (replayed(night)[..., :3] == 0).all()
        assert "what a showed was not kept" in said


def test_halved_networks_come_back_halved(tmp_path: Path, small_network: Path) -> None:
    text = f"a = network({str(small_network)!r}, latent=noise(tx=t))\nout(a, size=(32, 32))"
    night = Night(tmp_path / "halved.ganztake", text)
    night.play(2)
    night.engine.halve(1)
    night.play(2)
    night.engine.halve(0)
    night.play(1)
    night.end()
    assert np.array_equal(replayed(night), np.stack(night.shown))
    whole = replayed(night, fps=30)
    assert np.array_equal(whole[1], night.shown[1])
    assert not np.array_equal(whole[2], night.shown[2]), "at an even rate there is time enough"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_night_on_a_gpu_comes_back_bit_by_bit(tmp_path: Path, patch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Captured and not, through edits of structure and cross-fades, from its beginning and from kept states."""
    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(recording, "CHECKPOINT_BYTES", float("inf"))
    night = Night(tmp_path / "gpu.ganztake", patch, device="cuda")
    for frame in range(90):
        night.engine.outside.set("/x", frame / 90)
        if frame % 7 == 0:
            night.engine.outside.hit("/drum", "s", "bd")
        if frame == 30:
            night.save(patch.replace("0.8 +", "0.3 +"))
        if frame == 60:
            night.save(patch.replace("out(trail", "mirror = flip(trail, x=True)\nout(mirror"))
        night.play()
        if frame % 10 == 9:
            night.keep()
    night.end()
    shown = np.stack(night.shown)
    assert np.array_equal(replayed(night, device="cuda"), shown)
    for start in Timeline(Take(night.path)).starts(tensors=True)[1:]:
        part = shown[start.first : start.first + 6]
        assert np.array_equal(replayed(night, device="cuda", start=start, count=len(part)), part)


@pytest.mark.parametrize(
    "body",
    [b"\xa3abc", b"\x80", b"\x81\xa4type\x91\x01", b"\x81\xa4type\xa2\xff\xfe", b"\x81\xa2\xff\xfe\x01", b"\xc0"],
)
def test_a_record_with_a_sound_checksum_that_makes_no_sense_is_told(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.ganztake"
    path.write_bytes(MAGIC + struct.pack("<II", len(body), zlib.crc32(body)) + body)
    with pytest.raises(GanzfeldError, match="makes no sense"):
        read_records(path)


def test_a_hole_is_told_and_is_no_replacement(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "a.ganztake"
    writer = TakeWriter(path)
    writer.append(Header())
    for at, resumed in ((100.0, False), (130.0, True), (140.0, False)):
        played = [Played(at + k / 30, clock.advance(1 / 30)) for k in range(30)]
        frames = Frames(30, pack_times(played), pack_happenings(played))
        writer.append(Opened(text="out(noise())", at=at, resumed=resumed), frames)
    writer.close()
    take = Take(path)
    assert take.replacements == 1
    [(begin, seconds)] = take.holes
    assert begin == pytest.approx(29 / 30) and seconds == pytest.approx(30 - 29 / 30)


def test_latents_of_other_programs_are_always_kept(tmp_path: Path, small_network: Path) -> None:
    chance = np.random.default_rng(2)
    text = f"z = shared('x')\na = network({str(small_network)!r}, latent=z)\nout(a, size=(16, 16))"
    night = Night(tmp_path / "led.ganztake", text)
    node: Any = night.engine._playing.built.nodes["z"]  # type: ignore[union-attr]
    rows = chance.normal(size=(5, 16)).astype(np.float32)
    for number in (0, 0, 1, 2, 2, 3, 4):
        node._latents = {16: SimpleNamespace(newest=lambda row=rows[number]: row, problem=None)}
        night.play()
    night.end()
    assert len({shown.tobytes() for shown in night.shown}) == 5
    assert np.array_equal(replayed(night), np.stack(night.shown))
    assert np.array_equal(replayed(night, start=Start(0, 4, None, 4)), np.stack(night.shown)[4:])
    assert "not kept" not in "\n".join(Take(night.path).differences(torch.device("cpu")))
