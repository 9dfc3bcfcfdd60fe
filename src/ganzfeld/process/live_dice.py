"""Dice while a show plays: a line is proposed and looked at beside the show, until it is taken or dropped.

What is proposed stands in no text: the audience sees what is taken. Who wants it on the wall at once arms the dice:
then the line stands in the text and plays, until it is kept or taken back. Nothing is written to the patch's file
before a line is kept. Lines are rolled by `ganzfeld dice` in a process of its own, a handful at a time, so that the
process which must never wait need not know networks at all.
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
LONGEST_TEXT = 100_000
"""Letters of a text that networks are looked for in."""
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

    armed: whether what is rolled plays at once. rolled: the line under consideration, `ROLLING` while there is none
    yet, "" if nothing was asked for. problem: why nothing could be rolled, or None.
    """

    def __init__(self, path: Path | None, newest: Callable[[], str], text: DiceText) -> None:
        """path: the patch's file, if it has one. newest: the text that plays, or is about to. text: where lines go."""
        self.problem: GanzfeldError | None = None
        self._newest, self._text = newest, text
        self.path = path
        self._lock = threading.RLock()
        self._stock: dict[tuple[str, str], list[str]] = {}
        self._turn = 0
        self._armed = self._rolling = False
        self._line = ""
        self._plays = False
        """Whether it stands in the text: then `_after` was the text with it, and `_before` the one without."""
        self._before = self._after = ""
        self._kept: list[str] = []
        self._known: tuple[str, list[Bendable]] = "", []

    @property
    def armed(self) -> bool:
        return self._armed

    @property
    def rolled(self) -> str:
        with self._lock:
            if self._rolling:
                return ROLLING
            if not self._line:
                return ""  # a long text is not read for nothing
            is_there = _has(self._newest(), self._line) if self._plays else self._network() is not None
            return self._line if is_there else ""

    @property
    def place(self) -> int:
        """The line of the text that plays, from 1, after which the proposed line would stand; 0: it stands in the text,
        or there is none."""
        with self._lock:
            network = None if self._plays or not self._considered() else self._network()
            return network.line if network is not None else 0

    def arm(self, armed: bool) -> None:
        """Play what is rolled at once, from now on, or do not. A line under consideration goes onto the wall, or off
        it. Raises `GanzfeldError`."""
        with self._lock:
            line = self._considered()
            if armed and line and not self._plays:
                self._put(self._newest(), line)
            elif not armed and line and self._plays:
                before = self._without()
                self._text.put(before, "dice")
                self._plays = False
            self._armed = armed

    def roll(self) -> None:
        """Propose another line, in place of the one that was rolled before; armed, play it. Raises `GanzfeldError`."""
        with self._lock:
            if self._rolling:
                return
            base = self._without() if self._plays and self.rolled else self._newest()
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
                self._propose(base, stock.pop())
                return
            self._rolling = True
            threading.Thread(target=self._fill, args=(base, network), name="dice", daemon=True).start()

    def text_with(self, line: str) -> str:
        """The text that plays, with this line in the place of the one that is proposed. Raises `GanzfeldError`."""
        with self._lock:
            base = self._without() if self._plays and self.rolled else self._newest()
        return self._inserted(base, line)  # reading a long text takes long, and the show asks for what is rolled

    def keep(self, line: str | None = None) -> None:
        """Write the line that was rolled into the patch's file, and play it if it does not. line: another one in its
        place. Raises `GanzfeldError`."""
        with self._lock:
            considered = self._considered()
            if not considered:
                raise GanzfeldError("nothing was rolled", hint="Roll first")
            line = line or considered
            before = self._without() if self._plays else self._newest()
            if not self._plays or line != considered:
                self._put(before, line)
            self._text.keep(before, self._newest())
            self._kept.append(line)
            self._line, self._plays = "", False

    def back(self) -> None:
        """Drop the line that was rolled, or, if there is none, take back the last one kept. Raises `GanzfeldError`."""
        with self._lock:
            if self._considered():
                before, played = self._without() if self._plays else "", self._plays
                self._line, self._plays = "", False
                if played:
                    self._text.put(before, "dice")
            elif self._kept and _has(self._newest(), self._kept[-1]):
                after, before = self._newest(), _without(self._newest(), self._kept.pop())
                self._text.keep(after, before)
                self._text.put(before, "dice")
            else:
                raise GanzfeldError(
                    "there is nothing to take back", hint="The text has changed since, or nothing was rolled"
                )

    def forget(self) -> None:
        """Another patch is to play: the line was for this one."""
        with self._lock:
            self._line, self._plays = "", False

    def end(self) -> None:
        """The show ends: a line that nobody kept is not there the next time."""
        with self._lock, contextlib.suppress(GanzfeldError):
            if self._plays and self._considered():
                self._text.put(self._without(), "dice", plays=False)
            self._line, self._plays = "", False

    def _considered(self) -> str:
        """The line that was rolled and is there to be kept or dropped; "" if there is none."""
        rolled = self.rolled
        return "" if self._rolling else rolled

    def _without(self) -> str:
        """The text without the line that was rolled, which stands in it."""
        newest = self._newest()
        return self._before if newest == self._after else _without(newest, self._line)

    def _network(self) -> Bendable | None:
        """The network of the text that plays that the line is for."""
        newest = self._newest()
        if self._known[0] != newest:
            self._known = newest, list(bendables(newest))
        return next((network for network in self._known[1] if network.name == _owner(self._line)), None)

    def _propose(self, base: str, line: str) -> None:
        if self._armed:
            self._put(base, line)
            return
        self._line, self._plays = line, False

    def _put(self, base: str, line: str) -> None:
        """Play a text with a line more."""
        after = self._inserted(base, line)
        self._text.put(after, "dice")
        self._before, self._after, self._line, self._plays = base, after, line, True

    def _inserted(self, base: str, line: str) -> str:
        """Raises `GanzfeldError` if the text has no such network any more, or this is no line of it."""
        network = next((each for each in bendables(base) if each.name == _owner(line)), None)
        if network is None or not _is_line(line):
            raise GanzfeldError("this is no line for a network of the text that plays", hint="Roll again")
        lines = lines_of(base)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        above = "".join(lines[: network.line])
        above += "" if above.endswith(("\n", "\r")) else end
        return above + line + end + "".join(lines[network.line :])

    def _fill(self, base: str, network: Bendable) -> None:
        """Roll a stock of lines, and propose the first. In a thread of its own."""
        lines, problem = _rolled(network, self.path)
        with self._lock:
            self._rolling = False
            self.problem = problem
            if not lines:
                return
            self._stock[network.name, network.file] = lines
            # Somebody may have saved meanwhile: then that text is theirs, and armed dice wait for the next roll.
            if not self._armed or self._newest() in (base, self._after):
                try:
                    self._propose(base, lines.pop())
                except GanzfeldError as error:
                    self.problem = error


def _owner(line: str) -> str:
    """The name of the network that a line is for."""
    return line.partition(".")[0]


def _is_line(line: str) -> bool:
    """Whether this is one call of a method, on one line."""
    if "\n" in line or "\r" in line:
        return False
    try:
        tree = parse_in_pieces(line)
    except (PatchError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    match tree.body:
        case [ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name())))]:
            return True
    return False


def _has(text: str, line: str) -> bool:
    return line in text.split("\n")


def _without(text: str, line: str) -> str:
    lines = text.split("\n")
    lines.remove(line)
    return "\n".join(lines)


def bendables(text: str) -> Iterator[Bendable]:
    """The networks in a patch's text that have names. A text that is no patch has none, and of one that takes long to
    read nothing is known: the show asks for them whenever another text plays."""
    if len(text) > LONGEST_TEXT:
        return
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
