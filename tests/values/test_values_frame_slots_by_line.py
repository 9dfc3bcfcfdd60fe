"""The slot protocol, one line of code at a time: two threads run lines of it in every order that hypothesis thinks of.

A copy of the module is made in which each statement first asks whose turn it is. (`sys.settrace` would do the same, but
Python 3.11 can loop for ever in a traced thread.)
"""

from __future__ import annotations

import ast
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.values import frame_slots
from ganzfeld.values.shared_memory import unlink
from slot_frames import HEIGHT, WIDTH, ink, publish

stepping = threading.local()
"""`before_line`: what this thread calls before each line, if there is something."""


def line() -> None:
    before_line = getattr(stepping, "before_line", None)
    if before_line is not None:
        before_line()


class AsksBeforeEachLine(ast.NodeTransformer):
    """Puts a call of `line` before each statement of each function."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        for inner in ast.walk(node):
            for name in ("body", "orelse", "finalbody"):
                statements = getattr(inner, name, None)
                if isinstance(statements, list) and statements and isinstance(statements[0], ast.stmt):
                    setattr(inner, name, [each for one in statements for each in (self.asking(one), one)])
        return node

    def asking(self, statement: ast.stmt) -> ast.stmt:
        call = ast.Expr(ast.Call(ast.Name("line", ast.Load()), [], []))
        return ast.fix_missing_locations(ast.copy_location(call, statement))


def asking_copy(module: ModuleType) -> ModuleType:
    """The same module from its source, with `line()` before each statement of its functions."""
    path = Path(str(module.__file__))
    tree = AsksBeforeEachLine().visit(ast.parse(path.read_text()))
    copy = ModuleType(f"{module.__name__}_by_line")
    copy.__dict__.update(__file__=str(path), line=line)
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    exec(compile(tree, str(path), "exec"), copy.__dict__)
    return copy


slots_by_line = asking_copy(frame_slots)


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

    def thread(self, me: int, function: Callable[[], None]) -> None:
        self.bells[me].acquire()
        stepping.before_line = lambda: self.before_line(me)
        try:
            function()
        except BaseException as error:  # shown by `run`
            self.errors.append(error)
        finally:
            stepping.before_line = None
            self.over[me] = True
            self.bells[1 - me].release()

    def before_line(self, me: int) -> None:
        self.left -= 1
        if self.left <= 0:
            self.pass_on(me)

    def pass_on(self, me: int) -> None:
        """Let the other thread run its turn."""
        if not self.over[1 - me]:
            self.left = next(self.turns, 10**9)
            self.bells[1 - me].release()
            self.bells[me].acquire()


def line_by_line(turns: list[int], *, slots: int, frames: int) -> None:
    """A reader and a writer take turns; no lease expires, so none may be broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots_by_line, "SLOTS", slots)
        patch.setattr(slots_by_line, "READERS", 1)  # fewer lines to step through
        patch.setattr(slots_by_line, "fence", lambda: None)  # its lock would stop the other thread for good
        ring = slots_by_line.Ring.create(f"gzt{secrets.token_hex(4)}", WIDTH, HEIGHT)
        try:
            writer, reader = slots_by_line.RingWriter(ring), slots_by_line.RingReader(ring)
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
