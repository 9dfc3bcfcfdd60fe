"""The words of level, black and freeze: fades, two writers' worth of rows, torn words."""

from __future__ import annotations

import pytest

from ganzfeld.values.master import EVERY_DOOR, LONGEST_FADE, MASTER_WORDS, MOST_DOORS, MasterValues, MasterWords


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def words(clock):
    words = MasterWords(memoryview(bytearray(8 * MASTER_WORDS)), now=lambda: clock[0])
    yield words
    words.close()


def test_untouched_it_changes_nothing(words):
    for row in range(MOST_DOORS + 1):
        assert words.look(row) == MasterValues(1.0, 0.0, False)
        assert words.for_door(row).gain == 1.0


def test_a_fade_runs_by_itself_and_may_be_turned_round(words, clock):
    words.set_black(EVERY_DOOR, 1.0, 2.0)
    assert words.look(EVERY_DOOR).black == 0
    clock[0] += 0.5
    assert words.look(EVERY_DOOR).black == pytest.approx(0.25)
    words.set_black(EVERY_DOOR, 0.0, 1.0)
    clock[0] += 0.5
    assert words.look(EVERY_DOOR).black == pytest.approx(0.125)
    clock[0] += 100
    assert words.look(EVERY_DOOR).black == 0
    words.set_level(EVERY_DOOR, 7.0, 1e9)
    clock[0] += LONGEST_FADE
    assert words.look(EVERY_DOOR).level == 1.0
    clock[0] -= 2 * LONGEST_FADE
    assert 0 <= words.look(EVERY_DOOR).level <= 1


def test_a_door_is_under_its_own_and_under_all(words):
    words.set_level(EVERY_DOOR, 0.5)
    words.set_level(3, 0.5)
    words.set_black(3, 0.5)
    words.freeze(EVERY_DOOR, True)
    assert words.for_door(3) == MasterValues(0.25, 0.5, True)
    assert words.for_door(3).gain == 0.125
    assert words.for_door(4) == MasterValues(0.5, 0.0, True)
    words.reset(3)
    words.freeze(EVERY_DOOR, False)
    assert words.for_door(3) == MasterValues(0.5, 0.0, False)


def test_words_of_a_supervisor_that_died_while_it_wrote_do_no_harm():
    buffer = bytearray(8 * MASTER_WORDS)
    words = MasterWords(memoryview(buffer))
    words.set_level(1, 0.0)
    memoryview(buffer).cast("Q")[16] += 1
    words.freeze(1, True)
    assert words.look(1) == MasterValues(1.0, 0.0, True)
    words.close()
