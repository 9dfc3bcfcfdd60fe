"""Mutated real files of every format: a network or a NetworkFileError comes out, and nothing else.

GANZFELD_FUZZ=20000 tries that many mutations of each file instead of a few.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import random
from functools import cache

import network_files as made
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert, native

EXAMPLES = int(os.environ.get("GANZFELD_FUZZ", "60"))
pytestmark = pytest.mark.timeout(3600 if EXAMPLES > 1000 else 120)
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@cache
def files() -> dict[str, bytes]:
    two, three = made.small2(resolution=8), made.small3(num_layers=2, resolution=8, num_critical=1)
    conditional = made.small2(resolution=8, c_dim=2)
    plain = made.small2(resolution=8, conv_clamp=None)
    state = {"g_ema": made.rosinality(plain), "latent_avg": plain.tensors["mapping.w_avg"]}
    zipped, older = io.BytesIO(), io.BytesIO()
    torch.save(state, zipped)
    torch.save(state, older, _use_new_zipfile_serialization=False)
    return {
        "official2": pickle.dumps({"G_ema": made.official(two)}, 4),
        "official2-protocol2": pickle.dumps({"G_ema": made.official(conditional)}, 2),
        "official3": pickle.dumps({"G_ema": made.official(three)}, 5),
        "tensorflow": pickle.dumps(made.tensorflow(conditional), 4),
        "tensorflow-protocol2": pickle.dumps(made.tensorflow(two), 2),
        "rosinality-zip": zipped.getvalue(),
        "rosinality-older": older.getvalue(),
    }


@cache
def own_file(folder) -> bytes:
    network = made.small3(num_layers=2, resolution=8, num_critical=1)
    path = folder / "x.safetensors"
    native.write(path, network.config.to_json(), {n: native.Numbers.of(t.numpy()) for n, t in network.tensors.items()})
    return path.read_bytes()


def read(content: bytes) -> None:
    """Read it to the last number, or be refused."""
    try:
        network = convert.read(memoryview(content))
    except NetworkFileError as error:
        assert error.what and "\n" not in error.what
        return
    size = sum(native.Numbers.of(array).data.nbytes for array in network.weights.values())
    assert size <= 4 * len(content) + 40_000_000


INTERESTING = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff",
    b"\x00",
    b"\x7f",
    b"\xff" * 8,
    b"R",
    b"b",
    b"0",
    b"(",
    b"2",
]


@st.composite
def damages(draw: st.DrawFn, content: bytes) -> bytes:
    """A few flips, overwrites, insertions, deletions, copies and cuts, more of them where the structure is."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 50, 1000]))
        match draw(st.sampled_from(["flip", "overwrite", "insert", "delete", "copy", "cut"])):
            case "flip" if place < len(data):
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "overwrite":
                piece = draw(st.sampled_from(INTERESTING))
                data[place : place + len(piece)] = piece
            case "insert":
                data[place:place] = draw(st.one_of(st.sampled_from(INTERESTING), st.binary(max_size=20)))
            case "delete":
                del data[place : place + length]
            case "copy":
                source = draw(st.integers(0, len(data)))
                data[place:place] = data[source : source + length]
            case "cut" if place > len(data) // 2:
                del data[place:]
    return bytes(data)


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


PICKLES = [name for name in files() if name != "rosinality-zip" and name != "rosinality-older"]


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
    values = [i for i, code in enumerate(program) if code[:1] in b"K\x4dJX\x8cGh\x88\x89N)"]
    pool = [program[i] for i in values]
    pool += [b"J" + number for number in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff\xff\xff\xff")]
    pool += [b"\x8a\x09" + bytes(8) + b"\x01", b"G\x7f\xf0" + bytes(6), b"G\x7f\xf8" + bytes(6), b"X" + bytes(4)]
    for _ in range(chance.randint(1, 5)):
        program[chance.choice(values)] = chance.choice(pool)
    read(b"".join(instruction for instruction in program if instruction[:1] != b"\x95"))


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
