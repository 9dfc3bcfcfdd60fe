"""Everything that reads what others wrote, given what others might have written: seeded changes of sound inputs.

    python benchmarks/fuzz.py [--count 20000] [--seed 1] [--only NAME …]     exit status 1 if something is found

Each kind of input has a process of its own, in which its decoders run. A reader may take an input or refuse it with an
error of ours. Anything else is a find: another exception, more than 10 s, more than 1 GB of new memory, the process's
death. A find is printed with the command that repeats it (--only NAME --first N --count 1), and its input is kept.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

SECONDS = 10
MEMORY = 1 << 30
MOST_FINDS = 8
"""Of one kind, before its process ends."""


class TooLong(BaseException):
    """An input took longer than `SECONDS`."""


def one_kind(name: str, seed: int, first: int, count: int, keep: Path) -> None:
    """In a process of its own: prints a line of JSON at its end. The number of each input stands in `keep` before it is
    read, so that a death tells of whom."""
    sys.path.insert(0, str(Path(__file__).parent))
    from fuzzing.targets import TARGETS

    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    target = TARGETS[name]()
    outcomes: collections.Counter[str] = collections.Counter()
    finds: dict[str, tuple[int, str]] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(Exception):
        path = Path(folder) / target.name
        path.write_bytes(target.make(random.Random(name)))
        target.read(path)  # what is imported and made at the first time
    slowest, before = (0.0, first), _resident()
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + 2 * MEMORY,) * 2)
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target.name
        for number in range(first, first + count):
            data = target.make(random.Random(f"{seed} {name} {number}"))
            path.write_bytes(data)
            (keep / f"{name}.now").write_text(str(number))
            began = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                target.read(path)
                outcome = "read"
            except target.own:
                outcome = "refused"
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                outcome = "found"
                place = traceback.extract_tb(error.__traceback__)[-1]
                what = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:160]}"
                finds.setdefault(f"{type(error).__name__} {place.filename} {place.lineno}", (number, what))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, (time.perf_counter() - began, number))
            if _resident() - before > MEMORY:
                finds.setdefault("memory", (number, f"{(_resident() - before) >> 20} MB more than at the beginning"))
                outcome = "found"
            outcomes[outcome] += 1
            if outcome == "found":
                (keep / f"{name}-{number}").write_bytes(data)
            if len(finds) >= MOST_FINDS or "memory" in finds:
                break
    grown = max(0, _resident() - before) >> 20
    print(json.dumps({"outcomes": outcomes, "finds": list(finds.values()), "slowest": slowest, "grown": grown}))
    sys.stdout.flush()
    os._exit(0)  # not held up by threads of what was read


def _too_long(*_: object) -> None:
    raise TooLong(f"more than {SECONDS} s")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def kind(name: str, options: argparse.Namespace, keep: Path) -> int:
    """Fuzz one kind, again after each death; prints its line and its finds, returns how many there are."""
    total: collections.Counter[str] = collections.Counter()
    finds: list[tuple[int, str]] = []
    slowest, grown, first, last = (0.0, 0), 0, options.first, options.first + options.count
    began = time.perf_counter()
    while first < last and len(finds) < MOST_FINDS:
        command = [sys.executable, __file__, "--kind", name, "--keep", str(keep), "--seed", str(options.seed)]
        command += ["--first", str(first), "--count", str(last - first)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 + SECONDS * options.count)
        if done.returncode == 0 and done.stdout.strip():
            told = json.loads(done.stdout.strip().splitlines()[-1])
            total.update(told["outcomes"])
            finds += [tuple(find) for find in told["finds"]]
            slowest, grown = max(slowest, tuple(told["slowest"])), max(grown, told["grown"])
            break
        now = keep / f"{name}.now"
        if not now.exists():
            finds.append((-1, f"did not start: {done.stderr.strip().splitlines()[-1:]}"))
            break
        number = int(now.read_text())
        words = (done.stderr.strip().splitlines() or [""])[-1]
        finds.append((number, f"the process died ({done.returncode}) {words}"))
        total["found"] += 1
        first = number + 1
    seconds = time.perf_counter() - began
    numbers = f"{name:<16} {total['read']:>7} {total['refused']:>8} {len(finds):>6}"
    print(f"{numbers} {slowest[0]:>8.2f} s ({slowest[1]}) {grown:>6} MB {seconds:>6.0f} s", flush=True)
    again = f"again: python benchmarks/fuzz.py --only {name} --seed {options.seed} --count 1 --first"
    for number, what in finds:
        print(f"    {what}\n    {again} {number}")
    return len(finds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--keep", type=Path, help="where inputs are kept that something was found with")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="ganzfeld-fuzz-"))
    if options.kind:
        one_kind(options.kind, options.seed, options.first, options.count, keep)
    from fuzzing.targets import TARGETS

    print(f"{'kind':<16} {'read':>7} {'refused':>8} {'finds':>6} {'slowest':>10} {'grown':>9} {'in all':>8}")
    found = sum(kind(name, options, keep) for name in options.only or TARGETS)
    if found:
        print(f"\n{found} finds; their inputs: {keep}")
    sys.exit(min(1, found))


if __name__ == "__main__":
    main()
