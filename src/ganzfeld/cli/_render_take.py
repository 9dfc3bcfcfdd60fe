"""`ganzfeld render` of a take: it is cut into pieces, which are rendered here or elsewhere, and put together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzfeld.cli._render_options import RenderOptions
from ganzfeld.cli._render_target import refuse_own_sources, tell_others, where
from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.rendering.piece_folder import PieceFolder
    from ganzfeld.rendering.piece_renderer import PieceRenderer
    from ganzfeld.takes.take import Take


def render_take(options: RenderOptions) -> None:
    """From a take to a finished file. Raises GanzfeldError."""
    if options.audio is not None or options.midi or options.snapshot is not None:
        hint = "Leave --audio, --midi and --snapshot out"
        raise GanzfeldError("a take holds what was heard and played", hint=hint)
    from ganzfeld.takes.take import Take

    take = Take(options.source)
    _tell_about(take)

    from ganzfeld.cli._trust import allow_scripts_of
    from ganzfeld.networks.device import pick_device
    from ganzfeld.outputs.base import check_target
    from ganzfeld.rendering.piece_folder import PieceFolder
    from ganzfeld.rendering.piece_renderer import PieceRenderer
    from ganzfeld.rendering.plan import plan
    from ganzfeld.rendering.soundtrack import check_sound
    from ganzfeld.rendering.target_lock import target_lock
    from ganzfeld.takes.fingerprints import find
    from ganzfeld.takes.replay import View

    if options.sound is not None:
        check_sound(options.sound)
    device = pick_device(options.device)
    differences = take.differences(device)
    _tell_differences(take, differences, options)
    job = plan(
        take,
        options.out,
        View(options.size, options.supersample, options.output),
        fps=options.fps,
        start=options.start,
        seconds=options.seconds,
        frames=options.frames,
        device=options.device,
        trusted=lambda: options.trust or allow_scripts_of(take),
        output_options=options.of_the_output,
    )
    options = replace(options, out=options.out.with_name(Path(job.target).name))
    check_target(options.out, overwrite=options.overwrite)
    read = [find(known.name, take.folder(take.sessions[0])) for known in take.fingerprints]
    refuse_own_sources(options.out, [*read, *([options.sound] if options.sound else [])])
    renderer = PieceRenderer(job)
    folder = PieceFolder(job)
    with target_lock(options.out):
        folder.open(anew=options.overwrite)
        try:
            _render_all(renderer, folder, options)
        finally:
            renderer.close()
        _join(renderer, folder, take, options)
    _tell_changes(take, differences, device)


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
    if restarts := take.replacements:
        out.print(f"The render process was replaced {restarts} time{'s' * (restarts > 1)}", style="dim", markup=False)
    for begin, seconds in take.holes:
        hole = f"At {_clock(begin)} it has a hole of {seconds:.1f} s, in which it could not be written"
        out.print(f"{hole} (a full disk?)", style="yellow", markup=False)


def _tell_differences(take: Take, differences: Sequence[str], options: RenderOptions) -> None:
    """What is not here as it was when the take was recorded: files, versions, the device."""
    from ganzfeld.cli._terminal import console

    out = console(stderr=True)
    for sentence in differences:
        out.print(f"Not as it was: {sentence}", style="yellow", markup=False)
    as_it_was = options.fps is None and options.size is None and options.supersample == 1
    inexact = [session for session in take.sessions if not session.opened.exact]
    if as_it_was and inexact:
        where = "the render process was replaced" if take.replacements else "recording went on after a hole"
        out.print(f"Trails began anew where {where}", style="yellow", markup=False)


def _tell_changes(take: Take, before: Sequence[str], device: Any) -> None:
    """What has become different while it was rendered."""
    from ganzfeld.cli._terminal import console

    with contextlib.suppress(OSError):  # a disk that is gone; the render is done
        for sentence in take.differences(device):
            if sentence not in before:
                console(stderr=True).print(f"Changed while it was rendered: {sentence}", style="yellow", markup=False)


def _render_all(renderer: PieceRenderer, folder: PieceFolder, options: RenderOptions) -> None:
    """Render every piece that is not there yet, in this process, in several, or on a cluster."""
    from ganzfeld.cli._progress import FrameProgress
    from ganzfeld.cli._terminal import console
    from ganzfeld.rendering.local import render_here, render_in_processes

    messages = console(stderr=True)
    job, chains = renderer.job, range(len(renderer.chains))
    done = sum(piece.count for chain in chains for piece in folder.finished_pieces(chain))
    if done:
        messages.print(f"Going on: {done} of {job.last - job.first} frames are there already", markup=False)
    with FrameProgress(job.last - job.first, done) as progress:
        if options.cluster is not None:
            from ganzfeld.rendering.cluster import render_on_cluster

            render_on_cluster(renderer, folder, options.cluster, options.workers, progress.advance)
        elif options.workers > 1:
            if len(chains) < options.workers:
                words = f"The take can be cut in {len(chains)} place{'s' * (len(chains) != 1)} only"
                messages.print(f"{words}: more workers would wait", style="dim", markup=False)
            render_in_processes(renderer, folder, options.workers, progress.advance)
        else:
            render_here(renderer, folder, progress.advance)
        for chain in chains:  # errors that other processes met
            for piece in folder.finished_pieces(chain):
                progress.advance(0, [problem.error() for problem in piece.problems])


def _join(renderer: PieceRenderer, folder: PieceFolder, take: Take, options: RenderOptions) -> None:
    """Put the pieces together, with sound where the output has sound and there is one."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.base import output_for
    from ganzfeld.rendering.soundtrack import soundtrack

    job, source, sound = renderer.job, None, None
    if output_for(options.out).has_sound and not options.silent:
        source = options.sound or _own_sound(take)
    if source is not None:
        recorded = options.sound is not None
        sound = soundtrack(renderer.timeline, job.first, job.last, source, folder.path, recorded=recorded)
    folder.join(len(renderer.chains), sound=sound, overwrite=options.overwrite)
    count = job.last - job.first
    words = f"{count} frame{'s' * (count != 1)} in {where(options.out, count)}"
    console().print(words + (f", with the sound of {source.name}" if source else ""), markup=False)
    tell_others(options.out, count)


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
