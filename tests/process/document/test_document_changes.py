"""Changes come out as CodeMirror's do: held against the real package, run by node."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from document_changes import changes_of, texts
from ganzfeld.process.document import changes
from ganzfeld.process.document.changes import ChangeError, ChangeSet, from_units, to_units, units_of

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
@given(st.data(), st.booleans())
def test_a_change_in_the_text_itself_makes_the_same_or_is_refused_alike(data, in_place):
    """units: any places, also in the midst of a character."""
    text = data.draw(texts)
    change = ChangeSet.of(data.draw(changes_of(text)))
    if data.draw(st.booleans()) and (length := units_of(text)):
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, length)] * 2)))
        change = ChangeSet.splices(length, [(start, end, data.draw(texts))])
    units = bytearray(to_units(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "MOST_IN_PLACE", 100 if in_place else 0)
        try:
            expected = change.apply(bytes(units))
        except ChangeError as error:
            with pytest.raises(ChangeError, match=str(error)):
                change.apply_to(units)
        else:
            change.apply_to(units)
            assert bytes(units) == expected
    with pytest.raises(ChangeError, match="units"):
        change.apply_to(bytearray(to_units(text + "x")))


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


@pytest.mark.parametrize("json", [[1, [1, "x"], 1], [[1, "\ude00"]], [2], [4], [[2], 1]])
def test_changes_that_do_not_fit_are_refused(json):
    with pytest.raises(ChangeError):
        ChangeSet.of(json).apply(to_units("a😀"))
