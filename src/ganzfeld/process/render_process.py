"""The render process: owns the device, runs the engine, publishes frames, and can be killed at any time.

It is started with nothing but a pipe. Then it imports everything, says `Ready` and waits for `Begin`: at once for the
first one, for hours if it is the spare. Frames leave through shared memory, everything else through the pipe. When the
pipe ends, so does the process.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from ganzfeld.engine.host_memory import limit_arenas
from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.process.dependencies import Dependencies, torch_dependencies
from ganzfeld.process.descriptors import keep_from_programs
from ganzfeld.process.early_card import open_early
from ganzfeld.process.messages import Begin, Ends, Failed, Ready, decode_to_render
from ganzfeld.process.render import Render
from ganzfeld.process.render_inbox import RenderInbox
from ganzfeld.process.safe_path import OURS, SAFE_PATH
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.piped_log import PipedLog
from ganzfeld.values.status import Problem

log = logging.getLogger(__name__)

SECONDS_TO_END = 2.0
SWITCH_SECONDS = 1e-4
MOST_LETTERS = 300
"""Of what an exception says."""


def main(connection: Connection, prepare: Callable[[], Dependencies] = torch_dependencies) -> None:
    """The process, from its start to its end."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which tells us
    if sys.stderr is not None:  # a program without a console has none
        faulthandler.enable()
    keep_from_programs()
    if os.environ.get(SAFE_PATH) == OURS:  # programs that scripts start look for modules as ever
        del os.environ[SAFE_PATH]
    limit_arenas()
    # OpenMP's threads spin for milliseconds after each operation, by default. Beside a busy program (such as the
    # browser that shows us) they wait for each other: a frame of a 128 px network on two cores took 260 to 440 ms
    # instead of 50, one of 32 px 30 to 60 instead of 4.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Every operation of torch lets go of the interpreter and has to get it back. Beside the thread that builds the next
    # patch that took up to 5 ms each time, by default, and a reload cost a dozen frames.
    sys.setswitchinterval(SWITCH_SECONDS)
    inbox = RenderInbox()

    def heard(message: object) -> None:
        inbox.put(message)
        if isinstance(message, Begin):
            open_early(message.device)

    def alone() -> None:
        inbox.put(None)
        time.sleep(SECONDS_TO_END)  # a loop that hangs will not look into its inbox
        os._exit(1)

    pipe = MessagePipe(connection, decode_to_render, heard, alone).start()
    logging.basicConfig(level=logging.WARNING, handlers=[PipedLog(pipe)], force=True)
    code = 1
    try:
        gc.disable()  # an eighth of the time that imports take
        dependencies = prepare()
        if inbox.is_empty:  # a spare has time
            dependencies.rehearse()
            gc.collect()
        # What was imported lives as long as the process: never look at it again for garbage.
        gc.freeze()
        gc.enable()
        pipe.post(Ready())
        begin = inbox.get()
        if isinstance(begin, Begin):
            Render(begin, dependencies, pipe, inbox).run()
        code = 0
    except GanzfeldError as error:
        pipe.post(Failed(Problem.of(error)))
    except BaseException as error:
        log.exception("the render process ends")
        pipe.post(Ends(f"{type(error).__name__}: {reason_of(error)[:MOST_LETTERS]}"))
    pipe.finish()
    os._exit(code)  # no waiting for threads that build, nor for the device
