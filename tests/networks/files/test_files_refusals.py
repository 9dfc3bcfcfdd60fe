"""Bad files of every kind: one clear error, at once, and nothing of them is ever executed."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch

import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import open_network_file, save_network_file
from network_files import Persistent, refuse, refuse_bytes, refuse_here

pytestmark = pytest.mark.timeout(20)
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX files")


@pytest.fixture(scope="module")
def healthy() -> bytes:
    return pickle.dumps(made.snapshot(made.small2()), 4)


@pytest.fixture(scope="module")
def zipped() -> bytes:
    file = io.BytesIO()
    torch.save({"g_ema": made.rosinality(made.small2())}, file)
    return file.getvalue()


# -- things that are no network files --------------------------------------------------------------------------


def test_a_missing_file_and_its_neighbours(tmp_path):
    (tmp_path / "planets.pkl").write_bytes(b"x")
    assert "'planets.pkl'" in refuse(tmp_path / "planet.pkl", "no such file").hint
    assert "does not exist either" in refuse(tmp_path / "nowhere" / "x.pkl", "no such file").hint


def test_a_folder(tmp_path):
    (tmp_path / "x.pkl").write_bytes(b"x")
    assert "x.pkl" in refuse(tmp_path, "folder").hint


def test_an_empty_file(tmp_path):
    refuse_bytes(tmp_path, b"", "empty")


def test_impossible_names(tmp_path):
    refuse(tmp_path / "a\0b", "cannot be opened")
    refuse(tmp_path / ("x" * 5000), "cannot be opened|no such file")


@posix
def test_pipes_and_devices(tmp_path):
    os.mkfifo(tmp_path / "pipe.pkl")
    refuse(tmp_path / "pipe.pkl", "a pipe, not a file")
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(NetworkFileError, match="a device, not a file"):
            open_network_file(device)


@posix
def test_an_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04N.")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read anything
        monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    refuse(path, "may not read")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"<!DOCTYPE html><html><head><title>Drive - Quota exceeded</title>", "web page .'Drive - Quota exceeded'"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 381624121\n", "LFS pointer .* 382 MB"),
        (b"Not Found", "text.*'Not Found'"),
        (b'{"message": "Bad credentials"}', "text"),
        ("Ein Text mit Umläuten: ä".encode(), "text"),
        (b"\x1f\x8b\x08\x00abc\0\0", "gzip"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG picture"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"\0" * 100, "zeros"),
        (b"\x01\x02\x03\x04\xff\xfe", "not a network despite its name .*01 02 03 04"),
    ],
)
def test_other_files(tmp_path, content, match):
    refuse_bytes(tmp_path, content, match)


@posix
@pytest.mark.parametrize("head", ["pickle", "zip", "ours", "nothing"])
def test_a_sparse_file_of_10_gb(tmp_path, healthy, zipped, head):
    path = tmp_path / "network.pkl"
    network = made.small2()
    save_network_file(path, network.config.to_json(), network.tensors)
    path.write_bytes({"pickle": healthy, "zip": zipped, "ours": path.read_bytes(), "nothing": b""}[head])
    os.truncate(path, 10_000_000_000)
    refuse(path, "10,000 MB, but only .* are there")


# -- damaged files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_pickles(tmp_path, healthy, share):
    error = refuse_bytes(tmp_path, healthy[: max(3, int(len(healthy) * share))], "breaks off|holds only|declares")
    assert "get it again" in error.hint


def test_truncated_archives_and_older_layouts(zipped):
    refuse_here(zipped[: len(zipped) // 2], "its end is missing")
    file = io.BytesIO()
    torch.save({"g_ema": made.rosinality(made.small2())}, file, _use_new_zipfile_serialization=False)
    refuse_here(file.getvalue()[:-10], "breaks off|but the file holds")


def test_an_average_latent_that_is_none():
    state = made.rosinality(made.small2())
    for average in (torch.tensor(1.0), torch.zeros(0), torch.zeros(3), torch.zeros(2, 0)):
        file = io.BytesIO()
        torch.save({"g_ema": state, "latent_avg": average}, file)
        refuse_here(file.getvalue(), "'mapping.w_avg' has the shape")


def test_truncated_and_lying_safetensors(tmp_path):
    path = tmp_path / "network.safetensors"
    network = made.small2()
    save_network_file(path, network.config.to_json(), network.tensors)
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    refuse_bytes(tmp_path, whole[:-4], "bytes of numbers, but holds", path.name)
    refuse_bytes(tmp_path, whole[:60], "header of .* bytes, but holds 52", path.name)
    refuse_bytes(tmp_path, whole[:3000], "header of", path.name)
    refuse_bytes(tmp_path, struct.pack("<Q", 2**31) + whole[8:], "header of 2,147,483,648", path.name)
    refuse_bytes(tmp_path, whole[:8] + b"{" * length + whole[8 + length :], "JSON", path.name)
    damaged = bytearray(whole)
    damaged[-1] ^= 1
    refuse_bytes(tmp_path, bytes(damaged), "numbers are not those", path.name)


def rewritten(path, change) -> bytes:
    """Our file with its header changed."""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + length])
    facts = json.loads(header["__metadata__"]["ganzfeld"])
    change(header, facts)
    if "__metadata__" in header:
        header["__metadata__"]["ganzfeld"] = json.dumps(facts)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + whole[8 + length :]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda header, facts: facts.update(version=99), "version 99"),
        (lambda header, facts: facts.pop("config"), "no configuration"),
        (lambda header, facts: facts["config"].update(kind="stylegan9"), "stylegan9"),
        (lambda header, facts: facts["config"].update(conv_clamp="high"), "'high' for 'conv_clamp'"),
        (lambda header, facts: facts["config"].update(conv_clamp=float("nan")), "'conv_clamp'"),
        (lambda header, facts: facts["config"].update(mapping_lr_multiplier=[1]), "'mapping_lr_multiplier'"),
        (lambda header, facts: facts["config"].update(resample_filter=[1, -1]), "'resample_filter'"),
        (lambda header, facts: facts["config"].update(architecture="orig"), "no place"),
        (lambda header, facts: header["mapping.w_avg"].update(shape=[2**60]), "'mapping.w_avg' contradicts"),
        (lambda header, facts: header["mapping.w_avg"].update(shape=[-7]), "'mapping.w_avg' contradicts"),
        (lambda header, facts: header["mapping.w_avg"].update(data_offsets=[0, 28]), "overlap"),
        (lambda header, facts: header["mapping.w_avg"].update(dtype="I32"), "type I32"),
        (lambda header, facts: header["mapping.fc0.weight"].update(shape=[5, 7]), "needs"),
    ],
)
def test_our_own_file_with_a_changed_header(tmp_path, change, match):
    path = tmp_path / "network.safetensors"
    network = made.small2()
    save_network_file(path, network.config.to_json(), network.tensors)
    refuse_bytes(tmp_path, rewritten(path, change), match, path.name)


def test_a_layer_that_does_not_fit(tmp_path):
    path = tmp_path / "network.safetensors"
    network = made.small3()
    save_network_file(path, network.config.to_json(), network.tensors)

    def change(header, facts):
        facts["config"]["layers"][1]["padding"] = [0, 0, 0, 0]

    refuse_bytes(tmp_path, rewritten(path, change), "layer 'L1_.* does not fit", path.name)


# -- pickles and archives of something else --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"a": 1, "b": [2]}, "a dictionary .'a', 'b'., not a generator"),
        ([1, 2, 3], "a list of 3"),
        (np.zeros((3, 4)), "an array of shape"),
        (None, "nothing"),
        ({"D": Persistent("Discriminator", {"_parameters": {}, "_buffers": {}, "_modules": {}})}, "no generator"),
        (Persistent("Discriminator", {"_parameters": {}, "_buffers": {}, "_modules": {}}), "no generator"),
        (torch.nn.Linear(2, 2), "the generator in the file is a 'torch.nn.modules.linear.Linear', which is neither"),
        (io.StringIO, "nothing but the name '_io.StringIO'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_pickles(content, match):
    refuse_here(pickle.dumps(content, 4), match)


def test_a_network_without_any_input():
    generator = made.official(made.small2(z_dim=0, c_dim=2))
    mapping = generator.meta["state"]["_modules"]["mapping"].meta["state"]
    del mapping["_modules"]["embed"]
    mapping["_modules"]["fc0"].meta["state"]["_parameters"]["weight"] = torch.nn.Parameter(torch.zeros(7, 0))
    refuse_here(pickle.dumps({"G_ema": generator}), "neither a latent nor a class")


def test_a_tensorflow_discriminator():
    _, discriminator, _ = made.tensorflow(made.small2())
    refuse_here(pickle.dumps((None, discriminator, None)), "no averaged generator")


def archive(entries: dict[str, bytes], method=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for name, content in entries.items():
            target.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (archive({"word/document.xml": b"<w/>"}), "zip archive without a network"),
        (archive({"model/network.pkl": b"x"}), "zip archive that holds 'model/network.pkl'"),
        (archive({"z.npy": b"x"}), "NumPy archive"),
        (archive({"a/data.pkl": b"x", "a/constants.pkl": b"x"}), "TorchScript"),
        (archive({}), "zip archive without"),
        (archive({"a/data.pkl": bytes(50_000_000)}, zipfile.ZIP_DEFLATED), "compressed .* 50,000,000"),
    ],
    ids=["docx", "zipped network", "npz", "script", "empty", "bomb"],
)
def test_other_archives(content, match):
    refuse_here(content, match)


def test_archives_that_lie(zipped):
    lying = bytearray(zipped)
    end = zipped.rfind(b"PK\x06\x06")  # torch writes the 64-bit end record
    lying[end + 32 : end + 40] = struct.pack("<Q", 1000)
    refuse_here(bytes(lying), "declares 1,000 entries, but lists only")
    lying[end + 32 : end + 40] = struct.pack("<Q", 2**40)
    refuse_here(bytes(lying), "declares 1,099,511,627,776 entries")
    place = zipped.find(b"PK\x01\x02")
    for size in (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"):
        lying = bytearray(zipped)
        lying[place + 20 : place + 24] = lying[place + 24 : place + 28] = size
        refuse_here(bytes(lying), "declares")
