"""From the tensors of a file to exactly the tensors of a network: what may be missing, and what may not."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganzfeld.errors import NetworkError
from ganzfeld.networks.config import Config
from ganzfeld.networks.kinds import kind_of

log = logging.getLogger(__name__)

AVERAGED_LATENTS = 10_000


def completed(config: Config, module: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Float32 tensors for every parameter and buffer of `module` (which may be on the meta device).

    Some files leave out tensors that can be made again: FIR filters, StyleGAN3's transform, the constant noise
    (made up, with a warning) and the average w (estimated from 10,000 latents, with a warning). Raises
    `NetworkError` for any other missing tensor and for one of the wrong shape; tensors that the
    network does not know are left out.
    """
    expected = module.state_dict()
    kind = kind_of(config)
    complete: dict[str, Tensor] = {}
    missing: list[str] = []
    for name, like in expected.items():
        if name in weights:
            complete[name] = _fitted(name, weights[name], like)
        elif (made := kind.made(config, name, like)) is not None:
            complete[name] = made
        elif name != "mapping.w_avg":
            missing.append(name)
    if missing:
        raise NetworkError(
            f"the network has no tensor '{missing[0]}'" + (f", nor {len(missing) - 1} others" if missing[1:] else ""),
            hint="A part of the file is missing.",
        )
    if "mapping.w_avg" not in complete:
        complete["mapping.w_avg"] = average_w(config, complete)
        log.warning("the file has no average w: estimated it from %d latents", AVERAGED_LATENTS)
    noisy = [name.removesuffix("noise_strength") for name in weights if name.endswith(".noise_strength")]
    invented = [layer for layer in noisy if f"{layer}noise_const" not in weights]
    if invented:
        log.warning("the file has no constant noise for %d layers: made some up", len(invented))
    unknown = sorted(set(weights) - set(expected))
    if unknown:
        log.warning("left out %d tensors that this network does not have: %s", len(unknown), ", ".join(unknown[:5]))
    return complete


def average_w(config: Config, weights: Mapping[str, Tensor]) -> Tensor:
    """The mean w [w_dim] of random latents, and of random classes if the network has labels."""
    with torch.device("meta"):
        mapping = kind_of(config).module(config).mapping
    named = {name.removeprefix("mapping."): tensor for name, tensor in weights.items() if name.startswith("mapping.")}
    named["w_avg"] = torch.zeros(config.w_dim)
    mapping.load_state_dict(named, assign=True)
    mapping.requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(AVERAGED_LATENTS, config.z_dim, generator=generator)
    label = None
    if config.c_dim:
        label = torch.eye(config.c_dim)[torch.randint(config.c_dim, (AVERAGED_LATENTS,), generator=generator)]
    return mapping(z, label)[:, 0].mean(0)


def _fitted(name: str, tensor: Tensor, like: Tensor) -> Tensor:
    if tensor.shape != like.shape and not tensor.numel() == like.numel() == 1:
        raise NetworkError(
            f"the tensor '{name}' has the shape {list(tensor.shape)} where the network needs {list(like.shape)}",
            hint="The file contradicts itself.",
        )
    return tensor.detach().to(torch.float32).reshape(like.shape)
