"""A show keeps step with a display: which door leads, and how the grid of frames bends to it."""

from __future__ import annotations

from collections.abc import Iterable

from ganzfeld.process.messages import FollowRefresh
from ganzfeld.values.status import DoorStatus


class LeadingDoor:
    """Finds the door that says when its far end asks for pictures: the first that does, and has not fallen silent while
    others have not."""

    SILENCE = 2.0
    """Seconds; doors report twice a second."""

    def __init__(self) -> None:
        self._told: tuple[str, float] | None = None

    def look(self, doors: Iterable[DoorStatus]) -> FollowRefresh | None:
        """What the render is to be told, when there is news."""
        leading = [door for door in doors if door.refresh > 0 and door.state == "open"]
        newest = max((door.refreshed_at for door in leading), default=0.0)
        leader = next((door for door in leading if door.refreshed_at > newest - self.SILENCE), None)
        if leader is None or (leader.name, leader.refreshed_at) == self._told:
            return None
        self._told = leader.name, leader.refreshed_at
        return FollowRefresh(leader.refreshed_at, leader.refresh)


class RefreshFollower:
    """Bends a grid of frames so that it keeps step with a far end: the same rate, and the same moment of each period.

    A grid that jumped would be seen as a jerk. So the length of its period changes by `SLEW` of itself a second at
    most, and what the moment is off is made up for over `PULL_SECONDS`: half a period takes about a minute.
    """

    MOST_OFF = 0.01
    """A far end whose rate is further off than this part is not followed."""
    SLEW = 0.0005
    PULL_SECONDS = 20.0
    MOST_PULL = 0.0005
    SILENCE = 5.0
    """Seconds after which nothing leads any more."""

    def __init__(self) -> None:
        self._at = self._refresh = 0.0
        self._heard: float | None = None
        self._stretch = 0.0

    def hear(self, at: float, rate: float, now: float) -> None:
        """The far end asked at `at`, as it does `rate` times a second."""
        if rate > 0:
            self._at, self._refresh, self._heard = at, rate, now

    def rate(self, fps: float, due: float, now: float) -> float:
        """Frames a second from the deadline `due` to the next, of a show that plays at `fps`. Called once a frame."""
        wanted = self._wanted(fps, due, now)
        most = self.SLEW / fps
        self._stretch += min(max(wanted - self._stretch, -most), most)
        return fps / (1 + self._stretch) if self._stretch else fps

    def _wanted(self, fps: float, due: float, now: float) -> float:
        """How much longer than 1 / fps a period should be, as a part of it."""
        if self._heard is None or now - self._heard > self.SILENCE:
            return 0.0
        # Every frame is shown for so many refreshes, or of so many frames one is.
        refreshes = self._refresh / fps
        times = round(refreshes) if refreshes >= 1 else 1 / round(1 / refreshes)
        period = times / self._refresh
        off = period * fps - 1
        if abs(off) > self.MOST_OFF:
            return 0.0
        place = min(period, 1 / self._refresh)
        late = (due - self._at + place / 2) % place - place / 2
        return off - min(max(late / self.PULL_SECONDS, -self.MOST_PULL), self.MOST_PULL)
