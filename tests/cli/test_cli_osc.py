"""`ganzfeld osc`: the table of addresses, and the monitor with packets of other libraries."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from oscpy.client import OSCClient
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.cli import main

PATCH = """
push = knob(-2, 3, midi="1/74", osc="/pad/x")
kick = env(hit("/dirt/play", s="bd"), 0, 0.4)
drift = phase(0.1 + osc("/accel/x", 0)*cc(1, 7) + audio.level + audio.band(3))
source = noise("simplex2d", amplitude=0.9*push, tx=drift)
target = flip(source, y=True)
out(target)
"""


@pytest.fixture
def patch(tmp_path):
    file = tmp_path / "organ.ganz"
    file.write_text(PATCH)
    return file


def run(capfd, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["osc", *map(str, words)])
    code = 0 if ended.value.code is None else int(ended.value.code)
    return (code, *capfd.readouterr())


def test_the_table_says_what_can_be_reached_and_what_is_read(capfd, patch):
    code, out, err = run(capfd, patch, "--json")
    assert (code, err) == (0, "")
    rows = {row["address"]: row for row in json.loads(out)}
    assert rows["/source/amplitude"]["text"] == "0.9*push"
    assert rows["/source/amplitude"]["range"] == "0 … 2"
    assert rows["/source/rx"]["unit"] == "degrees"
    assert "simplex2d" in rows["/source/type"]["range"]
    assert rows["/target/y"]["range"] == "off, on"
    assert (rows["/push"]["kind"], rows["/push"]["range"], rows["/push"]["default"]) == ("knob", "-2 … 3", 0)
    assert rows["/kick"]["kind"] == "signal"
    read = {address: row["doc"] for address, row in rows.items() if row["kind"] == "read"}
    assert read == {
        "/dirt/play": "Read by kick",
        "/accel/x": "Read by drift",
        "/midi/cc/1/7": "Read by drift",
        "/audio/level": "Read by drift",
        "/audio/band/3": "Read by drift",
        "/pad/x": "Read by push",
        "/midi/cc/1/74": "Read by push",
    }
    code, out, _ = run(capfd, patch)
    assert code == 0
    for word in ("/source/amplitude", "0.9*push", "degrees", "/tempo/tap", "Strength of the noise"):
        assert word in out


def test_what_is_no_patch_is_told(capfd, patch, tmp_path):
    code, _, err = run(capfd, tmp_path / "orgn.ganz")
    assert code == 1
    assert "organ.ganz" in err
    patch.write_text("nois()")
    code, _, err = run(capfd, patch)
    assert code == 1
    assert "noise" in err
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        code, _, err = run(capfd, f"http://127.0.0.1:{probe.getsockname()[1]}/")
    assert code == 1
    assert "no show answers" in err


def test_the_monitor_shows_what_two_other_libraries_send():
    command = [sys.executable, "-c", "from ganzfeld.cli import main; main()", "osc", "--listen", "--port", "0"]
    command += ["--seconds", "6"] if sys.platform == "win32" else []  # there is no Ctrl-C from outside
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port = int(re.search(r"UDP port (\d+)", process.stdout.readline())[1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
            for packet in (
                b"",
                b"hello",
                b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc",
                bytes(9000),
                b"/clip\0\0\0,X\0\0",
            ):
                hostile.sendto(packet, ("127.0.0.1", port))
        client = SimpleUDPClient("127.0.0.1", port)
        client.send_message("/face/psi", 0.75)
        client.send_message("/dirt/play", ["s", "bd", "n", 3, True, None])
        bundle = OscBundleBuilder(IMMEDIATELY)
        message = OscMessageBuilder("/in/a/bundle")
        message.add_arg(2**40, "h")
        bundle.add_content(message.build())
        client.send(bundle.build())
        OSCClient("127.0.0.1", port).send_message(b"/other/library", [1, 2.5])
        out = ""
        for line in process.stdout:
            # Once: a line that is being written when Ctrl-C comes may be written again.
            if "/other/library" in line and "/other/library" not in out and sys.platform != "win32":
                process.send_signal(signal.SIGINT)
            out += line
    assert process.returncode == 0
    for line in ("/face/psi  0.75", "/dirt/play  's' 'bd' 'n' 3 True None", f"/in/a/bundle  {2**40}"):
        assert line in out
    assert "/other/library  1 2.5" in out
    assert "4 messages at 4 addresses; 5 that could not be read" in out
    assert "dropped  /clip: the unknown type 'X'" in out
