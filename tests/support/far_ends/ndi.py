"""A receiver of NDI's own library, in a process of its own, on this machine's own address."""

from __future__ import annotations

import importlib.util
import os
import secrets
from pathlib import Path

import numpy as np
import pytest

from far_ends import FarEnd
from ndi_peer import NdiReceiver, on_this_machine_alone


class NdiLoopback(FarEnd):
    type = "ndi"
    tolerance = 6

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if importlib.util.find_spec("cyndilib") is None:
            pytest.skip("cyndilib is not installed (the extra ndi)")
        self.name = f"t{secrets.token_hex(4)}"
        environment = on_this_machine_alone(folder)
        self._before = {key: os.environ.get(key) for key in environment}
        os.environ.update(environment)  # for the door's process
        self._receiver = NdiReceiver(self.name, environment)

    @property
    def route(self) -> str:
        return f"ndi:{self.name}"

    def newest(self) -> np.ndarray | None:
        return self._receiver.newest()

    def close(self) -> None:
        self._receiver.close()
        for key, value in self._before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
