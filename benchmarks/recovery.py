"""How long a show is without its render: from kill −9 to the next frame.

    python benchmarks/recovery.py [--kills 5]

With the spare waiting (the rule), and without it (a second kill before the next spare was ready). The frames that
viewers see in between are the last one. What the new process goes on with (patch, turned values, hits, clock) is
checked by tests/process/test_process_supervisor.py.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from reload import PATCH, make_network, save

from ganzfeld.process import supervisor
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.frames import FrameReader


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_network(folder)
        file = folder / "patch.ganz"
        save(file, PATCH.format(psi=0.8, more="", shown="face", fps=60))
        start = time.perf_counter()
        with Supervisor(file) as show:
            reader = FrameReader(show.session, "out")
            reader.wait(0, timeout=120)
            print(f"start: the first frame after {time.perf_counter() - start:.2f} s")
            with_spare = [kill(show, reader) for _ in range(options.kills) if ready(show)]
            ready(show)
            supervisor.SPARE_AFTER = 1e9
            kill(show, reader)
            time.sleep(2)
            without = kill(show, reader)
            print(f"with the spare: {statistics.median(with_spare):.2f} s (worst {max(with_spare):.2f} s)")
            print(f"without it: {without:.2f} s")
            reader.close()


def ready(show: Supervisor) -> bool:
    """Wait for the spare; save, which makes the deaths so far count no more."""
    show.submit(show.patch_source().text + "#")
    while not show.spare_ready:
        time.sleep(0.05)
    time.sleep(1.5)
    return True


def kill(show: Supervisor, reader: FrameReader) -> float:
    """Seconds until the next frame that a new process made."""
    pid = show.render_pid
    assert pid is not None
    old = reader.latest()
    assert old is not None
    start = time.perf_counter()
    psutil.Process(pid).kill()
    while True:
        frame = reader.wait(old.number, timeout=60)
        if frame is None:
            raise SystemExit("it did not come back")
        if show.render_pid not in (pid, None):
            newer = reader.wait(frame.number, timeout=60)
            assert newer is not None
            return time.perf_counter() - start
        old = frame


if __name__ == "__main__":
    main()
