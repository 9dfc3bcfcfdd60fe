"""Edits by a hand (`patch.language.edits`) as changes of the document, for the page that asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.changes import ChangeSet, composed, units_of
from ganzfeld.studio.show import StudioDocument
from ganzfeld.studio.wire import Edit, Edited
from ganzfeld.studio.words import EditAnswer

log = logging.getLogger(__name__)

MakeEdit = Callable[[str, str, Mapping[str, Any]], EditAnswer]
"""Works out what an edit (its word, its arguments) makes of a text."""


def edited(document: StudioDocument, make: MakeEdit, asked: Edit) -> Edited:
    """The answer to an edit. It may wait for the process that knows the language."""
    whole, _ = document.told("", 0)
    answer = Edited(asked.request, whole.log, whole.version)
    if (whole.log, whole.version) != (asked.log, asked.version):
        return _but(answer, late=True, what="The text has changed meanwhile", hint="Try again")
    try:
        found = make(whole.text, asked.do, asked.arguments)
    except GanzfeldError as error:
        return _but(answer, what=error.what, hint=error.hint)
    except Exception:
        log.exception("edit %s", asked.do)
        return _but(answer, what=f"'{asked.do}' failed", hint="The log says why")
    if found.steps is None:
        return _but(answer, what=found.what, hint=found.hint)
    change = change_of(whole.text, found.steps)
    start, end = touched(change)
    return _but(answer, changes=change.json(), start=start, end=end)


def _but(answer: Edited, **said: Any) -> Edited:
    return Edited(answer.request, answer.log, answer.version, **said)


def change_of(text: str, steps: Sequence[Sequence[tuple[int, int, str]]]) -> ChangeSet:
    """Splices in characters, each step of the text that the one before made, as one change in UTF-16."""
    changes = []
    for step in steps:
        parts, splices, at, units = [], [], 0, 0
        for start, end, put in step:
            first = units + units_of(text[at:start])
            units = first + units_of(text[start:end])
            splices.append((first, units, put))
            parts += [text[at:start], put]
            at = end
        changes.append(ChangeSet.splices(units + units_of(text[at:]), splices))
        text = "".join([*parts, text[at:]])
    whole = composed(changes)
    return whole if whole is not None else ChangeSet.splices(units_of(text), [])


def touched(change: ChangeSet) -> tuple[int, int]:
    """From where to where a change reaches, in the text that it makes."""
    at, places = 0, []
    for length, put in change.sections:
        end = at + (length if put is None else len(put) // 2)
        if put is not None:
            places += [at, end]
        at = end
    return (min(places), max(places)) if places else (0, 0)
