"""What a running show has to do with files that its people see: patches that it goes over to, takes beside them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import home_folder
from ganzfeld.patch import library
from ganzfeld.patch.library import ListedPatch, OpenedPatch
from ganzfeld.process.commands import ShowCommands
from ganzfeld.process.document.document import Document
from ganzfeld.process.file_care import FileCare
from ganzfeld.process.live_dice import LiveDice
from ganzfeld.process.messages import RecordTake
from ganzfeld.process.midi_learn import MidiLearn
from ganzfeld.process.options import ShowOptions
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.restart_policy import RestartPolicy
from ganzfeld.process.show_files import ShowFiles
from ganzfeld.process.take_watch import free_take
from ganzfeld.takes.file import SUFFIX as TAKE_SUFFIX

log = logging.getLogger(__name__)


class ShowInFiles(ShowCommands):
    """The part of `ControlledShow` that reads and names files. What cannot be done raises GanzfeldError."""

    name: str
    document: Document
    hear_file: Callable[[Path], None]
    """Hears a file of sound from now on; whoever listens says so there. May raise GanzfeldError."""
    _files: ShowFiles
    _options: ShowOptions
    _last_file: Path | None
    _lock: threading.RLock
    _moving: threading.Lock
    _policy: RestartPolicy
    _dice: LiveDice
    _learning: MidiLearn
    _care: FileCare

    def _play(self, text: str, at_once: bool) -> int:
        """Give a text to the render process; its version."""
        raise NotImplementedError

    @property
    def patch_file(self) -> Path | None:
        """The file of the patch, or None."""
        return self._files.patch.path if self._files.patch else None

    def _beside(self, suffix: str) -> Path:
        """Where a recording goes whose name nobody chose: beside the patch, under its name."""
        path = self.patch_file
        return path.with_suffix(suffix) if path else Path.cwd() / f"{Path(self.name).stem or 'show'}{suffix}"

    # Takes

    def hears_no_file(self) -> None:
        """From now on no file drives the show, so takes tell of none."""
        with self._lock:
            self._options = replace(self._options, sound=None)

    def hear_song(self, song: Path) -> None:
        """Hear this file of sound from now on, in place of what was heard."""
        if self._options.take is not None:
            raise GanzfeldError("a take is being recorded, which knows one sound", hint="End it first")
        self.hear_file(song)
        with self._lock:
            self._options = replace(self._options, sound=song)

    def record_take(self) -> None:
        """Record a take beside the patch from now on, in a file that is not there yet."""
        with self._lock:
            if self._options.take is not None:
                raise GanzfeldError("a take is being recorded already", hint="End it first")
            self._take_into(free_take(self._beside(TAKE_SUFFIX)))

    def end_take(self) -> None:
        """End the take that is recorded, if one is."""
        with self._lock:
            if self._options.take is not None:
                self._take_into(None)

    def _take_into(self, path: Path | None) -> None:
        options = self._options = replace(self._options, take=path)
        self._care.take.follow(path)
        sound = str(options.sound.absolute()) if options.sound else ""
        # Not kept: whoever takes over is told of the take in its first words.
        self._give(RecordTake(str(path or ""), self.name, sound, options.take_cameras), keep=False)

    # Other patches

    def patches(self) -> list[ListedPatch]:
        """The person's patches: in the folder of the one that plays (while that has no file, of the one before), and in
        the Ganzfeld folder."""
        return library.patches(self._last_file)

    def keep_as(self, name: str) -> None:
        """Give what is written a file of this name in the person's Ganzfeld folder, and go on in it, with the
        snapshots. Raises GanzfeldError."""
        with self._moving:
            self._take_allows(home_folder())
            with self._files.lock, self.document.lock:  # nothing is typed meanwhile
                text = self.document.text
                path = library.new_file(name, text)
                self._go_on_in(OpenedPatch(path.name, text, path), is_kept=True)

    def open_patch(self, what: str) -> Path | None:
        """Play another patch: "example:organ", or one of `patches`. It is swapped in as its text says. Returns the file
        in which what was typed before is kept, if it had none. Raises GanzfeldError."""
        kept = None
        with self._moving:
            found = library.opened(what, self._last_file)
            if found.path is not None:
                self._take_allows(found.path.parent)
            with self._files.lock, self.document.lock:
                if self.document.would_be_lost:
                    kept = library.new_file(f"{self.name} {time.strftime('%Y-%m-%d %H.%M.%S')}", self.document.text)
                    log.warning("what was typed had no file yet: it is in %s", kept)
                self._go_on_in(found)
        return kept

    def _take_allows(self, folder: Path) -> None:
        """What a take tells of files is told of one folder. Raises GanzfeldError for another."""
        playing = self._options.path
        if self._options.take is not None and folder.absolute() != (playing.parent if playing else Path.cwd()):
            raise GanzfeldError("a take is being recorded, which knows the files of one folder", hint="End it first")

    def _go_on_in(self, opened: OpenedPatch, *, is_kept: bool = False) -> None:
        """is_kept: it is what is written already, under another name: what plays plays on."""
        file = PatchFile(opened.path) if opened.path is not None else None
        path = file.path if file is not None else None
        with self._files.lock, self.document.lock:  # nobody is told of a save of the file before meanwhile
            self._files.move(file, with_snapshots=is_kept)
            with self._lock:
                self._options = replace(self._options, path=path, name=opened.name)
                self.name, self._last_file = opened.name, path or self._last_file
                self._learning.file, self._dice.path = self._options.file, path
                if not is_kept:
                    self._dice.forget()
            played = self._policy.newest.text
            self.document.go_on_in(opened.name, opened.text, file, is_new=is_kept)
            self._play(played if is_kept else self.document.first_played, at_once=False)
