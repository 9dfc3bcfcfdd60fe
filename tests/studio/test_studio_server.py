"""The running server: frames and their pacing, words, commands, stills, ports."""

from __future__ import annotations

import io
import json
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fake_show import FakeShow, Running, flat
from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import picture
from ganzfeld.studio.server import StudioServer
from ganzfeld.studio.viewers import IN_FLIGHT
from ganzfeld.studio.visitors import is_this_machine
from ganzfeld.values.status import Problem
from studio_client import eventually, get, port_of


def grey(jpeg: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(jpeg)).convert("L")).mean())


# Frames


def test_a_frame_arrives_whole(show, view):
    image = flat(200, width=96, height=40)
    show.push(image, number=7)
    with view() as viewer:
        frame = viewer.hear("frame")
    assert (frame["number"], frame["width"], frame["height"]) == (7, 96, 40)
    assert abs(time.time() - frame["sent"]) < 60
    decoded = Image.open(io.BytesIO(frame["jpeg"]))
    assert decoded.format == "JPEG" and decoded.size == (96, 40)
    assert abs(grey(frame["jpeg"]) - 200) < 2


def test_at_most_three_frames_are_in_flight(show, view):
    with view() as viewer, Running(show, fps=200):
        numbers = [viewer.hear("frame")["number"] for _ in range(IN_FLIGHT)]
        assert numbers == sorted(set(numbers))
        assert viewer.hears_no("frame")
        viewer.say(kind="ack", number=numbers[0])
        numbers.append(viewer.hear("frame")["number"])
        assert viewer.hears_no("frame")
        # An acknowledgement speaks for all frames before it.
        viewer.say(kind="ack", number=numbers[-1])
        for _ in range(IN_FLIGHT):
            viewer.hear("frame")
        assert viewer.hears_no("frame")


def test_a_slow_viewer_gets_the_newest_and_misses_the_rest(show, view):
    with view() as viewer:
        for value in range(IN_FLIGHT):
            show.push(flat(value))
            last = viewer.hear("frame")["number"]
        for value in range(50, 100):
            show.push(flat(value))
        viewer.say(kind="ack", number=last)
        frame = viewer.hear("frame")
        assert frame["number"] == last + 50
        assert abs(grey(frame["jpeg"]) - 99) < 2
        assert viewer.hears_no("frame")


def test_a_slow_viewer_does_not_hold_up_a_fast_one(show, view):
    with view() as slow, view() as fast, Running(show, fps=100):
        for _ in range(IN_FLIGHT):
            slow.hear("frame")
        for _ in range(20):
            viewer_last = fast.hear("frame")["number"]
            fast.say(kind="ack", number=viewer_last)
        slow.say(kind="ack", number=viewer_last)
        assert slow.hear("frame")["number"] >= viewer_last - 1


def test_a_frame_is_encoded_once_for_all_and_never_for_nobody(show, view, monkeypatch):
    encoded: list[int] = []
    encode = picture.jpeg

    def counting(image):
        encoded.append(int(image[0, 0, 0]))
        return encode(image)

    monkeypatch.setattr(picture, "jpeg", counting)
    show.push(flat(10))
    time.sleep(0.4)
    assert encoded == []
    with view() as one, view() as two, view() as three:
        for viewer in (one, two, three):
            viewer.hear("frame")
        encoded.clear()
        show.push(flat(20))
        for viewer in (one, two, three):
            assert abs(grey(viewer.hear("frame")["jpeg"]) - 20) < 2
        assert encoded == [20]


def test_a_paused_show_is_seen_by_whoever_joins(show, view):
    show.push(flat(77))
    for _ in range(2):
        with view() as viewer, view() as beside:
            for each in (viewer, beside):
                assert abs(grey(each.hear("frame")["jpeg"]) - 77) < 2
                assert each.hears_no("frame", within=0.2)


def test_every_lent_frame_is_given_back_once(show, view, monkeypatch):
    with view() as viewer, Running(show):
        viewer.hear("frame")

        def fail(image):
            raise ValueError("out of memory")

        monkeypatch.setattr(picture, "jpeg", fail)
        time.sleep(0.1)
        monkeypatch.undo()
        # The thread that encodes lives on.
        assert viewer.hear("frame")


def test_transparent_pictures_are_shown_over_black():
    image = flat(200)
    image[..., 3] = 127
    assert abs(grey(picture.jpeg(image)) - 100) < 2
    back = np.asarray(Image.open(io.BytesIO(picture.png(image))))
    np.testing.assert_array_equal(back, image)


# Words


def test_a_viewer_is_told_the_patch_and_the_status_at_once(show, view):
    show.now.errors = [Problem("unknown node 'nois'", "Did you mean 'noise'?", "/x/organ.ganz", 4, 10, "/face")]
    show.now.pending_trust = ["/x/swarm.py"]
    with view() as viewer:
        patch, status = viewer.hear("patch"), viewer.hear("status")
    assert patch["text"] == show.now.patch_text and patch["name"] == "organ.ganz"
    assert status["errors"] == [
        {
            "what": "unknown node 'nois'",
            "hint": "Did you mean 'noise'?",
            "file": "/x/organ.ganz",
            "line": 4,
            "column": 10,
            "address": "/face",
        }
    ]
    assert status["pending_trust"] == ["/x/swarm.py"]
    assert (status["width"], status["height"]) == (64, 48)


def test_the_patch_is_told_again_only_when_it_changes(show, view):
    with view() as first:
        first.hear("patch")
        assert first.hears_no("patch")
        show.now.patch_text, show.now.patch_version = "out(noise())\n", 2
        assert first.hear("patch")["text"] == "out(noise())\n"
        # Whoever joins late is told all the same, once.
        with view() as second:
            assert second.hear("patch")["version"] == 2
            assert second.hears_no("patch")


def test_the_status_goes_on_while_no_frame_does(show, view):
    with view() as viewer:
        for t in (1.0, 2.0, 3.0):
            show.now.t = t
            while viewer.hear("status")["t"] != t:
                pass


def test_a_status_that_fails_stops_nothing(show, view, caplog):
    good = show.status
    with view() as viewer:
        viewer.hear("status")
        show.status = lambda: 1 / 0
        time.sleep(0.2)
        show.status = good
        show.now.t = 5.0
        while viewer.hear("status")["t"] != 5.0:
            pass


# Commands


def test_commands_reach_the_show_in_order(show, view):
    with view() as viewer:
        for name in ("pause", "resume", "restart", "pause"):
            viewer.say(kind="command", name=name)
        assert eventually(lambda: len(show.commands) == 4)
        assert [name for name, _ in show.commands] == ["pause", "resume", "restart", "pause"]
        while not viewer.hear("status")["paused"]:
            pass


def test_only_a_script_that_asks_is_trusted(show, view):
    show.now.pending_trust = ["/x/swarm.py"]
    with view() as viewer:
        viewer.say(kind="command", name="trust", path="/x/other.py")
        assert "waits for permission" in viewer.hear("notice")["what"]
        viewer.say(kind="command", name="trust")
        viewer.hear("notice")
        assert show.commands == []
        viewer.say(kind="command", name="trust", path="/x/swarm.py")
        assert eventually(lambda: show.commands == [("trust", {"path": "/x/swarm.py"})])


def test_nobody_else_on_the_network_allows_a_script(show, view, monkeypatch):
    assert all(map(is_this_machine, ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]))
    assert not any(map(is_this_machine, ["192.168.1.7", "0.0.0.0", "fe80::1%eth0", "::ffff:10.0.0.1"]))
    monkeypatch.setattr("ganzfeld.studio.visitors.is_this_machine", lambda host: False)
    monkeypatch.setattr("ganzfeld.studio.visitors._same_address", lambda one, other: False)
    show.now.pending_trust = ["/x/swarm.py"]
    with view() as viewer:
        viewer.say(kind="command", name="trust", path="/x/swarm.py")
        assert "on the machine that plays it" in viewer.hear("notice")["what"]
    assert show.commands == []


def test_anybody_rolls_dice_but_the_file_is_written_here(show, view, monkeypatch):
    monkeypatch.setattr("ganzfeld.studio.visitors.is_this_machine", lambda host: False)
    monkeypatch.setattr("ganzfeld.studio.visitors._same_address", lambda one, other: False)
    with view() as viewer:
        viewer.say(kind="command", name="roll")
        assert eventually(lambda: show.commands == [("roll", {})])
        while not viewer.hear("status")["rolled"]:
            pass
        for name in ("keep", "back"):
            viewer.say(kind="command", name=name)
            assert "on the machine that plays it" in viewer.hear("notice")["what"]
    assert show.commands == [("roll", {})]


def test_a_refused_command_is_answered_to_the_one_who_gave_it(show, view):
    with view() as one, view() as two:
        show.refuses = GanzfeldError("the render is down", hint="Wait a moment.")
        one.say(kind="command", name="pause")
        assert one.hear("notice") == {"kind": "notice", "what": "the render is down", "hint": "Wait a moment."}
        show.refuses = RuntimeError("secret")
        one.say(kind="command", name="pause")
        assert "secret" not in str(one.hear("notice"))
        assert two.hears_no("notice")


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xff\xff",
        b"\xc1",
        "text",
        b"\x80",
        b"\x81\xa4kind\xa3ack",
        b"\x82\xa4kind\xa3ack\xa6number\xa1x",
        b"\x82\xa4kind\xa7command\xa4name\xa4quit",
        b"\x82\xa4kind\xa4turn\xa7address\xa2\xff\xfe",
        b"\x81\xa4kind\xa3\xff\xfe\xfd",
        b"\x91" * 5000,
        b"x" * 100_000,
    ],
)
def test_garbage_closes_its_own_connection_only(show, view, garbage):
    show.push(flat(5))
    with view() as good, view() as bad:
        good.hear("frame")
        bad.connection.send(garbage)
        with pytest.raises(ConnectionClosed):
            while True:
                bad.connection.recv(timeout=5)
        show.push(flat(6))
        assert good.hear("frame")
        assert show.commands == []


def test_an_acknowledgement_of_what_was_never_sent_is_harmless(show, view):
    with view() as viewer, Running(show):
        for number in (10**12, -5, 0):
            viewer.say(kind="ack", number=number)
        assert viewer.hear("frame")


# For programs


def test_stills_are_the_newest_frame(show, studio):
    for path in ("/frame.jpg", "/frame.png"):
        assert get(studio, path).status == 503  # no picture yet
    image = flat(30)
    image[..., 3] = 128
    show.push(flat(1))
    show.push(image)
    png, jpeg = get(studio, "/frame.png"), get(studio, "/frame.jpg")
    assert (png.headers["content-type"], jpeg.headers["content-type"]) == ("image/png", "image/jpeg")
    assert png.headers["x-frame-number"] == "1"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png.body))), image)
    assert abs(grey(jpeg.body) - 15) < 2


def test_status_and_patch_as_json(show, studio):
    show.now.frame_ms = float("nan")  # before the first frame
    status = json.loads(get(studio, "/api/status").body)
    assert status["frame_ms"] is None and status["device"] == "cpu" and status["render_alive"] is True
    assert json.loads(get(studio, "/api/patch").body)["text"] == show.now.patch_text


# Coming and going


def test_a_taken_port_gives_way_to_the_next():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with StudioServer(FakeShow(), port=port) as studio:
            assert not studio.url.endswith(f":{port}/")
            assert json.loads(get(studio, "/api/status").body)
        with pytest.raises(GanzfeldError, match=str(port)):
            StudioServer(FakeShow(), port=port, exact_port=True).start()


def test_a_host_that_is_not_ours_is_one_clear_error():
    with pytest.raises(GanzfeldError, match=r"192\.0\.2\.1"):
        StudioServer(FakeShow(), host="192.0.2.1", port=0).start()


def test_stopping_leaves_no_thread_and_frees_the_port(show):
    before = set(threading.enumerate())
    studio = StudioServer(show, port=0).start()
    port = port_of(studio)
    with connect(f"ws://127.0.0.1:{port}/live", proxy=None) as viewer, Running(show):
        viewer.recv(timeout=5)
        studio.stop()
        studio.stop()
        with pytest.raises(ConnectionClosed):
            while True:
                viewer.recv(timeout=5)
    assert eventually(lambda: not [t for t in set(threading.enumerate()) - before if "studio" in t.name])
    with StudioServer(show, port=port, exact_port=True) as again:
        assert again.url == studio.url


def test_the_browser_is_opened_only_when_asked(show, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with StudioServer(show, port=0):
        time.sleep(0.1)
    assert opened == []
    with StudioServer(show, port=0, open_browser=True) as studio:
        assert eventually(lambda: opened == [studio.url])


def test_a_checkout_without_a_page_says_how_to_build_it(show, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("ganzfeld.studio.page.FOLDER", tmp_path / "page")
    with StudioServer(show, port=0) as studio:
        assert "npm ci && npm run build" in caplog.text
        answer = get(studio, "/")
        assert answer.status == 503
        assert b"npm run build" in answer.body
