"""The clock that bends towards an outside beat, and the taps that give one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.values.choosing import Chosen
from ganzfeld.values.taps import Taps
from ganzfeld.values.time import Clock

FPS = 60


def off(clock: Clock, beat: float, every: float) -> float:
    """How far the clock's beat is from an outside one, −every/2 to every/2."""
    return (clock.beat - beat + every / 2) % every - every / 2


@settings(max_examples=60, deadline=None)
@given(
    bpm=st.floats(40, 240),
    beat=st.floats(-100, 100),
    every=st.sampled_from([1.0, 4.0]),
    jitter=st.floats(0, 0.03),
    seed=st.randoms(use_true_random=False),
)
def test_the_beat_bends_to_an_outside_one_and_never_runs_back(bpm, beat, every, jitter, seed):
    clock = Clock(120)
    clock.bpm = bpm
    beats, times = [], []
    for frame in range(FPS * 12):
        beat += bpm / 60 / FPS
        if frame % 3 == 0:
            clock.meet(beat + seed.uniform(-jitter, jitter), every)
        moment = clock.advance(1 / FPS)
        beats.append(moment.beat)
        times.append(moment.t)
    assert abs(off(clock, beat, every)) < max(0.01, 2 * jitter)
    steps = [b - a for a, b in itertools.pairwise(beats)]
    step = bpm / 60 / FPS
    assert all(step * 0.499 <= taken <= step * 2.001 for taken in steps)
    assert times == pytest.approx([frame / FPS for frame in range(FPS * 12)]), "only the beat bends"


def test_a_downbeat_is_kept_while_only_beats_are_known():
    """Somebody taps the one beside a sound, of which only the tempo and the beats can be heard."""
    clock = Clock(120)
    for frame in range(FPS * 6):
        beat = frame * 2 / FPS
        if frame == FPS:
            clock.meet(beat - 2)  # here is the one, two beats from where it was
        elif frame % 3 == 0:
            clock.meet(beat, 1)
        clock.advance(1 / FPS)
    assert abs(off(clock, beat - 2, 4)) < 0.02


def test_a_show_that_is_paused_or_slowed_keeps_its_own_beat():
    clock = Clock(120)
    clock.advance(0)
    clock.paused = True
    clock.meet(0.5, 1)
    assert clock.advance(1).beat == 0
    clock.paused, clock.speed = False, 0.5
    clock.meet(0.5, 1)
    assert clock.advance(1).beat == 1
    clock.speed = 1
    clock.meet(3.25, 1)
    assert clock.advance(1).beat == pytest.approx(3 + 0.25 * (1 - 2.718281828 ** (-1 / 0.3)))


def test_what_is_still_to_be_made_up_survives_a_checkpoint():
    clock, other = Clock(90), Clock()
    clock.advance(0)
    clock.meet(1.9)
    clock.advance(0.1)
    other.restore(clock.checkpoint())
    for _ in range(20):
        assert other.advance(0.05) == clock.advance(0.05)


@pytest.mark.parametrize("bpm", [41, 87.5, 128, 299])
def test_taps_give_a_tempo_from_the_third_on(bpm):
    taps = Taps()
    told = [taps.tap(100 + k * 60 / bpm) for k in range(40)]
    assert [tap.beat for tap in told] == list(range(40))
    assert [tap.bpm for tap in told[:2]] == [None, None]
    assert [tap.bpm for tap in told[2:]] == pytest.approx([bpm] * 38)


def test_unsteady_taps_are_averaged_and_a_pause_begins_anew():
    taps = Taps()
    late = itertools.cycle([0.02, -0.02, 0.01, -0.01])
    told = [taps.tap(k * 0.5 + next(late)) for k in range(16)]
    assert told[-1].bpm == pytest.approx(120, rel=0.005)
    assert taps.tap(20.0).beat == 0, "after a pause: a downbeat"
    assert taps.tap(20.4).beat == 1
    assert taps.tap(20.8).bpm == pytest.approx(150)
    assert taps.tap(21.0).beat == 0, "far from where the beat was: another downbeat"
    assert taps.tap(21.0).beat == 0, "a bouncing button is no tempo"


def test_addresses_are_chosen_exactly_by_pattern_or_by_what_they_stand_under():
    chosen = Chosen(["/face/psi", "/audio/*", "/clock", "/b?nd"])
    inside = ["/face/psi", "/face/psi/x", "/audio/band/3", "/clock", "/clock/beat", "/band"]
    outside = ["/face", "/face/psis", "/audio", "/clocks", "/boond", "/face/PSI"]
    assert [address for address in inside + outside if address in chosen] == inside
    assert "/anything/at/all" in Chosen(["*"])
    assert "/x" not in Chosen([])
