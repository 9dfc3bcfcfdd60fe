"""Snapshots of StyleGAN2 and StyleGAN2-ADA for TensorFlow (.pkl).

The file holds a tuple (G, D, Gs) of networks; `Gs`, the running average, is used. Layouts differ from PyTorch's:
dense weights are transposed, convolutions are height × width × in × out, upsampling ones flipped besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import others
from ganzfeld.networks.files.completing import converted
from ganzfeld.networks.files.formats import Format
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.source import Converted, Remarks, Source, Weights
from ganzfeld.networks.files.values import Record, shown

MAX_VARIABLES = 20_000

_FORK = "The file is damaged, or a fork changed the network in a way that Ganzfeld does not know."
_CONVOLUTION = re.compile(r"synthesis/(\d{1,5})x\1/(Conv|Conv0_up|Conv1|Skip|ToRGB)/(\w+)")
_LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "Skip": "skip", "ToRGB": "torgb"}
_UNUSED = re.compile(r"lod|.*/(noise\d+|lod|w_avg|pl_mean_var)|synthesis/noise\d+")


def read(source: Source) -> Converted | None:
    """See the package's docstring."""
    network = _averaged(source.content)
    if network is None:
        return None
    kwargs = _arguments(network)
    variables = dict(_variables(network, ""))
    function = network.state.get("build_func_name")
    if not any(name.endswith("/mod_weight") for name in variables):
        raise others.named(source.survey, [str(function)[:100], *variables]) or NetworkFileError(
            f"the generator in the file ({shown(function)}) is not a StyleGAN2",
            hint="StyleGAN and Progressive GAN of TensorFlow are not read.",
        )
    _check_version(network)
    if kwargs.get("nonlinearity", "lrelu") != "lrelu":
        raise NetworkFileError(f"the network has the activation {shown(kwargs['nonlinearity'])}", hint=_FORK)

    if kwargs.get("normalize_latents", True) is not True:
        raise NetworkFileError("the network does not normalise its latents, which Ganzfeld always does", hint=_FORK)

    architecture = kwargs.get("architecture", "skip")
    variables, grown = _without_levels(variables)
    architecture = "orig" if grown else architecture
    weights, remarks = Weights(len(source.data)), Remarks()
    for name, value in variables.items():
        _convert(name, value, weights)
    sizes = [int(match[1]) for name in weights.arrays if (match := re.match(r"synthesis\.b(\d+)\.conv1\.weight", name))]
    config = {
        "kind": "stylegan2",
        "z_dim": 1,  # this and w_dim are read off the tensors
        "w_dim": 1,
        "img_resolution": max(sizes, default=4),
        "num_ws": max(2 * len(sizes), 1),
        "architecture": architecture,
        "conv_clamp": source.stated.get("conv_clamp", _number(kwargs, "conv_clamp", None)),
        "joint_normalization": "mapping/LabelConcat/weight" in variables,
        "mapping_lr_multiplier": source.stated.get("mapping_lr_multiplier", _number(kwargs, "mapping_lrmul", 0.01)),
        "resample_filter": source.stated.get("resample_filter") or _taps(kwargs),
    }
    halves = kwargs.get("num_fp16_res", 0)
    if type(halves) is int and halves > 0:
        remarks.notes.append(
            f"the public code computes its {halves} largest resolutions in half precision: its pictures differ from "
            "exact ones by about 0.1 %"
        )
    version = "StyleGAN2-ADA" if network.state.get("version") == 5 else "StyleGAN2"
    return converted(config, weights, f"{version} snapshot (TensorFlow, or a fork)", remarks)


def _averaged(content: object) -> Record | None:
    """Gs of (G, D, Gs)."""
    if isinstance(content, (tuple, list)) and len(content) == 3:
        parts, content = content, content[2]
        if not isinstance(content, Record) and any(isinstance(part, Record) for part in parts):
            raise NetworkFileError(
                "the file holds no averaged generator (Gs), only other parts of the training",
                hint="Look for the snapshot it was taken from.",
            )
    return content if isinstance(content, Record) and content.family == "tensorflow" else None


def _arguments(network: Record) -> dict[str, Any]:
    """The keywords that the network was made with; its components' own where it has none."""
    components = network.state.get("components")
    parts = components if isinstance(components, dict) else {}
    found: dict[str, Any] = {}
    for record in (parts.get("mapping"), parts.get("synthesis"), network):
        arguments = record.state.get("static_kwargs") if isinstance(record, Record) else None
        if isinstance(arguments, dict):
            found |= {key: value for key, value in arguments.items() if isinstance(key, str)}
    return found


def _check_version(network: Record) -> None:
    version = network.state.get("version")
    if type(version) is not int or not 4 <= version <= 100:
        raise NetworkFileError(
            f"the file is of version {shown(version)} of the TensorFlow format, and Ganzfeld reads version 4 and later",
            hint="Older ones hold the first StyleGAN, which is another network.",
        )


def _variables(network: Record, prefix: str) -> Iterator[tuple[str, object]]:
    """(name, array) of the network and of its components, under "mapping/" and "synthesis/"."""
    own = network.state.get("variables")
    components = network.state.get("components")
    if not isinstance(own, list) or len(own) > MAX_VARIABLES:
        raise NetworkFileError("a network in the file has no variables, or too many", hint=_FORK)
    for item in own:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise NetworkFileError("a variable in the file has no name", hint=_FORK)
        yield prefix + item[0][:200], item[1]
    if isinstance(components, dict) and not prefix:
        for name, part in components.items():
            if isinstance(part, Record) and name in ("mapping", "synthesis"):
                yield from _variables(part, f"{name}/")


def _without_levels(variables: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Names as the newer networks have them, and whether there were older ones: ToRGB_lod{k} at resolution / 2^k.

    Networks grown level by level have a ToRGB for each; the finished picture comes from the last alone.
    """
    sizes = [int(match[1]) for name in variables if (match := re.match(r"synthesis/(\d{1,5})x", name))]
    renamed: dict[str, Any] = {}
    grown = False
    for name, value in variables.items():
        if match := re.fullmatch(r"(?:synthesis/)?(?:\d+x\d+/)?ToRGB_lod(\d{1,2})/(\w+)", name):
            grown = True
            if int(match[1]) == 0:
                size = max(sizes, default=4)
                renamed[f"synthesis/{size}x{size}/ToRGB/{match[2]}"] = value
        else:
            renamed[name] = value
    return renamed, grown


def _convert(name: str, value: object, weights: Weights) -> None:
    """Put one variable under its official name."""
    if name == "dlatent_avg":
        weights["mapping.w_avg"] = weights.take(name, value)
    elif match := re.fullmatch(r"mapping/(LabelEmbed|Dense(\d{1,3}))/(weight|bias)", name):
        layer = "embed" if match[2] is None else f"fc{int(match[2])}"
        weights[f"mapping.{layer}.{match[3]}"] = weights.take(name, value).T
    elif name == "mapping/LabelConcat/weight":
        # Of the first release: it takes the matrix as it is; a dense layer of ours divides by the root of its inputs.
        array = weights.take(name, value)
        weights["mapping.embed.weight"] = array.T * np.sqrt(np.float32(len(array) if array.ndim else 1))
        weights["mapping.embed.bias"] = np.zeros(array.shape[1:], np.float32)
    elif name == "synthesis/4x4/Const/const":
        array = weights.take(name, value)
        weights["synthesis.b4.const"] = array[0] if array.ndim == 4 and len(array) == 1 else array
    elif match := re.fullmatch(r"synthesis/noise(\d{1,3})", name):
        array = weights.take(name, value)
        index = int(match[1])
        place = f"b{4 << (index + 1) // 2}.conv{0 if index % 2 else 1}"
        weights[f"synthesis.{place}.noise_const"] = array[0, 0] if array.ndim == 4 and array.size else array
    elif match := _CONVOLUTION.fullmatch(name):
        size, layer, word = match.groups()
        array = weights.take(name, value)
        if word == "weight" and array.ndim == 4:
            array = array[::-1, ::-1] if layer == "Conv0_up" else array
            array = array.transpose(3, 2, 0, 1)
        elif word == "mod_weight":
            word, array = "affine.weight", array.T
        elif word == "mod_bias":
            word, array = "affine.bias", array + array.dtype.type(1)
        weights[f"synthesis.b{int(size)}.{_LAYERS[layer]}.{word}"] = array
    elif not _UNUSED.fullmatch(name):
        raise NetworkFileError(f"the file has a variable '{name[:60]}', which StyleGAN2 does not have", hint=_FORK)


def _number(kwargs: Mapping[str, Any], name: str, otherwise: float | None) -> float | None:
    value = kwargs.get(name, otherwise)
    if value is not None and type(value) not in (int, float):
        raise NetworkFileError(f"the network's '{name}' is not a number", hint=_FORK)
    return value


def _taps(kwargs: Mapping[str, Any]) -> list[float]:
    value = kwargs.get("resample_kernel")
    if value is None:
        return [1, 3, 3, 1]
    if (
        isinstance(value, (list, tuple))
        and 1 <= len(value) <= 32
        and all(type(tap) in (int, float) and abs(tap) <= 1000 for tap in value)
    ):
        return list(value)
    raise NetworkFileError("the network's 'resample_kernel' is not a short list of numbers", hint=_FORK)


FORMAT = Format(
    name="StyleGAN2 snapshots of the TensorFlow releases (.pkl)",
    read=read,
    vocabulary={
        ("dnnlib.tflib.network", "Network"): Global(
            "dnnlib.tflib.network.Network", new=lambda: Record("tensorflow", "Network")
        )
    },
)
