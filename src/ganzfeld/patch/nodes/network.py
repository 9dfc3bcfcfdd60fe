"""The node `network`."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzfeld.bending.bender import Bender
from ganzfeld.errors import GanzfeldError, NetworkError, PatchError
from ganzfeld.kernels.resize import resize
from ganzfeld.kernels.rgba import from_signed
from ganzfeld.networks.device import pick_device
from ganzfeld.networks.levels import Levels, levels_of
from ganzfeld.networks.network import Network
from ganzfeld.networks.noise import MODES
from ganzfeld.networks.wide import FILLS, LARGEST_SIDE
from ganzfeld.patch.costs import Cost
from ganzfeld.patch.network.bends import BendMethod, BlendMethod, bend_line, blend_line, switched_on
from ganzfeld.patch.network.latent_lines import MoveMethod, StyleMethod, is_random, latent_bender
from ganzfeld.patch.network.looking import Looking, seen
from ganzfeld.patch.network.networks import classes, opened, w_of
from ganzfeld.patch.network.tapping import peek_of, show_weights
from ganzfeld.patch.node import (
    Choice,
    HostValue,
    ImageRequest,
    Input,
    Latent,
    LatentRequest,
    Method,
    Named,
    Node,
    NodeTap,
    PrepareContext,
    RenderContext,
    Request,
    SetupContext,
    Structure,
    Value,
)

ALL_ROWS = 100
MOST_HALVINGS = 3
SMALLEST_INNER = 8
"""Where `hold` ends: an eighth of a picture's side, and never fewer pixels than this."""


class ShowMethod(Method):
    """Look inside: show a layer's activations instead of the picture. Costs only the layers up to it."""

    method = "show"
    single = True

    layer = Choice("image", 'A layer ("b8", "b64.conv0", "L6", …), or "image" for the picture.')


ShowMethod.declared = {**ShowMethod.declared, **Looking.declared}


def _size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = (value, value) if isinstance(value, int) else tuple(value)
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"a size is (width, height) in whole pixels, up to {LARGEST_SIDE}")
    return sides


def _device(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError('a device in quotes: "cuda:1", "cpu"')
    return value


def _smaller(network: Network, resolution: int | None) -> list[int]:
    """The heights at which a network can also work to make the picture of this height in less time, from the
    largest."""
    width, height = network.config.picture_size(resolution)
    # Neither side goes below the smallest.
    least = max(-(-SMALLEST_INNER * height // min(width, height)), height >> MOST_HALVINGS)
    return [smaller for smaller in sorted(network.resolutions, reverse=True) if least <= smaller < height]


def _resolution(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError("the height in pixels of a picture that the network also makes: 64, 128, 256, …")
    return value


class NetworkNode(Node):
    """Play a trained network: a shipped one by name, or a file (.pkl, .pt, .safetensors).

    Without a latent it shows its average picture.
    """

    word = "network"
    plays_network = True
    methods = (ShowMethod, BendMethod, BlendMethod, StyleMethod, MoveMethod)
    examples = (
        'face = network("planets", latent=source, psi={-0.5, 0, 0.7, 1.4}, resolution=128)',
        'face = network("orbits", latent=source, x=0.2*t, y=0.1, rotate=40, zoom=1.5, cutoff=5)',
        'face = network("planets", latent=source, size=(96, 54), fill={"mirror", "tile", "noise", "stretch"}, '
        "resolution=32)",
        'face.show("b8", view="grid", channel=2, map="fireice", spectrum=True)',
        'face.show("b16", view={"rgb", "one", "mean", "grid"}, normalise="frame")',
        'face.style(seeds([5]), "b4 b8", amount=0.6)\nface.move("1", "b16", amount=2)\n'
        'face.move(amount=0.5*i, layers="0-2", seed=3)',
        'face.bend("b32", multiply=0, mask=image("picture.png"))\n'
        'face.bend("b16", scale=1.5, mask=noise("simplex2d", period=0.4))',
        'face.bend("b*.conv?.weight", gain=1 + 0.1*sin(c)*i)\nface.bend("b16", rotate=20, channels=0.5)',
        'face.blend("flowers", "b16*", amount=0.8)',
    )

    file = Choice("planets", "A shipped network's name, or a path from the patch's folder.")
    latent = Input("latent", "Where in the network's space to be.", required=False)
    psi = Value(1.0, "Truncation: 0 is the average picture, 1 the network as trained, beyond it strange.",
                range=(-1, 2), limits=(-100, 100))  # fmt: skip
    cutoff = Value(ALL_ROWS, "psi acts on the first so many layers; more than there are means all.", range=(0, 20))
    noise = Choice("const", "StyleGAN2's fine noise: its own pattern, new every frame, or none.", options=MODES)
    noise_strength = Value(1.0, "Multiplies the strength of the fine noise.", range=(0, 3), limits=(-1000, 1000))
    label = HostValue(0, "Class of a conditional network; a fraction blends two; a list weighs them all.",
                      vector=True, range=(0, 10))  # fmt: skip
    x = Value(
        0, "StyleGAN3: moves what it draws to the right, in heights of its picture.", range=(-1, 1), limits=(-1e3, 1e3)
    )
    y = Value(0, "StyleGAN3: moves what it draws up, in heights of its picture.", range=(-1, 1), limits=(-1e3, 1e3))
    rotate = Value(0, "StyleGAN3: turns what it draws anticlockwise.", range=(-180, 180), limits=(-1e12, 1e12),
                   unit="degrees", period=360)  # fmt: skip
    zoom = Value(1, "StyleGAN3: enlarges what it draws; the network draws what comes into view.", range=(0.25, 4),
                 limits=(1e-2, 100))  # fmt: skip
    resolution = Structure(
        None, "StyleGAN2: stop at the picture of this height, at its cost: the same picture, softer.", check=_resolution
    )
    size = Structure(None, "(width, height) in pixels, drawn by the network itself: a field beyond its own picture, or "
                     "a part of it.", check=_size)  # fmt: skip
    fill = Choice("mirror", "How StyleGAN2's constant goes on beyond its borders: mirrored, tiled, as noise of its "
                  "kind, or stretched instead.", options=FILLS)  # fmt: skip
    device = Structure(None, 'Another device to draw on, such as "cuda:1"; left out, the show\'s own.', check=_device)

    def setup(self, context: SetupContext) -> None:
        if context.structure.device is not None:
            context = self._placed_on(context.structure.device, context)
        self.paths: list[Path] = []
        self.networks = {name: self._open(name, context) for name in context.candidates["file"]}
        for name, network in self.networks.items():
            if "show.layer" in context.candidates:
                self._check_layers(context, network)
            try:
                network.check_resolution(context.structure.resolution)
            except NetworkError as error:
                raise context.refuse(f"'{name}': {error.what}", "resolution", error.hint) from None
            needed = network.memory_needed(context.structure.size, context.structure.resolution)
            context.spend(Cost(at_once=needed), "resolution" if context.structure.size is None else "size")
        self.benders = {name: self._bender(network, context) for name, network in self.networks.items()}
        self.latents = {name: latent_bender(network, context, self.paths) for name, network in self.networks.items()}
        self.seeded = [line.name for line in context.lines if line.method == "bend" or is_random(line)]
        self.kept = [line.name for line in context.lines if line.method in ("bend", "blend")]
        if context.captures:
            self.kept = []  # what is repeated does everything every time
        self.placed = [line.name for line in context.lines if line.method == "bend" and "mask" in line.given]
        self.styles = [line for line in context.lines if line.method == "style"]
        if context.structure.size is None:
            smaller = (_smaller(network, context.structure.resolution) for network in self.networks.values())
            self.most_halvings = max(map(len, smaller))
        self.levels = {name: self._levels(network, context) for name, network in self.networks.items()}

    def _levels(self, network: Network, context: SetupContext) -> dict[int, Levels]:
        """Of the heights, smaller than its own, at which the network may be played."""
        own = context.structure.resolution
        held = _smaller(network, own) if context.holds and context.structure.size is None else []
        return levels_of(network, {own, *held} - {None, network.size[1]})

    def _placed_on(self, device: str, context: SetupContext) -> SetupContext:
        try:
            self.renders_on = pick_device(device)
        except GanzfeldError as error:
            raise context.refuse(error.what, "device", error.hint) from None
        return replace(context, device=self.renders_on)

    def _bender(self, network: Network, context: SetupContext) -> Bender:
        bender = Bender(network, context.structure.size, context.structure.resolution)
        for line in context.lines:
            held = bender.held
            try:
                if line.method == "bend":
                    bender.bend(bend_line(line, context.structure))
                elif line.method == "blend":
                    other = self._other(line.name, context)
                    if other is None:
                        continue
                    bender.blend(blend_line(line, context.structure, other))
                else:
                    continue
            except NetworkError as error:
                raise context.refuse(error.what, f"{line.name}.target", error.hint) from None
            kept = "feedback_longest" if "feedback_longest" in line.given else "target"
            bends = len(bender.matched[line.name]) * max(1, len(switched_on(line.given)))
            context.spend(Cost(held=bender.held - held, bends=bends), f"{line.name}.{kept}")
        context.spend(Cost(held=bender.copied), "file")
        bender.ready()
        return bender

    def _open(self, name: Any, context: SetupContext, parameter: str = "file") -> Network:
        path, network = opened(name, context, parameter)
        self.paths.append(path)
        return network

    def _other(self, line: str, context: SetupContext) -> Network | None:
        """The network that a line blends with; None if the patch has to do without it."""
        name = context.structure[f"{line}.other"]
        try:
            return self._open(name, context, f"{line}.other")
        except PatchError as error:
            context.do_without(error)
            self.paths.append(context.resources.resolve(str(name)))
            return None

    def _check_layers(self, context: SetupContext, network: Network) -> None:
        for layer in context.candidates["show.layer"]:
            if layer == "image":
                continue
            try:
                network.layer_name(str(layer))
            except NetworkError as error:
                raise context.refuse(error.what, "show.layer", error.hint) from None

    def picture_size(self, structure: Named) -> tuple[int, int] | None:
        if structure.size is not None:
            return structure.size
        width, own = map(max, zip(*(network.size for network in self.networks.values())))
        height = structure.resolution or own
        return width * height // own, height

    def matched(self) -> Mapping[str, tuple[int, ...]]:
        reached: dict[str, tuple[int, ...]] = {}
        for bender in (*self.benders.values(), *self.latents.values()):
            for line, channels in bender.matched.items():
                # Of several networks the one with the most; the others leave what they do not have.
                both = itertools.zip_longest(channels, reached.get(line, ()), fillvalue=0)
                reached[line] = tuple(map(max, both))
        return reached

    def watched(self) -> list[Path]:
        return self.paths

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        latent = LatentRequest(self.networks[parameters.file].z_dim)
        # Of no size, so that a mask that others look at, too, is made once for all.
        return {
            **dict.fromkeys(["latent", *(f"{line.name}.latent" for line in self.styles)], latent),
            **dict.fromkeys((f"{line}.mask" for line in self.placed), ImageRequest()),
        }

    def prepare(self, context: PrepareContext) -> None:
        p = context.parameters
        network = self.networks[p.file]
        context.stage("frame", np.array(context.moment.frame, np.int64))
        if network.c_dim:
            context.stage("label", classes(p.label, network.c_dim))
            for line in self.styles:
                if "label" in line.given:
                    context.stage(f"{line.name}.label", classes(p[f"{line.name}.label"], network.c_dim))
        seeds = {line: int(p[f"{line}.seed"]) for line in self.seeded}
        self.benders[p.file].prepare(seeds, {line: _said(p, line) for line in self.kept})
        self.latents[p.file].prepare(seeds)
        if "show.channel" in p:
            context.stage("channel", np.array(int(p["show.channel"]), np.int64))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        bender = self.benders[context.parameters.file]
        until, inner = self._asked(context)
        with bender.bent(context.methods, context.staged.frame, context.state, until, inner) as network:
            picture = self._played(network, bender, context, inputs)
            show_weights(context.tap, bender, context.methods, context.staged.frame, context.state)
            return picture

    def _asked(self, context: RenderContext) -> tuple[str | None, int | None]:
        """The layer that is shown, None the picture; and the height at which the network is played, None its own."""
        p, show = context.parameters, context.methods.get("show")
        if show is not None and show.layer != "image":
            return show.layer, p.resolution
        if p.size is not None:
            return None, p.resolution
        network = self.networks[p.file]
        return None, [p.resolution, *_smaller(network, p.resolution)][: context.halvings + 1][-1]

    def _played(
        self, network: Network, bender: Bender, context: RenderContext, inputs: Mapping[str, Any]
    ) -> torch.Tensor:
        p, staged = context.parameters, context.staged
        show = context.methods.get("show")
        layer = show.layer if show else "image"
        masks = {line: inputs[f"{line}.mask"] for line in self.placed}
        options = {
            "noise_mode": p.noise,
            "noise_strength": p.noise_strength,
            "seed": staged.frame,
            "after": bender.after(context.methods, staged.frame, context.state, masks),
            "gains": bender.gains(context.methods, staged.frame, context.state),
            "size": p.size,
            "fill": p.fill,
            "peek": peek_of(context.tap, network),
        }
        w = self._styled(network, inputs, context)
        if (own := network.transform()) is not None:
            options["transform"] = own @ _placed(p.x, p.y, p.rotate, p.zoom)
        if show is None or layer == "image":
            if p.size is not None:
                return from_signed(self._picture(network, w, p.file, p.resolution, options))
            width, height = network.config.picture_size(p.resolution)
            _, inner = self._asked(context)
            return resize(from_signed(self._picture(network, w, p.file, inner, options)), width, height)
        # A layer of a picture at a smaller resolution shows as much of the world as that picture does.
        x = network.synthesis(w, until=layer, resolution=p.resolution, **options)
        return seen(x, show, staged.channel, layer, context.state)

    def warm(self, tap: NodeTap, context: RenderContext) -> None:
        p = context.parameters
        bender = self.benders[p.file]
        network = bender.live
        w = torch.zeros(1, network.num_ws, network.w_dim, device=network.device)
        show = context.methods.get("show")
        until = show.layer if show and show.layer != "image" else None
        network.synthesis(w, until=until, resolution=p.resolution, size=p.size, fill=p.fill, peek=peek_of(tap, network))
        for name in tap.weights:
            if name in network.tensors:
                tap.weight(name, network.tensors[name], network.tensors[name])

    def _picture(
        self, network: Network, w: torch.Tensor, name: str, resolution: int | None, options: Mapping[str, Any]
    ) -> torch.Tensor:
        """The picture of this height (None: the network's own), in the colours of the network's own."""
        image = network.synthesis(w, resolution=resolution, **options)
        levels = self.levels[name].get(resolution) if resolution is not None else None
        return image if levels is None else levels.apply(image)

    def _styled(self, network: Network, inputs: Mapping[str, Any], context: RenderContext) -> torch.Tensor:
        """w [1, num_ws, w_dim] of the latent, through the lines `style` and `move`."""
        w = self._w(network, inputs.get("latent"), "label", context)
        others = {}
        for line in self.styles:
            label = f"{line.name}.label" if "label" in line.given else "label"
            others[line.name] = self._w(network, inputs[f"{line.name}.latent"], label, context)
        return self.latents[context.parameters.file].bend(w, others, context.methods)

    def _w(self, network: Network, latent: Latent | None, label: str, context: RenderContext) -> torch.Tensor:
        staged = context.staged[label] if network.c_dim else None
        return w_of(latent, network, staged, context.parameters.psi, context.parameters.cutoff)


def _said(parameters: Named, line: str) -> Hashable:
    """All that a line says in a frame."""
    values = []
    for name in parameters:
        if name.startswith(f"{line}."):
            value = parameters[name]
            values.append(value.tobytes() if isinstance(value, np.ndarray) else repr(value))
    return tuple(values)


def _placed(x: torch.Tensor, y: torch.Tensor, rotate: torch.Tensor, zoom: torch.Tensor) -> torch.Tensor:
    """The inverse of a movement, [3, 3] in units of the picture from its centre, y down: from what is seen at a place
    to where the network has it."""
    angle = torch.deg2rad(rotate)
    cos, sin, zero = angle.cos() / zoom, angle.sin() / zoom, torch.zeros_like(x)
    rows = [[cos, -sin, -(cos * x + sin * y)], [sin, cos, cos * y - sin * x], [zero, zero, zero + 1]]
    return torch.stack([torch.stack(row) for row in rows])
