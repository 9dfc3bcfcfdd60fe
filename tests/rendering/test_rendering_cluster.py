"""A render on a Ray cluster, one of whose workers is killed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import psutil
import pytest

from command_line import run
from ganzfeld.rendering import jobs
from waiting import until


@pytest.mark.timeout(300)
def test_a_cluster_makes_the_same_though_a_worker_is_killed(
    night: Path, whole: Path, tmp_path: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr(jobs, "PIECE_SECONDS", 0.8)
    killed: list[int] = []
    shelf = tmp_path / "spread.npy.parts"

    over = threading.Event()

    def kill() -> None:
        until(lambda: list(shelf.glob("*.made")))
        # Between two pieces a worker bears another name, so once may be too few.
        while not killed and not over.wait(0.005):
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.name().startswith("ray::_render_p") or "_render_piece" in " ".join(process.cmdline()):
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue

    killer = threading.Thread(target=kill)
    killer.start()
    # Workers find what this process finds.
    paths = os.pathsep.join(path for path in sys.path if path)
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}},
    )  # fmt: skip
    try:
        run("render", night, "--out", tmp_path / "spread.npy", "--device", "cpu", "--cluster", "local")
    finally:
        over.set()
        ray.shutdown()
        killer.join()
    assert killed, "nobody was killed"
    assert (tmp_path / "spread.npy").read_bytes() == whole.read_bytes()
