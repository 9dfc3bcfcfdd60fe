"""What one page looks at before it plays: asked of the show, and sent as it comes."""

from __future__ import annotations

import asyncio
import contextlib

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import limits
from ganzfeld.studio.allowance import Budget
from ganzfeld.studio.pace import Pace
from ganzfeld.studio.show import StudioPreviews
from ganzfeld.studio.viewers import Viewer
from ganzfeld.studio.wire import AskPreviews, encode
from ganzfeld.values.previews import PreviewDrawn


class PreviewFeed:
    """Of one page; lives on the server's event loop. What the page does not take is replaced by what comes next."""

    def __init__(self, previews: StudioPreviews, viewer: Viewer) -> None:
        self._previews, self._viewer = previews, viewer
        self._pace = Pace(limits.PREVIEWS_A_SECOND, limits.PREVIEWS_AT_ONCE)
        self._budget = Budget(limits.PREVIEW_BYTES_A_SECOND, limits.PREVIEW_BYTES_AT_ONCE)
        self._has_asked = False
        self._newest = -1

    async def ask(self, wanted: AskPreviews) -> None:
        """Show this from now on. Raises GanzfeldError if it is asked too often."""
        if not self._pace.allows():
            raise GanzfeldError("previews are asked for too often", hint="Wait a moment")
        self._has_asked, self._newest = True, wanted.request
        loop = asyncio.get_running_loop()

        def hear(drawn: PreviewDrawn) -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                loop.call_soon_threadsafe(self._show, drawn)

        await asyncio.to_thread(
            self._previews.draw,
            self,
            wanted.request,
            wanted.variants,
            hear,
            log=wanted.log,
            version=wanted.version,
            height=wanted.height,
        )

    async def leave(self) -> None:
        """The page has gone."""
        if self._has_asked:
            await asyncio.to_thread(self._previews.end, self)

    def _show(self, drawn: PreviewDrawn) -> None:
        if drawn.request != self._newest or (self._budget.is_spent and not drawn.problem):
            return  # the next picture comes soon
        self._budget.spend(len(drawn.jpeg))
        self._viewer.tell(f"preview {drawn.index}", encode(drawn))
