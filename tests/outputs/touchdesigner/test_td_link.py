"""The way to a show: started, found again, asked, turned; and what is told when that goes wrong."""

from __future__ import annotations

import json
import socket
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from ganzfeld.signals.osc_packets import bundle, encode, parse
from td_project import free_port
from waiting import until

SHOW = """
import http.server, json, os, sys
words = dict(zip(sys.argv, sys.argv[1:]))
if os.environ.get("FAILS"):
    sys.exit("Traceback\\nthe patch is no patch")
tree = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {"face": {"FULL_PATH": "/face", "ACCESS": 3, "TYPE": "f",
        "VALUE": [0.5], "RANGE": [{"MIN": 0.0, "MAX": 1.0}], "TAGS": ["value"]},
        "pid": {"FULL_PATH": "/pid", "ACCESS": 1, "TYPE": "i", "VALUE": [os.getpid()]}}}
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/end":
            os._exit(7)
        info = {"NAME": "Ganzfeld: " + os.path.basename(words["play"]), "OSC_PORT": int(words["--osc"])}
        body = json.dumps(info if "HOST_INFO" in self.path else tree).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
open(words["play"] + ".argv", "w").write(json.dumps([sys.argv, dict(os.environ)]))
http.server.HTTPServer(("127.0.0.1", int(words["--osc-query"])), Answer).serve_forever()
"""
"""A package `ganzfeld` that serves an address and nothing else."""


@pytest.fixture
def links(stage, tmp_path, monkeypatch) -> Any:
    one = stage()
    module = one.file("ganzfeld_link")
    monkeypatch.setattr(module, "ASK_SECONDS", 0.05)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # not to reach the show
    monkeypatch.setattr(module, "PAUSES", (0.05,))
    package = tmp_path / "package" / "ganzfeld"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(textwrap.dedent(SHOW), "utf-8")
    port = free_port()
    made: list[Any] = []

    def make(**changes: Any) -> Any:
        config = {
            "python": sys.executable,
            "patch": str(one.patch),
            "name": "gz-test",
            "port": port,
            "environment": {"PYTHONPATH": str(package.parent)},
            **changes,
        }
        link = module.Link(str(tmp_path), config)
        made.append(link)
        link.begin()
        return link

    yield make
    for link in made:
        link.end()
        if link._process is not None:
            link._process.kill()
            link._process.wait(10)


def test_messages_are_those_of_other_libraries(stage):
    link = stage().file("ganzfeld_link")
    ours = link.encode("/face/psi", 0.5, 3, True, False, "größe")
    theirs = OscMessage(ours)
    assert theirs.address == "/face/psi" and theirs.params == [0.5, 3, True, False, "größe"]
    assert ours == encode("/face/psi", 0.5, 3, True, False, "größe")
    builder = OscBundleBuilder(IMMEDIATELY)
    for value in (1.5, 7, "b16", True):
        message = OscMessageBuilder("/a")
        message.add_arg(value)
        builder.add_content(message.build())
    packet = builder.build().dgram
    assert OscBundle.dgram_is_bundle(packet)
    assert link.decode(packet) == [("/a", [1.5]), ("/a", [7]), ("/a", ["b16"]), ("/a", [True])]
    nested = bundle([bundle([encode("/x", 1.0)]), encode("/y", [2.0, 3.0])])
    assert link.decode(nested) == [("/x", [1.0]), ("/y", [2.0, 3.0])]
    assert [m.address for m in parse(link.encode("/x", 10**12, 1e300)).messages] == ["/x"]


def test_rubbish_is_no_message(stage):
    link = stage().file("ganzfeld_link")
    whole = bundle([encode("/a", 1.0), encode("/b", "text")])
    for cut in range(len(whole)):
        assert all(address in ("/a", "/b") for address, _ in link.decode(whole[:cut]))
    for rubbish in (b"", b"x", b"#bundle\0", b"/a\0\0,f\0\0", b"/a\0\0,q\0\0", b"\xff" * 64):
        assert link.decode(rubbish) == []
    deep = encode("/deep", 1.0)
    for _ in range(20):
        deep = bundle([deep])
    assert link.decode(deep) == []


def test_a_show_is_started_asked_and_heard(links):
    link = links()
    until(lambda: link.state == "playing", seconds=30)
    assert link.tree["CONTENTS"]["face"] == {
        "FULL_PATH": "/face",
        "ACCESS": 3,
        "TYPE": "f",
        "RANGE": [{"MIN": 0.0, "MAX": 1.0}],
        "TAGS": ["value"],
    }
    assert link.values["/face"] == 0.5 and link.tree_number == 1 and link.session == 1
    argv, environment = json.loads(Path(link.config["patch"] + ".argv").read_text())
    assert argv[1:4] == ["play", link.config["patch"], "--headless"] and "--until-left" in argv
    assert not [
        key for key in environment if key.startswith("PYTHON") and key not in ("PYTHONPATH", "PYTHONUNBUFFERED")
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as show:
        show.bind(("127.0.0.1", link.port + 1))
        show.settimeout(10)
        link.send("/face", 0.25)
        assert OscMessage(show.recv(1000)).params == [0.25]
        show.sendto(bundle([encode("/face", 0.75), encode("/pair", 1.0, 2.0)]), ("127.0.0.1", link.port + 2))
        assert until(link.received, seconds=10) == {"/face": 0.75}


def test_a_show_outlives_its_host_and_is_found_again(links):
    first = links()
    until(lambda: first.state == "playing", seconds=30)
    pid = first.values["/pid"]
    first.end()
    assert first._process.poll() is None
    second = links()
    until(lambda: second.state == "playing", seconds=30)
    assert second.values["/pid"] == pid and second._process is None
    second.restart()
    until(lambda: "was found, not started, here" in second.problem, seconds=10)


def test_a_show_that_ends_is_told_and_started_again(links):
    link = links()
    until(lambda: link.state == "playing", seconds=30)
    pid = link.values["/pid"]
    link._ask("/end")
    until(lambda: link.session == 2, seconds=30)
    assert link.values["/pid"] != pid and link.tree_number == 1  # the page stays as it is
    link.restart()
    until(lambda: link.session == 3, seconds=30)


def test_why_a_show_ended_is_said_in_its_own_words(links):
    link = links(environment={**links().config["environment"], "FAILS": "1"}, port=free_port())
    problem = until(lambda: link.state == "failed" and link.problem, seconds=30)
    assert "the patch is no patch" in problem and "code 1" in problem
    assert link.session == 0


def test_what_is_missing_or_taken_is_told(links):
    link = links(python="/nowhere/python")
    assert until(lambda: link.problem, seconds=10) == "Python is not at /nowhere/python"
    twice = links()
    assert twice.state == "failed" and "is taken" in twice.problem
    link.end()
    patchless = links(patch="/nowhere/organ.ganz")
    assert "the patch is not at /nowhere/organ.ganz" in until(lambda: patchless.problem, seconds=10)


def test_another_show_at_the_port_is_left_alone(links):
    first = links()
    until(lambda: first.state == "playing", seconds=30)
    first.end()
    other = Path(first.config["patch"]).with_name("other.ganz")
    other.write_text("")
    link = links(patch=str(other))
    assert "belongs to another show (Ganzfeld: basic-patch.ganz)" in until(lambda: link.problem, seconds=10)
    assert link._process is None
