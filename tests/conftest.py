"""What every test may use: golden networks as files, patches as files, caches of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Before torch is imported anywhere: tests share two cores with each other, and threads that wait leave them.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Before Triton is: without a card its kernels run in its interpreter.
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")
# A shell that starts something in the background has it ignore Ctrl-C, and all that it starts; tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# No test leaves a process behind that compiles for a minute.
os.environ["GANZFELD_COMPILE_AHEAD"] = "0"


# No test depends on a clock; and what `.ci/run` says does not depend on luck, while runs by hand look for new examples.
hypothesis.settings.register_profile("ganzfeld", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("ganzfeld")


def pytest_collection_finish() -> None:
    """Whatever interprets Triton has been imported."""
    from quick_interpreter import quicken

    quicken()


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` is: one more than there are logical cores, because many tests wait for processes of
    their own (two workers left two cores idle for almost half of the time); beyond four, memory is what is short."""
    return min((os.cpu_count() or 1) + 1, 4)


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep caches and settings of the person who runs the tests out of them, and the tests out of those."""
    os.environ["GANZFELD_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["GANZFELD_CONFIG"] = str(tmp_path_factory.mktemp("config"))
    os.environ["GANZFELD_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def golden_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A golden network written out as an official file: golden_file("stylegan2-32")."""
    from network_files import write_golden  # imports torch

    folder = tmp_path_factory.mktemp("networks")
    written: dict[str, Path] = {}

    def write(name: str) -> Path:
        if name not in written:
            target = folder / f"{name}{'.pt' if 'rosinality' in name else '.pkl'}"
            written[name] = write_golden(name, target)
        return written[name]

    return write


@pytest.fixture(scope="session")
def small_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained 32 px StyleGAN2, as our own file: quick to open and to play."""
    from ganzfeld.networks.network import Network
    from ganzfeld.networks.stylegan2.config import StyleGAN2Config

    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    config = StyleGAN2Config.design(32, channel_base=512, channel_max=32, mapping_layers=2, z_dim=16, w_dim=16)
    Network.random(config, seed=1).save(path)
    return path


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take of six seconds, with states to begin from. Nobody may change it."""
    from recorded_take import record_take

    return record_take(tmp_path_factory.mktemp("night"))
