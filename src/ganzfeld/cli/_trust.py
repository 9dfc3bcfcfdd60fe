"""The question at the terminal whether a script may run."""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.media.script_modules import files_beside

if TYPE_CHECKING:
    from ganzfeld.patch.trust import TrustStore
    from ganzfeld.takes.take import Take

INTERRUPTED = 130
"""The exit code of a program that was ended by Ctrl-C."""
LOOK_EVERY = 0.1
"""Seconds between looks whether the question has been answered elsewhere."""


def may_run(script: Path | str, answered: Callable[[], bool] = lambda: False) -> bool:
    """Ask the person at the terminal whether a patch's script may run. Without a terminal the answer is no.

    answered: whether the question is settled meanwhile, on the page say; it is taken back then, and the answer is no.
    Raises typer.Exit (130) if the person presses Ctrl-C.
    """
    if not sys.stdin.isatty():
        return False
    beside = ", ".join(sorted(path.name for path in files_beside(Path(script))))
    also = f", and with it {beside} beside it" if beside else ""
    question = f"The patch wants to run the Python file {script}{also}. Have you looked at it, and may it run? [y/N]: "
    try:
        typer.echo(question, nl=False)
        answer = _line(answered)
    except KeyboardInterrupt:
        typer.echo()
        raise typer.Exit(INTERRUPTED) from None
    if answer is None:
        typer.echo("answered on the page")
    return answer is not None and answer.strip().lower() in ("y", "yes")


def _line(over: Callable[[], bool]) -> str | None:
    """What the person types, or None as soon as `over` says that nobody needs to any more."""
    if sys.platform == "win32":  # whose terminals cannot be waited for
        return sys.stdin.readline()
    while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
        if over():
            return None
    return sys.stdin.readline()


def ask(script: Path, store: TrustStore) -> None:
    """Ask whether a script may run, and keep the answer yes in the store. Raises GanzfeldError if it may not."""
    if not may_run(script):
        raise GanzfeldError(f"the script {script} has not been allowed to run", hint="Look at it, then use --trust")
    store.trust(script)


def allow_scripts_of(take: Take) -> bool:
    """True when the scripts that a take carries may run. Raises GanzfeldError when they may not.

    A take may come from a stranger, and it only says which file a script was in. So a script may run only if a file
    here holds the very same text now, with the same modules beside it, and is trusted or allowed by the person.
    """
    from ganzfeld.patch.trust import TrustStore
    from ganzfeld.takes.fingerprints import find

    wanted = {ran for versions in take.scripts.values() for ran in versions}
    store, folder = TrustStore(), take.folder(take.sessions[0])
    for path in sorted({find(known.name, folder) for known in take.fingerprints} if wanted else ()):
        here = {ran for ran in wanted if ran.is_at(path)}
        if here and not store.trusts(path):
            ask(path, store)
        wanted -= here
    if not wanted:
        return True
    shown = take.path.with_suffix(".scripts")
    shown.mkdir(exist_ok=True)
    for number, ran in enumerate(sorted(wanted, key=lambda ran: (ran.source, ran.modules)), 1):
        (shown / f"{number}.py").write_bytes(ran.source)
        for name, source in ran.modules:
            (shown / f"{number}.{re.sub(r'[^A-Za-z0-9_.]', '.', name)[-100:]}").write_bytes(source)
    what = "a script that is" if len(wanted) == 1 else f"{len(wanted)} scripts that are"
    raise GanzfeldError(
        f"the take ran {what} not here as then", hint=f"Look at what {shown} holds now, then use --trust"
    )
