"""What was done to snapshots is undone step by step; nothing that was deleted is lost at once."""

from __future__ import annotations

import msgspec
import pytest

from ganzfeld.engine.snapshots.bank import Bank, Snapshot
from ganzfeld.engine.snapshots.history import MOST_IN_BIN, MOST_STEPS
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots
from ganzfeld.errors import GanzfeldError


@pytest.fixture
def live() -> LiveSnapshots:
    live = LiveSnapshots()
    live.bank = Bank(snapshots={name: Snapshot({"/a": 1.0}, (0.1, 0.2)) for name in "abc"})
    return live


def test_every_step_is_undone_over_a_checkpoint(live: LiveSnapshots) -> None:
    steps = [("order", "c", 0), ("rename", "a", "dawn"), ("delete", "b"), ("undelete",), ("place", "dawn", 0.5, 0.5)]
    banks = []
    for step in steps:
        banks.append(live.bank)
        live.arrange(*step)
    assert list(live.bank.snapshots) == ["c", "dawn", "b"]
    assert live.history.undoes == "place dawn"
    live.arrange("bind", "b", "note 1/60")  # no step of its own, and it stays
    other = LiveSnapshots()
    other.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(live.checkpoint())), {})
    for bank in reversed(banks):
        other.arrange("undo")
        assert list(other.bank.snapshots) == list(bank.snapshots)
    assert other.bank.snapshots["a"].at == (0.1, 0.2)
    assert other.history.undoes == ""
    with pytest.raises(GanzfeldError, match="Nothing was done"):
        other.arrange("undo")


def test_what_leaves_the_bank_lies_in_the_bin_even_beside_its_twin(live: LiveSnapshots) -> None:
    live.arrange("delete", "a")
    live.arrange("delete", "b")
    assert [each.name for each in live.history.bin] == ["a", "b"]
    live.arrange("undelete", "a")
    assert list(live.bank.snapshots) == ["a", "c"]
    assert [each.name for each in live.history.bin] == ["b"]
    live.arrange("undo")  # of having it back
    assert [each.name for each in live.history.bin] == ["b", "a"]
    live.arrange("rename", "c", "z")
    live.arrange("undo")
    assert [each.name for each in live.history.bin] == ["b", "a"]


def test_what_came_from_the_file_meanwhile_stays(live: LiveSnapshots) -> None:
    live.arrange("delete", "a")
    live.bank = Bank(snapshots={name: Snapshot({"/a": 2.0}) for name in ("c", "new")})
    live.arrange("undo")
    assert list(live.bank.snapshots) == ["a", "c", "new"]
    assert live.bank.snapshots["c"].values == {"/a": 2.0}


def test_a_drag_is_one_step_and_both_lists_end(live: LiveSnapshots) -> None:
    for k in range(50):
        live.arrange("place", "a", k / 50, 0.5)
    live.arrange("undo")
    assert live.bank.snapshots["a"].at == (0.1, 0.2)
    for k in range(2 * MOST_STEPS):
        live.bank = live.bank.with_values(f"n{k}", {})
        live.arrange("delete", f"n{k}")
    assert len(live.history.steps) == MOST_STEPS and len(live.history.bin) == MOST_IN_BIN
