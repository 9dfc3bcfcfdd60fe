"""From a save to the picture: how long until the first frame of the changed patch, and what it cost.

    python benchmarks/reload.py [--saves 10] [--fps 60]

A small StyleGAN2 (32 px, the size of the golden one) plays in the real render process; its patch is saved by rename,
as editors do. Three kinds of edit: a number, a node more (a new program), and a broken line (which must change
nothing). The time ends when the frame is published; frames lost are places of the loop's grid that were skipped.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.frames import FrameReader

PATCH = """\
source = noise("simplex2d", amplitude=0.9)
face   = network("small.safetensors", latent=source, psi={psi})
{more}out({shown}, fps={fps})
"""


def make_network(folder: Path) -> None:
    """A network of the golden one's size, with random weights."""
    from ganzfeld.networks.network import Network
    from ganzfeld.networks.stylegan2.config import StyleGAN2Config

    config = StyleGAN2Config.design(32, channel_base=512, channel_max=32, mapping_layers=4, z_dim=32, w_dim=32)
    Network.random(config, seed=1).save(folder / "small.safetensors")


def save(file: Path, text: str) -> float:
    """Save by rename; the time of it (time.time)."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
    return time.time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saves", type=int, default=10, help="how often each kind of edit is saved")
    parser.add_argument("--fps", type=float, default=60.0)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_network(folder)
        file = folder / "patch.ganz"

        def text(psi: float = 0.8, flipped: bool = False) -> str:
            more = "turned = flip(face, x=True)\n" if flipped else ""
            return PATCH.format(psi=psi, more=more, shown="turned" if flipped else "face", fps=options.fps)

        save(file, text())
        with Supervisor(file) as show:
            reader = FrameReader(show.session, "out")
            reader.wait(0, timeout=120)
            while not show.spare_ready:  # its start must not disturb what is measured
                time.sleep(0.1)
            time.sleep(1)
            before = show.status()
            time.sleep(3)
            after = show.status()
            skipped = (after.skipped - before.skipped) / 3
            print(
                f"{after.fps:.1f} fps, {after.frame_ms:.1f} ms a frame; without a save {skipped:.1f} "
                "frames a second are lost"
            )
            kinds = {
                "a number": [text(psi=0.8 - 0.02 * (k % 2 + 1)) for k in range(options.saves)],
                "a node more or less": [text(flipped=k % 2 == 0) for k in range(options.saves)],
            }
            for kind, texts in kinds.items():
                measure(kind, texts, file, show, reader)
            broken(file, text(), show, reader)
            reader.close()


def measure(kind: str, texts: list[str], file: Path, show: Supervisor, reader: FrameReader) -> None:
    """Save each text and wait for its picture."""
    delays, lost = [], []
    for text in texts:
        time.sleep(0.7)
        skipped = show.status().skipped
        old = reader.latest()
        assert old is not None
        saved_at = save(file, text)
        frame = old
        while (frame.pixels == old.pixels).all():
            newer = reader.wait(frame.number, timeout=20)
            if newer is None:
                raise SystemExit(f"{kind}: no new picture came; errors: {show.status().errors}")
            frame = newer
        delays.append(1000 * (frame.wall - saved_at))
        time.sleep(0.5)
        lost.append(show.status().skipped - skipped)
    print(
        f"{kind}: {statistics.median(delays):.0f} ms from the save to its first frame "
        f"(worst of {len(delays)}: {max(delays):.0f} ms); frames lost around each: {lost}"
    )


def broken(file: Path, text: str, show: Supervisor, reader: FrameReader) -> None:
    """Save a mistake: the message comes, the picture stays."""
    save(file, text)
    time.sleep(1)
    old = reader.latest()
    assert old is not None
    saved_at = save(file, text.replace("noise", "nois"))
    while not any("nois" in problem.what for problem in show.status().errors):
        time.sleep(0.005)
    told = 1000 * (time.time() - saved_at)
    time.sleep(0.5)
    new = reader.latest()
    assert new is not None
    same = "the same" if (new.pixels == old.pixels).all() else "ANOTHER"
    print(f"a mistake: told after {told:.0f} ms; {new.number - old.number} frames later the picture is {same}")


if __name__ == "__main__":
    main()
