"""A film, pictures or an array of what is shown, with what is heard."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from ganzfeld.errors import OutputError, Where
from ganzfeld.outputs.base import Output, open_output, output_for
from ganzfeld.outputs.doors.base import IDLE_SECONDS, Door, DoorOptions, DoorPicture, FinalDoorError
from ganzfeld.outputs.encoders import Preset, choose
from ganzfeld.outputs.movie import Movie
from ganzfeld.values.sound_ring import SoundReader

USUAL_RATE = 60.0
MOST_OFF_SECONDS = 0.010
"""A picture may stand so far from its time in a film, so that an uneven show makes an even film."""
STILL_SECONDS = 0.25
"""While no picture comes, the last one is written again so often: a kill then loses no more than that."""
SIZE_SECONDS = 0.5
"""Between looks at how large the file is."""
SOUND_LATE_SECONDS = 0.4
"""Sound that is not there after so long is silence."""
SOUND_BLOCK = 24000
"""Samples that are written at once, at most."""
MOST_FILES = 9999
NUMBERED = 100_000
"""Pictures for which a name has digits enough; more have more."""


class _TakenAwayError(OutputError):
    """The file that is being written is gone. The door starts again by itself, with another."""


class Film(Door):
    """A film of what is shown, with what the show hears; or pictures, or an array.

    The target is a file or a folder: `film:night.mp4`, `film:night.mov` (ProRes 4444 with transparency),
    `film:shots/` (PNG), `film:night.npy`. What is there stays: the next film is night-2.mp4. So it is when pictures
    change their size, and after "stop" and "start". A kill leaves a film that plays to its last half second.
    """

    type = "film"
    alphas = ("straight", "premultiplied", "opaque")
    live = False
    patience = 30.0

    class Options(DoorOptions, frozen=True):
        """codec: h264, hevc, prores, ffv1 or a card's own (h264_nvenc, hevc_nvenc, h264_qsv, …: not yet tried); auto is
        h264, hevc beyond 4096 pixels of width, prores in .mov. rate: of the film, 60 unless asked. quality: of H.264
        and HEVC, 0 (best) to 51. preset: their trade of time for size. sound: whether the film has sound. begin: at
        once; false: with the command start."""

        codec: Annotated[str, Meta(max_length=40)] = "auto"
        quality: Annotated[float, Meta(ge=0, le=51)] = 18.0
        preset: Preset = "veryfast"
        sound: bool = True
        begin: bool = True

        def __post_init__(self) -> None:
            kind = output_for(self.target or "film.mp4")
            if kind.dtype != "uint8":
                raise ValueError("a show has bytes, and such a file wants floats; ganzfeld render writes it")
            if kind is not Movie:
                return
            encoder = choose(self.codec, Path(self.target or "film.mp4").suffix.lower(), 0).encoder
            if self.alpha == "premultiplied" and not encoder.has_alpha:
                raise ValueError(f"{encoder.name} has no transparency")

    def open(self) -> None:
        self._target = Path(self.options.target or "film.mp4").expanduser()
        self._kind = output_for(self.options.target or "film.mp4")
        self._rate = self.options.rate or USUAL_RATE
        self._output: Output | None = None
        self._sound: SoundReader | None = None
        self._last: DoorPicture | None = None
        self._began = self._place = self._films = 0
        self._unfit: tuple[int, int] | None = None
        self._sized_at, self._is_there = 0.0, False
        self._runs = self.options.begin
        self._say_what_waits()

    def run(self) -> None:
        feed, last = self.way.feed, None
        while self.way.attend():
            picture = feed.wait(IDLE_SECONDS)
            if not self._runs:
                last = picture
                continue
            try:
                if picture is not None and picture is not last:
                    last = picture
                    self.show(picture)
                else:
                    self._stand_still(max(1.0, STILL_SECONDS * self._rate))
                self._listen(time.perf_counter_ns())
                self._tell_size()
            except _TakenAwayError:
                self._forget()
                raise
            except OutputError as error:
                if self._output is not None and not self._output.target.absolute().parent.exists():
                    self._forget()
                    raise  # a disk that was taken away comes back
                raise FinalDoorError(error.what, where=error.where, hint=error.hint) from error

    def show(self, picture: DoorPicture) -> None:
        if self._output is not None and self._output.size != picture.size:
            self._finish()
        if self._output is None and not self._begin(picture):
            return
        place = self._place_of(picture.stamp)
        if place is not None:
            self._write(picture, place)
            self.way.shown(picture)

    def close(self) -> None:
        if not hasattr(self, "_output"):
            return
        try:
            self._finish()
        except OutputError as error:
            raise FinalDoorError(error.what, where=error.where, hint=error.hint) from error

    def change(self, options: Options) -> bool:
        return False

    def command(self, name: str, arguments: tuple[Any, ...]) -> None:
        """start: begin the next film. stop: finish the one that runs."""
        match name:
            case "start":
                self._runs = True
                self._say_what_waits()
            case "stop":
                self._runs = False
                self._finish()
                self._say_what_waits()
            case _:
                super().command(name, arguments)

    @classmethod
    def found(cls) -> list[str]:
        import av

        from ganzfeld.outputs.encoders import ENCODERS

        there = [each for each in ENCODERS.values() if each.codec in av.codecs_available]
        return [f"codec={each.name}  {each.about}" for each in there]

    def _begin(self, picture: DoorPicture) -> bool:
        """Open a file for pictures like this one. False: the encoder makes none of this size, and the next size is
        waited for. Raises OutputError."""
        if picture.size == self._unfit:
            return False
        target = free_target(self._target)
        options: dict[str, Any] = {}
        if self._kind is Movie:
            self._sound = self._ring() if self.options.sound else None
            chosen = self.options
            options = {
                "codec": chosen.codec,
                "quality": chosen.quality,
                "preset": chosen.preset,
                "sound": self._sound is not None,
            }
        try:
            self._output = open_output(target, picture.size, self._rate, **options)
        except OutputError as error:
            # What works for no size, and what the disk says, ends the door.
            if not self._films or error.__cause__ is None or isinstance(error.__cause__, OSError):
                raise
            self._pass_over(picture.size)
            return False
        self._unfit = None
        self._films += 1
        self._began, self._place = picture.stamp, -1
        said = self._kind.said_of(target, picture.size, **({"codec": self.options.codec} if options else {}))
        where = target.absolute()
        self.way.note(f"{where} ({said})" if said else str(where))
        return True

    def _pass_over(self, size: tuple[int, int]) -> None:
        self._unfit = size
        if self._sound is not None:
            self._sound.close()
            self._sound = None
        self.way.wait_for(f"another size: this film's encoder makes no picture of {size[0]} × {size[1]}")

    def _ring(self) -> SoundReader | None:
        """What the show hears; None: it is not a show that hears."""
        try:
            return SoundReader(self.way.session)
        except FileNotFoundError:
            return None

    def _finish(self) -> None:
        """End the file that is open. Raises OutputError."""
        output = self._output
        if output is None:
            return
        try:
            if output.error is None:
                self._stand_still(least=1)
                # Sound ends with the last picture.
                self._listen(time.perf_counter_ns(), (self._place + 1) / self._rate)
        finally:
            if self._sound is not None:
                self._sound.close()
            self._output = self._sound = self._last = None
            self._is_there = False
            self.way.recorded(0.0, 0)
            output.close()

    def _forget(self) -> None:
        """End a film whose file is gone."""
        with contextlib.suppress(OutputError):
            self._finish()

    def _place_of(self, stamp: int) -> int | None:
        """A picture's place in the film; None: another one stands there."""
        at, following = (stamp - self._began) / 1e9 * self._rate, self._place + 1
        most_off = min(max(MOST_OFF_SECONDS * self._rate, 0.5), 0.9)
        place = following if abs(at - following) < most_off else round(at)
        return place if place >= following else None

    def _write(self, picture: DoorPicture, place: int) -> None:
        assert self._output is not None
        self._output.write(picture.pixels, picture.t, place)
        self._last, self._place = picture, place

    def _stand_still(self, least: float) -> None:
        """Nothing new is shown: what is shown goes on. least: so many places in the film without a picture."""
        if self._output is None or self._last is None or not self._kind.timed:
            return
        place = round((time.perf_counter_ns() - self._began) / 1e9 * self._rate)
        if place - self._place >= least:
            self._write(self._last, place)

    def _tell_size(self) -> None:
        """How long the film is, and how large its file, a few times a second. Raises OutputError if somebody took the
        file away."""
        now = time.perf_counter()
        if self._output is None or now - self._sized_at < SIZE_SECONDS:
            return
        self._sized_at = now
        try:
            size = self._output.target.stat().st_size
            self._is_there = True
        except FileNotFoundError:
            if self._is_there:
                what = "the film's file was taken away while it was written; what was in it is lost"
                raise _TakenAwayError(what, where=Where(str(self._output.target)), hint="The next one begins") from None
            size = 0
        except OSError:
            size = 0
        self.way.recorded((self._place + 1) / self._rate, size)

    def _listen(self, now: int, until: float | None = None) -> None:
        """Write what was heard up to now; until: to that second of the film, and no further."""
        output, ring = self._output, self._sound
        if ring is None or not isinstance(output, Movie):
            return
        first = ring.sample_at(self._began)
        due = ring.sample_at(now - round(SOUND_LATE_SECONDS * 1e9))
        end = max(ring.written, due) - first
        if until is not None:
            end = round(until * ring.rate)
        while (count := min(end - output.samples, SOUND_BLOCK)) > 0:
            place = first + output.samples
            there = min(max(ring.written - place, 0), count)
            heard = ring.read(place, there) if there else None
            block = np.zeros((count, 2), np.float32)
            if heard is not None:
                block[:there] = heard
            output.write_sound(block)

    def _say_what_waits(self) -> None:
        following = free_target(self._target).name
        if not self._runs:
            self.way.wait_for(f"the command start ({following} is next)")
        elif self._output is None:
            self.way.note(f"{following} begins with the next picture")


def free_target(target: Path) -> Path:
    """The name itself, with a number where it needs one, or the next one that nothing has: night-2.mp4. Raises
    OutputError where there is no such folder."""
    kind = output_for(target)
    kind(kind.target_for(target, NUMBERED), overwrite=True).check()
    for number in range(1, MOST_FILES + 1):
        name = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        each = kind.target_for(name, NUMBERED)
        try:
            kind(each).check()
        except OutputError:
            continue
        return each
    raise FinalDoorError(f"there are {MOST_FILES} files like {target} already", hint="Choose another name")
