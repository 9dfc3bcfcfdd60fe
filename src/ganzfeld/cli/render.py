"""`ganzfeld render`: a patch or a take into a film, pictures or an array.

This module reads the options; `_render_patch` and `_render_take` do the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzfeld.cli._render_options import RenderOptions, check_length, parse_fps, parse_size
from ganzfeld.outputs.base import check_target, example_targets, output_for


def render(
    patch: Annotated[
        Path,
        typer.Argument(
            metavar="PATCH|NETWORK|TAKE",
            help="A patch (.ganz), a network, which plays in a default patch, or a take (.ganztake).",
        ),
    ],
    out: Annotated[Path, typer.Option(help=f"What to write: {example_targets()}. Its folder has to be there.")],
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
    codec: Annotated[
        str | None,
        typer.Option(help="Films: h264, hevc, prores, ffv1, h264_nvenc, … (default: by the file's name and width)."),
    ] = None,
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
    floor: Annotated[
        float | None,
        typer.Option(
            min=-120,
            max=0,
            help="Decibels below which the sound of --audio is silence (default: as the patch says, else -50).",
        ),
    ] = None,
    midi: Annotated[list[Path] | None, typer.Option(help="Patches: a MIDI file that plays along, looped.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Takes: processes side by side, over all GPUs.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(help='Takes: a Ray cluster: its address, "auto", or "local" (needs the extra).')
    ] = None,
) -> None:
    """Render a patch or a take, as fast or as slow as it takes: every frame, at exact times."""
    check_length(seconds, frames, start)
    options = RenderOptions(
        source=patch,
        out=out,
        fps=parse_fps(fps),
        live=fps == "live",
        start=start,
        seconds=seconds,
        frames=frames,
        size=parse_size(size) if size else None,
        output=output,
        snapshot=snapshot,
        quality=quality,
        codec=codec,
        device=device,
        trust=trust,
        overwrite=overwrite,
        supersample=supersample,
        sound=sound,
        silent=silent,
        audio=audio,
        floor=floor,
        midi=tuple(midi or ()),
        workers=workers,
        cluster=cluster,
    )
    check_target(out, overwrite=overwrite)
    _tell_of(options)
    if patch.suffix.lower() == ".ganztake":
        from ganzfeld.cli._render_take import render_take

        render_take(options)
    else:
        from ganzfeld.cli._render_patch import render_patch

        render_patch(options)


def _tell_of(options: RenderOptions) -> None:
    """Say beforehand what a person should know of the file: that a film of an odd size becomes a pixel longer, that a
    wide one is HEVC."""
    if options.size is None:
        return
    from ganzfeld.cli._terminal import console

    said = output_for(options.out).said_of(options.out, options.size, **options.of_the_output)
    if said:
        console(stderr=True).print(f"{options.out.name} will be {said}", style="yellow", markup=False)
