"""Writes networks of ours the way forks, other tools and other versions of Python, numpy and torch write theirs."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

import dill_like
import network_files as made
from ganzfeld.networks.network import Network

# -- state dicts -----------------------------------------------------------------------------------------------


def state_dict(network: Network, leave_out: tuple[str, ...] = ()) -> OrderedDict[str, torch.Tensor]:
    """The official state dict of a network, without the names that end with any of `leave_out`."""
    tensors = network.tensors.items()
    return OrderedDict((name, tensor.clone()) for name, tensor in tensors if not name.endswith(leave_out or ("\n",)))


def prefixed(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: tensor for name, tensor in state.items()}


def nested(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state dict as dictionaries within dictionaries."""
    tree: dict[str, Any] = {}
    for name, tensor in state.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = tensor
    return tree


PLACES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Any]] = {
    "bare": lambda state, other: state,
    "G_ema": lambda state, other: {"G": other, "D": {"b4.conv.weight": torch.zeros(2)}, "G_ema": state, "step": 5},
    "g_ema": lambda state, other: {"g": other, "d": {}, "g_ema": state, "g_optim": {"state": {0: torch.zeros(3)}}},
    "params_ema": lambda state, other: {"params": other, "params_ema": state},
    "state_dict": lambda state, other: {"epoch": 3, "state_dict": state},
    "generator": lambda state, other: {"discriminator": other, "generator": state},
    "generator_ema": lambda state, other: {"generator": other, "generator_ema": state},
    "model, ema": lambda state, other: {"model": {"netG": other, "netG_ema": state}, "config": {"a": [1, 2]}},
    "several devices": lambda state, other: {"G_ema": prefixed("module.", state)},
    "compiled": lambda state, other: prefixed("_orig_mod.", state),
    "Lightning": lambda state, other: {
        "state_dict": {**prefixed("D.", other), **prefixed("G.", other), **prefixed("G_ema.", state)},
        "pytorch-lightning_version": "2.1",
    },
    "a list": lambda state, other: [{"lr": 0.1}, state],
    "nested": lambda state, other: {"G_ema": nested(state)},
    "an encoder": lambda state, other: {
        "state_dict": {**prefixed("decoder.", state), "encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3)}
    },
}
"""Where tools put a generator's state dict; the second argument is that of another one, which must not be taken."""

# -- modules pickled whole, by classes of their own ------------------------------------------------------------


class _Anything:
    def __init__(self, state: dict) -> None:
        self.__dict__.update(state)


def plain(persistent: made.Persistent, package: str = "training.networks") -> object:
    """A network as a fork pickles it whose classes are not persistent: by their names."""
    meta = persistent.meta
    state = dict(meta["state"])
    state["_modules"] = {name: plain(child, package) for name, child in state["_modules"].items()}
    module = sys.modules.setdefault(package, types.ModuleType(package))
    kind = getattr(module, meta["class_name"], None)
    if kind is None:
        kind = type(meta["class_name"], (_Anything,), {"__module__": package})
        setattr(module, meta["class_name"], kind)
    made_of = kind.__new__(kind)
    made_of.__dict__.update(state)
    return made_of


def whole_module(state: Mapping[str, torch.Tensor], fields: Mapping[str, dict] | None = None) -> torch.nn.Module:
    """A PyTorch module with these tensors, as torch.save(module) would be given it. fields: of modules by path."""
    root = torch.nn.Module()
    for name, tensor in state.items():
        *path, last = name.split(".")
        node = root
        for part in path:
            if part not in node._modules:
                node.add_module(part, torch.nn.Module())
            node = node._modules[part]
        node.register_buffer(last, tensor)
    for path, values in (fields or {}).items():
        root.get_submodule(path).__dict__.update(values)
    return root


def with_dill_arrays(persistent: made.Persistent) -> made.Persistent:
    """A network whose fields' arrays were written by dill, as StyleGAN-XL's are."""
    state = persistent.meta["state"]
    for name, value in list(state.items()):
        if isinstance(value, np.ndarray):
            reduced = value.__reduce__()
            state[name] = dill_like.Call("dill._dill", "_create_array", *reduced, None)
    for child in state["_modules"].values():
        if isinstance(child, made.Persistent):  # torch's own modules hold none
            with_dill_arrays(child)
    return persistent


# -- other versions of Python, numpy and torch -----------------------------------------------------------------


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes as Python 2 did: texts and bytes are strings of one kind, of Latin 1."""

    dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_string(self, value) -> None:
        raw = value.encode("latin-1") if isinstance(value, str) else bytes(value)
        if self.proto == 0:
            self.write(b"S" + repr(raw)[1:].encode("ascii") + b"\n")
        elif len(raw) < 256:
            self.write(b"U" + bytes([len(raw)]) + raw)
        else:
            self.write(b"T" + struct.pack("<i", len(raw)) + raw)
        self.memoize(value)

    dispatch[str] = save_string
    dispatch[bytes] = save_string


def python2(content: object, protocol: int) -> bytes:
    """A pickle as Python 2 wrote it (protocols 0 to 2)."""
    file = io.BytesIO()
    Python2Pickler(file, protocol).dump(content)
    return file.getvalue()


def older_numpy(content: bytes) -> bytes:
    """A pickle of protocol 3 or less with the names of numpy 1."""
    return content.replace(b"numpy._core.", b"numpy.core.")


def with_attributes(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with an attribute of its own, which torch pickles in another way."""
    tensor.note = "mine"  # type: ignore[attr-defined]
    return tensor


def call(module: str, name: str, *arguments: object) -> object:
    """Pickles as a call of a function or class of another program."""
    return dill_like.Call(module, name, *arguments)
