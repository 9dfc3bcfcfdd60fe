"""Films whose colours are not those of a screen: HDR (PQ, HLG) and wide primaries, brought to sRGB.

HDR is tone-mapped: a screen's white stands for BT.2408's reference white, 203 cd/m²; what is brighter is rolled off by
the EETF of BT.2390 (section 5.4.1), applied to the largest of the three colours so that hues stay. Functions of
transfer and matrices: BT.2100, SMPTE ST 2084, BT.2087, IEC 61966-2-1.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

REFERENCE_WHITE = 203.0
"""cd/m² (BT.2408)."""
USUAL_PEAK = 1000.0
"""cd/m² of the brightest, where a film does not say: what most are graded for, and HLG's nominal peak."""
PQ, HLG = 16, 18
UNSPECIFIED = 2
_PRIMARIES = {
    # FFmpeg's number -> x and y of red, green, blue; white is D65 (11 has one of its own).
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_D65, _DCI = (0.3127, 0.3290), (0.314, 0.351)
_TICK = Fraction(1, 25)
SCALING_THREADS = 2
"""FFmpeg would start one for each core at every frame; where threads are few, that fails."""
_SIDE = 64
"""Samples of the table along each colour: a square picture of 512 × 512 holds them, as FFmpeg's filter wants it."""


class FilmColours:
    """Finds out what has to be done to the colours of frames; made once for a film."""

    def __init__(self) -> None:
        self._looks: dict[tuple[int, int, float], Look] = {}

    def look_of(self, frame: VideoFrame) -> Look | None:
        """What brings a frame's colours to sRGB; None if they are near enough as they are."""
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        if transfer in (PQ, HLG):
            primaries = 9 if primaries == UNSPECIFIED else primaries
            peak = _peak(frame) if transfer == PQ else USUAL_PEAK
        elif primaries in _PRIMARIES:
            transfer, peak = 0, 0.0
        else:
            return None
        key = transfer, primaries, peak
        if key not in self._looks:
            if len(self._looks) >= 8:
                self._looks.clear()
            self._looks[key] = Look(*key)
        return self._looks[key]


class Look:
    """A table from the film's R'G'B' to sRGB, applied by FFmpeg.

    transfer: PQ, HLG, or 0 for that of ordinary screens.
    """

    def __init__(self, transfer: int, primaries: int, peak: float) -> None:
        self._primaries = primaries
        self._table = _table(transfer, primaries, peak)
        self._filter: TableFilter | None = None

    def picture(self, frame: VideoFrame, options: dict[str, Any]) -> np.ndarray:
        """A frame as uint8 [H, W, 4]. options: for `VideoFrame.reformat`."""
        from av.video.reformatter import Colorspace

        if not frame.format.is_rgb and frame.colorspace == UNSPECIFIED and self._primaries == 9:
            options["src_colorspace"] = Colorspace.BT2020
        deep = frame.reformat(**{**options, "format": "gbrpf32le"}, threads=SCALING_THREADS)
        if self._filter is None or self._filter.size != (deep.width, deep.height):
            self._filter = TableFilter(self._table, deep.width, deep.height)
        picture = self._filter.applied(deep).reformat(format="rgba", threads=SCALING_THREADS).to_ndarray()
        if any(component.is_alpha for component in frame.format.components):
            picture[..., 3] = frame.reformat(**options, threads=SCALING_THREADS).to_ndarray()[..., 3]
        return picture


class TableFilter:
    """FFmpeg's haldclut with one table, for pictures of one size in gbrpf32le."""

    def __init__(self, table: np.ndarray, width: int, height: int) -> None:
        from av import VideoFormat
        from av import VideoFrame as Frame
        from av.filter import Graph

        self.size = width, height
        side = round(_SIDE**1.5)
        graph = Graph()
        self._in = graph.add_buffer(
            width=width, height=height, format=VideoFormat("gbrpf32le", width, height), time_base=_TICK
        )
        look = graph.add_buffer(width=side, height=side, format=VideoFormat("gbrpf32le", side, side), time_base=_TICK)
        apply = graph.add("haldclut", "shortest=0:repeatlast=1")
        self._out = graph.add("buffersink")
        self._in.link_to(apply, 0, 0)
        look.link_to(apply, 0, 1)
        apply.link_to(self._out)
        graph.configure()
        frame = Frame.from_ndarray(table.reshape(side, side, 3), "rgb48le").reformat(format="gbrpf32le")
        frame.pts, frame.time_base = 0, _TICK
        look.push(frame)
        look.push(None)
        self._graph, self._count = graph, 0

    def applied(self, frame: VideoFrame) -> Any:
        """The frame with its colours exchanged. Its time is changed: the filter wants times that rise."""
        frame.pts, frame.time_base = self._count, _TICK
        self._count += 1
        self._in.push(frame)
        return self._out.pull()


def _peak(frame: VideoFrame) -> float:
    """The brightest that a PQ film says it holds, in cd/m²: MaxCLL, or the peak of the screen it was graded on."""
    found = 0.0
    for data in cast(Any, frame.side_data):
        name, content = data.type.name, bytes(data)
        if name == "CONTENT_LIGHT_LEVEL" and len(content) >= 4:
            (light,) = struct.unpack_from("=I", content)
            found = float(light) or found
        elif name == "MASTERING_DISPLAY_METADATA" and len(content) >= 88 and not found:
            top, bottom, _, known = struct.unpack_from("=iiii", content, 72)
            found = top / bottom if known and bottom else 0.0
    return min(max(found, REFERENCE_WHITE), 10000.0) if found > 0 else USUAL_PEAK


def _table(transfer: int, primaries: int, peak: float) -> np.ndarray:
    """uint16 [side³, 3]: what each of the film's colours becomes; red changes fastest."""
    steps = np.linspace(0, 1, _SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    coded = np.stack([red, green, blue], -1).reshape(-1, 3)
    matrix = _to_srgb_primaries(primaries)
    if transfer:
        light = pq_light(coded) if transfer == PQ else hlg_light(coded, peak)
        brightest = light.max(1, keepdims=True)
        light = light * (eetf(brightest, peak) / np.maximum(brightest, 1e-6))
        shown = srgb_code(np.clip(light @ matrix.T / REFERENCE_WHITE, 0, 1))
    else:
        shown = np.clip(coded**2.4 @ matrix.T, 0, 1) ** (1 / 2.4)  # BT.1886
    return np.round(shown * 65535).astype(np.uint16)


def pq_light(code: np.ndarray) -> np.ndarray:
    """PQ's code 0..1 -> cd/m² 0..10000 (ST 2084)."""
    power = np.maximum(code, 0) ** (1 / 78.84375)
    return 10000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)


def pq_code(light: np.ndarray) -> np.ndarray:
    """cd/m² -> PQ's code 0..1."""
    power = (np.maximum(light, 0) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg_light(code: np.ndarray, peak: float) -> np.ndarray:
    """HLG's code [..., 3] -> cd/m² of a screen of that peak, by BT.2100's inverse OETF and OOTF of gamma 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    brightness = scene @ np.array([0.2627, 0.6780, 0.0593])
    return peak * scene * np.maximum(brightness, 1e-9)[..., None] ** 0.2


def eetf(light: np.ndarray, peak: float, target: float = REFERENCE_WHITE) -> np.ndarray:
    """cd/m² of a film that reaches `peak` -> cd/m² of a screen that reaches `target` (BT.2390, section 5.4.1)."""
    top = pq_code(np.array(peak))
    code = np.clip(pq_code(light) / top, 0, 1)
    most = float(pq_code(np.array(target)) / top)
    if most >= 1:
        return pq_light(code * top)
    knee = 1.5 * most - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    rolled = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return pq_light(np.where(code < knee, code, rolled) * top)


def srgb_code(light: np.ndarray) -> np.ndarray:
    """Linear 0..1 -> sRGB's code 0..1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def _to_srgb_primaries(primaries: int) -> np.ndarray:
    """[3, 3]: linear RGB of these primaries -> linear RGB of sRGB's, white to white."""
    if primaries not in _PRIMARIES:
        return np.eye(3)
    ours = _to_xyz(_PRIMARIES[primaries], _DCI if primaries == 11 else _D65)
    srgb = _to_xyz(_SRGB, _D65)
    matrix = np.linalg.solve(srgb, ours)
    return matrix / matrix.sum(1, keepdims=True)


def _to_xyz(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> np.ndarray:
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    target = np.array([white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1]])
    return columns * np.linalg.solve(columns, target)
