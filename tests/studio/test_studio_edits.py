"""Edits by a hand over the wire: what comes back is a change of the document, for the page that asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_show import PATCH
from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.changes import from_units, to_units
from ganzfeld.studio.lookups import Lookups
from ganzfeld.studio.text_edits import change_of, touched
from ganzfeld.studio.words import EditAnswer

BEND = 'face.bend("b64", '


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """What the process that knows the language is asked; here it knows two edits."""
    asked: list[tuple] = []

    def edit(self: Lookups, text: str, do: str, arguments: dict) -> EditAnswer:
        asked.append((text, do, arguments))
        if do == "fail":
            raise GanzfeldError("no language today")
        if do == "refuse":
            return EditAnswer(what="no", hint="yes")
        place = text.index(BEND) + len(BEND)
        return EditAnswer(steps=[[(0, 0, "# 😀\n")], [(place + 4, place + 4, "gain=2, ")]])

    monkeypatch.setattr(Lookups, "edit", edit)
    return asked


def test_the_page_that_asks_is_told_the_change_and_nothing_is_changed_before_it_makes_it(view, show, asked):
    with view() as viewer, view() as other:
        document = viewer.hear("document")
        place = {"log": document["log"], "version": document["version"]}
        viewer.say(kind="edit", request=7, do="put", arguments={"node": "face", "channels": [1, 2]}, **place)
        answer = viewer.hear("edited")
        assert asked == [(PATCH, "put", {"node": "face", "channels": [1, 2]})]
        assert (answer["request"], answer["version"], answer["late"]) == (7, document["version"], False)
        wanted = "# 😀\n" + PATCH.replace(BEND, BEND + "gain=2, ")
        viewer.say(kind="push", client="ada", updates=[{"changes": answer["changes"]}], **place)
        viewer.hear("updates")
        assert show.document.text == wanted
        assert to_units(wanted)[2 * answer["end"] - 16 : 2 * answer["end"]] == to_units("gain=2, ")
        assert other.hears_no("edited", 0.1)

        viewer.say(kind="edit", request=8, do="put", **place)
        late = viewer.hear("edited")
        assert (late["late"], late["changes"], late["version"]) == (True, None, document["version"] + 1)


def test_what_cannot_be_done_comes_back_in_words(view, asked):
    with view() as viewer:
        document = viewer.hear("document")
        place = {"log": document["log"], "version": document["version"]}
        for number, (do, words) in enumerate({"refuse": ("no", "yes"), "fail": ("no language today", "")}.items()):
            viewer.say(kind="edit", request=number, do=do, **place)
            answer = viewer.hear("edited")
            assert (answer["request"], answer["changes"], answer["what"], answer["hint"]) == (number, None, *words)


def test_steps_become_one_change():
    text = "a😀b\ncd"
    change = change_of(text, [[(1, 2, ""), (4, 5, "x😀")], [(0, 0, "é"), (5, 6, "")]])
    assert from_units(change.apply(to_units(text))) == "éab\nx😀"
    assert touched(change) == (0, change.new_length)
    assert change_of(text, []).is_empty and touched(change_of(text, [])) == (0, 0)


LETTERS = st.text(st.sampled_from("ab\n é😀𝄞"), max_size=12)


@given(LETTERS, st.lists(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), LETTERS), max_size=3), max_size=3))
def test_places_in_characters_become_places_in_a_browser(text, wished):
    steps, after = [], text
    for wishes in wished:
        step, at = [], 0
        for start, length, put in sorted(wishes):
            start = min(max(start, at), len(after))
            at = min(start + length, len(after))
            step.append((start, at, put))
        steps.append(step)
        for start, end, put in reversed(step):
            after = after[:start] + put + after[end:]
    assert from_units(change_of(text, steps).apply(to_units(text))) == after
