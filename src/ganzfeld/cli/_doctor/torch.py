"""PyTorch, the graphics card and Triton."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from ganzfeld.cli._doctor.finding import Result


def check_torch() -> Result:
    """Whether PyTorch calculates, and whether it is the build for the card that is here."""
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


def check_gpu() -> Result:
    """Whether PyTorch can use a graphics card."""
    import torch

    from ganzfeld.kernels.card import why_without_triton

    cards = _nvidia_cards()
    if torch.cuda.is_available():
        names = []
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            names.append(f"{card.name}, {card.total_memory / 2**30:.0f} GiB, compute {card.major}.{card.minor}")
        found = "; ".join(names) + (f"; driver {cards[0][1]}" if cards else "")
        try:
            torch.ones(1, device="cuda").add(1).item()
        except RuntimeError as problem:  # above all: the build has no code for the card
            do = "The processor plays. Choose a build of PyTorch for this card: https://pytorch.org/get-started/locally"
            return "missing", f"{found}: {str(problem).splitlines()[0]}", do
        why = why_without_triton(torch.device("cuda", 0))
        return "works", found + (f"; networks play in full precision, slowly: {why}" if why else ""), ""
    if torch.backends.mps.is_available():
        return "works", "Apple's, through MPS (untested)", ""
    if cards:
        listed = "; ".join(f"{name}, driver {driver}" for name, driver in cards)
        do = "See PyTorch above" if not torch.version.cuda else "Bring the driver up to date, then restart"
        return "missing", f"{listed}: not usable by PyTorch", do
    return "missing", "none: networks run on the processor", "Small networks play well; large ones want an NVIDIA card"


def check_triton() -> Result:
    """Whether Triton is here, which compiles the fast kernels."""
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
