"""OSC out, read by another library at a real UDP port."""

import socket

import pytest
from pythonosc.osc_packet import OscPacket

from ganzfeld.errors import SignalError
from ganzfeld.signals.osc_out import LARGEST_BUNDLE, OscSender
from ganzfeld.values.time import Moment

NO_CLOCK = ["/face", "/noise", "/node", "/object", "/huge", "/fine"]


class Ear:
    """A UDP port; what came in, as python-osc reads it."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)  # loopback delivers before sendto returns
        self.port = self.socket.getsockname()[1]
        self.sizes = []

    def heard(self):
        messages = {}
        while True:
            try:
                packet = self.socket.recv(65535)
            except BlockingIOError:
                return messages
            self.sizes.append(len(packet))
            messages |= {timed.message.address: list(timed.message) for timed in OscPacket(packet).messages}


@pytest.fixture
def ear():
    ear = Ear()
    yield ear
    ear.socket.close()


def moment(frame=0, t=0.0):
    return Moment(frame, t, 1 / 60, t * 2, t / 2, 120.0)


def test_everything_once_then_changes_then_everything_again(ear):
    with OscSender("127.0.0.1", ear.port, choose=NO_CLOCK) as sender:
        values = {"/face/psi": 0.0, "/face/show": "b4", "/face/flip": True, "/noise/translate": [1.0, 2.0]}
        sender.frame(moment(), values, now=0.0)
        assert ear.heard() == {
            "/face/psi": [0.0],  # a zero too: a channel that was never sent does not exist
            "/face/show": ["b4"],
            "/face/flip": [1],
            "/noise/translate": [1.0, 2.0],
        }
        sender.frame(moment(), values, now=0.1)
        assert ear.heard() == {}
        sender.frame(moment(), values | {"/face/psi": 0.5}, now=0.2)
        assert ear.heard() == {"/face/psi": [0.5]}
        sender.frame(moment(), values, now=1.1)
        assert set(ear.heard()) == set(values)


def test_no_more_often_than_its_rate_and_the_newest_wins(ear):
    with OscSender("127.0.0.1", ear.port, choose=["/a"], rate=10, only_changes=False) as sender:
        heard = []
        for frame in range(60):
            sender.frame(moment(frame), {"/a": frame}, now=frame / 60)
            heard += [ear.heard()]
        heard = [messages for messages in heard if messages]
        assert len(heard) == 10
        assert [messages["/a"][0] for messages in heard] == list(range(0, 60, 6))


def test_only_what_was_chosen(ear):
    values = {"/face/psi": 1.0, "/face/spin/rotate": 2.0, "/audio/level": 0.5, "/noise/gain": 3.0}
    with OscSender("127.0.0.1", ear.port, choose=["/face/*", "/audio/level"]) as sender:
        sender.frame(moment(), values)
        assert set(ear.heard()) == {"/face/psi", "/face/spin/rotate", "/audio/level"}


def test_the_frame_clock(ear):
    with OscSender("127.0.0.1", ear.port) as sender:
        sender.frame(moment(frame=90, t=1.5), {})
        assert ear.heard() == {
            "/clock/frame": [90],
            "/clock/t": [1.5],
            "/clock/beat": [3.0],
            "/clock/bar": [0.75],
            "/clock/bpm": [120.0],
        }


def test_an_event_goes_at_once(ear):
    with OscSender("127.0.0.1", ear.port, choose=["/audio"]) as sender:
        sender.hit("/audio/onset")
        assert ear.heard() == {"/audio/onset": [1]}
        sender.hit("/midi/note/1/60", 0.5)
        sender.hit("/audio/odd", object())
        assert ear.heard() == {}


def test_many_values_go_in_packets_that_every_network_passes(ear):
    values = {f"/node/parameter{k}": float(k) for k in range(500)}
    with OscSender("127.0.0.1", ear.port, choose=NO_CLOCK) as sender:
        sender.frame(moment(), values)
        assert ear.heard() == {address: [value] for address, value in values.items()}
        assert len(ear.sizes) > 1
        assert max(ear.sizes) <= LARGEST_BUNDLE


def test_what_osc_cannot_say_is_left_out(ear):
    with OscSender("127.0.0.1", ear.port, choose=NO_CLOCK) as sender:
        sender.frame(moment(), {"/object": object(), "/huge": 1e300, "/fine": 1})
        assert ear.heard() == {"/huge": [1e300], "/fine": [1]}


def test_nobody_there_is_no_error(ear):
    ear.socket.close()
    with OscSender("127.0.0.1", ear.port) as sender:
        for frame in range(20):
            sender.frame(moment(frame), {"/a": frame}, now=frame)
        assert sender.sent + sender.failed == 20
    sender.frame(moment(), {"/a": 1}, now=30.0)  # after the end, too
    assert sender.failed


def test_one_message_at_once(ear):
    with OscSender("127.0.0.1", ear.port) as sender:
        sender.send("/hello", 1, "two", 3.0)
        assert ear.heard() == {"/hello": [1, "two", 3.0]}


@pytest.mark.parametrize(("host", "port"), [("no such host", 9000), ("127.0.0.1", 0), ("127.0.0.1", 70000)])
def test_nowhere_to_send(host, port):
    with pytest.raises(SignalError, match="cannot be sent"):
        OscSender(host, port)
