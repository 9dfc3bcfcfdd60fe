"""StyleGAN2-ADA-PyTorch, StyleGAN3, and forks that keep their networks: snapshots, pickled modules and state dicts.

A snapshot holds a dict with `G_ema` (the one to use), `G`, `D`, …; each network is a tree of modules, whose class name
and state the pickle holds (its source is dropped). Sizes come from the tensors, and what tensors cannot say from each
layer's own fields, which forks keep true more often than the constructor's arguments. Of a state dict the tensors are
all there is: what they cannot say is taken as the official code has it, unless it was stated, and told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.completing import RATE, USUAL_TAPS, converted
from ganzfeld.networks.files.design import designed
from ganzfeld.networks.files.formats import Format
from ganzfeld.networks.files.machine import Global, Machine
from ganzfeld.networks.files.modules import FORK, Part, parts_of_module, parts_of_state
from ganzfeld.networks.files.source import Converted, Remarks, Source, Weights
from ganzfeld.networks.files.stated import refuse_useless
from ganzfeld.networks.files.survey import is_averaged
from ganzfeld.networks.files.values import Record, refuse_damaged, shown
from ganzfeld.networks.files.vocabulary import checked_arguments
from ganzfeld.networks.stylegan3.config import LayerConfig

CLAMP = 256

Parts = Mapping[str, Part]


def read(source: Source) -> Converted | None:
    """See `Format.read`."""
    for first, read_kind in (("synthesis.b4.conv1.weight", _stylegan2), ("synthesis.input.freqs", _stylegan3)):
        place = source.place(first, "mapping.fc0.weight")
        if place is None:
            continue
        module = source.survey.module(place)
        if module is None:
            parts = parts_of_state(source.survey.state(place), ("mapping", "synthesis"))
        else:
            parts = parts_of_module(module)
        remarks = Remarks()
        if place and not is_averaged(place) and "optim" not in place:
            remarks.notes.append(f"the file holds no running average of the generator; '{place[:-1][-80:]}' is played")
        return read_kind(parts, source, remarks)
    return None


def _weights(parts: Parts, wanted: re.Pattern[str], source: Source, remarks: Remarks) -> Weights:
    """The tensors whose names match `wanted`. Buffers are left out, and told; other parameters are refused."""
    weights, left_out = Weights(len(source.data)), []
    for part in parts.values():
        for group in (part.parameters, part.buffers):
            for short, value in group.items():
                name = f"{part.path}.{short}" if part.path else short
                if value is None:
                    continue
                if wanted.fullmatch(name):
                    weights[name] = weights.take(name, value)
                elif group is part.buffers:
                    left_out.append(name)
                else:
                    whose = f"'{part.path or 'top'}'" + (f", a '{part.class_name}'," if part.whole else "")
                    raise NetworkFileError(
                        f"the generator's {whose} has a parameter '{short[:60]}' that StyleGAN does not have", hint=FORK
                    )
    if left_out:
        remarks.notes.append(f"buffers that StyleGAN does not have were left out: {', '.join(left_out)[:200]}")
    return weights


def _mapping_fields(parts: Parts, source: Source) -> dict[str, Any]:
    rates = set()
    for path, part in parts.items():
        if re.fullmatch(r"mapping\.fc\d+", path):
            rates.add(part.number("bias_gain", RATE))
            if part.fields.get("activation", "lrelu") != "lrelu":
                raise _activation(part)
    if len(rates) != 1:
        raise NetworkFileError("the mapping network's layers are missing, or differ in their gain", hint=FORK)
    top, mapping = parts[""], parts["mapping"]
    return {
        # The tensors overrule what follows, where they can tell.
        "z_dim": mapping.number("z_dim", top.number("z_dim", 512)),
        "w_dim": mapping.number("w_dim", 512),
        "c_dim": mapping.number("c_dim", 0),
        "mapping_lr_multiplier": source.stated.get("mapping_lr_multiplier", rates.pop()),
    }


def _activation(part: Part) -> NetworkFileError:
    return NetworkFileError(
        f"the layer '{part.path}' has the activation {shown(part.fields.get('activation'))}, not 'lrelu'", hint=FORK
    )


def _told(source: Source, remarks: Remarks, taken: Mapping[str, object]) -> None:
    """Tell what a state dict could not say and nobody stated."""
    missing = [f"{name} {value:g}" for name, value in taken.items() if name not in source.stated]
    if missing:
        remarks.notes.append(
            f"a state dict does not say everything; taken as the official code has it: {', '.join(missing)}. State "
            "others with: ganzfeld inspect FILE --set NAME=VALUE"
        )


def _half(parts: list[Part], of: str, remarks: Remarks) -> None:
    """Tell that the public code computes some of these parts in half precision."""
    halves = sum(part.fields.get("use_fp16") is True for part in parts)
    if halves:
        remarks.notes.append(
            f"the public code computes {halves} of its {len(parts)} {of} in half precision on a GPU: its pictures "
            "differ from exact ones by about 0.1 %"
        )


# -- StyleGAN2 -------------------------------------------------------------------------------------------------

_STYLEGAN2 = re.compile(
    r"mapping\.(fc\d+|embed)\.(weight|bias)|mapping\.w_avg"
    r"|synthesis\.b\d+\.(const|(conv[01]|torgb)\.(weight|bias|affine\.weight|affine\.bias|noise_strength|noise_const)"
    r"|((conv[01]|skip)\.)?resample_filter|skip\.weight)"
)


def _stylegan2(parts: Parts, source: Source, remarks: Remarks) -> Converted:
    weights = _weights(parts, _STYLEGAN2, source, remarks)
    synthesis = parts["synthesis"]
    blocks = [parts[f"synthesis.{name}"] for name in synthesis.children if re.fullmatch(r"b\d+", name)]
    layers = [part for path, part in parts.items() if re.fullmatch(r"synthesis\.b\d+\.(conv0|conv1|torgb)", path)]
    for layer in layers:
        if layer.fields.get("activation", "lrelu") != "lrelu":
            raise _activation(layer)
    if synthesis.whole:
        architectures = {shown(block.fields.get("architecture", "skip")).strip("'") for block in blocks}
        clamps = {layer.number("conv_clamp") for layer in layers}
    else:
        architectures, clamps = {_architecture(weights, len(blocks))}, {CLAMP}
        _told(source, remarks, {"conv_clamp": CLAMP, "mapping_lr_multiplier": RATE})
    if len(architectures) != 1 or len(clamps) != 1:
        raise NetworkFileError("the blocks of the network differ in their architecture or clamp", hint=FORK)
    _half(blocks, "blocks", remarks)
    config = {
        "kind": "stylegan2",
        **_mapping_fields(parts, source),
        "img_resolution": 4,
        "num_ws": 1,  # what tensors tell is read off them
        "architecture": architectures.pop(),
        "conv_clamp": source.stated.get("conv_clamp", clamps.pop()),
        "resample_filter": source.stated.get("resample_filter", USUAL_TAPS),
    }
    if "resample_filter" in source.stated:
        weights.arrays = {name: array for name, array in weights.arrays.items() if not name.endswith("resample_filter")}
    what = "snapshot" if synthesis.whole else "state dict"
    return converted(config, weights, f"StyleGAN2 {what} (StyleGAN2-ADA-PyTorch, StyleGAN3's code, or a fork)", remarks)


def _architecture(weights: Weights, blocks: int) -> str:
    """The architecture that a state dict's tensors tell of."""
    ends = [name.rsplit(".", 2)[1] for name in weights.arrays if name.endswith(("torgb.weight", "skip.weight"))]
    if "skip" in ends:
        return "resnet"
    return "skip" if ends.count("torgb") == blocks else "orig"


# -- StyleGAN3 -------------------------------------------------------------------------------------------------

_STYLEGAN3 = re.compile(
    r"mapping\.(fc\d+|embed|embed_proj)\.(weight|bias)|mapping\.w_avg"
    r"|synthesis\.input\.(weight|affine\.weight|affine\.bias|transform|freqs|phases)"
    r"|synthesis\.L\d+_[^.]*\.(weight|bias|affine\.weight|affine\.bias|magnitude_ema|up_filter|down_filter)"
)


def _stylegan3(parts: dict[str, Part], source: Source, remarks: Remarks) -> Converted:
    xl = "mapping.embed_proj" in parts or _drop_unused_table(parts)
    weights = _weights(parts, _STYLEGAN3, source, remarks)
    synthesis = parts["synthesis"]
    names = [name for name in synthesis.children if re.fullmatch(r"L\d{1,4}_[^.]{0,70}", name)]
    names.sort(key=lambda name: int(name[1:].partition("_")[0]))
    if not names or "synthesis.input" not in parts:
        raise NetworkFileError("the synthesis network has no layers", hint=FORK)
    if synthesis.whole:
        refuse_useless(source.stated, ("conv_clamp", "mapping_lr_multiplier", "output_scale"))
        config = _described(parts, names, weights)
    else:
        config = designed(names, weights.arrays, source.stated)
        _told(source, remarks, {"conv_clamp": CLAMP, "output_scale": 0.25, "mapping_lr_multiplier": RATE})
    if "conv_clamp" in source.stated:
        config["layers"] = [{**layer, "clamp": source.stated["conv_clamp"]} for layer in config["layers"]]
    config["output_scale"] = source.stated.get("output_scale", config["output_scale"])
    _half([parts[f"synthesis.{name}"] for name in names], "layers", remarks)
    config |= _mapping_fields(parts, source)
    kind, code = ("StyleGAN-XL", "its own code") if xl else ("StyleGAN3", "StyleGAN3's code")
    what = "snapshot" if synthesis.whole else "state dict"
    return converted(config, weights, f"{kind} {what} ({code}, or a fork)", remarks)


def _drop_unused_table(parts: dict[str, Part]) -> bool:
    """Leave out a table of classes that the mapping network does not use, as StyleGAN-XL's unconditional networks hold
    one: nothing projects its rows to an embedding. Whether there was one."""
    embed = parts.get("mapping.embed")
    if embed is None or embed.parameters.get("bias") is not None:
        return False
    del parts["mapping.embed"]
    return True


def _described(parts: Parts, names: list[str], weights: Weights) -> dict[str, Any]:
    """The configuration of the synthesis network, as its layers' fields say it."""
    layers = [_layer(parts[f"synthesis.{name}"], name) for name in names]
    radial = any(
        weights[name].ndim == 2 for name in (f"synthesis.{name}.down_filter" for name in names) if name in weights
    )
    start = parts["synthesis.input"]
    return {
        "kind": "stylegan3-r" if radial else "stylegan3-t",
        "img_resolution": int(layers[-1]["out_size"][1]),
        "num_ws": len(names) + 1,
        "output_scale": parts["synthesis"].number("output_scale", 0.25),
        "input": {
            "size": [int(side) for side in start.numbers("size", 2)],
            "sampling_rate": start.number("sampling_rate", 0),
            "bandwidth": start.number("bandwidth", 0),
        },
        "layers": layers,
    }


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


def _layer(part: Part, name: str) -> dict[str, Any]:
    known = set(LayerConfig.__dataclass_fields__)
    assert set(_WORDS) < known
    layer: dict[str, Any] = {ours: part.number(theirs) for ours, theirs in _WORDS.items()}
    return layer | {
        "name": name,
        "in_size": [int(side) for side in part.numbers("in_size", 2)],
        "out_size": [int(side) for side in part.numbers("out_size", 2)],
        "padding": [int(side) for side in part.numbers("padding", 4)],
        "kernel": part.number("conv_kernel", 1),
        "torgb": bool(part.number("is_torgb", False)),
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
    searches=True,
    vocabulary={
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): Global(
            "torch_utils.persistence._reconstruct_persistent_obj", _persistent_object
        )
    },
)
