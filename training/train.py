"""Trains one network for so many minutes, and goes on where it stopped.

    python -m training.train planets --stages 64:3,128:5 --folder out/planets
    python -m training.train flowers --stages 128:3,256:4 --folder out/flowers --start-from out/planets --garden g.pt

A leg ends by the clock, whatever happened: at its end (and every few minutes) ``<folder>/checkpoint.pt`` holds both
players, the average of the generator, the optimisers and how far it got; the next leg reads it.
``<folder>/samples-….jpg`` shows the average generator. ``--warm`` only compiles each stage, or one player of it, so
that other processes can fill the compiler's cache while this one trains eagerly; ``--ready`` tells it that they have.

Losses as in StyleGAN2: non-saturating logistic, R1 every 16 steps (Mescheder et al. 2018), Adam(0, 0.99), an
exponential average of the generator's weights; no path length term.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.networks.network import Network, load_network
from training.recipes import RECIPES, Pictures, Recipe, build, pictures
from training.sheet import save_sheet

R1_EVERY = 16
AVERAGE_HALF_LIFE = 10_000
"""Pictures after which half of an old weight is left in the average; shorter early on."""
WARM_UP = 5_000
"""Pictures over which the rates rise to their full height, while the optimisers still know nothing."""
JUDGE_ALONE = 30_000
"""Pictures that a new discriminator sees before it may teach a finished generator."""


@dataclass(frozen=True)
class Stage:
    """Train at ``resolution`` until ``until`` seconds after the start, compiled or not."""

    resolution: int
    until: float
    compiled: bool

    @staticmethod
    def parse(text: str) -> list[Stage]:
        """``64e:1.5,128:6``: minutes at each resolution; an e after it means eager."""
        stages, until = [], 0.0
        for part in text.split(","):
            resolution, minutes = part.split(":")
            until += 60 * float(minutes)
            stages.append(Stage(int(resolution.rstrip("e")), until, not resolution.endswith("e")))
        return stages


class Trainer:
    """Both players, their optimisers, the average, and one training step."""

    def __init__(self, recipe: Recipe, device: torch.device):
        self.recipe, self.device = recipe, device
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.generator, self.judge = build(recipe, device, dtype)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        fused = device.type == "cuda"
        lazy = R1_EVERY / (R1_EVERY + 1)
        mapping = list(self.generator.network.mapping.parameters())
        drawing = [p for name, p in self.generator.named_parameters() if not name.startswith("network.mapping.")]
        rate = recipe.generator_rate
        self.generator_adam = torch.optim.Adam(
            [{"params": drawing, "full": rate}, {"params": mapping, "full": rate * recipe.mapping_rate}],
            rate, betas=(0.0, 0.99), eps=1e-8, fused=fused,
        )  # fmt: skip
        self.judge_adam = torch.optim.Adam(
            [{"params": list(self.judge.parameters()), "full": recipe.judge_rate * lazy}],
            recipe.judge_rate * lazy, betas=(0.0, 0.99**lazy), eps=1e-8, fused=fused,
        )  # fmt: skip
        self.seen = 0
        self.step_number = 0
        self.met = 0
        """Pictures since this process began, also those that only the discriminator learnt from."""
        self.resolution = 0
        self.grown_at = -math.inf
        self.judge_alone = 0
        """Pictures for which only the discriminator still learns."""
        self.generate, self.assess = self.generator, self.judge

    def set_rate(self, share: float) -> None:
        """Both players learn at that share of their full rates from now on."""
        for group in self.generator_adam.param_groups + self.judge_adam.param_groups:
            group["lr"] = group["full"] * share

    def set_stage(self, resolution: int, compiled: bool, only: str = "") -> None:
        """Trains at this size from now on; ``only`` names the one player to compile."""
        if resolution != self.resolution:
            grows = self.resolution and resolution > self.resolution
            self.grown_at = self.seen if grows else -math.inf
            self.resolution = resolution
        self.generate, self.assess = self.generator, self.judge
        if compiled and only != "judge":
            self.generate = torch.compile(self.generator, dynamic=False)
        if compiled and only != "generator":
            self.assess = torch.compile(self.judge, dynamic=False)
        self.batch = self.recipe.batch[resolution]
        self.gamma = self.recipe.gamma[resolution]
        self.fade = torch.ones((), device=self.device)

    def step(self, real: Tensor) -> dict[str, Tensor]:
        """One step of both players on ``real`` ``[batch, 3, r, r]``; returns numbers to print."""
        batch = len(real)
        self.fade.fill_(min(1.0, (self.seen - self.grown_at + batch) / self.recipe.fade))
        made, squares = self.generate(self.generator.styles(batch, self.device), self.resolution, self.fade)

        self.judge.requires_grad_(True)
        verdicts = self.assess(torch.cat([made.detach(), real]), self.fade)
        judge_loss = F.softplus(verdicts[:batch]).mean() + F.softplus(-verdicts[batch:]).mean()
        numbers = {"judge": judge_loss.detach(), "on_real": verdicts[batch:].detach().mean()}
        judge_loss.backward()
        if self.step_number % R1_EVERY == 0:
            numbers["r1"] = self._r1(real[: max(self.judge.group, batch // 2)])
        self.judge_adam.step()
        self.judge_adam.zero_grad(set_to_none=True)
        self.step_number += 1
        self.met += batch

        if self.judge_alone > 0:
            self.judge_alone -= batch
            return numbers | {"generator": numbers["judge"]}
        self.judge.requires_grad_(False)
        generator_loss = F.softplus(-self.assess(made, self.fade)).mean()
        generator_loss.backward()
        self.generator_adam.step()
        self.generator_adam.zero_grad(set_to_none=True)
        numbers["generator"] = generator_loss.detach()

        self.seen += batch
        if squares is not None:
            self.generator.track_magnitudes(squares, beta=0.5 ** (batch / 20_000))
        self._follow(batch)
        return numbers

    def _r1(self, real: Tensor) -> Tensor:
        """Adds the gradient of the R1 penalty; eager, because it differentiates twice."""
        real = real.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(self.judge(real, self.fade).sum(), real, create_graph=True)
        penalty = slope.square().sum((1, 2, 3)).mean()
        (penalty * (self.gamma / 2 * R1_EVERY)).backward()
        return penalty.detach()

    @torch.no_grad()
    def _follow(self, batch: int) -> None:
        """Moves the average generator; buffers (average w, magnitudes) are copied."""
        half_life = min(AVERAGE_HALF_LIFE, max(self.seen * 0.05, 1))
        weight = 1 - 0.5 ** (batch / half_life)
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), weight)
        mine = [b for b in self.average.buffers() if b.is_floating_point()]
        theirs = [b for b in self.generator.buffers() if b.is_floating_point()]
        torch._foreach_copy_(mine, theirs)

    @torch.no_grad()
    def samples(self, n: int, psi: float = 1.0, seed: int = 1) -> Tensor:
        """Pictures of the average generator, the same latents for the same seed."""
        random = torch.Generator(device=self.device).manual_seed(seed)
        z = torch.randn(n, self.generator.z_dim, device=self.device, generator=random)
        w = self.average.network.mapping(z, truncation_psi=psi)
        return torch.cat([self.average(part, self.resolution, self.fade)[0] for part in w.split(16)])

    def adopt(self, network: Network, judge: dict[str, Any] | None = None) -> None:
        """Starts from a finished network; ``judge`` is what `save_players` wrote of its discriminator.

        A discriminator of its own knows its errors already; a new one learns alone at first.
        """
        for wrapped in (self.generator, self.average):
            wrapped.network.load_state_dict(network.tensors)
        self.judge_alone = JUDGE_ALONE
        if judge:
            self.judge.load_state_dict(judge["judge"])
            self.resolution = judge["resolution"]
            self.judge_alone = JUDGE_ALONE // 10

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator.state_dict(),
            "judge": self.judge.state_dict(),
            "average": self.average.state_dict(),
            "generator_adam": self.generator_adam.state_dict(),
            "judge_adam": self.judge_adam.state_dict(),
            "seen": self.seen,
            "step_number": self.step_number,
            "resolution": self.resolution,
            "grown_at": self.grown_at,
        }

    def restore(self, state: dict[str, Any], players_only: bool = False) -> None:
        """Goes on from ``state``; ``players_only`` (fine-tuning) starts counting anew. Optimisers may be missing."""
        for name in PLAYERS:
            getattr(self, name).load_state_dict(state[name])
        if players_only:
            return
        for name in ("generator_adam", "judge_adam"):
            if name in state:
                getattr(self, name).load_state_dict(state[name])
        self.seen, self.step_number = state["seen"], state["step_number"]
        self.resolution, self.grown_at = state["resolution"], state["grown_at"]


def main() -> None:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--stages", type=Stage.parse, required=True, help="resolution:minutes,…; 64e: eager")
    parser.add_argument("--folder", type=Path, required=True, help="checkpoint, samples and log")
    parser.add_argument("--start-from", type=Path, help="folder of another network, or its file")
    parser.add_argument("--garden", type=Path, help="flames, from python -m training.flames")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--judge", type=Path, help="the discriminator of the network file to start from (a judge.pt)")
    parser.add_argument("--carry", type=Path, help="also write the players in half precision to this folder")
    parser.add_argument("--save-every", type=float, default=4, metavar="MINUTES")
    parser.add_argument(
        "--settle", type=float, default=0, metavar="MINUTES", help="lower the rates at the end, so long"
    )
    parser.add_argument("--ready", type=Path, help="a file: once it is there, eager stages end")
    parser.add_argument("--warm", choices=("both", "generator", "judge"), help="compile the stages and stop")
    arguments = parser.parse_args()

    torch.backends.cudnn.benchmark = True
    torch._dynamo.config.recompile_limit = 64
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device, folder = torch.device(arguments.device), arguments.folder
    recipe = RECIPES[arguments.recipe]
    trainer = Trainer(recipe, device)
    if not arguments.warm:
        folder.mkdir(parents=True, exist_ok=True)
        resume(trainer, folder, arguments.start_from, arguments.judge)
    clock = Clock(
        started, arguments.stages[-1].until, 60 * arguments.settle, 60 * arguments.save_every, arguments.ready
    )
    for stage in arguments.stages:
        run_stage(trainer, stage, clock, folder, arguments)
        if not arguments.warm:
            save(trainer, folder, arguments.carry)
    print(f"done after {time.monotonic() - started:.0f} s, {trainer.seen} pictures", flush=True)


PLAYERS = ("average", "generator", "judge")


def save_players(trainer: Trainer, folder: Path) -> None:
    """The networks alone in half precision, a file each, small enough to carry: ``<folder>/<player>.pt``."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {name: getattr(trainer, name) for name in ("seen", "step_number", "resolution", "grown_at")}
    for name in PLAYERS:
        numbers = {k: v.half() if v.is_floating_point() else v for k, v in getattr(trainer, name).state_dict().items()}
        fresh = folder / f"{name}.new"
        torch.save({name: numbers} | about, fresh)
        fresh.replace(folder / f"{name}.pt")


def load_state(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint in ``folder``, or else what `save_players` left there, or None."""
    if (folder / "checkpoint.pt").exists():
        return torch.load(folder / "checkpoint.pt", map_location=device, weights_only=True)
    if not all((folder / f"{name}.pt").exists() for name in PLAYERS):
        return None
    state: dict[str, Any] = {}
    for name in PLAYERS:
        state |= torch.load(folder / f"{name}.pt", map_location=device, weights_only=True)
    return state


def load_average(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """The average generator under "average", and "seen" and "resolution", from whatever ``folder`` holds."""
    if not (folder / "checkpoint.pt").exists() and (folder / "average.pt").exists():
        return torch.load(folder / "average.pt", map_location=device, weights_only=True)
    return load_state(folder, device)


def resume(trainer: Trainer, folder: Path, start_from: Path | None, judge: Path | None) -> None:
    if state := load_state(folder, trainer.device):
        trainer.restore(state)
        print(f"goes on at {trainer.seen} pictures, {trainer.resolution} px", flush=True)
    elif start_from and start_from.suffix == ".safetensors":
        known = torch.load(judge, map_location=trainer.device, weights_only=True) if judge else None
        trainer.adopt(load_network(start_from, trainer.device), known)
        print(f"starts from {start_from} with {judge or 'a new discriminator'}", flush=True)
    elif start_from:
        state = load_state(start_from, trainer.device)
        if state is None:
            raise FileNotFoundError(f"no checkpoint in {start_from}")
        trainer.restore(state, players_only=True)
        print(f"starts from {start_from} after its {state['seen']} pictures", flush=True)


@dataclass(frozen=True)
class Clock:
    """When things happen, in seconds since ``started``; ``settle`` and ``save_every`` are lengths of time."""

    started: float
    end: float
    settle: float
    save_every: float
    ready: Path | None

    def now(self) -> float:
        return time.monotonic() - self.started

    def is_over(self, stage: Stage) -> bool:
        return self.now() >= stage.until or bool(not stage.compiled and self.ready and self.ready.exists())

    def rate(self, met: int) -> float:
        """Share of the full rates: full after ``WARM_UP`` pictures, a tenth at the end if there is time to settle."""
        left = min(1.0, (self.end - self.now()) / self.settle) if self.settle else 1.0
        return min(1.0, (met + 1) / WARM_UP) * (0.1 + 0.9 * max(0.0, left))


def run_stage(trainer: Trainer, stage: Stage, clock: Clock, folder: Path, arguments: argparse.Namespace) -> None:
    """Trains until the stage's time is over, printing a line now and then."""
    trainer.set_stage(stage.resolution, stage.compiled, arguments.warm or "")
    if arguments.warm:
        source: Pictures = Noise(stage.resolution, trainer.device)
    else:
        source = pictures(trainer.recipe, stage.resolution, trainer.device, arguments.garden)
    if stage.compiled:
        compile_now(trainer, source, stage.resolution)
    if arguments.warm:
        print(f"{stage.resolution} px is compiled after {clock.now():.0f} s", flush=True)
        return
    numbers: dict[str, Tensor] = {}
    printed = saved = time.monotonic()
    seen_then = trainer.seen
    while not clock.is_over(stage):
        now = time.monotonic()
        trainer.set_rate(clock.rate(trainer.met))
        numbers |= trainer.step(source.draw(trainer.batch))
        if trainer.step_number % 32 == 0:
            _ = float(numbers["generator"])  # waits for the device, so that the clock tells the truth
            now = time.monotonic()
        if trainer.step_number % 32 == 0 and now - printed > 10:
            speed = (trainer.seen - seen_then) / (now - printed)
            values = "  ".join(f"{name} {float(value):.3f}" for name, value in numbers.items())
            line = f"{clock.now():5.0f} s  {trainer.seen:8d} pictures  {stage.resolution} px  {speed:5.0f}/s  {values}"
            print(line, flush=True)
            with (folder / "log.txt").open("a") as log:
                log.write(line + "\n")
            if not math.isfinite(float(numbers["generator"])):
                raise FloatingPointError("the loss is not a number any more; go back to the last checkpoint")
            printed, seen_then = time.monotonic(), trainer.seen
        if now - saved > clock.save_every:
            save(trainer, folder, arguments.carry)
            saved = time.monotonic()
            printed, seen_then = saved, trainer.seen


@dataclass(frozen=True)
class Noise:
    """Pictures enough for the compiler."""

    size: int
    device: torch.device

    def draw(self, n: int) -> Tensor:
        return torch.rand(n, 3, self.size, self.size, device=self.device)


def compile_now(trainer: Trainer, source: Pictures, resolution: int) -> None:
    """The first compiled step; if the compiler cannot do it, the stage goes on eagerly."""
    started = time.monotonic()
    try:
        trainer.step(source.draw(trainer.batch))
        if trainer.device.type == "cuda":
            torch.cuda.synchronize()
        print(f"{resolution} px: the compiler took {time.monotonic() - started:.0f} s", flush=True)
    except Exception:
        traceback.print_exc()
        print(f"{resolution} px: not compiled", flush=True)
        for adam in (trainer.generator_adam, trainer.judge_adam):
            adam.zero_grad(set_to_none=True)
        trainer.set_stage(resolution, compiled=False)


def save(trainer: Trainer, folder: Path, carry: Path | None) -> None:
    """The checkpoint (written beside the old one first), 64 samples, and what is to be carried."""
    fresh = folder / "checkpoint.new"
    torch.save(trainer.state(), fresh)
    fresh.replace(folder / "checkpoint.pt")
    save_sheet(trainer.samples(64), folder / f"samples-{trainer.seen:08d}.jpg")
    if carry:
        save_players(trainer, carry)


if __name__ == "__main__":
    main()
