"""The slot protocol in one process: every interleaving that hypothesis can think of, with a clock that it moves."""

from __future__ import annotations

import secrets

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ganzfeld.values import frame_slots
from ganzfeld.values.frame_slots import LEASE_SECONDS, READERS, SLOTS, Ring, RingReader, RingWriter
from ganzfeld.values.shared_memory import unlink
from slot_frames import HEIGHT, WIDTH, ink, publish


@pytest.fixture
def ring():
    ring = Ring.create(f"gzt{secrets.token_hex(4)}", WIDTH, HEIGHT)
    yield ring
    unlink(ring.name)
    ring.close()


class Protocol(RuleBasedStateMachine):
    """One writer (which may be killed in the middle of a frame) and three readers (which may die or hang)."""

    @initialize()
    def start(self) -> None:
        self.time = 100.0
        self.ring = Ring.create(f"gzt{secrets.token_hex(4)}", WIDTH, HEIGHT)
        self.writer = RingWriter(self.ring, now=self.now)
        self.writing: int | None = None
        self.readers = [RingReader(self.ring, now=self.now) for _ in range(3)]
        self.held: dict[int, tuple] = {}
        self.left_behind: list[tuple] = []  # leases of readers that died

    def now(self) -> float:
        return self.time

    def teardown(self) -> None:
        if hasattr(self, "ring"):
            unlink(self.ring.name)
            self.ring.close()

    @precondition(lambda self: self.writing is None)
    @rule()
    def begin(self) -> None:
        leases = [*self.held.values(), *self.left_behind]
        leased = {frame.number for frame, since in leases if since >= self.time - LEASE_SECONDS} | {self.ring.newest}
        self.writing = self.writer.begin()
        if self.writing is None:
            assert len(leased) >= SLOTS
        else:
            assert all(self.holds(number) for number in leased if number)
            self.ring.pixels(self.writing)[: HEIGHT // 2] = ink(self.ring.newest + 1)

    def holds(self, number: int) -> bool:
        """Whether some slot's sequence says that it holds this frame."""
        return any(self.ring.words[self.ring.sequence_word(slot)] == 2 * number for slot in range(SLOTS))

    @precondition(lambda self: self.writing is not None)
    @rule()
    def commit(self) -> None:
        number = self.ring.newest + 1
        self.ring.pixels(self.writing)[:] = ink(number)
        assert self.writer.commit(self.writing, frame=number, t=0.0, wall=0.0) == number
        self.writing = None

    @rule()
    def kill_writer(self) -> None:
        self.writer, self.writing = RingWriter(self.ring, now=self.now), None

    @rule(index=st.integers(0, 2))
    def take(self, index: int) -> None:
        if index in self.held:
            return
        frame = self.readers[index].take()
        assert (frame is None) == (self.ring.newest == 0)
        if frame is not None:
            assert frame.number == self.ring.newest
            self.held[index] = (frame, self.time)

    @rule(index=st.integers(0, 2))
    def done(self, index: int) -> None:
        if index not in self.held:
            return
        frame, since = self.held.pop(index)
        whole = bool((frame.pixels == ink(frame.number)).all())
        said = self.readers[index].done()
        assert whole or not said, "a torn frame was called whole"
        if since >= self.time - LEASE_SECONDS:
            assert said, "a leased frame was overwritten"

    @rule(index=st.integers(0, 2))
    def kill_reader(self, index: int) -> None:
        if index in self.held:
            self.left_behind.append(self.held.pop(index))
        self.readers[index] = RingReader(self.ring, now=self.now)

    @rule(index=st.integers(0, 2))
    def read(self, index: int) -> None:
        if index not in self.held:
            frame = self.readers[index].read()
            assert (frame is None) == (self.ring.newest == 0)
            assert frame is None or (frame.pixels == ink(frame.number)).all()

    @rule(seconds=st.sampled_from([0.3, LEASE_SECONDS, 20.0]))
    def wait(self, seconds: float) -> None:
        self.time += seconds

    @invariant()
    def newest_is_whole(self) -> None:
        if hasattr(self, "ring") and self.ring.newest:
            slot = self.ring.words[8] & 15
            assert (self.ring.pixels(slot) == ink(self.ring.newest)).all()


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@settings(max_examples=80, deadline=None)
@given(
    between=st.lists(st.lists(st.sampled_from(["publish", "expire", "begin"]), max_size=6), max_size=8),
    before=st.integers(0, 6),
)
def test_a_read_is_whole_whatever_the_writer_does_at_each_step(between, before):
    """`fence` marks the steps of the protocol: there the writer strikes, while the reader is in the middle."""
    clock = [0.0]
    ring = Ring.create(f"gzt{secrets.token_hex(4)}", WIDTH, HEIGHT)
    try:
        writer, reader = RingWriter(ring, now=lambda: clock[0]), RingReader(ring, now=lambda: clock[0])
        for _ in range(before):
            publish(writer)
        moves, busy = iter(between), [False]

        def strike() -> None:
            if busy[0]:
                return
            busy[0] = True
            for move in next(moves, ()):
                if move == "publish":
                    publish(writer)
                elif move == "begin" and (slot := writer.begin()) is not None:
                    ring.pixels(slot)[:1] = 255  # and is killed
                elif move == "expire":
                    clock[0] += 2 * LEASE_SECONDS
            busy[0] = False

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(frame_slots, "fence", strike)
            frame = reader.read()
        assert frame is not None or before == 0
        if frame is not None:
            assert (frame.pixels == ink(frame.number)).all()
            assert frame.frame == frame.number
    finally:
        unlink(ring.name)
        ring.close()


def test_a_frame_overwritten_after_its_lease_is_known_as_torn(ring):
    clock = [0.0]
    writer, reader = RingWriter(ring, now=lambda: clock[0]), RingReader(ring, now=lambda: clock[0])
    publish(writer)
    assert reader.take() is not None
    clock[0] += LEASE_SECONDS + 0.01
    for _ in range(SLOTS):
        publish(writer)
    assert not reader.done()
    assert not reader.done()
    assert reader.read() is not None


def test_readers_that_died_block_the_writer_for_a_second_at_most(ring):
    clock = [0.0]
    writer = RingWriter(ring, now=lambda: clock[0])
    for _ in range(SLOTS):
        publish(writer)
        RingReader(ring, now=lambda: clock[0]).take()  # and is never heard of again
    assert publish(writer) is None
    assert writer.dropped == 1
    clock[0] += LEASE_SECONDS + 0.01
    assert publish(writer) == SLOTS + 1


def test_more_readers_than_rows_still_read(ring):
    writer = RingWriter(ring)
    publish(writer)
    readers = [RingReader(ring) for _ in range(READERS + 3)]
    for reader in readers:
        frame = reader.read()
        assert frame is not None
        assert (frame.pixels == ink(1)).all()
    for reader in readers:
        reader.close()
    assert all(ring.words[ring.row_word(row)] == 0 for row in range(READERS))


def test_two_readers_that_took_the_same_row_notice(ring):
    writer, one, two = RingWriter(ring), RingReader(ring), RingReader(ring)
    publish(writer)
    assert one.take() is not None
    ring.words[ring.row_word(0)] = two._token  # the race that claiming without an atomic exchange allows
    two._row = 0
    assert two.read() is not None
    assert one.done()
    assert one.take() is not None
    assert one._row == 1


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (20000, 5), (-1, 5)])
def test_impossible_sizes(size):
    with pytest.raises(ValueError, match="cannot be shared"):
        Ring.create(f"gzt{secrets.token_hex(4)}", *size)


def test_pixels_are_apart(ring):
    for slot in range(SLOTS):
        ring.pixels(slot)[:] = slot + 1
    for slot in range(SLOTS):
        assert np.unique(ring.pixels(slot)).tolist() == [slot + 1]
    assert ring.words[3:5].tolist() == [WIDTH, HEIGHT]
