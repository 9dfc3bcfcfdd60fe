"""Films that few programs write: HDR, alpha in VP8 and VP9, another size in the middle."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def write_deep(
    path: Path,
    code: tuple[float, float, float],
    *,
    transfer: int,
    primaries: int,
    matrix: int,
    full: bool = False,
    light: str = "",
    size: tuple[int, int] = (64, 48),
) -> Path:
    """A film of 10 bits, without loss, of one colour: code is its R′G′B′, 0..1. The numbers are those of H.273.

    light: x265's option for metadata of light ("max-cll=400,100").
    """
    red, green, blue = (0.2627, 0.678, 0.0593) if matrix == 9 else (0.2126, 0.7152, 0.0722)
    luma = red * code[0] + green * code[1] + blue * code[2]
    chroma = (code[2] - luma) / (2 - 2 * blue), (code[0] - luma) / (2 - 2 * red)
    if full:
        planes = [round(1023 * luma), *(round(512 + 1023 * value) for value in chroma)]
    else:
        planes = [round(64 + 876 * luma), *(round(512 + 896 * value) for value in chroma)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p10le"
        tags = f"colorprim={primaries}:transfer={transfer}:colormatrix={matrix}:range={'full' if full else 'limited'}"
        stream.options = {"x265-params": ":".join(filter(None, ("lossless=1:bframes=0:log-level=none", tags, light)))}
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, primaries, matrix
        context.color_range = 2 if full else 1
        for number in range(2):
            frame: Any = av.VideoFrame(*size, "yuv444p10le")
            for plane, value in zip(frame.planes, planes):
                plane.update(np.full((plane.height, plane.line_size // 2), value, np.uint16).tobytes())
            frame.color_trc, frame.color_primaries, frame.colorspace = transfer, primaries, matrix
            frame.color_range = 2 if full else 1
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_transparent(path: Path, codec: str, count: int = 12) -> Path:
    """VP8 or VP9 (libvpx, libvpx-vp9): red, more transparent from left to right, as browsers' recorders write it:
    colour in one stream of blocks, alpha beside each block. PyAV writes it from yuva420p."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        stream.options = {"auto-alt-ref": "0", "crf": "4", "b": "2M"}
        stream.metadata["alpha_mode"] = "1"
        picture = np.zeros((48, 64, 4), np.uint8)
        picture[..., 0], picture[..., 3] = 255, np.linspace(0, 255, 64)
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgba").reformat(format="yuva420p")))
        container.mux(stream.encode(None))
    return path


def write_two_sizes(path: Path, first: tuple[int, int], second: tuple[int, int], count: int = 10) -> Path:
    """White frames of one size, then of another, in one stream of VP8."""
    with av.open(str(path), "w") as container:
        stream: Any = None
        for part, (width, height) in enumerate((first, second)):
            if part == 0:
                stream = encoder = container.add_stream("libvpx", rate=25)
            else:
                encoder = av.CodecContext.create("libvpx", "w")
                encoder.time_base = Fraction(1, 25)
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            white = av.VideoFrame.from_ndarray(np.full((height, width, 3), 255, np.uint8), "rgb24")
            for number in [*range(part * count, part * count + count), None]:
                frame = None
                if number is not None:
                    frame = white.reformat(format="yuv420p")
                    frame.pts, frame.time_base = number, Fraction(1, 25)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    return path
