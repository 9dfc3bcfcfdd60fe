"""SRT, which only the system's `ffmpeg` speaks: it unpacks the stream, and a feeder decodes what it hands on."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from ganzfeld.errors import FeederError

PACKET_BYTES = 1316
"""Seven packets of MPEG-TS."""
QUIET_SECONDS, LISTEN_SECONDS = 5, 10
"""After so long without anything, or without anybody, `ffmpeg` ends: nothing of it outlives a show that was killed."""


@contextlib.contextmanager
def relayed(options: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Callable[[], bool]]]:
    """A stream feeder's options with an address of this machine, at which the stream comes as MPEG-TS over UDP as long
    as the context lasts, and whether `ffmpeg` still runs. Raises FeederError where none is installed."""
    program = shutil.which("ffmpeg")
    if program is None:
        hint = "Install an ffmpeg with SRT (apt install ffmpeg; brew install ffmpeg)"
        raise FeederError("SRT needs the program ffmpeg, with SRT in it", hint=hint)
    limits = ("-timeout", str(QUIET_SECONDS * 10**6), "-listen_timeout", str(LISTEN_SECONDS * 10**6))
    command = [program, "-hide_banner", "-nostdin", "-loglevel", "quiet", "-protocol_whitelist", "srt,udp,pipe"]
    command += [*limits, "-f", "mpegts", "-i", str(options["address"])]
    command += ["-map", "0:v:0", "-c", "copy", "-flush_packets", "1", "-f", "mpegts", "pipe:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    thread = threading.Thread(
        target=_hand_on, args=(cast(BinaryIO, process.stdout), port), name="ganzfeld-srt", daemon=True
    )
    thread.start()
    try:
        local = f"udp://127.0.0.1:{port}?fifo_size=50000&overrun_nonfatal=1"
        yield {**options, "address": local}, lambda: process.poll() is None
    finally:
        process.kill()
        process.wait()
        thread.join(5)


def _hand_on(pipe: BinaryIO, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out, pipe:
        while data := pipe.read(PACKET_BYTES):
            with contextlib.suppress(OSError):  # nobody listens yet
                out.sendto(data, ("127.0.0.1", port))
