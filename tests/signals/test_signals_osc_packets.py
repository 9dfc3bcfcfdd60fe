"""Packets: every type, checked against the standard's bytes and two other libraries; hostile ones refused."""

import struct
from random import Random

import oscpy.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from ganzfeld.signals.osc_packets import DEEPEST, Message, PacketError, Unread, bundle, encode
from ganzfeld.signals.osc_packets import parse as read

NOW = struct.pack(">Q", 1)


def parse(packet: bytes) -> list[Message]:
    """The messages of a packet of which everything can be read."""
    packet = read(packet)
    assert packet.unread == []
    return packet.messages


def raw(address: bytes, tags: bytes, data: bytes = b"") -> bytes:
    def padded(text: bytes) -> bytes:
        return text + bytes(4 - len(text) % 4)

    return padded(address) + padded(tags) + data


def test_the_standards_own_examples():
    # The two messages that the OSC 1.0 specification spells out byte by byte.
    first = bytes.fromhex("2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000")
    second = bytes.fromhex("2f666f6f000000002c69697366660000000003e8ffffffff68656c6c6f0000003f9df3b640b5b22d")
    assert parse(first) == [Message("/oscillator/4/frequency", (440.0,))]
    (message,) = parse(second)
    assert message.arguments[:3] == (1000, -1, "hello")
    assert message.arguments[3:] == pytest.approx((1.234, 5.678))
    assert encode("/oscillator/4/frequency", 440.0) == first


def test_every_type():
    half_past = struct.pack(">II", 2_208_988_800 + 1_000, 2**31)
    tags = b",ihfdsSbtTFNIrcm[i[f]]"
    data = b"".join(
        [
            struct.pack(">iqfd", -7, 2**40, 0.5, 1e300),
            b"one\0",
            b"symbol\0\0",
            struct.pack(">i", 5) + b"bytes\0\0\0",
            half_past,
            struct.pack(">I", 0xFF8000FF),
            struct.pack(">I", ord("q")),
            bytes([1, 0x90, 60, 127]),
            struct.pack(">if", 3, 0.25),
        ]
    )
    (message,) = parse(raw(b"/all", tags, data))
    assert message.arguments == (
        *(-7, 2**40, 0.5, 1e300, "one", "symbol", b"bytes", 1000.5, True, False, None, True),
        *(0xFF8000FF, "q", [1, 0x90, 60, 127], [3, [0.25]]),
    )
    assert [type(value) for value in message.arguments[8:10]] == [bool, bool]


def test_a_message_without_type_tags_is_a_trigger():
    assert parse(b"/go\0") == parse(b"/go\0,\0\0\0") == [Message("/go")]


def test_the_other_libraries_read_what_we_write_and_we_read_what_they_write():
    values = [1, -(2**40), 0.5, "häuser", b"blob", True, False, None, [2, [0.25, "x"]]]
    assert list(OscMessage(encode("/a/b", *values))) == values
    builder = OscMessageBuilder("/a/b")
    for value in values:
        builder.add_arg(value)
    assert parse(builder.build().dgram) == [Message("/a/b", tuple(values))]
    plain = [1, 0.5, b"text", b"more"]  # oscpy's strings are bytes
    address, _, read, _ = oscpy.parser.read_message(encode("/a", 1, 0.5, "text", "more"))
    assert (address, read) == (b"/a", plain)
    assert parse(oscpy.parser.format_message(b"/a", plain)[0]) == [Message("/a", (1, 0.5, "text", "more"))]


def test_bundles_keep_their_times_and_the_order_in_them():
    def builder(time: float) -> OscBundleBuilder:
        return OscBundleBuilder(time)

    def message(address: str):
        return OscMessageBuilder(address).build()

    outer, earlier, later = builder(2000.5), builder(IMMEDIATELY), builder(3000.25)
    earlier.add_content(message("/b"))
    later.add_content(message("/c"))
    for content in (message("/a"), earlier.build(), later.build(), message("/d")):
        outer.add_content(content)
    read = parse(outer.build().dgram)
    assert [(one.address, one.time) for one in read] == [
        ("/a", 2000.5),
        ("/b", 2000.5),  # never before the bundle that it is in
        ("/c", 3000.25),
        ("/d", 2000.5),
    ]
    ours = OscBundle(bundle([encode("/a", 1), bundle([encode("/b", 2)])], time=2000.5))
    assert ours.timestamp == 2000.5
    assert [type(content) for content in ours] == [OscMessage, OscBundle]
    assert parse(bundle([])) == []
    assert parse(b"#bundle\0" + bytes(8) + struct.pack(">i", 4) + b"/a\0\0") == [Message("/a")]


def test_times_go_on_after_2036():
    after = 2_085_978_500.0  # the standard's count of seconds began anew four seconds before
    assert parse(bundle([encode("/a")], time=after)) == [Message("/a", (), after)]


def nested(depth: int) -> bytes:
    packet = encode("/deep")
    for _ in range(depth):
        packet = bundle([packet])
    return packet


HOSTILE = {
    "nothing": b"",
    "not OSC": b"GET / HTTP/1.1\r\n\r\n",
    "an address without an end": b"/abc",
    "an address not padded": b"/ab\0,i\0",
    "a control character": raw(b"/a\nb", b","),
    "a long address": raw(b"/" + b"a" * 300, b","),
    "no comma": raw(b"/a", b"f", bytes(4)),
    "an unknown type": raw(b"/a", b",?", bytes(4)),
    "a number cut off": raw(b"/a", b",d", bytes(4)),
    "a text cut off": raw(b"/a", b",s", b"abcd"),
    "a negative blob": raw(b"/a", b",bi", struct.pack(">ii", -8, 0)),
    "a blob larger than the packet": raw(b"/a", b",b", struct.pack(">i", 2**31 - 1)),
    "an array without an end": raw(b"/a", b",[i", bytes(4)),
    "an array that only ends": raw(b"/a", b",]"),
    "two ends": raw(b"/a", b",[]]"),
    "arrays too deep": raw(b"/a", b"," + b"[" * 1000 + b"]" * 1000),
    "too many arguments": raw(b"/a", b"," + b"T" * 2000),
    "very many arguments": raw(b"/a", b"," + b"T" * 60000),
    "a very long text": raw(b"/a", b",s", b"x" * 60000 + bytes(4)),
    "not a character": raw(b"/a", b",c", struct.pack(">I", 0x110000)),
    "half a character": raw(b"/a", b",c", struct.pack(">I", 0xD800)),
    "no slash": raw(b"foo", b",f", bytes(4)),
    "larger than UDP": raw(b"/a", b",b", struct.pack(">i", 65536) + bytes(65536)),
    "a bundle without a time": b"#bundle\0" + bytes(4),
    "an element that goes back": b"#bundle\0" + NOW + struct.pack(">i", -4),
    "an element of no size": b"#bundle\0" + NOW + struct.pack(">i", 0),
    "an element larger than the packet": b"#bundle\0" + NOW + struct.pack(">i", 400) + encode("/a"),
    "a bundle cut off": bundle([encode("/a", 1)])[:-2] + b"",
    "bundles too deep": nested(DEEPEST + 1),
    "bundles very deep": nested(3000),
}


@pytest.mark.parametrize("packet", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_packets_give_nothing_and_say_why(packet):
    found = read(packet)
    assert found.messages == []
    assert all(unread.reason for unread in found.unread)
    assert len(found.unread) == 1


ODD = {
    "an unknown type": (raw(b"/x", b",Xf", bytes(8)), "/x", "unknown type"),
    "1,500 arguments": (raw(b"/x", b"," + b"f" * 1500, bytes(6000)), "/x", "too many"),
    "an empty element": (b"", "", "empty"),
    "no slash": (raw(b"foo", b",f", bytes(4)), "", "slash"),
    "an argument cut off": (raw(b"/x", b",d", bytes(4)), "/x", "cut off"),
    "no type tags": (raw(b"/x", b"f", bytes(4)), "/x", "no type tags"),
    "bundles too deep": (nested(DEEPEST), "", "deep"),
    "of no whole words": (b"/a\0", "", "text cut off"),
    "a bundle without a time": (b"#bundle\0" + bytes(4), "", "time"),
    "a bundle that lies": (b"#bundle\0" + NOW + struct.pack(">i", 99), "", "99 bytes"),
}


@pytest.mark.parametrize(("odd", "address", "reason"), ODD.values(), ids=ODD.keys())
def test_one_odd_message_costs_its_bundle_nothing(odd, address, reason):
    found = read(bundle([encode("/before", 1), odd, encode("/after", 2)]))
    assert found.messages == [Message("/before", (1,)), Message("/after", (2,))]
    (unread,) = found.unread
    assert unread.address == address
    assert reason in unread.reason
    assert str(unread).startswith(address)


def test_what_follows_an_element_of_a_wrong_size_is_lost_and_what_came_before_is_not():
    whole = bundle([encode("/before", 1)])
    for size in (-4, 2**31 - 1):
        found = read(whole + struct.pack(">i", size) + encode("/after"))
        assert found.messages == [Message("/before", (1,))]
        assert len(found.unread) == 1
    assert read(whole + b"\0\0").messages == [Message("/before", (1,))]


@pytest.mark.parametrize(
    "address", ["/my fader", "/tx[1]", "/layers/1/clips/#3", "/a,b", "/layer:1/opacity", "/größe", "//a", "/a/", "/"]
)
def test_addresses_as_other_programs_send_them(address):
    assert parse(raw(address.encode(), b",f", struct.pack(">f", 0.5))) == [Message(address, (0.5,))]
    assert parse(encode(address, 0.5)) == [Message(address, (0.5,))]


def test_text_of_another_code_page():
    name = "Müller’s"
    assert parse(raw(b"/clip", b",s", name.encode("cp1252") + bytes(4))) == [Message("/clip", (name,))]
    assert parse(raw("/größe".encode("latin-1"), b",")) == [Message("/größe")]
    assert parse(raw(b"/a", b",c", struct.pack(">I", ord("ü")))) == [Message("/a", ("ü",))]
    assert parse(raw(b"/a", b",s", b"\x81\xff\0\0")) == [Message("/a", ("\ufffdÿ",))]


def test_bundles_may_be_deep_within_reason():
    assert parse(nested(DEEPEST)) == [Message("/deep")]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_raise_nothing(data):
    for packet in (data, b"#bundle\0" + data, b"/a\0\0" + data):
        found = read(packet)
        assert all(isinstance(unread, Unread) for unread in found.unread)


WHOLE = bundle(
    [encode("/a/b", 1, 0.5, "text", b"blob", [True, None]), bundle([encode("/c", 2**40)], time=5e9), encode("/d")]
)


def test_a_packet_damaged_anywhere_raises_nothing():
    random = Random(4)
    for _ in range(2000):
        data = bytearray(WHOLE)
        for _ in range(random.randint(0, 4)):
            data[random.randrange(len(data))] = random.choice((0, 1, 4, 127, 128, 255, random.randrange(256)))
        found = read(bytes(data[: random.randint(0, len(data))]))
        assert all(message.address.startswith("/") for message in found.messages)


scalars = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(width=32, allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20)
    | st.booleans()
    | st.none()
)


@settings(deadline=None)
@given(st.lists(scalars | st.lists(scalars, max_size=3), max_size=6))
def test_what_is_written_is_read_back(values):
    assert parse(bundle([encode("/x/y", *values)])) == [Message("/x/y", tuple(values))]


@pytest.mark.parametrize("value", [object(), 2**63, "a\0b", {1: 2}])
def test_what_osc_cannot_say_is_refused(value):
    with pytest.raises(PacketError):
        encode("/a", value)
