"""How a running show is doing, for those who look at it."""

from __future__ import annotations

from dataclasses import dataclass

from ganzfeld.process.messages import Problem


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """How the show is doing (fits `studio.show.ShowStatus`). frame_ms, worst_ms: of the last second's frames.
    halvings: how many times the networks' inner size is halved, to hold the rate.
    at: when it was `t` (perf_counter). follow: what the tempo is taken from ("midi", "audio", …), or None.
    rolled: the line of patch text that dice propose, "…" while they roll, else ""."""

    fps: float
    frame_ms: float
    worst_ms: float
    skipped: int
    frame: int
    t: float
    beat: float
    bpm: float
    paused: bool
    speed: float
    at: float
    follow: str | None
    size: tuple[int, int]
    outputs: tuple[str, ...]
    patch_name: str
    patch_text: str
    patch_version: int
    playing_version: int | None
    errors: tuple[Problem, ...]
    render_alive: bool
    device: str
    pending_trust: tuple[str, ...]
    rolled: str = ""
    halvings: int = 0
