"""A snapshot that was deleted can be had back."""

from __future__ import annotations

import msgspec
import pytest

from ganzfeld.engine.snapshots.bank import Bank, Snapshot
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots
from ganzfeld.errors import GanzfeldError


@pytest.fixture
def live() -> LiveSnapshots:
    live = LiveSnapshots()
    live.bank = Bank(
        snapshots={name: Snapshot({"/a": float(k)}, (0.1, k / 4), "note 1/60") for k, name in enumerate("abc")}
    )
    return live


def test_the_last_one_deleted_comes_back_as_it_was_and_where_it_was(live: LiveSnapshots) -> None:
    before = live.bank
    live.arrange("delete", "b")
    assert list(live.bank.snapshots) == ["a", "c"]
    assert live.deleted is not None and live.deleted.name == "b"
    live.arrange("undelete")
    assert live.bank == before and list(live.bank.snapshots) == ["a", "b", "c"]
    assert live.deleted is None
    with pytest.raises(GanzfeldError, match="No snapshot was deleted"):
        live.arrange("undelete")


def test_by_number_and_over_a_checkpoint(live: LiveSnapshots) -> None:
    live.arrange("delete", 3)
    live.arrange("rename", "a", "dawn")
    data = msgspec.msgpack.decode(msgspec.msgpack.encode(live.checkpoint()))
    other = LiveSnapshots()
    other.restore(data, {})
    other.arrange("undelete")
    assert list(other.bank.snapshots) == ["dawn", "b", "c"]


def test_not_over_another_of_its_name(live: LiveSnapshots) -> None:
    live.arrange("delete", "b")
    live.arrange("rename", "a", "b")
    with pytest.raises(GanzfeldError, match="again"):
        live.arrange("undelete")
    assert live.deleted is not None
    live.arrange("rename", "b", "a")
    live.arrange("undelete")
    assert set(live.bank.snapshots) == {"a", "b", "c"}


def test_a_delete_that_fails_leaves_what_can_be_had_back(live: LiveSnapshots) -> None:
    live.arrange("delete", "b")
    for wrong in (("delete", "z"), ("delete",), ("delete", "a", "c"), ("undelete", 1)):
        with pytest.raises(GanzfeldError):
            live.arrange(*wrong)
    live.arrange("undelete")
    assert list(live.bank.snapshots) == ["a", "b", "c"]
