"""What goes to the device arrives as it was written, however far behind the device is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzfeld.engine.program.uniform_buffer import LARGE, PinnedRing, UniformBuffer
from ganzfeld.patch.evaluation import Fan

CPU = torch.device("cpu")


class Device:
    """A device that copies late: a row is read when the host waits for it, or at the end."""

    def __init__(self) -> None:
        self.behind: list[Late] = []
        self.waits = 0

    def event(self) -> Late:
        return Late(self)

    def catch_up(self) -> None:
        while self.behind:
            self.behind[0].synchronize()


class Late:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.done = True

    def record(self) -> None:
        self.done = False
        self.device.behind.append(self)

    def query(self) -> bool:
        return self.done

    def synchronize(self) -> None:
        self.device.waits += 1
        while not self.done:
            self.device.behind.pop(0).done = True


def as_bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)


def test_rows_are_not_written_while_they_are_read() -> None:
    device = Device()
    rows = PinnedRing(CPU, pinned=False, event=device.event)
    for number in range(20):
        row = rows._rows[(rows._turn + 1) % rows.COUNT]
        was_read, waits = row is None or row.copied.query(), device.waits
        rows.send(as_bytes(np.full(5, number, np.float32)), torch.empty(20, dtype=torch.uint8))
        assert was_read or device.waits > waits, "it waited for the copy before it wrote"
    assert device.waits == 20 - rows.COUNT, "it waits only when every row is on its way"


def test_rows_do_not_wait_for_a_device_that_keeps_up() -> None:
    device = Device()
    rows = PinnedRing(CPU, pinned=False, event=device.event)
    for _ in range(20):
        rows.send(np.zeros(5, np.uint8), torch.empty(5, dtype=torch.uint8))
        for event in device.behind:
            event.done = True
        device.behind.clear()
    assert device.waits == 0


def test_rows_grow_and_keep_what_they_carry() -> None:
    rows = PinnedRing(CPU, pinned=False)
    for size in (3, 1000, 2, 50_000, 7):
        for number in range(5):
            source, target = np.arange(size, dtype=np.int64) + number, torch.empty(size, dtype=torch.int64)
            rows.send(as_bytes(source), target.view(torch.uint8))
            assert torch.equal(target, torch.from_numpy(source))
    rows.send(np.zeros(0, np.uint8), torch.zeros(0, dtype=torch.uint8))


def inbox(fans: dict[str, Fan | None], shared: bool, periods: dict[str, float] | None = None) -> UniformBuffer:
    return UniformBuffer(CPU, fans, periods, None if shared else PinnedRing(CPU, pinned=False))


either = pytest.mark.parametrize("shared", [True, False], ids=["host memory", "copied"])


@either
def test_uniforms_hold_numbers_lists_and_channels(shared: bool) -> None:
    fans = {
        "/b": Fan((3, 5), True, False),
        "/a": None,
        "/c": Fan((3, 5), True, True),
        "/d": Fan((3, 5), False, True),
        "/e": None,
    }
    uniforms = inbox(fans, shared, {"/a": 360.0})
    uniforms.write({"/a": 360 * 1e9 + 1, "/b": [4.0, 5.0], "/c": np.arange(8.0), "/d": np.arange(5.0), "/e": -7})
    uniforms.send()
    assert (uniforms.view("/a").item(), uniforms.view("/e").item()) == (1, -7)
    assert uniforms.view("/a").shape == ()
    assert uniforms.view("/b").tolist() == [4, 5]
    assert [part.tolist() for part in uniforms.view("/c")] == [[0, 1, 2], [3, 4, 5, 6, 7]]
    assert [part.tolist() for part in uniforms.view("/d")] == [[0, 1, 2], [0, 1, 2, 3, 4]]
    uniforms.write({"/a": 2, "/b": 7, "/c": 0.0, "/d": 0.0, "/e": 1})
    uniforms.send()
    assert uniforms.view("/b").tolist() == [7, 7], "one number serves every match"
    assert "/a" in uniforms
    assert "/f" not in uniforms


@either
@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_uniforms_are_no_special_case(shared: bool, count: int) -> None:
    names = [f"/{number}" for number in range(count)]
    uniforms = inbox(dict.fromkeys(names), shared)
    uniforms.write({name: number + 1 for number, name in enumerate(names)})
    uniforms.send()
    assert [uniforms.view(name).item() for name in names] == list(range(1, count + 1))


@either
def test_staging_keeps_its_places(shared: bool) -> None:
    staging = inbox({"/a": None, "/b": None}, shared)
    first, second = staging.buffers(0), staging.buffers(3)
    large = np.arange(LARGE, dtype=np.uint8).reshape(2, -1)
    staging.write({"/a": 1, "/b": 2})
    staging.stage(0, "frame", np.array(5, np.int64))
    staging.stage(0, "label", np.array([[0.5, 0.25]], np.float32))
    staging.stage(3, "frame", np.array(6, np.int64))
    staging.stage(3, "picture", large)
    staging.stage(3, "coefficients", np.arange(LARGE // 16, dtype=np.float64))
    staging.send()
    assert first["frame"].item() == 5 and first["frame"].shape == ()
    assert first["label"].tolist() == [[0.5, 0.25]]
    assert second["frame"].item() == 6
    assert second["coefficients"].tolist() == list(range(LARGE // 16))
    assert torch.equal(second["picture"], torch.from_numpy(large))
    places = {name: tensor.data_ptr() for name, tensor in (*first.items(), *second.items())}
    # Later ones find room, over many pages, and no place ever moves.
    for number in range(40):
        staging.stage(9, f"later {number}", np.full(LARGE // 8 - 8, number, np.float32))
    staging.stage(0, "frame", np.array(7, np.int64))  # the others stay as they were
    staging.stage(3, "picture", large[::-1])
    staging.send()
    assert (first["frame"].item(), first["label"].tolist(), second["frame"].item()) == (7, [[0.5, 0.25]], 6)
    assert torch.equal(second["picture"], torch.from_numpy(large[::-1].copy()))
    assert places == {name: tensor.data_ptr() for name, tensor in (*first.items(), *second.items())}
    assert all((staging.buffers(9)[f"later {number}"] == number).all() for number in range(40))
    assert (staging.view("/a").item(), staging.view("/b").item()) == (1, 2)
    for wrong in (np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float64)):
        with pytest.raises(ValueError, match="changed"):
            staging.stage(0, "label", wrong)
