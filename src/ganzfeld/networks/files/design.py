"""How a StyleGAN3 was designed, found again from a state dict: its layers' sizes, and filters that fit no other design.

A layer's sampling rates, padding and up- and downsampling factors are attributes of the public code's modules, which a
state dict does not hold. They follow from a few numbers by the paper's rules (see `StyleGAN3Config.design`). Here those
numbers are tried until sizes and filters come out as the file has them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkError, NetworkFileError
from ganzfeld.networks.files.stated import DESIGN
from ganzfeld.networks.kaiser import low_pass_line
from ganzfeld.networks.rules import MAX_RESOLUTION
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

MAX_MARGIN = 64


def designed(names: list[str], weights: Mapping[str, np.ndarray], stated: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, as JSON, of the network with these layers ("L0_36_512", in order) and tensors.

    `stated`: those of the numbers that a person knows. Raises NetworkFileError where no design fits.
    """
    sizes = [int(match[1]) for name in names if (match := re.fullmatch(r"L\d+_(\d{1,5})_\d+", name))]
    if len(sizes) != len(names) or not 4 <= sizes[-1] <= MAX_RESOLUTION or len(names) < 2:
        raise NetworkFileError(
            f"the names of the layers ({names[0][:40]}, …) are not those of StyleGAN3: nobody can tell their sizes"
        )
    for config in _designs(names, sizes, weights, stated):
        if _fits(config, sizes, names, weights):
            return _with_names(config, names)
    known = ", ".join(f"{name} {stated[name]:g}" for name in DESIGN if name in stated)
    raise NetworkFileError(
        "the file is a state dict of a StyleGAN3, which does not say how its layers sample, and no usual design fits"
        + (f" with the stated {known}" if known else ""),
        hint="Open the snapshot (.pkl) it was taken from, or state what it was trained with: "
        f"ganzfeld inspect FILE --set NAME=VALUE (names: {', '.join(DESIGN)}).",
    )


def _designs(
    names: list[str], sizes: list[int], weights: Mapping[str, np.ndarray], stated: Mapping[str, Any]
) -> Iterator[StyleGAN3Config]:
    """The designs to try, the usual ones first."""
    kernel = weights.get(f"synthesis.{names[0]}.weight")
    radial = any(array.ndim == 2 for name, array in weights.items() if name.endswith(".down_filter"))
    fixed = {name: stated[name] for name in DESIGN[2:] if name in stated}
    criticals = [stated["num_critical"]] if "num_critical" in stated else [2, 1, 3, 0, 4]
    margins = [stated["margin_size"]] if "margin_size" in stated else [10, *range(MAX_MARGIN + 1)]
    heights = (sizes[-1], 2 * sizes[-1], sizes[-1] // 2)  # names tell widths; StyleGAN-Human's are half as wide
    for height, num_critical in itertools.product(heights, criticals):
        for margin_size in margins:
            try:
                yield StyleGAN3Config.design(
                    "stylegan3-r" if radial else "stylegan3-t",
                    height,
                    width=sizes[-1],
                    num_layers=len(names) - 1,
                    num_critical=num_critical,
                    margin_size=margin_size,
                    conv_kernel=kernel.shape[-1] if kernel is not None and kernel.ndim == 4 else None,
                    **fixed,
                )
            except (NetworkError, ArithmeticError, ValueError):
                continue


def _fits(config: StyleGAN3Config, sizes: list[int], names: list[str], weights: Mapping[str, np.ndarray]) -> bool:
    if [layer.out_size[0] for layer in config.layers] != sizes:
        return False
    for layer, name in zip(config.layers, names):
        rate = layer.in_sampling_rate * layer.up
        for way, taps, cutoff, half_width in (
            ("up", layer.up_taps, layer.in_cutoff, layer.in_half_width),
            ("down", layer.down_taps, layer.out_cutoff, layer.out_half_width),
        ):
            stored = weights.get(f"synthesis.{name}.{way}_filter")
            if (stored is None) != (not taps) or (stored is not None and stored.shape != taps):
                return False
            if stored is not None and stored.ndim == 1 and cutoff is not None and half_width is not None:
                line = low_pass_line(len(stored), cutoff, half_width, rate)
                if not np.allclose(stored, line, atol=1e-3 * float(np.abs(line).max())):
                    return False
    return True


def _with_names(config: StyleGAN3Config, names: list[str]) -> dict[str, Any]:
    words = config.to_json()
    words["layers"] = [{**layer, "name": name} for layer, name in zip(words["layers"], names)]
    return words
