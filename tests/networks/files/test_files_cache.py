"""Converted once, mapped from then on; damage to the cache is noticed; limits hold."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import cache, native, open_network_file, read_config, sandbox, save_network_file

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "networks"


@pytest.fixture
def pickled(tmp_path):
    """A network file that has been lying there for a while."""
    path = made.write(made.snapshot(made.small2()), tmp_path / "x.pkl")
    os.utime(path, (time.time() - 100, time.time() - 100))
    return path


@pytest.fixture
def conversions(monkeypatch):
    """The paths that were given to the converter."""
    paths = []
    convert = sandbox.convert

    def counted(path, size, folder, statements):
        paths.append(path)
        return convert(path, size, folder, statements)

    monkeypatch.setattr(sandbox, "convert", counted)
    return paths


def same(a, b) -> bool:
    return a.weights.keys() == b.weights.keys() and all(torch.equal(a.weights[n], b.weights[n]) for n in a.weights)


def test_the_second_time_nothing_is_converted(pickled, conversions, folder):
    first = open_network_file(pickled)
    second = open_network_file(pickled)
    assert same(first, second) and first.config == second.config and first.sha256 == second.sha256
    assert conversions == [pickled]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{first.sha256}-{cache.CONVERTER}.safetensors",
        "index.json",
    ]


def test_a_configuration_is_read_without_the_numbers(pickled, conversions, monkeypatch, tmp_path):
    config = read_config(pickled)  # converted for it
    file = open_network_file(pickled)
    assert file.config == config and conversions == [pickled]
    save_network_file(tmp_path / "own.safetensors", config, file.weights)
    monkeypatch.setattr(native, "checksum", None)
    assert read_config(pickled) == read_config(tmp_path / "own.safetensors") == config
    assert conversions == [pickled]
    with pytest.raises(NetworkFileError):
        read_config(__file__)


def test_a_changed_file_of_the_same_size_is_noticed(pickled, conversions):
    first = open_network_file(pickled)
    content = bytearray(pickled.read_bytes())
    other = made.snapshot(made.random_network(made.small2().config, seed=9))
    made.write(other, pickled)
    assert len(pickled.read_bytes()) == len(content)
    second = open_network_file(pickled)
    assert not same(first, second) and first.sha256 != second.sha256


def test_one_content_under_two_names_is_kept_once(pickled, folder, tmp_path):
    (tmp_path / "y.pkl").write_bytes(pickled.read_bytes())
    assert open_network_file(pickled).sha256 == open_network_file(tmp_path / "y.pkl").sha256
    assert len(list(folder.glob("*.safetensors"))) == 1


@pytest.mark.parametrize("damage", ["truncated", "header", "numbers", "gone", "empty", "index"])
def test_a_damaged_cache_is_rebuilt(pickled, folder, damage):
    first = open_network_file(pickled)
    kept = next(folder.glob("*.safetensors"))
    content = bytearray(kept.read_bytes())
    if damage == "gone":
        kept.unlink()
    elif damage == "index":
        (folder / "index.json").write_text("[" * 100_000)
    else:
        content[{"header": 20, "numbers": -5}.get(damage, 0)] ^= 0xFF
        part = {"truncated": content[:-100], "empty": b""}.get(damage, content)
        # A new file in its place, for the first is still mapped.
        kept.unlink()
        kept.write_bytes(part)
    assert same(open_network_file(pickled), open_network_file(pickled))
    assert native.read_header(kept.open("rb"), kept.stat().st_size).config.to_json() == first.config


def test_writing_to_a_weight_never_reaches_the_file(pickled, folder):
    network = open_network_file(pickled)
    kept = next(folder.glob("*.safetensors"))
    before = kept.read_bytes()
    for tensor in network.weights.values():
        tensor.fill_(7)
    assert kept.read_bytes() == before
    assert not same(network, open_network_file(pickled))


def test_several_at_once(pickled):
    results = []
    threads = [threading.Thread(target=lambda: results.append(open_network_file(pickled))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and all(same(results[0], other) for other in results)


def test_what_older_converters_and_broken_conversions_left_is_tidied_up(pickled, folder):
    sha256 = open_network_file(pickled).sha256
    old = [folder / f"{sha256}-0.safetensors", folder / ".abc.part"]
    recent = folder / ".def.part"
    for path in (*old, recent):
        path.write_bytes(b"left behind")
    os.utime(old[1], (0, 0))
    (folder / "index.json").unlink()
    open_network_file(pickled)
    assert not any(path.exists() for path in old) and recent.exists()


def test_an_unwritable_cache_is_said(pickled, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "file"))
    with pytest.raises(NetworkFileError, match=r"cannot write.*GANZFELD_CACHE"):
        open_network_file(pickled)
    # What needs no conversion needs no cache.
    network = made.small2()
    save_network_file(tmp_path / "x.safetensors", network.config.to_json(), network.tensors)
    assert open_network_file(tmp_path / "x.safetensors").sha256


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(native.os, "fsync", full)
    network = made.small2()
    with pytest.raises(NetworkFileError, match=r"No space left on device.*Free some space"):
        save_network_file(tmp_path / "x.safetensors", network.config.to_json(), network.tensors)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    network = made.small2()
    path = tmp_path / "x.safetensors"
    save_network_file(path, network.config.to_json(), network.tensors)
    before = path.read_bytes()
    broken = {**network.tensors, "mapping.w_avg": torch.zeros(3)}
    with pytest.raises(NetworkFileError, match=r"'mapping.w_avg' has the shape 3"):
        save_network_file(path, network.config.to_json(), broken)
    with pytest.raises(RuntimeError), native.written_whole(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("half", [False, True])
def test_our_own_file_goes_round(tmp_path, half, conversions):
    network = made.small3("stylegan3-r")
    tensors = {name: tensor.half() if half and tensor.ndim > 1 else tensor for name, tensor in network.tensors.items()}
    path = tmp_path / "x.safetensors"
    save_network_file(path, network.config.to_json(), tensors)
    file = open_network_file(path)
    assert file.config == network.config.to_json()
    assert {name: tensor.dtype for name, tensor in file.weights.items()} == {
        name: tensor.dtype for name, tensor in tensors.items()
    }
    assert all(torch.equal(file.weights[name], tensor) for name, tensor in tensors.items())
    assert conversions == []
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# -- the converter's process -----------------------------------------------------------------------------------


def run_in_child(monkeypatch, code: str) -> None:
    """Make the converter's process run `code` instead."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        sandbox.subprocess, "Popen", lambda _command, **options: popen([sys.executable, "-c", code], **options)
    )


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("x = bytearray(200_000_000)\nimport time; time.sleep(30)", "more memory than"),
        ("import time; time.sleep(30)", "more time than"),
        ("import os; os.kill(os.getpid(), 9)", "stopped by the system"),
        ("raise ValueError('a fault of ours')", "a fault of ours"),
        ("print('{')", "no word why"),
    ],
    ids=["memory", "time", "killed", "fault", "nonsense"],
)
def test_a_converter_that_goes_wrong(pickled, monkeypatch, code, match):
    monkeypatch.setattr(sandbox, "BASE_SECONDS", 1)
    monkeypatch.setattr(sandbox, "BASE_MEMORY", 100_000_000)
    run_in_child(monkeypatch, code)
    with pytest.raises(NetworkFileError, match=match):
        open_network_file(pickled)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no limit on memory")
def test_the_converter_limits_itself():
    code = """
from ganzfeld.networks.files import convert
convert.limit(600_000_000, 1, 1000)
try:
    bytearray(700_000_000)
except MemoryError:
    print("memory")
try:
    with open("/tmp/ganzfeld-limit-test", "wb") as file:
        file.write(bytes(2000))
except OSError:
    print("size")
while True:
    pass
"""
    child = subprocess.run(
        [sys.executable, "-c", code], env=sandbox._environment(), capture_output=True, text=True, timeout=30
    )
    assert child.stdout.split() == ["memory", "size"] and child.returncode != 0


def test_the_converter_is_found_however_this_program_was_started(monkeypatch):
    monkeypatch.setattr(sys, "path", ["", "src", *sys.path])
    reach = sandbox._environment()["PYTHONPATH"].split(os.pathsep)
    assert (Path(reach[0]) / "ganzfeld").is_dir() and all(Path(entry).is_absolute() for entry in reach)


def test_reading_imports_neither_torch_nor_what_is_named(pickled, folder):
    folder.mkdir(parents=True)
    code = f"""
import sys
from pathlib import Path
from ganzfeld.networks.files import convert
convert.convert(Path({str(pickled)!r}), Path({str(folder)!r}))
assert not {{"torch", "dnnlib", "torch_utils", "safetensors"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], env=sandbox._environment(), check=True, timeout=30)
