"""What goes to the device arrives as it was written, however far behind the device is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzfeld.engine.uploads import LARGE, Rows, Staging, Uniforms
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


def test_rows_are_not_written_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()
    rows = Rows(CPU, pinned=False, event=device.event)
    # The host writes into a row's memory through `numpy()`: note in what state its last copy was then.
    early: list[int] = []
    for number in range(20):
        turn = (rows._turn + 1) % rows.COUNT
        copied = rows._copied[turn]
        was_read = copied is None or copied.query()
        waits = device.waits
        rows.send(np.full(5, number, np.float32), torch.empty(5))
        if not was_read and device.waits == waits:
            early.append(number)
    assert not early
    assert device.waits == 20 - rows.COUNT, "it waits only when every row is on its way"


def test_rows_do_not_wait_for_a_device_that_keeps_up() -> None:
    device = Device()
    rows = Rows(CPU, pinned=False, event=device.event)
    for _ in range(20):
        rows.send(np.zeros(5, np.float32), torch.empty(5))
        for event in device.behind:
            event.done = True
        device.behind.clear()
    assert device.waits == 0


def test_rows_grow_and_keep_what_they_carry() -> None:
    rows = Rows(CPU, pinned=False)
    for size in (3, 1000, 2, 50_000, 7):
        for number in range(5):
            source, target = np.arange(size, dtype=np.int64) + number, torch.empty(size, dtype=torch.int64)
            rows.send(source, target)
            assert torch.equal(target, torch.from_numpy(source))
    rows.send(np.array(7, np.int64), alone := torch.zeros((), dtype=torch.int64))
    assert alone.item() == 7
    rows.send(np.zeros(0, np.float32), torch.zeros(0))


@pytest.mark.parametrize("shared", [True, False], ids=["host memory", "copied"])
def test_uniforms_hold_numbers_lists_and_channels(shared: bool) -> None:
    fans = {"/a": None, "/b": Fan((3, 5), True, False), "/c": Fan((3, 5), True, True), "/d": Fan((3, 5), False, True)}
    uniforms = Uniforms(fans, CPU, {"/a": 360.0}, None if shared else Rows(CPU, pinned=False))
    uniforms.write({"/a": 360 * 1e9 + 1, "/b": [4.0, 5.0], "/c": np.arange(8.0), "/d": np.arange(5.0)})
    assert uniforms.view("/a").item() == 1
    assert uniforms.view("/b").tolist() == [4, 5]
    assert [part.tolist() for part in uniforms.view("/c")] == [[0, 1, 2], [3, 4, 5, 6, 7]]
    assert [part.tolist() for part in uniforms.view("/d")] == [[0, 1, 2], [0, 1, 2, 3, 4]]
    uniforms.write({"/a": 2, "/b": 7, "/c": 0.0, "/d": 0.0})
    assert uniforms.view("/b").tolist() == [7, 7], "one number serves every match"
    assert "/a" in uniforms
    assert "/e" not in uniforms


@pytest.mark.parametrize("shared", [True, False], ids=["host memory", "copied"])
def test_staging_keeps_its_places(shared: bool) -> None:
    staging = Staging(CPU, None if shared else Rows(CPU, pinned=False))
    first, second = staging.buffers(0), staging.buffers(3)
    large = np.arange(LARGE, dtype=np.uint8).reshape(2, -1)
    staging.stage(0, "frame", np.array(5, np.int64))
    staging.stage(0, "label", np.array([[0.5, 0.25]], np.float32))
    staging.stage(3, "frame", np.array(6, np.int64))
    staging.stage(3, "picture", large)
    staging.send()
    assert first["frame"].item() == 5 and first["frame"].shape == ()
    assert first["label"].tolist() == [[0.5, 0.25]]
    assert second["frame"].item() == 6
    assert torch.equal(second["picture"], torch.from_numpy(large))
    grown, places = staging.grown, {name: tensor.data_ptr() for name, tensor in (*first.items(), *second.items())}
    staging.stage(0, "frame", np.array(7, np.int64))  # the others stay as they were
    staging.stage(3, "picture", large[::-1])
    staging.send()
    assert (first["frame"].item(), first["label"].tolist(), second["frame"].item()) == (7, [[0.5, 0.25]], 6)
    assert torch.equal(second["picture"], torch.from_numpy(large[::-1].copy()))
    assert staging.grown == grown
    assert places == {name: tensor.data_ptr() for name, tensor in (*first.items(), *second.items())}
    with pytest.raises(ValueError, match="changed"):
        staging.stage(0, "label", np.zeros((1, 3), np.float32))
    staging.stage(3, "later", np.zeros(2, np.float32))
    assert staging.grown > grown, "what was captured knows old places"
