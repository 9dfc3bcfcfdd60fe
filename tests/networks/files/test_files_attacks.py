"""Pickles that want to run something, or to exhaust the machine: nothing of them is executed, and they cost little."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import sys

import numpy as np
import pytest
import torch

import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert
from ganzfeld.networks.files.harm import harmful
from network_files import Persistent, refuse, refuse_bytes, refuse_here

pytestmark = pytest.mark.timeout(20)

# -- pickles that want to run something ------------------------------------------------------------------------


class Evil:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def evil_pickles(canary: str) -> dict[str, object]:
    shell = f"{sys.executable} -c \"open(r'{canary}', 'w')\""
    bomb = Evil(os.system, shell)
    zipped, older = io.BytesIO(), io.BytesIO()
    torch.save({"g_ema": bomb}, zipped)
    torch.save({"g_ema": bomb}, older, _use_new_zipfile_serialization=False)
    load = torch.storage._load_from_bytes
    return {
        "system": bomb,
        "eval": Evil(eval, f"open(r'{canary}', 'w')"),
        "exec": Evil(exec, f"open(r'{canary}', 'w')"),
        "open": Evil(open, canary, "w"),
        "import": Evil(__import__, "canary_on_import"),
        "getattr": Evil(getattr, "", "join"),
        "array of objects": np.array([bomb, bomb], dtype=object),
        "in the state": {"G_ema": Persistent("Generator", {"_parameters": {"x": bomb}})},
        "blob, pickle": Evil(load, pickle.dumps(bomb)),
        "blob, zip": Evil(load, zipped.getvalue()),
        "blob, older": Evil(load, older.getvalue()),
        "blob in a blob": Evil(load, pickle.dumps(Evil(load, pickle.dumps(bomb)))),
    }


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", list(evil_pickles("")))
def test_evil_pickles_are_refused_by_name_and_run_nothing(tmp_path, name, protocol):
    canary = tmp_path / "canary"
    evil = evil_pickles(str(canary))[name]
    refuse_here(pickle.dumps(evil, protocol), "refers to|not a generator")
    assert not canary.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", [name for name in evil_pickles("") if name not in ("getattr", "array of objects")])
def test_a_sound_generator_does_not_excuse_what_could_do_harm(tmp_path, name, protocol):
    canary = tmp_path / "canary"
    evil = evil_pickles(str(canary))[name]
    with pytest.raises(NetworkFileError, match=r"refers to .*nothing was run") as caught:
        convert.read(memoryview(pickle.dumps({**made.snapshot(made.small2()), "z": [evil]}, protocol)))
    assert "tampered" in caught.value.hint
    assert not canary.exists()


@pytest.mark.parametrize(
    ("module", "name", "harm"),
    [
        ("os", "system", True),
        ("posix", "remove", True),
        ("nt", "spawnl", True),
        ("torch.serialization", "os.system", True),
        ("collections", "sys.modules", True),
        ("subprocess", "Popen", True),
        ("builtins", "eval", True),
        ("__builtin__", "file", True),
        ("builtins", "eval.__call__", True),
        ("importlib", "import_module", True),
        ("torch", "load", True),
        ("_pickle", "loads", True),
        ("shutil", "rmtree", True),
        ("code", "interact", True),
        ("os", "PathLike", False),
        ("posix", "stat_result", False),
        ("builtins", "getattr", False),
        ("builtins", "print", False),
        ("pathlib", "PosixPath", False),
        ("training.code", "Book", False),
        ("code", "Generator", False),
        ("code.networks", "Generator", False),
        ("commands.train", "Settings", False),
        ("urllib.parse", "ParseResult", False),
        ("urllib.request", "urlopen", True),
        ("importlib.util", "find_spec", True),
        ("sys", "exit", True),
        ("sys", "version_info", False),
        ("pdb", "set_trace", True),
        ("training.os", "Thing", False),
        ("torch.nn.modules.linear", "Linear", False),
        ("datetime", "datetime", False),
    ],
)
def test_which_names_could_do_harm(module, name, harm):
    assert harmful(module, name) == harm
    for content in (f"c{module}\n{name}\n.", f"(i{module}\n{name}\n."):
        with pytest.raises(NetworkFileError) as caught:
            convert.read(memoryview(b"\x80\x02" + content.encode()))
        assert ("tampered" in caught.value.hint) == harm
        assert ("refers to" in caught.value.what) == harm


@pytest.mark.parametrize("name", ["system", "in the state", "blob, zip"])
def test_evil_pickles_on_disk_run_nothing(tmp_path, name):
    evil = evil_pickles(str(tmp_path / "canary"))[name]
    refuse_bytes(tmp_path, pickle.dumps(evil), "refers to '(posix|nt).system', .* nothing was run")
    assert [path.name for path in tmp_path.iterdir()] == ["network.pkl"]


@pytest.mark.parametrize("layout", [True, False], ids=["zip", "older"])
def test_evil_checkpoints(tmp_path, layout):
    canary = tmp_path / "canary"
    bomb = evil_pickles(str(canary))["system"]
    torch.save({"g_ema": bomb}, tmp_path / "x.pt", _use_new_zipfile_serialization=layout)
    assert "posix.system" in refuse(tmp_path / "x.pt", "refers to").what or os.name == "nt"
    assert not canary.exists()


def test_nothing_is_imported(tmp_path, monkeypatch):
    (tmp_path / "canary_on_import.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\nThing = 1")
    # What lies in the working directory must not stand in for the converter's own modules either.
    for module in ("numpy", "json", "ganzfeld"):
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    refuse_bytes(tmp_path, b"\x80\x02ccanary_on_import\nThing\n)R}b.", "'canary_on_import.Thing'")
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\x80\x02cbuiltins\nset.__class__\n.", "nothing but the name 'builtins.set.__class__'"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x1eOrderedDict.__init__.__class__\x93.", "nothing but the name"),
        (b"\x80\x02(S'ls'\nios\nsystem\n.", "refers to 'os.system'"),
        (b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.", "refers to"),
        (b"\x80\x02(o.", "no class"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"\x80\x02Pid\n.", "instruction PERSID"),
        (b"\x80\x02K\x01Q.", "instruction BINPERSID"),
        (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "of the class 'torch.FloatStorage'"),
        (b"\x80\x02cbuiltins\nset\n)\x81.", "of the class 'builtins.set'"),
        (b"\x80\x02K\x01)R.", "calls something that is not a name"),
        (b"\x80\x02K\x01}b.", "sets the state"),
        (b"\x80\x02cx\x1b[31m\xff\ny\n.", "nothing but the name"),
        (b"\x80\x00S'no end\n.", "text before byte"),
        (b"\x80\x00S\n.", "text before byte"),
        (b"\x80\x00V\\u12\n.", "text before byte"),
        (b"\x80\x00Vno end", "does not end"),
        (b"\x80\x00I" + b"9" * 400 + b"x\n.", "number before byte"),
        (b"\x80\x00L\n.", "number before byte"),
        (b"\x80\x00F1.5x\n.", "number before byte"),
        (b"\x80\x00g5\n.", "part 5"),
        (b"\x80\x00I1\np" + b"9" * 300 + b"\ng1\n.", "part 1"),
    ],
)
def test_odd_instructions(content, match):
    refuse_here(content, match)


def test_messages_do_not_repeat_a_file_s_control_characters(tmp_path):
    error = refuse_bytes(tmp_path, b"\x80\x04\x8c\x05x\x1b[31\x8c\x03y\ny\x93.", "the name 'x")
    assert error.what.isprintable() and "[31" in error.what


# -- pickles that want to exhaust the machine ------------------------------------------------------------------

MANY = 300_000
TEXT = b"X" + struct.pack("<I", 2_000_000) + b"x" * 2_000_000 + b"q\x00"
LIST = b"](" + b"N" * 100_000 + b"eq\x00"
BLOB = b"B" + struct.pack("<I", 2_000) + b"PK" + bytes(1998) + b"q\x00"


def call(module: bytes, name: bytes, arguments: bytes) -> bytes:
    return b"c" + module + b"\n" + name + b"\n" + arguments + b"R"


BOMBS = {
    "index": b"\x80\x02Nr\xff\xff\xff\xff.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40),
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**40),
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**40),
    "short text": b"\x80\x02X" + struct.pack("<I", 2**31),
    "integer": b"\x80\x02\x8b" + struct.pack("<I", 2**30) + bytes(1000),
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62),
    "negative integer": b"\x80\x02\x8b" + struct.pack("<i", -1),
    "nested lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "nested tuples": b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "nested tuple as a key": b"\x80\x02}N" + b"\x85" * 100_000 + b"Ns.",
    "nested dictionaries": b"\x80\x02" + b"}N" * 200_000 + b"}" + b"s" * 200_000 + b".",
    "instructions": b"\x80\x02" + b"N0" * 600_000 + b"N.",
    "lines": b"\x80\x00" + b"Vx\n0" * 600_000 + b"N.",
    "a line": b"\x80\x00V" + b"x" * 50_000_000 + b"\n.",
    "an escaped line": b"\x80\x00S'" + b"\\x00" * 10_000_000 + b"'\n.",
    "foreign objects": b"\x80\x02" + b"(cx\ny\n)R" * 20_000 + b"t.",
    "a foreign dictionary": b"\x80\x02cx\ny\n)R" + b"K\x01Ns" * 900_000 + b".",
    "foreign arguments": b"\x80\x02cx\ny\nq\x00N" + b"\x85R0h\x00h\x00" * 100_000 + b".",
    "deep foreign arguments": b"\x80\x02" + b"cx\ny\n" * 5_000 + b"N" + b"\x85R" * 5_000 + b".",
    "marks": b"\x80\x02" + b"(" * 500_000 + b"1" * 500_000 + b".",
    "laughs": b"\x80\x02]q\x00" + b"".join(b"](" + b"h%c" % i * 9 + b"eq%c" % (i + 1) for i in range(150)) + b".",
    "laughs for a name": b"\x80\x02ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    + b"}(X\x0a\x00\x00\x00class_name]q\x00"
    + b"".join(b"](" + b"h%c" % i * 9 + b"eq%c" % (i + 1) for i in range(150))
    + b"u\x85R.",
    "set of one list": b"\x80\x02" + LIST + call(b"builtins", b"set", b"h\x00\x85") * 20_000 + b".",
    "dict of one list": b"\x80\x02" + LIST + call(b"collections", b"OrderedDict", b"h\x00\x85") * 20_000 + b".",
    "one text encoded": b"\x80\x02"
    + TEXT
    + b"X\x06\x00\x00\x00latin1q\x01"
    + call(b"_codecs", b"encode", b"h\x00h\x01\x86") * 20_000
    + b".",
    "one text as key": b"\x80\x02" + TEXT + b"}" + b"h\x00Ns" * 100_000 + b".",
    "one blob": b"\x80\x03" + BLOB + call(b"torch.storage", b"_load_from_bytes", b"h\x00\x85") * 20_000 + b".",
    "colliding integers": b"\x80\x02}("
    + b"".join(b"\x8a\x0a" + (i * (2**61 - 1)).to_bytes(10, "little") + b"N" for i in range(100_000))
    + b"u.",
    "colliding floats": b"\x80\x02}("
    + b"".join(b"G" + struct.pack(">d", i * 2.0**61) + b"N" for i in range(100_000))
    + b"u.",
    "itself": b"\x80\x02]q\x00h\x00ah\x00a.",
    "itself in a dictionary": b"\x80\x02}q\x00X\x05\x00\x00\x00G_emah\x00s.",
}  # fmt: skip


@pytest.mark.parametrize("name", list(BOMBS))
def test_bombs(name):
    refuse_here(BOMBS[name], ".")


def test_bombs_from_disk(tmp_path):
    refuse_bytes(tmp_path, BOMBS["nested lists"], "nested more than 200 levels")
    refuse_bytes(tmp_path, BOMBS["index"], "holds nothing")
    refuse_bytes(tmp_path, BOMBS["instructions"], "more than 1,000,000 pickle instructions")


class Tensor:
    """Pickles as a tensor of any claim over a storage of four numbers."""

    def __init__(self, offset, size, stride):
        storage = pickle.dumps(torch.zeros(4)._typed_storage())
        self.arguments = _Raw(storage), offset, size, stride, False, {}

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class _Raw:
    """Pickles as the call of _load_from_bytes that a storage pickles as."""

    def __init__(self, pickled: bytes) -> None:
        blobs = [arg for op, arg, _ in pickletools.genops(pickled) if "BINBYTES" in op.name]
        self.blob = blobs[0]

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.blob,)


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(0, (2**40,), (0,)),
        Tensor(0, (2**20, 2**20), (0, 0)),
        Tensor(0, (5,), (1,)),
        Tensor(1, (4,), (1,)),
        Tensor(-1, (4,), (1,)),
        Tensor(0, (2, 2), (2**62, 1)),
        Tensor(0, (4,), (-1,)),
        Tensor(3, (2, 2), (1,)),
        Tensor(2**70, (1,), (1,)),
        Tensor(0, (1,) * 100, (1,) * 100),
        Tensor(0, (0, 2**41), (1, 1)),
        Tensor(0, [[4]], [[1]]),
        Tensor("x", (4,), (1,)),
    ],
    ids=lambda tensor: str(tensor.arguments[1:4])[:40],
)
def test_tensors_that_claim_more_than_their_storage(tensor):
    refuse_here(pickle.dumps({"G_ema": tensor}), "tensor of shape|shape in the file|wrong arguments")


@pytest.mark.parametrize("shape", [(2**40,), (2**31, 2**31, 2**31), (-1,), (3, 4)])
@pytest.mark.parametrize("code", ["f4", "O8", "U1000", "V8", "M8"])
def test_arrays_that_claim_more_than_they_hold(shape, code):
    class Array:
        def __reduce__(self):
            from numpy._core.multiarray import _reconstruct

            dtype = Evil(np.dtype, code, False, True)
            return _reconstruct, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, b"1234")

    refuse_here(
        pickle.dumps({"x": Array()}), "declares the shape|shape in the file" if code == "f4" else "a dictionary"
    )


def test_a_small_file_of_many_large_tensors():
    """Every parameter is the same storage, and the sizes fit: the whole would be far larger than the file."""
    network = made.small2()
    generator = made.official(network)
    big = torch.nn.Parameter(torch.zeros(300, 300))
    layers = generator.meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]
    for i in range(2000):
        state = {"_parameters": {"weight": big, "bias": torch.zeros(300)}, "_buffers": {}, "_modules": {}}
        layers[f"fc{i}"] = Persistent("FullyConnectedLayer", {**state, "bias_gain": 0.01})
    refuse_here(pickle.dumps({"G_ema": generator}), "claim more numbers")
