"""A container or a format is one module in its folder: nothing else names it."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import containers, convert, formats, glance
from ganzfeld.patch.defaults import is_network

CONTAINER = """
from ganzfeld.networks.files.containers import Container
CONTAINER = Container(suffixes=(".net",), recognises=lambda head: head.startswith((b"NET1", b"PK\\3\\4NET1")),
    read=lambda data, reading: {"kind": "net", "numbers": bytes(data[4:])})
"""
FORMAT = """
import pickle
from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import formats
def read(source):
    if not isinstance(source.content, dict) or source.content.get("kind") != "net":
        return None
    raise NetworkFileError("read by the new format: " + str(source.content["numbers"]))
FORMAT = formats.Format(name="nets (.net)", read=read)
"""


@pytest.fixture
def added(tmp_path, monkeypatch):
    """A container and a format that lie in a further folder of the two packages."""
    for package, text in ((containers, CONTAINER), (formats, FORMAT)):
        folder = tmp_path / package.__name__.rpartition(".")[2]
        folder.mkdir()
        (folder / "zz_net.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    containers.containers.cache_clear()
    formats.formats.cache_clear()
    importlib.invalidate_caches()
    yield
    for package in (containers, formats):
        sys.modules.pop(f"{package.__name__}.zz_net", None)
    containers.containers.cache_clear()
    formats.formats.cache_clear()


def test_a_new_module_is_found(added, tmp_path):
    path = tmp_path / "x.net"
    path.write_bytes(b"NET1\0\1\2")
    glance(path)
    with pytest.raises(NetworkFileError, match=r"read by the new format: b'\\x00\\x01\\x02'"):
        convert.convert(path, tmp_path)
    assert ".net" in containers.endings() and ".net" in containers.suffixes()
    made.refuse_here(b"", "nothing")
    network = made.small2()
    assert np.array_equal(
        convert.read(memoryview(pickle.dumps(made.snapshot(network)))).weights["mapping.w_avg"],
        network.tensors["mapping.w_avg"].numpy(),
    )


def test_one_kind_of_zip_archive_is_asked_before_any_zip_archive(added):
    """Though its module comes later in the alphabet."""
    of_archive, of_others = (containers.container_of(head) for head in (b"PK\3\4NET1", b"PK\3\4data"))
    assert of_archive is not None and of_archive.suffixes == (".net",)
    assert of_others is not None and ".pt" in of_others.suffixes


def test_a_file_of_a_new_container_is_played_as_a_network(added, tmp_path):
    assert is_network(tmp_path / "x.NET") and not is_network(tmp_path / "x.ganz")


def test_without_it_nothing_of_it_is_left(tmp_path):
    path = Path(tmp_path / "x.net")
    path.write_bytes(b"NET1\0\1\2")
    with pytest.raises(NetworkFileError, match="not a network"):
        glance(path)
    assert ".net" not in containers.endings() and ".net" not in containers.suffixes()


def test_no_two_containers_claim_the_same_file():
    heads = [b"\x80\x04}.", b"(dp0\nV", b"}q\0(X", b"PK\x03\x04", b"\x10\0\0\0\0\0\0\0{", b"\x80\x02\0\0\0\0\0\0{"]
    assert {sum(container.recognises(head) for container in containers.containers()) for head in heads} == {1}


TEXTS = ["", "(a text)", "d'accord", "(dp", "cat\nmouse\n", "copy\nright 2020\n", "class A:\n    x\n", "lo\n", "L1L\n"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_no_pickle(text):
    assert containers.container_of(text.encode() + b"\n\n") is None
