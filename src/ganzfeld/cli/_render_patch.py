"""`ganzfeld render` of a patch or a network: it is played in this process, frame by frame, into an output."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.cli._render_options import RenderOptions
from ganzfeld.cli._render_target import refuse_own_sources, tell_others, where
from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.engine.player import Player
    from ganzfeld.outputs.base import Output
    from ganzfeld.patch.models import Patch

DEFAULT_SECONDS = 10.0


def render_patch(options: RenderOptions) -> None:
    """From a patch to a finished file. Raises GanzfeldError."""
    asked_of_a_take = (
        options.live,
        options.supersample > 1,
        options.sound is not None,
        options.workers > 1,
        options.cluster is not None,
    )
    if any(asked_of_a_take):
        raise GanzfeldError(
            "--fps live, --supersample, --sound, --workers and --cluster are for takes",
            hint="Make one: ganzfeld play PATCH --take night.ganztake",
        )
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.base import check_target, output_for
    from ganzfeld.rendering.target_lock import target_lock
    from ganzfeld.signals.accompaniment import Accompaniment

    player = _player(options)
    engine = player.engine
    settings = engine.outs
    name = options.output or next(iter(settings))
    rate = options.fps or settings[name].fps
    count = options.frames or max(1, round((options.seconds or DEFAULT_SECONDS) * rate))
    options = replace(options, out=output_for(options.out).target_for(options.out, count))
    check_target(options.out, overwrite=options.overwrite)
    refuse_own_sources(options.out, [*engine.watched, *options.midi, *([options.audio] if options.audio else [])])
    player.clock.seek(options.start)
    if options.snapshot is not None:
        player.recall(options.snapshot, 0.0, "seconds", "now")
    tempo = {"follow": engine.follow, "expected": engine.bpm if engine.follow else None}
    floor = engine.floor if options.floor is None else options.floor
    hearing = {} if floor is None else {"floor": floor}
    beside = Accompaniment(engine.outside, player.clock, audio=options.audio, midi=options.midi, **hearing, **tempo)
    for told in beside.told:
        console(stderr=True).print(str(told), style="yellow", markup=False)
    player.beside.append(beside)
    with target_lock(options.out), player:
        if options.audio is None or options.silent or not output_for(options.out).has_sound:
            _write_frames(player, name, rate, count, options.out, options)
        else:
            _write_film_with_sound(player, name, rate, count, options, options.audio)
    console().print(f"{count} frame{'s' * (count != 1)} in {where(options.out, count)}", markup=False)
    tell_others(options.out, count)


def _player(options: RenderOptions) -> Player:
    """A player of the patch, after the person was asked about its scripts."""
    from ganzfeld.cli._trust import ask
    from ganzfeld.engine.player import Player
    from ganzfeld.outputs.base import output_for
    from ganzfeld.patch.trust import TrustStore

    patch = _patch(options.source, options.size, options.output)
    store, floats = TrustStore(), output_for(options.out).dtype == "float32"
    trusted = (lambda path: True) if options.trust else store.trusts
    player = Player(patch, device=options.device, trusted=trusted, floats=floats)
    if not player.engine.pending_trust:
        return player
    for script in player.engine.pending_trust:
        ask(script, store)
    return Player(patch, device=options.device, trusted=store.trusts, floats=floats)


def _patch(path: Path, size: tuple[int, int] | None, output: str | None) -> Patch:
    """The patch to render, with its output's size replaced if one was asked for."""
    from ganzfeld.errors import PatchError, nearest
    from ganzfeld.networks.find import shipped_names
    from ganzfeld.patch.defaults import is_network, patch_for_network
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.patch.outputs import outputs_of, with_output_size
    from ganzfeld.patch.text_file import read_text_file

    if not path.exists() and str(path) in shipped_names():
        model = parse(patch_for_network(str(path)))
    elif is_network(path):
        model = parse(patch_for_network(path))
    else:
        model = parse(read_text_file(path), str(path))
    outs = [node.name for node in outputs_of(model)]
    if output is not None and output not in outs:
        raise PatchError(f"the patch has no output '{output}'", hint=nearest(output, outs))
    if size is None or not outs:
        return model
    return with_output_size(model, output or outs[0], size)


def _write_film_with_sound(
    player: Player, name: str, fps: float, count: int, options: RenderOptions, audio: Path
) -> None:
    """First the pictures, in a folder beside the target, then pictures and sound together."""
    import tempfile

    from ganzfeld.outputs.base import OutputPiece, output_for
    from ganzfeld.signals.accompaniment import soundtrack

    start, target = player.clock.t, options.out
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as folder:
        silent = Path(folder) / f"silent{target.suffix}"
        _write_frames(player, name, fps, count, silent, options)
        sound = soundtrack(audio, start, count / fps)
        kind, pieces = output_for(target), [OutputPiece(silent, 0, count)]
        kind.join(pieces, target, fps, Path(folder), sound=sound, overwrite=options.overwrite)


def _write_frames(player: Player, name: str, fps: float, count: int, target: Path, options: RenderOptions) -> None:
    from ganzfeld.cli._progress import FrameProgress
    from ganzfeld.outputs.base import open_output, output_for
    from ganzfeld.rendering.frame_pipe import FramePipe

    def opened(size: tuple[int, int]) -> Output:
        hurried = output_for(target).hurried_options(size, fps)
        return open_output(target, size, fps, overwrite=options.overwrite, **{**hurried, **options.of_the_output})

    with FrameProgress(count) as progress, FramePipe(opened) as pipe:
        for frame in player.frames(fps=fps, count=count):
            pipe.put(frame.images[name], frame.t, frame.number)
            progress.advance(1, player.problems)
