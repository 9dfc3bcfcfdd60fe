from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganzfeld.rendering import jobs


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A render and its workers do not wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds are cut into several chains, and each of them into several pieces."""
    monkeypatch.setattr(jobs, "PIECE_SECONDS", 0.4)
    monkeypatch.setattr(jobs, "CHAIN_SECONDS", 1.4)


@pytest.fixture(scope="session")
def whole(night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All frames of the take `night`, rendered in one piece by one engine."""
    from command_line import run

    path = tmp_path_factory.mktemp("whole") / "whole.npy"
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(jobs, "PIECE_SECONDS", 1e6)
        changed.setattr(jobs, "CHAIN_SECONDS", 1e6)
        run("render", night, "--out", path, "--device", "cpu")
    return path
