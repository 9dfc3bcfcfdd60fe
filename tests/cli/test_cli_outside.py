"""What the command line says of OSC's destinations, addresses and the tempo."""

from __future__ import annotations

import pytest

from ganzfeld.cli._outside import addresses, host_and_port, tempo
from ganzfeld.errors import GanzfeldError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.168.1.20:9000", ("192.168.1.20", 9000)),
        ("9000", ("127.0.0.1", 9000)),
        ("studio.local:7000", ("studio.local", 7000)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_places(text, place):
    assert host_and_port(text) == place


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":", "host:0", "host:70000", "::1:9000", "http://a:9000", "a:9 0"]
)
def test_what_is_no_place(text):
    with pytest.raises(GanzfeldError, match="no place"):
        host_and_port(text)


def test_addresses_and_tempi():
    assert addresses("/face/psi, /clock,/audio/*") == ("/face/psi", "/clock", "/audio/*")
    assert addresses("*") == ("*",)
    with pytest.raises(GanzfeldError) as refused:
        addresses("/a,face")
    assert "/face" in refused.value.hint
    assert tempo("link") == "link"
    assert tempo("124.5") == 124.5
    for text, hint in (("lnk", "link"), ("0", "up to"), ("nan", "up to"), ("5000", "up to")):
        with pytest.raises(GanzfeldError) as refused:
            tempo(text)
        assert hint in refused.value.hint
