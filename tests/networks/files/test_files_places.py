"""Wherever a tool puts a generator, and however it wraps it, it is found; what the file cannot say is told."""

from __future__ import annotations

import argparse
import io
import pickle

import numpy as np
import pytest
import safetensors.torch
import torch

import foreign_files as foreign
import network_files as made
from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert
from ganzfeld.networks.network import Network


def read(content: object, stated: dict | None = None):
    return convert.read(memoryview(pickle.dumps(content, 4)), stated)


def read_torch(content: object, zipped: bool = True):
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return convert.read(memoryview(file.getvalue()))


def assert_same(converted, network: Network, apart: tuple[str, ...] = ()) -> None:
    """The same tensors, and a configuration that draws the same picture."""
    assert set(converted.weights) == set(network.tensors)
    for name, tensor in network.tensors.items():
        if not name.endswith(apart or ("\n",)):
            np.testing.assert_allclose(converted.weights[name], tensor.numpy(), rtol=1e-6, atol=1e-6, err_msg=name)
    theirs, ours = converted.config.to_json(), network.config.to_json()
    for name in set(theirs) - {"input", "layers"}:
        assert theirs[name] == ours[name], name
    for theirs_of, ours_of in zip(theirs.get("layers", []), ours.get("layers", [])):
        assert {n: v for n, v in theirs_of.items() if v} == {n: v for n, v in ours_of.items() if v}
    assert theirs.get("input") == ours.get("input")


# -- official names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", list(foreign.PLACES))
def test_an_official_state_dict(place):
    network, other = made.small2(), made.random_network(made.small2().config, seed=5)
    content = foreign.PLACES[place](foreign.state_dict(network), foreign.state_dict(other))
    converted = read_torch(content)
    assert_same(read(content), network)
    assert_same(read_torch(content, zipped=False), network)
    assert_same(converted, network)
    assert any("conv_clamp 256, mapping_lr_multiplier 0.01" in note for note in converted.notes)
    assert "state dict" in converted.origin and not converted.warnings


@pytest.mark.parametrize(
    "variant",
    [
        {"architecture": "orig"},
        {"architecture": "resnet"},
        {"c_dim": 3},
        {"img_channels": 1},
        {"resolution": 64, "channel_base": 128},
    ],
    ids=str,
)
def test_what_a_state_dict_s_tensors_say_of_stylegan2(variant):
    network = made.small2(**variant)
    assert_same(read_torch({"G_ema": foreign.state_dict(network)}), network)


@pytest.mark.parametrize(
    ("variant", "margin"),
    [
        ({}, 10),
        ({"kind": "stylegan3-r"}, 10),
        ({"c_dim": 2, "img_channels": 1}, 10),
        ({"num_layers": 6, "resolution": 32}, 6),
        ({"num_layers": 14, "resolution": 64, "kind": "stylegan3-r"}, 10),
        ({"num_layers": 5, "num_critical": 1}, 3),
        ({"num_layers": 7, "num_critical": 0, "conv_kernel": 1}, 10),
    ],
    ids=str,
)
def test_the_design_of_a_stylegan3_is_found_again(variant, margin):
    network = made.small3(margin_size=margin, **variant)
    converted = read_torch({"G_ema": foreign.state_dict(network)})
    assert_same(converted, network)
    assert any("output_scale 0.25" in note for note in converted.notes)


def test_an_unusual_design_must_be_stated():
    network = made.small3(first_cutoff=3, last_stopband_rel=1.5)
    content = {"G_ema": foreign.state_dict(network)}
    with pytest.raises(NetworkFileError, match="does not say how its layers sample") as caught:
        read(content)
    assert "first_cutoff" in caught.value.hint
    with pytest.raises(NetworkFileError, match=r"no usual design fits with the stated first_cutoff 2\.5"):
        read(content, {"first_cutoff": 2.5})
    assert_same(read(content, {"first_cutoff": 3, "last_stopband_rel": 1.5}), network)


def test_layers_of_other_names_are_refused():
    state = {name.replace("synthesis.L", "synthesis.M"): t for name, t in foreign.state_dict(made.small3()).items()}
    with pytest.raises(NetworkFileError, match=r"no layers|does not have"):
        read({"G_ema": state})
    state = {name.replace("L2_36", "L2_wide"): t for name, t in foreign.state_dict(made.small3()).items()}
    with pytest.raises(NetworkFileError, match="names of the layers"):
        read({"G_ema": state})


def test_stated_facts_of_a_state_dict_win():
    network = made.small2(conv_clamp=None)
    state = foreign.state_dict(network, ("resample_filter",))
    converted = read(state, {"conv_clamp": None, "mapping_lr_multiplier": 0.5, "resample_filter": [1, 2, 2, 1]})
    assert converted.config.conv_clamp is None and converted.config.mapping_lr_multiplier == 0.5
    line = np.array([1, 2, 2, 1], np.float32) / 6
    np.testing.assert_allclose(converted.weights["synthesis.b8.conv0.resample_filter"], np.outer(line, line), atol=1e-7)
    assert not any("does not say everything" in note for note in converted.notes)


def test_what_a_state_dict_leaves_out_is_made_up_and_told():
    network = made.small2(c_dim=3)
    converted = read(foreign.state_dict(network, ("w_avg", "noise_const", "resample_filter")))
    assert_same(converted, network, ("w_avg", "noise_const"))
    assert any("no average w" in note for note in converted.notes)
    assert any("no fixed noise" in note for note in converted.notes)
    z = torch.from_numpy(np.random.RandomState(7).randn(20_000, network.z_dim).astype(np.float32))
    expected = network.mapping(z, torch.arange(20_000) % 3)[:, 0].mean(0).numpy()
    assert np.linalg.norm(converted.weights["mapping.w_avg"] - expected) < 0.05 * np.linalg.norm(expected)


def test_a_snapshot_without_an_average_w():
    for network in (made.small2(), made.small3()):
        generator = made.official(network)
        del generator.meta["state"]["_modules"]["mapping"].meta["state"]["_buffers"]["w_avg"]
        converted = read({"G_ema": generator})
        assert_same(converted, network, ("w_avg",))
        assert any("no average w" in note for note in converted.notes)


def test_tensors_that_stylegan_does_not_have_are_refused_in_a_state_dict_too():
    state = {**foreign.state_dict(made.small2()), "mapping.gate.weight": torch.zeros(2)}
    with pytest.raises(NetworkFileError, match=r"'mapping.gate' has a parameter 'weight'"):
        read({"G_ema": state})


@pytest.mark.parametrize(("kept", "lost"), [("synthesis", "mapping"), ("mapping", "synthesis")])
def test_half_a_generator(kept, lost):
    for network in (made.small2(), made.small3()):
        state = {name: tensor for name, tensor in foreign.state_dict(network).items() if name.startswith(kept)}
        with pytest.raises(NetworkFileError, match=f"a {kept} network, and the {lost} network .* missing"):
            read({"G_ema": state, "D.mapping.fc0.weight": torch.zeros(2)})


def test_a_discriminator_s_state_dict():
    state = {
        "b4.out.weight": torch.zeros(1, 4),
        "b8.fromrgb.weight": torch.zeros(2),
        "mapping.fc0.weight": torch.zeros(2),
    }
    for content in (state, {"D": state}, {"state_dict": foreign.prefixed("D.", state)}):
        with pytest.raises(NetworkFileError, match=r"discriminator but no generator|not a generator"):
            read(content)


def test_a_file_of_safetensors_that_another_tool_wrote(tmp_path):
    network = made.small2()
    safetensors.torch.save_file(dict(foreign.state_dict(network)), tmp_path / "x.safetensors", {"format": "pt"})
    assert_same(convert.read(memoryview((tmp_path / "x.safetensors").read_bytes())), network)
    halves = {name: tensor.to(torch.bfloat16) for name, tensor in foreign.state_dict(network).items()}
    content = safetensors.torch.save({**halves, "step": torch.tensor(5)})
    assert convert.read(memoryview(content)).weights["mapping.w_avg"].dtype == np.float32


def test_the_plain_generator_is_played_and_told_where_there_is_no_average():
    network = made.small2()
    converted = read({"G": made.official(network), "D": None, "G_ema": None})
    assert_same(converted, network)
    assert any("no running average" in note for note in converted.notes)


# -- pickled modules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["training.networks", "src.training.stylegan2_multi", "networks"])
@pytest.mark.parametrize("make", [made.small2, made.small3])
def test_modules_whose_classes_are_not_persistent(make, package):
    network = make()
    content = {"G_ema": foreign.plain(made.official(network), package)}
    assert_same(read(content), network)
    assert_same(read_torch(content, zipped=False), network)


@pytest.mark.parametrize(
    "module", ["torch_utils.persistence", "stylegan3.torch_utils.persistence", "src.torch_utils.persistence"]
)
def test_a_fork_s_package_may_lie_deeper(module):
    network = made.small2()
    content = pickle.dumps({"G_ema": made.official(network)}, 2)
    old = b"ctorch_utils.persistence\n"
    assert old in content
    assert_same(convert.read(memoryview(content.replace(old, b"c" + module.encode() + b"\n"))), network)


def test_a_module_within_wrappers():
    network = made.small2()
    wrapped = made.Persistent(
        "DistributedDataParallel", {"_parameters": {}, "_buffers": {}, "_modules": {"module": made.official(network)}}
    )
    assert_same(read({"G_ema": wrapped}), network)
    assert_same(read({"ema": {"model": wrapped}}), network)


@pytest.mark.parametrize("name", ["small2", "small3"])
def test_arrays_that_dill_wrote(name):
    network = getattr(made, name)()
    assert_same(read({"G_ema": foreign.with_dill_arrays(made.official(network))}), network)


def test_an_embedding_that_an_unconditional_stylegan_xl_does_not_use():
    network = made.small3()
    generator = made.official(network)
    embedding = torch.nn.Embedding(10, 6)
    generator.meta["state"]["_modules"]["mapping"].meta["state"]["_modules"]["embed"] = embedding
    assert_same(read({"G_ema": generator}), network)


def test_half_precision_is_told():
    for network, kind in ((made.small2(), "blocks"), (made.small3(), "layers")):
        generator = made.official(network)
        modules = generator.meta["state"]["_modules"]["synthesis"].meta["state"]["_modules"]
        list(modules.values())[-1].meta["state"]["use_fp16"] = True
        (note,) = read({"G_ema": generator}).notes
        assert f"computes 1 of its {len(modules) - (kind == 'layers')} {kind} in half precision" in note
    _, _, averaged = made.tensorflow(made.small2())
    averaged.state["static_kwargs"]["num_fp16_res"] = 4
    assert "its 4 largest resolutions in half precision" in read((None, None, averaged)).notes[0]


# -- rosinality ------------------------------------------------------------------------------------------------


def pixel2style(network: Network, rows: int = 6) -> dict:
    """As pSp, e4e, ReStyle and their kin write it."""
    state = {
        **foreign.prefixed("decoder.", made.rosinality(network)),
        "encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3),
        "encoder.body.0.shortcut_layer.1.num_batches_tracked": torch.tensor(5),
        "face_pool.weight": torch.zeros(1),
        # Names that would speak of other mathematics, were they the generator's.
        **{f"encoder.{name}": torch.zeros(1) for name in ("feat_8.0", "se_8.0", "conv_first.weight", "body.0.rdb1.0")},
        **{f"encoder.{name}": torch.zeros(1) for name in ("blocks.0.0.bn1.weight", "linear.weight", "attn.0.lora_up")},
    }
    average = network.tensors["mapping.w_avg"].repeat(rows, 1)
    return {"state_dict": state, "latent_avg": average, "opts": {"output_size": 16, "learn_in_w": False}}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older layout"])
def test_the_generator_of_an_encoder(zipped):
    network = made.small2(conv_clamp=None)
    converted = read_torch(pixel2style(network), zipped)
    assert_same(converted, network)
    assert "pSp" in converted.origin and not converted.notes and not converted.warnings


def test_an_average_of_different_rows_is_told():
    network = made.small2(conv_clamp=None)
    content = pixel2style(network)
    content["latent_avg"] = torch.randn(6, 7)
    converted = read_torch(content)
    assert "differs from layer to layer" in converted.warnings[0]
    np.testing.assert_allclose(converted.weights["mapping.w_avg"], content["latent_avg"].mean(0), atol=1e-6)


@pytest.mark.parametrize("place", list(foreign.PLACES))
def test_a_rosinality_state_dict(place):
    network, other = made.small2(conv_clamp=None), made.random_network(made.small2().config, seed=5)
    state = {**made.rosinality(network), "latent_avg": network.tensors["mapping.w_avg"]}
    assert_same(read_torch(foreign.PLACES[place](state, made.rosinality(other))), network)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older layout"])
def test_a_rosinality_module_pickled_whole(zipped):
    network = made.small2(conv_clamp=None)
    network.config = made.small2(conv_clamp=None).config
    module = foreign.whole_module(made.rosinality(network), {"style.1": {"lr_mul": 0.02}})
    converted = read_torch({"g_ema": module, "latent_avg": network.tensors["mapping.w_avg"]}, zipped)
    assert converted.config.mapping_lr_multiplier == 0.02
    assert np.array_equal(converted.weights["synthesis.b8.conv0.weight"], network.tensors["synthesis.b8.conv0.weight"])


def with_kernel(state: dict, taps: list[float], where: str = "blur") -> dict:
    line = torch.tensor(taps)
    square = 4 * torch.outer(line, line) / line.sum() ** 2
    return {name: square if name.endswith(f"{where}.kernel") else tensor for name, tensor in state.items()}


def draws(converted, z, network: Network | None = None) -> torch.Tensor:
    weights = {name: torch.from_numpy(np.array(array)) for name, array in converted.weights.items()}
    network = network or Network(converted.config, weights)
    return network.synthesis(network.mapping(torch.from_numpy(z)))


@pytest.mark.parametrize("taps", [[1, 2, 1], [1, 1], [1], [1, 4, 6, 4, 1], [1, 2, 3, 4], [1, 3, 3, 1]], ids=str)
@pytest.mark.parametrize("fast", [True, False])
def test_filters_of_other_lengths_draw_as_the_public_code_aligns_them(taps, fast):
    """Against a convolution written out, with the public code's padding for filters of any length."""
    network = made.small2(conv_clamp=None, resolution=8)
    state = with_kernel({**made.rosinality(network)}, taps)
    converted = read_torch({"g_ema": state, "latent_avg": network.tensors["mapping.w_avg"]})
    weights = {name: torch.from_numpy(np.array(array)) for name, array in converted.weights.items()}
    mine = Network(converted.config, weights)
    mine.fast = fast
    w = mine.mapping(mine.latent(3))
    before = mine.synthesis(w, "none", until="b4")
    layer = "synthesis.b8.conv0"
    tensors = mine.tensors
    style = w[:, 1] @ tensors[f"{layer}.affine.weight"].t() / np.sqrt(7) + tensors[f"{layer}.affine.bias"]
    weight = tensors[f"{layer}.weight"] * style[0][None, :, None, None]
    weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
    x = torch.nn.functional.conv_transpose2d(before, weight.transpose(0, 1), stride=2)
    k = len(taps)
    p = k - 4
    low, high = (p + 1) // 2 + 1, p // 2 + 1
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = (4 * torch.outer(line, line) / line.sum() ** 2).flip(0, 1)
    x = torch.nn.functional.pad(x, (low, high, low, high))
    x = torch.nn.functional.conv2d(x, kernel.repeat(x.shape[1], 1, 1, 1), groups=x.shape[1])
    expected = torch.nn.functional.leaky_relu(x + tensors[f"{layer}.bias"][:, None, None], 0.2) * np.sqrt(2)
    torch.testing.assert_close(mine.synthesis(w, "none", until="b8.conv0"), expected, rtol=1e-4, atol=1e-4)
    assert any("filters" in note for note in converted.notes) == (taps != [1, 3, 3, 1])


def test_the_picture_s_filter_is_another_one_than_the_convolutions():
    network = made.small2(conv_clamp=None)
    state = with_kernel(made.rosinality(network), [1, 2, 1])
    converted = read_torch({"g_ema": state, "latent_avg": network.tensors["mapping.w_avg"]})
    assert np.array_equal(
        converted.weights["synthesis.b8.resample_filter"], network.tensors["synthesis.b8.resample_filter"]
    )
    assert "[1, 2, 1] and [1, 3, 3, 1]" in converted.notes[0]


@pytest.mark.parametrize("settings", [argparse.Namespace, dict, lambda **args: pickle.loads(pickle.dumps(args))])
@pytest.mark.parametrize("key", ["args", "opts", "conf"])
def test_what_the_settings_say(settings, key):
    network = made.small2(conv_clamp=None)
    state = {name: tensor for name, tensor in made.rosinality(network).items() if not name.endswith("kernel")}
    average = {"latent_avg": network.tensors["mapping.w_avg"]}
    settings = settings(lr_mlp=0.5, blur_kernel=[1, 2, 1], size=16)
    converted = read_torch({"g_ema": state, key: settings, **average})
    assert converted.config.mapping_lr_multiplier == 0.5
    assert converted.weights["synthesis.b8.conv0.resample_filter"][0, 0] == 0  # [1, 2, 1] in four taps
    stored = read_torch({"g_ema": made.rosinality(network), key: settings, **average})
    assert "holds another one" in stored.warnings[0]
    assert stored.weights["synthesis.b8.conv0.resample_filter"][0, 0] > 0


@pytest.mark.parametrize("value", ["fast", None, float("nan"), -1, [1], True])
def test_settings_that_are_nonsense_do_not_matter(value):
    network = made.small2(conv_clamp=None)
    content = {"g_ema": made.rosinality(network), "latent_avg": network.tensors["mapping.w_avg"]}
    converted = read_torch({**content, "args": argparse.Namespace(lr_mlp=value, blur_kernel=value)})
    assert_same(converted, network)


@pytest.mark.parametrize(("size", "warned"), [(100, False), (60, False), (250, False), (1, True), (10, True)])
def test_weights_that_speak_of_another_rate_are_told(size, warned):
    network = made.small2(conv_clamp=None, z_dim=16, w_dim=16)
    for name, tensor in network.tensors.items():
        if name.startswith("mapping.fc") and name.endswith("weight"):
            tensor.copy_(size * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)))
    content = {"g_ema": made.rosinality(network), "latent_avg": network.tensors["mapping.w_avg"]}
    converted = read_torch(content)
    assert any("mapping_lr_multiplier=NUMBER" in text for text in converted.warnings) == warned
    assert not read({**content, "args": {"lr_mlp": 1 / size}}).warnings
    assert not read(content, {"mapping_lr_multiplier": 1 / size}).warnings


# -- other versions of Python, numpy and torch -----------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_snapshots_that_python_2_wrote(protocol):
    network = made.small2()
    content = foreign.python2(made.tensorflow(network), protocol)
    assert_same(convert.read(memoryview(foreign.older_numpy(content))), network)
    content = foreign.python2({"G_ema": made.official(network)}, protocol)
    assert_same(convert.read(memoryview(foreign.older_numpy(content))), network)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_names_of_older_numpy(protocol):
    network = made.small3()
    content = pickle.dumps({"G_ema": made.official(network)}, protocol)
    assert b"numpy._core" in content
    assert_same(convert.read(memoryview(foreign.older_numpy(content))), network)


@pytest.mark.parametrize("zipped", [True, False, None], ids=["zip", "older layout", "pickle"])
def test_tensors_and_parameters_with_attributes(zipped):
    network = made.small2()
    state = {name: foreign.with_attributes(tensor) for name, tensor in foreign.state_dict(network).items()}
    parameter = torch.nn.Parameter(state["mapping.fc0.weight"].detach().clone())
    state["mapping.fc0.weight"] = foreign.with_attributes(parameter)
    content = {"G_ema": state}
    assert_same(read(content) if zipped is None else read_torch(content, zipped), network)


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_torch_save_of_every_protocol(protocol):
    network = made.small2()
    for zipped in (True, False):
        file = io.BytesIO()
        state = foreign.state_dict(network)
        torch.save({"G_ema": state}, file, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        assert_same(convert.read(memoryview(file.getvalue())), network)


def test_views_of_one_storage_and_strides():
    network = made.small2()
    state = foreign.state_dict(network)
    flat = torch.cat([tensor.reshape(-1) for tensor in state.values()])
    place = 0
    for name, tensor in state.items():
        state[name] = flat[place : place + tensor.numel()].view(tensor.shape)
        place += tensor.numel()
    weight = state["synthesis.b8.conv1.weight"]
    state["synthesis.b8.conv1.weight"] = weight.to(memory_format=torch.channels_last)
    for zipped in (True, False):
        assert_same(read_torch({"g_ema": state}, zipped), network)
