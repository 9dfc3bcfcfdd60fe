"""The functions that remember, the shapes, and what comes from outside, played frame by frame."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.errors import ExpressionError
from ganzfeld.patch.expressions import FrameContext, Scope, compile_expression
from ganzfeld.patch.expressions.hashing import _finish, mix64
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Clock, Moment

SCOPE = Scope(signals={"push"})
KICK = Hit("/kick")


class Show:
    """A show of some expressions: one clock, one state."""

    def __init__(self, *texts: str, owner: str = "/x", bpm: float = 120.0) -> None:
        self.clock = Clock(bpm)
        self.state: dict = {}
        self.owner = owner
        self.edit(*texts)

    def edit(self, *texts: str) -> None:
        self.expressions = [
            compile_expression(text, scope=SCOPE, owner=self.owner if k == 0 else f"{self.owner}{k}")
            for k, text in enumerate(texts)
        ]

    def step(self, seconds: float = 1 / 60, *hits: Hit, **values):
        moment = self.clock.advance(seconds)
        # A checkpoint after every frame: state has to survive it.
        self.state = json.loads(json.dumps(self.state))
        frame = FrameContext(moment, Inbox({}, hits), values, self.state)
        found = [expression.evaluate(frame) for expression in self.expressions]
        again = [expression.evaluate(frame) for expression in self.expressions]
        assert found == again, "a second evaluation on the same frame gave something else"
        return found[0] if len(found) == 1 else found

    def run(self, seconds: float, fps: float = 60.0, **values) -> list:
        return [self.step(1 / fps, **values) for _ in range(round(seconds * fps))]


class TestPhase:
    def test_grows_by_its_rate_each_second(self):
        for fps in (10, 60, 240):
            show = Show("phase(0.5)")
            assert show.step() == 0
            assert show.run(4, fps)[-1] == pytest.approx(2)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
    def test_never_jumps_when_its_rate_is_edited(self, rates):
        show = Show(f"phase({rates[0]})")
        last = show.step()
        for rate in rates:
            show.edit(f"phase({rate})")
            for _ in range(3):
                value = show.step()
                assert value == pytest.approx(last + rate / 60, abs=1e-12)
                last = value

    def test_follows_a_rate_that_moves(self):
        show = Show("phase(push)")
        show.step(push=0)
        assert [show.step(0.5, push=rate) for rate in (1, -2, 4)] == [0.5, -0.5, 1.5]

    def test_pause_speed_and_jumps(self):
        show = Show("phase(1)")
        show.run(1)
        before = show.step()
        show.clock.paused = True
        assert set(show.run(1)) == {before}
        show.clock.paused = False
        show.clock.seek(1000)
        assert show.step() == pytest.approx(before + 1 / 60)
        show.clock.seek(0)
        show.clock.speed = -1
        assert show.run(1)[-1] == pytest.approx(before + 1 / 60 - 1)

    def test_runs_on_while_its_branch_is_not_taken(self):
        show = Show(
            "phase(1) if push else -1", "push and phase(1)", "0 < push < phase(1)", "[phase(1)][0] if push else 0"
        )
        show.step(push=0)
        assert show.run(1, push=0)[-1] == [-1, 0, False, 0]
        assert show.step(push=0.5) == pytest.approx([1 + 1 / 60, 1 + 1 / 60, True, 1 + 1 / 60])

    def test_a_bad_frame_leaves_no_mark(self):
        show = Show("phase(push)")
        show.run(1, push=1)
        for bad in (math.inf, math.nan, 1e308 * 10):
            with pytest.raises(ExpressionError):
                show.step(push=bad)
        assert show.step(push=1) == pytest.approx(1)

    def test_is_as_smooth_after_a_month(self):
        month = 30 * 86400.0
        expression = compile_expression("phase(0.1)", scope=Scope(), owner="/x")
        state = {"/x:phase:0": [10**8, month * 0.1]}
        values = [
            expression.evaluate(FrameContext(Moment(10**8 + k, month + k / 60, 1 / 60, 0, 0, 120), state=state))
            for k in range(1, 50)
        ]
        steps = [b - a for a, b in pairwise(values)]
        assert max(steps) - min(steps) < 1e-9


class TestStateKeys:
    def test_stay_under_edits_of_amounts_and_of_what_stands_around(self):
        texts = ["1 + phase(0.1)", "2*sin(phase(0.3)) + push", "push + 3 +\n phase(push)  # slow"]
        assert {compile_expression(text, scope=SCOPE, owner="/a/b").state_keys for text in texts} == {("/a/b:phase:0",)}

    def test_count_each_function_as_it_is_read(self):
        expression = compile_expression("lag(phase(1), 1) + phase(phase(2)) + lag(1, 2)", scope=SCOPE, owner="/a")
        assert expression.state_keys == ("/a:lag:0", "/a:phase:0", "/a:phase:1", "/a:phase:2", "/a:lag:1")
        state: dict = {}
        expression.evaluate(FrameContext(Moment(0, 0, 0, 0, 0, 120), state=state))
        assert set(state) == set(expression.state_keys)

    def test_each_match_has_its_own(self):
        expression = compile_expression("phase(i + 1)", scope=SCOPE, owner="/a")
        state: dict = {}
        for frame in range(61):
            moment = Moment(frame, frame / 60, 1 / 60, 0, 0, 120)
            values = [expression.evaluate(FrameContext(moment, state=state, i=i, n=3)) for i in range(3)]
        assert values == pytest.approx([1, 2, 3])
        assert set(state) == {"/a:phase:0:0", "/a:phase:0:1", "/a:phase:0:2"}

    def test_what_does_not_fit_is_forgotten(self):
        for text in ("phase(1)", "lag(3, 1)", "env(0)", "every(1)", "count(0)", "hold(1, 0)", "toggle(0)"):
            expression = compile_expression(text, scope=SCOPE, owner="/a")
            for odd in (None, 3, "x", [], [1] * 7, {}):
                state = {expression.state_keys[0]: odd}
                assert expression.evaluate(FrameContext(Moment(5, 1, 0.1, 0.5, 0, 120), state=state)) in (0, 1, 3)

    def test_do_not_pile_up(self):
        show = Show("lag(hold(wander(t), every(0.1)), 0.2) + env(every(1)) + count(every(1)) + euclid(3, 8)")
        show.step()
        size = len(json.dumps(show.state))
        show.run(20)
        assert len(json.dumps(show.state)) < size + 120


class TestLag:
    def test_goes_ninety_percent_of_the_way(self):
        for fps in (5, 25, 60, 1000):
            show = Show("lag(push, 0.8)")
            assert show.step(push=2) == 2
            assert show.run(0.8, fps, push=12)[-1] == pytest.approx(11, abs=1e-6)

    def test_pause_and_backwards(self):
        show = Show("lag(push, 1)")
        show.step(push=0)
        show.clock.paused = True
        assert set(show.run(0.2, push=1)) == {0}
        show.clock.paused, show.clock.speed = False, -1
        assert show.run(1, push=1)[-1] == pytest.approx(0.9)

    def test_no_time_is_no_lag(self):
        show = Show("lag(push, 0)", "lag(push, -1)")
        show.step(push=0)
        assert show.step(push=5) == [5, 5]


class TestEnv:
    def test_falls_to_nothing_in_its_release(self):
        show = Show('env(hit("/kick"), 0, 0.4)')
        assert show.run(0.1) == [0] * 6
        assert show.step(1 / 60, KICK) == 1
        levels = show.run(0.5)
        assert levels[11] == pytest.approx(0.5) and levels[23] == pytest.approx(0, abs=1e-9) and levels[24:] == [0] * 6
        assert levels == sorted(levels, reverse=True)

    @pytest.mark.parametrize("fps", [7, 60, 333])
    def test_rises_in_its_attack_at_every_frame_rate(self, fps):
        show = Show('env(hit("/kick"), 0.5, 1)')
        show.step()
        show.step(0, KICK)
        seconds = [k / fps for k in range(1, 2 * fps)]
        levels = [show.step(1 / fps) for _ in seconds]
        expected = [min(s / 0.5, max(0, 1.5 - s)) for s in seconds]
        assert levels == pytest.approx(expected, abs=1e-9)

    def test_every_event_starts_it_again_from_where_it_is(self):
        show = Show('env(hit("/kick"), 0.1, 1)')
        show.step(0.02, KICK)
        levels = show.run(0.5, 50)
        again = show.step(0.02, KICK)
        assert again == pytest.approx(levels[-1] - 0.02) and again > 0.5
        assert show.step(0.02) > again
        assert max(show.run(0.1, 50)) > 0.9

    def test_ten_hits_on_a_frame_are_one_start(self):
        show = Show('env(hit("/kick"), 0, 0.4)', 'hit("/kick")', 'count(hit("/kick"))')
        show.step()
        assert show.step(1 / 60, *[KICK] * 10) == [1, 10, 10]
        assert show.step() == [pytest.approx(1 - 1 / 24), 0, 10]

    def test_stays_up_while_a_condition_is_true(self):
        show = Show("env(push > 0.5, 0.1, 0.1)")
        show.step(push=0)
        show.run(0.2, push=1)
        assert set(show.run(1, push=1)) == {1}
        assert show.run(0.2, push=0)[-1] == 0

    def test_no_release_is_one_frame(self):
        show = Show('env(hit("/kick"), 0, 0)')
        show.step()
        assert [show.step(1 / 60, KICK), show.step()] == [1, 0]

    def test_a_pause_holds_it(self):
        show = Show('env(hit("/kick"), 0, 1)')
        show.step(0.5, KICK)
        level = show.step(0.25)
        show.clock.paused = True
        assert set(show.run(1)) == {level}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.001, 1.5), min_size=1, max_size=40), st.sampled_from([0.25, 0.3, 1, 4, 7.5]))
def test_every_misses_none_and_counts_none_twice(frames, beats):
    show = Show(f"every({beats})")
    events = show.step(0)
    assert events == 1  # the one at beat 0
    for seconds in frames:
        events += show.step(seconds)
        assert events == math.floor(show.clock.beat / beats + 1e-6) + 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 1.5), min_size=1, max_size=40))
def test_euclid_plays_each_of_its_steps_once(frames):
    show = Show("euclid(3, 8, 4)")
    events = show.step(0)
    for seconds in frames:
        events += show.step(seconds)
    steps = math.floor(show.clock.beat * 2 + 1e-6)
    assert events == sum(step % 8 in (0, 3, 6) for step in range(steps + 1))


class TestEvery:
    def test_falls_on_the_beat(self):
        show = Show("every(1)", "euclid(3, 8, 4)", "euclid(3, 8, 4, rotate=3)")
        found = [show.step(0.25 if k else 0) for k in range(9)]
        assert [row[0] for row in found] == [1, 0, 1, 0, 1, 0, 1, 0, 1]
        assert [row[1] for row in found] == [1, 0, 0, 1, 0, 0, 1, 0, 1]
        assert [row[2] for row in found] == [1, 0, 0, 1, 0, 1, 0, 0, 1]

    def test_a_jump_is_no_flood(self):
        show = Show("every(1)")
        show.run(1)
        show.clock.seek(1000.1)
        assert show.step() == 0
        show.clock.seek(3.3)
        assert show.step() == 0
        assert sum(show.run(1)) == 2
        show.clock.seek(0)
        assert show.step(0) == 1

    def test_pause_and_backwards(self):
        show = Show("every(1)")
        show.run(2.1)
        show.clock.paused = True
        assert sum(show.run(1)) == 0
        show.clock.paused, show.clock.speed = False, -1
        assert sum(show.run(2)) == 4

    def test_a_beat_that_is_pushed_back_a_little_does_not_count_again(self):
        show = Show("every(1)")
        show.run(0.51)
        show.clock.beat -= 0.05
        assert sum(show.run(0.2)) == 0

    def test_bpm_changes_and_edits_count_none_twice(self):
        show = Show("every(1)")
        events = show.step(0)
        for bpm in (60, 180, 33):
            show.clock.bpm = bpm
            events += sum(show.run(1.3))
        assert events == math.floor(show.clock.beat) + 1
        show.edit("every(0.5)")
        beat = show.clock.beat
        assert sum(show.run(2)) == math.floor(show.clock.beat * 2) - math.floor(beat * 2)


class TestHoldCountToggle:
    def test_hold(self):
        show = Show('hold(push, hit("/kick"))', 'hold("a" if push > 2 else "b", hit("/kick"))')
        assert show.step(push=1) == [1, "b"]
        assert show.step(push=3) == [1, "b"]
        assert show.step(1, KICK, push=3) == [3, "a"]
        assert show.step(push=0) == [3, "a"]

    def test_a_condition_counts_when_it_turns_true(self):
        show = Show("count(push > 0.5)", "toggle(push > 0.5)", "count(push)")
        rows = [show.step(push=push) for push in (0, 1, 1, 0, 1, 0.2, 1)]
        assert [row[0] for row in rows] == [0, 1, 1, 1, 2, 2, 3]
        assert [row[1] for row in rows] == [0, 1, 1, 1, 0, 0, 1]
        assert [row[2] for row in rows] == [0, 1, 2, 2, 3, 4, 5]

    def test_toggle_turns_at_each_of_several_hits(self):
        show = Show('toggle(hit("/kick"))')
        assert [show.step(1, *[KICK] * k) for k in (0, 1, 2, 3)] == [0, 1, 1, 0]


class TestShapes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ramp({x})", [0, 0.25, 0.5, 0.75, 0, 0.25]),
            ("saw({x})", [1, 0.75, 0.5, 0.25, 1, 0.75]),
            ("tri({x})", [0, 0.5, 1, 0.5, 0, 0.5]),
            ("square({x})", [1, 1, 0, 0, 1, 1]),
            ("pulse({x}, 0.3)", [1, 1, 0, 0, 1, 1]),
            ("fract({x})", [0, 0.25, 0.5, 0.75, 0, 0.25]),
            ("step(0.5, {x})", [0, 0, 1, 1, 1, 1]),
            ("smoothstep(0, 1, {x})", [0, 0.15625, 0.5, 0.84375, 1, 1]),
            ("ease({x}, 'in')", [0, 0.0625, 0.25, 0.5625, 1, 1]),
            ("ease({x}, 'out')", [0, 0.4375, 0.75, 0.9375, 1, 1]),
            ("ease({x})", [0, 0.15625, 0.5, 0.84375, 1, 1]),
            ("ease({x}, 'linear')", [0, 0.25, 0.5, 0.75, 1, 1]),
            ("remap({x}, 0, 1, 10, 20)", [10, 12.5, 15, 17.5, 20, 22.5]),
            ("mix(4, 8, {x})", [4, 5, 6, 7, 8, 9]),
        ],
    )
    def test_quarter_by_quarter(self, text, expected):
        def at(x: float):
            return compile_expression(text.format(x=x), scope=SCOPE, owner="/x").evaluate(
                FrameContext(Moment(0, 0, 0, 0, 0, 120))
            )

        assert [at(k / 4) for k in range(6)] == pytest.approx(expected)

    def test_without_a_phase_they_run_with_the_beat(self):
        moment = Moment(7, 9.9, 0.1, 5.25, 1, 120)
        for text in ("ramp() == ramp(beat)", "wander() == wander(beat)", "pulse(width=0.3) == 1", "rand() == rand(5)"):
            assert compile_expression(text, scope=SCOPE, owner="/x").evaluate(FrameContext(moment)) is True


def series(text: str, xs: Iterable[float]) -> list:
    expression = compile_expression(text, scope=SCOPE, owner="/x")
    return [expression.evaluate(FrameContext(Moment(0, x, 0, 0, 0, 120))) for x in xs]


class TestWander:
    @pytest.mark.parametrize("start", [-20.0, 0.0, 1e6, 3e7])
    def test_is_smooth_and_within_its_range_wherever_it_is(self, start):
        values = series("wander(t)", (start + k / 256 for k in range(256 * 80)))
        slopes = [(b - a) * 256 for a, b in pairwise(values)]
        bends = [(b - a) * 256 for a, b in pairwise(slopes)]
        assert -1 <= min(values) < -0.4 and 0.4 < max(values) <= 1
        assert max(map(abs, slopes)) < 4 and max(map(abs, bends)) < 25
        assert abs(sum(values) / len(values)) < 0.2

    def test_seeds_are_different_paths(self):
        xs = [k / 8 for k in range(400)]
        a, b = series("wander(t, 1)", xs), series("wander(t, 2)", xs)
        correlation = sum(p * q for p, q in zip(a, b)) / math.sqrt(sum(p * p for p in a) * sum(q * q for q in b))
        assert abs(correlation) < 0.3
        assert a == series("wander(t, seed=1)", xs)

    def test_is_not_nothing_on_whole_numbers(self):
        # Plain gradient noise is, and one sees the beat in it.
        assert len({round(value, 6) for value in series("wander(t)", range(50))}) == 50


class TestRand:
    def test_is_spread_evenly(self):
        values = series("rand(t)", range(-2000, 8000))
        assert 0 <= min(values) < 0.01 and 0.99 < max(values) < 1
        tenths = [sum(k / 10 <= value < (k + 1) / 10 for value in values) for k in range(10)]
        assert min(tenths) > 850 and max(tenths) < 1150
        products = [(a - 0.5) * (b - 0.5) for a, b in pairwise(values)]
        assert abs(sum(products) / len(products)) < 0.005

    def test_holds_between_whole_numbers_and_is_the_same_for_ever(self):
        assert len(set(series("rand(t, 4)", (3, 3.5, 3.999)))) == 1
        # Written down when it was made: pieces made with it must not change.
        golden = [0.6263198237992851, 0.7254922597640515, 0.485861045725114]
        assert series("rand(t, 4)", (0, 1, -1)) == golden

    def test_the_hash_is_splitmixs(self):
        # The first two numbers of the published generator from state 0; mix64(0, 0) chains the finaliser once more.
        assert _finish(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF
        assert _finish(2 * 0x9E3779B97F4A7C15 & (2**64 - 1)) == 0x6E789E6AA1B965F4
        assert mix64(0, 0) == _finish(0xE220A8397B1DCDAF + 0x9E3779B97F4A7C15 & (2**64 - 1))


class TestSeq:
    def test_one_cycle_lasts_its_beats(self):
        show = Show('seq("0 1 <2 -1> .5", beats=4)', bpm=60)
        values = [show.step(1 if k else 0) for k in range(9)]
        assert values == [0, 1, 2, 0.5, 0, 1, -1, 0.5, 0]

    def test_switches_on_the_frame_of_the_beat(self):
        # Thirds of a beat cannot be said exactly in floats; the step must not come a frame late.
        show = Show('seq("0 1 2", beats=1)', bpm=60)
        assert [show.step(1 / 3 if k else 0) for k in range(3000)] == [0, 1, 2] * 1000

    def test_glides(self):
        show = Show('seq("0 1", beats=2, ease="linear")', 'seq("0 1", beats=2, ease="inout")', bpm=60)
        rows = [show.step(0.25 if k else 0) for k in range(9)]
        assert [row[0] for row in rows] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0])
        assert [row[1] for row in rows][:5] == pytest.approx([0, 0.15625, 0.5, 0.84375, 1])

    def test_chance_follows_its_seed(self):
        def row(seed: int) -> list:
            show = Show(f'seq("a b? c? d?", beats=1, seed={seed})', bpm=60)
            return show.run(20, 4)

        assert row(1) == row(1) != row(2)

    def test_needs_no_past(self):
        show = Show('seq("0 1? [2 ~]? <3 4>", beats=2)')
        values = show.run(10)
        show.clock.seek(0)
        show.clock.frame = -1
        assert show.run(10) == values
        show.clock.seek(-100)
        assert show.step() in (0, 1, 2, 3, 4)


class TestOutside:
    def play(self, text: str, values: dict | None = None, *hits: Hit):
        frame = FrameContext(Moment(0, 0, 0, 0, 0, 120), Inbox(values or {}, hits))
        return compile_expression(text, scope=SCOPE, owner="/x").evaluate(frame)

    def test_osc(self):
        assert self.play('osc("/a")') == 0 and self.play('osc("/a", 0.7)') == 0.7 and self.play('osc("/a", "x")') == "x"
        assert self.play('osc("/a") * 2', {"/a": 3}) == 6
        assert self.play('osc("/a")[1]', {"/a": [1, 2, 3]}) == 2
        for odd in (b"blob", math.nan, None, object(), 2**70, "a" * 9999, [0] * 5000):
            assert self.play('osc("/a", 5)', {"/a": odd}) == 5

    def test_hit_counts_and_filters(self):
        hits = (
            Hit("/dirt/play", ("s", "bd", "n", 3, "gain", 0.5)),
            Hit("/dirt/play", (), {"s": "sn", "n": 3}),
            Hit("/dirt/play", ("bd",)),
            Hit("/other", ("s", "bd")),
        )
        assert self.play('hit("/dirt/play")', None, *hits) == 3
        assert self.play('hit("/dirt/play", s="bd")', None, *hits) == 1
        assert self.play('hit("/dirt/play", n=3)', None, *hits) == 2
        assert self.play('hit("/dirt/play", s="sn", n=3)', None, *hits) == 1
        assert self.play('hit("/dirt/play", s="hh")', None, *hits) == 0

    def test_midi_and_sound(self):
        values = {"/midi/cc/1/74": 0.25, "/midi/note/10/36": 0.9, "/audio/level": 0.5, "/audio/band/3": 0.75}
        assert self.play("cc(1, 74)", values) == 0.25 and self.play("cc(2, 74)", values) == 0
        assert self.play("note(10, 36)", values) == 0.9
        assert self.play("audio.level + audio.band(3)", values) == 1.25
        assert self.play("audio.bass + audio.mid + audio.high + audio.centroid", values) == 0
        assert self.play("audio.onset", values, Hit("/audio/onset"), Hit("/audio/onset")) == 2
        assert self.play("audio.level", {"/audio/level": "loud"}) == 0
        for wrong in ("cc(0, 1)", "cc(1, 128)", "note(17, 0)", "note(1, -1)"):
            with pytest.raises(ExpressionError, match="no MIDI"):
                self.play(wrong)
