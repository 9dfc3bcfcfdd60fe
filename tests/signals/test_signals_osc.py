"""OSC over real UDP sockets, from and to other libraries."""

import socket
import time

import pytest
from oscpy.client import OSCClient
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.errors import PatchError, SignalError
from ganzfeld.patch.expressions import Scope, compile_expression
from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.signals.osc import MOST_AHEAD_SECONDS, MOST_WAITING, OscInput, OscReceiver
from ganzfeld.signals.osc_packets import bundle, encode, parse
from ganzfeld.values.outside import Outside
from ganzfeld.values.time import Moment
from waiting import until


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def receiver(outside):
    with OscReceiver(outside, port=0) as receiver:
        yield receiver


def evaluate(text: str, outside: Outside):
    """What an expression of a patch makes of the mailbox."""
    frame = FrameContext(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), outside.take(), {}, {})
    return compile_expression(text, scope=Scope(), owner="/x").evaluate(frame)


def test_values_of_another_library_reach_an_expression(outside, receiver):
    client = OSCClient("127.0.0.1", receiver.port)
    client.send_message(b"/accel/x", [0.25])
    client.send_message(b"/accel/x", [0.75])
    client.send_message(b"/word", [b"bd"])
    assert until(lambda: receiver.received == 3)
    assert evaluate('osc("/accel/x", 0)', outside) == 0.75
    assert evaluate('osc("/word", "")', outside) == "bd"
    assert evaluate('osc("/never", 7)', outside) == 7


def test_every_hit_counts_even_ten_within_a_frame(outside, receiver):
    client = SimpleUDPClient("127.0.0.1", receiver.port)
    for _ in range(10):
        client.send_message("/drum/kick", 1)
    client.send_message("/drum/snare", [])
    assert until(lambda: receiver.received == 11)
    assert evaluate('hit("/drum/kick")', outside) == 10
    assert evaluate('hit("/drum/kick")', outside) == 0


def test_a_trigger_without_arguments_is_a_hit_and_no_value(outside, receiver):
    SimpleUDPClient("127.0.0.1", receiver.port).send_message("/go", [])
    assert until(lambda: receiver.received)
    inbox = outside.take()
    assert [hit.address for hit in inbox.hits] == ["/go"]
    assert inbox.values == {}


def dirt(sound: str, time: float):
    builder = OscBundleBuilder(time)
    message = OscMessageBuilder("/dirt/play")
    for value in ("_id_", "1", "cps", 0.5625, "cycle", 12.0, "s", sound, "self", 1, "address", 2):
        message.add_arg(value)
    builder.add_content(message.build())
    return builder.build().dgram


def test_tidals_messages_can_be_told_apart_by_name(outside, receiver):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for sound in ("bd", "sn", "bd"):
        sender.sendto(dirt(sound, time.time() + 0.02), ("127.0.0.1", receiver.port))
    sender.close()
    hits = []
    assert until(lambda: len(hits) == 3 or hits.extend(outside.take().hits) or len(hits) == 3)
    assert sum(hit.named["s"] == "bd" for hit in hits) == 2
    assert hits[0].named["cps"] == 0.5625
    for hit in hits:
        outside.hit(hit.address, *hit.arguments, **hit.named)
    assert evaluate('hit("/dirt/play", s="bd")', outside) == 2


def test_a_later_bundle_waits_while_others_pass(outside, receiver):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to = ("127.0.0.1", receiver.port)
    soon = time.time() + 0.5
    sender.sendto(bundle([encode("/third")], time=soon + 0.05), to)
    sender.sendto(bundle([encode("/second")], time=soon), to)
    sender.sendto(encode("/first"), to)
    sender.close()
    hits = []
    assert until(lambda: len(hits) == 3 or hits.extend(outside.take().hits) or len(hits) == 3)
    assert [hit.address for hit in hits] == ["/first", "/second", "/third"]


def test_time_tags_by_a_clock_of_our_own(outside):
    osc = OscInput(outside)
    wall = 1_800_000_000.0

    def played():
        return [hit.address for hit in outside.take().hits]

    osc.feed(bundle([encode("/b"), encode("/c")], time=wall + 2), now=50.0, wall=wall)
    osc.feed(bundle([encode("/a")], time=wall + 1), now=50.0, wall=wall)
    osc.feed(bundle([encode("/late")], time=wall - 5), now=50.0, wall=wall)
    assert played() == ["/late"]
    assert osc.release(50.5) == pytest.approx(0.5)
    assert played() == []
    assert osc.release(51.0) == pytest.approx(1.0)
    assert played() == ["/a"]
    assert osc.release(60.0) is None
    assert played() == ["/b", "/c"]
    # A clock that is hours off, as local time is: at once.
    osc.feed(bundle([encode("/far")], time=wall + 7200), now=60.0, wall=wall)
    assert played() == ["/far"]
    assert osc.astray == 1
    assert osc.received == 5


def test_waiting_messages_are_bounded(outside):
    osc = OscInput(outside)
    packet = bundle([encode("/a")] * 1024, time=1000.0 + MOST_AHEAD_SECONDS / 2)
    for _ in range(6):
        osc.feed(packet, now=0.0, wall=1000.0)
    assert osc.dropped == 6 * 1024 - MOST_WAITING
    osc.release(100.0)
    assert len(outside.take().hits) == MOST_WAITING


def test_hostile_packets_are_counted_and_the_next_good_one_plays(outside, receiver):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hostile = [b"", b"\0" * 100, b"#bundle\0" + bytes(7) + b"\1\xff\xff\xff\xfc", b"/a\0\0,[[[", b"/x" * 30000]
    for packet in [*hostile, encode("/fine", 1)]:
        sender.sendto(packet, ("127.0.0.1", receiver.port))
    sender.close()
    assert until(lambda: "/fine" in outside.values())
    assert receiver.dropped == len(hostile)
    assert receiver.received == 1


def test_packets_as_large_as_udp_carries(outside, receiver):
    SimpleUDPClient("127.0.0.1", receiver.port).send_message("/large", [bytes(60000), 1])
    assert until(lambda: receiver.received)
    (hit,) = outside.take().hits
    assert hit.arguments == (None, 1), "raw bytes are of no use to anybody"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"raw", [1.0, [float("nan")]]])
def test_what_no_expression_can_read_is_only_a_hit(outside, value):
    OscInput(outside, turn=lambda address, value: pytest.fail("turned")).feed(encode("/a", value), 0.0, 0.0)
    assert outside.values() == {}
    assert len(outside.take().hits) == 1


def test_text_at_the_addresses_of_other_signals_is_refused(outside):
    osc = OscInput(outside)
    osc.feed(encode("/midi/cc/1/74", "loud"), 0.0, 0.0)
    osc.feed(encode("/audio/level", 0.5), 0.0, 0.0)
    assert outside.values() == {"/audio/level": 0.5}
    assert osc.refused == 1


class Desk:
    """A few parameters, as the engine admits values to them."""

    def __init__(self):
        self.turned = {}

    def turn(self, address, value):
        if address not in ("/face/psi", "/noise/translate"):
            return False
        if address == "/face/psi" and not isinstance(value, int | float):
            raise PatchError(f"face.psi is a number, not {value!r}")
        self.turned[address] = value
        return True


def test_known_addresses_are_turned_and_others_kept(outside):
    desk = Desk()
    osc = OscInput(outside, desk.turn)
    osc.feed(encode("/face/psi", 0.7), 0.0, 0.0)
    osc.feed(encode("/noise/translate", 1.0, 2.0), 0.0, 0.0)
    osc.feed(encode("/other", 3), 0.0, 0.0)
    osc.feed(encode("/face/psi"), 0.0, 0.0)
    assert desk.turned == {"/face/psi": pytest.approx(0.7), "/noise/translate": [1.0, 2.0]}
    assert outside.values() == {"/other": 3}
    assert len(outside.take().hits) == 4


def test_a_refused_value_is_reported_and_a_failing_turn_does_no_harm(outside):
    osc = OscInput(outside, Desk().turn)
    osc.feed(encode("/face/psi", "high"), 0.0, 0.0)
    assert osc.refused == 1
    assert "is a number" in str(osc.problem)

    def fail(address, value):
        raise RuntimeError("no")

    osc.turn = osc.listener = fail
    osc.feed(encode("/face/psi", 1), 0.0, 0.0)
    assert osc.refused == 2
    assert "RuntimeError" in str(osc.problem)
    assert outside.values() == {}


def test_touchdesigners_channels(outside):
    # OSC Out CHOP: a bundle of /name value; a time slice holds several samples, the last is the newest.
    # It is stamped in local time, here two hours ahead of what a time tag should be.
    desk = Desk()
    osc = OscInput(outside, desk.turn)
    wall = 1_800_000_000.0
    channels = [encode("/face/psi", 0.1, 0.2, 0.5), encode("/chan1", 1.0), encode("/speed/x", -2.0)]
    osc.feed(bundle(channels, time=wall + 7200), 0.0, wall)
    assert desk.turned == {"/face/psi": 0.5}
    assert outside.values() == {"/chan1": 1.0, "/speed/x": -2.0}


def test_the_port_belongs_to_one(receiver, outside):
    with pytest.raises(SignalError, match=str(receiver.port)):
        OscReceiver(outside, port=receiver.port).start()
    receiver.stop()
    with OscReceiver(outside, port=receiver.port):
        pass


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("no such host", 0), ("127.0.0.1", 70000)])
def test_an_impossible_place_to_listen(outside, host, port):
    with pytest.raises(SignalError, match="OSC cannot listen"):
        OscReceiver(outside, port=port, host=host).start()


def test_it_listens_to_this_machine_only_unless_told(receiver):
    assert receiver._socket.getsockname()[0] == "127.0.0.1"


def test_it_stops_and_starts_again(outside):
    receiver = OscReceiver(outside, port=0).start()
    port = receiver.port
    receiver.stop()
    receiver.stop()
    assert receiver.start() is receiver.start()
    SimpleUDPClient("127.0.0.1", port).send_message("/again", 1)
    assert until(lambda: receiver.received)
    receiver.stop()


def test_the_monitor_sees_every_message_with_its_types(outside):
    seen = []
    OscInput(outside, listener=seen.append).feed(bundle([encode("/a", 1, "x"), encode("/b", True)]), 0.0, 0.0)
    assert [(message.address, message.arguments) for message in seen] == [("/a", (1, "x")), ("/b", (True,))]
    assert parse(encode("/b", True)).messages == [seen[1]]
