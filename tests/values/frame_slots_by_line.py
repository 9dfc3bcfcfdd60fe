"""The slot protocol, one line of code at a time. `test_values_frame_slots.py` runs this file in a process of its own:
whoever steps through threads by `sys.settrace` would also step through what garbage collection runs in them, and in a
process that earlier tests have used that may wait for a thread that stands still.
"""

from __future__ import annotations

import secrets
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.values import frame_slots
from ganzfeld.values.frame_slots import Ring, RingReader, RingWriter
from ganzfeld.values.shared_memory import unlink
from slot_frames import HEIGHT, WIDTH, ink, publish


class Turns:
    """Runs functions in threads, one line of the protocol's code at a time, in the order that `turns` says.

    Each turn is how many lines one thread runs before the other goes on. All memory is seen in program order, as the
    fences promise it.
    """

    def __init__(self, turns: list[int]) -> None:
        self.turns = iter(turns)
        self.left = next(self.turns, 10**9)
        self.bells = [threading.Semaphore(0), threading.Semaphore(0)]
        self.over = [False, False]
        self.errors: list[BaseException] = []

    def run(self, *functions) -> None:
        threads = [threading.Thread(target=self.thread, args=(me, each)) for me, each in enumerate(functions)]
        for thread in threads:
            thread.start()
        self.bells[0].release()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def thread(self, me: int, function) -> None:
        self.bells[me].acquire()
        try:
            sys.settrace(lambda frame, *_: self.line(me) if frame.f_code.co_filename == frame_slots.__file__ else None)
            function()
        except BaseException as error:  # shown by `run`
            self.errors.append(error)
        finally:
            sys.settrace(None)
            self.over[me] = True
            self.bells[1 - me].release()

    def line(self, me: int):
        def trace(frame, event, argument):
            if event == "line":
                self.left -= 1
                if self.left <= 0:
                    self.pass_on(me)
            return trace

        return trace

    def pass_on(self, me: int) -> None:
        """Let the other thread run its turn."""
        if not self.over[1 - me]:
            self.left = next(self.turns, 10**9)
            self.bells[1 - me].release()
            self.bells[me].acquire()


def line_by_line(turns: list[int], *, slots: int, frames: int) -> None:
    """A reader and a writer take turns; no lease expires, so none may be broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_slots, "SLOTS", slots)
        patch.setattr(frame_slots, "READERS", 1)  # fewer lines to step through
        patch.setattr(frame_slots, "fence", lambda: None)  # its lock would stop the other thread for good
        ring = Ring.create(f"gzt{secrets.token_hex(4)}", WIDTH, HEIGHT)
        try:
            writer, reader = RingWriter(ring), RingReader(ring)
            for _ in range(frames):
                publish(writer)

            def look() -> None:
                for _ in range(2):
                    frame = reader.take()
                    turn.pass_on(0)
                    if frame is not None:
                        assert reader.ring.newest >= frame.number
                        assert (frame.pixels == ink(frame.number)).all()
                        assert reader.done()

            def write() -> None:
                assert sum(publish(writer) is not None for _ in range(6)) >= (6 if slots > 2 else 1)

            turn = Turns(turns)
            turn.run(look, write)
        finally:
            unlink(ring.name)
            ring.close()


@settings(max_examples=100, deadline=None)
@given(turns=st.lists(st.integers(1, 150), max_size=8), frames=st.integers(0, 5), slots=st.integers(2, 4))
def test_line_by_line_a_leased_frame_is_never_touched(turns, frames, slots):
    line_by_line(turns, slots=slots, frames=frames)


@pytest.mark.parametrize("reader_lines", range(1, 30, 2))
def test_line_by_line_through_the_handshake(reader_lines):
    """The reader stops after it read `newest`; the writer goes round and stops when it has chosen that slot."""
    for writer_lines in range(30, 130, 2):
        line_by_line([reader_lines, writer_lines, 40], slots=2, frames=1)
