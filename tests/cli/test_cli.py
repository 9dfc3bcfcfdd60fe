"""The command line: quick to answer, clear when something is wrong, exact in what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzfeld
from command_line import exit_code
from ganzfeld.cli import commands, main
from ganzfeld.cli._terminal import show_error
from ganzfeld.cli.seeds import parse_seeds
from ganzfeld.errors import GanzfeldError, Where
from ganzfeld.networks.device import pick_device
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

GOLDENS = [
    "stylegan2-32",
    "stylegan2-cond-16",
    "stylegan2-resnet-16",
    "stylegan2-rosinality-32",
    "stylegan2-tf-32",
    "stylegan3-r-32",
    "stylegan3-t-32",
    "stylegan3-t-cond-64",
]
HEAVY = ("torch", "numpy", "scipy", "av", "PIL", "safetensors", "starlette", "msgspec")


@pytest.fixture(scope="module")
def grey_network(tmp_path_factory) -> Path:
    """An untrained network of one channel, 16 px, three classes."""
    path = tmp_path_factory.mktemp("grey") / "grey.safetensors"
    config = StyleGAN2Config.design(
        16, channel_base=256, channel_max=16, mapping_layers=2, z_dim=8, w_dim=8, c_dim=3, img_channels=1
    )
    Network.random(config, seed=2).save(path)
    return path


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in commands())])
def test_help_imports_nothing_heavy(words):
    code = f"""
import sys
from ganzfeld.cli import main
try:
    main({words!r})
finally:
    print("HEAVY", sorted(set(sys.modules) & set({HEAVY!r})))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(ganzfeld.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Usage: ganzfeld" in done.stdout
    assert done.stdout.strip().endswith("HEAVY []")


def test_every_command_explains_itself():
    assert {"inspect", "convert", "seeds", "doctor"} <= set(commands())
    for name, command in commands().items():
        assert command.__doc__ and command.__module__.endswith(name.replace("-", "_"))


def test_version(capsys):
    assert exit_code("--version") == 0
    assert capsys.readouterr().out.strip() == f"ganzfeld {ganzfeld.__version__}"


@pytest.mark.parametrize("golden", GOLDENS)
def test_every_golden_is_inspected_converted_and_drawn(golden, golden_file, tmp_path, capsys):
    original, converted = golden_file(golden), tmp_path / "new" / "network.safetensors"
    assert exit_code("convert", original, converted) == 0
    capsys.readouterr()

    about = []
    for file in (original, converted):
        assert exit_code("inspect", file, "--json") == 0
        about.append(json.loads(capsys.readouterr().out))
    for description in about:
        for own in ("file", "bytes", "sha256"):
            description.pop(own)
    assert about[0] == about[1]
    network = ganzfeld.load_network(original)
    assert about[0]["kind"] == network.kind and about[0]["resolution"] == network.resolution
    assert {weight["name"]: tuple(weight["shape"]) for weight in about[0]["weights"]} == network.weights
    assert [layer["name"] for layer in about[0]["layers"]] == list(network.layers)

    assert exit_code("seeds", converted, "0-1,33", "--out", tmp_path / "stills", "--psi", "0.7") == 0
    assert sorted(path.name for path in (tmp_path / "stills").iterdir()) == [
        "seed0000.png",
        "seed0001.png",
        "seed0033.png",
    ]
    z = torch.from_numpy(np.random.RandomState(33).randn(1, network.z_dim)).float()
    image = network.synthesis(network.mapping(z, truncation_psi=0.7))
    expected = (image[0] * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.array_equal(np.asarray(Image.open(tmp_path / "stills" / "seed0033.png")), expected)


@pytest.mark.parametrize("golden", ["stylegan2-resnet-16", "stylegan3-t-32"])
def test_inspect_shows_each_layer_with_the_size_it_really_has(golden, golden_file, capsys):
    assert exit_code("inspect", golden_file(golden), "--json") == 0
    about = json.loads(capsys.readouterr().out)
    network = ganzfeld.load_network(golden_file(golden))
    w = network.mapping(network.latent(0))
    for layer in about["layers"]:
        shape = network.synthesis(w, until=layer["name"]).shape
        assert tuple(shape[1:]) == (layer["channels"], layer["height"], layer["width"])


def test_inspect_prints_whole_names_into_a_pipe(golden_file, capsys):
    assert exit_code("inspect", golden_file("stylegan2-32")) == 0
    told = capsys.readouterr().out
    for name, shape in ganzfeld.load_network(golden_file("stylegan2-32")).weights.items():
        line = next(line for line in told.splitlines() if line.split(" ")[0] == name)
        assert line.rstrip().endswith(" × ".join(map(str, shape)) or "one number")
    assert "32 × 32 px, channels: 3" in told


def test_one_channel_networks_become_grey_pictures(grey_network, tmp_path):
    assert exit_code("seeds", grey_network, "5", "--out", tmp_path, "--label", "1.5", "--noise-mode", "none") == 0
    picture = Image.open(tmp_path / "seed0005.png")
    network = ganzfeld.load_network(grey_network)
    image = network.synthesis(network.mapping(network.latent(5), 1.5), "none")
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), (image[0, 0] * 127.5 + 128).clamp(0, 255).to(torch.uint8).numpy())


def test_stills_of_a_smaller_size_and_of_random_noise(small_network, tmp_path):
    assert exit_code("seeds", small_network, "1", "--out", tmp_path / "a", "--resolution", "8") == 0
    assert Image.open(tmp_path / "a" / "seed0001.png").size == (8, 8)
    for folder in ("b", "c"):  # random noise is drawn from the seed, so it is the same again
        assert exit_code("seeds", small_network, "1", "--out", tmp_path / folder, "--noise-mode", "random") == 0
    assert (tmp_path / "b/seed0001.png").read_bytes() == (tmp_path / "c/seed0001.png").read_bytes()


def test_seeds_made_in_one_go_are_those_made_alone(small_network):
    from ganzfeld.cli._terminal import opened_network
    from ganzfeld.cli.seeds import still, stills

    network = opened_network(small_network)
    seeds = [3, "rain", 5]
    together = stills(network, seeds, psi=0.7)
    for seed, picture in zip(seeds, together):
        assert np.abs(picture.astype(int) - still(network, seed, psi=0.7)).max() <= 1


def test_ranges_of_seeds():
    assert parse_seeds("7") == [range(7, 8)]
    assert parse_seeds("0-15, 33,4294967295") == [range(16), range(33, 34), range(2**32 - 1, 2**32)]
    assert parse_seeds("rain,-1,4294967296") == [("rain",), range(-1, 0), range(2**32, 2**32 + 1)]
    for wrong in ("", "a.b", "1-", "--1", "1,,2", "1.5"):
        with pytest.raises(GanzfeldError, match="is not a"):
            parse_seeds(wrong)


def test_words_and_numbers_below_zero_are_seeds(small_network, tmp_path):
    assert exit_code("seeds", small_network, "4294967295,-1,rain", "--out", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"seed4294967295.png", "seed-001.png", "seed-rain.png"}
    assert (tmp_path / "seed-001.png").read_bytes() == (tmp_path / "seed4294967295.png").read_bytes()
    assert (tmp_path / "seed-001.png").read_bytes() != (tmp_path / "seed-rain.png").read_bytes()
    assert exit_code("seeds", small_network, "--out", tmp_path, "--", "-3..-2") == 0
    assert (tmp_path / "seed-002.png").exists()


def test_the_dice_take_any_seed(small_network, capsys):
    rolled = []
    for seed in ("rain", "rain", "-1", "4294967295", "1"):
        assert exit_code("dice", small_network, "--seed", seed) == 0
        rolled.append(capsys.readouterr().out)
    assert rolled[0] == rolled[1] != rolled[2] == rolled[3] != rolled[4]


def test_a_picture_that_is_no_square(tmp_path, capsys):
    network = ganzfeld.Network.random(StyleGAN2Config.design(8, const_size=(5, 3), channel_base=32, channel_max=4))
    network.save(tmp_path / "x.safetensors")
    assert exit_code("inspect", tmp_path / "x.safetensors") == 0
    told = capsys.readouterr().out
    assert "10 × 6 px, channels: 3" in told and "3, 6 px high" in told
    assert exit_code("seeds", tmp_path / "x.safetensors", "1", "--out", tmp_path, "--resolution", "3") == 0
    assert Image.open(tmp_path / "seed0001.png").size == (5, 3)
    assert exit_code("convert", tmp_path / "x.safetensors", tmp_path / "y.safetensors") == 0
    assert "10 × 6 px" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["inspect", "missing.pkl"], "no such file"),
        (["inspect", "{folder}"], "folder"),
        (["seeds", "{network}", "x.y"], "'x.y' is not a seed"),
        (["seeds", "{network}", "0", "--noise-mode", "cost"], "Did you mean 'const'"),
        (["seeds", "{network}", "0", "--resolution", "7"], "no picture of 7 px"),
        (["seeds", "{network}", "0", "--label", "2"], "has no classes"),
        (["seeds", "{network}", "0", "--device", "gpu"], "the device 'gpu' cannot be used"),
        (["seeds", "{network}", "0", "--out", "{network}"], "folder is needed"),
        (["convert", "{network}", "x.pkl"], "Call it x.safetensors"),
        (["convert", "{network}", "{network}"], "already"),
    ],
)
def test_errors_are_one_block_without_a_traceback(words, expected, small_network, tmp_path, capsys):
    words = [word.format(network=small_network, folder=tmp_path) for word in words]
    before = small_network.read_bytes()
    assert exit_code(*words) == 1
    told = capsys.readouterr()
    assert expected in told.err and told.out == ""
    assert told.err.startswith("Error") and "Traceback" not in told.err and len(told.err.splitlines()) <= 3
    assert small_network.read_bytes() == before
    with pytest.raises(GanzfeldError):
        main([*words, "--debug"])


@pytest.mark.parametrize(
    "words",
    [["play", "{long}"], ["inspect", "{long}.pkl"], ["render", "{long}.ganz", "--out", "a.png"],
     ["render", "{patch}", "--out", "{long}.png", "--seconds", "0.1"], ["play", "{patch}", "--take", "{long}.ganztake"],
     ["play", "{patch}", "--record", "{long}.mp4"], ["play", "{patch}", "--save", "{long}.ganz"],
     ["convert", "{long}.pkl", "a.safetensors"], ["osc", "{long}.ganz"], ["directions", "{long}.pkl"]],
)  # fmt: skip
def test_a_name_that_the_system_cannot_take_is_no_traceback(words, tmp_path, capsys):
    patch = tmp_path / "a.ganz"
    patch.write_text("out(noise(), size=(8, 8))\n")
    assert exit_code(*[word.format(long="x" * 5000, patch=patch) for word in words]) == 1
    assert capsys.readouterr().err.startswith("Error")


def test_an_error_says_what_where_and_what_to_do_whatever_is_in_it(capsys):
    where = Where(file="/long/way/to/[bold]my.ganz", line=3, column=7, address="/face/psi")
    show_error(GanzfeldError("there is no '[red]' [/]", where=where, hint="Write [b]"))
    told = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "Error there is no '[red]' [/]",
        "where /long/way/to/[bold]my.ganz:3:7 /face/psi",
        "do    Write [b]",
    ]


def test_ctrl_c_while_it_begins_is_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("ganzfeld.cli.commands", interrupted)
    assert exit_code("networks") == 130
    assert capsys.readouterr().err == ""


def test_wrong_words_are_usage_errors(capsys):
    assert exit_code("sedes") == 2
    assert "seeds" in capsys.readouterr().err


def test_devices():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_shipped_networks_are_listed_with_their_credit(capsys):
    assert exit_code("networks", "--json") == 0
    listed = {network["name"]: network for network in json.loads(capsys.readouterr().out)}
    assert {"planets", "flowers", "orbits"} <= set(listed)
    for network in listed.values():
        assert Path(network["path"]).is_file() and Path(network["thumbnail"]).is_file()
        assert network["credit"] and network["licence"] and network["size"] <= 12e6
    assert exit_code("networks") == 0
    assert "planets" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="descriptors of POSIX")
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_standard_streams_that_are_closed_are_the_null_device(tmp_path, closed):
    """As launchers and timers start programs."""
    code = f"""\
import os, sys
from pathlib import Path
for number in {closed}:
    os.close(number)
for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
    if number in {closed}:
        setattr(sys, name, None)
from ganzfeld.cli import have_standard_streams
have_standard_streams()
assert open({str(tmp_path / "file")!r}, "w").fileno() > 2
print("said", file=sys.stderr)
import faulthandler, subprocess
faulthandler.enable()
child = "import faulthandler, sys; faulthandler.enable(); print('said', file=sys.stderr)"
done = subprocess.run([sys.executable, "-c", child]).returncode
Path({str(tmp_path / "done")!r}).write_text(str(done))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert (tmp_path / "done").read_text() == "0"
    assert (tmp_path / "file").read_text() == ""
