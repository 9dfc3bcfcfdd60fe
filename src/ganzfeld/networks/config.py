"""What every kind of network says of itself, apart from its numbers.

A configuration holds what tensors cannot say (sampling rates, clamps, the architecture). Sizes that tensors
can say (channels, mapping layers, filter lengths) are also fields, because a network with random weights
is built from a configuration alone; for a network that comes from a file, `measured(weights)` reads them off
the tensors, which win over whatever was written.

A configuration also describes its layers (`LayerSpec`). The public `Network`, bending, wide pictures and the patch's
nodes read that description, so that none of them has to know which kinds of network there are.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from ganzfeld.errors import NetworkError, nearest

if TYPE_CHECKING:
    import torch

Weights = MappingType[str, "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer of a synthesis network: the shape of its activation, and what belongs to it.

    name: as `until` and `after` know it. channels, height, width: of its activation in the network's own picture.
    scale: how many of its samples one sample of the first layer becomes along a side. rate: its samples in one picture,
    in pixels of its height, without the margin that StyleGAN3 has around it: what a blend's cross-over compares.
    prefix: what the names of its weights begin with. weight: the weight of its demodulated convolution, which `gains`
    multiply, by its official name; None if it has none. up_filter: the filter with which that convolution doubles its
    size, if it does. aliases: other words for the layer. inner: it lies within a block, not at its end. picture: its
    activation is the picture itself, with its channels.
    """

    name: str
    channels: int
    height: int
    width: int
    scale: int
    rate: int
    prefix: str
    weight: str | None = None
    up_filter: str | None = None
    aliases: tuple[str, ...] = ()
    inner: bool = False
    picture: bool = False


@dataclass(frozen=True, slots=True)
class WeightGlobs:
    """Which of a network's weights are what, as targets of a bend: names or globs; "" where it has none of that sort.

    convolutions: weights of the modulated convolutions. styles, biases: of the same layers, the biases of their affine
    layers and their own. outputs: the layers of those convolutions. start: what the synthesis starts from. colours: the
    biases of the affine layers of what makes RGB.
    """

    convolutions: str = ""
    styles: str = ""
    biases: str = ""
    outputs: str = ""
    start: str = ""
    colours: str = ""


@dataclass(frozen=True, slots=True)
class FirstField:
    """What a synthesis network starts from. own: (width, height) of the picture that it makes; pitch: how many of its
    pixels one sample of the first layer becomes."""

    own: tuple[int, int]
    pitch: int


@dataclass(frozen=True, kw_only=True)
class Config(ABC):
    """The configuration of a network of any kind: a frozen dataclass that JSON can hold."""

    kind: str
    z_dim: int = 512
    c_dim: int = 0
    """Number of classes; 0 for a network without labels."""
    w_dim: int = 512
    num_ws: int
    """Rows of w that the synthesis network reads."""
    img_resolution: int
    """The height of its picture in pixels."""
    img_channels: int = 3

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the network's own picture in pixels."""
        return self.img_resolution, self.img_resolution

    # What a kind describes

    @abstractmethod
    def _specs(self) -> Iterator[LayerSpec]:
        """Its layers, in the order in which they play."""

    @property
    @abstractmethod
    def row_names(self) -> tuple[str, ...]:
        """For each row of w the layer that reads it: names of layers, or of parts of them."""

    @property
    def picture_resolutions(self) -> tuple[int, ...]:
        """The heights of picture, in pixels, that a synthesis can stop at."""
        return (self.size[1],)

    def plays(self, weight: str, until: str | None = None, resolution: int | None = None) -> bool:
        """Whether a synthesis that is asked for this layer, or for a picture of this height, may need this weight."""
        return True

    def picture_size(self, resolution: int | None = None) -> tuple[int, int]:
        """(width, height) in pixels of the picture of this height, one of `picture_resolutions`, or its own."""
        width, height = self.size
        return (width, height) if resolution is None else (width * resolution // height, resolution)

    @property
    def transform(self) -> str | None:
        """The official name of the tensor [3, 3] that places the picture on an endless plane; None without a plane."""
        return None

    @property
    def globs(self) -> WeightGlobs:
        """Which of its weights are what."""
        return WeightGlobs()

    @property
    def early_layers(self) -> tuple[str, ...]:
        """The layers, by any of their words, that decide the shape of things."""
        return ()

    @property
    def copies_held(self) -> int:
        """How many copies of its largest activation a synthesis holds at once, roughly: measured."""
        return 6

    def first_field(self, resolution: int | None = None) -> FirstField:
        """What it starts from, for a picture of this height or its own. Raises `NetworkError` where pictures of other
        shapes cannot be made."""
        raise NetworkError("this kind of network makes pictures of its own size only", hint="Leave out the size.")

    # What follows from that

    @cached_property
    def specs(self) -> MappingType[str, LayerSpec]:
        """Its layers by name, in the order in which they play."""
        return {spec.name: spec for spec in self._specs()}

    @property
    def convolutions(self) -> dict[str, str]:
        """The layers that are demodulated convolutions -> the names of their weights."""
        return {name: spec.weight for name, spec in self.specs.items() if spec.weight is not None}

    def layer_name(self, word: str) -> str:
        """The whole name of a layer: "L6" -> "L6_52_1024", "b64.conv1" -> "b64". Raises `NetworkError`."""
        if word in self.specs:
            return word
        aliases = {alias: name for name, spec in self.specs.items() for alias in spec.aliases}
        if word in aliases:
            return aliases[word]
        raise NetworkError(f"this network has no layer '{word}'", hint=nearest(word, [*self.specs, *aliases]))

    # Tensors and JSON

    @abstractmethod
    def measured(self, weights: Weights) -> Self:
        """The same configuration with every size that the tensors tell (official names) read off them."""

    @classmethod
    def from_json(cls, data: MappingType[str, Any]) -> Self:
        """Read what `to_json` wrote. Unknown words are ignored, missing ones take their defaults."""
        try:
            return cls(**known_fields(cls, data))
        except TypeError as error:
            raise NetworkError(f"the configuration of this network is incomplete: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, for JSON."""
        return _plain(dataclasses.asdict(self))


@dataclass(frozen=True, kw_only=True)
class MappingConfig(Config, ABC):
    """A network with StyleGAN's mapping network: latents and labels through dense layers to w."""

    mapping_lr_multiplier: float = 0.01
    mapping_features: tuple[int, ...] = ()
    """Outputs of fc0, fc1, …; the last is w_dim."""
    embed_features: int = 0
    """Outputs of the label embedding, 0 without labels."""
    class_features: int = 0
    """StyleGAN-XL: numbers that a table holds for each class, from which a dense layer makes the embedding; 0 where the
    embedding is made of the label itself."""
    class_averages: bool = False
    """StyleGAN-XL: whether each class has an average w of its own."""
    joint_normalization: bool = False
    """Whether z and the embedded label are normalised together and not apart: the first release of StyleGAN2."""

    def measured_mapping(self, weights: Weights) -> dict[str, Any]:
        """The fields of the mapping network, read off its tensors."""
        average = weights.get("mapping.w_avg")
        layers = numbered(weights, r"mapping\.fc(\d+)\.weight")
        features = tuple(shape_of(weights, f"mapping.fc{i}.weight", 2)[0] for i in layers)
        fields: dict[str, Any] = {"mapping_features": features}
        if features:
            fields["w_dim"] = features[-1]
            embedded, classes, per_class = 0, 0, 0
            if "mapping.embed_proj.weight" in weights:
                classes, per_class = shape_of(weights, "mapping.embed.weight", 2)
                embedded, _ = shape_of(weights, "mapping.embed_proj.weight", 2)
            elif "mapping.embed.weight" in weights:
                embedded, classes = shape_of(weights, "mapping.embed.weight", 2)
            fields |= {"c_dim": classes, "embed_features": embedded, "class_features": per_class}
            fields["class_averages"] = bool(classes) and average is not None and len(average.shape) == 2
            fields["z_dim"] = shape_of(weights, "mapping.fc0.weight", 2)[1] - embedded
        return fields


def check_resolution(resolution: int) -> None:
    """Raise unless `resolution` is a power of two from 4 on."""
    if resolution < 4 or resolution & (resolution - 1):
        raise NetworkError(f"a network for pictures of {resolution} px", hint="Sizes are powers of two from 4 on.")


def known_fields(cls: type, data: MappingType[str, Any]) -> dict[str, Any]:
    """Of JSON's words those that are fields of a dataclass; lists become tuples."""
    known = {field.name for field in dataclasses.fields(cls)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known}


def numbered(weights: Weights, pattern: str) -> list[int]:
    """The numbers that the first group of a pattern matches in the weights' names, sorted."""
    matches = (re.fullmatch(pattern, name) for name in weights)
    return sorted(int(match[1]) for match in matches if match)


def shape_of(weights: Weights, name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a tensor. Raises `NetworkError` if it is missing or has other dimensions."""
    if name not in weights:
        raise NetworkError(f"the network has no tensor '{name}'", hint="A part of the file is missing.")
    shape = tuple(weights[name].shape)
    if len(shape) != dimensions:
        raise NetworkError(f"the tensor '{name}' has the shape {list(shape)}, not {dimensions} dimensions")
    return shape


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
