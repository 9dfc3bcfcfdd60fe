"""OSCQuery, asked by a client of another library, and by a strict one written from the proposal's text."""

from __future__ import annotations

import contextlib
import json
import math
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonoscquery.osc_query_client import OSCQueryClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from zeroconf import ServiceInfo, Zeroconf

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch.addresses import addresses
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.signals.osc import OscInput
from ganzfeld.studio.oscquery.address_space import AddressSpace, Change, Method, change, of_patch
from ganzfeld.studio.oscquery.announce import TYPE
from ganzfeld.studio.oscquery.server import OscQueryServer
from ganzfeld.studio.reachable import all_own_names
from ganzfeld.values.addresses import Address
from ganzfeld.values.desk import Desk, SnapshotOnDesk
from ganzfeld.values.status import MasterStatus, Problem, Status
from ganzfeld.values.time import Moment
from waiting import until

PATCH = """
push = knob(-2, 3, osc="/pad/x")
kick = env(hit("/drum/kick"), 0, 0.4)
drift = phase(0.1 + osc("/accel/x", 0)*cc(1, 7))
source = noise("simplex2d", amplitude=0.9*push, tx=drift)
target = flip(source, y=True)
out(target)
"""


def table(text: str) -> tuple[Address, ...]:
    rows = tuple(addresses(Graph(parse(text))))
    packed = msgspec.msgpack.encode(rows)  # as the render process sends it
    return msgspec.msgpack.decode(packed, type=tuple[Address, ...])


class QueriedFake:
    """A show that is asked. `tell` is what its render reports."""

    def __init__(self) -> None:
        self.address_table = table(PATCH)
        self.now = Status(phase="playing", fps=59.5, patch_name="organ.ganz", outputs=("out",))
        self.on_desk = Desk(snapshots=(SnapshotOnDesk("dawn", (0, 0)),))
        self.done: list[tuple] = []

    def status(self) -> Status:
        return self.now

    def desk(self) -> Desk:
        return self.on_desk

    def report(self, choose: tuple[str, ...], rate: float, hear: Any) -> None:
        assert choose == ("*",)
        self.hear = hear

    def tell(self, **values: Any) -> None:
        moment = Moment(frame=7, t=1.5, dt=0.02, beat=3.0, bar=0.75, bpm=124.0)
        self.hear(moment, {"/" + name.replace("__", "/"): value for name, value in values.items()})

    # A mailbox, and what OSC turns.

    def set(self, address: str, value: Any) -> None:
        self.done.append(("set", address, value))

    def hit(self, address: str, *arguments: Any, **named: Any) -> None:
        self.done.append(("hit", address, *arguments))

    def counts_hits(self, address: str) -> bool:
        return address == "/drum/kick"

    def turn(self, address: str, value: Any) -> bool:
        self.done.append(("turn", address, value))
        return address.startswith("/source")


@pytest.fixture
def show() -> QueriedFake:
    return QueriedFake()


@pytest.fixture
def server(show: QueriedFake) -> Iterator[OscQueryServer]:
    with served(show) as running:
        yield running


def served(show: QueriedFake, announce: bool = False) -> OscQueryServer:
    packets = OscInput(show, show.turn)
    return OscQueryServer(show, osc_port=9123, packets=packets, name="organ.ganz", announce=announce)


def port_of(server: OscQueryServer) -> int:
    return int(server.url.rsplit(":", 1)[1].strip("/"))


def other_client(server: OscQueryServer) -> OSCQueryClient:
    where = {"port": port_of(server), "addresses": [socket.inet_aton("127.0.0.1")]}
    return OSCQueryClient(ServiceInfo(TYPE, "x." + TYPE, **where))


class StrictClient:
    """Asks as the proposal says, and takes nothing that it does not say."""

    ATTRIBUTES = {
        "FULL_PATH",
        "CONTENTS",
        "TYPE",
        "ACCESS",
        "VALUE",
        "RANGE",
        "DESCRIPTION",
        "UNIT",
        "CLIPMODE",
        "TAGS",
    }
    JSON = {"f": float, "i": int, "s": str, "T": bool, "F": bool}

    def __init__(self, server: OscQueryServer) -> None:
        self.host = re.match(r"http://([^/]+)/", server.url)[1]  # type: ignore[index]

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        import http.client

        connection = http.client.HTTPConnection(self.host, timeout=5)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return answer.status, body
        assert answer.headers["content-type"] == "application/json"
        found = json.loads(body, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        if "HOST_INFO" not in path and "?" not in path:
            self.check(found, path)
        return 200, found

    def check(self, node: dict[str, Any], path: str) -> None:
        assert node["FULL_PATH"] == path and node.keys() <= self.ATTRIBUTES
        assert node["ACCESS"] in (0, 1, 2, 3)
        if "TYPE" in node:
            assert len(node["TYPE"]) == 1
            for name in ("VALUE", "RANGE", "UNIT", "CLIPMODE"):
                assert len(node.get(name, [0])) == 1
            assert "VALUE" in node if node["ACCESS"] & 1 else "VALUE" not in node
            assert type(node["VALUE"][0]) is self.JSON[node["TYPE"]]
            (span,) = node.get("RANGE", [{}])
            assert span.keys() <= {"MIN", "MAX", "VALS"}
            assert all(type(each) is self.JSON[node["TYPE"]] for each in span.get("VALS", ()))
        else:
            assert node["ACCESS"] == 0 and "CONTENTS" in node
        for name, child in node.get("CONTENTS", {}).items():
            self.check(child, f"{path.rstrip('/')}/{name}")

    def live(self) -> ClientConnection:
        return connect(f"ws://{self.host}/", compression=None, proxy=None, open_timeout=5)


def test_a_client_of_another_library_reads_the_table(server, show):
    client = other_client(server)
    info = client.get_host_info()
    assert (info.osc_ip, info.osc_port, info.osc_transport) == ("127.0.0.1", 9123, "UDP")
    assert "organ.ganz" in info.name and info.extensions["LISTEN"]
    root = client.query_node("/")
    found = {node.full_path: node for node in root}
    assert found["/source/amplitude"].value == [0.5] and "Strength" in found["/source/amplitude"].description
    assert found["/push"].value == [0.5] or found["/push"].value == [0.0]
    assert found["/target/y"].value == [False]
    assert client.query_node("/nothing") is None
    show.tell(source__amplitude=0.25)
    until(lambda: client.query_node("/source/amplitude").value == [0.25], seconds=10)


def test_every_address_says_type_range_and_value_as_the_proposal_has_them(server):
    client = StrictClient(server)
    _, root = client.get("/")
    source = root["CONTENTS"]["source"]["CONTENTS"]
    assert source["type"]["TYPE"] == "s" and "simplex2d" in source["type"]["RANGE"][0]["VALS"]
    assert source["amplitude"]["RANGE"] == [{"MIN": 0.0, "MAX": 2.0}]
    assert source["rz"]["UNIT"] == ["angle.degree"]
    assert source["offset"]["VALUE"] == [0.0]  # not a number: each reader has its own
    assert root["CONTENTS"]["push"]["RANGE"] == [{"MIN": -2.0, "MAX": 3.0}]
    assert root["CONTENTS"]["push"]["CLIPMODE"] == ["both"]
    assert "moves" in source["tx"]["TAGS"] and "moves" not in source["rz"]["TAGS"]
    assert root["CONTENTS"]["drum"]["CONTENTS"]["kick"]["TAGS"] == ["hit"]
    assert "midi" not in root["CONTENTS"]  # that is no OSC
    assert root["CONTENTS"]["snapshot"]["CONTENTS"]["recall"]["RANGE"] == [{"VALS": ["dawn"]}]


def test_a_query_gives_one_attribute_or_says_why_not(server):
    get = StrictClient(server).get
    assert get("/source/type?VALUE") == (200, {"VALUE": ["simplex2d"]})
    assert get("/source?ACCESS") == (200, {"ACCESS": 0})
    assert get("/source?TYPE") == (200, {})
    assert get("/source?VALUE")[0] == 204
    assert get("/source/amplitude?GABBA")[0] == 400
    assert get("/source/amplitud")[0] == 404
    assert get("/anything?HOST_INFO")[1]["OSC_PORT"] == 9123


def test_another_page_or_another_name_is_not_answered(server):
    get = StrictClient(server).get
    assert get("/", Origin="https://evil.example")[0] == 403
    assert get("/", Host="evil.example:80")[0] == 403
    with pytest.raises(InvalidStatus):
        connect(f"ws://{StrictClient(server).host}/", proxy=None, origin="https://evil.example")  # type: ignore[arg-type]


def test_a_listener_hears_values_as_they_change_and_only_those(server, show):
    with StrictClient(server).live() as socket:
        socket.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/source/amplitude"}))
        socket.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/clock/frame"}))
        show.tell(source__amplitude=0.75, source__tx=5.0)
        heard = {}
        while heard.keys() < {"/source/amplitude", "/clock/frame"} or heard["/clock/frame"] != 7:
            message = OscMessage(socket.recv(timeout=10))
            heard[message.address] = message.params[0]
        assert heard["/source/amplitude"] == 0.75
        socket.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/source/amplitude"}))
        socket.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/source/tx"}))
        assert OscMessage(socket.recv(timeout=10)).address == "/source/tx"
        show.tell(source__amplitude=0.1, source__tx=6.0)
        assert OscMessage(socket.recv(timeout=10)).address == "/source/tx"


def test_packets_come_in_over_the_socket(server, show):
    builder = OscMessageBuilder("/source/amplitude")
    builder.add_arg(0.5)
    with StrictClient(server).live() as socket:
        socket.send(builder.build().dgram)
        socket.send(OscMessageBuilder("/drum/kick").build().dgram)
        until(lambda: ("hit", "/drum/kick") in show.done, seconds=10)
        assert ("turn", "/source/amplitude", 0.5) in show.done
        socket.send("no command")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def test_another_patch_is_told_and_asked_for(server, show):
    client = StrictClient(server)
    with client.live() as socket:
        socket.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/kick"}))
        show.address_table = table(PATCH.replace("kick =", "snare =").replace("-2, 3", "0, 1"))
        heard = []
        while not heard or heard[-1]["COMMAND"] != "PATH_CHANGED":
            message = socket.recv(timeout=10)
            if isinstance(message, str):
                heard.append(json.loads(message))
    assert {"COMMAND": "PATH_ADDED", "DATA": "/snare"} in heard
    assert {"COMMAND": "PATH_REMOVED", "DATA": "/kick"} in heard
    assert heard[-1]["DATA"] == "/"
    assert client.get("/push?RANGE")[1] == {"RANGE": [{"MIN": 0.0, "MAX": 1.0}]}


def test_errors_and_the_master_are_values_too(server, show):
    show.now = Status(errors=(Problem("no such file", "Look there"),), master=MasterStatus(level=0.5))
    get = StrictClient(server).get
    until(lambda: "no such file" in get("/show/error?VALUE")[1]["VALUE"][0], seconds=10)
    assert get("/master/level?VALUE")[1] == {"VALUE": [0.5]}


def test_how_long_nobody_asked(server):
    client = StrictClient(server)
    with client.live():
        until(lambda: server.alone_for() == 0.0, seconds=10)
    until(lambda: server.alone_for() > 0.0, seconds=10)
    before = server._state.asked.at
    client.get("/?HOST_INFO")  # somebody looks whose show this is
    assert server._state.asked.at == before
    client.get("/clock")
    assert server._state.asked.at > before


def test_a_port_that_is_taken_is_told(show, server):
    other = OscQueryServer(show, osc_port=1, packets=OscInput(show), name="x", port=port_of(server), announce=False)
    with pytest.raises(GanzfeldError, match="taken"):
        other.start()


@pytest.mark.skipif(sys.platform != "linux", reason="not every system has multicast on its loopback")
def test_it_is_announced(show):
    zeroconf = Zeroconf(interfaces=["127.0.0.1"])
    with served(show, announce=True) as server, contextlib.closing(zeroconf):
        found = until(lambda: zeroconf.get_service_info(TYPE, f"Ganzfeld organ ganz.{TYPE}", 500), seconds=10)
        assert found.port == port_of(server)
        assert found.parsed_addresses() == ["127.0.0.1"]


def test_a_tree_has_no_address_that_osc_cannot_say():
    methods = [Method(address, "f", 3) for address in ("/a", "/a/b", "/a b", "/x#", "noslash", "/", "//", "/a")]
    space = AddressSpace(methods)
    assert list(space.methods) == ["/a", "/a/b"]
    both = space.describe("/a", {"/a": math.inf, "/a/b": [2.0, 3.0]})
    assert both["VALUE"] == [0.0] and both["CONTENTS"]["b"]["VALUE"] == [2.0]


def test_what_changed_is_told_by_its_innermost_container():
    before = AddressSpace(of_patch(table(PATCH)))
    assert change(before, AddressSpace(of_patch(table(PATCH)))) is None
    now = AddressSpace(of_patch(table(PATCH.replace('"simplex2d"', '"perlin2d"'))))
    assert change(before, now) is None  # a value is no change of the table
    lonely = AddressSpace([Method("/a/b/c", "f", 3), Method("/a/b/d", "f", 3)])
    assert change(AddressSpace([Method("/a/b/c", "f", 3)]), lonely) == Change("/a/b", ("/a/b/d",), ())


def test_a_machine_knows_its_own_names():
    assert "127.0.0.1" in all_own_names()
