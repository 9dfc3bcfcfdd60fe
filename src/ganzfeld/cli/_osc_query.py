"""OSCQuery beside a show that plays, if the command line or the rig asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.outputs.doors.rig import RigOsc
    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.signals.signals import Signals
    from ganzfeld.studio.oscquery.server import OscQueryServer


class OscQuery:
    """Serves while in its `with`, after `signals` has begun.

    until_left: the show has ended when nobody has asked for so many seconds. problem: why it is not served, or None.
    """

    def __init__(self, show: Supervisor, signals: Signals, wanted: RigOsc, until_left: float | None = None) -> None:
        if until_left is not None and wanted.query is None:
            raise GanzfeldError("nobody can ask without OSCQuery", hint="Give a port: --osc-query 9001")
        self._show, self._signals, self._wanted, self._until_left = show, signals, wanted, until_left
        self.problem: GanzfeldError | None = None
        self._server: OscQueryServer | None = None

    def __enter__(self) -> OscQuery:
        osc = self._signals.osc
        if self._wanted.query is None or osc is None:
            return self
        from ganzfeld.studio.oscquery.server import OscQueryServer

        server = OscQueryServer(
            self._show,
            osc_port=osc.port,
            packets=self._signals.packets(),
            name=self._show.name,
            host=self._wanted.host or "127.0.0.1",
            port=self._wanted.query,
        )
        try:
            self._server = server.start()
        except GanzfeldError as error:
            if self._until_left is not None:
                raise  # nobody could ask, and nobody would end the show
            self.problem = error
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.stop()

    @property
    def url(self) -> str:
        """Where it answers; "" if it does not."""
        return self._server.url if self._server is not None else ""

    @property
    def is_left(self) -> bool:
        """Whether nobody has asked for too long."""
        return self._until_left is not None and self._server is not None and self._server.alone_for() > self._until_left
