"""Opening films and sounds with FFmpeg: only kinds of file that hold films or sounds, and only that one file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import check_file

if TYPE_CHECKING:
    from av.container import InputContainer

LARGEST_FILE = 1 << 44
FILMS = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    *("matroska,webm", "avi", "flv", "asf", "ogg", "mxf", "nut", "ivf", "dv", "gif", "apng", "obu"),
    *("mpeg", "mpegts", "mpegvideo", "m4v", "mjpeg", "yuv4mpegpipe", "png_pipe", "jpeg_pipe", "webp_pipe", "webp"),
)
"""FFmpeg's names of the kinds of file that may be a film. Not among them: what names other files (playlists, scripts,
numbered pictures), what shows text as pictures, and raw streams that know no times."""
SOUNDS = (
    *(
        "wav",
        "w64",
        "aiff",
        "caf",
        "au",
        "flac",
        "mp3",
        "aac",
        "ac3",
        "eac3",
        "dts",
        "truehd",
        "ape",
        "wv",
        "tta",
        "tak",
    ),
    *("amr", "gsm", "opus", "dsf", "mpc", "mpc8", "shn", "voc"),
)
"""Those that hold nothing but sound."""
_HEADS = (
    (b"#EXTM3U", "a playlist, which names other files"),
    (b"ffconcat", "a list of other files"),
    (b"[playlist]", "a playlist, which names other files"),
    (b"<?xml", "a text in XML"),
    (b"v=0", "a description of a stream"),
    (b"\0\0\0\1", "a raw stream, which knows no times; put it into an MP4 or MKV"),
)


def open_container(path: Path, pictures: bool = True, held: bytes | None = None) -> InputContainer:
    """A file of films or sounds. pictures: what is looked for, for the words of errors. held: what the file holds, if
    that has been read. Raises FeederError."""
    import av
    from av.error import FFmpegError

    what = "film" if pictures else "sound"
    if held is None:
        check_file(path, LARGEST_FILE)
    try:
        return av.open(
            str(path) if held is None else _Held(held, path),
            mode="r",
            options={"protocol_whitelist": "file", "format_whitelist": ",".join((*FILMS, *SOUNDS))},
        )
    except (FFmpegError, OSError, ValueError) as error:
        kind = _told_by_its_head(path)
        reason = kind or getattr(error, "strerror", None) or error
        hint = f"MP4, MOV, MKV, WebM, AVI, GIF, … are {what}s" if kind and pictures else ""
        raise FeederError(f"{path.name} is not a {what} that can be read: {reason}", hint=hint) from None


class _Held(io.BytesIO):
    """A file's bytes. name: by which FFmpeg knows kinds that their bytes tell badly."""

    def __init__(self, held: bytes, path: Path) -> None:
        super().__init__(held)
        self.name = str(path)


def _told_by_its_head(path: Path) -> str:
    """What a file is that FFmpeg was not allowed to open as something else, as far as it shows; may be empty."""
    try:
        with path.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    except OSError:
        return ""
    for begin, words in _HEADS:
        if head.startswith(begin):
            return f"it is {words}"
    if not head:
        return "it is empty"
    try:
        text = head.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return ""
        text = head[: error.start].decode("utf-8")
    return "it is a text" if all(letter.isprintable() or letter.isspace() for letter in text) else ""
