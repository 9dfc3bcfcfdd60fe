"""What this machine can listen to, as JSON: `python -m ganzfeld.signals.devices`.

A program of its own, because a driver that hangs or crashes while it is looked at should cost a show nothing.
"""

from __future__ import annotations

import json

from ganzfeld.errors import SignalError
from ganzfeld.signals.audio import device_names


def devices_here() -> dict[str, object]:
    """As `studio.machine.SoundsHere` reads it."""
    try:
        return {"devices": list(dict.fromkeys(device_names()))}
    except SignalError as error:
        return {"missing": error.what, "mend": error.hint}


if __name__ == "__main__":
    print(json.dumps(devices_here()))
