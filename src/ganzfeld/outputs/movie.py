"""Films, written so that a recording that is cut off still plays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzfeld.atomic_write import place_to_write, put_in_place
from ganzfeld.outputs.base import Output, OutputPiece
from ganzfeld.outputs.encoders import (
    PRESETS,
    SUFFIXES,
    ChosenEncoder,
    add_stream,
    choose,
    contexts_beside,
    key_frames_apart,
)

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from ganzfeld.outputs.parallel_encoders import ParallelEncoders
    from ganzfeld.outputs.sound_track import SoundTrack

CLUSTER_SECONDS = 0.25  # how much a kill may cost, besides the few frames that the encoder holds
LONGEST_PAUSE_SECONDS = 10.0
CORES_FOR_TWO = 8
"""Of the processor, from which on one encoder leaves some of it idle."""
MOST_WAITING_BYTES = 1 << 30
"""Of pictures that wait for encoders, if there are several."""


class Movie(Output):
    """A film: .mp4, .mkv or .mov.

    codec    "auto": H.264, which plays everywhere (wider than 4096: HEVC), and in .mov ProRes 4444 with transparency;
             or "h264", "hevc", "prores", "ffv1" (every value as it was, with transparency; .mkv, .mov), or a card's own
             encoder: h264_nvenc, hevc_nvenc, h264_qsv, hevc_qsv, h264_amf, hevc_amf, h264_videotoolbox,
             hevc_videotoolbox (not yet tried)
    quality  0 (lossless, huge) to 51, of H.264 and HEVC; 18 looks like the original
    preset   their trade of time for size, from "ultrafast" to "veryslow"

    A kill at any moment costs at most about half a second: the file is a chain of short pieces, each complete in
    itself. Frames keep their numbers' times: a dropped frame leaves the one before it on screen. A number that goes
    back, or ahead by more than ten seconds, is a cut. Films have even sides, so an odd side is one pixel longer, its
    edge repeated; in those without alpha, a transparent picture lies on black.
    """

    name = "movie"
    suffixes = SUFFIXES
    examples = ("film.mp4", "film.mkv", "film.mov")
    timed = True
    has_sound = True
    piece_suffix = ".mov"  # takes every codec, and has exact times

    def __init__(
        self,
        target: Path,
        *,
        codec: str = "auto",
        quality: float = 18,
        preset: str = "veryfast",
        sound: bool = False,
        encoders: int = 1,
        piece_of: str = "",
        overwrite: bool = False,
    ) -> None:
        """sound: whether there is a track for `write_sound`. encoders: how many work beside each other, a second of the
        film each, as far as its codec allows it; then a kill costs as many seconds. piece_of: the suffix of the film
        whose part this is."""
        super().__init__(target, overwrite=overwrite)
        if not 0 <= quality <= 51:
            raise self._error(f"a film's quality cannot be {quality}", "Give 0 (lossless) to 51; 18 is good")
        if preset not in PRESETS:
            raise self._error(f"there is no preset '{preset}'", "There are " + ", ".join(PRESETS))
        self.codec, self.quality, self.preset, self.sound = codec, quality, preset, sound
        self.encoders = encoders
        self._suffix = piece_of or target.suffix.lower()
        self.choice: ChosenEncoder = choose(codec, self._suffix, 0)
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._parallel: ParallelEncoders | None = None
        self._track: SoundTrack | None = None
        self._last_number = 0
        self._shift = 0  # from a frame's number to its place in the film
        self._own = threading.local()

    @classmethod
    def size_of(cls, size: tuple[int, int]) -> tuple[int, int]:
        width, height = size
        return width + width % 2, height + height % 2

    @classmethod
    def piece_options(cls, target: Path) -> dict[str, Any]:
        return {"piece_of": target.suffix.lower()}

    @classmethod
    def hurried_options(cls, size: tuple[int, int], fps: float) -> dict[str, Any]:
        waiting = size[0] * size[1] * 4 * key_frames_apart(fps)
        cores = os.cpu_count() or 1
        return {"encoders": 2 if cores >= CORES_FOR_TWO and 2 * waiting <= MOST_WAITING_BYTES else 1}

    @classmethod
    def said_of(cls, target: Path, size: tuple[int, int], **options: Any) -> str:
        width, height = cls.size_of(size)
        chosen = choose(options.get("codec", "auto"), target.suffix.lower(), width, height).said
        even = f"{width} × {height}, its edge repeated: a film has even sides" if (width, height) != size else ""
        return "; ".join(words for words in (even, chosen) if words)

    def _open(self) -> None:
        self.check()
        size = self.size_of(self.size)
        self.choice = choose(self.codec, self._suffix, *size)
        container = _container(place_to_write(self.target))
        self._container = container
        rate = Fraction(self.fps).limit_denominator(1001)
        encoder = self.choice.encoder
        chosen = {"quality": self.quality, "preset": self.preset}
        self._stream = add_stream(container, encoder, size, rate, **chosen)
        contexts = []
        if self.encoders > 1 and encoder.beside is not None and not self.sound:
            contexts = contexts_beside(self._stream, encoder, size, rate, self.encoders, **chosen)
        if self.sound:
            from ganzfeld.outputs.sound_track import SoundTrack

            self._track = SoundTrack(container, encoder.sound)
        container.start_encoding()
        if contexts:
            from ganzfeld.outputs.parallel_encoders import ParallelEncoders

            self._parallel = ParallelEncoders(container, self._stream, contexts, key_frames_apart(rate))

    def convert(self, image: np.ndarray, index: int) -> Any:
        import av
        from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

        encoder = self.choice.encoder
        image = _even(image)
        frame = av.VideoFrame.from_numpy_buffer(image if encoder.has_alpha else _on_black(image), format="rgba")
        reformatter: Any = getattr(self._own, "reformatter", None)
        if reformatter is None:
            reformatter = self._own.reformatter = VideoReformatter()
        if encoder.is_rgb:
            return reformatter.reformat(frame, format=encoder.pixels)
        return reformatter.reformat(
            frame,
            format=encoder.pixels,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )

    def _write(self, converted: Any, t: float, number: int) -> None:
        assert self._stream is not None
        if self.frames == 0:
            self._shift = -number
        elif not 0 < number - self._last_number <= max(1, LONGEST_PAUSE_SECONDS * self.fps):
            self._shift += self._last_number + 1 - number
        self._last_number = number
        converted.pts = number + self._shift
        converted.time_base = self._stream.codec_context.time_base
        self._mux(converted)

    def write_sound(self, samples: np.ndarray) -> None:
        """What is heard next: float32 [n, 2] at 48000 a second; the first sample is heard with the first picture.
        Raises OutputError as `write` does."""
        if self._is_open and self._track is not None:
            with self._reporting():
                self._track.write(samples)

    @property
    def samples(self) -> int:
        """Samples of sound that were written."""
        return self._track.samples if self._track is not None else 0

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is None:
            return
        parallel, self._parallel = self._parallel, None
        try:
            if parallel is not None:
                parallel.finish(failed=self.error is not None)
            elif self.error is None:
                for packet in self._stream.encode(None) if self._stream else ():
                    container.mux(packet)
            if self.error is None and self._track is not None:
                self._track.end()
        finally:
            self._stream = self._track = None
            container.close()

    @classmethod
    def join(
        cls,
        pieces: Sequence[OutputPiece],
        target: Path,
        fps: float,
        scratch: Path,
        *,
        sound: Iterable[np.ndarray] | None = None,
        overwrite: bool = False,
    ) -> None:
        from ganzfeld.outputs.joined_movie import join

        whole = cls(target, overwrite=overwrite)
        with whole._reporting():
            whole._refuse_to_overwrite(target)
            unfinished = scratch / f"whole{target.suffix.lower()}"
            with _container(unfinished) as container:
                join(container, pieces, Fraction(fps).limit_denominator(1001), sound)
            put_in_place(unfinished, target)

    def _mux(self, frame: Any) -> None:
        assert self._container is not None and self._stream is not None
        if self._parallel is not None:
            self._parallel.encode(frame)
            return
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _container(path: Path) -> OutputContainer:
    import av

    microseconds = str(round(CLUSTER_SECONDS * 1e6))
    fragments = {"movflags": "empty_moov+default_base_moof+frag_keyframe", "frag_duration": microseconds}
    name, options = {
        ".mp4": ("mp4", fragments),
        ".mov": ("mov", fragments),
        ".mkv": ("matroska", {"cluster_time_limit": str(round(CLUSTER_SECONDS * 1e3))}),
    }[path.suffix.lower()]
    return av.open(str(path), "w", format=name, container_options={**options, "flush_packets": "1"})


def _even(image: np.ndarray) -> np.ndarray:
    import numpy as np

    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge") if height % 2 or width % 2 else image


def _on_black(image: np.ndarray) -> np.ndarray:
    import numpy as np

    if np.bitwise_and.reduce(image.view("<u4"), axis=None) >> 24 == 0xFF:  # every alpha is 255
        return image
    shown = image.copy()
    shown[..., :3] = (image[..., :3] * image[..., 3:].astype(np.uint16) + 127) // 255
    return shown
