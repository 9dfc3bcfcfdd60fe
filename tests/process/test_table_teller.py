"""The table of a patch's addresses, put together beside the frames and told in pieces."""

from __future__ import annotations

import threading

from ganzfeld.patch.addresses import addresses
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.process.messages import FromRender, PatchTable, decode_from_render
from ganzfeld.process.render_state import RenderState
from ganzfeld.process.table_teller import ROWS_AT_ONCE, TableTeller
from ganzfeld.values.message_pipe import encode
from waiting import until

LARGE = "\n".join(f"n{k} = noise(tx={k})" for k in range(20)) + "\nout(n0)\n"


def graph(text: str) -> Graph:
    return Graph(parse(text))


def received(pieces: list[PatchTable]) -> RenderState:
    """What the supervisor has when these came over the pipe."""
    state = RenderState()
    for piece in pieces:
        (message,) = decode_from_render(encode([piece]))
        assert isinstance(message, PatchTable) and isinstance(message, FromRender)
        state.take_table(message)
    return state


def test_a_large_table_comes_whole_in_small_pieces():
    pieces: list[PatchTable] = []
    large = graph(LARGE)
    TableTeller(pieces.append).tell(large)
    until(lambda: pieces and pieces[-1].is_last, seconds=20)
    assert len(pieces) > 2 and all(len(piece.rows) <= ROWS_AT_ONCE for piece in pieces)
    table = received(pieces).table
    assert [row.address for row in table] == [row.address for row in addresses(large)]
    assert received(pieces[:-1]).table == ()  # not before it is whole


def test_the_newest_patch_is_told_last_and_none_is_mixed():
    pieces: list[PatchTable] = []
    begun, go_on = threading.Event(), threading.Event()

    def post(piece: PatchTable) -> None:
        pieces.append(piece)
        begun.set()
        go_on.wait(20)

    teller = TableTeller(post)
    teller.tell(graph(LARGE))
    assert begun.wait(20)
    teller.tell(graph("a = knob(0, 1)\nout(noise())\n"))
    go_on.set()
    until(lambda: pieces[-1].is_last and teller._thread is None, seconds=20)
    assert not pieces[0].is_last and pieces[1].first == 0
    found = {row.address for row in received(pieces).table}
    assert "/a" in found and "/n0/tx" not in found


def test_a_piece_of_a_patch_that_was_replaced_is_passed_over():
    pieces: list[PatchTable] = []
    TableTeller(pieces.append).tell(graph(LARGE))
    until(lambda: pieces and pieces[-1].is_last, seconds=20)
    assert received(pieces[1:]).table == ()
    assert received([pieces[0], *pieces[2:]]).table == ()
