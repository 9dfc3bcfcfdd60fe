"""Lines that differ, and three texts merged into one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.process.document import line_diff
from ganzfeld.process.document.changes import from_units, to_units
from ganzfeld.process.document.line_diff import MOST_COMPARED, Hunk, hunks, lines_in
from ganzfeld.process.document.line_merge import as_changes, change_to, merge, merged, put, spliced

lines = st.lists(st.sampled_from(["", "a", "b", "c", "😀", "face = noise()"]), max_size=9)
texts = lines.map("\n".join)
MANY = settings(max_examples=200, deadline=None)


@MANY
@given(texts, texts)
def test_a_change_leads_from_one_text_to_the_other(before, after):
    change = change_to(before, after)
    assert from_units(change.apply(to_units(before))) == after
    found = hunks(lines_in(before), lines_in(after))
    assert all(one.end < other.start and one.new_end < other.new_start for one, other in pairwise(found))
    assert change.is_empty == (before == after)


@MANY
@given(texts, texts, texts)
def test_three_texts_become_one(base, ours, theirs):
    found = merge(base, ours, theirs)
    both = spliced(ours, found.splices)
    assert from_units(as_changes(ours, found.splices).apply(to_units(ours))) == both
    assert merge(base, base, theirs).clashes == () and merged(base, base, theirs) == theirs
    assert merged(base, ours, base) == ours and merged(base, ours, ours) == ours
    if not found.clashes:
        other = merge(base, theirs, ours)
        assert not other.clashes and spliced(theirs, other.splices) == both, "whoever comes first"
    if (beside := put(base, ours, theirs)) is not None:
        kept = spliced(ours, beside).split("\n")
        assert all(kept.count(line) >= lines_in(theirs).count(line) - lines_in(base).count(line) for line in kept)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb", "A\nb", "a\nB", "A\nB"),  # beside each other
        ("a\nb", "x\na\nb", "a\nb\ny", "x\na\nb\ny"),
        ("a\nb", "b", "a\nb\ny\n", "b\ny\n"),
        ("a", "a\n", "b\na", "b\na\n"),
        ("a\nb\nc", "a\nc", "a\nb\nc\nd", "a\nc\nd"),
    ],
)
def test_changes_of_different_lines_do_not_disturb_each_other(base, ours, theirs, result):
    found = merge(base, ours, theirs)
    assert not found.clashes and spliced(ours, found.splices) == result


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "clash"),
    [
        ("a\nb\nc", "a\nB\nc", "a\nβ\nc", (1, 2, ("β",), False)),
        ("a\nc", "a\nx\nc", "a\ny\nc", (1, 2, ("y",), True)),
        ("a\nb\nc", "a\nc", "a\nB\nc", (1, 1, ("B",), False)),
        ("a\nb\nc\nd", "a\nB\nC\nd", "a\nb\nγ\nd", (1, 3, ("b", "γ"), False)),
    ],
)
def test_changes_of_the_same_lines_clash(base, ours, theirs, clash):
    (found,) = merge(base, ours, theirs).clashes
    assert (found.start, found.end, found.lines, found.is_new) == clash
    assert (put(base, ours, theirs) is None) == (not found.is_new)


def test_lines_that_are_all_alike_are_no_long_work():
    many = int(MOST_COMPARED**0.5) * 4
    before, after = ["x", *[""] * many, "y"], ["y", *[""] * (many + 7), "x"]
    assert hunks([""] * many, [""] * (many + 7)) == [Hunk(many, many, many, many + 7)]
    assert hunks(before * 2, after * 2) == [Hunk(0, 2 * many + 4, 0, 2 * many + 18)]


def test_thousands_of_changes_on_both_sides_are_no_long_work():
    """Work that grew with their square took minutes for a text of a megabyte."""
    count = 5000
    base = "\n".join(f"a{n}\nsame{n}\nb{n}\nlike{n}" for n in range(count))
    ours, theirs = base.replace("a", "A"), base.replace("b", "B")
    both = merge(base, ours, theirs)
    assert len(both.splices) == count and not both.clashes
    assert spliced(ours, both.splices) == ours.replace("b", "B")
    found = merge(base, ours, base.replace("a", "α"))
    assert len(found.clashes) == count
    assert (found.clashes[-1].start, found.clashes[-1].lines) == (4 * count - 4, (f"α{count - 1}", f"sαme{count - 1}"))


@MANY
@given(texts, texts, st.integers(0, 3))
def test_where_the_work_ends_the_rest_counts_as_changed(before, after, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_diff, "MOST_READ", most)
        assert from_units(change_to(before, after).apply(to_units(before))) == after


def test_carets_in_a_line_survive_a_change_beside_them():
    (section,) = [
        each for each in change_to("a\nface(psi=1)\nb", "a\nface(psi=0.5)\nb").sections if each[1] is not None
    ]
    assert section == (1, to_units("0.5"))
