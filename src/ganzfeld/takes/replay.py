"""Drives an engine with what a take holds: the same moments, hands, signals and texts, at the same frames."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.frame_recorder import REPEATABLE
from ganzfeld.errors import GanzfeldError, PatchError, nearest
from ganzfeld.kernels.resize import fit_into
from ganzfeld.kernels.rgba import to_rgba8
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.outputs import outputs_of, with_output_size
from ganzfeld.takes.camera_film import CameraReader, black
from ganzfeld.takes.checkpoint_facts import facts_of
from ganzfeld.takes.records import Deed, Did, Halved, Saw, Swapped, Took
from ganzfeld.takes.take import Take, unpacked
from ganzfeld.takes.timeline import Start, Timeline

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What of a take is rendered, and how large. size: (width, height); None: as it was. supersample: so many times
    larger in each direction, and then averaged. output: which of several; None: the main one."""

    size: tuple[int, int] | None = None
    supersample: int = 1
    output: str | None = None

    @property
    def as_it_was(self) -> bool:
        """Whether the engine makes pictures of the size that it made then."""
        return self.size is None and self.supersample == 1


class Position(msgspec.Struct, frozen=True):
    """Where a replay is: all that another one needs to go on. index: of the next frame of the timeline; applied: how
    many of the session's frames have happened; engine: its state; exact: whether that is all."""

    index: int
    session: int
    applied: int
    text: Swapped | None
    engine: bytes
    exact: bool


@dataclass(slots=True)
class Replay:
    """Plays a timeline from a start, or from another replay's position."""

    take: Take
    timeline: Timeline
    view: View = field(default_factory=View)
    device: str = "auto"
    trusted: Callable[[Path], bool] = lambda path: False
    size: tuple[int, int] | None = None
    """(width, height) of every picture; the first one's if it is not given."""
    problems: list[GanzfeldError] = field(default_factory=list)
    """What went wrong on the frame that was made last."""
    _engine: Engine | None = None
    _session: int = -1
    _applied: int = 0
    _index: int = 0
    _text: Swapped | None = None
    _coming: Iterator[Any] | None = None
    _start: Start | None = None
    _cameras: dict[Path, CameraReader] = field(default_factory=dict)
    _last: torch.Tensor | None = None

    @property
    def engine(self) -> Engine:
        """The engine that plays."""
        assert self._engine is not None, "start it first"
        return self._engine

    def start(self, start: Start) -> None:
        """Begin there. Raises PatchError if the patch cannot be played here."""
        session = self.take.sessions[start.session]
        text = session.text_before(start.frames)
        state = session.opened.checkpoint if start.checkpoint is None else unpacked(start.checkpoint)
        self._open(start.session, text, state)
        self._applied, self._index, self._start = start.frames, start.first, start
        self._go_on(start.frames)

    def resume(self, position: Position) -> None:
        """Go on where another one was."""
        self._open(position.session, position.text, position.engine)
        self._applied, self._index, self._start = position.applied, position.index, None
        self._go_on(position.applied)

    def position(self) -> Position:
        """Where it is, between two frames."""
        data = self.engine.checkpoint(whole=True)
        return Position(self._index, self._session, self._applied, self._text, data, facts_of(data).exact)

    def frame(self) -> torch.Tensor:
        """The next frame, uint8 [height, width, 4] RGBA on the device."""
        timeline, index = self.timeline, self._index
        session = int(timeline.session[index])
        if session != self._session:
            self.start(next(start for start in timeline.starts(tensors=False) if start.session == session))
        self.problems = []
        self._happen(int(timeline.until[index]))
        pictures = self.engine.frame(timeline.moment(index, self._start))
        self._index, self._start = index + 1, None
        self.problems += self.engine.problems
        return self._shown(pictures)

    def close(self) -> None:
        """Stop."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        for reader in self._cameras.values():
            reader.close()
        self._cameras.clear()

    # What happened

    def _open(self, session: int, text: Swapped | None, state: bytes | None) -> None:
        self.close()
        self._session, self._text = session, text
        self._engine = Engine(device=self.device, trusted=self.trusted, exact=True, replays=True)
        if text is not None:
            self._engine.load(self._patch(text.text))
        if state is not None:
            self._engine.restore(state)

    def _go_on(self, frames: int) -> None:
        """After so many of the session's frames."""
        session = self.take.sessions[self._session]
        self._coming = session.frames(frames)
        self._halve(session.halved_before(frames))
        for taken in session.taken_before(frames):
            self._give(taken)

    def _halve(self, times: int) -> None:
        # At another size or rate there is time enough for whole pictures.
        self.engine.halve(times if self.view.as_it_was and self.timeline.fps is None else 0)

    def _give(self, taken: Took | Saw) -> None:
        if isinstance(taken, Took):
            self.engine.give(taken.node, taken.what)
            return
        film = self.take.film(self._session, taken.node)
        if film is None or taken.picture < 0:
            if film is None:
                self.engine.give(taken.node, black(taken.size))
            return
        path = self.take.path.with_name(film.file)
        reader = self._cameras.setdefault(path, CameraReader(path, film.size))
        self.engine.give(taken.node, reader.picture(taken.picture))

    def _happen(self, until: int) -> None:
        """All that happened before the next `until` frames of the session were made."""
        assert self._coming is not None
        outside = self.engine.outside
        while self._applied < until:
            played = next(self._coming)
            taken = self.take.sessions[self._session].taken.get(self._applied, ())
            for do, what in (*((self._do, deed) for deed in played.deeds), *((self._give, each) for each in taken)):
                try:
                    do(what)
                except GanzfeldError as error:
                    self.problems.append(error)
            # Hands did that before the frame took what had come from outside; a recall among it would hold hands back.
            for address, value in played.values.items():
                outside.set(address, value)
            for hit in played.hits:
                outside.hit(hit.address, *hit.arguments, **hit.named)
            self._applied += 1

    def _do(self, deed: Deed) -> None:
        engine = self.engine
        match deed:
            case Swapped():
                patch = self._patch(deed.text)
                if engine.patch is None:
                    engine.load(patch)
                else:
                    engine.swap(patch, anew=deed.anew)
                self._text = deed
            case Halved(times):
                self._halve(times)
            case Did(name, arguments) if name in REPEATABLE:
                getattr(engine, name)(*arguments)

    def _patch(self, text: str) -> Patch:
        """A text of the take, as it is to be rendered."""
        session = self.take.sessions[self._session]
        if text.startswith("{"):  # a program's, which has no text
            return sized(Patch.from_json(text), self.view)
        name = Path(session.opened.path).name if session.opened.path else "patch.ganz"
        return sized(parse(text, str(self.take.folder(session) / name)), self.view)

    # Pictures

    def _shown(self, pictures: dict[str, torch.Tensor]) -> torch.Tensor:
        if not pictures:
            return self._nothing()
        wanted = self.view.output
        picture = pictures[wanted] if wanted in pictures else next(iter(pictures.values()))
        if self.view.supersample > 1:
            picture = averaged(picture, self.view.supersample)
        if self.size is None:
            self.size = (picture.shape[1], picture.shape[0])
        self._last = fitted(picture, self.size)
        return self._last

    def _nothing(self) -> torch.Tensor:
        """Where nothing could be played, the last picture stayed."""
        if self._last is None:
            width, height = self.size or (512, 512)
            self._last = torch.zeros(height, width, 4, dtype=torch.uint8)
            self._last[..., 3] = 255
        return self._last


def averaged(picture: torch.Tensor, times: int) -> torch.Tensor:
    """uint8 [H, W, 4] → [H / times, W / times, 4]: the mean of each square, weighted by its alpha."""
    height, width = picture.shape[0] // times, picture.shape[1] // times
    squares = picture[: height * times, : width * times].float().reshape(height, times, width, times, 4)
    alpha = squares[..., 3:]
    covered = alpha.sum((1, 3))
    colour = (squares[..., :3] * alpha).sum((1, 3)) / covered.clamp_min(1)
    return torch.cat([colour, covered / times**2], 2).add_(0.5).to(torch.uint8)


def fitted(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A picture in a frame of (width, height), whole, with black bars if it has another shape."""
    width, height = size
    if picture.shape[:2] == (height, width):
        return picture
    image = picture.permute(2, 0, 1)[None].float() / 255
    return to_rgba8(fit_into(image, width, height).clamp(0, 1))


def sized(patch: Patch, view: View) -> Patch:
    """The patch with its output as large as it is to be rendered. Raises PatchError."""
    outs = outputs_of(patch)
    node = next((node for node in outs if node.name == view.output), outs[0] if outs else None)
    if node is None or view.as_it_was:
        return patch
    size = view.size or _size_of(patch, node.name)
    if size is None:
        raise PatchError(
            "the output says no size, so it cannot be made larger to be averaged", hint="Say one: --size 1024"
        )
    width, height = size
    return with_output_size(patch, node.name, (width * view.supersample, height * view.supersample))


def _size_of(patch: Patch, name: str) -> tuple[int, int] | None:
    from ganzfeld.patch.graph import Graph

    return Graph(patch).nodes[name].structure["size"]


def check_output(take: Take, output: str | None) -> None:
    """Raises GanzfeldError if the take never had such an output."""
    known = {name for session in take.sessions for _, sizes in session.sizes() for name in sizes}
    if output is not None and output not in known:
        raise GanzfeldError(f"the take has no output '{output}'", hint=nearest(output, known))


def first_size(take: Take, view: View) -> tuple[int, int] | None:
    """(width, height) of the take's first picture, as it is to be rendered; None if that is only known then."""
    if view.size is not None:
        return view.size
    for session in take.sessions:
        for _, sizes in session.sizes():
            if sizes:
                wanted = view.output if view.output in sizes else next(iter(sizes))
                return tuple(sizes[wanted])  # type: ignore[return-value]
    return None
