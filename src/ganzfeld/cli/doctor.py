"""`ganzfeld doctor`: what works on this machine, what does not, and what to do."""

from __future__ import annotations

import dataclasses
import importlib
import json
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganzfeld.errors import GanzfeldError, SignalError

State = Literal["works", "missing", "broken"]

# fmt: off
NEEDED = (
    "numpy", "safetensors", "pydantic", "msgspec", "watchfiles", "starlette", "uvicorn",
    "websockets", "simplejpeg", "PIL", "psutil", "platformdirs",
)
# fmt: on
LITTLE_DISK = 2e9  # bytes; a converted network of 1024 px takes 0.1 to 0.4 GB
LITTLE_SHARED_MEMORY = 256e6  # bytes; a picture of 3840 × 2160 takes 33 MB, and a show holds several


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `missing`: Ganzfeld plays without it; `broken`: it does not."""

    name: str
    state: State
    found: str
    do: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Look at this machine: what works, what does not, and what to do.

    The exit code is 0 unless something is broken that Ganzfeld cannot play without.
    """
    findings = examine()
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """Every check in order. A check that itself fails is a finding, too."""
    findings = []
    for name, check in CHECKS.items():
        try:
            state, found, do = check()
        except Exception as problem:  # whatever a driver or a library raises, the others are still of interest
            state, found, do = "missing", f"{type(problem).__name__}: {problem}".splitlines()[0], ""
        findings.append(Finding(name, state, found, do))
    return findings


Result = tuple[State, str, str]


def _python() -> Result:
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.maxsize < 2**32:
        return "broken", found, "Install a 64-bit Python"
    if sys.version_info >= (3, 14):
        return "works", f"{found} (tested: 3.11 to 3.13)", ""
    return "works", found, ""


def _packages() -> Result:
    missing = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as problem:
            missing.append(f"{name} ({problem})")
    if missing:
        return "broken", "not usable: " + "; ".join(missing), "Install Ganzfeld again: pip install -c constraints.txt ."
    return "works", f"all {len(NEEDED)} are here", ""


def _torch() -> Result:
    try:
        import torch
    except Exception as problem:
        return "broken", str(problem).splitlines()[0], "Install PyTorch: https://pytorch.org/get-started/locally"
    cuda, rocm = torch.version.cuda, getattr(torch.version, "hip", None)
    build = f"CUDA {cuda} build" if cuda else f"ROCm {rocm} build" if rocm else "CPU build"
    found = f"{torch.__version__}, {build}, {torch.get_num_threads()} threads"
    if torch.ones(2, 2).matmul(torch.ones(2, 2)).sum() != 8:
        return "broken", f"{found}: it multiplies wrongly", "Install PyTorch again"
    if not cuda and not rocm and _nvidia_cards():
        do = "There is an NVIDIA card, but this build cannot use it: choose a CUDA build at https://pytorch.org/get-started/locally"
        return "missing", found, do
    return "works", found, ""


def _gpu() -> Result:
    import torch

    cards = _nvidia_cards()
    if torch.cuda.is_available():
        names = []
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            names.append(f"{card.name}, {card.total_memory / 2**30:.0f} GiB, compute {card.major}.{card.minor}")
        torch.ones(1, device="cuda").add(1).item()  # raises where the build has no code for the card
        return "works", "; ".join(names) + (f"; driver {cards[0][1]}" if cards else ""), ""
    if torch.backends.mps.is_available():
        return "works", "Apple's, through MPS (untested)", ""
    if cards:
        listed = "; ".join(f"{name}, driver {driver}" for name, driver in cards)
        do = "See PyTorch above" if not torch.version.cuda else "Bring the driver up to date, then restart"
        return "missing", f"{listed}: not usable by PyTorch", do
    return "missing", "none: networks run on the processor", "Small networks play well; large ones want an NVIDIA card"


def _nvidia_cards() -> list[tuple[str, str]]:
    """(name, driver version) of each card that the driver knows."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        told = subprocess.run(
            [program, "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[part.strip() for part in line.split(",")] for line in told.stdout.splitlines()]
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def _triton() -> Result:
    import torch

    try:
        found = version("triton-windows" if sys.platform == "win32" else "triton")
        importlib.import_module("triton")
    except (PackageNotFoundError, ImportError):
        if not torch.cuda.is_available():
            return "missing", "not here, and of use on an NVIDIA card only", ""
        do = "pip install triton-windows" if sys.platform == "win32" else "pip install triton"
        return "missing", "not here: networks play, but slower", do
    return "works", found, ""


def _video() -> Result:
    try:
        import av
    except Exception as problem:
        return (
            "missing",
            str(problem).splitlines()[0],
            "pip install av; without it there are no films, only PNG and .npy",
        )
    if not _encodes("libx264"):
        return "missing", f"PyAV {av.__version__}, but its x264 does not encode", "pip install --force-reinstall av"
    hardware = [name for name in ("h264_nvenc", "h264_qsv", "h264_videotoolbox") if _encodes(name)]
    return "works", f"PyAV {av.__version__}, x264" + (f", in hardware: {', '.join(hardware)}" if hardware else ""), ""


def _encodes(codec: str) -> bool:
    """Whether an encoder makes packets of a small picture; being listed is no promise."""
    from fractions import Fraction

    import av
    from av.video.codeccontext import VideoCodecContext

    try:
        context = VideoCodecContext.create(codec, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt, context.time_base = 256, 256, "yuv420p", Fraction(1, 30)
        frame = av.VideoFrame(256, 256, "yuv420p")
        frame.pts = 0
        return bool(context.encode(frame) + context.encode(None))
    except Exception:
        return False


def _sound() -> Result:
    try:
        import sounddevice  # pyright: ignore[reportMissingImports]
    except ImportError:
        return "missing", "the package sounddevice is not here", 'pip install -c constraints.txt ".[audio]"'
    except OSError:
        return "missing", "PortAudio is not here", "sudo apt install libportaudio2, to play with sound"
    devices = sounddevice.query_devices()
    inputs = [device["name"] for device in devices if device["max_input_channels"] > 0]
    outputs = [device["name"] for device in devices if device["max_output_channels"] > 0]
    aloud = f"; aloud: {', '.join(outputs)}" if outputs else ""
    if not inputs:
        return "missing", f"no microphone or line input{aloud}", "Plug one in, or give the player the right to record"
    return "works", f"{', '.join(inputs)}{aloud}", ""


def _link() -> Result:
    from ganzfeld.signals.link import LinkSession

    try:
        LinkSession().start().stop()
    except SignalError as error:
        return "missing", error.what, error.hint
    return "works", "the tempo of a session can be followed", ""


def _midi() -> Result:
    from ganzfeld.signals import midi

    try:
        ports, _ = midi.port_names(midi.backend())
    except SignalError as error:
        return "missing", error.what, error.hint
    return ("works", ", ".join(ports), "") if ports else ("missing", "no MIDI input", "Plug a controller in")


def _osc() -> Result:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"/ping", receiver.getsockname())
        if receiver.recv(16) != b"/ping":
            return "missing", "UDP packets do not arrive on this machine", "Look at the firewall"
    return "works", "UDP arrives", ""


def _ports() -> Result:
    from ganzfeld.studio.server import PORT, PORTS_TRIED

    for port in range(PORT, PORT + PORTS_TRIED):
        with socket.socket() as listener:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port == PORT:
                return "works", f"{PORT} is free", ""
            return "works", f"{PORT} is taken (another Ganzfeld?); {port} is free and will be used", ""
    return "missing", f"{PORT} to {PORT + PORTS_TRIED - 1} are taken", "Choose another with --port"


def _page() -> Result:
    from ganzfeld.studio.page import how_to_build, is_built

    if is_built():
        return "works", "built", ""
    return "missing", "not built: `play` has no page in the browser, everything else works", how_to_build()


def _cache() -> Result:
    from ganzfeld.networks.files import cache

    try:
        folder = cache.folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, GanzfeldError) as problem:
        return "broken", str(problem), "Set GANZFELD_CACHE to a folder of your own"
    free = shutil.disk_usage(folder).free
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    found = f"{folder}: {used / 1e9:.1f} GB used, {free / 1e9:.1f} GB free"
    if free < LITTLE_DISK:
        return "missing", found, "Make room: networks are kept there in a form that opens at once"
    return "works", found, ""


def _shared_memory() -> Result:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return "works", "the system's", ""
    size = shutil.disk_usage(memory)
    found = f"{memory}: {size.free / 1e6:,.0f} of {size.total / 1e6:,.0f} MB free"
    if size.free < LITTLE_SHARED_MEMORY:
        return "missing", found, "Large pictures will not fit; in a container, start it with --shm-size=1g"
    return "works", found, ""


CHECKS: dict[str, Callable[[], Result]] = {
    "Python": _python,
    "packages": _packages,
    "PyTorch": _torch,
    "GPU": _gpu,
    "Triton": _triton,
    "video": _video,
    "sound": _sound,
    "MIDI": _midi,
    "Ableton Link": _link,
    "OSC": _osc,
    "port": _ports,
    "page": _page,
    "cache": _cache,
    "shared memory": _shared_memory,
}


def _show(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console

    marks = {"works": Text("✓", "green"), "missing": Text("–", "yellow"), "broken": Text("✗", "bold red")}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(marks[finding.state], Text(finding.name), Text(finding.found))
        if finding.do and finding.state != "works":
            table.add_row("", "", Text("→ " + finding.do, "cyan"))
    console().print(table)
