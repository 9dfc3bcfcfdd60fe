"""The document between the server and its pages: nobody misses a change, and what makes no sense is refused."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from fake_show import PATCH
from ganzfeld.process.document import log as document_log
from ganzfeld.process.document.changes import ChangeSet, from_units, to_units, units_of
from ganzfeld.studio import document_feed, limits


class Page:
    """A page's text, as it is told of it."""

    def __init__(self, viewer: Any, client: str) -> None:
        self.viewer, self.client = viewer, client
        told = viewer.hear("document")
        self.log, self.version, self.text = told["log"], told["version"], told["text"]

    def push(self, at: int, put: str, **other: Any) -> None:
        changes = ChangeSet.splices(units_of(self.text), [(at, at, put)]).json()
        self.say("push", **{"version": self.version, "updates": [{"changes": changes}], **other})

    def say(self, kind: str, **message: Any) -> None:
        who = {} if kind in ("save", "resolve") else {"client": self.client, "log": self.log}
        self.viewer.say(kind=kind, **{**who, **message})

    def hear(self) -> list[dict[str, Any]]:
        told = self.viewer.hear("updates")
        assert (told["log"], told["since"]) == (self.log, self.version)
        for update in told["updates"]:
            self.text = from_units(ChangeSet.of(update["changes"]).apply(to_units(self.text)))
            self.version += 1
        return told["updates"]


def test_what_one_types_all_are_told_once_and_in_order(show, view):
    with view() as first, view() as second:
        ada, bob = Page(first, "ada"), Page(second, "bob")
        assert ada.text == PATCH
        for letter in "😀é!":
            ada.push(0, letter)
            (update,) = ada.hear()
            assert update["client"] == "ada" and update["what"] == "typed"
        while bob.text != ada.text:
            bob.hear()
        assert bob.version == ada.version and show.document.text == ada.text == "!é😀" + PATCH
        bob.push(units_of(bob.text), "# end", updates=[])  # asks only: there is nothing
        assert bob.viewer.hears_no("updates", 0.2)
    with view() as third:
        assert Page(third, "cy").text == "!é😀" + PATCH


class Typist(threading.Thread):
    """A page with somebody at it who types as fast as can be, does as `@codemirror/collab` does, and loses the
    connection now and then."""

    def __init__(self, view: Any, client: str, words: list[str]) -> None:
        super().__init__(name=client, daemon=True)
        self.view, self.client, self.words, self.random = view, client, words, random.Random(client)
        self.log, self.version, self.text = "", 0, ""
        self.unsent: list[ChangeSet] = []
        self.in_flight = False

    def run(self) -> None:
        while self.words or self.unsent:
            with self.view() as viewer:
                told = viewer.hear("document")
                if not self.log:
                    self.log, self.version, self.text = told["log"], told["version"], told["text"]
                assert told["log"] == self.log and told["first"] <= self.version <= told["version"]
                self.in_flight = False
                for _ in range(self.random.randint(3, 25)):
                    self.type()
                    self.push(viewer)
                    with suppress(TimeoutError):
                        self.take(viewer.hear("updates", self.random.choice([0.001, 0.1, 0.1])))

    def type(self) -> None:
        if self.words:
            places = [0, *(place for place, letter in enumerate(self.text) if letter == "\n"), len(self.text)]
            at, length = units_of(self.text[: self.random.choice(places)]), units_of(self.text)
            self.unsent.append(ChangeSet.splices(length, [(at, at, self.words.pop())]))
            self.text = from_units(self.unsent[-1].apply(to_units(self.text)))

    def push(self, viewer: Any) -> None:
        if not self.in_flight:
            drafts = [{"changes": change.json()} for change in self.unsent]
            self.in_flight = bool(drafts)
            viewer.say(kind="push", client=self.client, log=self.log, version=self.version, updates=drafts)

    def take(self, told: dict[str, Any]) -> None:
        if told["since"] > self.version:
            return
        self.in_flight = False
        for update in told["updates"][self.version - told["since"] :]:
            self.version += 1
            if update["client"] == self.client:
                self.unsent.pop(0)
                continue
            others = ChangeSet.of(update["changes"])
            for number, own in enumerate(self.unsent):
                self.unsent[number], others = own.map(others), others.map(own, before=True)
            self.text = from_units(others.apply(to_units(self.text)))


def test_typists_who_lose_their_connections_lose_no_word(show, view):
    words = {name: [f"{name} {number} {mark}" for number, mark in enumerate("😀👩‍🎤é𝄞" * 4)] for name in ("ada", "bob")}
    typists = [Typist(view, name, list(mine)) for name, mine in words.items()]
    for typist in typists:
        typist.start()
    for typist in typists:
        typist.join(30)
        assert not typist.is_alive() and not typist.words and not typist.unsent
    for mine in words.values():
        assert all(show.document.text.count(word) == 1 for word in mine)
    for typist in typists:
        with view() as viewer:
            viewer.hear("document")
            typist.in_flight = False
            typist.push(viewer)
            with suppress(TimeoutError):
                typist.take(viewer.hear("updates", 0.3))
        assert typist.text == show.document.text


def test_a_push_of_an_old_version_is_passed_over(show, view):
    with view() as first, view() as second:
        ada, bob = Page(first, "ada"), Page(second, "bob")
        ada.push(0, "a")
        ada.hear()
        bob.push(0, "b")
        bob.hear()
        assert bob.text == "a" + PATCH == show.document.text
        bob.push(0, "b")
        assert [update["client"] for update in bob.hear()] == ["bob"]


def test_a_page_that_comes_back_goes_on_from_where_it_was(show, view):
    with view() as viewer:
        ada = Page(viewer, "ada")
    show.document.submitted("# elsewhere\n" + PATCH)
    show.document.submitted("# again\n" + PATCH)
    with view() as viewer:
        told = viewer.hear("document")
        assert told["first"] <= ada.version < told["version"]
        ada.viewer = viewer
        ada.push(0, "mine")
        assert len(ada.hear()) == 2
        ada.push(0, "mine ")
        ada.hear()
        assert ada.text == "mine # again\n" + PATCH == show.document.text


def test_a_page_that_knows_another_log_gets_the_whole_text(show, view):
    with view() as viewer:
        ada = Page(viewer, "ada")
        for log in ("", "another"):
            ada.say("push", log=log, version=0)
            told = viewer.hear("document")
            assert (told["log"], told["text"], told["reset"]) == (ada.log, PATCH, False)
        ada.push(0, "on ")
        ada.hear()


def test_edits_of_a_text_that_nobody_knows_are_merged(show, view):
    with view() as viewer:
        ada = Page(viewer, "ada")
        base = PATCH.replace("bpm(124)", "bpm(99)")
        changes = ChangeSet.splices(len(base), [(len(base), len(base), "# typed offline\n")]).json()
        viewer.say(kind="merge", client="ada", base=base, changes=changes)
        assert [update["what"] for update in ada.hear()] == ["merge"]
        assert ada.text == PATCH + "# typed offline\n"


def test_a_page_that_never_reads_gets_the_whole_text(show, view, monkeypatch):
    monkeypatch.setattr(document_feed, "MOST_UPDATES", 3)
    feed, reader = document_feed.DocumentFeed(), document_feed.Reader()
    assert feed.news_for(reader) is None
    log, version = "", -1
    for line in range(9):
        show.document.submitted(f"# {line}\n" + PATCH)
        whole, updates = show.document.told(log, version)
        log, version = whole.log, whole.version
        feed.take(whole, updates)
        if line == 0:
            assert _kind(feed.news_for(reader)) == "document" and feed.news_for(reader) is None
        if line == 3:
            told = msgspec.msgpack.decode(feed.news_for(reader) or b"")
            assert told["kind"] == "updates" and len(told["updates"]) == 3
    told = msgspec.msgpack.decode(feed.news_for(reader) or b"")
    assert (told["kind"], told["version"]) == ("document", 9)
    assert feed.news_for(reader) is None
    known = document_feed.Reader(log, version)
    monkeypatch.setattr(document_log, "MOST_UPDATES", 1)
    for line in range(2):
        show.document.submitted(f"# by and by {line}\n" + PATCH)
        whole, updates = show.document.told(log, version)
        log, version = whole.log, whole.version
        feed.take(whole, updates)
    assert _kind(feed.news_for(known)) == "document", "what the log has forgotten"


def _kind(message: bytes | None) -> str:
    return msgspec.msgpack.decode(message or b"")["kind"]


@pytest.mark.parametrize(
    "changes",
    [[[1, "x"]], [99999999], [[0, "\n"], len(PATCH)], [-1], [len(PATCH), [0, "x" * 2000000]], [[1, 1], len(PATCH) - 1]],
)
def test_a_push_that_makes_no_sense_is_refused_with_the_text(show, view, changes):
    with view(max_size=None) as viewer:
        ada = Page(viewer, "ada")
        try:
            ada.say("push", version=ada.version, updates=[{"changes": changes}])
            told = viewer.hear("document")
            assert told["reset"] and told["text"] == PATCH
            assert viewer.hear("notice")["what"].startswith("What was typed last")
            ada.push(0, "on")
            ada.hear()
        except ConnectionClosed as closed:  # too long for any message
            assert closed.rcvd is not None and closed.rcvd.code == 1009
    assert show.document.text in (PATCH, "on" + PATCH)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "push", "client": "", "log": "x", "version": 0},
        {"kind": "push", "client": "x" * 99, "log": "x", "version": 0},
        {"kind": "push", "client": "a", "log": "x", "version": -1},
        {"kind": "push", "client": "a", "log": "x", "version": 0, "updates": [{"changes": [{}]}]},
        {"kind": "push", "client": "a", "log": "x", "version": 0, "updates": [{"changes": [1], "what": "file"}]},
        {"kind": "push", "client": "a", "log": "x", "version": 0, "updates": [{"changes": [1]}] * 201},
        {"kind": "play", "client": "a", "log": "x", "version": 0, "start": -3},
        {"kind": "caret", "client": "a", "log": "x", "version": 0, "name": "x" * 41},
        {"kind": "caret", "client": "a", "log": "x", "version": 0, "head": 1 << 40},
        {"kind": "resolve", "take": "mine"},
        {"kind": "save", "path": "/etc/passwd"},
    ],
)
def test_a_message_out_of_bounds_ends_the_connection(show, view, message):
    with view() as viewer, pytest.raises(ConnectionClosed) as closed:
        viewer.say(**message)
        while True:
            viewer.connection.recv(timeout=5)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    assert show.document.text == PATCH


def test_a_word_as_long_as_a_text_ends_the_connection(view):
    with view() as viewer, pytest.raises(ConnectionClosed):
        viewer.say(kind="release", address="x" * limits.LARGEST_WORD)
        while True:
            viewer.connection.recv(timeout=5)


def test_whoever_pushes_without_end_is_sent_away(show, view):
    with view() as viewer, pytest.raises(ConnectionClosed) as closed:
        ada = Page(viewer, "ada")
        for _ in range(int(limits.PUSHES_AT_ONCE) * 3):
            ada.say("push", version=0)
        while True:
            viewer.connection.recv(timeout=5)
    assert closed.value.rcvd is not None and "too many" in closed.value.rcvd.reason
    with view() as viewer:
        assert Page(viewer, "bob").text == PATCH


def test_a_block_is_played_and_all_hear_of_it(show, view):
    with view() as first, view() as second:
        ada, bob = Page(first, "ada"), Page(second, "bob")
        ada.push(len(PATCH), "half = (\n")
        ada.hear()
        place = ada.text.index("0.8)")
        ada.push(place, "0.5 + ")
        ada.hear()
        assert show.now.patch_text == PATCH, "typing plays nothing"
        ada.say("play", version=ada.version, start=place, now=True)
        played = second.hear("played")
        assert (played["client"], played["patch_version"]) == ("ada", 2)
        assert ada.text[played["start"] : played["end"]].startswith("source = ")
        assert show.now.patch_text == PATCH.replace("psi=0.8", "psi=0.5 + 0.8")
        assert "half" not in show.now.patch_text and show.played_at_once
        while first.hear("patch")["text"] != show.now.patch_text:
            pass
        bob.say("play", version=0)
        assert first.hear("played")["client"] == "bob"
        assert show.now.patch_text == ada.text and not show.played_at_once


def test_a_block_belongs_to_whoever_is_in_it(show, view):
    with view() as second:
        bob = Page(second, "bob")
        with view() as first:
            ada = Page(first, "ada")
            ada.push(len("# organ.ganz\n"), "# louder\n")
            ada.hear(), bob.hear()
            ada.say("caret", version=ada.version, name="Ada\u202e\n Lovelace", anchor=0, head=3)
            told = second.hear("carets")
            assert [caret["name"] for caret in told["carets"]] == ["Ada Lovelace"]
            bob.say("play", version=bob.version, start=14)
            assert "Ada Lovelace is in this block" in second.hear("notice")["what"]
            bob.say("play", version=bob.version)  # all the others
            second.hear("played")
            assert show.now.patch_text == PATCH
            ada.say("caret", version=ada.version, head=None)
            while second.hear("carets")["carets"]:
                pass
            bob.say("play", version=bob.version, start=14)
            second.hear("played")
            assert show.now.patch_text == bob.text
            ada.say("caret", version=ada.version, head=3)
            while not second.hear("carets")["carets"]:
                pass
        while second.hear("carets")["carets"]:  # the page has gone
            pass


def test_who_came_back_by_another_connection_keeps_the_caret(show, view):
    with view() as again:
        ada = Page(again, "ada")
        with view() as first:
            Page(first, "ada").say("caret", version=0, head=3)
            ada.say("caret", version=0, head=4)
            while [caret["head"] for caret in again.hear("carets")["carets"]] != [4]:
                pass
        assert again.hears_no("carets", 0.3)
        ada.say("caret", version=0, client="eve", head=1)
        assert "one writer" in again.hear("notice")["what"]


def test_a_save_without_a_file_is_refused_with_a_way_out(show, view):
    with view() as viewer:
        assert viewer.hear("document_state")["saved"] is None
        viewer.say(kind="save")
        told = viewer.hear("notice")
        assert "no file" in told["what"] and "Keep" in told["hint"]
