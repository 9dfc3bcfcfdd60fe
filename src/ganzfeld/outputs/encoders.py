"""The encoders that films are made with: the one place that knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from ganzfeld.errors import OutputError, nearest

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

WIDEST_H264 = 4096
"""Pixels: most players and cards decode no wider H.264."""
LOWEST_HEVC = 32
"""Pixels: x265 makes no picture with a smaller side."""
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
PRESETS: tuple[str, ...] = get_args(Preset)
SUFFIXES = (".mp4", ".mkv", ".mov")

Settings = Callable[[float, str], dict[str, str]]
"""From a quality, 0 (best) to 51, and a preset to the encoder's own options."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """One way to make a film.

    name: what people call it. codec: FFmpeg's name. pixels: the format that it takes. about: for people. settings: see
    `Settings`. suffixes: of the files that can hold it. has_alpha: whether it keeps transparency. sound: the codec of
    the sound beside it. tag: what MP4 calls it where the usual name is not understood everywhere. is_tried: whether it
    has ever been run by us. beside: further options where several encoders make one film; None: they cannot.
    """

    name: str
    codec: str
    pixels: str
    about: str
    settings: Settings
    suffixes: tuple[str, ...] = SUFFIXES
    has_alpha: bool = False
    sound: str = "aac"
    tag: str = ""
    is_tried: bool = True
    beside: Mapping[str, str] | None = None

    @property
    def is_rgb(self) -> bool:
        """Whether pictures stay as they are."""
        return self.pixels == "bgra"


def _x264(quality: float, preset: str) -> dict[str, str]:
    # What the encoder holds is lost with the process: a short look-ahead. No B-frames, or a film that was cut off would
    # lack a frame before its last.
    return {
        "preset": preset,
        "crf": str(quality),
        "x264-params": "rc-lookahead=8:sync-lookahead=0:bframes=0",
    }


def _x265(quality: float, preset: str) -> dict[str, str]:
    return {
        "preset": preset,
        "crf": str(quality),
        "x265-params": "rc-lookahead=8:bframes=0:log-level=error",
    }


def _prores(quality: float, preset: str) -> dict[str, str]:
    return {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}


def _ffv1(quality: float, preset: str) -> dict[str, str]:
    return {"level": "3", "slices": "16", "slicecrc": "1", "g": "1"}


def _nvenc(quality: float, preset: str) -> dict[str, str]:
    return {"rc": "vbr", "cq": str(quality), "b": "0", "bf": "0", "preset": "p4"}


def _qsv(quality: float, preset: str) -> dict[str, str]:
    return {"global_quality": str(round(quality)), "bf": "0"}


def _amf(quality: float, preset: str) -> dict[str, str]:
    return {"rc": "cqp", "qp_i": str(round(quality)), "qp_p": str(round(quality))}


def _videotoolbox(quality: float, preset: str) -> dict[str, str]:
    # Its quality is 1 to 100, 100 the best; "q" is FFmpeg's, times 118 (FF_QP2LAMBDA).
    return {"flags": "+qscale", "global_quality": str(round((100 - quality * 99 / 51) * 118)), "bf": "0"}


_CARDS: tuple[tuple[str, str, Settings], ...] = (
    ("nvenc", "an NVIDIA card", _nvenc),
    ("qsv", "an Intel chip", _qsv),
    ("amf", "an AMD card", _amf),
    ("videotoolbox", "a Mac", _videotoolbox),
)


def _all() -> dict[str, Encoder]:
    listed = [
        Encoder("h264", "libx264", "yuv420p", "H.264: plays everywhere", _x264, beside={}),
        Encoder(
            "hevc", "libx265", "yuv420p", "HEVC: also wider than 4096", _x265, tag="hvc1", beside={"forced-idr": "1"}
        ),
        Encoder(
            "prores",
            "prores_ks",
            "yuva444p10le",
            "ProRes 4444: ten bits, with transparency, for editing",
            _prores,
            suffixes=(".mov", ".mkv"),
            has_alpha=True,
            sound="pcm_s16le",
            beside={},
        ),
        Encoder(
            "ffv1",
            "ffv1",
            "bgra",
            "FFV1: every value as it was, with transparency",
            _ffv1,
            suffixes=(".mkv", ".mov"),
            has_alpha=True,
            sound="pcm_s16le",
            beside={},
        ),
    ]
    for card, owner, settings in _CARDS:
        for name, spoken, tag in (("h264", "H.264", ""), ("hevc", "HEVC", "hvc1")):
            codec = f"{name}_{card}"
            about = f"{spoken} by {owner}; not yet run by us"
            listed.append(Encoder(codec, codec, "nv12", about, settings, tag=tag, is_tried=False))
    return {encoder.name: encoder for encoder in listed}


ENCODERS: Mapping[str, Encoder] = _all()
"""Every one, by its name."""
_USUAL = {".mp4": "h264", ".mkv": "h264", ".mov": "prores"}


@dataclass(frozen=True, slots=True)
class ChosenEncoder:
    """An encoder for a film. said: what a person should know of the choice; "" if it is what they expect."""

    encoder: Encoder
    said: str = ""


def choose(codec: str, suffix: str, width: int, height: int = 0) -> ChosenEncoder:
    """The encoder of that name, or with "auto" the usual one for a file of that suffix and a size in pixels (0: not
    yet known). Raises OutputError."""
    if codec == "auto":
        name, said = _USUAL.get(suffix, "h264"), ""
        if name == "h264" and width > WIDEST_H264 and not 0 < height < LOWEST_HEVC:
            name, said = "hevc", f"HEVC, because H.264 ends at {WIDEST_H264} pixels of width"
        return ChosenEncoder(ENCODERS[name], said)
    encoder = ENCODERS.get(codec)
    if encoder is None:
        raise OutputError(f"there is no encoder '{codec}'", hint=nearest(codec, ENCODERS))
    if suffix not in encoder.suffixes:
        raise OutputError(
            f"a file {suffix} cannot hold {encoder.name}", hint=f"Name it {' or '.join(encoder.suffixes)}"
        )
    return ChosenEncoder(encoder, "" if encoder.is_tried else f"{encoder.name}, which has not been tried yet")


def add_stream(
    container: OutputContainer, encoder: Encoder, size: tuple[int, int], rate: Any, *, quality: float, preset: str
) -> VideoStream:
    """Begin a film's pictures: `size` (width, height), `rate` frames a second as a fraction. Raises OutputError where
    this machine has no such encoder."""
    import av

    if encoder.codec not in av.codecs_available:
        raise OutputError(f"this FFmpeg has no encoder {encoder.codec}", hint="Leave the codec out, or take another")
    stream: Any = container.add_stream(encoder.codec, rate=rate)
    _set_up(stream.codec_context, encoder, size, rate, encoder.settings(quality, preset))
    return stream


def contexts_beside(
    stream: VideoStream,
    encoder: Encoder,
    size: tuple[int, int],
    rate: Any,
    count: int,
    *,
    quality: float,
    preset: str,
) -> list[Any]:
    """The stream's encoder and others like it, `count` in all, for `ParallelEncoders`."""
    from av.codec.context import CodecContext

    own: Any = stream.codec_context
    settings = {**encoder.settings(quality, preset), **(encoder.beside or {})}
    own.options = settings
    contexts = [own]
    for _ in range(count - 1):
        other: Any = CodecContext.create(encoder.codec, "w")
        other.framerate = rate
        other.flags = own.flags
        _set_up(other, encoder, size, rate, settings)
        contexts.append(other)
    return contexts


def _set_up(context: Any, encoder: Encoder, size: tuple[int, int], rate: Any, settings: dict[str, str]) -> None:
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    context.width, context.height = size
    context.pix_fmt = encoder.pixels
    context.time_base = 1 / rate
    context.gop_size = key_frames_apart(rate)
    context.color_primaries = ColorPrimaries.BT709
    if encoder.is_rgb:
        context.color_trc = ColorTrc.IEC61966_2_1
    else:
        context.colorspace = Colorspace.ITU709
        context.color_range = ColorRange.MPEG
        context.color_trc = ColorTrc.BT709
    if encoder.tag:
        context.codec_tag = encoder.tag
    context.options = settings


def key_frames_apart(rate: Any) -> int:
    """Frames from one that needs no other to the next: a second of them, so that it is quick to seek, and to cut."""
    return max(1, round(float(rate)))
