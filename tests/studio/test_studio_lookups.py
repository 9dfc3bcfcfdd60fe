"""What the page's editor looks up, over HTTP."""

from __future__ import annotations

import json

import msgspec
import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import live_values, word_service
from ganzfeld.studio.live_values import MOST, LiveValues
from ganzfeld.studio.word_service import WordService
from ganzfeld.studio.words import Words
from studio_client import get


def test_words_come_from_a_process_that_ends_with_the_studio():
    service = WordService()
    try:
        words = msgspec.json.decode(service.words('out(network("planets"))'), type=Words)
        assert words.problem == "" and words.networks[0].layers
        child = service._child
        assert child is not None and child.poll() is None
        assert msgspec.json.decode(service.words("out("), type=Words).problem
        assert service._child is child
    finally:
        service.close()
    assert child.poll() is not None
    with pytest.raises(GanzfeldError):
        service.words("out(noise())")


def test_a_child_that_says_nothing_is_no_answer(monkeypatch):
    monkeypatch.setattr(
        word_service, "_ARGUMENTS", (word_service.sys.executable, "-c", "import sys; sys.stdin.read(1)")
    )
    service = WordService()
    with pytest.raises(GanzfeldError, match="could not be collected"):
        service.words("out(noise())")
    assert service._child is None
    with pytest.raises(GanzfeldError, match="too long"):
        service.words("#" * (word_service.LONGEST_TEXT + 1))
    service.close()


def test_values_are_reported_while_somebody_asks(studio, show):
    assert json.loads(get(studio, "/api/values?address=/face/psi&address=/push").body) == {}
    ((choose, hear),) = show.reported
    assert choose == ("/face/psi", "/push")
    hear(None, {"/face/psi": 0.8, "/other": 1.0})
    assert json.loads(get(studio, "/api/values?address=/face/psi").body) == {"/face/psi": 0.8}
    assert json.loads(get(studio, "/api/values").body) == {}
    studio.stop()
    assert show.reported == []


def test_values_that_nobody_asks_for_are_forgotten(show, monkeypatch):
    now = 100.0
    monkeypatch.setattr(live_values.time, "monotonic", lambda: now)
    values = LiveValues(show)
    values.values(["/a"])
    now += live_values.FORGOTTEN_AFTER / 2
    values.values(["/b"])
    assert show.reported[0][0] == ("/a", "/b")
    now += live_values.FORGOTTEN_AFTER * 0.7
    values.values([])
    assert show.reported[0][0] == ("/b",)
    values.values([f"/{number}" for number in range(10 * MOST)])
    assert len(show.reported[0][0]) == MOST
    values.close()
    assert show.reported == []


def test_words_that_cannot_be_had_are_said(studio, monkeypatch):
    def refuse(self: WordService, text: str, folder: str) -> bytes:
        raise GanzfeldError("no words today")

    monkeypatch.setattr(WordService, "words", refuse)
    answer = get(studio, "/api/words")
    assert (answer.status, answer.body) == (503, b"no words today\n")
