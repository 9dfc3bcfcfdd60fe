"""Dice while a show plays: a proposed line stands in the text and plays at once, until it is kept or taken back.

Nothing is written to the patch's file before a line is kept. Lines are rolled by `ganzfeld dice` in a process of its
own, a handful at a time, so that the process which must never wait need not know networks at all.
"""

from __future__ import annotations

import ast
import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ganzfeld.errors import GanzfeldError, PatchError, reason_of
from ganzfeld.patch.language.chunks import parse_in_pieces
from ganzfeld.patch.language.text import lines_of
from ganzfeld.patch.nodes import network_words

log = logging.getLogger(__name__)

AT_ONCE = 40
LONGEST = 120.0
ROLLING = "…"
"""What is `rolled` while the first lines are on their way."""
_COMMAND = "from ganzfeld.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Bendable:
    """A network in a text: its name there, its file, and the line after which a bend of it goes (counted from 1)."""

    name: str
    file: str
    line: int


class DiceText(Protocol):
    """Where lines are put (`document.Document`). Both raise GanzfeldError if somebody is changing that part."""

    def put(self, text: str, what: Literal["dice"], *, plays: bool = True) -> None:
        """Change the text that plays to this, and play it, unless not."""
        ...

    def keep(self, before: str, after: str) -> None:
        """Write what changed between two texts into the file, if there is one."""
        ...


class LiveDice:
    """What is rolled, kept and taken back. Methods return at once and may be called by any thread.

    rolled: the line under consideration, `ROLLING` while there is none yet, "" if nothing was asked for.
    problem: why nothing could be rolled, or None.
    """

    def __init__(self, path: Path | None, newest: Callable[[], str], text: DiceText) -> None:
        """path: the patch's file, if it has one. newest: the text that plays, or is about to. text: where lines go."""
        self.problem: GanzfeldError | None = None
        self._newest, self._text = newest, text
        self.path = path
        self._lock = threading.RLock()
        self._stock: dict[tuple[str, str], list[str]] = {}
        self._turn = 0
        self._rolling = False
        self._before = self._after = self._line = ""
        self._kept: list[str] = []

    @property
    def rolled(self) -> str:
        if self._rolling:
            return ROLLING
        return self._line if self._line and _has(self._newest(), self._line) else ""

    def roll(self) -> None:
        """Play the text with another line, in place of the one that was rolled before. Raises `GanzfeldError`."""
        with self._lock:
            if self._rolling:
                return
            base = self._without() if self.rolled else self._newest()
            networks = list(bendables(base))
            if not networks:
                raise GanzfeldError(
                    "there is no network to bend", hint='Give it a name in the patch: face = network("planets")'
                )
            network = networks[self._turn % len(networks)]
            self._turn += 1
            self.problem = None
            stock = self._stock.get((network.name, network.file))
            if stock:
                self._put(base, network, stock.pop())
                return
            self._rolling = True
            threading.Thread(target=self._fill, args=(base, network), name="dice", daemon=True).start()

    def keep(self) -> None:
        """Write the line that was rolled into the patch's file. Raises `GanzfeldError`."""
        with self._lock:
            if not self.rolled or self._rolling:
                raise GanzfeldError("nothing was rolled", hint="Roll first")
            self._text.keep(self._without(), self._newest())
            self._kept.append(self._line)
            self._line = ""

    def back(self) -> None:
        """Take back the line that was rolled, or, if there is none, the last one kept. Raises `GanzfeldError`."""
        with self._lock:
            if self.rolled and not self._rolling:
                before = self._without()
                self._line = ""
                self._text.put(before, "dice")
            elif self._kept and _has(self._newest(), self._kept[-1]):
                after, before = self._newest(), _without(self._newest(), self._kept.pop())
                self._text.keep(after, before)
                self._text.put(before, "dice")
            else:
                raise GanzfeldError(
                    "there is nothing to take back", hint="The text has changed since, or nothing was rolled"
                )

    def end(self) -> None:
        """The show ends: a line that nobody kept is not there the next time."""
        with self._lock, contextlib.suppress(GanzfeldError):
            if self._line and self.rolled == self._line:
                self._text.put(self._without(), "dice", plays=False)
                self._line = ""

    def _without(self) -> str:
        """The text without the line that was rolled."""
        newest = self._newest()
        return self._before if newest == self._after else _without(newest, self._line)

    def _put(self, base: str, network: Bendable, line: str) -> None:
        lines = lines_of(base)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        above = "".join(lines[: network.line])
        above += "" if above.endswith(("\n", "\r")) else end
        after = above + line + end + "".join(lines[network.line :])
        self._text.put(after, "dice")
        self._before, self._after, self._line = base, after, line

    def _fill(self, base: str, network: Bendable) -> None:
        """Roll a stock of lines, and play the first. In a thread of its own."""
        lines, problem = _rolled(network, self.path)
        with self._lock:
            self._rolling = False
            self.problem = problem
            if not lines:
                return
            self._stock[network.name, network.file] = lines
            # Somebody may have saved meanwhile: then that text is theirs, and the dice wait for the next roll.
            if self._newest() in (base, self._after):
                try:
                    self._put(base, network, lines.pop())
                except GanzfeldError as error:
                    self.problem = error


def _has(text: str, line: str) -> bool:
    return line in text.split("\n")


def _without(text: str, line: str) -> str:
    lines = text.split("\n")
    lines.remove(line)
    return "\n".join(lines)


def bendables(text: str) -> Iterator[Bendable]:
    """The networks in a patch's text that have names. A text that is no patch has none."""
    try:
        tree = parse_in_pieces(text)
    except (PatchError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    words = network_words()
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                call = value.right if isinstance(value, ast.BinOp) else value
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in words:
                    yield Bendable(name, _file(call), _last_line(tree, name, statement))


def _file(call: ast.Call) -> str:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "file"]
    for given in (*call.args[:1], *named):
        for node in ast.walk(given):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # Several networks in turn, seq("planets flowers"), are of one build if anything is to bend them all.
                return node.value if node is given else node.value.split()[0]
    return "planets"


def _last_line(tree: ast.Module, name: str, definition: ast.stmt) -> int:
    lines = [definition.end_lineno or definition.lineno]
    for statement in tree.body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner)))) if owner == name:
                lines.append(statement.end_lineno or statement.lineno)
    return max(lines)


def _rolled(network: Bendable, path: Path | None) -> tuple[list[str], GanzfeldError | None]:
    beside = path.parent / network.file if path else Path(network.file)
    file = str(beside.absolute()) if beside.is_file() else network.file
    words = ["dice", f"--count={AT_ONCE}", f"--node={network.name}", "--", file]
    try:
        outcome = subprocess.run(
            [sys.executable, "-c", _COMMAND, *words], capture_output=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], GanzfeldError(f"nothing could be rolled: {reason_of(error)}")
    lines = outcome.stdout.decode(errors="replace").splitlines()
    if outcome.returncode or not lines:
        log.warning("ganzfeld dice: %s", outcome.stderr.decode(errors="replace").strip()[-2000:])
        hint = f"`ganzfeld dice {network.file}` in a terminal says why"
        return [], GanzfeldError("nothing could be rolled for this network", hint=hint)
    return lines, None
