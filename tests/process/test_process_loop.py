"""The loop with time moved by hand: nothing here sleeps."""

from __future__ import annotations

import bisect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.process.loop import FramePacer, Loop, Measure, Meter
from ganzfeld.process.messages import FollowRefresh
from ganzfeld.process.refresh_follower import LeadingDoor
from ganzfeld.values.status import DoorStatus
from ganzfeld.values.time import Clock, Moment


class World:
    """A clock, a sleep that oversleeps, and a stage whose frames take as long as they are told to."""

    def __init__(self, *, took=(), overslept=(), start: float = 1000.0) -> None:
        self.time = start
        self.took, self.overslept = list(took), list(overslept)
        self.moments: list[Moment] = []
        self.began: list[float] = []
        self.calls: list[str] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds + (self.overslept.pop(0) if self.overslept else 0.0)

    def listen(self) -> None:
        self.calls.append("listen")

    def frame(self, moment: Moment) -> None:
        self.calls.append("frame")
        self.moments.append(moment)
        self.began.append(self.time)
        self.time += self.took.pop(0) if self.took else 0.001

    def finish(self) -> None:
        self.calls.append("finish")

    def rest(self) -> None:
        self.calls.append("rest")

    def loop(self, fps: float = 60.0, **options) -> Loop:
        return Loop(self, Clock(), fps=fps, now=self.now, sleep=self.sleep, **options)

    def play(self, frames: int, fps: float = 60.0) -> Loop:
        loop = self.loop(fps)
        for _ in range(frames):
            loop.step()
        return loop


def test_late_wake_ups_do_not_shake_the_motion():
    world = World(overslept=[0.004, 0.0, 0.009, 0.001] * 50)
    world.play(200, fps=50)
    assert [moment.t for moment in world.moments] == pytest.approx([k / 50 for k in range(200)], abs=1e-9)
    assert [moment.frame for moment in world.moments] == list(range(200))


def test_a_month_of_frames_does_not_drift():
    pace = FramePacer(60.0, 0.0)
    clock = Clock()
    now = 0.0
    month = 30 * 24 * 3600 * 60
    for k in [0, 1, 2]:
        now = k / 60
        clock.advance(pace.begin(now + 0.003, waited=True))
    pace._next, pace._last = month, (month - 1) / 60  # a month later
    assert pace.wait((month - 1) / 60) == pytest.approx(1 / 60, abs=1e-8)
    assert pace.begin(month / 60 + 0.002, waited=True) == pytest.approx(1 / 60, abs=1e-8)
    assert pace.skipped == 0


def test_a_hiccup_costs_the_frames_it_covers_and_no_more():
    world = World(took=[0.001] * 10 + [0.095] + [0.001] * 30)  # 9.5 places of 10 ms
    loop = world.play(40, fps=100)
    times = [moment.t for moment in world.moments]
    assert times[:11] == pytest.approx([k / 100 for k in range(11)])
    assert times[11] == pytest.approx(0.195), "it began then, and shows that moment"
    assert times[12:] == pytest.approx([0.20 + k / 100 for k in range(28)]), "on the grid again"
    assert loop.measure().skipped == 8


def test_frames_that_take_too_long_move_evenly():
    world = World(took=[0.015] * 40)
    world.play(40, fps=100)
    steps = [b.t - a.t for a, b in zip(world.moments, world.moments[1:])]
    assert steps == pytest.approx([0.015] * 39, abs=1e-9)
    assert [moment.dt for moment in world.moments[1:]] == pytest.approx(steps)


@given(
    took=st.lists(st.floats(0, 0.1), max_size=60),
    overslept=st.lists(st.floats(0, 0.1), max_size=60),
    fps=st.sampled_from([1.0, 24.0, 59.94, 60.0, 240.0]),
)
def test_show_time_only_grows_and_stays_within_a_frame_of_real_time(took, overslept, fps):
    world = World(took=took, overslept=overslept)
    loop = world.play(60, fps)
    times = [moment.t for moment in world.moments]
    assert times[0] == 0
    assert all(a < b for a, b in itertools.pairwise(times))
    for t, began in zip(times, world.began):
        assert -1e-6 <= began - 1000.0 - t < 1 / fps + 1e-6
    # Every place of the grid was either played or skipped.
    assert round((loop._pace._next) - 60 - loop.measure().skipped) == 0


def test_fps_can_change_while_it_plays():
    world = World()
    loop = world.loop(60)
    for _ in range(30):
        loop.step()
    loop.set_fps(60)  # no change: the grid stays
    loop.step()
    loop.set_fps(25)
    for _ in range(25):
        loop.step()
    steps = [b.t - a.t for a, b in zip(world.moments, world.moments[1:])]
    assert steps[:30] == pytest.approx([1 / 60] * 30)
    assert steps[31:] == pytest.approx([1 / 25] * 24)
    assert loop.fps == 25


def test_pause_speed_and_seek():
    world = World()
    loop = world.loop(10)
    loop.step()
    loop.clock.paused = True
    for _ in range(5):
        loop.step()
    assert [moment.t for moment in world.moments] == [0] * 6
    assert [moment.dt for moment in world.moments[1:]] == [0] * 5
    assert [moment.frame for moment in world.moments] == list(range(6)), "a paused show still makes frames"
    loop.clock.paused = False
    loop.clock.speed = 0.5
    loop.step()
    assert world.moments[-1].t == pytest.approx(0.05)
    loop.clock.seek(100)
    loop.step()
    assert world.moments[-1].t == pytest.approx(100.05)


def test_after_a_restart_time_goes_on_as_if_it_had_not_stopped():
    world = World()
    clock = Clock()
    clock.restore({"frame": 600, "t": 10.0, "beat": 20.0, "lead": 0.0, "bpm": 120.0, "speed": 1.0, "paused": False})
    loop = Loop(world, clock, fps=60, behind=1.5, now=world.now, sleep=world.sleep)
    loop.step()
    loop.step()
    assert [moment.t for moment in world.moments] == pytest.approx([11.5, 11.5 + 1 / 60])
    assert [moment.frame for moment in world.moments] == [601, 602]
    assert world.moments[0].beat == pytest.approx(23)


def test_commands_are_heard_right_before_the_frame():
    world = World()
    world.play(2)
    assert world.calls == ["listen", "frame", "finish", "rest"] * 2


def test_the_meter_says_how_the_last_second_went():
    assert Meter().measure() == Measure()
    meter = Meter()
    for k in range(300):
        meter.add(k / 50, k / 50 + (0.010 if k == 290 else 0.100 if k == 10 else 0.004))
    measure = meter.measure(skipped=7)
    assert measure.fps == pytest.approx(50)
    assert measure.median_ms == pytest.approx(4)
    assert measure.worst_ms == pytest.approx(10), "the slow frame of five seconds ago is forgotten"
    assert measure.skipped == 7
    slow = Meter()
    for k in range(3):
        slow.add(5.0 * k, 5.0 * k + 5.0)
    assert slow.measure().fps == pytest.approx(0.2)


def beats(world: World, refresh: float, first: float, last: float) -> int:
    """How many refreshes of a display, from one second to another, show a picture again or leave one out."""
    times = [1000.004 + first + k / refresh for k in range(int((last - first) * refresh))]
    shown = [bisect.bisect_right(world.began, at) for at in times]
    return sum(abs(b - a - 1) for a, b in itertools.pairwise(shown))


def follow(refresh: float, fps: float = 60.0, seconds: float = 120.0, phase: float = 0.0121) -> World:
    """A show, and a display that says twice a second when it refreshed last."""
    world, said = World(), 0.0
    loop = world.loop(fps)
    while world.time < 1000.0 + seconds:
        if world.time - said >= 0.5:
            said = world.time
            refreshes = (world.time - 1000.0 - phase) * refresh // 1
            loop.follow(1000.0 + phase + refreshes / refresh, refresh)
        loop.step()
    return world


def test_without_a_lead_a_display_of_another_rate_beats():
    world = World()
    world.play(120 * 60)
    assert beats(world, 59.94, 60, 120) >= 3


@pytest.mark.parametrize(
    ("refresh", "fps"), [(59.94, 60.0), (60.06, 60.0), (119.88, 60.0), (59.94, 30.0), (59.94, 120.0)]
)
def test_the_loop_keeps_step_with_a_display(refresh, fps):
    world = follow(refresh, fps)
    steps = [b.t - a.t for a, b in itertools.pairwise(world.moments)]
    assert steps == pytest.approx([1 / fps] * len(steps), rel=0.002), "so slowly that it is not seen"
    ratio = round(refresh / fps) if refresh > fps else 1 / round(fps / refresh)
    late = steps[-600:]
    assert sum(late) / len(late) == pytest.approx(ratio / refresh, rel=1e-5)
    place = min(ratio, 1) / refresh
    off = [(moment.t - 0.0121 + 0.001 + place / 2) % place - place / 2 for moment in world.moments[-600:]]
    assert max(map(abs, off)) < 0.0005, "a frame takes a millisecond, and is ready when the display asks"
    assert beats(world, refresh, 90, 120) == 0 or ratio != 1


def test_a_display_of_quite_another_rate_leads_nobody():
    steps = [b.t - a.t for a, b in itertools.pairwise(follow(75.0, seconds=10).moments)]
    assert steps == pytest.approx([1 / 60] * len(steps), abs=1e-9)


def test_a_display_that_falls_silent_leads_no_more():
    world = World()
    loop = world.loop(60)
    loop.follow(1000.0, 59.94)
    for _ in range(60 * 20):
        loop.step()
    steps = [b.t - a.t for a, b in itertools.pairwise(world.moments)]
    assert max(steps) > 1.0005 / 60
    assert steps[-60:] == pytest.approx([1 / 60] * 60, abs=1e-9)


def test_the_first_open_door_that_says_when_leads():
    def door(name: str, **fields) -> DoorStatus:
        return DoorStatus(name=name, type="window", **{"state": "open", **fields})

    leading = LeadingDoor()
    assert leading.look([door("a"), door("b", refresh=50.0, state="waiting")]) is None
    doors = [door("a"), door("b", refresh=59.94, refreshed_at=7.0), door("c", refresh=50.0, refreshed_at=8.0)]
    assert leading.look(doors) == FollowRefresh(7.0, 59.94)
    assert leading.look(doors) is None, "it is said once"
    assert leading.look(doors[2:]) == FollowRefresh(8.0, 50.0)
    later = door("c", refresh=50.0, refreshed_at=10.0)
    assert leading.look([*doors[:2], later]) == FollowRefresh(10.0, 50.0), "b leads no more, and c does"
