"""The process that looks at files: `python -m ganzfeld.studio.library.child`, started by `looking.py`.

It reads questions, a line of JSON each, and answers each with a line of JSON, until its input ends. It opens networks
with the readers that execute nothing, and leaves films, pictures and sounds to feeders, which inherit its low priority.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.studio.asked_child import give_way
from ganzfeld.studio.library.questions import Fitting, LookAtFile, SeenFile, TryNetwork

if TYPE_CHECKING:
    import numpy as np

    from ganzfeld.networks.network import Network

SMALLEST_PICTURE = 128
"""Pixels of the height in which a network is drawn, if it can draw smaller than its own."""
SEED = 7
PSI = 0.7
AT_SHARE = 0.3
"""Of a film: its first frames are often black."""
PATCH_FRAMES = 3
"""Seconds of a patch, a frame each: what fades in has begun then."""


def answer(question: LookAtFile | TryNetwork) -> SeenFile | Fitting:
    """What the process says to a question. Raises nothing that is about the file."""
    if isinstance(question, TryNetwork):
        from ganzfeld.studio.library.fitting import fitting

        return fitting(question)
    try:
        return _LOOKS[question.kind](question)
    except GanzfeldError as error:
        return SeenFile(what=error.what, hint=error.hint)
    except MemoryError:
        return SeenFile(what="it takes more memory than a file may take here", hint="Make it smaller")
    except Exception as error:  # torch and a dozen decoders raise whatever they like
        return SeenFile(what=f"it cannot be read ({type(error).__name__}: {str(error)[:200]})")


def _network(asked: LookAtFile) -> SeenFile:
    from ganzfeld.networks.files import read_network_file
    from ganzfeld.networks.network import Network

    with _where_conversions_go(Path(asked.path)):
        file, _ = read_network_file(asked.path)
        network = Network.from_file(file)
        jpeg = _drawn(network, asked.height) if asked.height else b""
        about = f"{network.kind}, {network.size_text}, {len(network.layers)} layers"
        return SeenFile(about, jpeg, (*file.warnings, *file.notes))


def _drawn(network: Network, height: int) -> bytes:
    import torch

    from ganzfeld.kernels.rgba import from_signed, to_rgba8

    small = [each for each in sorted(network.resolutions) if each >= SMALLEST_PICTURE]
    resolution = small[0] if small and small[0] < network.resolution else None
    with torch.inference_mode():
        label = torch.eye(network.c_dim)[:1] if network.c_dim else None
        w = network.mapping(network.latent(SEED), label, truncation_psi=PSI)
        image = network.synthesis(w, noise_mode="const", resolution=resolution)
        return _jpeg(to_rgba8(from_signed(image)).numpy(), height)


def _picture(asked: LookAtFile) -> SeenFile:
    from ganzfeld.feeders.service import OpenFeeder

    feeder = OpenFeeder("picture", asked.path, slots=1)
    try:
        about = f"{feeder.facts['width']} × {feeder.facts['height']} px"
        pixels = feeder.ask("read", tries=2).array  # also where no picture is wanted: the head may be all there is
        assert pixels is not None
        return SeenFile(about, _jpeg(pixels, asked.height) if asked.height else b"")
    finally:
        feeder.close()


def _film(asked: LookAtFile) -> SeenFile:
    from ganzfeld.feeders.service import OpenFeeder

    feeder = OpenFeeder("film", asked.path, slots=1)
    try:
        facts = feeder.facts
        about = f"{facts['width']} × {facts['height']} px, {facts['seconds']:.1f} s, {facts['rate']:.4g} fps"
        found = feeder.ask("at", tries=2, seconds=facts["seconds"] * AT_SHARE)
        assert found.array is not None
        notes = ("a part of it is damaged",) if found.facts[2] else ()
        return SeenFile(about, _jpeg(found.array, asked.height) if asked.height else b"", notes)
    finally:
        feeder.close()


def _song(asked: LookAtFile) -> SeenFile:
    from ganzfeld.feeders.service import OpenFeeder

    feeder = OpenFeeder("sound", asked.path)
    try:
        seconds, channels = feeder.facts["seconds"], feeder.facts["channels"]
        long = f"{int(seconds // 60)}:{int(seconds % 60):02d}, " if seconds is not None else ""
        return SeenFile(f"{long}{channels} channel{'s' if channels != 1 else ''}")
    finally:
        feeder.close()


def _patch(asked: LookAtFile) -> SeenFile:
    from ganzfeld.patch.language.parser import parse
    from ganzfeld.patch.library import title_of
    from ganzfeld.patch.text_file import read_text_file

    text = read_text_file(Path(asked.path))
    about, jpeg = title_of(text), b""
    try:
        patch = parse(text, asked.path)
        if asked.height:
            from ganzfeld.studio.library.patch_picture import patch_picture

            pixels = patch_picture(patch, asked.height, PATCH_FRAMES)
            jpeg = _jpeg(pixels, asked.height) if pixels is not None else b""
    except GanzfeldError as error:
        return SeenFile(about, notes=(f"it does not play yet: {error}",))
    return SeenFile(about, jpeg)


_LOOKS = {"network": _network, "picture": _picture, "film": _film, "song": _song, "patch": _patch}


def _jpeg(pixels: np.ndarray, height: int) -> bytes:
    """pixels: uint8 [H, W, 4]."""
    from ganzfeld.studio import picture

    h, w = pixels.shape[:2]
    most = 2 * h  # a wall's picture would be a stripe
    left = max(0, w - most) // 2
    return picture.pair(pixels[:, left : w - left], height).jpeg


@contextlib.contextmanager
def _where_conversions_go(path: Path) -> Iterator[None]:
    """A network that is merely looked at leaves nothing in the cache; what is there already is used."""
    from ganzfeld.networks.files import cache

    known = None
    with contextlib.suppress(OSError):
        known = cache.recall(cache.folder(), path, path.stat())
    if known is not None and any(cache.folder().glob(f"{known}-*")):
        yield
        return
    import tempfile

    from ganzfeld.folders import cache_folder

    before = os.environ.get("GANZFELD_CACHE")
    folder = cache_folder() / "library"
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"looking-{os.getpid()}-"  # so that `looking.remove_left` sees whose it is
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as passing:
        os.environ["GANZFELD_CACHE"] = passing
        try:
            yield
        finally:
            os.environ.pop("GANZFELD_CACHE")
            if before is not None:
                os.environ["GANZFELD_CACHE"] = before


def main() -> None:
    """Answer until there are no more questions."""
    give_way(19)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever else is printed must not stand between the answers.
    sys.stdout = sys.stderr
    decode = msgspec.json.Decoder(LookAtFile | TryNetwork).decode
    for line in questions:
        answers.write(msgspec.json.encode(answer(decode(line))) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
