"""Mutated real files of every format: a network or a NetworkFileError comes out, and nothing else.

GANZFELD_FUZZ=20000 tries that many mutations of each file instead of a few.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import pickletools
import random
from functools import cache
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

import foreign_files as foreign
import network_files as made
from damage import EXAMPLES, damages, fuzzed, read
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert, native
from ganzfeld.networks.files.values import Array, DType, Opaque, Record
from ganzfeld.networks.network import Network

pytestmark = pytest.mark.timeout(3600 if EXAMPLES > 1000 else 120)


@cache
def files() -> dict[str, bytes]:
    two, three = made.small2(resolution=8), made.small3(num_layers=2, resolution=8, num_critical=1)
    conditional, wide = made.small2(resolution=8, c_dim=2), made.small2(resolution=8, const_size=(5, 3))
    xl = made.small_xl(num_layers=2, resolution=8, num_critical=1)
    plain = made.small2(resolution=8, conv_clamp=None)
    state = {"g_ema": made.rosinality(plain), "latent_avg": plain.tensors["mapping.w_avg"]}
    zipped, older = io.BytesIO(), io.BytesIO()
    torch.save(state, zipped)
    torch.save(state, older, _use_new_zipfile_serialization=False)
    return {
        "official2": pickle.dumps({"G_ema": made.official(two)}, 4),
        "official2-protocol2": pickle.dumps({"G_ema": made.official(conditional)}, 2),
        "official2-wide": pickle.dumps({"G_ema": made.official(wide)}, 4),
        "official3": pickle.dumps({"G_ema": made.official(three)}, 5),
        "stylegan-xl": pickle.dumps({"G_ema": foreign.with_dill_arrays(made.official(xl))}, 4),
        "tensorflow": pickle.dumps(made.tensorflow(conditional), 4),
        "tensorflow-protocol2": pickle.dumps(made.tensorflow(two), 2),
        "rosinality-zip": zipped.getvalue(),
        "rosinality-older": older.getvalue(),
        "official2-protocol0": pickle.dumps({"G_ema": made.official(two)}, 0),
        "official3-dill": pickle.dumps({"G_ema": foreign.with_dill_arrays(made.official(three))}, 4),
        "modules-protocol1": pickle.dumps({"G_ema": foreign.plain(made.official(two))}, 1),
        "tensorflow-first-labels": foreign.python2(made.tensorflow(_first_labels()), 2),
        "state-dict2": pickle.dumps({"g_ema": foreign.state_dict(two), "lr": 0.1}, 4),
        "state-dict3-zip": _saved({"state_dict": foreign.prefixed("G_ema.", foreign.state_dict(three))}),
        "encoder-zip": _saved(
            {"state_dict": foreign.prefixed("decoder.", made.rosinality(plain)), "opts": {"lr_mlp": 1}}
        ),
        "safetensors": safetensors.torch.save(dict(foreign.state_dict(two))),
    }


def _first_labels() -> Network:
    config = dataclasses.replace(made.small2(resolution=8, c_dim=2).config, joint_normalization=True)
    return made.random_network(config)


def _saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@cache
def own_file(folder) -> bytes:
    network = made.small3(num_layers=2, resolution=8, num_critical=1)
    path = folder / "x.safetensors"
    numbers = {name: native.Numbers.of(tensor.numpy()) for name, tensor in network.tensors.items()}
    native.write(path, network.config.to_json(), numbers, native.About("a test"))
    return path.read_bytes()


@pytest.mark.parametrize("name", list(files()))
@given(data=st.data())
@fuzzed
def test_damaged_bytes(name, data):
    read(data.draw(damages(files()[name])))


@cache
def instructions(name: str) -> list[bytes]:
    """The pickle as its instructions."""
    content = files()[name]
    places = [place for _, _, place in pickletools.genops(content)]
    return [content[a:b] for a, b in zip(places, [*places[1:], len(content)])]


PICKLES = [name for name in files() if not name.endswith(("-zip", "-older", "safetensors"))]


@pytest.mark.parametrize("name", PICKLES)
@given(seed=st.integers(0, 2**32))
@fuzzed
def test_shuffled_instructions(name, seed):
    """Instructions left out, doubled, exchanged, taken from another file, or with other numbers."""
    chance = random.Random(seed)
    program = list(instructions(name))
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(program))
        other = instructions(chance.choice(PICKLES))
        match chance.randrange(6):
            case 0:
                del program[place]
            case 1:
                program.insert(place, program[place])
            case 2:
                with_ = chance.randrange(len(program))
                program[place], program[with_] = program[with_], program[place]
            case 3:
                program[place] = chance.choice(other)
            case 4:
                program.insert(place, chance.choice(other))
            case 5:
                program[place] = program[place][:1] + chance.randbytes(len(program[place]) - 1)
    # Frames only say how much to read at once, and would all be wrong now.
    read(b"".join(instruction for instruction in program if instruction[:1] != b"\x95"))


@pytest.mark.parametrize("name", PICKLES)
@given(seed=st.integers(0, 2**32))
@fuzzed
def test_exchanged_values(name, seed):
    """The structure stays, and texts and numbers become other ones: names, shapes, strides, classes."""
    chance = random.Random(seed)
    program = list(instructions(name))
    values = [i for i, code in enumerate(program) if code[:1] in b"K\x4dJX\x8cGh\x88\x89N)ILFVSUTg"]
    pool = [program[i] for i in values]
    pool += [b"J" + number for number in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff\xff\xff\xff")]
    pool += [b"I-1\n", b"L99999999999999999999L\n", b"Fnan\n", b"V\\u0100\n", b"S'\\xff'\n", b"U\x01\xff", b"g0\n"]
    pool += [b"\x8a\x09" + bytes(8) + b"\x01", b"G\x7f\xf0" + bytes(6), b"G\x7f\xf8" + bytes(6), b"X" + bytes(4)]
    for _ in range(chance.randint(1, 5)):
        program[chance.choice(values)] = chance.choice(pool)
    read(b"".join(instruction for instruction in program if instruction[:1] != b"\x95"))


def weird() -> list:
    """Values that a format does not expect, new ones each time, for they are changed too."""
    shapes = ((), (0,), (1,), (7,), (6, 6), (1, 6, 4, 4), (0, 0, 3, 3), (1,) * 8, (6, 0), (1, 1, 8, 8))
    arrays = [Array(np.zeros(shape, dtype)) for shape in shapes for dtype in ("f4", "f2", "f8", "i8", "c8", "?")]
    numbers = [0, -1, 1, 3, 4, 2**31, 2**63, -(2**100), 10**150, 0.0, 1e-300, 1e300, float("nan"), float("inf"), 1j]
    texts = ["", "x", "skip", "lrelu", "x" * 10_000, "b4", "\ud800", memoryview(b"abc")]
    several = [(), [], {}, [1], (4, 4), [1.5] * 40, {"G": {}}, {1: 2}, set(), frozenset({"a"})]
    objects = [Opaque(), Record("persistent", "Generator"), Record("tensorflow", "Network"), DType("f4"), Array()]
    objects += [Record("foreign", "x.Y", arguments=(1,)), Array(foreign="O8"), DType("U3")]
    return [None, True, *numbers, *texts, *several, *objects, *arrays]


def slots(content: object, seen: set[int]) -> list[tuple[Any, Any]]:
    """Every place (container, key) in what a file holds."""
    if isinstance(content, Record):
        content = content.state
    if id(content) in seen or not isinstance(content, (dict, list, tuple)):
        return []
    seen.add(id(content))
    keys = list(content) if isinstance(content, dict) else range(len(content))
    found = [] if isinstance(content, tuple) else [(content, key) for key in keys]
    for key in keys:
        found += slots(content[key], seen)
    return found


@pytest.mark.parametrize("name", list(files()))
@given(seed=st.integers(0, 2**32))
@fuzzed
def test_exchanged_parts(name, seed):
    """What was read is of the wrong type, missing, or somewhere else: the formats must notice."""
    chance = random.Random(seed)
    source = convert.source(memoryview(files()[name]))
    for _ in range(chance.randint(1, 4)):
        places = slots(source.content, set())
        if not places:
            break
        container, key = chance.choice(places)
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1:
                container[key] = chance.choice(weird())
            case 2:
                other, place = chance.choice(places)
                container[key] = other[place]
            case 3 if isinstance(container[key], tuple) and container[key]:
                items = list(container[key])
                items[chance.randrange(len(items))] = chance.choice(weird())
                container[key] = tuple(items)
            case 3 if isinstance(container, dict):
                container[chance.choice(["fc2", "b16", "b4", "L9_1_1", "weight", "G", "D"])] = container.pop(key)
    read(source)


@given(data=st.data())
@fuzzed
def test_our_own_file(data, tmp_path_factory):
    whole = own_file(tmp_path_factory.getbasetemp())
    # Most of the file are numbers, of which any are right: the header is where it gets interesting.
    end = 8 + int.from_bytes(whole[:8], "little")
    head = data.draw(damages(whole[:end]))
    content = head + whole[end:]
    try:
        header = native.read_header(io.BytesIO(content), len(content))
    except NetworkFileError:
        return
    assert max(entry.end for entry in header.tensors.values()) == len(content) - header.start
