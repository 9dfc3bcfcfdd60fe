"""What a command is to play: a patch, a network, or nothing said."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from ganzfeld.errors import GanzfeldError, PatchError, nearest, reason_of
from ganzfeld.plain_file import is_text


@dataclass(frozen=True)
class PlaySource:
    """What to play: a patch's file to watch, or the text of a patch without one. name: as the person calls it."""

    name: str
    patch: Path | None = None
    text: str | None = None


def choose(file: Path | None, network: Path | None, *, is_kept: bool = False) -> PlaySource:
    """What the command line's words mean. Raises GanzfeldError. is_kept: a show of these words was written down; so a
    patch or network that is away, with its drive, is waited for, and what was written down plays meanwhile."""
    from ganzfeld.networks.find import shipped_names
    from ganzfeld.patch import library
    from ganzfeld.patch.defaults import is_network, opening_patch

    if file is not None and network is not None:
        raise GanzfeldError(
            "a patch names its own networks, so --network goes with the default patch only",
            hint=f"Leave one out: ganzfeld play {file}, or ganzfeld play --network {network}",
        )
    wanted = file or network
    check_name(wanted)
    if wanted is None:
        names = shipped_names()
        if not names:
            raise GanzfeldError(
                "no network ships with this version of Ganzfeld",
                hint="Play one of your own: ganzfeld play --network FILE.pkl",
            )
        if {"planets", "flowers"} <= set(names):
            return PlaySource("the opening", text=opening_patch())
        wanted = Path(names[0])
    if network is None:
        wanted = _meant(wanted)
    if is_kept and not wanted.is_file() and str(wanted) not in shipped_names():
        if network is not None or is_network(wanted):
            return _in_default_patch(wanted)
        if wanted.suffix == ".ganz" and library.example_text(str(wanted)) is None:
            return PlaySource(wanted.name, patch=wanted)
    if not wanted.exists() or (wanted.is_dir() and network is None and str(wanted) in library.example_names()):
        if str(wanted) in shipped_names():
            return _in_default_patch(str(wanted))
        if network is None and (text := library.example_text(str(wanted))) is not None:
            return PlaySource(str(wanted).removesuffix(".ganz"), text=text)
        what = "network" if network is not None or is_network(wanted) else "patch"
        examples = [] if what == "network" else library.example_names()
        raise PatchError(f"there is no {what} {wanted}", hint=_near(wanted, shipped_names(), examples))
    if wanted.suffix.lower() == ".ganztake":
        hint = f"For example: ganzfeld render {wanted} --out {wanted.with_suffix('.mp4')}"
        raise GanzfeldError("a take is rendered, not played", hint=hint)
    if wanted.is_dir():
        raise PatchError(f"{wanted} is a folder, neither a patch nor a network", hint="Name a file in it")
    if network is not None or is_network(wanted):
        from ganzfeld.networks.files import glance

        glance(wanted)
        return _in_default_patch(wanted)
    return PlaySource(wanted.name, patch=wanted)


def check_name(wanted: Path | None) -> None:
    """Raises GanzfeldError for a path (None: the present folder) that is no text: it could not be told to anybody."""
    path = (wanted or Path()).absolute()
    if not is_text(path):
        where = str(path).encode("utf-8", "replace").decode()
        what = f"the name {where} has bytes that are no text (UTF-8)"
        raise GanzfeldError(what, hint="Rename the file or folder, or go to another folder")


def saved(source: PlaySource, target: Path) -> PlaySource:
    """The same, as a file of the person's own. Raises GanzfeldError if it is there already or cannot be written."""
    text = source.text if source.text is not None else source.patch.read_text("utf-8") if source.patch else ""
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise GanzfeldError(f"there is a file {target} already", hint=f"Play it: ganzfeld play {target}") from None
    except OSError as error:
        raise GanzfeldError(
            f"{target} cannot be written: {reason_of(error)}", hint="Choose a folder of your own"
        ) from None
    return PlaySource(target.name, patch=target)


def _in_default_patch(network: Path | str) -> PlaySource:
    from ganzfeld.patch.defaults import patch_for_network

    return PlaySource(network.name if isinstance(network, Path) else network, text=patch_for_network(network))


def _meant(wanted: Path) -> Path:
    """The patch that a folder is about (my-show for my-show/my-show.ganz), or the file that only lacks its suffix."""
    from ganzfeld.patch.library import patch_in

    with contextlib.suppress(OSError):
        if wanted.is_dir():
            return patch_in(wanted) or wanted
        full = wanted.with_name(f"{wanted.name}.ganz")
        if wanted.name and not wanted.exists() and full.is_file():
            return full
    return wanted


def _near(wanted: Path, shipped: list[str], examples: list[str]) -> str:
    """Files beside it, shipped networks or examples of a similar name."""
    beside: list[str] = []
    with contextlib.suppress(OSError):
        beside = [path.name for path in wanted.parent.iterdir() if path.is_file()]
    hint = nearest(wanted.name, [*beside, *shipped, *examples])
    if hint.startswith("Did you mean"):
        return hint
    if examples:
        return f"Examples: {', '.join(examples)}. Shipped networks: {', '.join(shipped)}"
    return f"Shipped networks: {', '.join(shipped)}" if shipped else "Check the path"
