"""`hold(fps)`: down fast, up slowly, never to and fro."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

import network_files as made
from ganzfeld.engine.dynamic_resolution import MOST_PATIENCE, PATIENCE, DynamicResolution
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.capture import HostTimer, NoGraphs
from ganzfeld.errors import PatchError
from ganzfeld.patch.language.parser import parse
from ganzfeld.values.time import Clock


class Card:
    """A card that takes `full` seconds for a frame at the full size, and less at each halving."""

    def __init__(self, hold: DynamicResolution, full: float, share: float = 0.5, fixed: float = 0.0) -> None:
        self.hold, self.full, self.share, self.fixed = hold, full, share, fixed
        self.now = 0.0
        self.sizes: list[int] = []

    def play(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            took = self.fixed + self.full * self.share**self.hold.halvings
            self.now += max(took, 1 / self.hold.fps)
            self.hold.observe(took, self.now)
            self.sizes.append(self.hold.halvings)

    @property
    def changes(self) -> int:
        return sum(a != b for a, b in zip(self.sizes, self.sizes[1:]))


def test_a_card_that_is_fast_enough_is_left_alone() -> None:
    card = Card(DynamicResolution(60, 3), 0.014)
    card.play(20)
    assert card.sizes[-1] == card.changes == 0


def test_down_within_half_a_second() -> None:
    card = Card(DynamicResolution(60, 3), 0.060)
    card.play(1.0)
    assert card.sizes[-1] == 2
    card.play(60)
    assert card.sizes[-1] == 2
    assert card.changes == 2, "and there it stays"


def test_never_below_the_least() -> None:
    card = Card(DynamicResolution(60, 2), 5.0)
    card.play(60)
    assert card.sizes[-1] == 2


def test_up_when_the_load_has_gone_but_not_at_once() -> None:
    card = Card(DynamicResolution(60, 3), 0.020)
    card.play(2)
    assert card.sizes[-1] == 1
    card.full = 0.008
    card.play(PATIENCE / 2)
    assert card.sizes[-1] == 1
    card.play(PATIENCE)
    assert card.sizes[-1] == 0
    card.play(30)
    assert card.sizes[-1] == 0


def test_a_size_that_keeps_failing_is_tried_less_and_less() -> None:
    card = Card(DynamicResolution(60, 1), 0.020, share=0.4)
    for _ in range(100):  # a load that comes and goes
        card.full = 0.020
        card.play(1)
        card.full = 0.010
        card.play(4)
    assert card.changes < 6
    assert card.hold._patience > PATIENCE
    for rest in (10, 20, 40, 80, 160):  # and one that always comes back
        card.full = 0.010
        card.play(rest)
        card.full = 0.020
        card.play(1)
    assert card.hold._patience == MOST_PATIENCE


def test_a_single_slow_frame_changes_nothing() -> None:
    hold = DynamicResolution(60, 3)
    for number in range(100):
        hold.observe(0.2 if number % 10 == 5 else 0.010, number / 60)
    assert hold.halvings == 0


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


def test_a_real_slow_render_is_noticed(small_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzfeld.patch.nodes.network import NetworkNode

    real = NetworkNode.render

    def slowly(self, context, inputs):
        time.sleep(0.02 / 4**context.halvings)
        return real(self, context, inputs)

    monkeypatch.setattr(NetworkNode, "render", slowly)
    engine, clock = Engine(device="cpu"), Clock()
    engine.load(f"hold(60)\nface = network({str(small_network)!r}, latent=noise())\nout(face)")
    for _ in range(40):
        engine.frame(clock.advance(1 / 60))
    assert engine.halvings >= 1
    assert engine.frame_seconds > 0
