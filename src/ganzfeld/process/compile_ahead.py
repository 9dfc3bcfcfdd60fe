"""Our kernels compiled ahead, by processes of their own, into the caches on disk.

    python -m ganzfeld.process.compile_ahead [MAJOR MINOR PROCESSORS]

Triton compiles a kernel when it is first launched, and holds Python's lock for most of that half a second: what plays
beside it stutters, and a first picture waits for forty of them. What lies in the cache is loaded in a few milliseconds.
So a show starts this process before its own, once for each machine and version: first, as many copies of it as there
are processors to spare compile what the patch needs; then one goes on, at the lowest priority, with what other patches
would need. It calls what a show calls, with launches that only compile, for a card that it never touches.

What is heavy is imported late: a supervisor takes `begin` from here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzfeld.file_lock import locked
from ganzfeld.kernels.cuda.library import card_number
from ganzfeld.process.pretended_card import Card, WantedKernel, card_here, hide_cards, pretend

if TYPE_CHECKING:
    import torch

SWITCH = "GANZFELD_COMPILE_AHEAD"
"""An environment variable; "0" switches all of this off."""
MOST_COPIES, PROCESSORS_LEFT = 12, 2
"""Copies of this process that compile what is needed at once; the show has the processors that are left."""
MOST_TEXT = 4_000_000
"""Bytes of a patch that is looked at."""
MOST_MARKERS = 200
"""Patches of which is remembered that what they need first has been compiled."""
LONGEST_WAIT, LOOK_SECONDS = 30.0, 0.02
"""Seconds that a show waits for what is compiled for it, and between two looks."""


def begin(device: str, text: str, file: str | None) -> None:
    """Start the process for a show of this patch, if there is a card that it could play on; it is never waited for.
    Takes a few milliseconds, and imports nothing. device: as `Engine`'s; file: where the patch lies.
    """
    number = card_number(device)
    if os.environ.get(SWITCH) == "0" or number is None or not _may_have_card():
        return
    # -P: what lies in the folder where the show was started is none of our modules.
    command = [sys.executable, "-P", "-m", __name__, "--card", str(number), "--file", file or ""]
    quiet = subprocess.DEVNULL
    # Without a process, or without a cache folder, a show is what it was: kernels are compiled when they are needed.
    with contextlib.suppress(OSError), tempfile.TemporaryFile() as words:
        words.write(text.encode(errors="replace"))
        words.seek(0)
        subprocess.Popen(command, stdin=words, stdout=quiet, stderr=quiet, **_apart())


def _may_have_card() -> bool:
    """Whether it is worth a process to ask the driver."""
    if importlib.util.find_spec("triton") is None:
        return False
    return sys.platform == "win32" or any(Path(name).exists() for name in ("/dev/nvidiactl", "/dev/dxg"))


def _apart() -> dict[str, Any]:
    """What makes a process one that outlives us and has no window."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {"start_new_session": True}


def copies() -> int:
    """How many processes compile what is needed at once."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_COPIES, there - PROCESSORS_LEFT)) if hasattr(os, "fork") else 1


def compile_all(kernels: Sequence[WantedKernel], count: int) -> int:
    """Compile them in `count` copies of this process, which take one after the other; and wait for it. Returns how many
    could not be compiled."""
    take, give = os.pipe()
    os.write(give, b"".join(number.to_bytes(2, "little") for number in range(len(kernels))))
    os.close(give)
    children = []
    for _ in range(count - 1):
        child = os.fork()
        if child == 0:
            os._exit(min(_compile_some(kernels, take), 255))
        children.append(child)
    failed = _compile_some(kernels, take)
    os.close(take)
    return failed + sum(abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) for child in children)


def _turn(kernel: WantedKernel) -> int:
    """What takes longest comes first, so that nobody waits for it alone at the end; CUDA sources come last, because the
    show compiles those itself while it opens its files, several at a time."""
    return 0 if kernel.name == "_sums" else 2 if kernel.name.endswith(".cu") else 1


def _compile_some(kernels: Sequence[WantedKernel], numbers: int) -> int:
    """Those whose numbers are read from a pipe, of which each is read once, by whoever comes. Returns how many fail."""
    failed = 0
    while number := os.read(numbers, 2):
        # What cannot be compiled here says so in the show, if ever it is wanted there.
        try:
            kernels[int.from_bytes(number, "little")].compile()
        except Exception:
            failed += 1
    return failed


@contextlib.contextmanager
def _alone(card: Card) -> Iterator[None]:
    """While it lasts, shows wait for what they need first (`await_first`), and so do other processes like this one."""
    try:
        card.lock.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(card.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # no folder: then nothing is kept either
        yield
        return
    try:
        _wait_for(file, LONGEST_WAIT)
        yield
    finally:
        os.close(file)


def await_first(device: torch.device) -> None:
    """In a process that renders: wait until what its patch needs first is compiled, if that is under way just now.

    Compiling it here meanwhile would take longer: each kernel in its turn, and the same ones as the others."""
    _is_free(device, LONGEST_WAIT)


def is_compiling(device: torch.device) -> bool:
    """Whether what a show on this device needs first is just being compiled."""
    return not _is_free(device, 0.0)


def _is_free(device: torch.device, seconds: float) -> bool:
    """Whether nobody compiles first things for this device, now or within so many seconds."""
    from ganzfeld.kernels.card import has_triton

    if os.environ.get(SWITCH) == "0" or not has_triton(device):
        return True
    try:
        file = os.open(Card.of(device).lock, os.O_RDWR)
    except OSError:
        return True
    try:
        return _wait_for(file, seconds)
    finally:
        os.close(file)


def _wait_for(file: int, seconds: float) -> bool:
    """Whether the file is ours within so many seconds. On a disk without locks it is everybody's."""
    until = time.monotonic() + seconds
    try:
        while not (mine := locked(file)) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
    except OSError:
        return True
    return mine


def main(card: Card, text: str = "", file: Path | None = None) -> None:
    """The process."""
    done = card.first_marker(text, file)
    # A network that nobody else has is not among what is compiled for all.
    is_first = bool(text) and not done.exists()
    if card.major < 8 or (card.marker.exists() and not is_first):
        return
    hide_cards()
    with _alone(card) if is_first else contextlib.nullcontext():
        wanted = pretend(card)
        from ganzfeld.process import compile_work

        if is_first:
            with contextlib.suppress(Exception):
                for piece in compile_work.first(text, file):
                    with contextlib.suppress(Exception):
                        piece()
            kernels = sorted(wanted.take(), key=_turn)
            if compile_all(kernels, copies()) < max(1, len(kernels)):
                _mark(done)
    if card.marker.exists():
        return
    if hasattr(os, "nice"):
        os.nice(19)
    for piece in compile_work.work():
        with contextlib.suppress(Exception):
            piece()
        for kernel in wanted.take():
            with contextlib.suppress(Exception):
                kernel.compile()
    _mark(card.marker)


def _mark(marker: Path) -> None:
    # A folder that is full or read-only costs the work again, which then finds most of it done.
    with contextlib.suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        others = sorted(marker.parent.glob(f"*{marker.suffix}"), key=lambda each: each.stat().st_mtime)
        for old in others[:-MOST_MARKERS]:
            old.unlink()


def _started(arguments: Sequence[str]) -> None:
    """As the command line says."""
    if "--card" not in arguments:
        main(Card(*map(int, arguments)))
        return
    _, number, _, file = arguments
    card = card_here(int(number)) if number.isdigit() else None
    if card is not None:
        main(card, sys.stdin.buffer.read(MOST_TEXT).decode(errors="replace"), Path(file) if file else None)


if __name__ == "__main__":
    _started(sys.argv[1:])
