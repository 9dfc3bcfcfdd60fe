"""Words for the editor, edits of the text and its map, in a process of their own.

Knowing all node types means importing torch, and reading a network's names means opening its file: neither belongs in
the process that must never wait.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.asked_child import AskedChild
from ganzfeld.studio.map_words import MapQuestion
from ganzfeld.studio.words import AnyQuestion, EditAnswer, EditQuestion, InsideQuestion, Question

PATIENCE = 60.0
"""Seconds for an answer: importing torch on a cold machine, and opening a network for the first time."""
IDLE = 300.0
LONGEST_TEXT = 1_000_000
LONGEST_ANSWER = 8_000_000
COULD_NOT = {
    Question: "the words for completion could not be collected",
    InsideQuestion: "what is inside the networks could not be found out",
    MapQuestion: "the map could not be drawn",
    EditQuestion: "what knows the language does not answer",
}
_ARGUMENTS = (sys.executable, "-m", "ganzfeld.studio.word_child")
_SURROUNDINGS = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


class WordService:
    """Answers with the JSON of `words.Words`, of a map, of `inside.Insides`, or with an edit. Any thread may ask; one
    question is answered at a time."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self.child = AskedChild(_ARGUMENTS, idle=IDLE, longest=LONGEST_ANSWER, surroundings=_SURROUNDINGS)
        self._last: dict[type, tuple[AnyQuestion, bytes]] = {}

    def words(self, text: str, folder: str = "") -> bytes:
        """The words of a patch with this text. Raises GanzfeldError if they cannot be had."""
        return self._known(Question(text, folder))

    def insides(self, text: str, folder: str = "", instead: str = "") -> bytes:
        """The JSON of `inside.Insides`: of the text, or of `instead` if it is no patch. Raises GanzfeldError."""
        return self._known(InsideQuestion(text, folder, instead))

    def map(self, text: str) -> bytes:
        """The JSON of the map (`map_words.PatchMap`) of a patch with this text. Raises GanzfeldError as `words`."""
        return self._known(MapQuestion(text))

    def _known(self, question: Question | InsideQuestion | MapQuestion) -> bytes:
        """The answer; the same question again is answered from memory."""
        if len(question.text) > LONGEST_TEXT:
            raise GanzfeldError("the text is too long to be looked up")
        with self._asking:
            kind = type(question)
            if kind not in self._last or self._last[kind][0] != question:
                self._last[kind] = question, self._answer(question)
            return self._last[kind][1]

    def edit(self, text: str, do: str, arguments: Mapping[str, Any]) -> EditAnswer:
        """What an edit makes of a text. Raises GanzfeldError if that cannot be found out."""
        if len(text) > LONGEST_TEXT:
            raise GanzfeldError("the text is too long for that")
        with self._asking:
            answer = self._answer(EditQuestion(text, do, dict(arguments)))
        return msgspec.json.decode(answer, type=EditAnswer)

    def close(self) -> None:
        """End the child, for good."""
        self.child.close()

    def _answer(self, question: AnyQuestion) -> bytes:
        answer = self.child.ask(msgspec.json.encode(question), PATIENCE)
        if answer is None:
            raise GanzfeldError(COULD_NOT[type(question)], hint="The editor works without.")
        return answer
