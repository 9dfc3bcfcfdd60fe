"""The ring of sound: samples at their times, in another process too."""

from __future__ import annotations

import multiprocessing
import secrets

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.values import sound_ring
from ganzfeld.values.sound_ring import HELD, RATE, SoundReader, SoundWriter, sound_name

NOW = 1000.0
"""A time of the clock, in seconds."""


@pytest.fixture
def session():
    return f"gzt{secrets.token_hex(4)}"


@pytest.fixture
def writer(session):
    writer = SoundWriter(session)
    yield writer
    writer.close()


@pytest.fixture
def reader(session, writer):
    reader = SoundReader(session)
    yield reader
    reader.close()


def ramp(begin: int, count: int) -> np.ndarray:
    """Sound that says which sample it is."""
    samples = np.arange(begin, begin + count) % 4096 / 4096
    return np.stack([samples, -samples], axis=1).astype(np.float32)


def test_samples_lie_at_their_times(writer, reader):
    begin = round(NOW * RATE)
    assert (reader.written, reader.read(begin, 0)) == (0, None)
    for block in range(3 * HELD // 8192):
        place = begin + 8192 * block
        writer.write(ramp(place, 8192), place / RATE)
    assert reader.written == begin + 3 * HELD
    assert reader.sample_at(int((NOW + 1.5) * 1e9)) == begin + 1.5 * RATE
    last = reader.read(reader.written - 5000, 5000)
    assert (last == ramp(reader.written - 5000, 5000)).all()
    assert reader.read(reader.written - 4999, 5000) is None
    across = reader.read(reader.written - HELD - 10, 20)
    assert (across[:10] == 0).all()
    assert (across[10:] == ramp(reader.written - HELD, 10)).all()
    with pytest.raises(ValueError, match="at once"):
        reader.read(0, HELD)


def test_a_gap_is_silent_and_what_was_there_is_not_written_twice(writer, reader):
    begin = round(NOW * RATE)
    writer.write(ramp(begin, 1000), NOW)
    late = begin + RATE
    writer.write(ramp(late, 1000), late / RATE)
    assert (reader.read(begin + 1000, RATE - 1000) == 0).all()
    assert (reader.read(late, 1000) == ramp(late, 1000)).all()
    back = late + 1000 - round(0.2 * RATE)
    writer.write(ramp(back, RATE), back / RATE)
    assert reader.written == back + RATE
    assert (reader.read(late, 1000) == ramp(late, 1000)).all()
    assert (reader.read(late + 1000, 500) == ramp(late + 1000, 500)).all()
    writer.write(ramp(begin, 10), NOW)
    assert reader.written == back + RATE, "a clock that jumped back a minute waits"
    far = begin + 40 * RATE
    writer.write(ramp(far, 10), far / RATE)
    assert (reader.read(far - HELD // 2, HELD // 2) == 0).all()


@pytest.mark.parametrize("speed", [0.999, 1.0, 1.001])
def test_a_drifting_crystal_is_kept_in_step(writer, reader, speed):
    block = 480
    for number in range(6000):  # a minute
        writer.write(ramp(0, block), NOW + number * block / RATE / speed)
    should = round((NOW + 6000 * block / RATE / speed) * RATE)
    assert abs(reader.written - should) <= (sound_ring.TOLERANCE_SECONDS + 0.001) * RATE


@settings(max_examples=60, deadline=None)
@given(blocks=st.lists(st.tuples(st.integers(0, 700), st.floats(-0.5, 3)), max_size=30))
def test_whatever_comes_it_is_never_longer_than_its_time(blocks):
    session = f"gzt{secrets.token_hex(4)}"
    writer = SoundWriter(session)
    reader = SoundReader(session)
    try:
        at, latest = NOW, 0.0
        for count, later in blocks:
            at += later
            before = reader.written
            writer.write(np.ones((count, 2), np.float32), at)
            latest = max(latest, at + count / RATE) if count else latest
            assert reader.written >= before
            assert reader.written <= (latest + sound_ring.JUMP_SECONDS + 0.02) * RATE
    finally:
        reader.close()
        writer.close()


def listen(session: str, pipe) -> None:
    reader = SoundReader(session)
    pipe.send("ready")
    first, count = pipe.recv()
    samples = None
    while samples is None:
        samples = reader.read(first, count)
    pipe.send(samples.tobytes())
    reader.close()


def test_another_process_hears_it(session, writer):
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    process = spawn.Process(target=listen, args=(session, theirs), daemon=True)
    process.start()
    assert mine.recv() == "ready"
    begin = round(NOW * RATE)
    mine.send((begin, 4000))
    for block in range(4):
        writer.write(ramp(begin + 1000 * block, 1000), NOW + 1000 * block / RATE)
    assert mine.recv() == ramp(begin, 4000).tobytes()
    process.join(10)


def test_no_ring_no_sound(session):
    with pytest.raises(FileNotFoundError):
        SoundReader(session)
    writer = SoundWriter(session)
    writer.close()
    writer.write(ramp(0, 10), NOW)
    with pytest.raises(FileNotFoundError):
        SoundReader(session)
    assert sound_name(session) == f"{session}-sound"
