"""What the studio asks of a running show: `process.supervisor.Supervisor` is one, the tests have another.

Every method may be called from any thread and must return at once (`wait` after its timeout at the latest).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from ganzfeld.patch.library import ListedPatch
from ganzfeld.process.atlas_store import ShownAtlas
from ganzfeld.process.main_output import ShownFrame
from ganzfeld.values.desk import Desk
from ganzfeld.values.document import (
    BlockPlayed,
    Carets,
    Changes,
    DocumentState,
    DocumentText,
    DocumentUpdates,
    Draft,
)
from ganzfeld.values.health import Health
from ganzfeld.values.inputs import Inputs
from ganzfeld.values.looking import CellView
from ganzfeld.values.previews import PreviewDrawn, PreviewVariant
from ganzfeld.values.status import PatchSource, Status

CommandName = Literal[
    "pause",
    "resume",
    "restart",
    "trust",
    "later",
    "roll",
    "keep",
    "back",
    "arm",
    "disarm",
    "tap",
    "take",
    "end_take",
]

DoorVerb = Literal["open", "close", "change", "again", "start", "stop", "record"]


class PageSource(Protocol):
    """What clean pages of one output see, under the master (`process.page_door.PageDoor`)."""

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        """As `StudioShow.wait`."""
        ...

    def watched(self, viewers: int) -> None:
        """So many pages more are open (or fewer, below 0)."""
        ...

    def shown(self) -> None:
        """A picture was sent."""
        ...


class StudioDocument(Protocol):
    """The text that is written (`process.document.document.Document`). What cannot be done raises GanzfeldError."""

    def told(self, log: str, version: int) -> tuple[DocumentText, DocumentUpdates | None]:
        """The whole text, and what came after this version; None if the way from there is not known."""
        ...

    def wait(self, news: int, timeout: float) -> int:
        """Wait until there is something newer than `news`, a number that this returned (−1 at first)."""
        ...

    def carets(self) -> Carets:
        """Where everybody writes."""
        ...

    @property
    def last_played(self) -> BlockPlayed | None:
        """What was played last from the page."""
        ...

    def push(self, log: str, version: int, client: str, drafts: Sequence[Draft]) -> bool:
        """Take a writer's changes of the newest version; False if they are of an older one."""
        ...

    def merge_edits(self, base: str, changes: Changes) -> None:
        """Merge edits of a text that the log does not know."""
        ...

    def caret(self, client: str, log: str, version: int, name: str, anchor: int, head: int | None) -> None:
        """A writer's caret is there now; head None: not in the text."""
        ...

    def leave(self, client: str) -> None:
        """A writer has gone."""
        ...

    def play_block(self, client: str, log_id: str, version: int, start: int, end: int, *, now: bool) -> None:
        """Play the block at these places."""
        ...

    def play_all(self, client: str, *, now: bool) -> None:
        """Play all but the blocks of other writers."""
        ...

    def save(self) -> None:
        """Write it into its file; nothing plays."""
        ...

    def resolve(self, take: Literal["ours", "theirs", "both"], number: int | None) -> None:
        """End a disagreement (None: all)."""
        ...


class StudioPreviews(Protocol):
    """What pages look at beside the show (`process.show_previews.ShowPreviews`)."""

    def draw(
        self,
        asker: Hashable,
        request: int,
        variants: Sequence[PreviewVariant],
        hear: Callable[[PreviewDrawn], None],
        *,
        log: str,
        version: int,
        height: int,
    ) -> None:
        """Draw these for `asker`, again and again, in the place of what they asked for before; none: end that. `hear`
        is called by any thread."""
        ...

    def end(self, asker: Hashable) -> None:
        """They look no more."""
        ...


class StudioShow(Protocol):
    """A show as its viewers see it, and what their hands do to it."""

    @property
    def document(self) -> StudioDocument:
        """The text that is written."""
        ...

    @property
    def previews(self) -> StudioPreviews:
        """What may be looked at beside the show."""
        ...

    def take_roll(self, line: str) -> None:
        """Keep this line in the place of the one that dice propose. May raise GanzfeldError."""
        ...

    def document_state(self) -> DocumentState:
        """What of the document plays, is on disk, and is on its way."""
        ...

    def status(self) -> Status:
        """How it is doing now."""
        ...

    def health(self) -> Health:
        """Whether it is well."""
        ...

    def patch_source(self) -> PatchSource:
        """The patch's newest text."""
        ...

    def patch_folder(self) -> str:
        """The folder that its files lie in; "" if it has none of its own."""
        ...

    def desk(self) -> Desk:
        """What hands stand at now."""
        ...

    def inputs(self) -> Inputs:
        """What comes in: OSC, MIDI, sound."""
        ...

    def silence_below(self, decibels: float, /) -> None:
        """Sound that is quieter is silence from now on. May raise GanzfeldError."""
        ...

    def listen_to(self, device: str, /) -> None:
        """Hear this sound device from now on ("": the system's own). Takes up to two seconds. May raise GanzfeldError:
        then what was heard before is heard on."""
        ...

    def hear_song(self, song: Path, /) -> None:
        """Hear this file of sound from now on, in the place of what is heard. May raise GanzfeldError."""
        ...

    @property
    def patch_file(self) -> Path | None:
        """The file of the patch that plays, or None."""
        ...

    def latest(self, newer_than: int) -> ShownFrame | None:
        """The newest picture, or None if its number is not above `newer_than` (−1: any picture will do)."""
        ...

    def wait(self, newer_than: int, timeout: float) -> ShownFrame | None:
        """As `latest`, but blocks up to `timeout` seconds for such a picture. Called from a thread of the studio."""
        ...

    def page(self, picture: str) -> PageSource | None:
        """What clean pages of this output see, "" the main one; None while there is no such output."""
        ...

    def turn(self, address: str, value: Any) -> bool:
        """A hand turns what is at an address; False if there is nothing."""
        ...

    def release(self, address: str) -> None:
        """It goes back to its text."""
        ...

    def hit(self, address: str, *arguments: Any) -> None:
        """An event: "/snapshot/recall", a name, …"""
        ...

    def arrange(self, what: str, *arguments: Any) -> None:
        """Rename, delete, have back, order, place snapshots, undo that, or say how they fade."""
        ...

    def learn(self, target: str | None = None) -> None:
        """Learn the next control that is touched. May raise GanzfeldError, as the two below."""
        ...

    def stop_learning(self) -> None:
        """Nothing is to be learned any more."""
        ...

    def touched(self, control: str) -> float | None:
        """This control was touched while something is being learned."""
        ...

    def connect(self, target: str, control: str | None) -> float | None:
        """Give a target this control (None: none), and write it down."""
        ...

    def report(
        self, choose: Sequence[str], rate: float, hear: Callable[[Any, Mapping[str, Any]], None]
    ) -> Callable[[], None]:
        """Call `hear` after frames with their moment and the values of these addresses, at most `rate` times a second,
        until what is returned is called. `hear` must not wait."""
        ...

    def look(self, views: Sequence[CellView]) -> None:
        """Show these in the atlas from now on; nothing, if there are none. May raise GanzfeldError."""
        ...

    def atlas(self, newer_than: int, timeout: float) -> ShownAtlas | None:
        """The newest atlas, once its number is above `newer_than` (−1: any); None after `timeout` seconds. Called from
        a thread of the studio."""
        ...

    def patches(self) -> list[ListedPatch]:
        """The person's patches."""
        ...

    def keep_as(self, name: str) -> None:
        """Give what plays a file of this name in the person's folder, and go on in it. May raise GanzfeldError, as the
        one below."""
        ...

    def open_patch(self, what: str) -> Path | None:
        """Play a shipped example, or one of the person's patches, by its name. Returns the file in which what was typed
        before is kept, if it had none."""
        ...

    def door(self, do: DoorVerb, door: str, **options: Any) -> None:
        """Open, close, change a door, start it again, or record a film. May raise GanzfeldError."""
        ...

    def command(self, name: CommandName, **arguments: str) -> None:
        """ "trust" takes `path`, one of `Status.pending_trust`; "later" too: it is not to run now. "roll" proposes
        another line; "keep" plays it, and writes it into the file; "back" drops it, or else takes back the last one
        kept; "arm": what is rolled plays at once, "disarm": not before it is kept. "take" records a take beside the
        patch from now on, until "end_take".

        Raises `GanzfeldError` when it cannot be done; the page shows what it says.
        """
        ...
