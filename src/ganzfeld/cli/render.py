"""`ganzfeld render`: a patch or a take into a film, pictures or an array."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.engine.player import Player
    from ganzfeld.patch.models import Patch
    from ganzfeld.patch.trust import TrustStore


def render(
    patch: Annotated[
        Path,
        typer.Argument(
            metavar="PATCH|NETWORK|TAKE",
            help="A patch (.ganz), a network, which plays in a default patch, or a take (.ganztake).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="What to write: film.mp4, film.mkv, stills.png, a folder/, frames.npy.")],
    seconds: Annotated[
        float | None, typer.Option(help="How long, in seconds of the show (default: 10; a take: all of it).")
    ] = None,
    frames: Annotated[int | None, typer.Option(help="How long, in frames.")] = None,
    fps: Annotated[
        str | None,
        typer.Option(help='Frames a second (default: what the patch says; of a take "live": the frames of the night).'),
    ] = None,
    size: Annotated[str | None, typer.Option(help='"1920x1080" or "1024" (default: what the patch says).')] = None,
    output: Annotated[str | None, typer.Option(help="Which of several outputs of the patch.")] = None,
    start: Annotated[float, typer.Option(help="Second of the show to begin at.")] = 0.0,
    snapshot: Annotated[str | None, typer.Option(help="Patches: as this snapshot has it.")] = None,
    quality: Annotated[float | None, typer.Option(help="Films: 0 (lossless) to 51; 18 looks good.")] = None,
    device: Annotated[str, typer.Option(help='"auto", "cpu" or "cuda".')] = "auto",
    trust: Annotated[bool, typer.Option("--trust", help="Let the patch's scripts run without asking.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    supersample: Annotated[
        int, typer.Option(min=1, max=8, help="Takes: draw so many times larger in each direction, then average.")
    ] = 1,
    sound: Annotated[
        Path | None, typer.Option(help="Takes: a recording of the night (default: the file that drove the show).")
    ] = None,
    silent: Annotated[bool, typer.Option("--silent", help="The film has no sound.")] = False,
    audio: Annotated[
        Path | None, typer.Option(help="Patches: a sound file, looped, that the show hears and the film has.")
    ] = None,
    midi: Annotated[list[Path] | None, typer.Option(help="Patches: a MIDI file that plays along, looped.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Takes: processes side by side, over all GPUs.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(help='Takes: a Ray cluster: its address, "auto", or "local" (needs the extra).')
    ] = None,
) -> None:
    """Render a patch or a take, as fast or as slow as it takes: every frame, at exact times."""
    if seconds is not None and frames is not None:
        raise GanzfeldError("--seconds and --frames say the same thing twice", hint="Leave one of them out")
    if (seconds is not None and seconds <= 0) or (frames is not None and frames < 1):
        raise GanzfeldError("there is nothing to render", hint="Ask for at least one frame")
    wanted = parse_size(size) if size else None  # before the wait for torch
    rate = parse_fps(fps)
    if not overwrite:
        from ganzfeld.outputs.base import refuse_to_overwrite

        refuse_to_overwrite(out)
    if wanted is not None:
        _tell_even(out, wanted)
    if patch.suffix.lower() == ".ganztake":
        if audio is not None or midi or snapshot is not None:
            hint = "Leave --audio, --midi and --snapshot out"
            raise GanzfeldError("a take holds what was heard and played", hint=hint)
        from ganzfeld.cli._render_take import Wanted, render_take

        options = (seconds, frames, wanted, supersample, output, quality, sound, silent, device, workers, cluster)
        render_take(Wanted(patch, out, rate, start, *options, trust, overwrite))
        return
    if fps == "live" or supersample > 1 or sound is not None or workers > 1 or cluster is not None:
        raise GanzfeldError(
            "--fps live, --supersample, --sound, --workers and --cluster are for takes",
            hint="Make one: ganzfeld play PATCH --take night.ganztake",
        )

    from ganzfeld.cli._terminal import console
    from ganzfeld.engine.player import Player
    from ganzfeld.outputs.base import output_for
    from ganzfeld.patch.trust import TrustStore

    model = _patch(patch, wanted, output)
    store = TrustStore()
    player = Player(model, device=device, trusted=(lambda path: True) if trust else store.trusts)
    if player.engine.pending_trust:
        for script in player.engine.pending_trust:
            ask(script, store)
        player = Player(model, device=device, trusted=store.trusts)
    settings = player.engine.outs
    name = output or next(iter(settings))
    rate = rate or settings[name].fps
    count = frames or max(1, round((seconds or 10.0) * rate))
    player.clock.seek(start)
    if snapshot is not None:
        player.recall(snapshot, 0.0, "seconds", "now")
    options = {"overwrite": overwrite} | ({} if quality is None else {"quality": quality})
    from ganzfeld.signals.accompaniment import Accompaniment

    engine = player.engine
    follow = {"follow": engine.follow, "expected": engine.bpm if engine.follow else None}
    player.beside.append(Accompaniment(engine.outside, player.clock, audio=audio, midi=midi or (), **follow))
    with player:
        if audio is None or silent or not output_for(out).timed:
            _play(player, name, rate, count, out, options)
        else:
            _play_with_sound(player, name, rate, count, out, options, audio)
    console().print(f"{count} frame{'s' * (count != 1)} in {out}", markup=False)


def _play_with_sound(
    player: Player, name: str, fps: float, count: int, target: Path, options: dict, audio: Path
) -> None:
    """First the pictures, in a folder beside the target, then both together."""
    import tempfile

    from ganzfeld.outputs.base import Piece, output_for
    from ganzfeld.signals.accompaniment import soundtrack

    start = player.clock.t
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as folder:
        silent = Path(folder) / f"silent{target.suffix}"
        _play(player, name, fps, count, silent, options)
        sound = soundtrack(audio, start, count / fps)
        kind, pieces = output_for(target), [Piece(silent, 0, count)]
        kind.join(pieces, target, fps, Path(folder), sound=sound, overwrite=options["overwrite"])


def _play(player: Player, name: str, fps: float, count: int, target: Path, options: dict) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ganzfeld.cli._terminal import console, show_error
    from ganzfeld.outputs.base import open_output

    messages = console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    shown: set[str] = set()
    written = None
    try:
        with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
            task = progress.add_task("", total=count, rate="")
            for frame in player.frames(fps=fps, count=count):
                image = frame.images[name].cpu().numpy()
                written = written or open_output(target, (image.shape[1], image.shape[0]), fps, **options)
                written.write(image, frame.t, frame.number)
                speed = progress.tasks[0].speed
                progress.update(task, advance=1, rate=f"{speed:.1f} frames a second" if speed else "")
                for problem in player.problems:
                    if str(problem) not in shown and len(shown) < 20:
                        shown.add(str(problem))
                        show_error(problem)
    finally:
        if written is not None:
            written.close()


def _patch(path: Path, size: tuple[int, int] | None, output: str | None) -> Patch:
    """The patch to render, with its output's size replaced if one was asked for."""
    from ganzfeld.engine.player import read_patch
    from ganzfeld.errors import PatchError, nearest
    from ganzfeld.networks.find import shipped_names
    from ganzfeld.patch.defaults import is_network, patch_for_network
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.patch.outputs import outputs_of, with_output_size

    if not path.exists() and str(path) in shipped_names():
        model = parse(patch_for_network(str(path)))
    elif is_network(path):
        model = parse(patch_for_network(path))
    else:
        model = parse(read_patch(path), str(path))
    outs = [node.name for node in outputs_of(model)]
    if output is not None and output not in outs:
        raise PatchError(f"the patch has no output '{output}'", hint=nearest(output, outs))
    if size is None or not outs:
        return model
    return with_output_size(model, output or outs[0], size)


def _tell_even(out: Path, size: tuple[int, int]) -> None:
    """Films have even sides: say so before, not never."""
    from ganzfeld.cli._terminal import console
    from ganzfeld.outputs.base import output_for

    width, height = size
    if output_for(out).timed and (width % 2 or height % 2):
        words = (
            f"Films have even sides: {out.name} will be {width + width % 2} × {height + height % 2}, its edge repeated"
        )
        console(stderr=True).print(words, style="yellow", markup=False)


def ask(script: Path, store: TrustStore) -> None:
    """Ask at the terminal whether a script may run. Raises GanzfeldError if it may not, or nobody is there to ask."""
    from ganzfeld.cli._terminal import may_run

    if not may_run(script):
        raise GanzfeldError(f"the script {script} has not been allowed to run", hint="Look at it, then use --trust")
    store.trust(script)


def parse_size(text: str) -> tuple[int, int]:
    """ "1920x1080" -> (1920, 1080), "1024" -> (1024, 1024). Raises GanzfeldError."""
    found = re.fullmatch(r"(\d{1,5})(?:[x×*,](\d{1,5}))?", text.strip())
    if not found or not int(found[1]) or found[2] == "0":
        raise GanzfeldError(f"'{text}' is not a size", hint="Write it as 1920x1080, or 1024 for a square")
    return int(found[1]), int(found[2] or found[1])


def parse_fps(text: str | None) -> float | None:
    """ "60" -> 60.0; None and "live" -> None. Raises GanzfeldError."""
    if text is None or text == "live":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 1000:
        raise GanzfeldError(f"'{text}' is not a rate", hint='Give frames a second, 0.01 to 1000; of a take also "live"')
    return rate
