"""How doors are doing, over OSC, as another library reads it."""

from __future__ import annotations

import socket

import pytest
from pythonosc.osc_message import OscMessage

from ganzfeld.signals.doors_out import DoorsOut
from ganzfeld.signals.osc import OscInput
from ganzfeld.signals.osc_out import REFRESH_SECONDS, OscSender
from ganzfeld.signals.osc_packets import encode
from ganzfeld.values.outside import Outside
from ganzfeld.values.status import DoorStatus, MasterStatus, Problem


@pytest.fixture
def ear():
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.settimeout(5)
    yield ear
    ear.close()


def heard(ear: socket.socket, count: int) -> dict[str, list]:
    messages = [OscMessage(ear.recv(2048)) for _ in range(count)]
    return {message.address: message.params for message in messages}


def test_what_changes_is_sent_and_everything_once_a_second(ear):
    doors = [DoorStatus(name="wall", type="window", state="open", fps=60.0)]
    with OscSender("127.0.0.1", ear.getsockname()[1]) as sender:
        out = DoorsOut(lambda: (doors, MasterStatus()), [sender])
        out.send(100.0)
        assert heard(ear, 7) == {
            "/master/level": [1.0],
            "/master/black": [0.0],
            "/master/freeze": [0],
            "/door/wall/state": ["open"],
            "/door/wall/fps": [60.0],
            "/door/wall/restarts": [0],
            "/door/wall/error": [""],
        }
        problem = Problem("the display is gone")
        doors[0] = DoorStatus(name="wall", type="window", state="failed", fps=60.0, problem=problem)
        out.send(100.1)
        assert heard(ear, 2) == {"/door/wall/state": ["failed"], "/door/wall/error": ["the display is gone"]}
        out.send(100.1 + REFRESH_SECONDS)
        assert len(heard(ear, 7)) == 7


def test_only_what_was_chosen_is_sent(ear):
    doors = [DoorStatus(name="wall", type="window")]
    with OscSender("127.0.0.1", ear.getsockname()[1], choose=["/door/wall/state"]) as sender:
        DoorsOut(lambda: (doors, MasterStatus()), [sender]).send(1e6)
        assert heard(ear, 1) == {"/door/wall/state": ["starting"]}
        ear.settimeout(0.05)
        with pytest.raises(TimeoutError):
            ear.recv(2048)


def test_messages_for_the_master_arrive_as_value_and_seconds():
    turned = []
    osc = OscInput(Outside(), lambda address, value: turned.append((address, value)) or True)
    for arguments in ((0.5,), (1, 2.0)):
        osc.feed(encode("/master/black", *arguments), 0.0, 0.0)
    assert turned == [("/master/black", 0.5), ("/master/black", [1, 2.0])]
