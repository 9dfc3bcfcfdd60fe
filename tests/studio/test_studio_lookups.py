"""What the page's editor looks up, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import live_values, word_child, word_service
from ganzfeld.studio.inside import Insides
from ganzfeld.studio.live_values import MOST, LiveValues
from ganzfeld.studio.lookups import Lookups
from ganzfeld.studio.turns import Turns
from ganzfeld.studio.word_service import WordService
from ganzfeld.studio.words import EditAnswer, EditQuestion, InsideQuestion, Question, Words
from studio_client import get
from waiting import until


@pytest.fixture
def service(monkeypatch) -> Iterator[WordService]:
    """One whose child is a few lines of Python, and answers with what it is asked."""
    monkeypatch.setattr(word_service, "_ARGUMENTS", (sys.executable, "-S", "-c", ECHO))
    service = WordService()
    yield service
    service.close()


ECHO = """
import sys
for line in sys.stdin:
    if "silent" in line:
        break
    print(line, end="", flush=True)
"""


def test_one_child_answers_all_and_ends_with_the_studio(service):
    assert json.loads(service.words("out(a)", "/shows")) == {"kind": "words", "text": "out(a)", "folder": "/shows"}
    child = service.child.process
    assert json.loads(service.words("out(b)"))["text"] == "out(b)"
    assert service.child.process is child and child.poll() is None
    assert service.edit("out(b)", "delete", {"node": "out"}) == EditAnswer()
    service.close()
    assert child.poll() is not None
    with pytest.raises(GanzfeldError):
        service.words("out(c)")


def test_a_child_that_ends_is_no_answer_and_another_is_started(service):
    with pytest.raises(GanzfeldError, match="could not be collected"):
        service.words("silent")
    assert json.loads(service.words("out(a)"))["text"] == "out(a)"
    with pytest.raises(GanzfeldError, match="too long"):
        service.words("#" * (word_service.LONGEST_TEXT + 1))


def test_a_child_that_takes_too_long_is_ended(service, monkeypatch):
    monkeypatch.setattr(word_service, "PATIENCE", 0.2)
    service.child.arguments = (sys.executable, "-S", "-c", "import sys; sys.stdin.read()")
    with pytest.raises(GanzfeldError, match="could not be collected"):
        service.words("out(a)")
    assert service.child.process is None


def test_the_child_answers_questions_with_words(monkeypatch):
    questions = b"".join(
        msgspec.json.encode(Question(text)) + b"\n" for text in ('out(network("planets"))', "out(", 'out("\u2028")')
    )
    for node in ("a", "b"):
        asked = EditQuestion("a = flip(noise(), bypass=True)\nout(a)", "bypass", {"node": node, "on": False})
        questions += msgspec.json.encode(asked) + b"\n"
    questions += msgspec.json.encode(InsideQuestion("out(", instead='out(network("orbits"))')) + b"\n"
    answers = io.BytesIO()
    monkeypatch.setattr(word_child.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(questions)))
    monkeypatch.setattr(word_child.sys, "stdout", SimpleNamespace(buffer=answers))
    word_child.main()
    *worded, edited, refused, told = answers.getvalue().splitlines()
    assert msgspec.json.decode(edited, type=EditAnswer).steps == [[(16, 29, "")]]
    assert msgspec.json.decode(told, type=Insides).networks[0].kind == "stylegan3-t"
    assert "no node 'b'" in msgspec.json.decode(refused, type=EditAnswer).what
    first, second, third = (msgspec.json.decode(line, type=Words) for line in worded)
    assert first.problem == "" and first.networks[0].layers
    assert second.problem and third.problem and second.nodes == first.nodes
    assert word_service._ARGUMENTS[-1] == word_child.__name__


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


def test_words_are_those_of_the_text_that_was_played(show):
    asked = []

    def collect(text: str, folder: str) -> bytes:
        asked.append((text, folder))
        if len(asked) > 1:
            raise GanzfeldError("no words today")
        return b"{}"

    answer = Lookups(show, collect).routes[0].endpoint
    assert asyncio.run(answer(None)).body == b"{}"
    refused = asyncio.run(answer(None))
    assert (refused.status_code, refused.body) == (503, b"no words today\n")
    assert asked[0] == (show.now.patch_text, "")


def test_who_waits_for_words_holds_up_no_command(studio, show, view, monkeypatch):
    """A slow answer, and many who ask for it, take no thread from what hands do."""
    asked, goes_on = threading.Event(), threading.Event()

    def slow(self: WordService, *question: object) -> bytes:
        asked.set()
        goes_on.wait(20)
        return b"{}"

    monkeypatch.setattr(WordService, "words", slow)
    monkeypatch.setattr(WordService, "edit", lambda *question: (slow(*question), EditAnswer(steps=[]))[1])
    monkeypatch.setattr(Lookups, "_layers", slow)
    asking = [threading.Thread(target=get, args=(studio, path)) for path in ("/api/words", "/api/layers") * 24]
    try:
        with contextlib.ExitStack() as stack:
            studio._lookups._collect = studio._lookups._service.words
            for thread in asking:
                thread.start()
            assert asked.wait(5)
            pages = [stack.enter_context(view()) for _ in range(10)]
            for page in pages:
                document = page.hear("document")
                for number in range(4):
                    place = {"log": document["log"], "version": document["version"]}
                    page.say(kind="edit", request=number, do="mute", **place)
            pages[0].say(kind="turn", address="/face/psi", value=0.25)
            assert until(lambda: ("turn", "/face/psi", 0.25) in show.done, seconds=10)
            assert get(studio, "/api/status").status == 200
            goes_on.set()
            assert all(page.hear("edited")["changes"] is not None for page in pages)
    finally:
        goes_on.set()
        for thread in asking:
            thread.join(10)


def test_only_so_many_wait():
    async def ask() -> list[object]:
        turns, goes_on = Turns("test", 2), threading.Event()
        waiting = [asyncio.create_task(turns.take(goes_on.wait, 10)) for _ in range(3)]
        await asyncio.wait(waiting[2:])
        goes_on.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        turns.close()
        with pytest.raises(GanzfeldError, match="ends"):
            await turns.take(len, "")
        return found

    first, second, third = asyncio.run(ask())
    assert (first, second) == (True, True)
    assert isinstance(third, GanzfeldError)


def test_an_edit_that_stumbles_ends_nothing(monkeypatch):
    def stumble(*asked: object) -> None:
        raise RecursionError("deep")

    monkeypatch.setattr(word_child, "splices_of", stumble)
    answer = word_child._answer(EditQuestion("out()", "mute"))
    assert isinstance(answer, EditAnswer) and answer.steps is None and "RecursionError" in answer.what
