"""Pauses between attempts grow, and begin anew."""

from __future__ import annotations

from ganzfeld.backoff import Backoff


def test_pauses_grow_to_the_longest_and_begin_anew():
    backoff = Backoff(1.0, 5.0)
    assert [backoff.pause() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert [backoff.pause() for _ in range(2)] == [1, 2]
