"""`ganzfeld play` with nothing named: planets that melt into flowers, on a machine without any network access."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ganzfeld import Player
from ganzfeld.patch.defaults import opening_patch
from ganzfeld.patch.language.parser import parse

MELT = re.compile(r"^face\.blend\(.*\n", re.MULTILINE)
WATCHMAN = """
import os, sys

def heard(event, words):
    if event in ("socket.connect", "socket.sendto"):
        where = words[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        where = words[:1]
    else:
        return
    if isinstance(where, tuple) and str(where[0]) not in ("127.0.0.1", "::1", "localhost", "None", ""):
        with open(os.environ["HEARD"], "a") as log:
            log.write(f"{event} {where}\\n")
        raise OSError("there is no network here")

sys.addaudithook(heard)
"""


def away(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference, 0..255."""
    return float(np.abs(first[..., :3].astype(float) - second[..., :3]).mean())


def drawn(text: str, moments: list[float]) -> list[np.ndarray]:
    with Player(parse(text.replace("(512, 512)", "(128, 128)")), device="cpu") as player:
        waits = [later - sooner for sooner, later in pairwise([0.0, *moments])]
        return [player.frame(wait).image.numpy().copy() for wait in waits]


def test_planets_melt_into_flowers_and_come_back() -> None:
    moments = [0.0, 14.0, 26.0, 48.0]
    text = opening_patch()
    alone, count = MELT.subn("", text)
    assert count == 1
    shown, planets = drawn(text, moments), drawn(alone, moments)
    flowers = drawn(alone.replace('"planets"', '"flowers"'), moments)
    for moment in (0, 3):
        assert away(shown[moment], planets[moment]) < 1 < 5 < away(shown[moment], flowers[moment])
    assert away(shown[2], flowers[2]) < 1 < 5 < away(shown[2], planets[2])
    assert min(away(shown[1], planets[1]), away(shown[1], flowers[1])) > 2
    assert away(shown[0], shown[3]) > 5  # it has wandered on


@pytest.fixture
def cut_off(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that has an empty home and is refused any way out; what it tried is in HEARD."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCHMAN)
    paths = [str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    empty = {name: str(tmp_path / name) for name in ("HOME", "GANZFELD_CACHE", "GANZFELD_CONFIG")}
    return os.environ | empty | {"PYTHONPATH": os.pathsep.join(paths), "HEARD": str(tmp_path / "heard")}


def test_it_opens_without_a_network(tmp_path: Path, cut_off: dict[str, str]) -> None:
    """The real engine, page and recorder; every attempt to reach another machine is refused and written down."""
    heard = Path(cut_off["HEARD"])
    outward = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    assert subprocess.run([sys.executable, "-c", outward], env=cut_off, capture_output=True).returncode != 0
    assert "192.0.2.1" in heard.read_text()  # the watchman is awake
    heard.unlink()

    words = ["play", "--headless", "--port", "0", "--device", "cpu", "--seconds", "2", "--record", "shown.npy"]
    command = [sys.executable, "-c", "from ganzfeld.cli import main; main()", *words]
    ended = subprocess.run(command, env=cut_off, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    assert "plays the opening" in ended.stdout and ended.stderr == ""
    assert not heard.exists(), heard.read_text()
    frames = np.load(tmp_path / "shown.npy")
    assert len(frames) > 1 and frames.shape[1:3] == (512, 512)
    assert away(frames[0], frames[-1]) > 0.1  # they move
    assert frames[0, ..., :3].std() > 20
