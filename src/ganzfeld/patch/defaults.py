"""The patches that play when no patch is named: the opening, and the one that a network file alone plays in."""

from __future__ import annotations

import json
from pathlib import Path


def is_network(path: Path) -> bool:
    """Whether a file given to `play` or `render` is a network rather than a patch, by its name."""
    from ganzfeld.networks.files.containers import suffixes

    return path.suffix.lower() in suffixes()


def patch_for_network(path: Path | str) -> str:
    """A patch that plays one network with a slowly moving noise. `path`: a file, or the name of a shipped network."""
    file = json.dumps(str(path.expanduser().resolve()) if isinstance(path, Path) else path, ensure_ascii=False)
    return (
        "drift  = phase(0.1)  # how fast it moves\n"
        'source = noise("simplex2d", amplitude=0.9, tx=drift)\n'
        f"face   = network({file}, latent=source, psi=0.8)\n"
        "out(face)\n"
    )


def opening_patch() -> str:
    """The patch that plays when nothing is named; it needs the shipped networks."""
    return Path(__file__).with_name("opening.ganz").read_text(encoding="utf-8")
