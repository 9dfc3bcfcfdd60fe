"""`ganzfeld play`: a patch or a network, live, with a page to watch it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzfeld.cli import _outside as outside
from ganzfeld.errors import GanzfeldError, PatchError, nearest

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ganzfeld.cli._recorder import Recorder
    from ganzfeld.cli._take import TakeFile
    from ganzfeld.engine.messages import Problem
    from ganzfeld.engine.show_status import ShowStatus
    from ganzfeld.engine.supervisor import Supervisor
    from ganzfeld.signals.signals import Signals

LOOK_EVERY = 0.1
"""Seconds between looks at the show, for the terminal."""
OUTSIDE = "OSC, MIDI, sound and tempo"
MOST_REPORTS = 120.0
"""Of changed values, a second."""


def play(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATCH|NETWORK]",
            help="A patch (.ganz), or a network, which plays in a default patch (default: a shipped network).",
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
        Path | None, typer.Option(help="Record what is shown: film.mp4, film.mkv, a folder/, frames.npy.")
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option(help="Record what makes it, night.ganztake, to be rendered again at any size: ganzfeld render."),
    ] = None,
    take_camera: Annotated[
        bool,
        typer.Option("--take-camera", help="Keep what cameras show, too: films beside the take, gigabytes an hour."),
    ] = False,
    osc: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Listen for OSC at this UDP port.", rich_help_panel=OUTSIDE),
    ] = None,
    osc_host: Annotated[
        str,
        typer.Option(
            help="The address to listen at; others than this machine reach only what is turned by hand.",
            rich_help_panel=OUTSIDE,
        ),
    ] = "127.0.0.1",
    osc_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT", help="Send values there as OSC (several times: to several).", rich_help_panel=OUTSIDE
        ),
    ] = None,
    osc_send: Annotated[
        str,
        typer.Option(
            help='Which: "/face/psi,/clock,/audio/*"; /face stands for everything under it.', rich_help_panel=OUTSIDE
        ),
    ] = "*",
    osc_rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1000,
            help="All of them so often a second (default: what changes).",
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
    speaker: Annotated[
        str,
        typer.Option(
            help='What plays a sound file aloud: part of a device\'s name, or "none" (default: the first).',
            rich_help_panel=OUTSIDE,
        ),
    ] = "",
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
    tempo: Annotated[
        str | None,
        typer.Option(
            help="A number, or what it follows: tap, midi, audio, link (default: as the patch says).",
            rich_help_panel=OUTSIDE,
        ),
    ] = None,
) -> None:
    """Play live: save the patch in any editor, and the picture follows."""
    source = choose(file, network)
    if save is not None:
        source = saved(source, save)
    to = tuple(outside.host_and_port(place) for place in osc_out or ())
    send = outside.addresses(osc_send)
    follow = None if tempo is None else outside.tempo(tempo)

    from ganzfeld.cli._take import TakeFile

    take_file = TakeFile(take) if take else None

    from ganzfeld.cli._recorder import Recorder
    from ganzfeld.engine.supervisor import Supervisor
    from ganzfeld.signals.show_time import Known, ShowTime
    from ganzfeld.signals.signals import Signals, Wanted

    show = Supervisor(
        source.patch,
        text=source.text,
        name=source.name,
        device=device,
        fps=fps,
        tempo=follow,
        trust_all=trust,
        take=take,
        take_cameras=take_camera,
        sound=Path(audio) if audio and Path(audio).is_file() else None,
    )
    wanted_signals = Wanted(
        osc=osc,
        osc_host=osc_host,
        osc_to=to,
        osc_choose=send,
        osc_rate=osc_rate,
        midi=tuple(midi or ()),
        midi_lights=tuple(midi or ()) if lights else (),
        audio=audio,
        speaker=None if speaker == "none" else speaker,
        audio_options={"bands": bands, "attack": attack, "release": release},
    )
    clock = ShowTime(lambda: Known(*show.known_time))
    signals = Signals(show, wanted_signals, turn=show.turn, clock=clock, conducts=show, desk=show)
    if to:
        show.report(send, osc_rate or MOST_REPORTS, signals.frame)
    recorder = Recorder(show, record) if record else None
    with _stopped_by_signals(), contextlib.suppress(KeyboardInterrupt):
        try:
            show.start()
            if snapshot is not None:
                show.hit("/snapshot/recall", snapshot, 0.0, "now")
            from ganzfeld.studio.server import PORT, StudioServer

            wanted = PORT if port is None else port
            server = StudioServer(show, port=wanted, exact_port=bool(port), open_browser=not headless)
            with server, signals, recorder or contextlib.nullcontext():
                _Terminal(show, source, server.url, Beside(signals, recorder, take_file)).watch(seconds)
        finally:
            with _deaf_to_interrupts():
                show.close()
                if take_file is not None:
                    _tell_take(take_file)


def _tell_take(take: TakeFile) -> None:
    from ganzfeld.cli._terminal import console

    console().print(take.told(), markup=False)


@dataclass(frozen=True)
class Beside:
    """What runs beside the show in this process: signals, a recording. take: what the render process records."""

    signals: Signals
    recorder: Recorder | None = None
    take: TakeFile | None = None

    @property
    def problems(self) -> list[GanzfeldError]:
        """What is wrong with any of them."""
        error = self.recorder.error if self.recorder else None
        return [*self.signals.problems, *([error] if error else [])]


@dataclass(frozen=True)
class Source:
    """What to play: a patch's file to watch, or the text of a patch without one. name: as the person calls it."""

    name: str
    patch: Path | None = None
    text: str | None = None


def choose(file: Path | None, network: Path | None) -> Source:
    """What the command line's words mean. Raises GanzfeldError."""
    from ganzfeld.networks.find import shipped_names
    from ganzfeld.patch.defaults import is_network, opening_patch

    if file is not None and network is not None:
        raise GanzfeldError(
            "a patch names its own networks, so --network goes with the default patch only",
            hint=f"Leave one out: ganzfeld play {file}, or ganzfeld play --network {network}",
        )
    wanted = file or network
    if wanted is None:
        names = shipped_names()
        if not names:
            raise GanzfeldError(
                "no network ships with this version of Ganzfeld",
                hint="Play one of your own: ganzfeld play --network FILE.pkl",
            )
        if {"planets", "flowers"} <= set(names):
            return Source("the opening", text=opening_patch())
        wanted = Path(names[0])
    if not wanted.exists():
        if str(wanted) in shipped_names():
            return _in_default_patch(str(wanted))
        what = "network" if network is not None or is_network(wanted) else "patch"
        raise PatchError(f"there is no {what} {wanted}", hint=_near(wanted, shipped_names()))
    if wanted.suffix.lower() == ".ganztake":
        hint = f"For example: ganzfeld render {wanted} --out {wanted.with_suffix('.mp4')}"
        raise GanzfeldError("a take is rendered, not played", hint=hint)
    if wanted.is_dir():
        raise PatchError(f"{wanted} is a folder, neither a patch nor a network", hint="Name a file in it")
    if network is not None or is_network(wanted):
        from ganzfeld.networks.files import glance

        glance(wanted)
        return _in_default_patch(wanted)
    return Source(wanted.name, patch=wanted)


def saved(source: Source, target: Path) -> Source:
    """The same, as a file of the person's own. Raises GanzfeldError if it is there already or cannot be written."""
    text = source.text if source.text is not None else source.patch.read_text("utf-8") if source.patch else ""
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise GanzfeldError(f"there is a file {target} already", hint=f"Play it: ganzfeld play {target}") from None
    except OSError as error:
        raise GanzfeldError(
            f"{target} cannot be written: {error.strerror}", hint="Choose a folder of your own"
        ) from None
    return Source(target.name, patch=target)


def _in_default_patch(network: Path | str) -> Source:
    from ganzfeld.patch.defaults import patch_for_network

    return Source(network.name if isinstance(network, Path) else network, text=patch_for_network(network))


def _near(wanted: Path, shipped: list[str]) -> str:
    """Files beside it, or shipped networks, of a similar name."""
    with contextlib.suppress(OSError):
        beside = [path.name for path in wanted.parent.iterdir() if path.is_file()]
        hint = nearest(wanted.name, [*beside, *shipped])
        if hint.startswith("Did you mean"):
            return hint
    return f"Shipped networks: {', '.join(shipped)}" if shipped else "Check the path"


class _Terminal:
    """What the person at the terminal sees: where the page is, one line that moves, errors once, and the question
    whether a script may run."""

    def __init__(self, show: Supervisor, source: Source, url: str, beside: Beside) -> None:
        from ganzfeld.cli._terminal import console

        self._show, self._source, self._url, self._beside = show, source, url, beside
        self._missed: set[str] = set()
        self._console = console()
        self._told: set[Problem] = set()
        self._asked: set[str] = set()

    def watch(self, seconds: float | None) -> None:
        """Until `seconds` after the first picture (or the first error); for ever if None. Raises what ended it."""
        from rich.live import Live

        self._greet()
        ends = None
        errors: tuple[Problem, ...] = ()
        with Live(console=self._console, refresh_per_second=8, transient=True, auto_refresh=False) as live:
            while ends is None or time.monotonic() < ends:
                if self._show.failure is not None:
                    raise self._show.failure
                status = self._show.status()
                errors = status.errors
                self._tell(errors)
                self._tell_beside(self._beside.problems)
                if self._console.is_terminal:
                    live.update(_line(status, self._beside.signals.dropped), refresh=True)
                if pending := [script for script in status.pending_trust if script not in self._asked]:
                    live.stop()
                    self._ask(pending)
                    live.start()
                if seconds is not None and ends is None and (errors or self._show.latest() is not None):
                    ends = time.monotonic() + seconds
                time.sleep(LOOK_EVERY)
        if self._show.latest() is None and errors:
            raise errors[0].error()

    def _greet(self) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(Text("Ganzfeld", "bold"), Text(f"plays {self._source.name}"))
        table.add_row(Text("page", "dim"), Text(self._url, "cyan"))
        if self._source.patch is not None:
            table.add_row(Text("edit", "dim"), Text(f"{self._source.patch}: a save is on the screen at once"))
        if self._beside.signals.osc is not None:
            table.add_row(Text("OSC", "dim"), Text(f"UDP port {self._beside.signals.osc.port}"))
        if self._beside.signals.senders:
            to = ", ".join(f"{host}:{port}" for host, port in self._beside.signals.wanted.osc_to)
            table.add_row(Text("OSC out", "dim"), Text(to))
        if self._beside.recorder is not None:
            table.add_row(Text("record", "dim"), Text(str(self._beside.recorder.target)))
        if self._beside.take is not None:
            table.add_row(Text("take", "dim"), Text(str(self._beside.take.path)))
        table.add_row(Text("stop", "dim"), Text("Ctrl-C"))
        self._console.print(table)
        self._console.file.flush()

    def _tell(self, errors: tuple[Problem, ...]) -> None:
        """Each error when it appears."""
        from ganzfeld.cli._terminal import show_error

        for problem in errors:
            if problem not in self._told:
                show_error(problem.error())
        self._told = set(errors)

    def _tell_beside(self, errors: list[GanzfeldError]) -> None:
        """Each thing that does not work beside the show, once."""
        from ganzfeld.cli._terminal import show_error

        for error in errors:
            if str(error) not in self._missed:
                self._missed.add(str(error))
                show_error(error)

    def _ask(self, scripts: list[str]) -> None:
        """Ask whether scripts may run, if there is somebody to ask. The page asks, too."""
        from ganzfeld.cli._terminal import may_run

        self._asked.update(scripts)
        for script in scripts:
            if may_run(script):
                with contextlib.suppress(GanzfeldError):  # allowed on the page meanwhile
                    self._show.trust(script)


def _line(status: ShowStatus, dropped: int = 0) -> RenderableType:
    """How the show is doing, in one line. dropped: packets that were not OSC."""
    from rich.text import Text

    minutes, seconds = divmod(int(status.t), 60)
    width, height = status.size
    words = [f"{minutes}:{seconds:02d}"]
    if not status.render_alive:
        words.append("the render is being replaced")
    elif not width:
        words.append("opening")
    else:
        words += [f"{status.fps:.1f} fps", f"{status.frame_ms:.1f} ms", f"{width} × {height}", status.device]
        if status.halvings:
            words.append(f"drawn at 1/{2**status.halvings} of the size, to hold the rate")
        words.append(f"{status.bpm:.4g} bpm" + (f" ({status.follow})" if status.follow else ""))
    if status.paused:
        words.append("paused")
    if dropped:
        words.append(f"{dropped} packets that were not OSC")
    return Text(" · ".join(words), "dim")


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """A polite request to end (systemd, docker stop, a closed terminal) ends it as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    try:
        before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    except ValueError:  # not the main thread: whoever calls us there has signals of their own
        yield
        return
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """An impatient second Ctrl-C must not leave half of the show behind; ending takes two seconds at most."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
