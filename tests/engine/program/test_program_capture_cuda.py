"""What only a real device shows: page-locked slots, memory that runs out, memory that comes back."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.engine.device_copy import CopyFromCuda
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.uniform_buffer import PinnedRing
from ganzfeld.kernels.gaussian import gaussian
from ganzfeld.process.read_back import ReadBack, page_locking_writer
from ganzfeld.values.frames import FrameReader, FrameStore
from ganzfeld.values.time import Clock

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
DEVICE = torch.device("cuda", 0)


def text(network: Path, more: str = "", shown: str = "face") -> str:
    return f"face = network({str(network)!r}, latent=noise(tx=t))\n{more}out({shown}, size=(640, 480))\n"


def test_frames_arrive_whole_and_in_order_in_page_locked_slots() -> None:
    store = FrameStore()
    writer = page_locking_writer(store.session, DEVICE)
    handover, clock = ReadBack(writer, CopyFromCuda()), Clock()
    reader = FrameReader(store.session, "out")
    for number in range(40):
        size = (480, 640) if number < 20 else (270, 480)  # a new ring
        picture = torch.full((*size, 4), number, dtype=torch.uint8, device=DEVICE)
        handover.begin({"out": picture}, clock.advance(1 / 60))
        if number % 3:
            handover.finish()
            frame = reader.latest()
            assert frame is not None
            assert frame.pixels.shape == (*size, 4)
            assert (frame.pixels == number).all()
    handover.finish()
    reader.close()
    writer.close()
    store.close()


def test_uploads_do_not_overtake_each_other() -> None:
    rows = PinnedRing(DEVICE)
    target = torch.zeros(1000, device=DEVICE)
    seen = []
    for number in range(50):
        rows.send(np.full(1000, number, np.float32).view(np.uint8), target.view(torch.uint8))
        torch.cuda._sleep(200_000)  # the device falls behind
        seen.append(target.clone())
    for number, numbers in enumerate(seen):
        assert (numbers == number).all()


def test_noise_is_the_same_in_every_replay_and_nearly_the_same_everywhere() -> None:
    seed = torch.zeros((), dtype=torch.int64, device=DEVICE)
    torch.cuda.synchronize()
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        gaussian((1, 1, 64, 64), seed, 3)
        side.synchronize()
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin(capture_error_mode="thread_local")
        noise = gaussian((1, 1, 64, 64), seed, 3)
        graph.capture_end()
    torch.cuda.synchronize()
    for number in (0, 7, 123_456_789, 7):
        seed.fill_(number)
        graph.replay()
        assert torch.equal(noise, gaussian((1, 1, 64, 64), number, 3, DEVICE))
        torch.testing.assert_close(noise.cpu(), gaussian((1, 1, 64, 64), number, 3), rtol=1e-4, atol=1e-5)


def test_memory_comes_back_after_swaps(small_network: Path) -> None:
    engine, clock = Engine(device="cuda"), Clock()

    def play_until_quiet(frames: int = 20) -> None:
        for _ in range(frames):
            engine.frame(clock.advance(1 / 60))
            time.sleep(0.002)
        torch.cuda.synchronize()
        engine._builder._thread.submit(lambda: None).result()
        engine._builder._thread.submit(engine._graphs.give_back).result()

    engine.load(text(small_network))
    play_until_quiet()
    before = None
    for number in range(12):
        engine.submit(text(small_network, f"turned = flip(face, x={number % 2 == 0})\n", "turned"), anew=True)
        engine._builder._thread.submit(lambda: None).result()
        play_until_quiet()
        assert not engine.problems
        if number == 3:
            before = torch.cuda.memory_reserved()
    assert before is not None
    assert torch.cuda.memory_reserved() <= before * 1.1 + (4 << 20)
    engine.close()


def test_a_patch_that_does_not_fit_is_refused_and_the_show_goes_on(small_network: Path) -> None:
    engine, clock = Engine(device="cuda"), Clock()
    engine.load(text(small_network))
    first = engine.frame(clock.advance(1 / 60))["out"].clone()
    total = torch.cuda.get_device_properties(DEVICE).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (64 << 20)) / total)
    try:
        engine.submit(
            text(small_network, "big = upscale(face, factor=16)\nbigger = upscale(big, factor=16)\n", "bigger")
        )
        engine._builder._thread.submit(lambda: None).result()
        moved = engine.frame(clock.advance(1 / 60))["out"]
        assert "too little memory" in engine.problems[0].what
        for _ in range(5):
            moved = engine.frame(clock.advance(1 / 60))["out"]
        assert not torch.equal(moved, first)
        assert engine._playing.built._programs
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        engine.close()
