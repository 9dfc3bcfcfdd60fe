"""What commands share: the consoles, how an error looks."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganzfeld.errors import GanzfeldError, Where, sayable, shortened

if TYPE_CHECKING:
    from ganzfeld.networks.network import Network

PIPED_WIDTH = 160
MOST_LINES, LONGEST_LINE = 200, 1000
"""Of one entry of the log; in characters."""


class LastingStream(io.TextIOBase):
    """Writes to a stream as long as that takes it (None: never). A terminal that is closed, a pipe whose reader has
    gone or a full disk must not end what says something there."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding if self._stream is not None else "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors if self._stream is not None else None

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("there is no stream")
        return self._stream.fileno()

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()


@contextlib.contextmanager
def lasting_output() -> Iterator[None]:
    """Within it, nothing fails for being said."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = LastingStream(sys.stdout), LastingStream(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def console(*, stderr: bool = False) -> Console:
    """Where text goes. A pipe or a file has no width of its own; tables there get room for long names."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, width=None if stream is not None and stream.isatty() else PIPED_WIDTH, highlight=False
    )


def show_error(error: GanzfeldError) -> None:
    """What, where, and what to do, as one block on stderr."""
    block = Table.grid(padding=(0, 1, 0, 0))
    block.add_column(no_wrap=True)
    block.add_column(overflow="fold")
    block.add_row(Text("Error", "bold red"), Text(error.what, "bold"))
    if place := full_place(error.where):
        block.add_row(Text("where", "dim"), Text(sayable(place)))
    if error.hint:
        block.add_row(Text("do", "green"), Text(error.hint))
    console(stderr=True).print(block)


def full_place(where: Where) -> str:
    """The place with its whole path, as editors understand it: file:line:column, then the address."""
    place = ":".join(str(part) for part in (where.file, where.line, where.column) if part is not None)
    return " ".join(part for part in (place, where.address) if part)


class ShortLines(logging.Formatter):
    """Keeps what is logged to some lines of some length. A terminal's text is broken into rows in a time that grows
    with the square of a word's length: one of 100,000 letters held up the whole show for a minute."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record, its middle left out if it has very many lines."""
        lines = super().format(record).split("\n")
        if len(lines) > MOST_LINES:
            half = MOST_LINES // 2
            lines = [*lines[:half], f"… ({len(lines) - 2 * half:,} lines)", *lines[-half:]]
        return "\n".join(sayable(shortened(line, LONGEST_LINE)) for line in lines)


def set_up_logging() -> None:
    """The standard library's logging, on stderr."""
    from rich.logging import RichHandler

    handler = RichHandler(console=console(stderr=True), show_path=False, omit_repeated_times=False)
    handler.setFormatter(ShortLines("%(message)s", datefmt="[%X]"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def opened_network(file: Path) -> Network:
    """A network by its file or shipped name. A bad file is refused before the wait for torch."""
    from ganzfeld.networks.files import open_network_file
    from ganzfeld.networks.find import locate

    opened = open_network_file(locate(file))
    from ganzfeld.networks.network import Network

    return Network.from_file(opened)
