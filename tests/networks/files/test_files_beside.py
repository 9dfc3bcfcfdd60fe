"""What lies beside a sound generator may be anything: it is neither needed nor run."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import operator
import pathlib
import pickle
import random
import types
import uuid
from typing import NamedTuple

import numpy as np
import pytest
import torch

import dill_like
import foreign_files as foreign
import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert
from ganzfeld.networks.network import Network

pytestmark = [
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
]


class Colour(enum.Enum):
    RED = "red"


class Flags(enum.IntFlag):
    A = 1


class Point(NamedTuple):
    x: float
    y: float


class Slotted:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


class Listed(list):
    pass


class Keyed(dict):
    pass


class Older:
    """Its state is neither a dictionary nor a pair."""

    def __reduce__(self):
        return Older, (), [1, 2], iter([3, 4]), iter({"a": 5}.items())


class Keywords:
    def __new__(cls, *, a=1):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"a": 2}


def linear() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.ReLU())


BESIDE = {
    "a path": lambda: pathlib.PurePosixPath("/data/x.zip"),
    "a path of this system": lambda: pathlib.Path("/data/x.zip"),
    "a time": lambda: datetime.datetime.now(datetime.UTC),
    "a duration": lambda: datetime.timedelta(1),
    "a slice": lambda: slice(1, None),
    "a range": lambda: range(3),
    "defaultdicts": lambda: collections.defaultdict(list, {"a": [1]}),
    "a deque": lambda: collections.deque([1, 2], 5),
    "a counter": lambda: collections.Counter("abc"),
    "a namespace": lambda: types.SimpleNamespace(a=1),
    "a named tuple": lambda: Point(1, 2),
    "enumerations": lambda: [Colour.RED, Flags.A],
    "fractions": lambda: [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=5), 1j],
    "a partial": lambda: functools.partial(max, 1, key=abs),
    "functions": lambda: [print, len, torch.nn.functional.relu, operator.itemgetter(2), max, getattr],
    "a method": lambda: "x".join,
    "classes": lambda: [int, dict, torch.nn.Linear, Older],
    "a list's child": lambda: Listed([1, 2]),
    "a dictionary's child": lambda: Keyed(a=1),
    "slots": lambda: Slotted(),
    "an odd state": lambda: Older(),
    "keywords": lambda: Keywords(),
    "bytes": lambda: [b"", b"abc\0\n\\", bytearray(b"abc\xff"), b"x" * 40_000],
    "texts": lambda: ["", "a\nb\\u12'\"", "ä€\0😀", "x" * 40_000],
    "numbers": lambda: [0, -1, 255, 65536, 2**31, -(2**31), 2**63, 2**200, 0.5, -1e300, float("inf"), True, False],
    "torch modules": lambda: linear(),
    "an optimizer": lambda: foreign.call("torch.optim.adam", "Adam", [torch.zeros(3)], {"step": torch.tensor(3.0)}),
    "torch's things": lambda: [torch.float16, torch.device("cpu"), torch.Size([2]), torch.Generator(), torch.strided],
    "a sparse tensor": lambda: torch.eye(3).to_sparse(),
    "a quantized tensor": lambda: torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8),
    "odd tensors": lambda: [torch.zeros(3, dtype=kind) for kind in (torch.uint16, torch.bool, torch.complex64)],
    "numpy's random states": lambda: [np.random.RandomState(1), np.random.default_rng(2), np.random.get_state()],
    "Python's random states": lambda: [random.Random(1), random.getstate()],
    "an array of objects": lambda: np.array([{"a": 1}, None, "x"], dtype=object),
    "arrays of texts and times": lambda: [np.array(["ab", "c"]), np.array([b"ab"]), np.array(["2020"], "M8[Y]")],
    "structured arrays": lambda: [np.zeros(2, [("a", "f4"), ("b", "i8")]), np.rec.array([(1, 2.0)])],
    "numpy's scalars": lambda: [np.str_("x"), np.datetime64("2020"), np.bool_(True), np.longdouble(1), np.void(b"ab")],
    "other numpy arrays": lambda: [np.matrix([[1]]), np.ma.array([1, 2], mask=[0, 1]), np.arange(6).reshape(2, 3).T],
    "numpy's types": lambda: [np.float32, np.dtype("f4"), np.dtype(">i2"), np.dtype("U3"), np.dtype([("a", "O")])],
    "a foreign network": lambda: made.Persistent("ProjectedDiscriminator", {"_parameters": {"x": Older()}}),
    "a function with code": lambda: dill_like.function(),
}  # fmt: skip


@functools.cache
def sound(conv_clamp: float | None = 256) -> Network:
    return made.small2(conv_clamp=conv_clamp, resolution=8)


def assert_sound(converted, network) -> None:
    for name, tensor in network.tensors.items():
        assert np.array_equal(converted.weights[name], tensor.numpy()), name


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", list(BESIDE))
def test_beside_an_official_generator(name, protocol):
    network = sound()
    try:
        content = pickle.dumps({"before": BESIDE[name](), **made.snapshot(network), "D": BESIDE[name]()}, protocol)
    except (TypeError, pickle.PicklingError, ValueError) as error:
        pytest.skip(f"protocol {protocol} cannot hold it: {error}")
    assert_sound(convert.read(memoryview(content)), network)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older layout"])
@pytest.mark.parametrize("name", list(BESIDE))
def test_beside_a_rosinality_generator(name, zipped):
    network = sound(conv_clamp=None)
    file = io.BytesIO()
    state = {"g_ema": made.rosinality(network), "latent_avg": network.tensors["mapping.w_avg"]}
    torch.save({"args": BESIDE[name](), **state}, file, _use_new_zipfile_serialization=zipped)
    assert_sound(convert.read(memoryview(file.getvalue())), network)


@pytest.mark.parametrize("name", list(BESIDE))
def test_beside_a_tensorflow_generator(name):
    network = sound()
    _, _, averaged = made.tensorflow(network)
    averaged.state["static_kwargs"]["noise"] = BESIDE[name]()
    np.testing.assert_allclose(
        convert.read(memoryview(pickle.dumps((BESIDE[name](), None, averaged), 4))).weights["mapping.w_avg"],
        network.tensors["mapping.w_avg"].numpy(),
    )


@pytest.mark.parametrize("protocol", [1, 5])
@pytest.mark.parametrize("name", ["a path", "a time", "torch modules", "an odd state", "an array of objects"])
def test_a_generator_that_depends_on_it_is_refused_by_its_name(name, protocol):
    named = {"a path": "PurePosixPath", "a time": "datetime.datetime", "torch modules": "Sequential"}
    generator = made.official(made.small2())
    layer = generator.meta["state"]["_modules"]["synthesis"].meta["state"]["_modules"]["b4"].meta["state"]
    layer["_parameters"]["const"] = BESIDE[name]()
    with pytest.raises(NetworkFileError, match=f"'synthesis.b4.const' .*{named.get(name, 'Older|O8')}") as caught:
        convert.read(memoryview(pickle.dumps({"G_ema": generator}, protocol)))
    assert "tampered" not in caught.value.hint
