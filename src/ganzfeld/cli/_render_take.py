"""Renders a take: plans it, has it made here or elsewhere, puts it together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.rendering.pieces import Job, Maker, Shelf
    from ganzfeld.takes.take import Take

MOST_ERRORS_SHOWN = 20
MOST_SCRIPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. fps: None for the frames of the night. cluster: an address of Ray."""

    take: Path
    out: Path
    fps: float | None = None
    start: float = 0.0
    seconds: float | None = None
    frames: int | None = None
    size: tuple[int, int] | None = None
    supersample: int = 1
    output: str | None = None
    quality: float | None = None
    sound: Path | None = None
    silent: bool = False
    device: str = "auto"
    workers: int = 1
    cluster: str | None = None
    trust: bool = False
    overwrite: bool = False


def render_take(wanted: Wanted) -> None:
    """From a take to a finished file. Raises GanzfeldError."""
    from ganzfeld.takes.take import Take

    take = Take(wanted.take)
    _tell_about(take)

    from ganzfeld.networks.device import pick_device
    from ganzfeld.rendering.pieces import Maker, Shelf
    from ganzfeld.rendering.soundtrack import check_sound

    if wanted.sound is not None:
        check_sound(wanted.sound)
    _tell_differences(take, pick_device(wanted.device), wanted)
    maker = Maker(_job(take, wanted))
    shelf = Shelf(maker.job)
    shelf.open(anew=wanted.overwrite)
    try:
        _make(maker, shelf, wanted)
    finally:
        maker.close()
    _join(maker, shelf, take, wanted)


def _job(take: Take, wanted: Wanted) -> Job:
    """The wish as plain data, with what has to be known before the first frame."""
    import numpy as np

    from ganzfeld.rendering import pieces
    from ganzfeld.takes.replay import View, check_output, first_size
    from ganzfeld.takes.timeline import Timeline

    check_output(take, wanted.output)
    timeline = Timeline(take, wanted.fps)
    view = View(wanted.size, wanted.supersample, wanted.output)
    first = int(np.searchsorted(timeline.at, wanted.start - 1e-6))
    last = len(timeline)
    if wanted.frames is not None:
        last = min(last, first + wanted.frames)
    elif wanted.seconds is not None:
        last = min(last, int(np.searchsorted(timeline.at, wanted.start + wanted.seconds - 1e-6)))
    if first >= last:
        raise GanzfeldError(
            f"there is nothing to render at second {wanted.start:g}", hint=f"The take is {take.seconds:.1f} s long"
        )
    return pieces.Job(
        take=str(wanted.take.absolute()),
        target=str(wanted.out.absolute()),
        rate=wanted.fps or _rate(take),
        first=first,
        last=last,
        fps=wanted.fps,
        size=wanted.size,
        supersample=wanted.supersample,
        output=wanted.output,
        picture=first_size(take, view),
        device=wanted.device,
        threads=take.header.threads,
        trust=wanted.trust or _may_run_scripts(take),
        options={} if wanted.quality is None else {"quality": wanted.quality},
        piece_seconds=pieces.PIECE_SECONDS,
        chain_seconds=pieces.CHAIN_SECONDS,
    )


def _rate(take: Take) -> float:
    """Frames a second that the night was played at: of the even grid that its frames lie on."""
    import numpy as np

    if aimed := max(session.opened.fps for session in take.sessions):
        return aimed
    steps = np.concatenate([np.diff(session.times.at) for session in take.sessions])
    steps = steps[steps > 1e-4]
    if not len(steps):
        return 60.0
    rate = 1 / float(np.median(steps))
    return round(rate) if abs(rate - round(rate)) < 0.02 * rate and rate > 1 else min(max(rate, 0.01), 1000.0)


def _may_run_scripts(take: Take) -> bool:
    """Whether the scripts that the take carries may run; asks about each file. Raises GanzfeldError if they may not.

    A take may come from a stranger. That a file is trusted says nothing of what the take says was in it: only what is
    in a trusted file now may run unasked.
    """
    from ganzfeld.cli.render import ask
    from ganzfeld.patch.trust import TrustStore
    from ganzfeld.takes.fingerprints import find

    sources = {source for sources in take.scripts.values() for source in sources}
    store, folder = TrustStore(), take.folder(take.sessions[0])
    for path in sorted({find(known.name, folder) for known in take.fingerprints} if sources else ()):
        if path.is_file() and path.stat().st_size <= MOST_SCRIPT_BYTES and (source := path.read_bytes()) in sources:
            if not store.trusts(path):
                ask(path, store)
            sources.discard(source)
    if not sources:
        return True
    shown = take.path.with_suffix(".scripts")
    shown.mkdir(exist_ok=True)
    for number, source in enumerate(sorted(sources), 1):
        (shown / f"{number}.py").write_bytes(source)
    what = "a script that is" if len(sources) == 1 else f"{len(sources)} scripts that are"
    raise GanzfeldError(
        f"the take ran {what} not here as then", hint=f"Look at what {shown} holds now, then use --trust"
    )


def _tell_about(take: Take) -> None:
    from ganzfeld.cli._terminal import console

    header, size = take.header, take.path.stat().st_size
    hours = max(take.seconds, 1e-3) / 3600
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(header.began))
    words = f"{take.path}: {header.name}, {when}, {_clock(take.seconds)}, {take.count} frames, "
    words += f"{size / 1e6:.1f} MB ({size / 1e6 / hours:.1f} MB an hour), on {header.device_name or header.device}"
    out = console(stderr=True)
    out.print(words, markup=False)
    if take.torn:
        out.print(f"Its end was torn by a kill: {take.torn} bytes are left out", style="yellow", markup=False)
    restarts = len(take.sessions) - 1
    if restarts:
        out.print(f"The render process was replaced {restarts} time{'s' * (restarts > 1)}", style="dim", markup=False)


def _tell_differences(take: Take, device, wanted: Wanted) -> None:
    """What is not as it was."""
    from ganzfeld.cli._terminal import console

    out = console(stderr=True)
    said = take.differences(device)
    for sentence in said:
        out.print(f"Not as it was: {sentence}", style="yellow", markup=False)
    as_it_was = wanted.fps is None and wanted.size is None and wanted.supersample == 1
    inexact = [session for session in take.sessions if not session.opened.exact]
    if as_it_was and inexact:
        out.print("Trails began anew where the render process was replaced", style="yellow", markup=False)


def _make(maker: Maker, shelf: Shelf, wanted: Wanted) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ganzfeld.cli._terminal import console, show_error
    from ganzfeld.rendering.local import make_here, make_side_by_side

    messages = console(stderr=True)
    job = maker.job
    done = sum(made.count for chain in range(len(maker.chains)) for made in shelf.made(chain))
    if done:
        messages.print(f"Going on: {done} of {job.last - job.first} frames are there already", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    shown: set[str] = set()
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
        task = progress.add_task("", total=job.last - job.first, completed=done, rate="")

        def report(count: int, problems: list[GanzfeldError]) -> None:
            speed = progress.tasks[0].speed
            progress.update(task, advance=count, rate=f"{speed:.1f} frames a second" if speed else "")
            for problem in problems:
                if str(problem) not in shown and len(shown) < MOST_ERRORS_SHOWN:
                    shown.add(str(problem))
                    show_error(problem)

        if wanted.cluster is not None:
            from ganzfeld.rendering.cluster import make_on_cluster

            make_on_cluster(maker, shelf, wanted.cluster, wanted.workers, report)
        elif wanted.workers > 1:
            if len(maker.chains) < wanted.workers:
                count = len(maker.chains)
                words = f"The take can be cut in {count} place{'s' * (count != 1)} only"
                messages.print(f"{words}: more workers would wait", style="dim", markup=False)
            make_side_by_side(maker, shelf, wanted.workers, report)
        else:
            make_here(maker, shelf, report)
        for chain in range(len(maker.chains)):  # what others have met
            for made in shelf.made(chain):
                report(0, [problem.error() for problem in made.problems])


def _join(maker: Maker, shelf: Shelf, take: Take, wanted: Wanted) -> None:
    from ganzfeld.cli._terminal import console
    from ganzfeld.rendering.soundtrack import soundtrack

    job = maker.job
    sound: Iterator | None = None
    source = None
    if shelf.target.suffix.lower() in (".mp4", ".mkv") and not wanted.silent:
        source = wanted.sound or _own_sound(take)
        if source is not None:
            track = soundtrack(maker.timeline, job.first, job.last, source, shelf.folder, recorded=bool(wanted.sound))
            sound = iter(track)
    options = {} if sound is None else {"sound": sound}
    shelf.join(len(maker.chains), overwrite=wanted.overwrite, **options)
    count = job.last - job.first
    words = f"{count} frame{'s' * (count != 1)} in {wanted.out}"
    console().print(words + (f", with the sound of {source.name}" if source else ""), markup=False)


def _own_sound(take: Take) -> Path | None:
    """The sound file that drove the show, if it is here."""
    if not take.header.sound:
        return None
    path = Path(take.header.sound)
    here = path if path.is_file() else take.path.parent / path.name
    if here.is_file():
        return here
    from ganzfeld.cli._terminal import console

    words = f"The sound {path} is not here: the film is silent. Give it with --sound"
    console(stderr=True).print(words, style="yellow", markup=False)
    return None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
