"""Ganzfeld plays trained neural networks live.

The public Python API is this module: `load_network`, `Network`, `Player` and the errors.
Names are loaded on first use, so that `ganzfeld --help` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ganzfeld.errors import (
    ExpressionError,
    GanzfeldError,
    NetworkError,
    NetworkFileError,
    OutputError,
    PatchError,
    ScriptError,
)

if TYPE_CHECKING:
    from ganzfeld.engine.player import Frame, Player
    from ganzfeld.networks.network import Network, load_network

__version__ = "0.1.0"

_LAZY = {
    "Network": "ganzfeld.networks.network",
    "load_network": "ganzfeld.networks.network",
    "Player": "ganzfeld.engine.player",
    "Frame": "ganzfeld.engine.player",
}

__all__ = [
    "ExpressionError",
    "Frame",
    "GanzfeldError",
    "Network",
    "NetworkError",
    "NetworkFileError",
    "OutputError",
    "PatchError",
    "Player",
    "ScriptError",
    "load_network",
]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ganzfeld' has no attribute '{name}'")
