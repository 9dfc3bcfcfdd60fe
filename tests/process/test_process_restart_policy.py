"""The books that bring a dead render back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.process.messages import OutsideHit, SetOutside, VersionedText
from ganzfeld.process.restart_policy import (
    CALM_SECONDS,
    DEATHS_BEFORE_FALLBACK,
    LONGEST_PAUSE,
    MOST_MESSAGES_KEPT,
    Journal,
    RestartPolicy,
)

ONE, TWO, THREE = VersionedText(1, "one"), VersionedText(2, "two"), VersionedText(3, "three")


@given(
    st.lists(st.sampled_from(["hit", "/a", "/b", "save", "die"]), max_size=60),
    st.randoms(use_true_random=False),
)
def test_every_hit_counts_once_and_the_newest_value_wins(events, random):
    """A render that dies at any time, and checkpoints that arrive late, against one that never dies."""
    journal = Journal()
    hits = given_hits = 0
    values: dict[str, int] = {}
    render = {"hits": 0, "values": {}, "number": 0}
    saved = {"hits": 0, "values": {}, "number": 0}

    def obey(numbered) -> None:
        match numbered.message:
            case OutsideHit():
                render["hits"] += 1
            case SetOutside(address, value):
                render["values"] = {**render["values"], address: value}
        render["number"] = numbered.number

    for event in events:
        if event == "hit":
            given_hits += 1
            obey(journal.add(OutsideHit("/drum")))
        elif event == "save":
            saved = dict(render)
            journal.saved(saved["number"])
        elif event == "die":
            render = dict(saved)
            for numbered in journal:
                obey(numbered)
        else:
            values[event] = random.randrange(100)
            obey(journal.add(SetOutside(event, values[event]), key=event))
        hits = given_hits
        assert render["hits"] == hits
        assert render["values"] == values


def test_the_journal_does_not_grow_for_ever():
    journal = Journal()
    for _ in range(MOST_MESSAGES_KEPT + 10):
        journal.add(OutsideHit("/drum"))
    kept = list(journal)
    assert len(kept) == MOST_MESSAGES_KEPT
    assert kept[-1].number == MOST_MESSAGES_KEPT + 10
    journal.forget()
    assert list(journal) == []
    assert journal.add(OutsideHit("/drum"), keep=False).number == MOST_MESSAGES_KEPT + 11
    assert list(journal) == []


def test_a_death_now_and_then_changes_nothing():
    retreat, now = RestartPolicy(ONE, 0.0), 0.0
    for _ in range(20):
        retreat.plays(now)
        now += CALM_SECONDS
        retreat.look(ONE, now)
        assert not retreat.dies(now)
        assert (retreat.text, retreat.try_at) == (ONE, now)
    assert retreat.good == ONE


def test_a_text_that_kills_is_set_aside_for_the_last_good_one():
    retreat = RestartPolicy(ONE, 0.0)
    retreat.plays(0.0)
    retreat.look(ONE, CALM_SECONDS)
    retreat.save(TWO, 20.0)
    for death in range(DEATHS_BEFORE_FALLBACK):
        assert retreat.text == TWO
        now = 20.0 + death
        assert retreat.dies(now) == (death == DEATHS_BEFORE_FALLBACK - 1)
        assert retreat.try_at == now, "no pause: there is something good to play"
        retreat.plays(now + 0.5)
        retreat.look(TWO, now + 0.6)
    assert retreat.text == ONE
    retreat.look(ONE, 100.0)
    assert not retreat.dies(101.0)
    assert retreat.text == ONE, "it stays set aside"
    retreat.plays(101.5)
    retreat.save(THREE, 102.0)
    assert retreat.text == THREE
    retreat.look(THREE, 102.0 + CALM_SECONDS / 2)
    assert retreat.good == ONE, "too early to say"
    retreat.look(THREE, 102.0 + CALM_SECONDS)
    assert retreat.good == THREE


def test_without_a_good_text_the_pauses_grow_until_somebody_saves():
    retreat, now, pauses = RestartPolicy(ONE, 0.0), 0.0, []
    for _ in range(14):
        retreat.dies(now)
        pauses.append(retreat.try_at - now)
        now = retreat.try_at
    assert pauses[:5] == [0, 0, 0.5, 1.0, 2.0]
    assert pauses[-1] == LONGEST_PAUSE
    assert retreat.text == ONE
    retreat.save(TWO, now)
    assert retreat.try_at == now
    assert retreat.deaths == 0


def test_the_good_text_itself_may_die_as_often_as_it_likes():
    retreat = RestartPolicy(ONE, 0.0)
    retreat.plays(0.0)
    retreat.look(ONE, CALM_SECONDS)
    for _ in range(5):
        assert not retreat.dies(20.0)
    assert retreat.text == ONE
    assert retreat.try_at > 20.0
