"""How fast a render is, beside what bounds it: the device alone, and bare FFmpeg encoding the same frames.

    python benchmarks/render.py [PATCH] [--size 1024] [--frames 600] [--device auto] [--folder /dev/shm]
                                [--encoders 1,2,3]

Prints the device's own rate, the rate into .npy, that of bare FFmpeg (the program; PyAV where there is none) from
raw frames with the same settings, and the rate into .mp4 by one encoder and by several; and as ratios: .npy to the
device, .mp4 to the slower one of device and FFmpeg. "chosen" is what `ganzfeld render` does on this machine. The frames
have to fit into the folder: four bytes a pixel.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ganzfeld.cli._render_options import RenderOptions
from ganzfeld.cli._render_patch import render_patch
from ganzfeld.engine.player import Player
from ganzfeld.outputs.encoders import ENCODERS
from ganzfeld.outputs.movie import Movie

WARM_FRAMES = 60
RATE = 60
NOISE = "out(noise(period=0.3, harmonics=2, offset=0.5, tz=t), size=(1024, 1024))\n"


def device_rate(patch: Path, device: str, count: int) -> float:
    """Frames a second that are drawn and looked at by nobody."""
    with Player(patch, device=device) as player:
        for _ in player.frames(fps=RATE, count=WARM_FRAMES):
            pass
        began = _now()
        for _ in player.frames(fps=RATE, count=count):
            pass
        return count / (_now() - began)


def render_rate(patch: Path, out: Path, device: str, count: int) -> tuple[float, float]:
    """Frames a second of a whole `ganzfeld render`, and of its frames beyond the first ones: opening, the first capture
    and finishing cost the same however long it is."""
    times = []
    for frames in (WARM_FRAMES, WARM_FRAMES + count):
        began = time.perf_counter()
        render_patch(RenderOptions(source=patch, out=out, fps=RATE, frames=frames, device=device, overwrite=True))
        times.append(time.perf_counter() - began)
    return (WARM_FRAMES + count) / times[1], count / max(times[1] - times[0], 1e-9)


def ffmpeg_rate(frames: Path, out: Path, folder: Path) -> tuple[str, float]:
    """Who encoded, and at how many frames a second, from raw frames to a film as `render` makes it."""
    pictures = np.load(frames, mmap_mode="r")
    count, height, width = pictures.shape[:3]
    settings = ENCODERS["h264"].settings(18, "veryfast")
    if program := shutil.which("ffmpeg"):
        raw = folder / "frames.rgba"
        pictures.tofile(raw)
        words = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}"]
        words += ["-r", str(RATE), "-i", str(raw), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", str(RATE)]
        for name, value in settings.items():
            words += [f"-{name}", value]
        times = []
        for frames_in in (min(WARM_FRAMES, count // 4), count):
            began = time.perf_counter()
            subprocess.run([*words, "-frames:v", str(frames_in), str(out)], check=True)
            times.append((frames_in, time.perf_counter() - began))
        raw.unlink()
        (few, short), (many, long) = times
        return "ffmpeg", (many - few) / (long - short)
    return "PyAV", _pyav_rate(pictures, out, settings)


def _pyav_rate(pictures: np.ndarray, out: Path, settings: dict[str, str]) -> float:
    import av

    count, height, width = pictures.shape[:3]
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.options = width, height, "yuv420p", settings
        stream.codec_context.gop_size = RATE
        ready = [av.VideoFrame.from_ndarray(picture, "rgba").reformat(format="yuv420p") for picture in pictures]
        began = time.perf_counter()
        for frame in ready:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        return count / (time.perf_counter() - began)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patch", nargs="?", help="a patch (default: a cheap one, so that the encoder is what counts)")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--encoders", default="1,2,3")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folder = Path(name)
        patch = Path(wanted.patch) if wanted.patch else folder / "noise.ganz"
        if not wanted.patch:
            patch.write_text(NOISE.replace("1024", str(wanted.size)))
        device = device_rate(patch, wanted.device, wanted.frames)
        print(f"device alone     {device:8.1f} fps", flush=True)
        whole, array = render_rate(patch, folder / "a.npy", wanted.device, wanted.frames)
        print(f"into .npy        {array:8.1f} fps   {array / device:.2f} of the device   (with the start {whole:.1f})")
        program, bare = ffmpeg_rate(folder / "a.npy", folder / "bare.mp4", folder)
        (folder / "a.npy").unlink()
        print(f"bare {program:<11} {bare:8.1f} fps", flush=True)
        chosen = Movie.hurried_options((wanted.size, wanted.size), RATE)["encoders"]
        bound = min(bare, device)
        for encoders in map(int, wanted.encoders.split(",")):
            Movie.hurried_options = classmethod(lambda cls, size, fps, count=encoders: {"encoders": count})
            whole, film = render_rate(patch, folder / "a.mp4", wanted.device, wanted.frames)
            word = f"{encoders} encoder{'s' * (encoders > 1)}" + ", chosen" * (encoders == chosen)
            print(
                f"into .mp4        {film:8.1f} fps   {film / bound:.2f} of the slower one   ({word}; with the start",
                end=" ",
            )
            print(f"{whole:.1f})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
