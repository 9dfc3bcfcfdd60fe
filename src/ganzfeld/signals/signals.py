"""All signals of one show: what is wanted is opened, what cannot be is told, and the show plays either way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ganzfeld.errors import GanzfeldError, SignalError, reason_of
from ganzfeld.signals.arrivals_table import ArrivalsTable
from ganzfeld.signals.audio import AudioInput, try_device
from ganzfeld.signals.audio_file import AudioFile
from ganzfeld.signals.conductor import ConductedShow, Conductor
from ganzfeld.signals.controllers import Controllers, ShowAtDesk
from ganzfeld.signals.doors_out import DoorsOut
from ganzfeld.signals.echo import Echo
from ganzfeld.signals.features import LOWEST_FLOOR_DB
from ganzfeld.signals.followed_files import FollowedFiles, version_at
from ganzfeld.signals.loudspeaker import Loudspeaker
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.midi import MidiPorts
from ganzfeld.signals.midi_file import MidiFile, is_midi_file
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.signals.osc import OscInput, OscReceiver, TurnParameter
from ganzfeld.signals.osc_out import OscSender
from ganzfeld.signals.osc_packets import Message
from ganzfeld.signals.pulse import Pulse
from ganzfeld.signals.reopening import Reopening
from ganzfeld.signals.shared_file import SharedFile
from ganzfeld.signals.show_time import ShowTime
from ganzfeld.signals.transport import TransportedShow, turned
from ganzfeld.values.inputs import Inputs
from ganzfeld.values.sound_ring import SoundWriter
from ganzfeld.values.status import DoorStatus, MasterStatus, Problem
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which signals a person wants.

    osc: the UDP port to listen at (0: a free one; None: no OSC), at the address `osc_host`.
    osc_to: (host, port) of everybody who is sent the addresses and patterns of `osc_choose`: what changes, as it
    changes; or, with `osc_rate`, everything so many times a second. Of events, those of sound and MIDI are sent.
    midi: names of inputs, or patterns of them ("*"), or MIDI files, which are looped; midi_lights: of outputs that
    show values. Empty: no MIDI.
    audio: a sound file or film, or part of a device's name; "" for the system's device; None: no sound. channel: of the
    device, from 1; None: all together.
    speaker: what plays a sound file aloud, part of a device's name; "" for the system's device; None: nothing.
    audio_options: those of `Hearing`: bands, attack, release, sensitivity, floor, around.
    """

    osc: int | None = None
    osc_host: str = "127.0.0.1"
    osc_to: tuple[tuple[str, int], ...] = ()
    osc_choose: tuple[str, ...] = ("*",)
    osc_rate: float | None = None
    midi: tuple[str, ...] = ()
    midi_lights: tuple[str, ...] = ()
    audio: str | None = None
    channel: int | None = None
    speaker: str | None = None
    audio_options: Mapping[str, Any] = field(default_factory=dict)


class Signals:
    """Opens what is wanted, from `start` to `stop`.

    mailbox: takes values and hits. turn: takes values of parameters (see `osc.TurnParameter`). clock: gives the show's
    time in seconds, for a sound file. conducts: the show whose tempo can be tapped (`/tempo/tap`, `/tempo/bpm`) and
    follows what it asks for. transport: the show whose clock can be turned (`/transport/pause`). desk: the show whose
    knobs controllers turn, show and learn. ring: where the doors hear what the show hears. doors: tells how they and
    the master are, for those who are sent OSC. Neither a missing package nor a taken port raises: `problems` says so,
    and everything else works.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        wanted: Wanted,
        *,
        turn: TurnParameter | None = None,
        clock: Callable[[], float] | None = None,
        conducts: ConductedShow | None = None,
        transport: TransportedShow | None = None,
        desk: ShowAtDesk | None = None,
        ring: SoundWriter | None = None,
        doors: Callable[[], tuple[Sequence[DoorStatus], MasterStatus]] | None = None,
        known: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.wanted = wanted
        self._known = known
        self._heard = Echo(mailbox, self)
        self.midi_state = MidiState(self._heard)
        self.osc: OscReceiver | None = None
        self.senders: list[OscSender] = []
        self.midi: MidiPorts | None = None
        self.midi_files: list[MidiFile] = []
        self.audio: AudioInput | AudioFile | None = None
        self.speaker: Loudspeaker | None = None
        self.shared_file: SharedFile | None = None
        self.conductor: Conductor | None = None
        self.controllers: Controllers | None = None
        self._desk, self._ring, self._look_at_doors, self._transport = desk, ring, doors, transport
        self.doors_out: DoorsOut | None = None
        self._mailbox, self._turn, self._clock, self._conducts = mailbox, turn, clock, conducts
        self._failed: list[SignalError] = []
        self._reopening = Reopening()
        self._unheard: SignalError | None = None
        """Why a sound file is not played aloud."""
        self._choosing = threading.Lock()
        self.arrivals = ArrivalsTable()
        self._files = FollowedFiles()
        self._song = Path()
        """The sound file that is followed, if there is one."""

    @property
    def problems(self) -> list[GanzfeldError]:
        """What does not work now, and what of files is not played."""
        parts = (self.osc, self.midi, *self.midi_files, self.audio, self.speaker, self.conductor)
        told = [file.told for file in self.midi_files if file.told is not None]
        return [
            *self._reopening.problems,
            *self._failed,
            *self._files.problems,
            *([self._unheard] if self._unheard is not None else []),
            *told,
            *(part.problem for part in parts if part is not None and part.problem is not None),
        ]

    @property
    def dropped(self) -> tuple[int, str]:
        """Messages of OSC that could not be read, and what was wrong with the last one ("" if there is none)."""
        osc = self.osc
        return (osc.dropped, str(osc.last_dropped or "")) if osc is not None else (0, "")

    def look(self) -> Inputs:
        """What comes in, for a person. Any thread may ask."""
        osc, midi, audio, wanted = self.osc, self.midi, self.audio, self.wanted
        return Inputs(
            osc=f"{osc.host}:{osc.port}" if osc is not None else "",
            osc_to=tuple(f"{host}:{port}" for host, port in wanted.osc_to),
            midi=(*(midi.inputs if midi is not None else ()), *(file.name for file in list(self.midi_files))),
            listens_to_midi=bool(wanted.midi),
            arrivals=self.arrivals.look(),
            sound=audio.look() if audio is not None else None,
            problems=tuple(map(Problem.of, self.problems)),
        )

    def silence_below(self, decibels: float) -> None:
        """Sound that is quieter than this is silence from now on. Raises SignalError."""
        if self.audio is None:
            raise SignalError("No sound is listened to", hint='Start with one: ganzfeld play --audio ""')
        if not LOWEST_FLOOR_DB <= decibels <= 0:
            raise SignalError(f"Silence lies at {LOWEST_FLOOR_DB:g} to 0 decibels, not {decibels:g}")
        self.audio.silence_below(decibels)

    def listen_to(self, device: str) -> None:
        """Hear this sound device from now on ("": the system's own), in place of what was heard. Takes up to two
        seconds. Raises SignalError if nothing comes from it; then what was heard before is heard on."""
        with self._choosing:
            before = self.audio
            if isinstance(before, AudioInput):
                before.choose(device or None)
                return
            try_device(device or None)
            options = dict(self.wanted.audio_options)
            if before is not None:
                options["floor"] = before.look().floor
            self.audio = AudioInput(self._heard, device or None, ring=self._ring, **options)
            self._files.forget(self._song)
            file_parts = (self.shared_file, self.speaker, before)
            self.shared_file = self.speaker = None
            for part in file_parts:
                if part is not None:
                    part.stop()
            self.audio.start()
            if self.conductor is not None:
                self.conductor.pulses["audio"] = self.audio.beat

    def hear_file(self, song: Path) -> None:
        """Hear this file from now on, looped, and aloud where a loudspeaker is wanted, in place of what was heard. Any
        thread may call. Raises SignalError if it cannot be heard; then what was heard before is heard on."""
        with self._choosing:
            options = dict(self.wanted.audio_options)
            if self.audio is not None:
                options["floor"] = self.audio.look().floor
            version = version_at(song)
            heard = AudioFile(self._heard, song, self._clock, **options)
            self._files.forget(self._song)
            self._song = song
            for part in (self.shared_file, self.speaker, self.audio):
                if part is not None:
                    part.stop()
            self.shared_file = self.speaker = None
            self.audio = heard.start()
            self._files.follow(song, lambda: self._renew_sound(song), version)
            self._share(heard)
            try:
                self._unheard = None
                self._open_speaker()
            except SignalError as error:
                self._unheard = error
            if self.conductor is not None:
                self.conductor.pulses["audio"] = heard.beat

    def _renew_sound(self, song: Path) -> None:
        """The file that is heard has changed, or can be opened at last. Raises SignalError."""
        audio = self.audio
        if not isinstance(audio, AudioFile) or audio.file.path != song:
            self.hear_file(song)
            return
        with self._choosing:
            for part in (audio, self.shared_file, self.speaker):
                if part is not None:
                    part.renew()

    def _renew_score(self, path: Path) -> None:
        """The same of a score."""
        for file in self.midi_files:
            if file.path == path:
                file.renew()
                return
        self.midi_files.append(MidiFile(self.midi_state, path, self._clock).start())
        if self.conductor is not None:
            self.conductor.pulses["midi"] = self.midi_state.beat

    def start(self) -> Signals:
        """Open everything that is wanted."""
        for opening in (
            self._open_osc,
            self._open_senders,
            self._open_midi_files,
            self._open_midi,
            self._open_audio,
            self._open_speaker,
        ):
            try:
                opening()
            except SignalError as error:
                self._failed.append(error)
            except Exception as error:  # a driver's, of which there are many: the show plays without it
                log.exception("something that was to be listened to could not be opened")
                part = opening.__name__.removeprefix("_open_").replace("_", " ")
                self._failed.append(SignalError(f"Opening {part} failed: {type(error).__name__}: {reason_of(error)}"))
        if self._conducts is not None:
            # What a person said when the show was started counts more than what the patch says.
            below = (lambda decibels: None) if "floor" in self.wanted.audio_options else self._below
            self.conductor = Conductor(self._conducts, self._pulses(), expect=self._expect, silence=below).start()
        self._files.start()
        self._reopening.start()
        return self

    def stop(self) -> None:
        """Close everything."""
        self._files.stop()
        self._reopening.stop()
        if self.doors_out is not None:
            self.doors_out.stop()
            self.doors_out = None
        sound = (self.shared_file, self.speaker, self.audio)
        for part in (self.controllers, self.conductor, self.osc, self.midi, *self.midi_files, *sound):
            if part is not None:
                part.stop()
        for sender in self.senders:
            sender.close()
        self.controllers = self.conductor = self.osc = self.midi = self.speaker = self.audio = None
        self.shared_file = None
        self.midi_files.clear()
        self.senders.clear()
        self._failed.clear()
        self._unheard = None

    def __enter__(self) -> Signals:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def frame(self, moment: Moment, values: Mapping[str, Any]) -> None:
        """A frame was made: tell whoever listens. values: by address; those under /midi/ go to the controllers."""
        for sender in self.senders:
            sender.frame(moment, values)
        if self.midi is not None and self.wanted.midi_lights and self.controllers is None:
            self.midi.show({address: value for address, value in values.items() if address.startswith("/midi/")})

    def packets(self) -> OscInput:
        """Where to feed packets of OSC that come another way than the port, such as a WebSocket."""
        return OscInput(self._mailbox, self._turned, self._tapped, known=self._known)

    def _open_osc(self) -> None:
        if self.wanted.osc is not None:
            self._reopening.try_now(self._open_receiver)

    def _open_receiver(self) -> None:
        assert self.wanted.osc is not None
        self.osc = OscReceiver(
            self._mailbox,
            port=self.wanted.osc,
            host=self.wanted.osc_host,
            turn=self._turned,
            listener=self._tapped,
            known=self._known,
        ).start()
        self._know_own_ports()

    def _turned(self, address: str, value: Any) -> bool:
        if address == "/tempo/bpm" and self._conducts is not None:
            if not isinstance(value, int | float):
                raise SignalError(f"/tempo/bpm takes a number, not {value!r}")
            self._conducts.tempo(float(value))
            return True
        if self._transport is not None and turned(self._transport, address, value):
            return True
        return self._turn(address, value) if self._turn is not None else False

    def _tapped(self, message: Message) -> None:
        self.arrivals.heard("osc", message.address, message.arguments or None)
        # A button sends a 0 when it is let go.
        if message.address == "/tempo/tap" and self._conducts is not None and all(message.arguments[:1]):
            self._conducts.tap()

    def _expect(self, bpm: float | None) -> None:
        if self.audio is not None:
            self.audio.expect(bpm or self.wanted.audio_options.get("around"))

    def _below(self, decibels: float) -> None:
        self.wanted = replace(self.wanted, audio_options={**self.wanted.audio_options, "floor": decibels})
        if self.audio is not None:
            self.audio.silence_below(decibels)

    def _pulses(self) -> dict[str, Pulse]:
        """What of the open signals has a tempo."""
        pulses: dict[str, Pulse] = {}
        if self.midi is not None or self.midi_files:
            pulses["midi"] = self.midi_state.beat
        if self.audio is not None:
            pulses["audio"] = self.audio.beat
        return pulses

    def _open_senders(self) -> None:
        for host, port in self.wanted.osc_to:
            self._reopening.try_now(partial(self._open_sender, host, port))

    def _open_sender(self, host: str, port: int) -> None:
        wanted = self.wanted
        options = {} if wanted.osc_rate is None else {"rate": wanted.osc_rate, "only_changes": False}
        self.senders.append(OscSender(host, port, choose=wanted.osc_choose, **options))
        self._know_own_ports()
        if self.doors_out is None and self._look_at_doors is not None:
            self.doors_out = DoorsOut(self._look_at_doors, self.senders).start()

    def _know_own_ports(self) -> None:
        if self.osc is not None:
            self.osc.own = frozenset(sender.port for sender in self.senders)

    def _open_midi_files(self) -> None:
        for name in filter(is_midi_file, self.wanted.midi):
            path = Path(name)
            followed = self._files.follow(path, partial(self._renew_score, path), version_at(path))
            try:
                self.midi_files.append(MidiFile(self.midi_state, path, self._clock).start())
            except SignalError as error:
                followed.failed(error)

    def _open_midi(self) -> None:
        choose = tuple(name for name in self.wanted.midi if not is_midi_file(name))
        if choose or self.wanted.midi_lights:
            lights = self.wanted.midi_lights
            try:
                self.midi = MidiPorts(self.midi_state, choose=choose, feedback=lights).start()
            except SignalError as error:
                if self._desk is not None:
                    self._desk.deafness = str(error)
                raise
            if self._desk is not None:
                self.controllers = Controllers(self._desk, self.midi_state, self.midi, lights=bool(lights)).start()

    def _open_audio(self) -> None:
        wanted, options = self.wanted.audio, self.wanted.audio_options
        if wanted is None:
            return
        if _is_file(wanted):
            song = self._song = Path(wanted)
            followed = self._files.follow(song, lambda: self._renew_sound(song), version_at(song))
            try:
                self.audio = AudioFile(self._heard, song, self._clock, **options).start()
            except SignalError as error:
                followed.failed(error)
                return
            self._share(self.audio)
        else:
            channel = self.wanted.channel
            self.audio = AudioInput(self._heard, wanted or None, channel=channel, ring=self._ring, **options).start()

    def _share(self, heard: AudioFile) -> None:
        """Let the doors hear what the show hears of a file."""
        if self._ring is not None and isinstance(self._clock, ShowTime):
            self.shared_file = SharedFile(heard.file.path, self._clock, self._ring).start()

    def _open_speaker(self) -> None:
        wanted, clock = self.wanted.speaker, self._clock
        if wanted is not None and isinstance(self.audio, AudioFile) and isinstance(clock, ShowTime):
            try:
                self.speaker = Loudspeaker(self.audio.file.path, clock, wanted or None).start()
            except SignalError as error:
                what = f"{self.audio.name} is heard by the show only: {error.what}"
                raise SignalError(what, hint=error.hint) from None


def _is_file(wanted: str) -> bool:
    """Whether a file is meant and not a device; one that is missing should be missed as what it is."""
    path = Path(wanted)
    return path.is_file() or "/" in wanted or path.suffix[1:].isalpha()
