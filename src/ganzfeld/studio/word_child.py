"""The process that knows the language: `python -m ganzfeld.studio.word_child`, started by `word_service.py`.

It reads questions, a line of JSON each, and answers each with a line of JSON, until its input ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.language.edits import splices_of
from ganzfeld.studio.inside import Insides
from ganzfeld.studio.layers import insides
from ganzfeld.studio.map import patch_map
from ganzfeld.studio.map_words import MapQuestion, PatchMap
from ganzfeld.studio.vocabulary import vocabulary
from ganzfeld.studio.words import AnyQuestion, EditAnswer, EditQuestion, InsideQuestion, Question, Words


def main() -> None:
    """Answer until there are no more questions."""
    if hasattr(os, "nice"):
        os.nice(10)  # the show comes first
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever else is printed must not stand between the answers.
    sys.stdout = sys.stderr
    for line in questions:
        answers.write(msgspec.json.encode(_answer(msgspec.json.decode(line, type=AnyQuestion))) + b"\n")
        answers.flush()


def _answer(question: AnyQuestion) -> Words | Insides | EditAnswer | PatchMap:
    match question:
        case Question(text, folder):
            return vocabulary(text, Path(folder) if folder else None)
        case InsideQuestion(text, folder, instead):
            return insides(text, Path(folder) if folder else None, instead)
        case MapQuestion(text):
            return patch_map(text)
        case EditQuestion(text, do, arguments):
            try:
                return EditAnswer(steps=splices_of(text, do, arguments))
            except GanzfeldError as error:
                return EditAnswer(what=error.what, hint=error.hint)


if __name__ == "__main__":
    main()
