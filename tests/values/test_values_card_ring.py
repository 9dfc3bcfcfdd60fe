"""A ring on a card: who is alive keeps what it holds, however long."""

from __future__ import annotations

import secrets

import pytest

from ganzfeld.values.card_ring import CardRing, CardRingWriter
from ganzfeld.values.frame_slots import LEASE_SECONDS
from ganzfeld.values.shared_memory import unlink

HANDLE, UUID = bytes(range(64)), bytes(range(100, 116))


@pytest.fixture
def ring():
    name = f"gc-{secrets.token_hex(4)}-0-1"
    ring = CardRing.on_card(
        name,
        6,
        4,
        slots=4,
        stride=512,
        size=2048,
        handle=HANDLE,
        uuid=UUID,
        kind=("BGRA", "premultiplied", "bottom"),
        last_number=41,
    )
    yield ring
    ring.close()
    unlink(name)


def row_of(ring: CardRing, pid: int, lease: int, since: float) -> int:
    word = ring.row_word(3)
    ring.words[word + 4] = pid
    ring.floats[word + 2] = since
    ring.words[word + 1] = lease
    ring.words[word] = 99
    return word


def test_others_read_what_was_written(ring):
    other = CardRing.attach(ring.name)
    assert (other.width, other.height, other.slots, other.stride, other.size) == (6, 4, 4, 512, 2048)
    assert (other.order, other.format.alpha, other.origin) == ("BGRA", "premultiplied", "bottom")
    assert (other.newest, other.is_retired, other.writer) == (41, False, ring.writer)
    assert other.words[400:408].tobytes() == HANDLE
    assert other.words[408:410].tobytes() == UUID
    other.close()


@pytest.mark.parametrize(("word", "value"), [(1, 9), (2, 0), (3, 1 << 40), (5, 3), (6, 10), (7, 1), (9, 7), (11, 2)])
def test_a_head_that_cannot_be_is_refused(ring, word, value):
    ring.words[word] = value
    with pytest.raises(FileNotFoundError):
        CardRing.attach(ring.name)


def test_a_lease_lasts_as_long_as_its_process(ring):
    alive = {123}
    writer = CardRingWriter(ring, lambda pid: pid in alive)
    slot = writer.begin()
    held = writer.commit(slot, frame=1, t=0.0, wall=0.0) << 4 | slot
    row_of(ring, 123, held, since=-1000 * LEASE_SECONDS)
    used = []
    for frame in range(12):
        slot = writer.begin()
        used.append(slot)
        writer.commit(slot, frame=frame, t=0.0, wall=0.0)
    assert held & 15 not in used
    assert writer.dropped == 0
    alive.clear()
    used = []
    for frame in range(4):
        used.append(writer.begin())
        writer.commit(used[-1], frame=frame, t=0.0, wall=0.0)
    assert held & 15 in used


def test_memory_is_free_when_every_row_is_given_back_or_its_process_dead(ring):
    alive = {123}
    writer = CardRingWriter(ring, lambda pid: pid in alive)
    ring.retire()
    assert writer.is_free()
    row = row_of(ring, 123, 0, since=0.0)
    assert not writer.is_free(), "a reader without a lease may still have the memory open"
    ring.words[row] = 0
    assert writer.is_free()
    row_of(ring, 123, 0, since=0.0)
    alive.clear()
    assert writer.is_free()
