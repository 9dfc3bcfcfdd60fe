"""Snapshots of StyleGAN2-ADA-PyTorch and StyleGAN3, and of forks that keep their networks.

The file holds a dict with `G_ema` (the one to use), `G`, `D`, …; each network is a tree of records (see
`vocabulary.py`: class name and state, the source dropped). Sizes come from the tensors, and what tensors cannot say
from each layer's own fields, which forks keep true more often than the constructor's arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.formats import Format
from ganzfeld.networks.files.machine import Global, Machine
from ganzfeld.networks.files.source import Converted, Source, Weights, converted
from ganzfeld.networks.files.values import Array, Record, refuse_damaged, shown
from ganzfeld.networks.files.vocabulary import checked_arguments
from ganzfeld.networks.stylegan3.config import LayerConfig

MAX_MODULES = 5000
MAX_ITEMS = 50_000
MAX_DEPTH = 12
MAX_NAME = 100


@dataclass
class Module:
    """One module of the network: `fields` are its plain attributes."""

    path: str
    class_name: str
    fields: Mapping[str, Any]
    parameters: Mapping[str, object]
    buffers: Mapping[str, object]
    children: list[str] = field(default_factory=list)

    def number(self, name: str, otherwise: Any = None) -> Any:
        """A field that is a number, or `otherwise` where it is missing."""
        value = self.fields.get(name, otherwise)
        if value is not None and type(value) not in (int, float, bool):
            raise NetworkFileError(f"the field '{name}' of '{self.path}' is not a number", hint=_FORK)
        return value

    def numbers(self, name: str, count: int) -> list:
        """A field of `count` numbers. One number stands for `count` equal ones."""
        value = self.fields.get(name)
        if isinstance(value, Array):
            value = value.numpy().reshape(-1).tolist() if value.nbytes <= 1024 else None
        value = [value] * count if type(value) in (int, float) else value
        if isinstance(value, (list, tuple)) and len(value) == count and all(map(_is_number, value)):
            return list(value)
        raise NetworkFileError(f"the field '{name}' of '{self.path}' is not {count} numbers", hint=_FORK)


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


_FORK = "A fork changed the network in a way that Ganzfeld does not know."


def read(source: Source) -> Converted | None:
    """See the package's docstring."""
    generator = _generator(source.content)
    if generator is None:
        return None
    modules = {module.path: module for module in _modules(generator)}
    synthesis, mapping = modules.get("synthesis"), modules.get("mapping")
    if synthesis is not None and mapping is not None:
        if "input" in synthesis.children:
            return _stylegan3(modules, synthesis, source)
        if "b4" in synthesis.children:
            return _stylegan2(modules, synthesis, source)
    if generator.class_name.endswith("Discriminator"):
        raise _no_generator()
    named = f"'{generator.class_name}'" + (f" with a '{synthesis.class_name}'" if synthesis is not None else "")
    raise NetworkFileError(
        f"the generator in the file is a {named}, which is neither StyleGAN2 nor StyleGAN3",
        hint="Ganzfeld reads those two and forks that keep their generators.",
    )


def _generator(content: object) -> Record | None:
    if isinstance(content, Record):
        return content if content.family == "persistent" else None
    if not isinstance(content, dict):
        return None
    for key in ("G_ema", "G"):
        network = content.get(key)
        if isinstance(network, Record) and network.family == "persistent":
            return network
    if isinstance(content.get("D"), Record):
        raise _no_generator()
    return None


def _no_generator() -> NetworkFileError:
    return NetworkFileError(
        "the file holds a discriminator but no generator (neither 'G_ema' nor 'G')",
        hint="Look for the snapshot it was taken from; the generator is what makes pictures.",
    )


def _modules(root: Record) -> Iterator[Module]:
    """The tree of modules, top first."""
    waiting = [("", root, 0)]
    items = 0
    for _ in range(MAX_MODULES):
        if not waiting:
            return
        path, record, depth = waiting.pop()
        state = record.state
        groups = [state.get(name, {}) for name in ("_parameters", "_buffers", "_modules")]
        if depth > MAX_DEPTH or not all(isinstance(group, dict) for group in groups):
            raise NetworkFileError(
                f"the module '{path[:80]}' of the network is not built as PyTorch builds modules", hint=_FORK
            )
        items += sum(map(len, groups))
        if items > MAX_ITEMS:
            raise NetworkFileError(f"the network has more than {MAX_ITEMS:,} tensors and modules", hint=_FORK)
        parameters, buffers, children = (
            {key: value for key, value in group.items() if isinstance(key, str) and len(key) <= MAX_NAME}
            for group in groups
        )
        module = Module(path, record.class_name, state, parameters, buffers)
        for name, child in children.items():
            if isinstance(child, Record):
                module.children.append(name)
                waiting.append((f"{path}.{name}" if path else name, child, depth + 1))
        yield module
    raise NetworkFileError(f"the network is made of more than {MAX_MODULES:,} modules", hint=_FORK)


def _weights(modules: Mapping[str, Module], wanted: re.Pattern[str], source: Source) -> tuple[Weights, tuple[str, ...]]:
    """The tensors whose names match `wanted`, and a note on buffers left out. Other parameters are refused."""
    weights, left_out = Weights(len(source.data)), []
    for module in modules.values():
        for group in (module.parameters, module.buffers):
            for short, value in group.items():
                name = f"{module.path}.{short}" if module.path else short
                if value is None:
                    continue
                if wanted.fullmatch(name):
                    weights[name] = weights.take(name, value)
                elif group is module.buffers:
                    left_out.append(name)
                else:
                    raise NetworkFileError(
                        f"the generator's '{module.path or 'top'}', a '{module.class_name}', has a parameter "
                        f"'{short[:60]}' that StyleGAN does not have",
                        hint=_FORK,
                    )
    notes = (f"buffers that StyleGAN does not have were left out: {', '.join(left_out)[:200]}",) if left_out else ()
    return weights, notes


def _mapping_fields(modules: Mapping[str, Module]) -> dict[str, Any]:
    multipliers = set()
    for path, module in modules.items():
        if re.fullmatch(r"mapping\.fc\d+", path):
            multipliers.add(module.number("bias_gain", 0.01))
            if module.fields.get("activation", "lrelu") != "lrelu":
                raise _activation(module)
    if len(multipliers) != 1:
        raise NetworkFileError("the mapping network's layers are missing, or differ in their gain", hint=_FORK)
    top, mapping = modules[""], modules["mapping"]
    return {
        # The tensors overrule what follows, where they can tell.
        "z_dim": mapping.number("z_dim", top.number("z_dim", 512)),
        "w_dim": mapping.number("w_dim", 512),
        "c_dim": mapping.number("c_dim", 0),
        "mapping_lr_multiplier": multipliers.pop(),
    }


def _activation(module: Module) -> NetworkFileError:
    return NetworkFileError(
        f"the layer '{module.path}' has the activation {shown(module.fields.get('activation'))}, not 'lrelu'",
        hint=_FORK,
    )


# -- StyleGAN2 -------------------------------------------------------------------------------------------------

_STYLEGAN2 = re.compile(
    r"mapping\.(fc\d+|embed)\.(weight|bias)|mapping\.w_avg"
    r"|synthesis\.b\d+\.(const|(conv[01]|torgb)\.(weight|bias|affine\.weight|affine\.bias|noise_strength|noise_const)"
    r"|((conv[01]|skip)\.)?resample_filter|skip\.weight)"
)


def _stylegan2(modules: Mapping[str, Module], synthesis: Module, source: Source) -> Converted:
    weights, notes = _weights(modules, _STYLEGAN2, source)
    blocks = [modules[f"synthesis.{name}"] for name in synthesis.children if re.fullmatch(r"b\d+", name)]
    layers = [module for path, module in modules.items() if re.fullmatch(r"synthesis\.b\d+\.(conv0|conv1|torgb)", path)]
    for layer in layers:
        if layer.fields.get("activation", "lrelu") != "lrelu":
            raise _activation(layer)
    architectures = {shown(block.fields.get("architecture", "skip")).strip("'") for block in blocks}
    clamps = {layer.number("conv_clamp") for layer in layers}
    if len(architectures) != 1 or len(clamps) != 1:
        raise NetworkFileError("the blocks of the network differ in their architecture or clamp", hint=_FORK)
    config = {
        "kind": "stylegan2",
        **_mapping_fields(modules),
        "img_resolution": 4,
        "num_ws": 1,  # what tensors tell is read off them
        "architecture": architectures.pop(),
        "conv_clamp": clamps.pop(),
        "resample_filter": _separated(weights),
    }
    return converted(config, weights, notes)


def _separated(weights: Weights) -> list[float]:
    """The one-dimensional taps of the resampling filter, scaled so that the outermost is 1: [1, 3, 3, 1]."""
    filters = [array for name, array in weights.arrays.items() if name.endswith(".resample_filter")]
    if not filters:
        return [1, 3, 3, 1]
    first = filters[0].astype(np.float64)
    if first.ndim not in (1, 2) or not 1 <= len(first) <= 32 or any(f.shape != first.shape for f in filters):
        raise NetworkFileError("the network's resampling filters differ, or are no filters", hint=_FORK)
    taps = first if first.ndim == 1 else first.sum(1)
    scale = taps[0] if abs(taps[0]) > 1e-6 else 1.0
    return [round(float(tap), 6) for tap in taps / scale]


# -- StyleGAN3 -------------------------------------------------------------------------------------------------

_STYLEGAN3 = re.compile(
    r"mapping\.(fc\d+|embed|embed_proj)\.(weight|bias)|mapping\.w_avg"
    r"|synthesis\.input\.(weight|affine\.weight|affine\.bias|transform|freqs|phases)"
    r"|synthesis\.L\d+_[^.]*\.(weight|bias|affine\.weight|affine\.bias|magnitude_ema|up_filter|down_filter)"
)


def _stylegan3(modules: Mapping[str, Module], synthesis: Module, source: Source) -> Converted:
    weights, notes = _weights(modules, _STYLEGAN3, source)
    names = [name for name in synthesis.children if re.fullmatch(r"L\d{1,4}_[^.]{0,70}", name)]
    names.sort(key=lambda name: int(name[1:].partition("_")[0]))
    if not names or "synthesis.input" not in modules:
        raise NetworkFileError("the synthesis network has no layers", hint=_FORK)
    layers = [_layer(modules[f"synthesis.{name}"], name) for name in names]
    radial = any(
        weights[name].ndim == 2 for name in (f"synthesis.{name}.down_filter" for name in names) if name in weights
    )
    source_layer = modules["synthesis.input"]
    config = {
        "kind": "stylegan3-r" if radial else "stylegan3-t",
        **_mapping_fields(modules),
        "img_resolution": int(layers[-1]["out_size"][0]),
        "num_ws": len(names) + 1,
        "output_scale": synthesis.number("output_scale", 0.25),
        "input": {
            "size": [int(side) for side in source_layer.numbers("size", 2)],
            "sampling_rate": source_layer.number("sampling_rate", 0),
            "bandwidth": source_layer.number("bandwidth", 0),
        },
        "layers": layers,
    }
    return converted(config, weights, notes)


_WORDS = {  # our word: theirs
    "in_sampling_rate": "in_sampling_rate",
    "out_sampling_rate": "out_sampling_rate",
    "up": "up_factor",
    "down": "down_factor",
    "clamp": "conv_clamp",
    "in_cutoff": "in_cutoff",
    "out_cutoff": "out_cutoff",
    "in_half_width": "in_half_width",
    "out_half_width": "out_half_width",
}


def _layer(module: Module, name: str) -> dict[str, Any]:
    known = set(LayerConfig.__dataclass_fields__)
    assert set(_WORDS) < known
    layer: dict[str, Any] = {ours: module.number(theirs) for ours, theirs in _WORDS.items()}
    return layer | {
        "name": name,
        "in_size": [int(side) for side in module.numbers("in_size", 2)],
        "out_size": [int(side) for side in module.numbers("out_size", 2)],
        "padding": [int(side) for side in module.numbers("padding", 4)],
        "kernel": module.number("conv_kernel", 1),
        "torgb": bool(module.number("is_torgb", False)),
    }


def _persistent_object(_machine: Machine, arguments: tuple) -> object:
    # The original executes meta["module_src"]. Here the class's name and the state are taken, the source dropped.
    (meta,) = checked_arguments(arguments, "_reconstruct_persistent_obj", dict)
    name, state = meta.get("class_name"), meta.get("state")
    if not isinstance(name, str) or not isinstance(state, dict):
        raise refuse_damaged("an object of the file has no class name or no state")
    return Record("persistent", name[:100], state)


FORMAT = Format(
    name="StyleGAN2-ADA-PyTorch and StyleGAN3 snapshots (.pkl)",
    read=read,
    vocabulary={
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): Global(
            "torch_utils.persistence._reconstruct_persistent_obj", _persistent_object
        )
    },
)
