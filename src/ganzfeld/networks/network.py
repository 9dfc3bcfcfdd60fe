"""The public face of a trained network: `load_network(path)` gives a `Network`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.complete import completed
from ganzfeld.networks.config import Config
from ganzfeld.networks.device import at_work
from ganzfeld.networks.find import locate
from ganzfeld.networks.generator import Gains, LayerHook, LayerPeek, SynthesisOptions
from ganzfeld.networks.kinds import config_from_json, kind_of
from ganzfeld.networks.labels import Label, labels
from ganzfeld.networks.noise import MODES, NoiseMode
from ganzfeld.networks.reference.mapping import truncated
from ganzfeld.networks.runtime import Precision, Runtime
from ganzfeld.networks.wide import Wide, memory_needed, wide
from ganzfeld.seeds import seed_number

if TYPE_CHECKING:
    from ganzfeld.networks.files import NetworkFile

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
        config: everything that the tensors do not say, and what the layers are (`LayerSpec`).
        kind: "stylegan2", "stylegan3-t", "stylegan3-r", …
        size: (width, height) of the picture in pixels; resolution: its height. image_channels: 3 for RGB.
        z_dim, w_dim, c_dim, num_ws: sizes of z and w, number of classes (0: no labels), rows of w.
        layers: names of the activations that `until` knows, in order.
        layer_shapes: name -> (channels, height, width) of each.
        path, sha256: the file that it comes from, and the SHA-256 of its content; None and "" without one.
        kept: a copy of it in our own cache, which stays when the file changes; None without one.
        broken: sentences about numbers in its file with which it cannot paint.
        module: the readable arrangement, which holds the tensors and can be trained.
        runtime: what plays it, and what bending needs of that.
    """

    def __init__(
        self, config: Config, weights: Mapping[str, Tensor], *, path: Path | None = None, sha256: str = ""
    ) -> None:
        """`weights` by official names. Sizes are read off the tensors and win over `config`. Raises `NetworkError`."""
        self.config = config.measured(weights)
        self.path = path
        self.sha256 = sha256
        self.kept: Path | None = None
        self.broken: tuple[str, ...] = ()
        with torch.device("meta"):
            self.module = kind_of(self.config).module(self.config)
        weights = completed(self.config, self.module, weights)
        self.module.load_state_dict(weights, strict=True, assign=True)
        self.module.eval().requires_grad_(False)

        self.kind: str = self.config.kind
        self.size = self.config.size
        self.resolution = self.size[1]
        self.image_channels = self.config.img_channels
        self.z_dim, self.w_dim, self.c_dim = self.config.z_dim, self.config.w_dim, self.config.c_dim
        self.num_ws = self.config.num_ws
        specs = self.config.specs
        self.layers: tuple[str, ...] = tuple(specs)
        self.layer_shapes = {name: (spec.channels, spec.height, spec.width) for name, spec in specs.items()}
        self.runtime = Runtime(self.config, self.module)

    @classmethod
    def from_file(cls, file: NetworkFile) -> Self:
        """The network of an opened file."""
        network = cls(config_from_json(file.config), file.weights, path=file.path, sha256=file.sha256)
        network.kept, network.broken = file.kept, file.broken
        return network

    @classmethod
    def random(cls, config: Config, seed: int = 0) -> Self:
        """A network as it is before training, for tests, measurements and trainers."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config, kind_of(config).module(config).state_dict())

    def __repr__(self) -> str:
        name = f" {self.path.name}" if self.path else ""
        return f"<Network{name}: {self.kind}, {self.size_text}, {len(self.layers)} layers>"

    @property
    def size_text(self) -> str:
        """The size of the picture in words: "256 px" of a square, "128 × 256 px" (width, height) of any other."""
        width, height = self.size
        return f"{height} px" if width == height else f"{width} × {height} px"

    @property
    def device(self) -> torch.device:
        return self.runtime.device

    @property
    def fast(self) -> bool:
        """Whether to play by a faster arrangement, where there is one; on a CPU it agrees with the readable to 1e-4."""
        return self.runtime.fast

    @fast.setter
    def fast(self, fast: bool) -> None:
        self.runtime.fast = fast

    @property
    def precision(self) -> Precision:
        """One of "auto" (half precision on a card, float32 on a CPU), "float32", and "bfloat16" for a CPU's plain
        convolutions: off by less than 1 %, and faster only on processors that have instructions for it."""
        return self.runtime.precision

    @precision.setter
    def precision(self, precision: Precision) -> None:
        self.runtime.precision = precision

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Name -> the tensor itself (float32), under the official names. Ganzfeld never writes it."""
        return self.runtime.tensors

    @property
    def weights(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every tensor, under the official names."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    def to(self, device: str | torch.device) -> Self:
        """Move the network to a device, in place."""
        self.module.to(device)
        self.runtime.reset()
        return self

    def latent(self, seed: int | str) -> Tensor:
        """The latent z [1, z_dim] that the official tools make from a seed: a whole number, modulo 2³², or a word.
        Raises GanzfeldError for what is neither."""
        z = np.random.RandomState(seed_number(seed)).randn(1, self.z_dim)
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
        own = labels(label, self.c_dim, len(z), self.device)
        generator = self.runtime.generator(z)
        with at_work(self.device):
            return generator.mapping(z.to(self.device), own, truncation_psi, truncation_cutoff)

    def truncate(
        self, w: Tensor, psi: float | Tensor = 1.0, cutoff: int | Tensor | None = None, label: Label = None
    ) -> Tensor:
        """w [N, num_ws, w_dim] drawn towards the average w, as in `mapping`."""
        return truncated(w, self._average(label, len(w)), psi, cutoff)

    def average_w(self, label: Label = None) -> Tensor:
        """The average w, [1, num_ws, w_dim]: where truncation leads to."""
        return self._average(label, 1).expand(1, self.num_ws, -1)

    def _average(self, label: Label, batch: int) -> Tensor:
        return self.module.mapping.average(labels(label, self.c_dim, batch, self.device))

    def variant(self, names: Iterable[str]) -> Network:
        """The same network with memory of its own for the tensors `names`; all others are shared with this one.

        Write those in place and call `runtime.rederive(names)`: so a network is bent while its original stays as it is.
        """
        own = {name: self.tensors[name].clone() for name in names}
        network = Network(self.config, {**self.tensors, **own}, path=self.path, sha256=self.sha256)
        network.fast, network.precision = self.fast, self.precision
        return network

    def transform(self) -> Tensor | None:
        """The network's own transform [3, 3] of the plane that it draws on, which bends may change; None without it."""
        name = self.config.transform
        if name is None:
            return None
        self.runtime.pending.wait([name])
        return self.module.get_buffer(name)

    def synthesis(
        self,
        w: Tensor,
        noise_mode: NoiseMode = "const",
        *,
        noise_strength: float | Tensor = 1.0,
        seed: int | str | Tensor | None = None,
        until: str | None = None,
        resolution: int | None = None,
        transform: Tensor | None = None,
        after: LayerHook | None = None,
        gains: Gains | None = None,
        size: tuple[int, int] | None = None,
        fill: str = "mirror",
        peek: LayerPeek | None = None,
    ) -> Tensor:
        """w [N, num_ws, w_dim] (or [N, w_dim], the same row everywhere) -> picture [N, C, H, W], about −1..1.

        noise_mode: "const" (the network's own noise), "random" or "none". Only StyleGAN2 has noise.
        noise_strength: multiplies the learnt strengths of the noise.
        seed: makes "random" noise a function of this seed, as for `latent`, or of a 0-d integer tensor (the frame
        number, say).
        until: stop after this layer and return its activation [N, C, h, w]. StyleGAN3: "input", "L6" or
        "L6_52_1024"; StyleGAN2: "b64" (after the block's last convolution) or "b64.conv0".
        resolution: StyleGAN2 of the "skip" architecture: the smaller picture of this height, at its own cost. It is
        the sum of the blocks' RGB so far, paler than the whole picture; `levels.levels_of` gives it that one's colours.
        transform: StyleGAN3: 3×3 inverse matrix [3, 3] or [N, 3, 3] over x, y in units of the picture's height, from
        its centre; None is the network's own.
        after: what is called after layers, and may change their activations.
        gains: layer -> 0-d or [C] tensor that multiplies its convolution after demodulation, before noise and bias;
        the names are those of `convolutions`.
        size: (width, height) of the picture in pixels, if not the network's own: it sees more, or less, of its own
        world. With `until`, the activation under that picture. The network works on a field up to one sample of its
        first layer larger, which is what `after` sees; the middle of it is returned.
        fill: how StyleGAN2's constant and noise go on beyond their borders: "mirror", "tile", "noise" or "stretch".
        peek: what looks at activations, and changes nothing.
        """
        w = w[:, None].expand(-1, self.num_ws, -1) if w.ndim == 2 else w
        if w.ndim != 3 or w.shape[1] != self.num_ws or w.shape[2] != self.w_dim:
            raise NetworkError(
                f"w of shape {list(w.shape)} for a network that reads [N, {self.num_ws}, {self.w_dim}]",
                hint="Make it with mapping().",
            )
        if noise_mode not in MODES:
            raise NetworkError(f"the noise mode {noise_mode!r} does not exist", hint=nearest(str(noise_mode), MODES))
        if transform is not None and self.config.transform is None:
            raise NetworkError(f"a transform for a {self.kind} network", hint="Only StyleGAN3 networks have one.")
        self.check_resolution(resolution)
        options = SynthesisOptions(
            noise_mode=noise_mode,
            noise_strength=noise_strength,
            seed=seed if seed is None or isinstance(seed, Tensor) else seed_number(seed),
            until=None if until is None else self.layer_name(until),
            resolution=resolution,
            transform=transform,
            after=after,
            gains=self._gains(gains),
            wide=self.wide(size, fill, resolution),
            peek=peek,
        )
        w = w.to(self.device, torch.float32)
        generator = self.runtime.generator(w)
        if not generator.waits:
            self.runtime.pending.wait()
        with at_work(self.device):
            return generator.synthesis(w, options)

    def wide(self, size: tuple[int, int] | None, fill: str = "mirror", resolution: int | None = None) -> Wide | None:
        """How `synthesis` makes a picture of this size; None if it is the network's own. Raises `NetworkError`."""
        return None if size is None else wide(self.config, size, fill, resolution)

    def layer_shapes_at(self, size: tuple[int, int] | None, resolution: int | None = None) -> dict[str, Shape]:
        """As `layer_shapes`, for pictures of another size: what `after` gets to see."""
        field = self.wide(size, resolution=resolution)
        if field is None:
            return self.layer_shapes
        return {
            name: (spec.channels, *field.side((spec.height, spec.width), spec.scale))
            for name, spec in self.config.specs.items()
        }

    def memory_needed(self, size: tuple[int, int] | None, resolution: int | None = None) -> int:
        """Bytes that `synthesis` holds at once for one picture of this size, roughly, beside the weights."""
        shapes = self.layer_shapes_at(size, resolution)
        if resolution is not None:
            shapes = {name: shape for name, shape in shapes.items() if self.config.specs[name].rate <= resolution}
        return memory_needed(self.config, shapes)

    def layer_name(self, word: str) -> str:
        """The whole name of a layer: "L6" -> "L6_52_1024", "b64.conv1" -> "b64". Raises `NetworkError`."""
        return self.config.layer_name(word)

    @property
    def convolutions(self) -> dict[str, str]:
        """The layers that are demodulated convolutions, so that `gains` act on them -> the name of its weight."""
        return self.config.convolutions

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
        """The heights of picture that `synthesis` can stop at, in pixels."""
        return self.config.picture_resolutions

    def check_resolution(self, resolution: int | None) -> None:
        """Raise `NetworkError` unless `synthesis` can make a picture of this height."""
        if resolution is None or resolution in self.resolutions:
            return
        high = "" if self.size[0] == self.size[1] else " high"
        hint = f"It makes: {', '.join(map(str, self.resolutions))} px{high}."
        raise NetworkError(f"this network makes no picture of {resolution} px{high}", hint=hint)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write our own format, a .safetensors file with the configuration as metadata."""
        from ganzfeld.networks.files import save_network_file

        weights = {name: tensor.cpu().contiguous() for name, tensor in self.tensors.items()}
        save_network_file(Path(path), self.config.to_json(), weights)


def to_uint8(image: Tensor) -> Tensor:
    """A picture [N, C, H, W], about −1..1, as bytes [N, H, W, C], as the official tools make them."""
    return (image * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
