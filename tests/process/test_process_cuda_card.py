"""Pictures on a real card, read by other processes: bit for bit, over the death of the one that writes."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

import ganzfeld.outputs.shared
from ganzfeld.outputs.shared import ganzfeld_cuda
from ganzfeld.values.frames import FrameReader
from waiting import until

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

FILES = Path(ganzfeld.outputs.shared.__file__).parent
SHAPES = ((256, 256), (256, 256), (70, 31), (1024, 1024), (256, 256))

WRITER = """
import sys, numpy as np, torch
from ganzfeld.process.card_writer import CardWriter
from ganzfeld.process.messages import CardShare
from ganzfeld.process.torch_card import torch_card

card = torch_card(torch.device("cuda", 0))
writer = CardWriter({session!r}, card, readers=3)
share = CardShare({session!r}, "out", 1)
print("ready", flush=True)
for line in sys.stdin:
    seed, height, width = map(int, line.split())
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    slot = writer.begin(width, height, ("RGBA", "straight", "top"))
    wait = card.copy(torch.from_numpy(pixels).cuda(), slot.address, (share, 1.0))
    wait()
    print(slot.commit(frame=seed, t=0.0), flush=True)
writer.close()
"""

PROGRAM = """
import sys, zlib
import ganzfeld_cuda

assert "torch" not in sys.modules
reader = ganzfeld_cuda.CardReader({name!r})
print("ready", flush=True)
for line in sys.stdin:
    picture = reader.latest()
    print(*(("none", reader.problem) if picture is None else
            (picture.frame, zlib.crc32(picture.to_host().tobytes()))), flush=True)
reader.close()
"""


class Far:
    """A process that answers a line with a line."""

    def __init__(self, words: str, **places) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **places
        )
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, words: str = "") -> str:
        assert self.process.stdin is not None
        print(words, file=self.process.stdin, flush=True)
        return self.line()

    def close(self) -> int:
        self.process.communicate(timeout=30)
        return self.process.returncode


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


@pytest.fixture
def name():
    return f"t{secrets.token_hex(4)}"


def test_bit_for_bit_over_sizes_and_a_writer_that_is_killed(name):
    writing = WRITER.format(session=f"gc-{name}")
    program = Far(PROGRAM.format(name=name), cwd=FILES)  # another program: no Ganzfeld, no torch
    reader = ganzfeld_cuda.CardReader(name)
    writers: list[Far] = []
    try:
        assert program.ask().startswith("none")
        for life in range(3):
            writers.append(Far(writing))
            for place, (height, width) in enumerate(SHAPES):
                seed = 10 * life + place
                pixels = noise(seed, height, width)
                assert int(writers[-1].ask(f"{seed} {height} {width}")) > 0
                assert program.ask() == f"{seed} {zlib.crc32(pixels.tobytes())}"
                picture = reader.latest()
                assert picture is not None, reader.problem
                assert (picture.to_host() == pixels).all()
                on_card = torch.as_tensor(picture, device="cuda")
                assert on_card.data_ptr() == picture.address, "no copy"
                assert torch.equal(on_card.cpu(), torch.from_numpy(pixels))
            held = torch.from_numpy(pixels)
            for seed in range(900, 920):
                writers[-1].ask(f"{seed} {height} {width}")
                assert torch.equal(torch.as_tensor(picture, device="cuda").cpu(), held), "held, and written over"
            if life < 2:
                writers[-1].process.kill()
                writers[-1].process.wait(30)
                until(lambda: reader.latest() is None)
                assert program.ask().startswith("none")
                assert torch.ones(3, device="cuda").sum().item() == 3, "our own context works on"
        reader.close()
        assert program.close() == 0
        assert writers[-1].close() == 0
    finally:
        for far in (program, *writers):
            far.process.kill()
            far.process.wait(30)


def test_a_show_shares_what_it_shows_and_its_spare_goes_on(name):
    from ganzfeld.process.supervisor import Supervisor

    with Supervisor(text='out(noise("simplex2d", tx=phase(0.3)), size=(256, 128))', device="cuda") as show:
        show.doors.open(f"cuda:{name}")
        reader = ganzfeld_cuda.CardReader(name)
        frames = FrameReader(until(lambda: show.status().outputs and show.session), "out")

        def same() -> bool:
            """Whether a frame that both ways gave is the same in both."""
            picture = reader.latest()
            if picture is None:
                return False
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                frame = frames.latest()
                if frame is not None and frame.frame >= picture.frame:
                    break
            if frame is None or frame.frame != picture.frame:
                return False
            assert picture.is_held
            assert (picture.to_host() == frame.pixels).all()
            return True

        for _ in range(20):
            until(same)
        number = reader.latest().number
        pid = show.render_pid
        assert pid is not None
        psutil.Process(pid).kill()
        until(lambda: reader.latest() is None or reader.latest().number > number)
        for _ in range(5):
            until(same)
        assert show.render_pid != pid
        reader.close()
        frames.close()
