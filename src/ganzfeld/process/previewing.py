"""Draws previews with engines of its own: what a text would look like if it were played now.

A text goes on from the show's last checkpoint, at the show's time, with what comes from outside and what hands hold. It
differs from the show in what must not happen twice: no script runs, and nothing that sends by itself (a camera, a
stream) is opened; of a script its last picture is shown. Numbers of one text after the other play on the same programs.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace

from ganzfeld.engine.engine import Engine
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch, Term
from ganzfeld.process.messages import OutsideHit, ReleaseParameter, SetOutside, SetParameter
from ganzfeld.process.preview_messages import LONGEST_STEP, DrawPreviews, Overheard, PreviewText, ShowTime
from ganzfeld.process.preview_process import PreviewOptions
from ganzfeld.values.time import BEATS_PER_BAR, Moment

MOST_ENGINES = 2
"""For texts of different structure that are kept ready."""
MOST_VALUES = 4096
"""From outside, by address, since an order; a sender of ever new addresses is heard no more beyond that."""
MOST_HITS = 64
"""That wait for a variant's next picture."""
FREE_ON_CARD = 2 << 30
SCRIPTS_REST = "does not run in previews"


def torch_previews(options: PreviewOptions) -> EngineArtist:
    """Ganzfeld's own. Raises GanzfeldError if there is no room for it."""
    torch.set_num_threads(1)
    return EngineArtist(options)


@dataclass(slots=True)
class _Easel:
    """An engine, the variant that plays on it now, and the pictures that it made last."""

    engine: Engine
    tried: _Tried | None = None
    pictures: dict[str, torch.Tensor] = field(default_factory=dict)


class EngineArtist:
    """A `preview_process.PreviewArtist`."""

    def __init__(self, options: PreviewOptions) -> None:
        self._options = options
        self._check_card()
        self._easels: list[_Easel] = []
        """The one that was used last at the end."""
        self._variants: dict[int, _Tried] = {}
        self._values: dict[str, Any] = {}
        """What came from outside since the order."""
        self._hands: dict[str, Any] = {}
        """What hands turned since; None: let go."""

    def _check_card(self) -> None:
        """Raises GanzfeldError if the card has no room beside the show."""
        if not self._options.device.startswith("cuda"):
            return
        free, whole = torch.cuda.mem_get_info(self._options.device)
        if free < FREE_ON_CARD:
            raise GanzfeldError(
                "the card has too little memory left for previews",
                hint=f"{free >> 20} MB are free, of the {FREE_ON_CARD >> 20} that they may need",
            )
        torch.cuda.set_per_process_memory_fraction(min(1.0, free / 2 / whole), self._options.device)

    def begin(self, order: DrawPreviews) -> None:
        self._values.clear()
        self._hands.clear()
        try:
            before = _read(order.playing, order.path)[1].texts()
        except GanzfeldError:
            before = {}  # it does not play; what hands hold may not be of this text
        self._variants = {index: _Tried(text, before, order) for index, text in order.texts.items()}

    def overhear(self, message: Overheard) -> None:
        match message:
            case SetOutside(address, value):
                if address in self._values or len(self._values) < MOST_VALUES:
                    self._values[address] = value
            case SetParameter(address, value):
                self._hands[address] = value
            case ReleaseParameter(address):
                self._hands[address] = None
            case OutsideHit():
                for variant in self._variants.values():
                    variant.hits.append(message)

    def draw(self, index: int, now: ShowTime) -> tuple[np.ndarray, str]:
        tried = self._variants[index]
        if tried.problem is not None:
            raise tried.problem
        easel = self._easel(tried)
        engine = easel.engine
        engine.outside.take()  # what came for another text
        for address, value in self._values.items():
            engine.outside.set(address, value)
        tried.act(engine, self._hands)
        pictures = engine.frame(tried.moment(now))
        problem = next(iter(engine.problems), None)
        if not pictures or pictures is easel.pictures:
            raise problem or PatchError("this makes no picture")
        easel.pictures = pictures
        return next(iter(pictures.values())).cpu().numpy(), problem.what if problem else ""

    def _easel(self, tried: _Tried) -> _Easel:
        """One on which this text plays, from where it was."""
        alike = [
            easel for easel in self._easels if easel.engine.graph and easel.engine.graph.structure == tried.structure
        ]
        easel = next((easel for easel in alike if easel.tried is tried), alike[0] if alike else None)
        if easel is None:
            easel = self._new_easel()
        self._easels.remove(easel)
        self._easels.append(easel)
        if easel.tried is not tried:
            if easel.tried is not None:
                easel.tried.leave(easel.engine)
            easel.tried = None
            easel.engine.load(tried.patch, tried.path)
            tried.take_up(easel.engine)
            easel.tried = tried
        return easel

    def _new_easel(self) -> _Easel:
        self._check_card()
        if len(self._easels) >= MOST_ENGINES:
            gone = self._easels.pop(0)
            if gone.tried is not None:
                gone.tried.leave(gone.engine)
            gone.engine.close()
        easel = _Easel(Engine(device=self._options.device, replays=True, sources=self._options.sources))
        self._easels.append(easel)
        return easel


class _Tried:
    """A text, and how far it has been played."""

    def __init__(self, text: PreviewText, before: dict[str, Any], order: DrawPreviews) -> None:
        """before: what the text that plays says of every address."""
        self._values, self._before, self._saved = text.values, before, order.saved
        self.path = Path(order.path) if order.path else None
        self.hits: deque[OutsideHit] = deque(maxlen=MOST_HITS)
        self.problem: GanzfeldError | None = None
        self._state: bytes | None = None
        """Where it is, while another text plays on its engine."""
        self._t = float(order.saved.clock.get("t", 0.0)) if order.saved else None
        self._frame = -1
        try:
            self.patch = small_patch(*_read(text.text, order.path), order.height)
            graph = Graph(self.patch)
            self.structure, self._texts = graph.structure, graph.texts()
        except GanzfeldError as error:
            self.problem = error

    def take_up(self, engine: Engine) -> None:
        """Put the engine where this text was: at first, where the show is."""
        engine.forget()
        if self._state is not None:
            engine.restore(self._state)
        elif self._saved is not None:
            engine.restore(self._saved.data)
            for address in [address for address in engine.turned if self._is_changed(address)]:
                del engine.turned[address]
        for name, node in self.patch.nodes.items():
            if node.type == "script":
                engine.give(name, SCRIPTS_REST)

    def leave(self, engine: Engine) -> None:
        """Another text is to play on the engine."""
        self._state = engine.checkpoint()

    def act(self, engine: Engine, hands: dict[str, Any]) -> None:
        """Hit what was hit, and hold what hands hold where the text about it is as it plays, and what this preview is
        to hold. Raises PatchError for a value that does not fit."""
        while self.hits:
            hit = self.hits.popleft()
            engine.outside.hit(hit.address, *hit.arguments, **hit.named)
        for address, value in hands.items():
            if value is None:
                engine.release(address)
            elif not self._is_changed(address):
                engine.set(address, value)
        for address, value in self._values.items():
            engine.set(address, value)

    def moment(self, now: ShowTime) -> Moment:
        """The show's now, for this text."""
        step = now.t - self._t if self._t is not None and now.speed else 0.0
        self._t = now.t
        self._frame = max(self._frame + 1, now.frame)
        dt = step if 0 <= step <= LONGEST_STEP else 0.0
        return Moment(self._frame, now.t, dt, now.beat, now.beat / BEATS_PER_BAR, now.bpm)

    def _is_changed(self, address: str) -> bool:
        """Whether the text that plays says something else of it, or nothing."""
        return address not in self._texts or self._texts[address] != self._before.get(address)


def _read(text: str, path: str | None) -> tuple[Patch, Graph]:
    patch = parse(text, path)
    return patch, Graph(patch)


def small_patch(patch: Patch, graph: Graph, height: int) -> Patch:
    """The patch with its main output alone, at most `height` pixels high, swapped at once and drawn at its full inner
    size."""
    if not graph.outs:
        raise PatchError("this text shows nothing", hint="A patch ends with out(…)")
    main = next(iter(graph.outs))
    nodes = {name: node for name, node in patch.nodes.items() if name == main or name not in graph.outs}
    size = graph.nodes[main].structure["size"]
    if size is not None and size[1] > height:
        width = max(1, round(size[0] * height / size[1]))
        arguments = {**nodes[main].arguments, "size": Term(text=f"({width}, {height})")}
        nodes[main] = replace(nodes[main], arguments=arguments)
    settings = replace(patch.settings, swap="now", fade=0.0, hold=None)
    return replace(patch, nodes=nodes, settings=settings)
