"""SpoutGL 0.1, as its binding declares it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from fake_host import OneThread, exactly, keep, sent

_BYTES = {0x1908: 4, 0x80E1: 4, 0x1907: 3, 0x80E0: 3}
"""GL_RGBA, GL_BGRA_EXT, GL_RGB, GL_BGR_EXT."""


class _Common(OneThread):
    def __init__(self) -> None:
        super().__init__()
        self._has_gl = False

    def createOpenGL(self) -> bool:
        self.check()
        self._has_gl = True
        return True

    def closeOpenGL(self) -> bool:
        self.check()
        self._has_gl = False
        return True

    def _ready(self) -> None:
        self.check()
        if not self._has_gl:
            raise RuntimeError("no OpenGL")


def _bytes_of(buffer: Any, width: int, height: int, form: int) -> memoryview:
    if form not in _BYTES:
        raise ValueError("Unknown GL format")
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise BufferError("Buffer must be contiguous")
    if view.nbytes < width * height * _BYTES[form]:
        raise BufferError("Buffer not large enough")
    return view


class SpoutSender(_Common):
    def setSenderName(self, name: str) -> None:
        self.check()
        self._name = exactly(name, str)

    def sendImage(self, pixels: Any, width: int, height: int, form: int, invert: bool, fbo: int) -> bool:
        self._ready()
        exactly(invert, bool), exactly(fbo, int), exactly(width, int), exactly(height, int)
        view = _bytes_of(pixels, width, height, form)
        if form != 0x1908:
            raise ValueError("this fake takes RGBA")
        picture = np.frombuffer(view, np.uint8, width * height * 4).reshape(height, width, 4)
        keep("spout", self._name, picture[::-1] if invert else picture)
        return True

    def setFrameSync(self, name: str) -> None:
        self._ready()
        exactly(name, str)

    def releaseSender(self, wait: int = 0) -> None:
        self.check()


class SpoutReceiver(_Common):
    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._size = (0, 0)
        self._updated = self._connected = self._new = False
        self._number = 0

    def setReceiverName(self, name: str) -> None:
        self.check()
        self._name = exactly(name, str)

    def receiveImage(self, buffer: Any, form: int, invert: bool, fbo: int) -> bool:
        self._ready()
        exactly(invert, bool), exactly(fbo, int)
        self._new = False
        there = sent("spout", self._name)
        self._connected = there is not None
        if there is None:
            self._size = (0, 0)
            return False
        number, picture = there
        size = picture.shape[1], picture.shape[0]
        if size != self._size:
            self._size, self._updated = size, True
            return True
        if buffer is None:
            return True
        _bytes_of(buffer, *size, form)
        np.copyto(np.asarray(buffer).reshape(picture.shape), picture)
        self._new, self._number = number != self._number, number
        return True

    def isUpdated(self) -> bool:
        self.check()
        updated, self._updated = self._updated, False
        return updated

    def isConnected(self) -> bool:
        self.check()
        return self._connected

    def isFrameNew(self) -> bool:
        self.check()
        return self._new

    def getSenderWidth(self) -> int:
        self.check()
        return self._size[0]

    def getSenderHeight(self) -> int:
        self.check()
        return self._size[1]

    def waitFrameSync(self, senderName: str, timeout: int = 0) -> bool:  # noqa: N803
        self._ready()
        exactly(senderName, str), exactly(timeout, int)
        time.sleep(min(timeout, 5) / 1000)
        return True

    def releaseReceiver(self) -> None:
        self.check()
