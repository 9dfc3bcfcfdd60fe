"""The pipe between the two processes: newest wins, events are counted, nobody waits for anybody."""

from __future__ import annotations

import logging
import multiprocessing
import threading

import pytest

from ganzfeld.errors import PatchError, Where
from ganzfeld.process.messages import (
    Begin,
    CheckpointSaved,
    FileChanged,
    Numbered,
    OutsideHit,
    SetOutside,
    SetParameter,
    VersionedText,
    decode_from_render,
    decode_to_render,
)
from ganzfeld.values.message_pipe import MOST_WAITING, MessagePipe, encode
from ganzfeld.values.piped_log import LogLine
from ganzfeld.values.status import Problem, Status


class End:
    """One end, and what it heard."""

    def __init__(self, connection, decode) -> None:
        self.heard: list = []
        self.changed = threading.Condition()
        self.ended = threading.Event()
        self.connection = connection
        self.pipe = MessagePipe(connection, decode, self.hear, self.ended.set)

    def hear(self, message) -> None:
        with self.changed:
            self.heard.append(message)
            self.changed.notify_all()

    def wait_for(self, condition) -> list:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.heard), 20)
            return list(self.heard)


@pytest.fixture
def ends():
    one, two = multiprocessing.Pipe()
    here, there = End(one, decode_from_render), End(two, decode_to_render)
    yield here, there
    there.pipe.finish()
    here.pipe.finish()


MESSAGES = [
    Begin(
        "gz1",
        VersionedText(3, "out(a)"),
        fallback=VersionedText(2, "é"),
        checkpoint=b"\0\1",
        clock={"t": 1.5, "paused": False},
    ),
    Numbered(1, OutsideHit("/drum", (1, "a", 2.5), {"velocity": 3})),
    Numbered(2, SetOutside("/x", [1, 2, [3.5, None, True]])),
    Numbered(3, SetParameter("/face/psi", 0.5)),
    Numbered(4, FileChanged("/tmp/a.py")),
]


def test_messages_arrive_as_they_were(ends):
    here, there = ends
    here.pipe.start()
    there.pipe.start()
    for message in MESSAGES:
        here.pipe.post(message)
    assert there.wait_for(lambda heard: len(heard) == len(MESSAGES)) == MESSAGES
    problem = Problem.of(PatchError("no such node", where=Where("a.ganz", 3, 4, "/face"), hint="Did you mean…"))
    answers = [
        Status(phase="playing", playing_version=3, errors=(problem,)),
        CheckpointSaved(4, b"x", {"t": 1.0}, 2.0),
        LogLine("a", 30, "b"),
    ]
    for message in answers:
        there.pipe.post(message)
    assert here.wait_for(lambda heard: len(heard) == 3) == answers
    error = problem.error()
    assert str(error) == "a.ganz:3:4 /face: no such node. Did you mean…"


def test_newest_wins_and_every_hit_counts(ends):
    here, there = ends
    for number in range(1000):
        here.pipe.post(Numbered(number, SetOutside("/x", number)), key="/x")
        if number % 100 == 0:
            here.pipe.post(Numbered(number, OutsideHit("/drum")))
    here.pipe.start()
    there.pipe.start()
    heard = there.wait_for(lambda heard: len(heard) >= 11)
    assert [message.message for message in heard[:10]] == [OutsideHit("/drum")] * 10
    assert [message.message for message in heard[10:]] == [SetOutside("/x", 999)]


def test_a_side_that_does_not_read_keeps_nobody_waiting(ends):
    here, there = ends
    here.pipe.start()
    for number in range(3 * MOST_WAITING):
        here.pipe.post(Numbered(number, SetOutside("/x", "y" * 100)))
    there.pipe.start()
    heard = there.wait_for(lambda heard: heard and heard[-1].number == 3 * MOST_WAITING - 1)
    assert len(heard) < 3 * MOST_WAITING


def test_an_end_is_noticed(ends):
    here, there = ends
    here.pipe.start()
    there.connection.close()
    assert here.ended.wait(20)
    here.pipe.post(MESSAGES[0])


def test_what_makes_no_sense_is_left_out(ends, caplog):
    here, there = ends
    there.pipe.start()
    with caplog.at_level(logging.ERROR):
        here.connection.send_bytes(b"\xc1nonsense")
        here.connection.send_bytes(encode([MESSAGES[1]]))
        assert there.wait_for(lambda heard: len(heard) == 1) == [MESSAGES[1]]
    assert "no sense" in caplog.text
    here.pipe.post(MESSAGES[2])
    here.pipe.post(Numbered(9, SetOutside("/x", object())))
    here.pipe.post(MESSAGES[3])
    here.pipe.start()
    assert there.wait_for(lambda heard: len(heard) == 3)[1:] == [MESSAGES[2], MESSAGES[3]]
