"""What a person chose when a show was started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzfeld.process.messages import Begin, CardShare, CheckpointSaved, VersionedText


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """See `Supervisor`, which takes them. path: of the patch's file, absolute, or None."""

    path: Path | None
    name: str
    device: str
    fps: float | None
    tempo: float | str | None
    trust_all: bool
    take: Path | None
    take_cameras: bool
    sound: Path | None
    sources: tuple[str, ...] = ()

    @property
    def file(self) -> str | None:
        """The patch's file, as errors name it."""
        return str(self.path) if self.path else None

    def begin(
        self,
        session: str,
        text: VersionedText,
        fallback: VersionedText | None,
        saved: CheckpointSaved | None,
        *,
        refused: bool,
        set_aside: dict[str, str],
        kept: dict[str, str],
        dark: bool = False,
        least_fps: float = 0.0,
        card_shares: tuple[CardShare, ...] = (),
    ) -> Begin:
        """The message with which a render process begins to play, from the last checkpoint if there is one."""
        return Begin(
            session=session,
            text=text,
            fallback=fallback if fallback is not None and fallback.version != text.version else None,
            refused=refused,
            device=self.device,
            fps=self.fps,
            least_fps=least_fps,
            trust_all=self.trust_all,
            checkpoint=saved.data if saved else None,
            clock=saved.clock if saved else None,
            saved_at=saved.at if saved else 0.0,
            take=str(self.take.absolute()) if self.take else None,
            name=self.name,
            sound=str(self.sound.absolute()) if self.sound else "",
            take_cameras=self.take_cameras,
            set_aside=set_aside,
            kept=kept,
            dark=dark,
            sources=self.sources,
            card_shares=card_shares,
            bpm=None if self.tempo is None or isinstance(self.tempo, str) else self.tempo,
        )
