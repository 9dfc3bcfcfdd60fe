"""What draws previews in tests: a text is a word that says what happens.

grey 7       a picture of this grey, 40 × 20         hang       never returns
outside      the grey that came to /x                die        the process kills itself
hits         how many hits came                      error      cannot be drawn
nice         how nice the process is                 allocate   asks for more private memory than it may have
time         the show's second                       map        takes shared memory, which no limit counts
"""

from __future__ import annotations

import mmap
import os
import signal
import time

import numpy as np

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.process.messages import OutsideHit, SetOutside
from ganzfeld.process.preview_messages import DrawPreviews, Overheard, ShowTime
from ganzfeld.process.preview_process import PreviewOptions


class FakeArtist:
    def __init__(self, options: PreviewOptions) -> None:
        self.options = options
        self.texts: dict = {}
        self.outside = self.hits = 0
        self.taken: list[object] = []

    def begin(self, order: DrawPreviews) -> None:
        self.texts = order.texts

    def overhear(self, message: Overheard) -> None:
        if isinstance(message, SetOutside):
            self.outside = int(message.value)
        self.hits += isinstance(message, OutsideHit)

    def draw(self, index: int, now: ShowTime) -> tuple[np.ndarray, str]:
        word, *rest = self.texts[index].text.split()
        picture = np.full((20, 40, 4), 255, np.uint8)
        picture[..., :3] = self.value(word, rest, now)
        return picture, "held" if word == "held" else ""

    def value(self, word: str, rest: list[str], now: ShowTime) -> int:
        match word:
            case "hang":
                time.sleep(1000)
            case "die":
                os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            case "error":
                raise PatchError("this cannot be drawn", hint="Mend it")
            case "bug":
                raise RuntimeError("a bug")
            case "allocate":
                self.taken.append(bytearray(2 * self.options.memory))
            case "map":
                block = mmap.mmap(-1, 2 * self.options.memory)
                for place in range(0, len(block), mmap.PAGESIZE):
                    block[place] = 1
                self.taken.append(block)
                time.sleep(1000)
            case "outside":
                return self.outside
            case "hits":
                return self.hits
            case "nice":
                return os.nice(0) if hasattr(os, "nice") else 19
            case "time":
                return int(now.t)
            case "value":
                return int(self.texts[0].values["/grey"])
        return int(rest[0]) if rest else 0


def fake_artist(options: PreviewOptions) -> FakeArtist:
    return FakeArtist(options)


def no_artist(options: PreviewOptions) -> FakeArtist:
    raise GanzfeldError("the card is full", hint="Free some of it")


def dies_at_once(options: PreviewOptions) -> FakeArtist:
    os._exit(5)
