"""Texts and changes of them as a browser makes them, with emoji and combining letters."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ganzfeld.process.document.changes import units_of

letters = st.sampled_from(["a", "b", "=", " ", "\n", "é", "e\u0301", "😀", "👩‍🎤", "𝄞", "ß"])
texts = st.lists(letters, max_size=16).map("".join)


@st.composite
def changes_of(draw: st.DrawFn, text: str) -> list[Any]:
    """A change of this text, as `ChangeSet.toJSON()` writes it."""
    sections: list[tuple[int, str | None]] = []
    at = 0
    while True:
        kept = draw(st.integers(0, len(text) - at))
        _add(sections, units_of(text[at : at + kept]), None)
        at += kept
        if not draw(st.booleans()):
            break
        gone = draw(st.integers(0, min(4, len(text) - at)))
        _add(sections, units_of(text[at : at + gone]), draw(st.lists(letters, max_size=3).map("".join)))
        at += gone
    _add(sections, units_of(text[at:]), None)
    return [length if put is None else [length, *(put.split("\n") if put else ())] for length, put in sections]


def _add(sections: list[tuple[int, str | None]], length: int, put: str | None) -> None:
    """As CodeMirror joins neighbours."""
    if not length and not put:
        return
    last = sections[-1] if sections else None
    if last is not None and not put and last[1] == put:
        sections[-1] = (last[0] + length, put)
    elif last is not None and length == 0 and last[0] == 0:
        sections[-1] = (0, (last[1] or "") + (put or ""))
    else:
        sections.append((length, put))
