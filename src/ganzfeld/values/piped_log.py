"""The log of a process without a terminal, sent to the one that has it."""

from __future__ import annotations

import logging

import msgspec

from ganzfeld.values.message_pipe import MessagePipe


class LogLine(msgspec.Struct, frozen=True, tag_field="kind", tag=True):
    """A line of a log. level: as `logging`'s."""

    logger: str
    level: int
    text: str


class PipedLog(logging.Handler):
    """Sends what a process logs through its pipe, as `LogLine`s."""

    def __init__(self, pipe: MessagePipe) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._pipe.post(LogLine(record.name, record.levelno, self.format(record)))
        except Exception:
            self.handleError(record)
