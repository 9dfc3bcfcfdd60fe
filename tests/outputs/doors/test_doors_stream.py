"""Streams at a real far end: sound in step, key frames, connections that are lost, and keys that nobody sees."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors import stream_thread
from ganzfeld.outputs.doors.keys import StreamKey, read_key
from ganzfeld.outputs.doors.live_stream import ffmpeg_program, parse_address
from ganzfeld.outputs.doors.registry import checked_options, kind_named
from ganzfeld.outputs.doors.route import parse_route
from ganzfeld.values.sound_ring import RATE, SoundWriter
from stream_listener import free_port
from waiting import until

SECRET = "live_4711_geheim"

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")


@pytest.fixture
def show(stage):
    """A show that is white, with a tone, for a tenth of a second every half second, and else grey and silent."""
    show = Show(stage)
    yield show
    show.close()


class Show:
    def __init__(self, stage) -> None:
        self.sound = SoundWriter(stage.store.session)
        self._stage, self._stop = stage, threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        reached = clicked = time.perf_counter()
        while not self._stop.wait(0.005):
            now = time.perf_counter()
            if now - clicked >= 0.5:
                clicked = now
            count = int((now - reached) * RATE)
            since = reached - clicked + np.arange(count) / RATE
            heard = np.where((since >= 0) & (since < 0.1), np.sin(2 * np.pi * 1000 * since), 0).astype(np.float32)
            self.sound.write(np.stack([heard, heard], 1), reached)
            reached += count / RATE
            self._stage.publish((255, 255, 255, 255) if now - clicked < 0.1 else (40, 40, 40, 255))

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.sound.close()


def receive(address: str, into: Path, *options: str, seconds: float = 2.7) -> subprocess.Popen:
    """A far end that keeps what comes, for so long."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *options, "-i", address, "-c", "copy"]
    return subprocess.Popen([*command, "-t", str(seconds), str(into)], stderr=subprocess.DEVNULL)


def ended(process: subprocess.Popen) -> None:
    try:
        process.wait(30)
    finally:
        process.kill()
        process.wait()


def risen(level: np.ndarray, times: np.ndarray) -> np.ndarray:
    """When it became loud, or bright, and had not been for a fifth of a second."""
    rises = times[np.flatnonzero(level[1:] & ~level[:-1]) + 1]
    return rises[np.insert(np.diff(rises) > 0.2, 0, True)] if len(rises) else rises


def test_a_far_end_that_says_nothing_is_waited_for(stage, show):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        name = stage.doors.open(f"stream:rtmp://127.0.0.1:{port}/live")
        until(lambda: stage.status(name).state == "waiting")
        assert f"an answer of 127.0.0.1:{port}" in stage.status(name).note
        assert stage.status(name).shown == 0


@needs_ffmpeg
def test_rtmp_has_pictures_sound_and_key_frames_and_shows_its_key_to_nobody(stage, show, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GANZFELD_TEST_KEY", SECRET)
    port, film = free_port(), tmp_path / "kept.flv"
    address = f"rtmp://127.0.0.1:{port}/live"
    name = stage.doors.open(f"stream:{address},key=env:GANZFELD_TEST_KEY,bitrate=400,preset=ultrafast")
    until(lambda: stage.status(name).restarts >= 1)  # nobody listens yet
    said = repr(stage.doors.statuses())
    assert f"127.0.0.1:{port}" in (stage.status(name).problem or stage.status(name)).__repr__()
    listener = receive(f"{address}/{SECRET}", film, "-listen", "1", "-timeout", "25", "-analyzeduration", "500000")
    try:
        until(lambda: stage.status(name).state == "open" and stage.status(name).shown > 5)
        said += repr(stage.doors.statuses())
        line = " ".join(psutil.Process(stage.doors.pid(name)).cmdline())
        ended(listener)
    finally:
        ended(listener)
    assert SECRET not in said + line + caplog.text
    keys, bright, at, loud = [], [], [], []
    with av.open(str(film)) as container:
        for packet in container.demux(video=0):
            if packet.is_keyframe and packet.pts is not None:
                keys.append(float(packet.pts * packet.time_base))
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            bright.append(frame.to_ndarray(format="gray").mean() > 140)
            at.append(frame.time)
    with av.open(str(film)) as container:
        blocks = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
        loud = np.concatenate([np.abs(block) > 0.2 for _, block in blocks])
        heard_at = np.concatenate([start + np.arange(len(block)) / RATE for start, block in blocks])
    assert len(keys) >= 2
    assert np.allclose(np.diff(keys), 2.0, atol=0.4)
    times = np.array(at)
    assert np.median(np.diff(times)) == pytest.approx(1 / 30, abs=0.003)
    seen, heard = risen(np.array(bright), times), risen(loud, heard_at)
    assert len(seen) >= 3, seen
    pairs = [min(abs(heard - each)) for each in seen[1:-1]]
    assert max(pairs) < 0.12


@needs_ffmpeg
def test_a_lost_far_end_is_found_again(stage, show, tmp_path, monkeypatch):
    port = free_port()
    name = stage.doors.open(f"stream:rtmp://127.0.0.1:{port}/live,bitrate=400,preset=ultrafast")
    for number in range(2):
        film = tmp_path / f"{number}.flv"
        quick = ("-listen", "1", "-timeout", "25", "-analyzeduration", "500000")
        listener = receive(f"rtmp://127.0.0.1:{port}/live", film, *quick, seconds=0.5)
        try:
            ended(listener)
        finally:
            ended(listener)
        assert film.stat().st_size > 1000
    until(lambda: stage.status(name).restarts >= 1)


@needs_ffmpeg
@pytest.mark.skipif(not ffmpeg_program(), reason="the program ffmpeg has no SRT")
def test_srt_is_encrypted_and_the_passphrase_stands_in_no_list_of_processes(stage, show, tmp_path, monkeypatch):
    key = tmp_path / "srt.key"
    key.write_text(f"{SECRET}\n")
    key.chmod(0o600)
    port, film = free_port(), tmp_path / "kept.ts"
    address = f"srt://127.0.0.1:{port}?mode=listener&passphrase={SECRET}"
    listener = receive(address, film, "-analyzeduration", "1000000", seconds=1)
    try:
        name = stage.doors.open(f"stream:srt://127.0.0.1:{port},key=file:{key},bitrate=400,preset=ultrafast")
        until(lambda: stage.status(name).shown > 10)
        door = psutil.Process(stage.doors.pid(name))
        lines = [" ".join(process.cmdline()) for process in [door, *door.children(recursive=True)]]
        assert any("ffmpeg" in line for line in lines)
        assert not any(SECRET in line for line in lines)
        ended(listener)
    finally:
        ended(listener)
    with av.open(str(film)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
    stage.doors.close_door(name)
    until(lambda: not door.is_running())


@pytest.mark.parametrize(
    ("text", "has_key", "word"),
    [
        ("", False, "begins with"),
        ("file:///etc/passwd", False, "begins with"),
        ("http://127.0.0.1/x", False, "begins with"),
        (f"rtmp://live.example/app/{SECRET}", False, "key"),
        (f"rtmp://user:{SECRET}@live.example/app", True, "passwords"),
        ("rtmp://live.example", False, "application"),
        (f"srt://10.0.0.1:9000?passphrase={SECRET}", False, "passphrase"),
        ("udp://10.0.0.1", False, "port"),
        ("udp://10.0.0.1:5000", True, "no key"),
        ("udp://10.0.0.1:99999", False, "no address"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text, has_key, word):
    with pytest.raises(ValueError, match=word) as caught:
        parse_address(text, has_key)
    assert SECRET not in str(caught.value)


def test_a_key_in_the_open_is_refused():
    with pytest.raises(OutputError) as caught:
        parse_route(f"stream:rtmp://live.example/app,key={SECRET}")
    assert SECRET not in caught.value.what
    options = {"target": "rtmp://live.example/app", "key": "env:SOME"}
    assert checked_options(kind_named("stream"), options).key == "env:SOME"


def test_keys_are_read_where_they_are_and_hidden_everywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", f" {SECRET}\n")
    key = read_key("env:SOME_KEY")
    assert key.reveal() == SECRET
    assert SECRET not in f"{key} {key!r} {key.hidden(f'rtmp://a/{SECRET}: refused')}"
    path = tmp_path / "key"
    path.write_text(SECRET)
    path.chmod(0o644)
    with pytest.raises(OutputError, match="others may read"):
        read_key(f"file:{path}")
    path.chmod(0o600)
    assert read_key(f"file:{path}").reveal() == SECRET
    for place in ("env:NO_SUCH_KEY", f"file:{tmp_path / 'no'}", "pigeon:home", f"file:{tmp_path}"):
        with pytest.raises(OutputError):
            read_key(place)
    path.write_bytes(b"two words")
    with pytest.raises(OutputError, match="no key"):
        read_key(f"file:{path}")
    assert read_key("").reveal() == ""
    assert isinstance(key, StreamKey)


class Slow:
    """A connection that takes what a test lets it take."""

    size, has_sound = (4, 4), True

    def __init__(self) -> None:
        self.may, self.took, self.closed = threading.Event(), [], False

    def write(self, pixels: np.ndarray, place: int) -> None:
        assert self.may.wait(30)
        self.took.append(place)

    def write_sound(self, samples: np.ndarray) -> None:
        raise ValueError(f"rtmp://a/{SECRET}")

    def close(self) -> None:
        self.closed = True


def test_a_far_end_that_takes_nothing_is_lost_and_nobody_waits_for_it(monkeypatch):
    monkeypatch.setattr(stream_thread, "STUCK_SECONDS", 0.05)
    monkeypatch.setattr(stream_thread, "CLOSE_SECONDS", 0.1)
    slow = Slow()
    stream = stream_thread.StreamThread(lambda: slow, "a.example")
    until(lambda: stream.began)
    stream.check()
    picture = np.zeros((4, 4, 4), np.uint8)
    until(lambda: not stream.offer(picture, stream.place + 1))
    assert stream.place <= stream_thread.MOST_WAITING + 1
    with pytest.raises(OutputError, match="taken nothing"):
        until(lambda: stream.check())
    slow.may.set()
    until(lambda: len(slow.took) == stream.place + 1)
    stream.check()
    assert slow.took == sorted(slow.took)
    stream.close()
    until(lambda: slow.closed)


def test_what_fails_in_a_connection_is_told_without_its_key(monkeypatch):
    slow = Slow()
    stream = stream_thread.StreamThread(lambda: slow, "a.example")
    until(lambda: stream.began)
    stream.offer_sound(np.zeros((4, 2), np.float32))
    with pytest.raises(OutputError, match=r"a\.example failed: ValueError") as caught:
        until(lambda: stream.check())
    assert SECRET not in str(caught.value)
    monkeypatch.setattr(stream_thread, "CONNECT_SECONDS", 0.05)
    never = threading.Event()
    stream = stream_thread.StreamThread(lambda: never.wait(30) and slow, "a.example")
    with pytest.raises(OutputError, match="taken nothing"):
        until(lambda: stream.check())
    never.set()
    stream.close()
