"""What addresses, hands and controls do to the master."""

from __future__ import annotations

import math

import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.master import Master
from ganzfeld.values.master import EVERY_DOOR, MASTER_WORDS, MasterWords
from ganzfeld.values.status import MasterStatus


@pytest.fixture
def words():
    words = MasterWords(memoryview(bytearray(8 * MASTER_WORDS)), now=lambda: 5.0)
    yield words
    words.close()


@pytest.fixture
def master(words):
    return Master(words, lambda: {"wall": [1, 2], "td": [3]})


def test_addresses_move_all_or_one(master, words):
    assert master.turn("/master/level", 0.5)
    assert master.turn("/master/black", [1, 2.0])
    assert master.turn("/master/wall/freeze", True)
    assert master.turn("/master/td/level", 7)
    assert master.status() == MasterStatus(level=0.5, black=0.0, frozen=False)
    assert [words.look(row).frozen for row in range(4)] == [False, True, True, False]
    assert not master.turn("/face/psi", 1)


def test_without_a_value_black_and_freeze_turn_over(master, words):
    for expected in (1.0, 0.0):
        master.turn("/master/black")
        master.turn("/master/wall/freeze", None)
        assert words.look(EVERY_DOOR).black == expected
        assert words.look(2).frozen == bool(expected)


def test_controls_of_a_rig_move_it(master, caplog):
    master.controls = {
        "/midi/cc/1/7": "/master/level",
        "/midi/note/1/60": "/master/black",
        "/midi/cc/1/9": "/master/gone/level",
    }
    assert not master.hears("/midi/cc/1/7", 0.25)
    assert not master.hears("/midi/cc/1/8", 0.5)
    assert master.status().level == 0.25
    for is_hit, black in ((True, 1), (False, 1), (True, 0), (False, 0)):  # struck, let go, struck, let go
        assert not master.hears("/midi/note/1/60", 0.7 * is_hit, is_hit=is_hit)
        assert master.status().black == black
    for value in (0.1, 0.2, 0.3):
        master.hears("/midi/cc/1/9", value)
    assert len(caplog.records) == 1, "a fader of a door that is gone says so once"


def test_its_own_addresses_are_no_part_of_the_show(master, caplog):
    assert master.hears("/master/freeze", None, is_hit=True)
    assert master.status().frozen
    assert master.hears("/master/freeze", 0.0, is_hit=True), "its value came by `turn`"
    assert master.status().frozen
    assert master.hears("/master/level", None, is_hit=True)
    assert "takes a number" in caplog.text


@pytest.mark.parametrize(
    ("address", "value", "what"),
    [
        ("/master/levle", 1, "Did you mean 'level'"),
        ("/master/", 1, "there is no"),
        ("/master/wal/level", 1, "Did you mean 'wall'"),
        ("/master/level", "loud", "takes numbers"),
        ("/master/level", math.nan, "takes numbers"),
        ("/master/level", [1, math.inf], "takes numbers"),
        ("/master/level", None, "takes a number"),
        ("/master/level", [[1]], "takes numbers"),
        ("/master/black", {"a": 1}, "takes numbers"),
    ],
)
def test_nonsense_is_told_and_moves_nothing(master, address, value, what):
    with pytest.raises(GanzfeldError) as caught:
        master.turn(address, value)
    assert what in str(caught.value)
    assert master.status() == MasterStatus()
