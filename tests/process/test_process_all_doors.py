"""A show with every kind of door at once, some of which get into trouble: it goes on, and so do the others."""

from __future__ import annotations

import contextlib
import socket

import numpy as np
import psutil
import pytest
from websockets.sync.client import connect

from fake_engine import GREY, fake_dependencies
from far_ends import FarEnd, far_ends
from far_ends.film import decoded
from ganzfeld.outputs.doors.kinds.film import Film
from ganzfeld.outputs.doors.kinds.shared import Shared
from ganzfeld.outputs.doors.registry import door_kinds
from ganzfeld.process import door_child
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.signals.osc import OscReceiver
from ganzfeld.signals.osc_packets import encode
from ganzfeld.studio.server import StudioServer
from studio_client import RawViewer
from waiting import until

resource = pytest.importorskip("resource", reason="needs POSIX")
pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")


@pytest.fixture
def far(tmp_path):
    """A far end for every kind of door that can be had here, by its kind; two of shared memory."""
    made: dict[str, FarEnd] = {}
    for kind in (*(name for name, kind in door_kinds().items() if not kind.by_render), "shared"):
        folder = tmp_path / f"far-{len(made)}"
        folder.mkdir()
        with contextlib.suppress(pytest.skip.Exception):
            made["stopped" if kind in made else kind] = far_ends()[kind](folder)
    yield made
    for far_end in made.values():
        far_end.close()


@pytest.fixture
def show(tmp_path, monkeypatch):
    monkeypatch.setattr(door_child, "FIRST_PAUSE", 0.05)
    patch = tmp_path / "a.ganz"
    patch.write_text("grey 7\nsize 64 48\nfps 20\n")
    with Supervisor(patch, prepare=fake_dependencies) as show:
        until(lambda: show.status().phase == "playing")
        yield show


def status(show: Supervisor, name: str):
    return next(door for door in show.status().doors if door.name == name)


def opened(show: Supervisor, name: str, route: str) -> str:
    made = show.doors.open(route)
    until(lambda: status(show, made).state == "open", name)
    return made


def socket_of(studio: StudioServer, path: str):
    return connect(studio.url.replace("http", "ws") + path, compression=None, proxy=None)


class Watcher:
    """A clean page that shows every picture it is sent."""

    def __init__(self, connection) -> None:
        self._viewer, self.seen = RawViewer(connection), 0

    def sees_more(self) -> None:
        for _ in range(3):
            self._viewer.say(kind="ack", number=self._viewer.hear("frame", 60)["number"])
            self.seen += 1


def test_a_show_with_all_doors_goes_on_whatever_happens_to_some(show, far, tmp_path, monkeypatch):
    kinds = {name: kind for name, kind in door_kinds().items() if name in far and kind.missing() is None}
    if not {"film", "shared", "window"} <= set(kinds):
        pytest.skip("needs the extra 'window' and Xvfb")
    doors = {name: opened(show, name, far[name].route) for name in (*kinds, "stopped")}
    doors["full"] = opened(show, "full", f'film:"{tmp_path}/full.npy"')
    others = [name for name in kinds if name != "window"]

    def shown(name: str) -> int:
        return status(show, doors[name]).shown

    def others_go_on() -> None:
        before = {name: shown(name) for name in others}
        frame, pid = show.status().frame, show.render_pid
        page.sees_more()
        for name, count in before.items():
            until(lambda name=name, count=count: shown(name) > count + 2, name)
        until(lambda: show.status().frame > frame)
        assert show.render_pid == pid
        assert {name: status(show, doors[name]).restarts for name in others} == dict.fromkeys(others, 0)

    with StudioServer(show, port=0) as studio, socket_of(studio, "output/live") as connection:
        page = Watcher(connection)
        until(lambda: all(shown(name) > 1 for name in doors))
        others_go_on()
        stopped = psutil.Process(show.doors.pid(doors["stopped"]))
        stopped.suspend()
        psutil.Process(show.doors.pid(doors["window"])).kill()
        resource.prlimit(show.doors.pid(doors["full"]), resource.RLIMIT_FSIZE, (200_000, 200_000))
        others_go_on()
        until(lambda: status(show, doors["full"]).state == "ended")
        assert "too large" in status(show, doors["full"]).problem.what
        until(lambda: status(show, doors["window"]).restarts == 1 and shown("window") > 2)
        others_go_on()
        assert stopped.is_running(), "nobody has waited for it"
        monkeypatch.setattr(Shared, "patience", 0.0)
        monkeypatch.setattr(show.doors._doors[doors["shared"]], "kind", Film)  # which has more patience
        until(lambda: not stopped.is_running())
        monkeypatch.undo()
        until(lambda: status(show, doors["stopped"]).restarts >= 1 and shown("stopped") > 2)
        show.submit("grey 9\nsize 64 48\nfps 20\n")
        for name in ("shared", "stopped"):
            until(lambda name=name: int(far[name].newest()[0, GREY, 0]) == 9)
        others_go_on()
        first = show.render_pid
        psutil.Process(first).kill()
        until(lambda: show.render_pid not in (None, first))
        others_go_on()
        assert page.seen >= 15
    show.doors.close_door(doors["film"])
    until(lambda: not show.doors._closing)
    _, times = decoded(far["film"].path)
    assert np.all(np.diff(times) > 0)
    assert len(np.load(tmp_path / "full.npy")) >= 2


def test_a_film_is_started_and_stopped_from_the_page_and_by_osc(show, tmp_path):
    film = show.doors.open(f'film:"{tmp_path}/night.npy",begin=false')
    until(lambda: status(show, film).state == "waiting")

    def count(number: int) -> int:
        path = tmp_path / (f"night-{number}.npy" if number > 1 else "night.npy")
        with contextlib.suppress(FileNotFoundError, EOFError, ValueError):  # its head is not written yet
            return len(np.load(path, mmap_mode="r"))
        return 0

    with (
        StudioServer(show, port=0) as studio,
        socket_of(studio, "live") as page,
        OscReceiver(show, port=0, turn=show.turn) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand,
    ):
        hand.connect(("127.0.0.1", receiver.port))
        viewer = RawViewer(page)
        viewer.say(kind="door", do="start", door=film)
        until(lambda: count(1) > 2)
        hand.send(encode(f"/door/{film}/stop"))
        until(lambda: status(show, film).state == "waiting")
        hand.send(encode(f"/door/{film}/start", 1.0))
        hand.send(encode(f"/door/{film}/start", 0.0))
        until(lambda: count(2) > 2)
        viewer.say(kind="door", do="stop", door=film)
        until(lambda: status(show, film).state == "waiting")
        viewer.say(kind="door", do="start", door="nobody")
        assert "no door 'nobody'" in viewer.hear("notice", 60)["what"]
    assert count(1) > 2 and count(3) == 0
