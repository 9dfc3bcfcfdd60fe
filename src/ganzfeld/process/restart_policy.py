"""How a dead render process is brought back: which messages it may have missed, which text to start with, when, and
what to say about it. Plain bookkeeping: it starts no process and asks no clock.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ganzfeld.process.messages import Numbered, RenderMessage, VersionedText
from ganzfeld.values.status import Problem

MOST_MESSAGES_KEPT = 8192
CALM_SECONDS = 10.0
"""A text that has played this long is good."""
DEATHS_BEFORE_FALLBACK = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts when the process dies again and again and there is no good text to go back to."""


class Journal:
    """Numbers the messages to the render process, and keeps those that no checkpoint contains yet. Where messages share
    a key, only the newest is kept."""

    def __init__(self) -> None:
        self.number = 0
        self._kept: dict[Hashable, Numbered] = {}

    def add(self, message: RenderMessage, *, key: Hashable = None, keep: bool = True) -> Numbered:
        """The message with its number. keep: give it again to the next process, unless a checkpoint contains it."""
        self.number += 1
        numbered = Numbered(self.number, message)
        if keep:
            place = self.number if key is None else key
            self._kept.pop(place, None)
            self._kept[place] = numbered
            if len(self._kept) > MOST_MESSAGES_KEPT:
                del self._kept[next(iter(self._kept))]
        return numbered

    def saved(self, number: int) -> None:
        """A checkpoint contains every message up to this one."""
        self._kept = {key: numbered for key, numbered in self._kept.items() if numbered.number > number}

    def forget(self) -> None:
        """Give none of the messages so far again."""
        self._kept.clear()

    def __iter__(self) -> Iterator[Numbered]:
        """The messages to give again, oldest first."""
        return iter(list(self._kept.values()))


class RestartPolicy:
    """Which text to start the render process with, and when.

    The newest, at once; but when the process dies `DEATHS_BEFORE_FALLBACK` times without `CALM_SECONDS` of playing
    between, the newest text is set aside for the last good one, until somebody saves again. Without a good one it is
    tried again after pauses that grow. Times are seconds of any steady clock.
    """

    def __init__(self, text: VersionedText, now: float) -> None:
        self.newest = text
        self.good: VersionedText | None = None
        self.is_set_aside = False
        self.deaths = 0
        self.try_at = now
        self._calm_since: float | None = None

    @property
    def text(self) -> VersionedText:
        """What to play."""
        return self.good if self.is_set_aside and self.good is not None else self.newest

    def save(self, text: VersionedText, now: float) -> None:
        """A new text: everything is forgiven."""
        self.newest, self.is_set_aside, self.deaths, self.try_at = text, False, 0, now
        if self._calm_since is not None:
            self._calm_since = now

    def forgive(self, now: float) -> None:
        """A file has changed that the text needs: whatever waits is tried at once."""
        self.try_at = min(self.try_at, now)

    def plays(self, now: float) -> None:
        """A process has begun to make frames."""
        self._calm_since = now

    def look(self, playing: VersionedText | None, now: float) -> bool:
        """`playing` plays: after a while that makes it good. Whether that while is over."""
        if self._calm_since is None or now - self._calm_since < CALM_SECONDS:
            return False
        self.deaths = 0
        if not self.is_set_aside and playing is not None:
            self.good = playing
        return True

    def is_over(self, now: float) -> None:
        """A process ended, and it was not the text's doing: the next one is started at once."""
        self._calm_since, self.try_at = None, now

    def dies(self, now: float) -> bool:
        """The process died; whether the text was set aside for it. `try_at` says when to start the next one."""
        self._calm_since = None
        self.deaths += 1
        self.try_at = now
        if self.deaths < DEATHS_BEFORE_FALLBACK:
            return False
        if self.good is not None and not self.is_set_aside and self.good.version != self.newest.version:
            self.is_set_aside, self.deaths = True, 0
            return True
        self.try_at += min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (self.deaths - DEATHS_BEFORE_FALLBACK))
        return False


class Outage:
    """The time without a render process, and what the person is told about it."""

    def __init__(self) -> None:
        self.lasts = False
        self._how = ""
        self._began = self._ended = float("-inf")

    @property
    def seconds(self) -> float:
        """How long the last one took."""
        return self._ended - self._began

    def begin(self, how: str, now: float) -> None:
        """The process ended; `how`, in words."""
        self.lasts, self._how, self._began = True, how, now

    def end(self, now: float) -> None:
        """Another one has taken over."""
        if self.lasts:
            self.lasts, self._ended = False, now

    def problems(self, policy: RestartPolicy, now: float) -> list[Problem]:
        """What is wrong, or was a moment ago."""
        if policy.is_set_aside:
            what = f"the render process died {DEATHS_BEFORE_FALLBACK} times with this text ({self._how})"
            return [Problem(what, "What played before it plays on; change and save it to try again")]
        if self.lasts and policy.deaths >= DEATHS_BEFORE_FALLBACK:
            what = f"the render process died {policy.deaths} times ({self._how})"
            return [Problem(what, f"It is tried again, at least every {LONGEST_PAUSE:.0f} s, and when you save")]
        if self.lasts:
            return [Problem(f"the render process ended ({self._how})", "It is being replaced")]
        if policy.deaths and now - self._ended < CALM_SECONDS:
            return [Problem(f"the render process ended ({self._how}) and was back after {self.seconds:.1f} s")]
        return []
