"""What an engine tells of the patch that plays, and of the files that are open. Nothing here changes what plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzfeld.engine.playing import PlayingPatch
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.models import Patch
from ganzfeld.patch.node import Part
from ganzfeld.patch.resources import Resources


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What an output asks for. size: (width, height), or None for the size of the picture itself."""

    size: tuple[int, int] | None
    fps: float


class EngineFacts:
    """The part of an `Engine` that only looks."""

    _playing: PlayingPatch | None
    _resources: Resources

    @property
    def bpm(self) -> float | None:
        """The tempo that the patch's text sets; None: it leaves it as it is."""
        return self._playing.graph.patch.settings.bpm if self._playing else None

    @property
    def follow(self) -> str | None:
        """What the patch's text takes the tempo from (see `models.TempoSource`), or None."""
        return self._playing.graph.patch.settings.follow if self._playing else None

    @property
    def floor(self) -> float | None:
        """The decibels below which sound is silence, as the patch's text says; None: it does not."""
        return self._playing.graph.patch.settings.floor if self._playing else None

    @property
    def hold(self) -> float | None:
        """The rate that is held by drawing networks smaller, as the patch's text says; None: none is."""
        return self._playing.graph.patch.settings.hold if self._playing else None

    @property
    def outs(self) -> dict[str, OutputOptions]:
        """Every output of the playing patch."""
        if self._playing is None:
            return {}
        nodes = self._playing.graph.nodes
        return {
            name: OutputOptions(nodes[name].structure["size"], nodes[name].structure["fps"])
            for name in self._playing.graph.outs
        }

    @property
    def patch(self) -> Patch | None:
        """The patch that plays."""
        return self._playing.graph.patch if self._playing else None

    @property
    def graph(self) -> Graph | None:
        """The patch that plays, looked up: every address with its kind and range."""
        return self._playing.graph if self._playing else None

    @property
    def is_plain(self) -> bool:
        """Whether the patch that plays was loaded `without_kernels`."""
        return self._playing is not None and self._playing.built.plain

    @property
    def values(self) -> Mapping[str, Any]:
        """The last frame's value of every address."""
        return self._playing.evaluator.values if self._playing else {}

    @property
    def parts(self) -> list[Part]:
        """Which of the watched files are a part of another one."""
        nodes = self._playing.built.nodes.values() if self._playing is not None else ()
        return [part for node in nodes for part in node.parts()]

    @property
    def set_aside(self) -> dict[Path, str]:
        """Files that are not touched until they change, and what they did: they killed or hung a process."""
        return self._resources.set_aside

    @property
    def stamps(self) -> dict[Path, int]:
        """Which version of each file was there when a patch asked for it last (`values.hazards.stamp_of`)."""
        return self._resources.stamps

    @property
    def kept(self) -> dict[Path, Path]:
        """Copies of networks that play or have played, by the networks' paths: they play on where a network itself
        cannot be opened, which happens after a restart."""
        return self._resources.kept

    @property
    def does_without(self) -> bool:
        """Whether files that cannot be opened are left out of a patch, and the rest plays."""
        return self._resources.does_without

    @does_without.setter
    def does_without(self, does: bool) -> None:
        self._resources.does_without = does

    @property
    def networks(self) -> dict[Path, Path]:
        """The copies of the networks that are open now, by the networks' paths."""
        opened = self._resources.opened()
        found = {key[1]: getattr(value, "kept", None) for key, (_, value) in opened.items()}
        return {path: kept for path, kept in found.items() if kept is not None and kept != path}
