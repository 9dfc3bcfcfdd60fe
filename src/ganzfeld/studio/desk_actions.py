"""What a hand does at the page's desk, done to the show."""

from __future__ import annotations

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.wire import (
    AtDesk,
    KnobReleased,
    KnobTurned,
    LearnControl,
    MasterMoved,
    SnapshotAction,
    SoundChosen,
    SoundFloor,
)

_HITS = ("store", "recall", "morph", "release")


def obey(show: StudioShow, message: AtDesk) -> None:
    """Do what the page asks. Raises GanzfeldError if it cannot be done."""
    match message:
        case KnobTurned(address, value):
            if not show.turn(address, value):
                raise GanzfeldError(f"there is nothing at {address}")
        case MasterMoved(what, value, seconds, door):
            address = f"/master/{door}/{what}" if door else f"/master/{what}"
            show.turn(address, value if what == "freeze" else [value, seconds])
        case SoundFloor(decibels):
            show.silence_below(decibels)
        case SoundChosen(device):
            show.listen_to(device)
        case KnobReleased(address):
            show.release(address)
        case SnapshotAction(do, arguments) if do in _HITS:
            show.hit(f"/snapshot/{do}", *arguments)
        case SnapshotAction(do, arguments):
            show.arrange(do, *arguments)
        case LearnControl(_, "stop"):
            show.stop_learning()
        case LearnControl(str() as target, "forget"):
            show.connect(target, None)
        case LearnControl(target, "touch", str() as control):
            if target is not None or show.desk().lesson is None:
                show.learn(target)
            show.touched(control)
        case LearnControl(target, "learn"):
            show.learn(target)
