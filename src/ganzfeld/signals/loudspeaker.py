"""A sound file played aloud, in step with the show's time.

The show's clock leads, for it spaces the pictures; a sound card has a crystal of its own and drifts from it by some
hundredths of a second an hour. Whenever the two are audibly apart, a block of sound fades over to the right place: one
rule for drift, for a seek, for the end of a loop and for a pause.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import SignalError, nearest, reason_of
from ganzfeld.signals.audio import checked_rate, look_again, sounddevice
from ganzfeld.signals.audio_file import SoundFile
from ganzfeld.signals.background import DriverThread
from ganzfeld.signals.show_time import ShowTime

log = logging.getLogger(__name__)

TOLERANCE_SECONDS = 0.012
"""How far the sound may be from the show before it is moved: less cannot be heard, and the show's time is only known
to a millisecond or two."""
RETRY_SECONDS = 2.0
_AHEAD_SECONDS, _BEHIND_SECONDS = 1.0, 0.2
_DECODE_SECONDS = 0.1
_POLL_SECONDS = 0.02
_LATENCY_SECONDS = 0.1
"""What waits in the driver. It is reckoned with, so it may be long enough for a machine that is busy rendering."""


class Tape:
    """A stretch of the endless loop around the present, decoded ahead of it. One thread winds, another reads."""

    def __init__(self, file: SoundFile) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._from = 0
        self._samples = np.zeros((0, 2), np.float32)
        self._fresh: SoundFile | None = None

    def renew(self) -> None:
        """The file has changed: what it holds now is wound from now on. Raises SignalError if that is no sound."""
        self._fresh = SoundFile(self.file.path, rate=self.file.rate)

    def wind(self, place: int) -> None:
        """Have everything from a little before a place (in samples since t = 0) to a second after it. Decodes."""
        rate = self.file.rate
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            self.file.close()
            self.file = fresh
        with self._lock:
            end = self._from + len(self._samples)
        if fresh is not None or not self._from <= place <= end:
            start = max(0, place - round(_BEHIND_SECONDS * rate))
            self.file.seek(start / rate)
            with self._lock:
                self._from, self._samples = start, np.zeros((0, 2), np.float32)
            end = start
        while end < place + _AHEAD_SECONDS * rate:
            piece = self.file.read(round(_DECODE_SECONDS * rate))
            with self._lock:
                gone = min(max(0, place - round(_BEHIND_SECONDS * rate) - self._from), len(self._samples))
                self._samples = np.concatenate([self._samples[gone:], piece])
                self._from += gone
                end = self._from + len(self._samples)

    def read(self, place: int, count: int) -> np.ndarray | None:
        """[count, 2] from a place on; None if that is not on the tape."""
        with self._lock:
            start = place - self._from
            if start < 0 or start + count > len(self._samples):
                return None
            return self._samples[start : start + count]


class Playback:
    """What a sound card is given, block by block. place: the next sample, since t = 0; None while silent.
    moved: how often it was set right."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.place: int | None = None
        self.moved = 0

    def next(self, count: int, wanted: int | None) -> np.ndarray:
        """[count, 2]. wanted: the sample that the show is at when this block is heard; None: it stands still."""
        goes_on = None if self.place is None else self.tape.read(self.place, count)
        if goes_on is not None and wanted is not None and self._fits(wanted):
            self.place = (self.place or 0) + count
            return goes_on
        fresh = None if wanted is None else self.tape.read(wanted, count)
        if goes_on is not None and fresh is not None:
            self.moved += 1
        self.place = None if wanted is None or fresh is None else wanted + count
        share = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        nothing = np.zeros((count, 2), np.float32)
        before, after = nothing if goes_on is None else goes_on, nothing if fresh is None else fresh
        return before * (1 - share) + after * share

    def _fits(self, wanted: int) -> bool:
        assert self.place is not None
        return abs(wanted - self.place) <= TOLERANCE_SECONDS * self.tape.file.rate


class Loudspeaker(DriverThread):
    """Plays a file aloud from `start` to `stop`, while the show's time passes at its usual speed.

    device: part of a device's name; None: the system's choice. problem: why nothing is heard, or None. It is tried
    again every two seconds. Raises SignalError as `SoundFile` does; `start` also if the packages are missing.
    """

    def __init__(self, path: Path, clock: ShowTime, device: str | None = None) -> None:
        super().__init__("loudspeaker")
        SoundFile(path).close()
        self.path, self.clock, self.device = path, clock, device
        self.playback: Playback | None = None

    def renew(self) -> None:
        """The file has changed: play what it holds now. Raises SignalError if that is no sound."""
        playback = self.playback
        if playback is not None:
            playback.tape.renew()

    def _begin(self) -> None:
        self._library = sounddevice()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._play()
            except SignalError as error:
                self.problem = error
            except Exception as error:  # PortAudio's own, of which there are many
                log.info("sound out: %s", error)
                what = f"{self.path.name} plays silently: {reason_of(error)}"
                self.problem = SignalError(what, hint="It is tried again")
            if not self._stopping.wait(RETRY_SECONDS):
                with self._driver_of("sound devices"):
                    look_again(self._library)

    def _play(self) -> None:
        """Until `stop`, or until the device is gone."""
        with self._driver_of("the loudspeaker"):
            device = self._find()
            rate = round(checked_rate(self._library.query_devices(device, "output")["default_samplerate"]))
        tape = Tape(SoundFile(self.path, rate=rate))
        playback = self.playback = Playback(tape)

        def give(block: np.ndarray, count: int, times: Any, _: Any) -> None:
            # In PortAudio's thread, which must not wait. Some drivers leave these times at zero.
            late = times.outputBufferDacTime - times.currentTime
            if not 0 < late < 1:
                late = float(stream.latency)
            moves = self.clock.speed == 1
            wanted = round(self.clock(time.perf_counter() + late) * rate) if moves else None
            block[:] = playback.next(count, wanted)

        tape.wind(max(0, round(self.clock() * rate)))
        stream: Any = None

        def make() -> Any:
            nonlocal stream
            options = {"samplerate": rate, "channels": 2, "latency": _LATENCY_SECONDS, "callback": give}
            stream = self._library.OutputStream(device=device, **options)
            return stream

        try:
            with self._stream_of("the loudspeaker", make):
                self.problem = None
                while not self._stopping.wait(_POLL_SECONDS):
                    tape.wind(max(0, round(self.clock() * rate)))
                    if not stream.active:
                        raise SignalError("The loudspeaker is gone", hint="It is tried again")
        finally:
            tape.file.close()

    def _find(self) -> int | None:
        devices = self._library.query_devices()
        names = [device["name"] for device in devices if device["max_output_channels"] > 0]
        if not names:
            what = f"{self.path.name} is heard by the show only: this machine has no loudspeaker"
            raise SignalError(what, hint="One that is plugged in is found")
        if not self.device:
            return None
        for number, device in enumerate(devices):
            if device["max_output_channels"] > 0 and self.device.lower() in device["name"].lower():
                return number
        raise SignalError(f"There is no loudspeaker '{self.device}'", hint=nearest(self.device, names))
