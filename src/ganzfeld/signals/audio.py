"""Sound into the mailbox: from a microphone, a line or whatever else the system records."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace

from ganzfeld.errors import SignalError, nearest, reason_of
from ganzfeld.signals.background import DriverThread, left_behind
from ganzfeld.signals.features import FLOOR_DB, HIGHEST_HZ, LOWEST_FLOOR_DB, LOWEST_HZ, Features
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.pulse import Beat
from ganzfeld.signals.shared_sound import SharedInput
from ganzfeld.signals.tempo import TempoTracker
from ganzfeld.values.inputs import SoundHeard
from ganzfeld.values.sound_ring import SoundWriter

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
LEAST_RATE, MOST_RATE = 1000.0, 1_536_000.0
"""Samples a second of a device."""
SPECTRUM_STEPS = 64
"""Of what a person sees of the spectrum."""
PATIENCE_SECONDS = 2.0
"""Without a block for this long, a device is gone."""

LOOK_AGAIN_SECONDS = 2.0
"""So long who wants PortAudio to himself waits for others."""
FIRST_SOUND_SECONDS = 2.0
"""Within this time a device that is chosen has to give its first block."""


class Hearing:
    """Listens to samples and writes what it hears:

    values `/audio/level`, `/audio/bass`, `/audio/mid`, `/audio/high`, `/audio/centroid`, `/audio/band/0`, … (0 to 1)
    and `/audio/bpm` (0 while there is no pulse); hits `/audio/onset` and `/audio/beat`.

    rate: samples a second; bands, attack, release, sensitivity, floor: see `Features`; around: see `TempoTracker`.
    """

    def __init__(
        self,
        outside: Mailbox,
        rate: float,
        *,
        bands: int = 8,
        attack: float = 0.005,
        release: float = 0.15,
        sensitivity: float = 1.0,
        floor: float = FLOOR_DB,
        around: float | None = None,
    ) -> None:
        self.outside = outside
        options = {"attack": attack, "release": release, "sensitivity": sensitivity, "floor": floor}
        self.features = Features(rate, bands=bands, **options)
        self.tempo = TempoTracker(self.features.hop_seconds, around)
        self._told: dict[str, float] = {}
        self._pulse: tuple[float, float, float] | None = None  # bpm, phase, when: one tuple, read by other threads

    def beat(self, now: float) -> Beat | None:
        """Where the sound's beat is at `now` (perf_counter); None while there is no pulse."""
        if self._pulse is None:
            return None
        bpm, phase, at = self._pulse
        return Beat(bpm, phase + (now - at) * bpm / 60, every=1.0)

    def feed(self, samples: np.ndarray, at: float | None = None) -> None:
        """The next samples, float [n] or [n, channels]. Every onset counts; of the values the newest.

        at: when the last of them sounded (perf_counter; default: now)."""
        outside = self.outside
        heard = None
        for heard in self.features.feed(samples):
            if heard.onset:
                outside.hit("/audio/onset")
            if self.tempo.feed(heard.rise):
                outside.hit("/audio/beat")
        if heard is None:
            return
        for name in ("level", "bass", "mid", "high", "centroid"):
            self._tell(f"/audio/{name}", getattr(heard, name))
        for k, band in enumerate(heard.bands):
            self._tell(f"/audio/band/{k}", band)
        self._tell("/audio/bpm", self.tempo.bpm or 0.0)
        bpm, phase, at = self.tempo.bpm, self.tempo.phase, time.perf_counter() if at is None else at
        heard_until = at - self.features.waiting_seconds
        self._pulse = None if bpm is None or phase is None else (bpm, phase, heard_until)

    def look(self) -> SoundHeard:
        """What is heard just now, for a person. Any thread may ask."""
        told, features = dict(self._told), self.features
        decibels, spectrum = features.look(SPECTRUM_STEPS)
        return SoundHeard(
            decibels=round(max(decibels, LOWEST_FLOOR_DB), 1),
            floor=features.floor,
            level=told.get("/audio/level", 0.0),
            bass=told.get("/audio/bass", 0.0),
            mid=told.get("/audio/mid", 0.0),
            high=told.get("/audio/high", 0.0),
            bands=tuple(told.get(f"/audio/band/{k}", 0.0) for k in range(features.bands)),
            spectrum=tuple(round(max(each, LOWEST_FLOOR_DB), 1) for each in spectrum),
            low_hz=LOWEST_HZ,
            high_hz=min(HIGHEST_HZ, features.rate / 2),
            bpm=told.get("/audio/bpm", 0.0),
        )

    def silence(self) -> None:
        """The source is gone: nothing may hang where it last was."""
        for address in list(self._told):
            self._tell(address, 0.0)
        self._pulse = None

    def _tell(self, address: str, value: float) -> None:
        # Silence is not worth 2000 messages a second to another process.
        value = round(float(value), 4)  # other processes know no numbers of numpy
        if self._told.get(address) != value:
            self._told[address] = value
            self.outside.set(address, value)


def sounddevice() -> Any:
    """The package. Raises SignalError with what to install if it, or PortAudio, is not here."""
    try:
        import sounddevice  # pyright: ignore[reportMissingImports]
    except ImportError:
        hint = 'In the folder of Ganzfeld: pip install -c constraints.txt ".[audio]"'
        raise SignalError("Sound needs the package sounddevice", hint=hint) from None
    except OSError:
        raise SignalError("Sound needs PortAudio, which is not here", hint="sudo apt install libportaudio2") from None
    return sounddevice


def device_names() -> list[str]:
    """Names of the devices that can be listened to. Raises SignalError where there is no sound at all."""
    return [device["name"] for device in sounddevice().query_devices() if device["max_input_channels"] > 0]


_portaudio = threading.Lock()
"""Held while PortAudio is ended and begun anew, and while somebody looks whether a device gives sound."""


def look_again(library: Any) -> None:
    """PortAudio lists the devices once, when it begins; one that was plugged in later it sees only after an end."""
    if not _portaudio.acquire(timeout=LOOK_AGAIN_SECONDS):
        return  # a device that is tried does not answer
    try:
        with contextlib.suppress(Exception):
            library._terminate()
        with contextlib.suppress(Exception):
            library._initialize()
    finally:
        _portaudio.release()


def checked_rate(rate: Any) -> float:
    """A device's samples a second. Raises SignalError for what a driver may say and no device does: what is reserved
    for the sound grows with it."""
    number = float(rate)
    if not LEAST_RATE <= number <= MOST_RATE:
        raise SignalError(f"The sound device says that it gives {number:g} samples a second", hint="It is tried again")
    return number


def find_device(library: Any, wanted: str | int | None) -> int | None:
    """The number of the device of this name, or of the first with such a part in its name; None: the system's own.
    Raises SignalError if there is none."""
    if not isinstance(wanted, str):
        return wanted
    devices = library.query_devices()
    heard = {number: device["name"] for number, device in enumerate(devices) if device["max_input_channels"] > 0}
    same = [number for number, name in heard.items() if name == wanted]
    alike = [number for number, name in heard.items() if wanted.lower() in name.lower()]
    for number in (*same, *alike):
        return number
    raise SignalError(f"There is no sound device '{wanted}'", hint=nearest(wanted, heard.values()))


def try_device(wanted: str | int | None) -> None:
    """Listen to a device until its first block of sound comes, beside whatever is listened to. Raises SignalError if
    none comes, or if its driver does not return."""
    said: list[SignalError] = []

    def work() -> None:
        try:
            _try_device(wanted)
        except SignalError as error:
            said.append(error)

    thread = threading.Thread(target=work, name="sound device", daemon=True)
    thread.start()
    thread.join(FIRST_SOUND_SECONDS + LOOK_AGAIN_SECONDS)
    if thread.is_alive():
        left_behind.add(thread)
        raise SignalError(f"{_named(wanted)} does not answer", hint=_HEARD_ON)
    if said:
        raise said[0]


def _try_device(wanted: str | int | None) -> None:
    library = sounddevice()
    came = threading.Event()
    with _portaudio:
        try:
            device = find_device(library, wanted)
            rate = checked_rate(library.query_devices(device, "input")["default_samplerate"])
            with library.InputStream(
                device=device, samplerate=rate, blocksize=512, latency="low", callback=lambda *_: came.set()
            ):
                if came.wait(FIRST_SOUND_SECONDS):
                    return
        except SignalError:
            raise
        except Exception as error:  # PortAudio's own, of which there are many
            raise SignalError(f"{_named(wanted)} does not open: {reason_of(error)}", hint=_HEARD_ON) from None
    raise SignalError(f"{_named(wanted)} gives no sound", hint=_HEARD_ON)


_HEARD_ON = "What was listened to before is listened to on"


def _named(wanted: str | int | None) -> str:
    return f"The sound device '{wanted}'" if wanted is not None else "The system's sound device"


class AudioInput(DriverThread):
    """Listens to a device in its own thread, from `start` to `stop`, and goes on when it was unplugged and is back.

    device: part of a name of `device_names`, or its number; None: the system's choice. channel: the one that is heard,
    from 1; None: all together. ring: where doors hear it, or None. options: those of `Hearing`.
    problem: why nothing is heard, or None. `start` raises SignalError only if the packages are missing.
    """

    def __init__(
        self,
        outside: Mailbox,
        device: str | int | None = None,
        *,
        channel: int | None = None,
        ring: SoundWriter | None = None,
        **options: Any,
    ) -> None:
        super().__init__("audio in")
        self.channel, self.ring = channel, ring
        self.outside = outside
        self.device = device
        self.options = options
        self._moved = threading.Event()
        self._hearing: Hearing | None = None
        self._name = str(device) if device is not None else ""

    def choose(self, device: str | None) -> None:
        """Listen to another device, all its channels; None: the system's choice. Raises SignalError if no sound comes
        from it; then the one before is listened to on."""
        try_device(device)
        self.device, self.channel = device, None
        self._moved.set()

    def expect(self, bpm: float | None) -> None:
        """About how fast the sound may be (see `TempoTracker`'s `around`)."""
        self.options["around"] = bpm
        if self._hearing is not None:
            self._hearing.tempo.around = bpm

    def look(self) -> SoundHeard:
        """What is heard just now, for a person."""
        hearing = self._hearing
        heard = hearing.look() if hearing is not None else SoundHeard(floor=self.options.get("floor", FLOOR_DB))
        return replace(heard, source=self._name)

    def silence_below(self, decibels: float) -> None:
        """What is quieter than this is silence from now on."""
        self.options["floor"] = decibels
        if self._hearing is not None:
            self._hearing.features.floor = decibels

    def beat(self, now: float) -> Beat | None:
        """As `Hearing.beat`."""
        hearing = self._hearing
        return hearing.beat(now) if hearing is not None else None

    def _begin(self) -> None:
        self._library = sounddevice()

    def _run(self) -> None:
        while not self._stopping.is_set():
            hearing = None
            self._moved.clear()
            try:
                with self._driver_of("the sound device"):
                    device = find_device(self._library, self.device)
                    facts = self._library.query_devices(device, "input")
                self._name, rate = str(facts.get("name", self._name)), checked_rate(facts["default_samplerate"])
                self._hearing = hearing = Hearing(self.outside, rate, **self.options)
                self._listen(device, hearing)
            except SignalError as error:
                self.problem = error
            except Exception as error:  # PortAudio's own, of which there are many
                log.info("audio in: %s", error)
                self.problem = SignalError(f"The sound device stopped: {reason_of(error)}", hint="It is tried again")
            if hearing is not None:
                hearing.silence()
            if not self._moved.is_set() and not self._stopping.wait(RETRY_SECONDS):
                with self._driver_of("sound devices"):
                    look_again(self._library)

    def _chosen(self, block: np.ndarray) -> np.ndarray:
        """The channel that is to be heard, [n, 1]; or all of them."""
        if self.channel is None or block.ndim == 1:
            return block
        if self.channel > block.shape[1]:
            what = f"The sound device has {block.shape[1]} channels, and channel {self.channel} is wanted"
            raise SignalError(what, hint="Choose another with --channel, or none for all of them")
        return block[:, self.channel - 1 : self.channel]

    def _listen(self, device: int | None, hearing: Hearing) -> None:
        """Until `stop`, or until another is chosen or the device falls silent for good. Small blocks, for they
        are the delay."""

        def receive(samples: np.ndarray, *_: Any) -> None:
            # In PortAudio's thread, which must not wait.
            try:
                blocks.put_nowait(samples.copy())
            except queue.Full:
                log.debug("a block of sound was dropped")

        blocks: queue.Queue[np.ndarray] = queue.Queue(maxsize=64)
        features = hearing.features
        shared = SharedInput(self.ring, features.rate) if self.ring is not None else None
        make = partial(
            self._library.InputStream,
            device=device,
            samplerate=features.rate,
            blocksize=features.hop,
            latency="low",
            callback=receive,
        )
        with self._stream_of("the sound device", make) as stream:
            self.problem = None
            delay = float(stream.latency)  # seconds from the sound to the block that it is in
            waited = 0.0
            while not self._stopping.is_set() and not self._moved.is_set():
                try:
                    block = self._chosen(blocks.get(timeout=PATIENCE_SECONDS / 8))
                    at = time.perf_counter() - delay
                    hearing.feed(block, at)
                    if shared is not None:
                        shared.feed(block, at)
                    waited = 0.0
                except queue.Empty:
                    waited += PATIENCE_SECONDS / 8
                    # A device that is quiet delivers zeros; from one that was pulled out nothing comes at all.
                    if not stream.active or waited >= PATIENCE_SECONDS:
                        raise SignalError("The sound device is gone", hint="It is tried again") from None
