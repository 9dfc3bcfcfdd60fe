"""Python and the packages that Ganzfeld needs."""

from __future__ import annotations

import importlib
import platform
import sys

from ganzfeld.cli._doctor.finding import Result

# fmt: off
NEEDED = (
    "numpy", "safetensors", "msgspec", "watchfiles", "starlette", "uvicorn",
    "websockets", "simplejpeg", "PIL", "psutil", "platformdirs", "segno",
)
# fmt: on


def check_python() -> Result:
    """Whether this Python can be used."""
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.maxsize < 2**32:
        return "broken", found, "Install a 64-bit Python"
    if sys.version_info >= (3, 14):
        return "works", f"{found} (tested: 3.11 to 3.13)", ""
    return "works", found, ""


def check_packages() -> Result:
    """Whether every package that Ganzfeld needs can be imported."""
    missing = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as problem:
            missing.append(f"{name} ({problem})")
    if missing:
        return "broken", "not usable: " + "; ".join(missing), "Install Ganzfeld again: pip install -c constraints.txt ."
    return "works", f"all {len(NEEDED)} are here", ""
