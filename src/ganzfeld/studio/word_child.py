"""The process that collects words: `python -m ganzfeld.studio.word_child`, started by `word_service.py`.

It reads questions, a line of JSON each, and answers each with a line of JSON, until its input ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from ganzfeld.studio.layers import insides
from ganzfeld.studio.vocabulary import vocabulary
from ganzfeld.studio.words import Question


def main() -> None:
    """Answer until there are no more questions."""
    if hasattr(os, "nice"):
        os.nice(10)  # the show comes first
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever else is printed must not stand between the answers.
    sys.stdout = sys.stderr
    for line in questions:
        question = msgspec.json.decode(line, type=Question)
        folder = Path(question.folder) if question.folder else None
        of_words = question.of == "words"
        answer = vocabulary(question.text, folder) if of_words else insides(question.text, folder, question.instead)
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
