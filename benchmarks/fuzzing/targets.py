"""Everything that reads what strangers, controllers or careless copies wrote: what is changed, and who reads it.

A target's readers may raise its `own` errors, which are told to a person; anything else is a find. Decoders that a show
runs in feeders run here in the fuzzer's own process.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fuzzing.mutations import bytes_changed, text_changed, tree_changed
from ganzfeld.errors import FeederError, GanzfeldError

EXAMPLES = Path(__file__).parents[2] / "examples"
Make = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Target:
    """make: one changed input. read: reads it, a file of this `name` in a folder of its own, or raises one of `own`."""

    make: Make
    read: Callable[[Path], Any]
    name: str = "input"
    own: tuple[type[BaseException], ...] = field(default=(GanzfeldError,))


# Patches


def patches() -> Target:
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse

    texts = [file.read_text("utf-8") for file in sorted(EXAMPLES.glob("*.ganz"))]

    def read(path: Path) -> None:
        Graph(parse(path.read_bytes().decode("utf-8", "surrogatepass"), str(path)))

    return Target(lambda dice: text_changed(dice.choice(texts), dice).encode("utf-8", "surrogatepass"), read)


def patches_as_json() -> Target:
    from ganzfeld.patch.graph import Graph
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.patch.models import Patch

    trees = [json.loads(parse(file.read_text("utf-8")).to_json()) for file in sorted(EXAMPLES.glob("*.ganz"))]
    return Target(_json(trees), lambda path: Graph(Patch.from_json(path.read_bytes())))


def patch_files() -> Target:
    """Bytes: other encodings, half a file, something else altogether."""
    from ganzfeld.patch.text_file import read_text_file

    texts = [file.read_bytes() for file in sorted(EXAMPLES.glob("*.ganz"))]
    encodings = ("utf-8", "utf-16", "utf-16-le", "latin-1", "utf-8-sig", "utf-32")

    def make(dice: random.Random) -> bytes:
        text = dice.choice(texts).decode() + dice.choice(("", "# ä\n"))
        return bytes_changed(text.encode(dice.choice(encodings), "replace"), dice)

    return Target(make, read_text_file, "show.ganz")


# What a show writes itself, and somebody else changed


def takes() -> Target:
    from ganzfeld.takes import packing, records
    from ganzfeld.takes.file import MAGIC
    from ganzfeld.takes.take import Take
    from ganzfeld.values.outside import Hit
    from ganzfeld.values.time import Clock

    clock, played = Clock(), []
    for number in range(40):
        frame = packing.Played(100 + number / 30, clock.advance(1 / 30), {"/audio/bass": number / 40, "/x": [1.0, 2.0]})
        played.append(frame)
    played[3].hits = (Hit("/drum", (1.0, "a"), {"x": 2}),)
    played[5].deeds = (records.Did("set", ["/face/psi", 0.5]), records.Sizes({"out": (8, 8)}), records.Took("s", b"x"))
    text = (EXAMPLES / "basic.ganz").read_text("utf-8")
    block = records.Frames(len(played), packing.pack_times(played), packing.pack_happenings(played))
    bodies = [
        records.Header(ganzfeld="1", torch="2", began=1.0),
        records.Opened(text=text, folder="", at=100.0, fps=30.0),
        block,
        records.Checkpoint(zlib.compress(b"state"), True, 10),
        records.Fingerprint("planets", "0" * 64),
        records.CameraFilm("camera", "film.mov", (8, 8)),
        block,
        records.Last([records.Swapped(text)]),
    ]
    whole = [records.encode(body) for body in bodies]

    def framed(parts: list[bytes]) -> bytes:
        return MAGIC + b"".join(struct.pack("<II", len(body), zlib.crc32(body)) + body for body in parts)

    def make(dice: random.Random) -> bytes:
        parts = list(whole)
        place = dice.randrange(len(parts))
        match dice.randrange(4):
            case 0:
                parts[place] = bytes_changed(parts[place], dice)
            case 1:
                tree = msgspec.msgpack.decode(parts[place])
                for name in ("times", "happenings"):
                    if name in tree and dice.random() < 0.5:
                        tree[name] = _inflated_changed(tree[name], dice)
                parts[place] = _msgpack(tree_changed(tree, dice) if dice.random() < 0.5 else tree)
            case 2:
                parts[place] = _msgpack(tree_changed(msgspec.msgpack.decode(parts[place]), dice))
            case _:
                return bytes_changed(framed(parts), dice)
        return framed(parts)

    def read(path: Path) -> None:
        take = Take(path)
        for session in take.sessions:
            for _ in session.frames():
                pass
            session.sizes()
            session.text_before(10)
            session.taken_before(10)
        _ = take.count, take.seconds, take.scripts, take.texts, take.film(0, "camera"), take.folder(take.sessions[0])

    return Target(make, read, "night.ganztake")


def _inflated_changed(data: bytes, dice: random.Random) -> bytes:
    """What is compressed, changed inside; with an unpacked size of its own choice now and then."""
    if dice.random() < 0.05:
        return zlib.compress(bytes(dice.choice((1 << 20, 1 << 26))))
    try:
        return zlib.compress(bytes_changed(zlib.decompress(data), dice))
    except zlib.error:  # with words that are known beforehand
        return bytes_changed(data, dice)


def snapshots() -> Target:
    from ganzfeld.engine.snapshots.file import read_bank

    trees = [
        {
            "ganzfeld snapshots": 1,
            "fade": {"length": 2.0, "unit": "beats", "when": "bar"},
            "snapshots": {
                f"scene {number}": {
                    "values": {"/face/psi": 0.5, "/push": None, "/face/label": [0.5, 1.0], "/x": "word"},
                    "at": [0.1, 0.9],
                    "midi": f"note 1/{number}",
                }
                for number in range(4)
            },
        }
    ]
    return Target(_json(trees), read_bank, "show.snapshots.json")


# What arrives


def osc() -> Target:
    from ganzfeld.signals.osc import OscInput
    from ganzfeld.signals.osc_packets import bundle, encode
    from ganzfeld.values.outside import Outside

    plain = [
        encode("/face/psi", 0.5),
        encode("/snapshot/recall", "dawn", 2.0, "beats"),
        encode("/x", 1, "two", 3.0, True, None, b"blob"),
        encode("/drum"),
    ]
    whole = [*plain, bundle(plain), bundle([bundle(plain, 1e9), plain[0]])]
    outside = Outside()
    listening = OscInput(outside)

    def read(path: Path) -> None:
        listening.feed(path.read_bytes(), 0.0, 1e9)
        listening.release(1e6)
        outside.take()

    return Target(lambda dice: bytes_changed(dice.choice(whole), dice), read, own=())


def midi_bytes() -> Target:
    import mido

    from ganzfeld.signals.midi_state import MidiState
    from ganzfeld.values.outside import Outside

    # Notes, a controller, an NRPN, bend, a program, pressure, the clock.
    stream = bytes.fromhex("f8fafc 903c40 803c00 b04a7f b06301b06202b0067f e00040 c005 d030")
    outside = Outside()
    state = MidiState(outside)

    def read(path: Path) -> None:
        parser = mido.Parser()
        parser.feed(path.read_bytes())
        for number, message in enumerate(parser):
            state.feed(message, number / 100, "port")
        state.unplugged("port")
        outside.take()

    return Target(lambda dice: bytes_changed(stream * dice.randint(1, 8), dice), read, own=())


def midi_files() -> Target:
    import mido

    from ganzfeld.feeders.base import kind_of

    file = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack()
    file.tracks += [track, mido.MidiTrack([mido.Message("program_change", program=4, time=10)])]
    track.append(mido.MetaMessage("set_tempo", tempo=400_000))
    for number in range(24):
        track += [
            mido.Message("note_on", note=40 + number, velocity=90, time=24),
            mido.Message("control_change", control=7, value=number),
            mido.Message("note_off", note=40 + number, time=24),
        ]
    whole = io.BytesIO()
    file.save(file=whole)

    read = _feeder(kind_of("midi"), "read")
    return Target(lambda dice: bytes_changed(whole.getvalue(), dice), read, "song.mid")


def page_messages() -> Target:
    from ganzfeld.process.commands import ShowCommands
    from ganzfeld.studio.desk_actions import obey
    from ganzfeld.studio.wire import Acknowledgement, PageCommand, decode_from_page

    class Show(ShowCommands):
        addresses = frozenset({"/push", "/face/psi"})  # type: ignore[assignment]
        counted = frozenset({"/drum"})  # type: ignore[assignment]

        def _give(self, message: Any, *, key: Any = None) -> None:
            msgspec.msgpack.encode(message)

        def learn(self, target: str | None = None) -> None:
            hash(target)

        stop_learning, connect = (lambda self: None), (lambda self, target, control: None)

    trees = [
        {"kind": "ack", "number": 7},
        {"kind": "command", "name": "trust", "path": "/tmp/x.py"},
        {"kind": "turn", "address": "/push", "value": 0.5},
        {"kind": "release", "address": "/push"},
        {"kind": "snapshot", "do": "recall", "arguments": ["dawn", 2.0, "beats", "bar"]},
        {"kind": "snapshot", "do": "place", "arguments": ["dawn", 0.5, 0.5]},
        {"kind": "learn", "target": "/push", "do": "learn"},
    ]
    show: Any = Show()

    def make(dice: random.Random) -> bytes:
        data = _msgpack(tree_changed(dice.choice(trees), dice) if dice.random() < 0.6 else dice.choice(trees))
        return bytes_changed(data, dice) if dice.random() < 0.6 else data

    def read(path: Path) -> None:
        message = decode_from_page(path.read_bytes())
        if not isinstance(message, Acknowledgement | PageCommand):
            obey(show, message)

    return Target(make, read, own=(GanzfeldError, msgspec.DecodeError))


# Files that a patch names


def latents() -> Target:
    return _arrays("latents", {"w": np.ones((3, 14, 32), np.float32), "names": np.arange(4)})


def directions() -> Target:
    return _arrays("directions", {f"d{number}": np.ones((32,), np.float32) * number for number in range(3)})


def _arrays(what: str, arrays: dict[str, np.ndarray]) -> Target:
    """.npy, .npz (also deflated), .safetensors and .pt of arrays, read by what is a show's feeder."""
    import torch
    from safetensors.numpy import save

    from ganzfeld.feeders.base import kind_of

    files: dict[str, bytes] = {".safetensors": save(arrays)}
    for suffix, write in (
        (".npz", lambda file: np.savez(file, **arrays)),  # type: ignore[arg-type]
        (".NPZ", lambda file: np.savez_compressed(file, **arrays)),  # type: ignore[arg-type]
        (".npy", lambda file: np.save(file, next(iter(arrays.values())))),
        (".pt", lambda file: torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, file)),
    ):
        file = io.BytesIO()
        write(file)
        files[suffix] = file.getvalue()
    reader = kind_of("array")

    def read(path: Path) -> None:
        suffix, _, content = path.read_bytes().partition(b"\n")
        file = path.with_name(what + suffix.decode())
        file.write_bytes(content)
        feeder = reader(file)
        for name, _, _ in feeder.facts:
            feeder.read(name)
        feeder.close()

    def make(dice: random.Random) -> bytes:
        suffix = dice.choice(list(files))
        return suffix.encode() + b"\n" + bytes_changed(files[suffix], dice)

    return Target(make, read)


def pictures() -> Target:
    from PIL import Image

    from ganzfeld.feeders.base import kind_of

    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (24, 20, 4), np.uint8), "RGBA")
    files = []
    for form in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"):
        file = io.BytesIO()
        (image.convert("RGB") if form in ("JPEG", "BMP") else image).save(file, form)
        files.append(file.getvalue())
    return Target(lambda dice: bytes_changed(dice.choice(files), dice), _feeder(kind_of("picture"), "read"), "a.png")


def films() -> Target:
    import av

    from ganzfeld.feeders.base import kind_of

    files = []
    for form, codec in (
        ("mp4", "mpeg4"),
        ("matroska", "mjpeg"),
        ("webm", "libvpx-vp9"),
        ("mov", "h264"),
        ("gif", "gif"),
    ):
        file = io.BytesIO()
        try:
            with av.open(file, "w", format=form) as container:
                stream = container.add_stream(codec, rate=10)
                stream.width, stream.height = 32, 24  # type: ignore[attr-defined]
                stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")  # type: ignore[attr-defined]
                for number in range(8):
                    picture = np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))  # type: ignore[attr-defined]
                container.mux(stream.encode(None))  # type: ignore[attr-defined]
            files.append(file.getvalue())
        except (av.FFmpegError, ValueError):
            continue  # this build of FFmpeg does not write it
    av.logging.set_level(None)
    return Target(
        lambda dice: bytes_changed(dice.choice(files), dice), _feeder(kind_of("film"), "at", 0.35, 0.0, 9.0), "a.mp4"
    )


def _feeder(kind: Any, what: str, *asked: float) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        try:
            with contextlib.closing(kind(path)) as feeder:
                for second in asked or (None,):
                    getattr(feeder, what)(*([] if second is None else [second]))
        except MemoryError:  # told in these words by the child that it runs in
            raise FeederError("it takes more memory than it may") from None

    return read


def sounds() -> Target:
    """WAV, FLAC and MP3."""
    import av

    from ganzfeld.feeders.base import kind_of

    noise = np.random.default_rng(1).integers(-9000, 9000, 8000, np.int16)
    files = []
    for form, codec in (("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "mp3"), ("ogg", "libopus")):
        file = io.BytesIO()
        try:
            with av.open(file, "w", format=form) as container:
                stream: Any = container.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000)
                stream.layout = "mono"
                frame = av.AudioFrame.from_ndarray(noise[None], "s16", "mono")
                frame.sample_rate = 16_000
                resampler = av.AudioResampler(stream.format.name, "mono", stream.rate, stream.frame_size or None)
                for part in (*resampler.resample(frame), *resampler.resample(None)):
                    container.mux(stream.encode(part))
                container.mux(stream.encode(None))
            files.append(file.getvalue())
        except (av.FFmpegError, ValueError):
            continue  # this build of FFmpeg does not write it
    av.logging.set_level(None)
    reader = kind_of("sound")

    def read(path: Path) -> None:
        feeder: Any = reader(path)
        try:
            for start in (0, 3000, 90_000):
                feeder.read(start, 4000)
        finally:
            feeder.close()

    return Target(lambda dice: bytes_changed(dice.choice(files), dice), read, "a.wav")


def networks() -> Target:
    """Official pickles of both kinds, converted in this process; what they unpickle to is never called."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
    import network_files as made
    from ganzfeld.networks.files import convert, native

    two, three = made.small2(resolution=8), made.small3(num_layers=2, resolution=8, num_critical=1)
    files = [
        pickle.dumps({"G_ema": made.official(two)}, 4),
        pickle.dumps({"G_ema": made.official(three)}, 5),
        pickle.dumps(made.tensorflow(made.small2(resolution=8, c_dim=2)), 4),
    ]

    def read(path: Path) -> None:
        network = convert.read(memoryview(path.read_bytes()))
        for array in network.weights.values():
            native.Numbers.of(array)

    return Target(lambda dice: bytes_changed(dice.choice(files), dice), read, "a.pkl")


def _json(trees: list[Any]) -> Make:
    def make(dice: random.Random) -> bytes:
        tree = dice.choice(trees)
        data = json.dumps(_jsonable(tree_changed(tree, dice))).encode("utf-8", "surrogatepass")
        return bytes_changed(data, dice) if dice.random() < 0.4 else data

    return make


def _jsonable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _jsonable(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_jsonable(value) for value in tree]
    return tree.hex() if isinstance(tree, bytes) else tree


def _msgpack(tree: Any) -> bytes:
    try:
        return msgspec.msgpack.encode(tree)
    except (ValueError, TypeError, OverflowError, UnicodeError):
        return b"\xc0"


TARGETS: dict[str, Callable[[], Target]] = {
    function.__name__: function
    for function in (
        patches, patches_as_json, patch_files, takes, snapshots, osc, midi_bytes, midi_files, page_messages, latents,
        directions, pictures, films, sounds, networks,
    )
}  # fmt: skip
