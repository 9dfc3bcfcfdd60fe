"""Words for the editor, edits of the text and its map, in a process of their own.

Knowing all node types means importing torch, and reading a network's names means opening its file: neither belongs in
the process that must never wait. The child is started at the first question, kept for the next ones, and ended when
nobody has asked for a while, when an answer takes too long, or with the studio.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
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
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._last: dict[type, tuple[AnyQuestion, bytes]] = {}
        self._closed = False

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
        self._closed = True
        self._end()

    def _answer(self, question: AnyQuestion) -> bytes:
        child = self._started()
        assert child.stdin is not None and child.stdout is not None
        patience = threading.Timer(PATIENCE, child.kill)
        patience.daemon = True
        patience.start()
        try:
            child.stdin.write(msgspec.json.encode(question) + b"\n")
            child.stdin.flush()
            answer = child.stdout.readline(LONGEST_ANSWER)
        except OSError:
            answer = b""
        finally:
            patience.cancel()
        if not answer.endswith(b"\n"):
            self._end()
            raise GanzfeldError(COULD_NOT[type(question)], hint="The editor works without.")
        self._end_when_idle()
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise GanzfeldError("the studio closes")
            if self._idle is not None:
                self._idle.cancel()
            if self._child is None or self._child.poll() is not None:
                self._child = subprocess.Popen(
                    _ARGUMENTS,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | _SURROUNDINGS,
                )
            return self._child

    def _end_when_idle(self) -> None:
        with self._lock:
            self._idle = threading.Timer(IDLE, self._end)
            self._idle.daemon = True
            self._idle.start()

    def _end(self) -> None:
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
