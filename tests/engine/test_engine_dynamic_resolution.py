"""`hold(fps)`: down fast, up slowly, never to and fro."""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import network_files as made
from ganzfeld.engine import dynamic_resolution
from ganzfeld.engine.dynamic_resolution import (
    GAIN,
    LONGEST_BUSY,
    MILD,
    MOST_PATIENCE,
    PATIENCE,
    SPARE,
    STARTING,
    DynamicResolution,
)
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.frame_meter import FrameMeter
from ganzfeld.engine.program.capture import HostTimer, NoGraphs
from ganzfeld.errors import PatchError
from ganzfeld.patch.language.parser import parse
from ganzfeld.values.time import Clock


class Machine:
    """One that takes `full` seconds for a frame at the full size, `share` of that at each halving, and always `fixed`
    more. others: how many times as long all of it takes because of what else is at work; on a card nobody knows of
    them. wobble: by what part frames vary."""

    def __init__(
        self,
        hold: DynamicResolution,
        full: float,
        share: float = 0.5,
        fixed: float = 0.0,
        *,
        card: bool = True,
        wobble: float = 0.0,
        starting: bool = False,
    ) -> None:
        self.hold, self.full, self.share, self.fixed, self.card, self.wobble = hold, full, share, fixed, card, wobble
        self.others, self.busy = 1.0, False
        self.now = 0.0
        self.sizes: list[tuple[float, int]] = []
        if not starting:
            hold.observe(0.001, -2 * STARTING)

    def play(self, seconds: float) -> int:
        """The size that it has come to."""
        end = self.now + seconds
        while self.now < end:
            own = self.fixed + self.full * self.share**self.hold.halvings
            own *= 1 + self.wobble * ((7 * len(self.sizes) % 11) / 5 - 1)
            took = own * self.others
            self.now += max(took, 1 / self.hold.fps)
            self.hold.observe(took, self.now, None if self.card else own, busy=self.busy)
            self.sizes.append((self.now, self.hold.halvings))
        return self.hold.halvings

    def changes(self, since: float = 0.0) -> int:
        sizes = [size for at, size in self.sizes if at >= since]
        return sum(a != b for a, b in itertools.pairwise(sizes))


def test_a_card_that_is_fast_enough_is_left_alone() -> None:
    card = Machine(DynamicResolution(60, 3), 0.014)
    assert card.play(20) == card.changes() == 0


def test_down_within_a_second_or_two() -> None:
    card = Machine(DynamicResolution(60, 3), 0.060)
    assert card.play(1.2) == 1
    assert card.play(2.0) == 2
    assert card.play(60) == 2
    assert card.changes() == 2, "and there it stays"
    assert Machine(DynamicResolution(60, 3), 1.2).play(4.0) == 3, "as far as surely needed, in one step"


def test_never_below_the_least() -> None:
    assert Machine(DynamicResolution(60, 2), 5.0).play(60) == 2


def test_up_when_the_load_has_gone_but_not_at_once() -> None:
    card = Machine(DynamicResolution(60, 3), 0.020)
    assert card.play(2) == 1
    card.full = 0.008
    assert card.play(PATIENCE / 2) == 1
    assert card.play(PATIENCE) == 0
    assert card.play(30) == 0


def test_a_size_that_keeps_failing_is_tried_less_and_less() -> None:
    card = Machine(DynamicResolution(60, 1), 0.020, share=0.4)
    for _ in range(100):  # a load that comes and goes
        card.full = 0.020
        card.play(1.5)
        card.full = 0.010
        card.play(5)
    assert card.changes() < 40
    assert card.hold._patience > PATIENCE
    for rest in (10, 20, 40, 80, 160):  # and one that always comes back
        card.full = 0.010
        card.play(rest)
        card.full = 0.020
        card.play(1.5)
    assert card.hold._patience == MOST_PATIENCE


def test_a_single_slow_frame_changes_nothing() -> None:
    hold = DynamicResolution(60, 3)
    for number in range(1000):
        hold.observe(0.2 if number % 10 == 5 else 0.010, number / 60)
    assert hold.halvings == 0


@pytest.mark.parametrize("card", [False, True])
def test_a_show_that_starts_keeps_its_size(card: bool) -> None:
    """First frames, a spare that imports, a page that loads: all of it takes the processors away for seconds."""
    machine = Machine(DynamicResolution(20, 3), 0.032, card=card, starting=True)
    machine.others = 30.0
    machine.play(0.9)
    machine.others = 1.0 if card else 3.5
    machine.play(STARTING - 1.5)
    machine.others = 1.0
    assert machine.play(30) == machine.changes() == 0


def test_what_is_too_large_from_the_start_is_halved_at_once() -> None:
    machine = Machine(DynamicResolution(20, 3), 0.100, share=0.3, card=False, starting=True)
    machine.others = 2.5
    assert machine.play(3.5) == 1
    machine.play(5)
    machine.others = 1.0
    assert machine.play(30) == 1


def test_others_that_stay_are_reason_enough() -> None:
    machine = Machine(DynamicResolution(20, 3), 0.032, card=False)
    machine.play(5)
    machine.others = 2.0
    assert machine.play(1.5) == 0, "it may pass"
    assert machine.play(1.5) == 1
    machine.others = 1.0
    assert machine.play(PATIENCE + 2) == 0


def test_others_while_it_starts_who_stay() -> None:
    machine = Machine(DynamicResolution(20, 3), 0.032, card=False, starting=True)
    machine.others = 2.0
    assert machine.play(STARTING - 0.1) == 0
    assert machine.play(2) == 1


def test_where_halving_gains_nothing_the_size_comes_back() -> None:
    machine = Machine(DynamicResolution(60, 3), 0.004, fixed=0.030)
    machine.play(600)
    at = dict(machine.sizes)
    small = sum(size > 0 for size in at.values()) / len(at)
    assert max(at.values()) == 1
    assert small < 0.03, "it is tried now and then"
    assert machine.changes(300) <= 4


def test_a_size_that_gains_little_is_kept_only_if_it_holds_the_rate() -> None:
    machine = Machine(DynamicResolution(60, 3), 0.018, share=0.8)
    assert machine.play(30) == 1
    machine = Machine(DynamicResolution(60, 3), 0.040, share=0.88)
    machine.play(300)
    assert statistics.mode(size for _, size in machine.sizes) == 0


def test_a_size_that_gains_something_is_kept_though_it_holds_no_rate() -> None:
    """Somebody who asks for a rate would rather have 48 of 60 than 25."""
    machine = Machine(DynamicResolution(60, 3), 0.040, share=0.8)
    assert machine.play(300) == 3
    assert machine.changes(60) == 0


def test_others_who_come_just_then_do_not_make_it_look_vain() -> None:
    machine = Machine(DynamicResolution(20, 3), 0.032, card=False)
    machine.others = 1.9
    while machine.play(0.05) == 0:
        pass
    machine.others = 3.8  # as long a frame as before, though half of it is saved
    assert machine.play(2) == 1
    machine.others = 1.9
    assert machine.play(20) == 1


def test_what_looked_vain_because_the_load_grew_is_no_more() -> None:
    machine = Machine(DynamicResolution(60, 3), 0.020)
    while machine.play(0.02) == 0:
        pass
    machine.full = 0.045  # as halving had just been tried
    machine.play(8)
    assert machine.hold.halvings == 2
    assert machine.play(60) == 2


def test_building_beside_the_show_is_no_reason_for_a_while() -> None:
    machine = Machine(DynamicResolution(20, 3), 0.025)
    machine.others, machine.busy = 3.0, True
    assert machine.play(LONGEST_BUSY - 0.5) == 0
    assert machine.play(3) == 1
    machine.others, machine.busy = 1.0, False
    assert machine.play(10) == 0


def test_another_patch_is_measured_anew() -> None:
    machine = Machine(DynamicResolution(60, 3), 0.040, share=0.9)
    machine.play(3)
    machine.hold.forget()
    machine.full, machine.share = 0.060, 0.2
    assert machine.play(30) == 1
    assert machine.changes(10) == 0


@given(
    full=st.floats(0.001, 0.4),
    share=st.floats(0.2, 1.0),
    fixed=st.floats(0.0, 0.05),
    others=st.lists(st.floats(1.0, 6.0), max_size=4),
    wobble=st.floats(0.0, 0.1),
    card=st.booleans(),
    fps=st.sampled_from([20.0, 60.0]),
)
@example(full=0.25, share=0.234375, fixed=0.015625, others=[3.0], wobble=0.0, card=True, fps=20.0)
@settings(max_examples=25)
def test_under_any_load_that_stays_it_comes_to_rest(
    full: float,
    share: float,
    fixed: float,
    others: list[float],
    wobble: float,
    card: bool,
    fps: float,
) -> None:
    machine = Machine(DynamicResolution(fps, 3), full, share, fixed, card=card, wobble=wobble, starting=True)
    for machine.others in others:
        machine.play(7)
    machine.others = 1.0
    machine.play(60)
    rest = machine.now
    machine.play(120)
    # A size that was in vain, or a larger one, is tried ever more seldom; each try is there and back.
    assert machine.changes(rest) <= 12
    at = [size for when, size in machine.sizes if when >= rest]
    usual = statistics.mode(at)
    took = fixed + full * share**usual
    if took * fps > 1.05 and usual < 3:
        assert fixed + full * share ** (usual + 1) > took / (GAIN * (1 + 2 * wobble)), "smaller would have helped"
    if usual and took * fps < 0.6:
        # What one step costs is taken for MILD where two sizes or more were left out at once, so it may stay unknown.
        larger = fixed + full * share ** (usual - 1)
        is_known = larger < GAIN * took or took * MILD * fps < SPARE
        assert larger * fps > 0.6 or not is_known, "there was room for more"


def test_the_language_knows_it() -> None:
    assert parse("hold(60)\nout(noise())").settings.hold == 60
    assert parse("out(noise())").settings.hold is None
    assert "kept" in parse("kept = hold(t, t > 1)\nout(noise())").signals, "the word in expressions is another"
    for wrong in ("hold()", "hold(0)", "hold('fast')", "hold(60, 30)", "hold(rate=60)"):
        with pytest.raises(PatchError):
            parse(f"{wrong}\nout(noise())")


class SlowTimer(HostTimer):
    """Says that a frame took as long as its inner size makes it on some weaker card."""

    def __init__(self, engine: list[Engine], seconds: float) -> None:
        super().__init__()
        self._engine, self._seconds = engine, seconds

    def finished(self) -> list[float]:
        return [self._seconds / 2 ** self._engine[0].halvings for _ in super().finished()]


class SlowGraphs(NoGraphs):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.engine: list[Engine] = []
        self._seconds = seconds

    def timer(self) -> HostTimer:
        return SlowTimer(self.engine, self._seconds)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames count from the first on, and a few are enough."""
    for name in ("STARTING", "LASTING", "LASTING_BESIDE_OTHERS"):
        monkeypatch.setattr(dynamic_resolution, name, 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("const", [(4, 4), (5, 4)])
def test_the_picture_keeps_its_size_and_the_networks_halve_theirs(const: tuple[int, int], tmp_path: Path) -> None:
    made.small2(resolution=32, const_size=const).save(tmp_path / "x.safetensors")
    text = f"hold(50)\nface = network({str(tmp_path / 'x.safetensors')!r}, latent=noise(), noise='none')\nout(face)"
    graphs = SlowGraphs(0.030)
    engine, clock = Engine(device="cpu", graphs=graphs), Clock()
    graphs.engine.append(engine)
    engine.load(text)
    whole = engine.frame(clock.advance(0.02))["out"]
    for _ in range(20):
        smaller = engine.frame(clock.advance(0.02))["out"]
    assert engine.halvings == 1
    size = 8 * const[0], 32
    assert smaller.shape == whole.shape == (*size[::-1], 4)
    inner = Engine(device="cpu")
    inner.load(
        text.replace("noise='none'", "noise='none', resolution=16").replace("out(face)", f"out(face, size={size})")
    )
    assert (inner.frame(clock.advance(0))["out"].int() - smaller.int()).abs().max() <= 1, (
        "the picture of 16 px, enlarged"
    )
    assert not torch.equal(smaller, whole)
    # Without hold the size is back at once.
    engine.load(text.replace("hold(50)\n", ""))
    assert torch.equal(engine.frame(clock.advance(0))["out"], whole)


@pytest.mark.usefixtures("impatient")
def test_a_patch_that_plays_without_its_kernels_for_a_while_says_nothing() -> None:
    class Slow(HostTimer):
        def finished(self) -> list[float]:
            return [0.5 / 8**meter.halvings for _ in super().finished()]

    meter = FrameMeter(Slow())
    meter.hold(50, 2)
    for counts, halvings in ((False, 0), (True, 2)):
        for _ in range(20):
            meter.start()
            meter.stop(counts=counts)
        assert meter.halvings == halvings


def test_every_size_is_ready_before_it_is_needed(small_network: Path) -> None:
    engine = Engine(device="cpu")
    engine.load(f"hold(50)\nface = network({str(small_network)!r}, latent=noise())\nout(face)")
    assert sorted(program.halvings for program in engine._playing.built._programs.values()) == [0, 1, 2]


def test_renders_hold_the_size_and_not_the_rate(small_network: Path) -> None:
    graphs = SlowGraphs(1.0)
    engine, clock = Engine(device="cpu", graphs=graphs, exact=True), Clock()
    graphs.engine.append(engine)
    engine.load(f"hold(50)\nface = network({str(small_network)!r}, latent=noise())\nout(face)")
    for _ in range(30):
        engine.frame(clock.advance(0.02))
    assert engine.halvings == 0


@pytest.mark.usefixtures("impatient")
def test_a_real_slow_render_is_noticed(small_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzfeld.patch.nodes.network import NetworkNode

    real = NetworkNode.render

    def slowly(self, context, inputs):
        time.sleep(0.02 / 4**context.halvings)
        return real(self, context, inputs)

    monkeypatch.setattr(NetworkNode, "render", slowly)
    engine, clock = Engine(device="cpu"), Clock()
    engine.load(f"hold(60)\nface = network({str(small_network)!r}, latent=noise())\nout(face)")
    seen = []
    for _ in range(40):
        engine.frame(clock.advance(1 / 60))
        seen.append(engine.halvings)
    assert max(seen) >= 1, "on a busy machine that may gain nothing, and is given up"
    assert engine.frame_seconds > 0
