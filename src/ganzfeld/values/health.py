"""Whether a show is well, for programs that watch over it."""

from __future__ import annotations

import msgspec

STALE_SECONDS = 10.0
"""A picture that is older than this is no moving picture any more."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """ok: whether all is as it should be: the newest frame is young, or none is due (outside the hours).

    frame_age: seconds since the newest frame was published; None before the first. resting: whether it is outside its
    hours. render_alive: as in `Status`. errors: how many things are told to be wrong. fps: frames made in the last
    second. up: seconds since the start. memory_mb: of the supervisor and the render process.
    """

    ok: bool
    frame_age: float | None
    resting: bool
    render_alive: bool
    errors: int
    fps: float
    up: float
    memory_mb: float
