"""Captured programs play what programs run from Python play, whatever happens around them.

Each test runs on the CPU, with graphs as unforgiving as the real ones, and on CUDA where there is a card.
"""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

import pytest
import torch

from ganzfeld.engine import building
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.capture import CudaGraphs, NoGraphs
from ganzfeld.errors import PatchError
from ganzfeld.values.time import Clock
from graphs_on_host import GraphsOnHost

FPS = 30


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return request.param


class Stage:
    """An engine and a clock. `captures`: whether it captures."""

    def __init__(self, text: str, device: str, captures: bool = True) -> None:
        self.graphs = (GraphsOnHost() if device == "cpu" else CudaGraphs(torch.device("cuda", 0))) if captures else (
            NoGraphs()
        )  # fmt: skip
        self.engine = Engine(device=device, trusted=lambda path: True, graphs=self.graphs)
        self.engine.load(text)
        self.clock = Clock(self.engine.bpm or 120)

    def play(self, frames: int = 1) -> torch.Tensor:
        picture = torch.empty(0)
        for _ in range(frames):
            picture = self.engine.frame(self.clock.advance(1 / FPS))["out"]
        return picture.cpu().int()

    def save(self, text: str) -> None:
        self.engine.submit(text)
        deadline = time.monotonic() + 60
        while self.engine._builder.ready is None and time.monotonic() < deadline:
            time.sleep(0.002)

    @property
    def captured(self) -> bool:
        return all(program.captured for program in self.engine._playing.built._programs.values())


def same(one: Stage, other: Stage, frames: int) -> None:
    """Both play the same; on a GPU, libraries may choose other algorithms while capturing."""
    for number in range(frames):
        difference = (one.play() - other.play()).abs().max().item()
        assert difference <= (0 if one.engine.device.type == "cpu" else 2), f"frame {number}: {difference}"
    assert not one.engine.problems
    assert not other.engine.problems


@pytest.fixture
def text(small_network: Path) -> str:
    return (
        "drift = phase(0.5)\nsource = noise(amplitude=0.9, tx=drift)\n"
        f"face = network({str(small_network)!r}, latent=source, psi=0.8, noise='random')\n"
        "face.bend('b8.conv0.weight', lerp_noise=0.3*abs(sin(t)), seed=floor(t*9), name='grain')\n"
        "face.bend('b16', rotate=40*t, feedback=0.4, channels=0.5, name='spin')\n"
        "trail = feedback(face, zoom=1.01, rotate=1)\nout(trail, size=(48, 32))\n"
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "darker.py"
    path.write_text(
        "def frame(context, inputs):\n"
        "    before = context.state.get('before')\n"
        "    context.state['before'] = inputs.image\n"
        "    return inputs.image if before is None else (inputs.image + before) / 2\n"
    )
    return path


def test_replays_are_what_python_plays(text: str, device: str) -> None:
    one, other = Stage(text, device), Stage(text, device, captures=False)
    assert one.captured
    assert [segment.captured for segment in next(iter(one.engine._playing.built._programs.values())).segments] == [True]
    same(one, other, 12)


def test_channels_gains_styles_and_directions_are_captured(small_network: Path, device: str) -> None:
    text = (
        f"face = network({str(small_network)!r}, latent=seeds('0-9'), psi=0.8, cutoff=5)\n"
        "face.style(seeds('20-29', speed=3), 'b16-b32', amount=0.5 + 0.5*sin(t + i))\n"
        "face.move('1', 'b4 b8', amount=2*sin(3*t))\n"
        "face.move(seed=floor(t*9), amount=0.5 + 0.1*i, name='jumps')\n"
        "face.bend('b*.conv?.weight', gain=1 + 0.3*sin(t + c/3 + i), channels=0.7, seed=floor(t*7), name='loud')\n"
        "face.bend('b16', rotate=20*sin(t + c), multiply=1 + 0.2*lag(sin(c*t), 0.2), name='apart')\n"
        "face.bend('b*.conv0.affine.bias', add_noise=0.1*sin(t + c), name='grain')\n"
        "out(face, size=(48, 32))\n"
    )
    one, other = Stage(text, device), Stage(text, device, captures=False)
    assert one.captured
    same(one, other, 12)
    assert (one.play() - one.play(3)).abs().max() > 8, "it moves"


def test_masks_are_captured(small_network: Path, device: str) -> None:
    text = (
        f"other = network({str(small_network)!r}, latent=seeds('0-9', speed=2))\n"
        "clouds = noise('simplex2d', period=0.3, tx=t, most_harmonics=0, harmonics=0)\n"
        f"face = network({str(small_network)!r}, latent=seeds('0-9'), psi=0.8)\n"
        "face.bend('b16', rotate=40*t, mask=other)\n"
        "face.bend('b16', multiply=1.5 + sin(t), noise=0.3, channels=0.5, mask=clouds)\n"
        "face.bend('b32', feedback=0.5, mask=clouds)\n"
        "face.bend('b8', add=sin(t + c), mask=levels(clouds, invert=1))\n"
        "out(face, size=(48, 32))\n"
    )
    one, other = Stage(text, device), Stage(text, device, captures=False)
    assert one.captured
    same(one, other, 8)
    assert (one.play() - one.play(3)).abs().max() > 8, "it moves"


def test_pictures_are_the_callers_own(text: str, device: str) -> None:
    stage = Stage(text, device)
    first = stage.engine.frame(stage.clock.advance(1 / FPS))["out"]
    kept = first.clone()
    stage.play(3)
    assert torch.equal(first, kept)


def test_a_reload_keeps_the_state_that_graphs_have_written(text: str, device: str) -> None:
    one, other = Stage(text, device), Stage(text, device, captures=False)
    same(one, other, 4)
    changed = text.replace("out(trail", "turned = flip(trail, x=True)\nout(turned")
    one.save(changed), other.save(changed)
    same(one, other, 4)
    assert one.captured
    one.save(text), other.save(text)
    same(one, other, 4)


def test_a_cross_fade_replays_both(text: str, device: str) -> None:
    text = "swap('now', fade=0.3)\n" + text
    one, other = Stage(text, device), Stage(text, device, captures=False)
    same(one, other, 3)
    for changed in (
        text.replace("psi=0.8", "psi=-1"),  # the same programs fade into themselves
        text.replace("psi=0.8", "psi=-1").replace("out(trail", "turned = flip(trail, x=True)\nout(turned"),
    ):
        one.save(changed), other.save(changed)
        same(one, other, 12)
        assert one.engine._fade is None


def test_what_a_script_gets_and_gives_crosses_the_graphs(text: str, script: Path, device: str) -> None:
    text = text.replace("out(trail", f"dark = script({str(script)!r}, trail)\nagain = feedback(dark)\nout(again")
    one, other = Stage(text, device), Stage(text, device, captures=False)
    program = next(iter(one.engine._playing.built._programs.values()))
    assert [segment.captured for segment in program.segments] == [True, False, True]
    same(one, other, 6)
    assert one.captured


def test_a_script_may_change_the_size_of_its_picture(tmp_path: Path, device: str) -> None:
    path = tmp_path / "grows.py"
    path.write_text(
        "import numpy as np\n"
        "def frame(context, inputs):\n"
        "    side = 8 if context.frame < 3 else 16\n"
        "    return np.full((side, side, 3), context.frame * 10, np.uint8)\n"
    )
    text = (
        f"trail = feedback(noise(tx=t), zoom=1.1)\ngrown = script({str(path)!r}, trail)\nturned = flip(grown)\n"
        "both = mix(trail, turned)\nout(both, size=(16, 16), filter='nearest')"
    )
    one, other = Stage(text, device), Stage(text, device, captures=False)
    same(one, other, 8)
    assert one.captured, "captured again at the new size"
    path.write_text(path.read_text().replace("8 if context.frame < 3 else 16", "8 + context.frame % 2"))
    one.engine.notice(path), other.engine.notice(path)
    same(one, other, 12)
    assert not one.captured, "a size that never rests is not worth capturing"


def test_choices_are_ready_before_they_are_made(small_network: Path, device: str) -> None:
    text = (
        f"bpm(60)\nface = network({str(small_network)!r}, latent=noise())\n"
        "face.show(seq('image b8 b16', beats=0.3), view=seq('rgb mean', beats=0.2))\nout(face, size=(32, 32))"
    )
    one, other = Stage(text, device), Stage(text, device, captures=False)
    assert len(one.engine._playing.built._programs) == 6, "also what comes together"
    same(one, other, 40)
    assert len(one.engine._playing.built._programs) == 6
    assert one.captured


def test_a_checkpoint_is_taken_up_in_place(text: str, device: str) -> None:
    one, other = Stage(text, device), Stage(text, device)
    one.play(7)
    other.engine.restore(one.engine.checkpoint())
    other.clock.restore(one.clock.checkpoint())
    same(one, other, 3)


def test_what_cannot_be_captured_plays_and_says_so(text: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self, *arguments: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing.")

    monkeypatch.setattr(GraphsOnHost if device == "cpu" else CudaGraphs, "capture", refuse)
    one, other = Stage(text, device), Stage(text, device, captures=False)
    assert len(one.engine.problems) == 1
    assert "without a CUDA graph" in one.engine.problems[0].what
    assert "not permitted" in one.engine.problems[0].what
    assert (one.play(3) - other.play(3)).abs().max() <= 2


def test_a_script_that_reads_the_device_is_not_captured(
    text: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganzfeld.patch.nodes.flip import FlipNode

    real = FlipNode.render

    def reads(self, context, inputs):
        inputs["image"].mean().item()
        return real(self, context, inputs)

    monkeypatch.setattr(FlipNode, "render", reads)
    stage = Stage(text.replace("out(trail", "turned = flip(trail)\nout(turned"), device)
    assert not stage.captured
    assert "without a CUDA graph" in stage.engine.problems[0].what
    stage.play(3)
    monkeypatch.undo()
    stage.save(text)
    stage.play(2)
    assert stage.captured
    assert not stage.engine.problems


def test_a_patch_that_has_gone_leaves_nothing_behind(text: str, device: str) -> None:
    stage = Stage(text, device)
    stage.play(2)
    built = weakref.ref(stage.engine._playing.built)
    tensors = len(stage.engine._playing.state.tensors)
    gc.disable()
    try:
        stage.save(text.replace("out(trail", "turned = flip(trail)\nout(turned"))
        stage.play(2)
        deadline = time.monotonic() + 10
        while built() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert built() is None, "without waiting for a collection"
    finally:
        gc.enable()
    assert len(stage.engine._playing.state.tensors) == tensors


def no_memory(*arguments: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_too_little_memory_refuses_the_patch_and_not_the_show(
    text: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Stage(text, device), Stage(text, device, captures=False)
    same(one, other, 3)
    opened = one.engine._resources.opened()
    from ganzfeld.patch.nodes.flip import FlipNode

    monkeypatch.setattr(FlipNode, "render", no_memory)
    changed = text.replace("out(trail", "turned = flip(trail)\nout(turned")
    one.save(changed)
    one.play(), other.play()
    (problem,) = one.engine.problems
    assert "too little memory" in problem.what
    assert "show goes on" in problem.hint
    assert one.engine._resources.opened().keys() == opened.keys()
    monkeypatch.undo()
    one.save(changed), other.save(changed)
    same(one, other, 3)


def test_a_second_attempt_may_find_memory(text: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(text, device)
    from ganzfeld.patch.nodes.flip import FlipNode

    real, failures = FlipNode.render, []

    def once(self, context, inputs):
        if not failures:
            failures.append(1)
            no_memory()
        return real(self, context, inputs)

    monkeypatch.setattr(FlipNode, "render", once)
    stage.save(text.replace("out(trail", "turned = flip(trail)\nout(turned"))
    stage.play(2)
    assert failures and not stage.engine.problems
    assert "turned" in stage.engine._playing.graph.nodes


def test_a_first_patch_without_memory_is_an_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzfeld.patch.nodes.feedback import FeedbackNode

    monkeypatch.setattr(FeedbackNode, "render", no_memory)
    with pytest.raises(PatchError, match="too little memory"):
        Stage(text, "cpu")


def test_two_networks_on_two_devices(small_network: Path, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The CPU by another name is another device to the engine. With one GPU, that is tried there, too.
    import ganzfeld.patch.nodes.network as node

    if device == "cpu":
        other = torch.device("cpu", 0)
        monkeypatch.setattr(node, "pick_device", lambda name: other)
    else:
        other = torch.device("cuda", min(1, torch.cuda.device_count() - 1))
    text = (
        f"source = noise(tx=t)\na = network({str(small_network)!r}, latent=source, psi=0.5 + t, device='{other}')\n"
        "a.bend('b8', rotate=40*t, feedback=0.3)\n"
        f"b = network({str(small_network)!r}, latent=noise(ty=t))\nboth = mix(a, b, amount=0.5)\nout(both)"
    )
    one, plain = Stage(text, device), Stage(text.replace(f", device='{other}'", ""), device, captures=False)
    program = next(iter(one.engine._playing.built._programs.values()))
    if other != one.engine.device:
        assert [segment.device for segment in program.segments] == [one.engine.device, other, *[one.engine.device] * 2]
    same(one, plain, 6)
    assert one.captured


def test_a_device_that_is_not_here_is_refused_in_its_place(small_network: Path) -> None:
    with pytest.raises(PatchError, match="cuda:17") as refused:
        Stage(f"face = network({str(small_network)!r}, device='cuda:17')\nout(face)", "cpu")
    assert refused.value.where.line == 1
    with pytest.raises(PatchError, match="quotes"):
        Stage(f"face = network({str(small_network)!r}, device=1)\nout(face)", "cpu")
    Stage(f"face = network({str(small_network)!r}, device='cpu')\nout(face)", "cpu").play()


def test_a_variant_does_not_wait_for_a_patch_that_is_built(
    small_network: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "foreseen", lambda *asked: ())
    text = (
        f"face = network({str(small_network)!r}, latent=noise())\n"
        "face.show(seq('image b8', beats=0.3), view=seq('rgb mean', beats=0.2))\nout(face, size=(32, 32))"
    )
    stage = Stage(text, device)
    with stage.graphs.capture_lock.shared():  # as a rehearsal on the building thread, which may take seconds
        stage.play(30)
    assert not stage.captured
    stage.play(30)
    assert stage.captured
