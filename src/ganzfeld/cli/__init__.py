"""The command `ganzfeld`.

Every module in this folder whose name has no leading underscore is a command: it holds a function of its own name,
whose docstring and annotations Typer turns into help and options. Modules import nothing heavy at the top, so that
`ganzfeld --help` answers at once.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.process.safe_path import OURS, SAFE_PATH


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (`sys.argv` by default). Ends with SystemExit; 1 after a GanzfeldError."""
    # OpenMP's threads spin between operations; beside anything else on the same cores that costs ten times what it
    # saves. It has to be said before torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    have_standard_streams()
    if arguments is None:
        import_nothing_from_here()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words  # understood in any place
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    try:
        app.callback()(_options)
        for name, command in commands().items():
            app.command(name)(command)
        app([word for word in words if word != "--debug"], prog_name="ganzfeld")
    except (GanzfeldError, OSError) as error:
        # Of the system's own, those about a file are for the person, who named it (a name too long, a disk that fails).
        if debug or (isinstance(error, OSError) and not error.filename):
            raise
        from ganzfeld.cli._terminal import show_error

        show_error(error if isinstance(error, GanzfeldError) else _about_a_file(error))
        _leave(1)
        sys.exit(1)
    except KeyboardInterrupt:  # while it is still being imported
        from ganzfeld.cli._trust import INTERRUPTED

        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
        raise


def _about_a_file(error: OSError) -> GanzfeldError:
    name = Path(os.fsdecode(error.filename)).name
    return GanzfeldError(f"{name[:80] or error.filename} cannot be used: {reason_of(error)}")


def _leave(code: int) -> None:
    """End here and now if a driver holds up one of our threads: its library would wait for it at the end."""
    background = sys.modules.get("ganzfeld.signals.background")
    if background is not None and any(thread.is_alive() for thread in background.left_behind):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def import_nothing_from_here() -> None:
    """Have Python look for modules nowhere in the folder that we were started in, neither here nor in the processes
    that it starts for us. A script `random.py` beside a patch would take the place of Python's own, and a stranger's
    `multiprocessing.py` would run without anybody having been asked."""
    if not sys.flags.safe_path and sys.path and Path(sys.path[0] or ".").absolute() == Path.cwd():
        ours = Path(__file__).parents[2]
        if ours != Path.cwd():  # started from its sources
            del sys.path[0]
    os.environ.setdefault(SAFE_PATH, OURS)


def have_standard_streams() -> None:
    """Whoever starts us may have closed standard input, output or error, as launchers and timers do. The next file that
    is opened would get such a number, and our processes would print into it; so the null device gets it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if opened == number:
                os.set_inheritable(number, True)
            else:  # on Windows without a console these numbers may be none of the system's
                os.close(opened)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by the name that one types."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return {name.replace("_", "-"): getattr(importlib.import_module(f"{__name__}.{name}"), name) for name in names}


def _show_version(wanted: bool) -> None:
    if wanted:
        from ganzfeld import __version__

        print(f"ganzfeld {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")] = False,
) -> None:
    """Plays trained neural networks live."""
    from ganzfeld.cli._terminal import set_up_logging

    set_up_logging()
