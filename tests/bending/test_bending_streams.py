"""What is bent beside what plays: nobody reads a weight too early, and no memory is given away too early."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton", reason="the GPU paths are Triton's")
from ganzfeld.bending import bent_weights
from ganzfeld.bending.base import TARGETS, bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.layer_masks import LayerMasks
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.weights.scale import ScaleWeight
from ganzfeld.kernels import side_streams
from ganzfeld.networks.config import Config
from ganzfeld.networks.cpu.stylegan2 import CpuStyleGAN2
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
from ganzfeld.networks.gpu.stylegan2_plan import PlannedConvolution
from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.node import Named
from streams_on_host import StreamsOnHost

Line = BendLine | BlendLine
DIMENSIONS: Any = {"mapping_layers": 2, "z_dim": 16, "w_dim": 16}
CONFIGS: dict[str, Config] = {
    "stylegan2": StyleGAN2Config.design(64, channel_base=1024, channel_max=32, **DIMENSIONS),
    "stylegan3": StyleGAN3Config.design(
        "stylegan3-t", 16, channel_base=256, channel_max=16, num_layers=4, margin_size=4, first_stopband=2**1.1,
        **DIMENSIONS,
    ),
}  # fmt: skip
CONVOLUTIONS = {"stylegan2": "synthesis.b*.conv?.weight", "stylegan3": "synthesis.L*.weight"}
LAYERS = {"stylegan2": ("b16.conv0", "b32"), "stylegan3": ("L1", "L2")}
ODDS = {
    "stylegan2": ("synthesis.*.resample_filter", "synthesis.*.noise_const", "mapping.w_avg", "synthesis.*.torgb.*"),
    "stylegan3": ("synthesis.*.up_filter", "synthesis.input.*", "mapping.w_avg", "synthesis.L4*"),
}


def asked(what: str, kind: str, other: Network) -> list[Line]:
    """The lines of a scenario."""
    convolutions = CONVOLUTIONS[kind]
    if what == "on the way":
        return [BendLine("bend", convolutions, ("scale", "lerp_noise"), masked=True, masked_inputs=True)]
    if what == "blend":
        return [BlendLine("blend", other, "*")]
    if what == "crossed":
        return [BlendLine("blend", other, "*", crossed=True)]
    if what == "stored":
        # Other rows are read before anything else is done, or not on the way.
        return [BendLine("bend", "*.weight", ("scale",), masked=True), BendLine("then", "*.weight", ("shuffle",))]
    if what == "odds":
        return [BendLine(target, target, ("scale",)) for target in ODDS[kind]]
    if what == "gains":
        return [BendLine("gain", convolutions, ("gain",), masked=True)]
    if what == "activations":
        return [BendLine(layer, layer, ("multiply", "noise"), masked=True) for layer in LAYERS[kind]]
    if what == "masks":
        chains = (("multiply",), ("multiply", "noise"))
        return [
            BendLine(f"{layer} {len(words)}", layer, words, placed=True) for layer in LAYERS[kind] for words in chains
        ]
    assert what == "everything"
    return [
        line for each in ("blend", "on the way", "gains", "activations", "masks") for line in asked(each, kind, other)
    ]


PLAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "early": {"until": 0},
    "middle": {"until": 1},
    "smaller": {"resolution": 16},
    "wide": {"size": (72, 40)},
    "random": {"noise_mode": "random", "seed": 3},
}
"""What a synthesis is asked for; until: which of `LAYERS`."""


class Scene:
    """Networks, a bender and its lines on a card that is watched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, what: str, route: str = "gpu", play: str = "plain"):
        # Small as the networks are, there must be several turns, and pictures of noise that are made late.
        monkeypatch.setattr(bent_weights, "AT_ONCE", 3000)
        monkeypatch.setattr(bent_weights, "LARGE_PICTURE", 32 * 32)
        # Some weights are multiplied by their style beside a bend: here all, as no layer is large enough.
        monkeypatch.setattr(PlannedConvolution, "styles_weight", property(lambda step: True))
        self.host = StreamsOnHost(monkeypatch)
        network, other = (Network.random(CONFIGS[kind], seed=seed) for seed in (1, 2))
        for tensor in other.tensors.values():
            tensor.add_(0.1)  # what is the same in both is not blended
        network.precision = "float32" if route == "float32" else "auto"
        network.fast = route != "reference"
        self.options = {**PLAYS[play]}
        if "until" in self.options:
            self.options["until"] = LAYERS[kind][self.options["until"]]
        self.bender = Bender(network, self.options.get("size"), self.options.get("resolution"))
        lines = asked(what, kind, other)
        for line in lines:
            self.bender.blend(line) if isinstance(line, BlendLine) else self.bender.bend(line)
        self.bender.ready()
        self.bender.live.runtime.settle()
        on_card = isinstance(self.bender.live.runtime.generator(network.average_w()), GpuStyleGAN2 | GpuStyleGAN3)
        assert on_card == (route == "gpu")
        neutral = {
            name: amount.default
            for target in TARGETS
            for bend in bends(target).values()
            for name, amount in bend.amounts.items()
        }
        shares = {"channels": 0.5, "inputs": 0.7, "soft": 0.3, "below": 0.0, "crossover": 16.0, "width": 1.0}
        numbers = neutral | shares | {"scale": 1.2, "amount": 0.4}
        values = {name: torch.tensor(number, dtype=torch.float32) for name, number in numbers.items()}
        self.amounts: Mapping[str, Any] = {line.name: Named(values) for line in lines}
        self.bender.prepare({line.name: 3 for line in lines})
        self.z = network.latent(1)
        self._pictures = dict.fromkeys((line.name for line in lines), torch.rand(1, 4, 24, 40))
        self._number = torch.zeros((), dtype=torch.int64)
        self._remembered: dict[str, Tensor] = {}

    def frame(self, pictures: int = 1, before: Callable[[], None] = lambda: None) -> None:
        """One frame of so many pictures. before: called when weights may be on their way, and no picture yet."""
        with self.host.frame(), self.bender.bent(self.amounts, self._number, self._memory) as live:
            gains = self.bender.gains(self.amounts, self._number, self._memory)
            after = self.bender.after(self.amounts, self._number, self._memory, self._pictures)
            w = live.mapping(self.z, truncation_psi=0.7)
            before()
            for _ in range(pictures):
                live.synthesis(w, gains=gains, after=after, **self.options)

    def _memory(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._remembered.setdefault(name, torch.zeros(shape))


WHATS = ("on the way", "blend", "crossed", "stored", "odds", "gains", "activations", "masks", "everything")
SCENES = [
    *(("stylegan2", what, "gpu", "plain") for what in WHATS),
    *(("stylegan2", "everything", "gpu", play) for play in PLAYS if play != "plain"),
    *(("stylegan2", "everything", route, "plain") for route in ("float32", "reference")),
    *(("stylegan3", what, "gpu", "plain") for what in WHATS),
    *(("stylegan3", "everything", "gpu", play) for play in ("early", "middle", "wide")),
    *(("stylegan3", "everything", route, "plain") for route in ("float32", "reference")),
]


@pytest.mark.parametrize(("kind", "what", "route", "play"), SCENES)
def test_all_that_is_done_side_by_side_is_in_order(
    kind: str, what: str, route: str, play: str, monkeypatch: pytest.MonkeyPatch
):
    scene = Scene(monkeypatch, kind, what, route, play)
    for _ in range(2):
        scene.frame()
    assert not scene.host.problems
    assert scene.host.operations > 50


@pytest.mark.parametrize("kind", CONFIGS)
def test_two_pictures_of_one_frame_are_in_order(kind: str, monkeypatch: pytest.MonkeyPatch):
    """The second finds everything made, and the memory of the first free."""
    scene = Scene(monkeypatch, kind, "everything")
    for _ in range(2):
        scene.frame(pictures=2)
    assert not scene.host.problems


@pytest.mark.parametrize("where", ["weight", "mapping", "layer"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_after_an_error_in_a_frame_the_next_one_is_in_order(kind: str, where: str, monkeypatch: pytest.MonkeyPatch):
    """While weights are made, between mapping and synthesis, and after a layer: an error joins all streams as well."""
    scene = Scene(monkeypatch, kind, "stored" if where == "weight" else "everything")
    scene.frame()

    after, before = scene.bender.after, _failing_late(lambda: None, 0 if where == "mapping" else 1)

    def failing_after(*given: Any) -> Any:
        hook = after(*given)
        assert hook is not None
        return LayerHook(_failing_late(hook, 1), hook.layers)

    with monkeypatch.context() as patched:
        if where == "weight":
            patched.setattr(ScaleWeight, "apply", _failing_late(ScaleWeight.apply, 3))
        elif where == "layer":
            patched.setattr(scene.bender, "after", failing_after)
        # Not pytest.raises, which would hold what the frame had, and so its memory.
        try:
            scene.frame(before=before)
        except RuntimeError as error:
            assert str(error) == "no more memory"
        else:
            pytest.fail("the error was swallowed")
    assert not scene.host.problems
    scene.frame()
    assert not scene.host.problems


def _failing_late(work: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The same so many times, then an error."""
    count = 0

    def late(*given: Any) -> Any:
        nonlocal count
        count += 1
        if count > times:
            raise RuntimeError("no more memory")
        return work(*given)

    return late


# What would find nothing in anything would pass all of the above.


@pytest.mark.parametrize(
    ("owner", "name", "instead", "found"),
    [
        (side_streams.PendingTensors, "wait", lambda self, *_, **__: None, "RACE"),
        (side_streams.SideStream, "join", lambda self: None, "UNJOINED"),
        (side_streams.SideStreams, "open", lambda self: nullcontext(), "RACE"),
        (LayerMasks, "ready", lambda self: None, "RACE"),
    ],
    ids=["nobody waits", "no side stream is joined", "no streams are forked or joined", "no mask is waited for"],
)
def test_what_is_left_out_is_found(owner: type, name: str, instead: Any, found: str, monkeypatch: pytest.MonkeyPatch):
    scene = Scene(monkeypatch, "stylegan2", "everything")
    monkeypatch.setattr(owner, name, instead)
    scene.frame()
    scene.frame()
    assert found in scene.host.kinds()


def test_memory_given_away_too_early_is_found(monkeypatch: pytest.MonkeyPatch):
    host = StreamsOnHost(monkeypatch)
    for held in (True, False):
        branch = side_streams.SideStream(torch.device("cpu"))
        with host.frame():
            x = torch.ones(4)
            with branch.fork():
                y = x + 1
            kept = x if held else None
            del x
            z = torch.zeros(4)
            branch.join()
        assert host.kinds() == (set() if held else {"REUSE"})
    del y, kept, z


def test_an_event_of_an_earlier_frame_is_found(monkeypatch: pytest.MonkeyPatch):
    host = StreamsOnHost(monkeypatch)
    pending = side_streams.PendingTensors()
    with host.frame():
        pending.announce(["weight"], torch.device("cpu"))
    with host.frame():
        pending.wait(["weight"])
    assert host.kinds() == {"STALE"}


def test_nothing_of_it_is_left(monkeypatch: pytest.MonkeyPatch):
    """A later test of the same process finds a processor to be a processor."""
    with monkeypatch.context() as patched:
        StreamsOnHost(patched)
        assert side_streams.SideStream(torch.device("cpu"))._stream is not None
    assert side_streams.SideStream(torch.device("cpu"))._stream is None
    network = Network.random(CONFIGS["stylegan2"])
    assert isinstance(network.runtime.generator(network.average_w()), CpuStyleGAN2)
