"""Films: H.264 in MP4 or Matroska, written so that a recording that is cut off still plays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzfeld.outputs.base import Output, OutputPiece

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer
    from av.video.stream import VideoStream

CLUSTER_SECONDS = 0.25  # how much a kill may cost, besides the few frames that the encoder holds
LONGEST_PAUSE_SECONDS = 10.0
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


class Movie(Output):
    """A film in H.264, which plays everywhere: .mp4 or .mkv.

    quality  x264's constant rate factor, 0 (lossless, huge) to 51; 18 looks like the original
    preset   x264's trade of time for size, from "ultrafast" to "veryslow"

    A kill at any moment costs at most about half a second: the file is a chain of short pieces, each complete in
    itself. Frames keep their numbers' times: a dropped frame leaves the one before it on screen. A number that goes
    back, or ahead by more than ten seconds, is a cut. Films have even sides, so an odd side is one pixel longer, its
    edge repeated; films have no alpha, so a transparent picture lies on black.
    """

    name = "movie"
    suffixes = (".mp4", ".mkv")
    examples = ("film.mp4", "film.mkv")
    timed = True
    has_sound = True
    piece_suffix = ".mp4"

    def __init__(self, target: Path, *, quality: float = 18, preset: str = "veryfast", overwrite: bool = False) -> None:
        super().__init__(target, overwrite=overwrite)
        if not 0 <= quality <= 51:
            raise self._error(f"a film's quality cannot be {quality}", "Give 0 (lossless) to 51; 18 is good")
        if preset not in PRESETS:
            raise self._error(f"there is no preset '{preset}'", "There are " + ", ".join(PRESETS))
        self.quality, self.preset = quality, preset
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last_number = 0
        self._shift = 0  # from a frame's number to its place in the film

    @classmethod
    def size_of(cls, size: tuple[int, int]) -> tuple[int, int]:
        width, height = size
        return width + width % 2, height + height % 2

    def _open(self) -> None:
        from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

        self.check()
        container = _container(self.target)
        self._container = container
        rate = Fraction(self.fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = self.size_of(self.size)
        stream.pix_fmt = "yuv420p"
        context: Any = stream.codec_context
        context.time_base = 1 / rate
        context.gop_size = max(1, round(self.fps))  # a key frame each second: quick to seek, and to cut
        context.colorspace = Colorspace.ITU709
        context.color_range = ColorRange.MPEG
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        # What the encoder holds is lost with the process: a short look-ahead. No B-frames, or a film that was cut off
        # would lack a frame before its last.
        stream.options = {
            "preset": self.preset,
            "crf": str(self.quality),
            "x264-params": "rc-lookahead=8:sync-lookahead=0:bframes=0",
        }
        container.start_encoding()
        self._stream = stream

    def _write(self, image: np.ndarray, t: float, number: int) -> None:
        import av
        from av.video.reformatter import ColorRange, Colorspace

        assert self._stream is not None
        if self.frames == 0:
            self._shift = -number
        elif not 0 < number - self._last_number <= max(1, LONGEST_PAUSE_SECONDS * self.fps):
            self._shift += self._last_number + 1 - number
        self._last_number = number

        frame = av.VideoFrame.from_ndarray(_on_black(_even(image)), format="rgba")
        frame = frame.reformat(
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts = number + self._shift
        frame.time_base = self._stream.codec_context.time_base
        self._mux(frame)

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self.error is None:
                for packet in self._stream.encode(None) if self._stream else ():
                    container.mux(packet)
        finally:
            self._stream = None
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
            unfinished.replace(target)

    def _mux(self, frame: Any) -> None:
        assert self._container is not None and self._stream is not None
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _container(path: Path) -> OutputContainer:
    import av

    microseconds = str(round(CLUSTER_SECONDS * 1e6))
    options = {
        ".mp4": {"movflags": "empty_moov+default_base_moof+frag_keyframe", "frag_duration": microseconds},
        ".mkv": {"cluster_time_limit": str(round(CLUSTER_SECONDS * 1e3))},
    }[path.suffix.lower()]
    format_name = {".mp4": "mp4", ".mkv": "matroska"}[path.suffix.lower()]
    return av.open(str(path), "w", format=format_name, container_options={**options, "flush_packets": "1"})


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
