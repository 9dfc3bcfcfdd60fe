"""Writes networks of ours the way other programs write theirs, so that the readers can be tried on every variant.

Written from the description of the formats and independent of the readers: what these functions do to names and
layouts is the inverse of what the readers must do.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import goldens
from ganzfeld import NetworkFileError
from ganzfeld.networks.config import Config
from ganzfeld.networks.files import convert, open_network_file
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

SMALL2 = {"channel_base": 32, "channel_max": 6, "mapping_layers": 2, "z_dim": 5, "w_dim": 7}
SMALL3 = {"channel_base": 64, "channel_max": 6, "num_layers": 4, "z_dim": 5, "w_dim": 7}


def random_network(config: Config, seed: int = 0) -> Network:
    """A network whose every tensor is random, the noise strengths and biases too (which begin as zeros)."""
    network = Network.random(config, seed)
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.tensors.items():
        if name.endswith(("noise_strength", "bias", "w_avg", "magnitude_ema")):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return network


def small2(**changes: Any) -> Network:
    resolution = changes.pop("resolution", 16)
    return random_network(StyleGAN2Config.design(resolution, **{**SMALL2, **changes}))


def small3(kind="stylegan3-t", **changes: Any) -> Network:
    resolution = changes.pop("resolution", 16)
    return random_network(StyleGAN3Config.design(kind, resolution, **{**SMALL3, **changes}))


def small_xl(kind="stylegan3-t", **changes: Any) -> Network:
    """A StyleGAN-XL: features and an average w for each of three classes."""
    resolution = changes.pop("resolution", 16)
    config = StyleGAN3Config.design(kind, resolution, **{**SMALL3, "c_dim": 3, **changes})
    return random_network(dataclasses.replace(config, class_features=4, class_averages=True))


# -- classes that pickles refer to by name ---------------------------------------------------------------------


def _module(name: str, **members: Any) -> None:
    module = sys.modules.setdefault(name, types.ModuleType(name))
    for key, member in members.items():
        if not hasattr(module, key):
            member.__module__, member.__qualname__ = name, key
            setattr(module, key, member)


def _reconstruct_persistent_obj(meta):
    raise AssertionError("named in pickles, never called")


class _Network:
    def __init__(self, state):
        self.state = state

    def __getstate__(self):
        return self.state


_module("torch_utils")
_module("torch_utils.persistence", _reconstruct_persistent_obj=_reconstruct_persistent_obj)
_module("dnnlib")
_module("dnnlib.util", EasyDict=type("EasyDict", (dict,), {}))
_module("dnnlib.tflib")
_module("dnnlib.tflib.network", Network=_Network)


class Persistent:
    """A PyTorch module as the official code pickles it. Its source would create the file "executed"."""

    def __init__(self, class_name: str, state: dict, canary: str = "executed") -> None:
        source = f"open({canary!r}, 'w')"
        self.meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}

    def __reduce__(self):
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


# -- official PyTorch ------------------------------------------------------------------------------------------


def official(network: Network, *, half: bool = False, canary: str = "executed") -> Persistent:
    """The network as the official code would pickle it."""
    config = network.config
    tree: dict = {}
    for name, tensor in network.tensors.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        is_parameter = name in dict(network.module.named_parameters())
        tensor = tensor.half() if half and tensor.ndim > 1 else tensor.clone()
        node[last] = torch.nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor
    layers3 = {layer.name: layer for layer in config.layers} if isinstance(config, StyleGAN3Config) else {}

    def fields(path: str) -> tuple[str, dict]:
        last = path.rpartition(".")[2]
        if path == "":
            return "Generator", {"z_dim": config.z_dim, "c_dim": config.c_dim, "img_channels": config.img_channels}
        if path == "synthesis":
            more = {"output_scale": config.output_scale} if isinstance(config, StyleGAN3Config) else {}
            return "SynthesisNetwork", {"w_dim": config.w_dim, **more}
        if path == "mapping":
            return "MappingNetwork", {"z_dim": config.z_dim, "w_dim": config.w_dim, "c_dim": config.c_dim}
        if last.startswith("fc"):
            return "FullyConnectedLayer", {"activation": "lrelu", "bias_gain": config.mapping_lr_multiplier}
        if isinstance(config, StyleGAN2Config):
            if last.startswith("b"):
                return "SynthesisBlock", {"architecture": config.architecture}
            if last == "torgb":
                return "ToRGBLayer", {"conv_clamp": config.conv_clamp}
            if last.startswith("conv"):
                return "SynthesisLayer", {"conv_clamp": config.conv_clamp, "activation": "lrelu"}
            return "Part", {}
        if last == "input":
            source = config.input
            return "SynthesisInput", {
                "size": np.array(source.size),
                "sampling_rate": source.sampling_rate,
                "bandwidth": np.float64(source.bandwidth),
            }
        if last in layers3:
            layer = layers3[last]
            return "SynthesisLayer", {
                "in_sampling_rate": layer.in_sampling_rate,
                "out_sampling_rate": layer.out_sampling_rate,
                "in_size": np.array(layer.in_size),
                "out_size": np.array(layer.out_size),
                "up_factor": layer.up,
                "down_factor": layer.down,
                "padding": list(layer.padding),
                "conv_kernel": layer.kernel,
                "is_torgb": layer.torgb,
                "conv_clamp": layer.clamp,
                "in_cutoff": np.float64(layer.in_cutoff),
                "out_cutoff": np.float64(layer.out_cutoff),
                "in_half_width": np.float64(layer.in_half_width),
                "out_half_width": np.float64(layer.out_half_width),
            }
        return "Part", {}

    def build(path: str, node: dict) -> Persistent | torch.nn.Module:
        if path == "mapping.embed" and "bias" not in node:  # StyleGAN-XL's table of classes
            return torch.nn.Embedding.from_pretrained(node["weight"].detach())
        class_name, state = fields(path)
        state["training"] = False
        state["_parameters"], state["_buffers"], state["_modules"] = OrderedDict(), OrderedDict(), OrderedDict()
        for key, value in node.items():
            if isinstance(value, dict):
                state["_modules"][key] = build(f"{path}.{key}" if path else key, value)
            else:
                kind = "_parameters" if isinstance(value, torch.nn.Parameter) else "_buffers"
                state[kind][key] = value
        state["_non_persistent_buffers_set"] = set()
        state["_init_kwargs"] = sys.modules["dnnlib.util"].EasyDict(z_dim=512, img_resolution=1024)  # not to be trusted
        return Persistent(class_name, state, canary)

    generator = build("", tree)
    assert isinstance(generator, Persistent)
    return generator


def snapshot(network: Network, **options: Any) -> dict:
    generator = official(network, **options)
    return {"G": generator, "D": None, "G_ema": generator, "augment_pipe": None, "training_set_kwargs": {}}


# -- TensorFlow ------------------------------------------------------------------------------------------------


def tensorflow(
    network: Network, *, levels: bool = False, named_architecture: bool = True, scalars: bool = True
) -> tuple:
    """(G, D, Gs). No values but Gs's are right.

    levels: ToRGB under its older name. scalars: variables of no dimensions as numpy scalars, as a TensorFlow session
    returns them, and not as arrays.
    """
    config = network.config
    assert isinstance(config, StyleGAN2Config)
    parts: dict[str, list] = {"mapping": [], "synthesis": [], "": [("lod", np.float32(0))]}
    for name, tensor in network.tensors.items():
        array = tensor.numpy().copy()
        where, *path = name.split(".")
        if name == "mapping.w_avg":
            parts[""].append(("dlatent_avg", array))
        elif where == "mapping":
            layer = "LabelEmbed" if path[0] == "embed" else f"Dense{path[0].removeprefix('fc')}"
            if path[0] == "embed" and config.joint_normalization:  # the first release's: no bias, and not scaled
                if path[1] == "weight":
                    parts["mapping"].append(("LabelConcat/weight", array.T / np.sqrt(np.float32(config.c_dim))))
            else:
                parts["mapping"].append((f"{layer}/{path[1]}", array.T))
        elif path[-1] == "resample_filter":
            pass
        elif path[-1] == "const":
            parts["synthesis"].append(("4x4/Const/const", array[None]))
        else:
            size = int(path[0].removeprefix("b"))
            words = {"conv0": "Conv0_up", "conv1": "Conv" if size == 4 else "Conv1", "skip": "Skip", "torgb": "ToRGB"}
            layer = f"{size}x{size}/{words[path[1]]}"
            if levels and path[1] == "torgb":
                layer = f"ToRGB_lod{int(np.log2(config.img_resolution // size))}"
            last = ".".join(path[2:])
            if last == "noise_const":
                index = 2 * int(np.log2(size)) - (5 if path[1] == "conv0" else 4)
                parts["synthesis"].append((f"noise{index}", array[None, None]))
            elif last == "affine.weight":
                parts["synthesis"].append((f"{layer}/mod_weight", array.T))
            elif last == "affine.bias":
                parts["synthesis"].append((f"{layer}/mod_bias", array - 1))
            elif last == "weight":
                array = array.transpose(2, 3, 1, 0)
                array = array[::-1, ::-1] if path[1] == "conv0" else array
                parts["synthesis"].append((f"{layer}/weight", array))
            else:
                array = np.float32(array) if scalars and not array.ndim else array
                parts["synthesis"].append((f"{layer}/{last}", array))
    kwargs = {"resolution": config.img_resolution, "label_size": config.c_dim, "conv_clamp": config.conv_clamp}
    if named_architecture:
        kwargs["architecture"] = config.architecture

    def record(name: str, variables: list, components: dict) -> _Network:
        state = {"version": 4, "name": name, "static_kwargs": kwargs, "components": components}
        state |= {"build_module_src": "raise SystemExit", "build_func_name": "G_main", "variables": variables}
        made = sys.modules["dnnlib.tflib.network"].Network.__new__(sys.modules["dnnlib.tflib.network"].Network)
        made.state = state
        return made

    averaged = record("Gs", parts[""], {p: record(f"G_{p}", parts[p], {}) for p in ("mapping", "synthesis")})
    return record("G", [], {}), record("D", [], {}), averaged


# -- rosinality ------------------------------------------------------------------------------------------------


def rosinality(network: Network) -> dict[str, torch.Tensor]:
    """The state dict of rosinality's generator."""
    state: dict[str, torch.Tensor] = {}
    convolutions = 0
    for name, tensor in network.tensors.items():
        where, *path = name.split(".")
        tensor = tensor.clone()
        if where == "mapping":
            if path[0].startswith("fc"):
                state[f"style.{int(path[0][2:]) + 1}.{path[1]}"] = tensor
        elif path[-1] == "const":
            state["input.input"] = tensor[None]
        elif path[-1] == "resample_filter":
            pass
        else:
            level = int(np.log2(int(path[0].removeprefix("b"))))
            index = 2 * level - (5 if path[1] == "conv0" else 4)
            if path[1] == "torgb":
                layer = "to_rgb1" if level == 2 else f"to_rgbs.{level - 3}"
            else:
                layer = "conv1" if level == 2 else f"convs.{index - 1}"
            last = ".".join(path[2:])
            if last == "noise_const":
                state[f"noises.noise_{index}"] = tensor[None, None]
            elif last == "noise_strength":
                state[f"{layer}.noise.weight"] = tensor.reshape(1)
            elif last == "weight":
                state[f"{layer}.conv.weight"] = tensor[None]
            elif last == "bias" and path[1] == "torgb":
                state[f"{layer}.bias"] = tensor[None, :, None, None]
            elif last == "bias":
                state[f"{layer}.activate.bias"] = tensor
            else:
                state[f"{layer}.conv.modulation.{path[-1]}"] = tensor
                if path[1] == "conv0":
                    taps = torch.tensor([1.0, 3, 3, 1])
                    state[f"{layer}.conv.blur.kernel"] = torch.outer(taps, taps) / 16
                convolutions += 1
    return state


# -- goldens ---------------------------------------------------------------------------------------------------


def write_golden(name: str, path: Path, protocol: int = 4) -> Path:
    """A golden network as the program that made it would write it; its canary is the file `path`.executed."""
    with np.load(goldens.wanted(name)) as data:
        arrays = {key: data[key] for key in data.files}
    meta = json.loads(bytes(arrays["meta"]))
    if meta["kind"] == "stylegan2-rosinality":
        averaged = {key: torch.from_numpy(array) for key, array in _under("state/", arrays).items()}
        torch.save({"g_ema": averaged, "latent_avg": torch.from_numpy(arrays["latent_avg"])}, path)
        return path
    if meta["kind"] == "stylegan2-tf":
        return write(tuple(_golden_tensorflow(which, arrays, meta) for which in ("G", "D", "Gs")), path, protocol)
    generator = _golden_module("", arrays, meta["modules"], f"{path}.executed")
    about = sys.modules["dnnlib.util"].EasyDict(class_name="training.dataset.ImageFolderDataset", path="images.zip")
    content = {"G": generator, "D": None, "G_ema": generator, "augment_pipe": None, "training_set_kwargs": about}
    return write(content, path, protocol)


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _golden_module(path: str, arrays: dict[str, np.ndarray], records: dict[str, dict], canary: str) -> Persistent:
    """The module at a path of the network, with the fields that it had and in their order."""
    record = records[path]
    dotted = f"{path}." if path else ""

    def held(names: list[str], make: Callable[[str], object]) -> OrderedDict:
        return OrderedDict((name, None if name in record["none"] else make(dotted + name)) for name in names)

    def parameter(name: str) -> torch.nn.Parameter:
        return torch.nn.Parameter(torch.from_numpy(arrays[f"param/{name}"]), requires_grad=False)

    state = _in_numpy(record["fields"])
    options = state.pop("_init_kwargs", {})
    state["_parameters"] = held(record["parameters"], parameter)
    state["_buffers"] = held(record["buffers"], lambda name: torch.from_numpy(arrays[f"buffer/{name}"]))
    state["_non_persistent_buffers_set"] = set()
    state["_modules"] = held(record["children"], lambda name: _golden_module(name, arrays, records, canary))
    state["_init_args"], state["_init_kwargs"] = (), sys.modules["dnnlib.util"].EasyDict(options)
    return Persistent(record["class_name"], state, canary)


def _golden_tensorflow(name: str, arrays: dict[str, np.ndarray], meta: dict) -> _Network:
    """A network of TensorFlow's three, with its two parts."""
    easy = sys.modules["dnnlib.util"].EasyDict
    variables = list(_under("var/", arrays).items())

    def record(name: str, variables: list, kwargs: dict, parts: dict) -> _Network:
        state = {"version": meta["version"], "name": name, "static_kwargs": easy(kwargs), "components": easy(parts)}
        state |= {"build_module_src": "raise SystemExit", "build_func_name": "G_main", "variables": variables}
        return _Network(state)

    parts = {}
    for part in ("mapping", "synthesis"):
        own = [(key.removeprefix(f"{part}/"), array) for key, array in variables if key.startswith(f"{part}/")]
        variables = [(key, array) for key, array in variables if not key.startswith(f"{part}/")]
        parts[part] = record(f"G_{part}", own, {}, {})
    return record(name, variables, meta["static_kwargs"], parts)


def _in_numpy(value: Any) -> Any:
    """What the goldens' notation stands for: {"ndarray": …} and {"scalar": …} with a dtype are NumPy's."""
    match value:
        case {"ndarray": numbers, "dtype": dtype}:
            return np.array(numbers, dtype)
        case {"scalar": number, "dtype": dtype}:
            return np.dtype(dtype).type(number)
        case dict():
            return {key: _in_numpy(item) for key, item in value.items()}
        case list():
            return [_in_numpy(item) for item in value]
    return value


def write(content: object, path: Path, protocol: int = 4) -> Path:
    """Pickle to a file."""
    path.write_bytes(pickle.dumps(content, protocol))
    return path


# -- refusals --------------------------------------------------------------------------------------------------


def refuse(path, match: str) -> NetworkFileError:
    """Opening the file must fail with this message, naming the file and saying what to do."""
    with pytest.raises(NetworkFileError, match=match) as caught:
        open_network_file(path)
    assert caught.value.where.file == str(path)
    assert not caught.value.what.endswith(".")
    return caught.value


def refuse_bytes(tmp_path, content: bytes, match: str, name: str = "network.pkl") -> NetworkFileError:
    path = tmp_path / name
    path.write_bytes(content)
    return refuse(path, match)


def refuse_here(content: bytes, match: str) -> None:
    """The same, in this process."""
    with pytest.raises(NetworkFileError, match=match):
        convert.read(memoryview(content))
