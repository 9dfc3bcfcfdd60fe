"""`ganzfeld play`: a patch or a network, live, with a page to watch it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzfeld.cli import _outside as outside
from ganzfeld.cli._interrupts import ignoring_interrupts, stopped_by_signals
from ganzfeld.cli._links import certificate_of, links_for
from ganzfeld.cli._source import check_name, choose, saved
from ganzfeld.cli._terminal import lasting_output
from ganzfeld.cli._unattended import keep as run_kept
from ganzfeld.cli._unattended import kept_in, unattended
from ganzfeld.errors import OutputError, reason_of
from ganzfeld.outputs.base import check_target, example_targets

if TYPE_CHECKING:
    from ganzfeld.cli._take import TakeFile

DOORS = "Where pictures go"
UNATTENDED = "Unattended"
OTHERS = "Others who look, or play along"
OUTSIDE = "OSC, MIDI, sound and tempo"
MOST_REPORTS = 120.0
"""Of changed values, a second."""


def play(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATCH|NETWORK]",
            help="A patch (.ganz), an example by its name (see ganzfeld examples), or a network, which plays in a "
            "default patch (default: the opening).",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="The network for the default patch: a file, or the name of a shipped one.")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Open no browser; the page is served all the same.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The page's port (default: 8420, or the next free one).")
    ] = None,
    device: Annotated[str, typer.Option(help='"auto", "cpu" or "cuda".')] = "auto",
    fps: Annotated[
        float | None, typer.Option(min=1, max=1000, help="Frames a second (default: what the patch says).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after this long (default: Ctrl-C stops).")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the patch's scripts run without asking, this time.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(help="Write the patch that plays into this file first, and play that: yours to edit.")
    ] = None,
    snapshot: Annotated[str | None, typer.Option(help="Begin with this snapshot of the patch.")] = None,
    record: Annotated[
        Path | None,
        typer.Option(help=f"Record what is shown: {example_targets(floats=False)}. Its folder has to be there."),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option(help="Record what makes it, night.ganztake, to be rendered again at any size: ganzfeld render."),
    ] = None,
    take_camera: Annotated[
        bool,
        typer.Option(
            "--take-camera",
            help="Keep what cameras and other live sources show, too: films beside the take, gigabytes an hour.",
        ),
    ] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PICTURE=]KIND[:TARGET]",
            help="Open a door: window:2, wall=window:DELL, shared:td (several times: several; see ganzfeld outputs).",
            rich_help_panel=DOORS,
        ),
    ] = None,
    rig: Annotated[
        str | None,
        typer.Option(help="Take doors, sound, MIDI and OSC from the rig of this name.", rich_help_panel=DOORS),
    ] = None,
    save_rig: Annotated[
        str | None,
        typer.Option(help="Keep what this command line and --rig say as a rig of this name.", rich_help_panel=DOORS),
    ] = None,
    test_card: Annotated[
        bool,
        typer.Option(
            "--test-card",
            help="Windows show a test card; without a window in --to or --rig, every display does.",
            rich_help_panel=DOORS,
        ),
    ] = False,
    allow_source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Let streams of the patch come from this machine (several times: from several).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Let others in who have a link, at this address of the machine; 0.0.0.0: at all of them (default: "
            "this machine alone).",
            rich_help_panel=OTHERS,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name or address by which others reach this machine, for its links (several times: several).",
            rich_help_panel=OTHERS,
        ),
    ] = None,
    new_links: Annotated[
        bool,
        typer.Option("--new-links", help="Take back all links that were given away.", rich_help_panel=OTHERS),
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Encrypt the page (TLS) with this certificate, in PEM.", rich_help_panel=OTHERS),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key, in PEM.", rich_help_panel=OTHERS)] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Start the show again whatever ends it, as it was; for installations.",
            rich_help_panel=UNATTENDED,
        ),
    ] = False,
    hours: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS",
            help='Play only then, "10:00-18:00" or "mo-fr 9:00-17:00, sa 20:00-02:00", and be black outside.',
            rich_help_panel=UNATTENDED,
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(help="Write what happens into this file, which turns over.", rich_help_panel=UNATTENDED),
    ] = None,
    osc: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Listen for OSC at this UDP port.", rich_help_panel=OUTSIDE),
    ] = None,
    osc_host: Annotated[
        str | None,
        typer.Option(
            help="The address to listen at (default: 127.0.0.1); others than this machine reach only what is turned by "
            "hand.",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    osc_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT", help="Send values there as OSC (several times: to several).", rich_help_panel=OUTSIDE
        ),
    ] = None,
    osc_send: Annotated[
        str | None,
        typer.Option(
            help='Which: "/face/psi,/clock,/audio/*"; /face stands for everything under it (default: all).',
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    osc_rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1000,
            help="All of them so often a second (default: what changes).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    osc_query: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Tell other programs there what can be turned, by OSCQuery (0: a free port).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    until_left: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Stop when nobody has asked by OSCQuery for so long.",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    midi: Annotated[
        list[str] | None,
        typer.Option(help='MIDI inputs, by name or pattern ("*"), or a MIDI file, looped.', rich_help_panel=OUTSIDE),
    ] = None,
    lights: Annotated[
        bool,
        typer.Option(
            "--lights",
            help="Show knobs and snapshots on the lights and motors of these controllers.",
            rich_help_panel=OUTSIDE,
        ),
    ] = False,
    audio: Annotated[
        str | None,
        typer.Option(
            help='Sound: a file, looped and played aloud, or part of a device\'s name ("": the first).',
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    channel: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="The channel of the sound device (default: all together).", rich_help_panel=OUTSIDE
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            help='What plays a sound file aloud: part of a device\'s name, or "none" (default: the first).',
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    bands: Annotated[
        int,
        typer.Option(min=1, max=64, help="How many bands audio.band(k) has.", rich_help_panel=OUTSIDE),
    ] = 8,
    attack: Annotated[
        float,
        typer.Option(min=0, max=10, help="Seconds in which what is heard rises.", rich_help_panel=OUTSIDE),
    ] = 0.005,
    release: Annotated[
        float,
        typer.Option(min=0, max=60, help="Seconds in which what is heard falls.", rich_help_panel=OUTSIDE),
    ] = 0.15,
    floor: Annotated[
        float | None,
        typer.Option(
            min=-120,
            max=0,
            help="Decibels below which sound is silence (default: as the patch says, else -50).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
    tempo: Annotated[
        str | None,
        typer.Option(
            help="A number, or what it follows: tap, midi, audio, link (default: as the patch says).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
) -> None:
    """Play live: save the patch in any editor, and the picture follows."""
    if keep and kept_in() is None:
        check_name(file or network)
        raise typer.Exit(run_kept(str((file or network or Path("planets")).absolute()), sys.argv[1:]))
    from ganzfeld.process.kept_show import read_kept

    kept_file = kept_in()
    source = choose(file, network, is_kept=kept_file is not None and read_kept(kept_file) is not None)
    if save is not None:
        source = saved(source, save)
    from ganzfeld.cli import _rig as rigs

    links = links_for(host, new_links)
    encryption = certificate_of(certificate, key)
    chosen = rigs.show_rig(
        source.patch,
        name=rig,
        save=save_rig,
        to=to or (),
        said=rigs.Rig(
            sound=rigs.said_of_sound(audio, channel, speaker),
            midi=rigs.said_of_midi(midi, lights),
            osc=rigs.said_of_osc(osc, osc_host, osc_out, osc_send, osc_rate, osc_query),
            sources=rigs.said_of_sources(allow_source),
        ),
        trust=trust,
        test_card=test_card,
    )
    hearing = {"bands": bands, "attack": attack, "release": release}
    wanted_signals = outside.wanted(chosen.rig, hearing if floor is None else {**hearing, "floor": floor})
    heard = wanted_signals.audio
    follow = None if tempo is None else outside.tempo(tempo)

    from ganzfeld.cli._take import TakeFile

    take_file = TakeFile(take, again=kept_in() is not None) if take else None
    if record is not None:
        check_target(record, overwrite=kept_in() is not None)  # one that is started again finds what it wrote

    from ganzfeld.cli._osc_query import OscQuery
    from ganzfeld.cli._show_terminal import ShowTerminal, SideServices
    from ganzfeld.outputs.doors.route import Route
    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.signals.show_time import KnownTime, ShowTime
    from ganzfeld.signals.signals import Signals
    from ganzfeld.values.shared_memory import remove_made

    try:
        show = Supervisor(
            source.patch,
            text=source.text,
            name=source.name,
            device=device,
            fps=fps,
            tempo=follow,
            trust_all=trust,
            take=take_file.path if take_file else None,
            take_cameras=take_camera,
            sound=Path(heard) if heard and Path(heard).is_file() else None,
            sources=chosen.rig.sources.allow,
            keep_in=kept_in(),
        )
    except OSError as error:
        remove_made()
        what = f"There is too little shared memory for a show: {reason_of(error)}"
        raise OutputError(what, hint="Give the system more of it (/dev/shm; docker run --shm-size=1g)") from None
    clock = ShowTime(lambda: KnownTime(*show.known_time))
    signals = Signals(
        show,
        wanted_signals,
        turn=show.turn,
        clock=clock,
        conducts=show,
        transport=show,
        desk=show,
        ring=show.sound,
        doors=show.look_at_doors,
        known=lambda: show.known_addresses,
    )
    show.osc_dropped = lambda: signals.dropped
    show.inputs, show.silence_below = signals.look, signals.silence_below

    def listen_to(device: str) -> None:
        signals.listen_to(device)
        show.hears_no_file()
        chosen.keep_sound(device)

    show.listen_to = listen_to
    show.hear_file = signals.hear_file
    if wanted_signals.osc_to:
        show.report(wanted_signals.osc_choose, wanted_signals.osc_rate or MOST_REPORTS, signals.frame)
    with lasting_output(), stopped_by_signals(), contextlib.suppress(KeyboardInterrupt), unattended(show, hours, log):
        try:
            closed = chosen.open_doors(show)
            if record is not None:
                show.doors.open(Route("film", name="record", options={"target": str(record)}))
            show.start()
            if snapshot is not None:
                show.hit("/snapshot/recall", snapshot, 0.0, "now")
            from ganzfeld.studio.server import PORT, StudioServer

            wanted = PORT if port is None else port
            server = StudioServer(
                show,
                host=host or "127.0.0.1",
                port=wanted,
                exact_port=bool(port),
                allowed_hosts=allow_host or (),
                open_browser=not headless,
                links=links,
                certificate=encryption,
            )
            with server, signals, OscQuery(show, signals, chosen.rig.osc, until_left) as query:
                reached = server if links is not None else None
                beside = SideServices(signals, take_file, closed, query, reached)
                ShowTerminal(show, source, server.link("play", server.url), beside).watch(seconds)
        finally:
            with ignoring_interrupts():
                show.close()
                if take_file is not None:
                    _tell_take(take_file)


def _tell_take(take: TakeFile) -> None:
    from ganzfeld.cli._terminal import console

    console().print(take.told(), markup=False)
