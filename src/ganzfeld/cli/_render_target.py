"""Where a render of a patch or a take goes: what may not be written over, and what is said of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def refuse_own_sources(target: Path, sources: Iterable[Path]) -> None:
    """Raises OutputError if a render into this target would write over a file that it reads."""
    from ganzfeld.errors import OutputError, Where
    from ganzfeld.outputs.base import output_for

    output = output_for(target)(target)
    written = [output.first]
    with contextlib.suppress(OSError):
        written += [output.first.parent / name for name in output.others(0)]
    known = {_file_at(path): path.name for path in written}
    known.pop(None, None)
    for source in sources:
        if (name := known.get(_file_at(source))) is not None:
            what = f"{name} is read by what is rendered, and would be written over"
            raise OutputError(what, where=Where(file=str(target)), hint="Choose another name")


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file of the system that is, whatever its name; None if there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def tell_others(target: Path, count: int) -> None:
    """Say that pictures of another render lie beside those of this one: a film made of all would go on with them."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.base import output_for

    others: list[str] = []
    with contextlib.suppress(OSError):
        others = output_for(target)(target).others(count)
    if others:
        one = len(others) == 1
        words = f"{len(others)} picture{'' if one else 's'} of another render {'is' if one else 'are'} still there"
        console(stderr=True).print(
            f"{words}: {others[0]}{'' if one else f' to {others[-1]}'}", style="yellow", markup=False
        )


def where(target: Path, count: int) -> str:
    """What is said of where the frames are: of numbered pictures the first name and the last."""
    if count > 1 and "%" in target.name:
        with contextlib.suppress(ValueError, TypeError):
            return f"{target.with_name(target.name % 0)} to {target.name % (count - 1)}"
    return str(target)
