"""Healthy files of every format and variant come out as the network that went in."""

from __future__ import annotations

import argparse
import dataclasses
import io
import pickle

import numpy as np
import pytest
import torch

import foreign_files as foreign
import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert, open_network_file
from ganzfeld.networks.network import Network, load_network
from golden_networks import STYLEGAN2, STYLEGAN3, load_golden
from goldens import FOLDER

GOLDEN = [*STYLEGAN2, *STYLEGAN3]


def read(content: object, protocol: int = 4):
    return convert.read(memoryview(pickle.dumps(content, protocol)))


def read_torch(content: object, zipped: bool = True):
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return convert.read(memoryview(file.getvalue()))


def assert_same(converted, network: Network, *, apart=(), tolerance=0.0) -> None:
    """The same tensors under the same names, and the same configuration."""
    tensors = network.tensors
    assert set(converted.weights) == set(tensors)
    for name, tensor in tensors.items():
        if name not in apart:
            np.testing.assert_allclose(converted.weights[name], tensor.numpy(), rtol=tolerance, atol=1e-6, err_msg=name)
    theirs, ours = converted.config.to_json(), network.config.to_json()
    for name in set(theirs) & set(ours) - {"input", "layers"}:
        assert theirs[name] == ours[name], name
    for theirs_of, ours_of in zip(*([all.get("input", {}), *all.get("layers", [])] for all in (theirs, ours))):
        for name in set(theirs_of) - {"in_cutoff", "out_cutoff", "in_half_width", "out_half_width"}:
            assert theirs_of[name] == ours_of[name], name


# -- golden networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_networks_through_every_protocol(name, protocol, tmp_path):
    path = made.write_golden(name, tmp_path / "network.pkl", protocol)
    golden = load_golden(name)
    converted = convert.read(memoryview(path.read_bytes()))
    assert {key: array.shape for key, array in converted.weights.items()} == {
        key: tuple(tensor.shape) for key, tensor in golden.weights.items()
    }
    for key, tensor in golden.weights.items():
        assert np.array_equal(converted.weights[key], tensor.numpy()), key
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_the_golden_tensorflow_network(protocol, tmp_path):
    check_pictures("stylegan2-tf-32", made.write_golden("stylegan2-tf-32", tmp_path / "network.pkl", protocol))


def test_the_golden_rosinality_network(tmp_path):
    check_pictures("stylegan2-rosinality-32", made.write_golden("stylegan2-rosinality-32", tmp_path / "network.pt"))


def check_pictures(name, path):
    network = load_network(path)
    with np.load(FOLDER / f"{name}.npz") as golden:
        w = network.mapping(torch.from_numpy(golden["in/z"]))
        expected = torch.from_numpy(golden["out/w"])
        torch.testing.assert_close(w, expected.reshape(len(w), -1, w.shape[2]).expand_as(w), rtol=1e-4, atol=1e-5)
        image = network.synthesis(w)
        expected = torch.from_numpy(golden["out/image_noise_const"])
        assert (image - expected).norm() / expected.norm() < 1e-4
    assert sorted(path.parent.iterdir()) == [path]


# -- official PyTorch ------------------------------------------------------------------------------------------

VARIANTS2 = [
    {},
    {"architecture": "orig", "resolution": 32},
    {"architecture": "resnet"},
    {"c_dim": 3},
    {"img_channels": 1, "conv_clamp": None},
    {"mapping_layers": 1, "resolution": 4},
    {"const_size": (5, 3)},
    {"const_size": (2, 4), "architecture": "resnet"},
]


@pytest.mark.parametrize("variant", VARIANTS2, ids=str)
def test_official_stylegan2(variant):
    network = made.small2(**variant)
    assert_same(read(made.snapshot(network)), network)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"kind": "stylegan3-r"},
        {"c_dim": 2, "img_channels": 1},
        {"margin_size": 4, "num_layers": 6, "resolution": 32},
        {"width": 8},
        {"conv_kernel": 5, "conv_clamp": None, "output_scale": 0.5, "filter_size": 4},
    ],
    ids=str,
)
def test_official_stylegan3(variant):
    network = made.small3(**variant)
    assert_same(read(made.snapshot(network)), network)


@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
def test_stylegan_xl(kind):
    network = made.small_xl(kind)
    converted = read({"G_ema": foreign.with_dill_arrays(made.official(network))})
    assert_same(converted, network)
    assert converted.config.class_averages and converted.config.class_features == 4
    assert "StyleGAN-XL" in converted.origin
    # Its larger networks are of another class, and have more layers.
    longer = made.small_xl(kind, num_layers=11, resolution=32)
    generator = made.official(longer)
    generator.meta["class_name"] = "SuperresGenerator"
    assert_same(read({"G_ema": generator}), longer)


def test_a_state_dict_of_a_stylegan3_that_is_no_square():
    network = made.small3(width=8)
    assert_same(read_torch({"G_ema": foreign.state_dict(network)}), network)


def test_a_state_dict_of_a_stylegan_xl():
    network = made.small_xl()
    converted = read_torch({"G_ema": foreign.state_dict(network)})
    assert_same(converted, network)
    assert "StyleGAN-XL" in converted.origin


def test_a_stylegan_xl_without_an_average_gets_an_estimate():
    network = made.small_xl()
    generator = made.official(network)
    del generator.meta["state"]["_modules"]["mapping"].meta["state"]["_buffers"]["w_avg"]
    converted = read({"G_ema": generator})
    z = torch.from_numpy(np.random.RandomState(7).randn(20_000, network.z_dim).astype(np.float32))
    expected = network.mapping(z, torch.arange(20_000) % 3)[:, 0].mean(0).numpy()
    assert np.linalg.norm(converted.weights["mapping.w_avg"] - expected) < 0.05 * np.linalg.norm(expected)


def test_a_stylegan_xl_without_classes_holds_a_table_that_nothing_reads():
    network = made.small3()
    generator = made.official(network)
    mapping = generator.meta["state"]["_modules"]["mapping"].meta["state"]
    mapping["_modules"]["embed"] = torch.nn.Embedding(5, 4)
    converted = read({"G_ema": generator})
    assert_same(converted, network)
    assert "StyleGAN-XL" in converted.origin


def test_the_running_average_is_used_and_the_plain_generator_only_without_it():
    averaged, plain = made.small2(), made.random_network(made.small2().config, seed=5)
    both = {"G": made.official(plain), "D": None, "G_ema": made.official(averaged)}
    assert_same(read(both), averaged)
    assert_same(read({"G_ema": made.official(averaged)}), averaged)
    assert_same(read({"G": made.official(plain), "D": None, "G_ema": None}), plain)
    assert_same(read(made.official(plain)), plain)
    assert_same(read_torch({"G_ema": made.official(averaged)}), averaged)


def test_half_precision_stays():
    network = made.small2()
    converted = read(made.snapshot(network, half=True))
    assert converted.weights["synthesis.b8.conv0.weight"].dtype == np.float16
    assert converted.weights["synthesis.b8.conv0.bias"].dtype == np.float32
    assert_same(converted, network, tolerance=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_floats_become_float32(dtype):
    network = made.small2()
    generator = made.official(network)
    mapping = generator.meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]["fc0"].meta["state"]
    mapping["_parameters"]["weight"] = mapping["_parameters"]["weight"].to(dtype)
    weight = read({"G_ema": generator}).weights["mapping.fc0.weight"]
    assert weight.dtype == np.float32
    expected = network.tensors["mapping.fc0.weight"].to(dtype).float().numpy()
    assert np.array_equal(weight, expected)


def test_views_of_a_shared_storage():
    network = made.small2()
    generator = made.official(network)
    fc0 = generator.meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]["fc0"].meta["state"]["_parameters"]
    weight = network.tensors["mapping.fc0.weight"]
    whole = torch.zeros(weight.shape[1] + 2, weight.shape[0] + 3)
    view = whole[1:-1, 2:-1].T  # transposed, with an offset and gaps
    view.copy_(weight)
    fc0["weight"] = view
    assert_same(read({"G_ema": generator}), network)


def test_layers_without_noise_get_silent_noise():
    network = made.small2(const_size=(5, 3))
    generator = made.official(network)
    block = generator.meta["state"]["_modules"]["synthesis"].meta["state"]["_modules"]["b8"].meta["state"]
    conv = block["_modules"]["conv0"].meta["state"]
    del conv["_parameters"]["noise_strength"], conv["_buffers"]["noise_const"]
    weights = read({"G_ema": generator}).weights
    assert weights["synthesis.b8.conv0.noise_strength"] == 0
    assert weights["synthesis.b8.conv0.noise_const"].shape == (6, 10)


def test_noise_is_made_up_for_blocks_that_there_can_be():
    network = made.small2()
    state = {name: tensor for name, tensor in foreign.state_dict(network).items() if "noise" not in name}
    few = torch.zeros(2, 2, 3, 3)
    state |= {f"synthesis.b{number}.conv1.weight": few.clone() for number in range(1000, 2000) if number != 1024}
    with pytest.raises(NetworkFileError, match="has blocks for"):
        read_torch({"G_ema": state})


def test_a_fork_s_extra_buffers_are_left_out_with_a_note_and_extra_parameters_refused():
    network = made.small2()
    generator = made.official(network)
    mapping = generator.meta["state"]["_modules"]["mapping"]
    mapping.meta["state"]["_buffers"]["steps"] = torch.zeros(2)
    converted = read({"G_ema": generator})
    assert_same(converted, network)
    assert "mapping.steps" in converted.notes[0]
    mapping.meta["class_name"] = "ForkedMapping"
    mapping.meta["state"]["_parameters"]["gate"] = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(NetworkFileError, match=r"'ForkedMapping'.*'gate'"):
        read({"G_ema": generator})


def test_another_generator_is_refused_by_its_class():
    with pytest.raises(NetworkFileError, match="'PatchGenerator', which is neither"):
        read({"G_ema": made.Persistent("PatchGenerator", {"_modules": {}, "_parameters": {}, "_buffers": {}})})


# -- TensorFlow ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("variant", VARIANTS2, ids=str)
def test_tensorflow(variant, protocol):
    network = made.small2(**variant)
    assert_same(read(made.tensorflow(network), protocol), network)
    assert_same(read(made.tensorflow(network, scalars=False), protocol), network)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float16(0.5), np.array([0.5], ">f4")[0], 0.5])
def test_a_variable_of_one_number_may_be_any_float(number):
    network = made.small2()
    content = made.tensorflow(network)
    variables = content[2].state["components"]["synthesis"].state["variables"]
    names = [name for name, _ in variables]
    variables[names.index("8x8/Conv1/noise_strength")] = ("8x8/Conv1/noise_strength", number)
    strength = read(content).weights["synthesis.b8.conv1.noise_strength"]
    assert strength.shape == () and strength == 0.5


@pytest.mark.parametrize("fast", [True, False])
def test_the_first_release_s_labels(fast):
    """Against the formula: label · W beside z, and both normalised together."""
    made_of = made.small2(c_dim=3)
    network = made.random_network(dataclasses.replace(made_of.config, joint_normalization=True))
    network.tensors["mapping.embed.bias"].zero_()
    converted = read(made.tensorflow(network))
    assert_same(converted, network, tolerance=1e-6)
    arrays = dict(made.tensorflow(network)[2].state["components"]["mapping"].state["variables"])
    mine = Network(converted.config, {name: torch.from_numpy(np.array(a)) for name, a in converted.weights.items()})
    mine.fast = fast
    z, label = np.random.RandomState(3).randn(4, 5).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    x = np.concatenate([z, label @ arrays["LabelConcat/weight"]], 1)
    x /= np.sqrt((x**2).mean(1, keepdims=True) + 1e-8)
    for i in range(2):
        x = x @ arrays[f"Dense{i}/weight"] * (0.01 / np.sqrt(x.shape[1])) + arrays[f"Dense{i}/bias"] * 0.01
        x = np.where(x < 0, 0.2 * x, x) * np.sqrt(2)
    w = mine.mapping(torch.from_numpy(z), torch.from_numpy(label))[:, 0]
    np.testing.assert_allclose(w.numpy(), x, rtol=1e-4, atol=1e-5)


def test_tensorflow_s_older_names_mark_the_orig_architecture():
    network = made.small2(architecture="orig", resolution=32)
    assert_same(read(made.tensorflow(network, levels=True, named_architecture=False)), network)


def test_the_first_stylegan_is_refused():
    networks = made.tensorflow(made.small2())
    networks[2].state["version"] = 3
    with pytest.raises(NetworkFileError, match="version 3"):
        read(networks)


# -- rosinality ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older layout"])
@pytest.mark.parametrize(
    "variant",
    [{}, {"resolution": 64, "channel_base": 128, "z_dim": 7}, {"img_channels": 1}, {"const_size": (5, 3)}],
    ids=str,
)
def test_rosinality(variant, zipped):
    network = made.small2(conv_clamp=None, **variant)
    average = network.tensors["mapping.w_avg"]
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.002, "params": [0, 1]}]}
    training = {"g": {}, "g_optim": optimizer, "args": argparse.Namespace(size=16), "latent_avg": average}
    assert_same(read_torch({**training, "g_ema": made.rosinality(network)}, zipped), network)


def test_a_bare_state_dict_of_a_network_trained_on_several_devices():
    network = made.small2(conv_clamp=None)
    state = {f"module.{name}": tensor for name, tensor in made.rosinality(network).items()}
    assert_same(read_torch({**state, "latent_avg": network.tensors["mapping.w_avg"][None].repeat(8, 1)}), network)


def test_a_missing_average_is_estimated_and_said():
    network = made.small2(conv_clamp=None)
    converted = read_torch({"g_ema": made.rosinality(network)})
    assert_same(converted, network, apart=["mapping.w_avg"])
    assert "estimated from 10,000" in converted.notes[0]
    z = torch.from_numpy(np.random.RandomState(7).randn(20_000, network.z_dim).astype(np.float32))
    expected = network.mapping(z)[:, 0].mean(0).numpy()
    estimated = converted.weights["mapping.w_avg"]
    assert np.linalg.norm(estimated - expected) < 0.05 * np.linalg.norm(expected)
    again = read_torch({"g_ema": made.rosinality(network)}).weights["mapping.w_avg"]
    assert np.array_equal(estimated, again)


def test_missing_fixed_noise_is_made_up_and_said():
    network = made.small2(conv_clamp=None)
    state = {name: tensor for name, tensor in made.rosinality(network).items() if not name.startswith("noises.")}
    converted = read_torch({"g_ema": state, "latent_avg": network.tensors["mapping.w_avg"]})
    assert_same(converted, network, apart=[name for name in network.tensors if name.endswith("noise_const")])
    assert converted.weights["synthesis.b16.conv1.noise_const"].std() > 0.8
    assert "noise" in converted.notes[0]


# -- the whole way ---------------------------------------------------------------------------------------------


def test_a_file_becomes_a_network_that_draws_the_same_picture(tmp_path):
    network = made.small2()
    made.write(made.snapshot(network, canary=str(tmp_path / "canary")), tmp_path / "x.pkl")
    file = open_network_file(tmp_path / "x.pkl")
    assert file.path == tmp_path / "x.pkl" and len(file.sha256) == 64 and file.config["kind"] == "stylegan2"
    loaded = load_network(tmp_path / "x.pkl")
    w = network.mapping(network.latent(3))
    assert torch.equal(loaded.synthesis(w), network.synthesis(w))
    assert [path.name for path in tmp_path.iterdir()] == ["x.pkl"]
