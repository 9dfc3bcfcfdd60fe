"""Arrays from files: sizes are known before anything is unpacked, and nothing in a file is run."""

from __future__ import annotations

import io
import pickle
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganzfeld.errors import FeederError
from ganzfeld.feeders.kinds import array as arrays
from ganzfeld.feeders.kinds.array import ArrayFeeder
from ganzfeld.feeders.service import OpenFeeder, read_file


def read(path: Path, name: str = "") -> np.ndarray:
    array = ArrayFeeder(path).read(name).array
    assert array is not None
    assert array.dtype == np.float32
    return array


@pytest.mark.parametrize("kind", ["f2", ">f8", "i1", "<u4", ">i2", "f4"])
def test_numbers_of_every_kind(tmp_path: Path, kind: str) -> None:
    values = np.arange(12).reshape(3, 4).astype(kind)
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    np.savez_compressed(tmp_path / "b.npz", z=values, other=values[0])
    assert (read(tmp_path / "a.npy") == values).all()
    assert ArrayFeeder(tmp_path / "b.npz").facts == [
        ["z", np.dtype(kind).str, [3, 4]],
        ["other", np.dtype(kind).str, [4]],
    ]
    assert (read(tmp_path / "b.npz", "z") == values).all()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8])
def test_tensors_without_torch(tmp_path: Path, old: bool, kind: torch.dtype) -> None:
    tensor = (torch.arange(60).reshape(5, 12) - 20).to(kind)
    views = {
        "w": tensor,
        "turned": tensor.t(),
        "part": tensor[1:3, ::2],
        "parameter": torch.nn.Parameter(tensor.float()),
    }
    torch.save({**views, "step": 3}, tmp_path / "a.pt", _use_new_zipfile_serialization=not old)
    torch.save(tensor[2], tmp_path / "alone.pth", _use_new_zipfile_serialization=not old)
    for name, view in views.items():
        assert (read(tmp_path / "a.pt", name) == view.detach().float().numpy()).all()
    assert (read(tmp_path / "alone.pth") == tensor[2].float().numpy()).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38, -1e300, 10_001])
def test_numbers_that_no_picture_comes_of_are_refused_with_their_place(tmp_path: Path, number: float) -> None:
    values = np.full((3, 2, 5), 10_000.0)
    values[0, 0, 0] = -10_000
    np.save(tmp_path / "a.npy", values)
    assert (read(tmp_path / "a.npy") == values).all()
    values[1, 1, 3] = number
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    np.savez(tmp_path / "b.npz", fine=values[0], bad=values)
    with pytest.raises(FeederError, match=re.escape(f"number [1, 1, 3] in a.npy is {number:.3g}")) as refused:
        read(tmp_path / "a.npy")
    assert "10,000" in refused.value.hint
    read(tmp_path / "b.npz", "fine")
    with pytest.raises(FeederError, match=re.escape(f"number [1, 1, 3] of 'bad' in b.npz is {number:.3g}")):
        read(tmp_path / "b.npz", "bad")


def test_a_child_reads_them(tmp_path: Path) -> None:
    torch.save(torch.ones(300, 300), tmp_path / "a.pt")
    feeder = OpenFeeder("array", tmp_path / "a.pt", slots=1)
    assert feeder.ask("read", name="").array.sum() == 90000  # type: ignore[union-attr]
    feeder.close()


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


@pytest.mark.parametrize("old", [False, True])
def test_nothing_is_run(tmp_path: Path, old: bool, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"w": Evil()}, tmp_path / "a.pt", _use_new_zipfile_serialization=not old)
    np.save(tmp_path / "b.npy", np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(FeederError, match=r"a\.pt cannot be read: it holds (__builtin__|builtins)\.print"):
        ArrayFeeder(tmp_path / "a.pt")
    with pytest.raises(FeederError, match="Python objects, not numbers"):
        ArrayFeeder(tmp_path / "b.npy")
    assert "run" not in capsys.readouterr().out


def test_three_gigabytes_in_three_megabytes_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MOST_NUMBERS", 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", z=np.zeros(3 << 20, np.int8))
    np.savez_compressed(tmp_path / "b.npz", z=np.zeros(1 << 20, np.float64))
    for name, words in (("a.npz", "3 MB"), ("b.npz", "8 MB")):
        with pytest.raises(FeederError, match=f"{name}'s 'z' unpacks to {words}; at most 4 MB"):
            ArrayFeeder(tmp_path / name)


def head(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


def test_heads_that_lie_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(head((1 << 24,)) + bytes(100))
    with pytest.raises(FeederError, match=r"a\.npy cannot be read: its head speaks of 64 MB, and 100 bytes follow"):
        ArrayFeeder(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("z.npy", head((1 << 24,)) + bytes(100))
    with pytest.raises(FeederError, match="64 MB, and 100 bytes"):
        ArrayFeeder(tmp_path / "a.npz")
    # A size in the archive's directory that is not that of what is packed.
    np.savez_compressed(tmp_path / "b.npz", z=np.zeros(1 << 16, np.float32))
    data = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(data.replace((262272).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(FeederError, match=r"b\.npz"):
        ArrayFeeder(tmp_path / "b.npz")


def test_too_many_arrays_and_long_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for number in range(arrays.MOST_ARRAYS + 1):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(FeederError, match="4097 arrays; at most 4096"):
        ArrayFeeder(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", **{"n" * 300: np.ones(3)})  # pyright: ignore[reportArgumentType]
    with pytest.raises(FeederError, match="a name of 300 letters"):
        ArrayFeeder(tmp_path / "b.npz")


def test_a_tensor_beyond_its_numbers(tmp_path: Path) -> None:
    torch.save(torch.ones(4), tmp_path / "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    at = data.index(b"K\x04\x85")  # the shape (4,)
    (tmp_path / "a.pt").write_bytes(data[:at] + b"K\x64\x85" + data[at + 3 :])
    with pytest.raises(FeederError):
        ArrayFeeder(tmp_path / "a.pt")


def test_a_huge_memo_costs_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"\x80\x02Nr\xff\xff\xff\x7f.")
    with pytest.raises(FeederError, match="more memory than a file may take"):
        read_file("array", tmp_path / "a.pt")


def whole_files(folder: Path) -> dict[str, bytes]:
    np.save(folder / "a.npy", np.ones((2, 8), np.float32))
    np.savez_compressed(folder / "a.npz", z=np.ones((2, 8)), w=np.ones(3))
    torch.save({"z": torch.ones(2, 8), "q": torch.ones(2).double()}, folder / "a.pt")
    torch.save(torch.ones(2, 8), folder / "a.pth", _use_new_zipfile_serialization=False)
    from safetensors.numpy import save_file

    save_file({"one": np.ones(8, np.float32)}, folder / "a.safetensors")
    return {name: (folder / name).read_bytes() for name in ("a.npy", "a.npz", "a.pt", "a.pth", "a.safetensors")}


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.pth", "a.safetensors"])
def test_damaged_files_give_our_own_errors(tmp_path: Path, name: str) -> None:
    data, path = whole_files(tmp_path)[name], tmp_path / name
    draw = random.Random(2)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 6)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged[: draw.choice([len(damaged), draw.randrange(len(damaged))])])
        try:
            feeder = ArrayFeeder(path)
            for known, *_ in feeder.facts:
                feeder.read(known)
        except FeederError as error:
            assert name in error.what
            assert not any(word in str(error) for word in ("zlib", "struct", "Traceback", "Unpickling", "codec"))
        except MemoryError:
            pass  # the child says so in a sentence


def test_a_pickle_that_is_no_file_of_tensors(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(FeederError, match=r"a\.pt cannot be read: it is no file of torch\.save"):
        ArrayFeeder(tmp_path / "a.pt")


def test_an_array_that_cannot_be_read_costs_the_others_nothing(tmp_path: Path) -> None:
    good = np.ones((2, 3), np.float32)
    odd = {
        "a_names": np.array(["dawn", "night"]),
        "objects": np.array([None, 1], object),
        "when": np.array(["2026-11-30"], "datetime64[D]"),
        "rows": np.zeros(2, [("a", "f4"), ("b", "i4")]),
        "complex": np.ones(2, complex),
    }
    np.savez(tmp_path / "mixed.npz", **odd, z=good)
    feeder = ArrayFeeder(tmp_path / "mixed.npz")
    assert [name for name, _, _ in feeder.facts] == ["z", *odd]
    assert (read(tmp_path / "mixed.npz", "z") == good).all()
    for name in odd:
        with pytest.raises(FeederError, match=rf"mixed\.npz's '{name}' holds .* not numbers"):
            feeder.read(name)
    np.savez(tmp_path / "odd.npz", **odd)
    with pytest.raises(FeederError, match="a_names"):
        ArrayFeeder(tmp_path / "odd.npz")
