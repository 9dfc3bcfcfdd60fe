"""The golden networks as configurations and tensors, and how far an answer is from theirs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import goldens
from ganzfeld.networks.config import Config
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import InputConfig, LayerConfig, StyleGAN3Config

STYLEGAN2 = ["stylegan2-32", "stylegan2-cond-16", "stylegan2-resnet-16"]
STYLEGAN3 = ["stylegan3-t-32", "stylegan3-r-32", "stylegan3-t-cond-64"]


@dataclass(frozen=True)
class Arrays:
    """The numbers of a golden file."""

    arrays: dict[str, np.ndarray]

    @property
    def z(self) -> Tensor:
        return torch.from_numpy(self.arrays["in/z"])

    @property
    def label(self) -> Tensor | None:
        return torch.from_numpy(self.arrays["in/c"]) if "in/c" in self.arrays else None

    def names(self, prefix: str) -> list[str]:
        return [key.removeprefix(prefix) for key in self.arrays if key.startswith(prefix)]

    def error(self, answer: Tensor, name: str) -> float:
        """Relative L2 distance to the golden array `name`, as a multiple of what is allowed."""
        allowed = 2e-3 if self.arrays[name].dtype == np.float16 else 1e-4
        right = torch.from_numpy(self.arrays[name].astype(np.float64))
        assert answer.shape == right.shape
        return float((answer.double() - right).norm() / right.norm()) / allowed


@dataclass(frozen=True)
class Golden(Arrays):
    """An official network, too."""

    config: Config
    weights: dict[str, Tensor]


def load_arrays(name: str) -> Arrays:
    with np.load(goldens.wanted(name)) as data:
        return Arrays({key: data[key] for key in data.files})


def load_golden(name: str) -> Golden:
    """An official network (StyleGAN2 or 3, PyTorch) straight from its golden file."""
    arrays = load_arrays(name).arrays
    meta = json.loads(bytes(arrays["meta"]))
    weights = {
        key.partition("/")[2]: torch.from_numpy(array)
        for key, array in arrays.items()
        if key.startswith(("param/", "buffer/"))
    }
    fields = {path: decoded(record["fields"]) for path, record in meta["modules"].items()}
    top = fields[""]
    common = {key: top[key] for key in ("z_dim", "c_dim", "w_dim", "num_ws", "img_resolution", "img_channels")}
    if meta["kind"] == "stylegan2":
        block = fields["synthesis.b4"]
        clamp = fields["synthesis.b4.conv1"]["conv_clamp"]
        config = StyleGAN2Config(**common, architecture=block["architecture"], conv_clamp=clamp)
    else:
        start = fields["synthesis.input"]
        config = StyleGAN3Config(
            **common,
            kind=meta["kind"],
            output_scale=fields["synthesis"]["output_scale"],
            input=InputConfig(
                size=tuple(start["size"]), sampling_rate=start["sampling_rate"], bandwidth=start["bandwidth"]
            ),
            layers=tuple(layer(name, fields[f"synthesis.{name}"]) for name in fields["synthesis"]["layer_names"]),
        )
    return Golden(arrays, config.measured(weights), weights)


def layer(name: str, fields: dict[str, Any]) -> LayerConfig:
    return LayerConfig(
        name=name,
        in_sampling_rate=fields["in_sampling_rate"],
        out_sampling_rate=fields["out_sampling_rate"],
        in_size=tuple(fields["in_size"]),
        out_size=tuple(fields["out_size"]),
        up=fields["up_factor"],
        down=fields["down_factor"],
        padding=tuple(fields["padding"]),
        kernel=fields["conv_kernel"],
        torgb=fields["is_torgb"],
        clamp=fields["conv_clamp"],
    )


def decoded(value: Any) -> Any:
    """Plain numbers and lists from the notation of the golden files for numpy's."""
    if isinstance(value, dict):
        for key in ("ndarray", "scalar"):
            if key in value:
                return value[key]
        return {key: decoded(item) for key, item in value.items()}
    return value
