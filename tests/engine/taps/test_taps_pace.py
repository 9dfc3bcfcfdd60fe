"""How often a show on a card is looked into follows from what that costs there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ganzfeld.engine.taps.onlooker import EVERY, SELDOM, SHARE, Onlooker


class Told:
    """A timer that says what it is told to say."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def finished(self) -> list[float]:
        return [self.seconds]


@pytest.mark.parametrize(
    ("plain", "looked"), [(1e-3, 1.05e-3), (1e-3, 1.4e-3), (8e-4, 5e-3), (0.0, 1e-3), (1e-3, 9e-4)]
)
def test_looking_takes_a_share_of_what_frames_take(plain: float, looked: float, monkeypatch: pytest.MonkeyPatch):
    onlooker = Onlooker(lambda work: None, Told(looked), lambda: plain)
    program: Any = SimpleNamespace(built=None, wants_capture=False, captured=True)
    twin: Any = SimpleNamespace(views=(), captured=True, atlas=None, is_of=lambda program: True)
    onlooker._twins[id(program)] = twin
    monkeypatch.setattr(onlooker, "_show", lambda atlas: None)
    turns, last = [], 0
    for frame in range(1, 400):
        if (found := onlooker.twin(program)) is not None:
            turns.append(frame - last)
            last = frame
            onlooker.drew(found)
    settled = turns[-1]
    assert EVERY <= settled <= SELDOM
    if plain and settled < SELDOM:
        assert (looked - plain) / settled <= 1.1 * SHARE * plain
