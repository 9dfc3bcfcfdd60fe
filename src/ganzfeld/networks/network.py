"""The public face of a trained network: `load_network(path)` gives a `Network`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
import torch
from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.copies import Copy
from ganzfeld.kernels.cuda.compiler import available
from ganzfeld.kernels.cuda.weights import Halved, Part
from ganzfeld.kernels.lanes import Coming, Lanes
from ganzfeld.networks.arrangements import FastRoute, Precision, fast_route, gpu_route
from ganzfeld.networks.complete import completed
from ganzfeld.networks.config import Config, StyleGAN2Config, StyleGAN3Config, config_from_json
from ganzfeld.networks.device import at_work
from ganzfeld.networks.find import locate
from ganzfeld.networks.labels import Label, labels
from ganzfeld.networks.noise import MODES, NoiseMode
from ganzfeld.networks.reference.mapping import truncated
from ganzfeld.networks.reference.stylegan2 import Gains, StyleGAN2
from ganzfeld.networks.reference.stylegan3 import StyleGAN3
from ganzfeld.networks.wide import Wide, layer_scale, memory_needed, wide

if TYPE_CHECKING:
    from ganzfeld.networks.files import NetworkFile

After = Callable[[str, Tensor], Tensor]
Shape = tuple[int, int, int]


def load_network(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Network:
    """Open a network file: an official .pkl (StyleGAN2, 2-ADA, 3), a rosinality .pt, or our .safetensors.

    The name of a shipped network will do as well. Nothing in the file is ever executed.
    Raises `NetworkFileError` when it cannot be opened.
    """
    from ganzfeld.networks.files import open_network_file

    return Network.from_file(open_network_file(locate(path))).to(device)


class Network:
    """A trained generator: `mapping` makes w from latents, `synthesis` makes pictures from w.

    Attributes:
        kind: "stylegan2", "stylegan3-t" or "stylegan3-r".
        resolution: width and height of the picture in pixels; `image_channels`: its channels (3 for RGB).
        z_dim, w_dim, c_dim, num_ws: sizes of z and w, number of classes (0: no labels), rows of w.
        layers: names of the activations that `until` knows, in order.
        layer_shapes: name -> (channels, height, width) of each.
        weights: name -> shape of every tensor, under the official names.
        tensors: name -> the tensor itself (float32); shared with the network, never written by Ganzfeld.
        config: everything that the tensors do not say.
        fast: whether to take the faster path where there is one (StyleGAN2 and 3-T on a CPU); it agrees with
            the readable reference to 1e-4. Gradients always go through the reference.
        precision: "float32", or "bfloat16" for the fast path's plain convolutions: off by less than 1 %, and
            faster only on processors that have instructions for it.
        coming: the tensors that somebody is still making on a GPU: `synthesis` waits for them.
    """

    def __init__(
        self, config: Config, weights: Mapping[str, Tensor], *, path: Path | None = None, sha256: str = ""
    ) -> None:
        """`weights` by official names. Sizes are read off the tensors and win over `config`."""
        self.config = config.measured(weights)
        self.path = path
        self.sha256 = sha256
        with torch.device("meta"):
            self.module = _module(self.config)
        weights = completed(self.config, self.module, weights)
        self.module.load_state_dict(weights, strict=True, assign=True)
        self.module.eval().requires_grad_(False)

        self.kind: str = self.config.kind
        self.resolution = self.config.img_resolution
        self.image_channels = self.config.img_channels
        self.z_dim, self.w_dim, self.c_dim = self.config.z_dim, self.config.w_dim, self.config.c_dim
        self.num_ws = self.config.num_ws
        self.layers: tuple[str, ...] = self.module.synthesis.layers
        self.layer_shapes = _layer_shapes(self.config, self.layers)
        self.fast = True
        self.coming = Coming()
        self._precision: Precision = "auto"
        self._fast_path: FastRoute | None = None
        self._fast_path_tried = False

    @classmethod
    def from_file(cls, file: NetworkFile) -> Self:
        """The network of an opened file."""
        return cls(config_from_json(file.config), file.weights, path=file.path, sha256=file.sha256)

    @classmethod
    def random(cls, config: Config, seed: int = 0) -> Self:
        """A network as it is before training, for tests, measurements and trainers."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config, _module(config).state_dict())

    def __repr__(self) -> str:
        name = f" {self.path.name}" if self.path else ""
        return f"<Network{name}: {self.kind}, {self.resolution} px, {len(self.layers)} layers>"

    @property
    def device(self) -> torch.device:
        return self.module.mapping.w_avg.device

    @property
    def precision(self) -> Precision:
        return self._precision

    @precision.setter
    def precision(self, precision: Precision) -> None:
        if precision not in get_args(Precision):
            raise NetworkError(
                f"there is no precision {precision!r}", hint=nearest(str(precision), get_args(Precision))
            )
        self._precision = precision
        self._fast_path, self._fast_path_tried = None, False

    @property
    def tensors(self) -> dict[str, Tensor]:
        return self.module.state_dict()

    @property
    def weights(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    def to(self, device: str | torch.device) -> Self:
        """Move the network to a device, in place."""
        self.module.to(device)
        self._fast_path, self._fast_path_tried = None, False
        return self

    def latent(self, seed: int) -> Tensor:
        """The latent z [1, z_dim] that the official tools make from a seed (0 … 2³² − 1)."""
        z = np.random.RandomState(seed).randn(1, self.z_dim)
        return torch.from_numpy(z).to(self.device, torch.float32)

    def mapping(
        self,
        z: Tensor,
        label: Label = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """z [N, z_dim] or [z_dim] -> w [N, num_ws, w_dim].

        label: a class number; a fraction is a mixture of the two classes beside it; an integer tensor [N] of
        classes; or one-hot or soft labels [N, c_dim] or [c_dim]. None is class 0. A network without
        labels ignores it.
        truncation_psi: 1 is the network's own variety, 0 its average picture; any number or tensor that
        broadcasts to [N, num_ws, w_dim]. truncation_cutoff: how many rows it applies to (None: all).
        """
        z = z[None] if z.ndim == 1 else z
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise NetworkError(
                f"a latent of shape {list(z.shape)} for a network that reads [N, {self.z_dim}]",
                hint=f"Give it {self.z_dim} numbers a picture.",
            )
        route = self._faster(z) or self.module
        own = labels(label, self.c_dim, len(z), self.device)
        with at_work(self.device):
            return route.mapping(z.to(self.device), own, truncation_psi, truncation_cutoff)

    def truncate(self, w: Tensor, psi: float | Tensor = 1.0, cutoff: int | Tensor | None = None) -> Tensor:
        """w [N, num_ws, w_dim] drawn towards the average w, as in `mapping`."""
        return truncated(w, self.module.mapping.w_avg, psi, cutoff)

    def average_w(self) -> Tensor:
        """The average w, [1, num_ws, w_dim]: where truncation leads to."""
        return self.module.mapping.w_avg.expand(1, self.num_ws, -1)

    def variant(self, names: Iterable[str]) -> Network:
        """The same network with memory of its own for the tensors `names`; all others are shared with this one.

        Write those in place and call `rederive(names)`: how a network is bent while its original stays as it is.
        """
        own = {name: self.tensors[name].clone() for name in names}
        network = Network(self.config, {**self.tensors, **own}, path=self.path, sha256=self.sha256)
        network.fast, network.precision = self.fast, self.precision
        return network

    def bent_on_the_way(self) -> dict[str, tuple[str, ...]]:
        """The convolutions whose weights can be bent on the way to what a fast path derives from them, with no copy of
        their own -> what else it is derived from."""
        if not self.fast or gpu_route(self.config, self.tensors, self.precision) is None or not available(self.device):
            return {}
        others = {weight: weight.removesuffix("weight") + "resample_filter" for weight in self.convolutions.values()}
        return {weight: (other,) if "conv0" in weight else () for weight, other in others.items()}

    def settle(self) -> None:
        """Derive now what the fast path plays with, if there is one: not when a graph is being captured."""
        self._faster(self.module.mapping.w_avg)

    def derive_bent(self, name: str, weight: Tensor | Halved, parts: Sequence[Part]) -> None:
        """Make again what the fast path derives from one of `bent_on_the_way`, of `weight` after these parts. It has
        settled."""
        path: Any = self._fast_path
        path.weights[name].derive_bent(weight, parts)

    def blended_on_the_way(self, name: str, other: Tensor, number: int) -> list[Copy]:
        """Copies that make again what the fast path derives from a tensor, of it drawn towards `other` by amount
        `number`, with no copy of its own; none where that is not enough. It has settled."""
        if not hasattr(self._fast_path, "weights") or not available(self.device):
            return []
        path: Any = self._fast_path
        return path.derived.on_the_way(name, other, number)

    def rederive(self, names: Iterable[str], lanes: Lanes | None = None) -> None:
        """Make again what faster paths have derived from the tensors `names`, after they were written in place. lanes:
        of one's own, for whoever does this on several queues."""
        if self._fast_path is not None:
            self._fast_path.derived.derive(names, lanes)

    def synthesis(
        self,
        w: Tensor,
        noise_mode: NoiseMode = "const",
        *,
        noise_strength: float | Tensor = 1.0,
        seed: int | Tensor | None = None,
        until: str | None = None,
        resolution: int | None = None,
        transform: Tensor | None = None,
        after: After | None = None,
        gains: Gains | None = None,
        size: tuple[int, int] | None = None,
        fill: str = "mirror",
    ) -> Tensor:
        """w [N, num_ws, w_dim] (or [N, w_dim], the same row everywhere) -> picture [N, C, H, W], about −1..1.

        noise_mode: "const" (the network's own noise), "random" or "none". StyleGAN3 has no noise.
        noise_strength: multiplies the learnt strengths of the noise.
        seed: makes "random" noise a function of this integer (or 0-d integer tensor), the frame number, say.
        until: stop after this layer and return its activation [N, C, h, w]. StyleGAN3: "input", "L6" or
        "L6_52_1024"; StyleGAN2: "b64" (after the block's last convolution) or "b64.conv0".
        resolution: StyleGAN2 of the "skip" architecture: the smaller picture, at the cost of the smaller picture.
        transform: StyleGAN3: 3×3 inverse matrix [3, 3] or [N, 3, 3] over x, y in units of the picture, from
        its centre; None is the network's own.
        after: called as after(name, activation) after every layer; what it returns goes on in its place.
        gains: layer -> 0-d or [C] tensor that multiplies its convolution after demodulation, before noise and bias;
        the names are those of `convolutions`.
        size: (width, height) of the picture in pixels, if not the network's own: it sees more, or less, of its own
        world. With `until`, the activation under that picture. The network works on a field up to one sample of its
        first layer larger, which is what `after` sees; the middle of it is returned.
        fill: how StyleGAN2's constant and noise go on beyond their borders: "mirror", "tile", "noise" or "stretch".
        """
        w = w[:, None].expand(-1, self.num_ws, -1) if w.ndim == 2 else w
        if w.ndim != 3 or w.shape[1] != self.num_ws or w.shape[2] != self.w_dim:
            raise NetworkError(
                f"w of shape {list(w.shape)} for a network that reads [N, {self.num_ws}, {self.w_dim}]",
                hint="Make it with mapping().",
            )
        if noise_mode not in MODES:
            raise NetworkError(f"the noise mode {noise_mode!r} does not exist", hint=nearest(str(noise_mode), MODES))
        w = w.to(self.device, torch.float32)
        until = None if until is None else self.layer_name(until)
        self.check_resolution(resolution)
        gains = self._gains(gains)
        field = self.wide(size, fill, resolution)
        route: Any = self._faster(w) or self.module
        if not getattr(route, "waits", False):
            self.coming.wait()
        if isinstance(self.config, StyleGAN3Config):
            with at_work(self.device):
                return route.synthesis(w, transform=transform, until=until, after=after, gains=gains, wide=field)
        if transform is not None:
            raise NetworkError("a transform for a StyleGAN2 network", hint="Only StyleGAN3 networks have one.")
        with at_work(self.device):
            return route.synthesis(
                w,
                noise_mode=noise_mode,
                noise_strength=noise_strength,
                seed=seed,
                until=until,
                resolution=resolution,
                after=after,
                gains=gains,
                wide=field,
            )

    def wide(self, size: tuple[int, int] | None, fill: str = "mirror", resolution: int | None = None) -> Wide | None:
        """How `synthesis` makes a picture of this size; None if it is the network's own. Raises `NetworkError`."""
        return None if size is None else wide(self.config, size, fill, resolution)

    def layer_shapes_at(self, size: tuple[int, int] | None, resolution: int | None = None) -> dict[str, Shape]:
        """As `layer_shapes`, for pictures of another size: what `after` gets to see."""
        field = self.wide(size, resolution=resolution)
        if field is None:
            return self.layer_shapes
        return {
            name: (channels, *field.side((height, width), layer_scale(self.config, name)))
            for name, (channels, height, width) in self.layer_shapes.items()
        }

    def memory_needed(self, size: tuple[int, int] | None, resolution: int | None = None) -> int:
        """Bytes that `synthesis` holds at once for one picture of this size, roughly, beside the weights."""
        shapes = self.layer_shapes_at(size, resolution)
        if resolution is not None:
            shapes = {
                name: shape for name, shape in shapes.items() if layer_scale(self.config, name) <= resolution // 4
            }
        return memory_needed(self.config, shapes)

    def layer_name(self, word: str) -> str:
        """The whole name of a layer: "L6" -> "L6_52_1024", "b64.conv1" -> "b64". Raises `NetworkError`."""
        if word in self.layers:
            return word
        short = {name.partition("_")[0]: name for name in self.layers}
        # Without a skip branch, a block's last convolution is the block's end.
        short |= {f"{name}.conv1": name for name in self.layers if name.startswith("b") and "." not in name}
        if word in short:
            return short[word]
        raise NetworkError(f"this network has no layer '{word}'", hint=nearest(word, [*self.layers, *short]))

    @property
    def convolutions(self) -> dict[str, str]:
        """The layers that are demodulated convolutions, so that `gains` act on them -> the name of its weight."""
        found, names = {}, self.tensors
        for layer in self.layers[:-1] if isinstance(self.config, StyleGAN3Config) else self.layers:
            for weight in (f"synthesis.{layer}.weight", f"synthesis.{layer}.conv1.weight"):
                # The sum at the end of a "resnet" block is none: its convolution is a layer of its own.
                if weight in names and layer != "input" and f"{layer}.conv1" not in self.layers:
                    found[layer] = weight
        return found

    def _gains(self, gains: Gains | None) -> Gains | None:
        """By whole names. Raises `NetworkError` for what is no convolution."""
        if not gains:
            return None
        known = self.convolutions
        named = {self.layer_name(name): gain for name, gain in gains.items()}
        for name in named:
            if name not in known:
                raise NetworkError(f"'{name}' is no demodulated convolution", hint=nearest(name, known))
        return named

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The sizes of picture that `synthesis` can stop at, in pixels."""
        config = self.config
        if isinstance(config, StyleGAN2Config) and config.architecture == "skip":
            return config.resolutions
        return (self.resolution,)

    def check_resolution(self, resolution: int | None) -> None:
        """Raise `NetworkError` unless `synthesis` can make a picture of this size."""
        if resolution is None or resolution in self.resolutions:
            return
        sizes = ", ".join(map(str, self.resolutions))
        raise NetworkError(f"this network makes no picture of {resolution} px", hint=f"It makes: {sizes} px.")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write our own format, a .safetensors file with the configuration as metadata."""
        from ganzfeld.networks.files import save_network_file

        weights = {name: tensor.cpu().contiguous() for name, tensor in self.tensors.items()}
        save_network_file(Path(path), self.config.to_json(), weights)

    def _faster(self, signal: Tensor) -> FastRoute | None:
        """The fast path, its derived tensors up to date; None where the reference has to do it."""
        if (
            not self.fast
            or self.device.type not in ("cpu", "cuda")
            or (torch.is_grad_enabled() and signal.requires_grad)
        ):
            return None
        if not self._fast_path_tried:
            with at_work(self.device):
                self._fast_path = fast_route(self.config, self.tensors, self.precision, self.coming)
            self._fast_path_tried = True
        if self._fast_path is not None:
            self._fast_path.derived.refresh()
        return self._fast_path


def to_uint8(image: Tensor) -> Tensor:
    """A picture [N, C, H, W], about −1..1, as bytes [N, H, W, C], as the official tools make them."""
    return (image * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _module(config: Config) -> StyleGAN2 | StyleGAN3:
    return StyleGAN3(config) if isinstance(config, StyleGAN3Config) else StyleGAN2(config)


def _layer_shapes(config: Config, layers: tuple[str, ...]) -> dict[str, tuple[int, int, int]]:
    if isinstance(config, StyleGAN3Config):
        sizes = {"input": (config.input.channels, config.input.size)}
        sizes |= {layer.name: (layer.out_channels, layer.out_size) for layer in config.layers}
        return {name: (channels, height, width) for name, (channels, (width, height)) in sizes.items()}
    channels = dict(zip(config.resolutions, config.channels))
    sides = {name: int(name.removeprefix("b").partition(".")[0]) for name in layers}
    return {name: (channels[side], side, side) for name, side in sides.items()}
