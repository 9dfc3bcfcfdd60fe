"""What of a show can be reached beside its patch: tempo, clock, transport, snapshots, the master, how it is doing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzfeld.studio.oscquery.address_space import READ, READ_AND_WRITE, Method
from ganzfeld.values.desk import Desk
from ganzfeld.values.status import Status
from ganzfeld.values.time import FASTEST_BPM, Moment

DOCS = {
    "/": "What can be reached of a show of Ganzfeld",
    "/tempo": "How fast beats go",
    "/transport": "The show's clock",
    "/snapshot": "Kept values of all parameters",
    "/master": "What holds for all doors",
    "/clock": "The newest frame's moment",
    "/show": "How the show is doing",
}


def show_methods(desk: Desk, status: Status) -> Iterator[Method]:
    """desk, status: as they are now; only what changes the table itself is taken from them."""
    both, read = READ_AND_WRITE, READ
    names = tuple(snapshot.name for snapshot in desk.snapshots)
    yield Method("/tempo/bpm", "f", both, "Beats a minute", 120.0, 20.0, min(300.0, FASTEST_BPM), unit="bpm")
    yield Method("/tempo/tap", "f", both, "A 1 taps the beat", tags=("hit",))
    yield Method("/transport/pause", "T", both, "The clock stands still")
    yield Method("/transport/speed", "f", both, "Seconds of show time in a second", 1.0, 0.0, 4.0)
    yield Method("/transport/seek", "f", both, "Jump to this second of the show", unit="seconds", tags=("hit",))
    yield Method("/snapshot/recall", "s", both, "Recall a snapshot", "", choices=names, tags=("hit",))
    yield Method("/master/level", "f", both, "Level of all doors", 1.0, 0.0, 1.0, clips=True)
    yield Method("/master/black", "f", both, "How black all doors are", 0.0, 0.0, 1.0, clips=True)
    yield Method("/master/freeze", "T", both, "The last picture stays on all doors")
    yield Method("/clock/frame", "i", read, "Frames since the show began")
    yield Method("/clock/t", "f", read, "The show's time", unit="seconds")
    yield Method("/clock/beat", "f", read, "Beats since the show began")
    yield Method("/clock/bar", "f", read, "Bars since the show began")
    yield Method("/clock/bpm", "f", read, "Beats a minute", 120.0, unit="bpm")
    yield Method("/show/patch", "s", read, "The patch that plays")
    yield Method("/show/phase", "s", read, "starting, loading, opened or playing")
    yield Method("/show/fps", "f", read, "Frames made in the last second")
    yield Method("/show/frame_ms", "f", read, "What a frame takes, in milliseconds")
    yield Method("/show/error", "s", read, "What is wrong, a line each")
    for name in status.outputs:
        yield Method(f"/show/outputs/{name}", "s", read, "An output of the patch", name)


def show_values(desk: Desk, status: Status, moment: Moment | None) -> Mapping[str, Any]:
    """The newest values of these methods, by address."""
    errors = "\n".join(dict.fromkeys(str(problem.error()) for problem in status.errors))
    values = {
        "/transport/pause": status.paused,
        "/transport/speed": status.speed,
        "/tempo/bpm": status.bpm,
        "/snapshot/recall": desk.shown[0] if desk.shown else "",
        "/master/level": status.master.level,
        "/master/black": status.master.black,
        "/master/freeze": status.master.frozen,
        "/show/patch": status.patch_name,
        "/show/phase": status.phase if status.render_alive else "starting",
        "/show/fps": status.fps,
        "/show/frame_ms": status.frame_ms,
        "/show/error": errors,
        "/clock/frame": status.frame,
        "/clock/t": status.t,
        "/clock/beat": status.beat,
        "/clock/bpm": status.bpm,
    }
    if moment is not None:
        values |= {f"/clock/{name}": getattr(moment, name) for name in ("frame", "t", "beat", "bar", "bpm")}
    return values
