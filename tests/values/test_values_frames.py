"""Frames between real processes: hammered, killed, resized, and everything cleaned up at the end."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from ganzfeld.errors import OutputError
from ganzfeld.values import frames
from ganzfeld.values.frames import LONGEST_NAME, MOST_OUTPUTS, FrameReader, FrameStore, FrameWriter

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def store():
    store = FrameStore()
    yield store
    store.close()
    assert blocks(store.session) == []


def blocks(session: str) -> list[str]:
    """What is left of a session in the system (Linux)."""
    folder = Path("/dev/shm")
    return sorted(path.name for path in folder.glob(f"{session}*")) if folder.exists() else []


def paint(pixels: np.ndarray, frame: int) -> None:
    """Noise that depends on the frame and carries its own checksum in the first pixel."""
    pixels[:] = np.random.default_rng(frame).integers(0, 256, pixels.shape, np.uint8)
    pixels[0, 0] = np.frombuffer(zlib.crc32(pixels.reshape(-1)[4:]).to_bytes(4, "little"), np.uint8)


def is_whole(pixels: np.ndarray) -> bool:
    return bytes(pixels[0, 0]) == zlib.crc32(pixels.reshape(-1)[4:]).to_bytes(4, "little")


def solid(value: int):
    return lambda pixels: pixels.fill(value)


def hammer(session: str, sizes: list[tuple[int, int]], first: int, count: int | None) -> None:
    """Publish as fast as possible, now and then at another size; for ever if `count` is None."""
    writer = FrameWriter(session)
    frame = first
    while count is None or frame < first + count:
        width, height = sizes[frame // 40 % len(sizes)]
        writer.publish("out", width, height, lambda pixels, n=frame: paint(pixels, n), frame=frame, t=frame / 60)
        writer.beat()
        frame += 1
    writer.close()


def look(session: str, pipe) -> None:
    """Read as fast as possible until told to stop; report (frames seen, torn, out of order, newest)."""
    reader = FrameReader(session, "out")
    seen = torn = disorder = newest = 0
    pipe.send("ready")
    while not pipe.poll():
        frame = reader.wait(newest, timeout=0.05)
        if frame is None:
            continue
        seen += 1
        torn += not is_whole(frame.pixels)
        disorder += frame.number <= newest
        newest = frame.number
    reader.close()
    pipe.send((seen, torn, disorder, newest))


def test_processes_hammer_and_no_frame_is_torn(store):
    sizes = [(64, 48), (160, 90)]
    looking = []
    for _ in range(2):
        mine, theirs = spawn.Pipe()
        process = spawn.Process(target=look, args=(store.session, theirs), daemon=True)
        process.start()
        looking.append((process, mine))
    for _, pipe in looking:
        assert pipe.recv() == "ready"
    here = FrameReader(store.session, "out")

    first = spawn.Process(target=hammer, args=(store.session, sizes, 0, None), daemon=True)
    first.start()
    assert here.wait(600, timeout=30) is not None  # long enough for readers that share two cores with the writer
    first.kill()  # in the middle of whatever it does
    first.join()
    before = here.latest()
    assert before is not None
    assert is_whole(before.pixels)

    second = spawn.Process(target=hammer, args=(store.session, sizes, 10_000, 200), daemon=True)
    second.start()
    after = here.wait(before.number + 100, timeout=30)
    second.join(30)
    assert second.exitcode == 0
    assert after is not None
    assert after.frame >= 10_000
    last = here.wait(before.number + 199, timeout=30)
    assert last is not None
    assert last.frame == 10_199
    for process, pipe in looking:
        pipe.send("stop")
        seen, torn, disorder, newest = pipe.recv()
        process.join(10)
        assert (torn, disorder) == (0, 0)
        assert seen > 20
        assert newest <= last.number
    here.close()


def test_readers_keep_the_last_frame_and_take_the_newest(store):
    writer, reader = FrameWriter(store.session), FrameReader(store.session, "out")
    assert reader.latest() is None
    assert reader.wait(timeout=0.01) is None
    for number in range(1, 8):
        assert writer.publish("out", 4, 2, solid(number), frame=number, t=number / 60) == number
    frame = reader.latest()
    assert frame is not None
    assert (frame.number, frame.frame, frame.t, frame.pixels.shape) == (7, 7, 7 / 60, (2, 4, 4))
    assert abs(frame.wall - time.time()) < 60
    assert reader.latest() is frame, "nothing new: nothing copied"
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0] = 0
    writer.close()
    assert reader.wait(7, timeout=0.01) is None
    reader.close()
    assert reader.latest() is frame


def test_a_new_size_goes_on_counting_and_leaves_nothing_behind(store):
    writer, reader = FrameWriter(store.session), FrameReader(store.session, "out")
    for number, (width, height) in enumerate([(4, 2), (8, 8), (4, 2), (1, 1)], start=1):
        assert writer.publish("out", width, height, solid(number), frame=number, t=0) == number
        frame = reader.wait(number - 1)
        assert frame is not None
        assert frame.pixels.shape == (height, width, 4)
        assert (frame.pixels == number).all()
    if blocks(store.session):
        assert blocks(store.session) == [store.session, f"{store.session}-0-4"]
    writer.close()
    reader.close()


def test_a_size_that_is_prepared_is_taken_up(store):
    """It is opened once, before it is wanted; one that is not wanted after all goes."""
    opened, closed = [], []

    def opening(ring):
        opened.append((ring.width, ring.height))
        return lambda: None

    def closing(ring):
        closed.append((ring.width, ring.height))
        ring.close()

    writer, reader = FrameWriter(store.session, opened=opening, closing=closing), None
    writer.prepare({"out": (8, 8)})  # an output that nobody has heard of is made when it comes
    writer.publish("out", 4, 4, solid(1), frame=1, t=0)
    reader = FrameReader(store.session, "out")
    writer.prepare({"out": (4, 4), "other": (9, 9)})
    assert opened == [(4, 4)]
    writer.prepare({"out": (6, 5)})
    writer.prepare({"out": (7, 5)})
    assert (opened, closed) == ([(4, 4), (6, 5), (7, 5)], [(6, 5)])
    writer.publish("out", 4, 4, solid(2), frame=2, t=0)
    assert (reader.latest().number, reader.latest().pixels[0, 0, 0]) == (2, 2)
    writer.publish("out", 7, 5, solid(3), frame=3, t=0)
    assert (reader.latest().number, reader.latest().pixels.shape) == (3, (5, 7, 4))
    assert (len(opened), closed) == (3, [(6, 5), (4, 4)])
    writer.prepare({"out": (3, 3)})
    writer.publish("out", 2, 2, solid(4), frame=4, t=0)  # it was not that size
    assert (reader.latest().number, reader.latest().pixels.shape) == (4, (2, 2, 4))
    writer.prepare({"out": (3, 3)})
    reader.close(), writer.close()
    assert opened[3:] == [(3, 3), (2, 2), (3, 3)] and sorted(opened) == sorted(closed)


def test_preparing_beside_frames_costs_none_of_them(store):
    sizes = [(8, 6), (10, 4), (6, 9)]
    writer, over = FrameWriter(store.session), threading.Event()
    writer.publish("out", *sizes[0], solid(0), frame=0, t=0)
    reader = FrameReader(store.session, "out")

    def prepare() -> None:
        for turn in itertools.count():
            if over.is_set():
                return
            writer.prepare({"out": sizes[turn % 2]})

    thread = threading.Thread(target=prepare)
    thread.start()
    try:
        for frame in range(1, 400):
            width, height = sizes[frame // 3 % 3]
            writer.publish("out", width, height, solid(frame % 256), frame=frame, t=0)
            newest = reader.latest()
            assert (newest.number, newest.pixels.shape) == (frame + 1, (height, width, 4))
            assert (newest.pixels == frame % 256).all()
    finally:
        over.set()
        thread.join()
    reader.close(), writer.close()


def test_the_next_writer_goes_on_in_the_same_ring(store):
    reader = FrameReader(store.session, "out")
    for number in range(1, 4):
        writer = FrameWriter(store.session)
        assert writer.publish("out", 4, 4, solid(number), frame=0, t=0) == number
        writer.close()
    frame = reader.latest()
    assert frame is not None
    assert frame.number == 3
    if blocks(store.session):
        assert blocks(store.session) == [store.session, f"{store.session}-0-1"]
    reader.close()


@pytest.mark.parametrize("is_another_writer", [False, True])
def test_without_memory_for_a_new_size_pictures_go_out_in_the_one_before(store, monkeypatch, is_another_writer):
    writer = FrameWriter(store.session)
    writer.publish("out", 4, 2, solid(1), frame=1, t=0.0)
    if is_another_writer:  # the one before was killed
        writer.close()
        writer = FrameWriter(store.session)
    reader = FrameReader(store.session, "out")
    create, now = frames.Ring.create, [100.0]
    asked: list[str] = []

    def no_memory(name, *_, **__):
        asked.append(name)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(frames.Ring, "create", no_memory)
    monkeypatch.setattr(frames.time, "monotonic", lambda: now[0])

    def left_and_right(pixels: np.ndarray) -> None:
        assert pixels.shape == (60, 80, 4)
        pixels[:, :40], pixels[:, 40:] = 10, 20

    for frame in (2, 3):
        assert writer.publish("out", 80, 60, left_and_right, frame=frame, t=0.0) == frame
    assert reader.latest().pixels[..., 0].tolist() == [[10, 10, 20, 20]] * 2
    assert writer.problem is not None and "No space left" in writer.problem.what and "4 × 2" in writer.problem.hint
    assert len(asked) == 1, "not for every frame"
    with pytest.raises(OutputError, match="No space left"):
        writer.publish("new", 80, 60, solid(1), frame=4, t=0.0)  # no picture was ever this output's
    monkeypatch.setattr(frames.Ring, "create", create)
    now[0] += 10
    assert writer.publish("out", 80, 60, left_and_right, frame=5, t=0.0) == 4
    assert writer.problem is None and reader.latest().pixels.shape == (60, 80, 4)
    reader.close(), writer.close()


def test_a_fill_that_fails_publishes_nothing(store):
    writer, reader = FrameWriter(store.session), FrameReader(store.session, "out")
    writer.publish("out", 4, 4, solid(1), frame=0, t=0)

    def fail(pixels: np.ndarray) -> None:
        pixels[:2] = 9
        raise RuntimeError("the device is gone")

    for _ in range(10):
        with pytest.raises(RuntimeError, match="device"):
            writer.publish("out", 4, 4, fail, frame=1, t=0)
    frame = reader.latest()
    assert frame is not None
    assert (frame.pixels == 1).all()
    assert writer.publish("out", 4, 4, solid(2), frame=2, t=0) == 2
    writer.close()
    reader.close()


def test_several_outputs(store):
    writer = FrameWriter(store.session)
    names = ["out", "wall/left", "Bühne", "x" * LONGEST_NAME]
    for index, name in enumerate(names):
        writer.publish(name, 2 + index, 3, solid(index), frame=0, t=0)
    assert store.outputs() == names
    writer.announce(frozenset(["out", "Bühne"]))
    assert store.outputs() == ["out", "Bühne"]
    for index, name in enumerate(names):
        reader = FrameReader(store.session, name)
        frame = reader.latest()
        assert frame is not None
        assert frame.pixels.shape == (3, 2 + index, 4)
        reader.close()
    with pytest.raises(OutputError, match="bytes"):
        writer.publish("x" * (LONGEST_NAME + 1), 2, 2, solid(0), frame=0, t=0)
    for index in range(MOST_OUTPUTS - len(names)):
        writer.publish(f"more {index}", 2, 2, solid(0), frame=0, t=0)
    with pytest.raises(OutputError, match="more than"):
        writer.publish("one too many", 2, 2, solid(0), frame=0, t=0)
    with pytest.raises(OutputError, match="16384"):
        writer.publish("out", 100_000, 2, solid(0), frame=0, t=0)
    writer.close()


def test_beats_are_seen(store):
    writer = FrameWriter(store.session)
    writer.beat()
    writer.beat()
    assert store.beats == 2
    writer.close()


def test_no_session():
    with pytest.raises(FileNotFoundError):
        FrameReader("gznothere", "out")
    with pytest.raises(FileNotFoundError):
        FrameWriter("gznothere")


def test_a_reader_in_a_strange_process_takes_nothing_with_it(store):
    """It has a resource tracker of its own, which must not remove our memory when that process ends."""
    writer = FrameWriter(store.session)
    writer.publish("out", 4, 4, solid(5), frame=0, t=0)
    code = (
        "import sys; from ganzfeld.values.frames import FrameReader\n"
        "frame = FrameReader(sys.argv[1], 'out').latest(); print(frame.pixels.sum())"
    )
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", code, store.session],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert (result.stdout.strip(), result.stderr.strip(), result.returncode) == ("320", "", 0)
    writer.close()


OWNER = """
import sys, time
from ganzfeld.values.frames import FrameStore, FrameWriter
store = FrameStore()
writer = FrameWriter(store.session)
writer.publish("out", 64, 64, lambda pixels: pixels.fill(1), frame=0, t=0)
print(store.session, flush=True)
if sys.argv[1] == "close":
    writer.close()
    store.close()
else:
    time.sleep(60)
"""


@pytest.mark.skipif(not Path("/dev/shm").exists(), reason="looks into Linux's /dev/shm")
@pytest.mark.parametrize("end", ["close", "kill"])
def test_the_owner_leaves_nothing(end):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, end], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stderr is not None
    session = process.stdout.readline().strip()
    assert session
    if end == "kill":
        assert blocks(session)
        process.kill()
    process.wait(20)
    deadline = time.monotonic() + 20
    while blocks(session) and time.monotonic() < deadline:
        time.sleep(0.02)  # the resource tracker is a process of its own
    assert blocks(session) == []
    if end == "close":
        assert process.stderr.read() == ""
    process.stdout.close()
    process.stderr.close()
