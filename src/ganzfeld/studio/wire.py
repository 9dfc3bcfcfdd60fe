"""The messages between the studio and its page: one msgpack map each, told apart by `kind`.

`Status`, `PatchSource` and `Desk` go out as the show gives them. `web/src/live/wire.ts` is the other end: it is written
from these structs by `wire_types.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import msgspec

from ganzfeld.studio.links import Role
from ganzfeld.studio.show import CommandName, DoorVerb
from ganzfeld.values.desk import Desk
from ganzfeld.values.document import (
    BlockPlayed,
    Carets,
    Changes,
    Client,
    DocumentState,
    DocumentText,
    DocumentUpdates,
    Draft,
    LogId,
    Place,
    WriterName,
)
from ganzfeld.values.looking import MOST_VIEWS, CellShown, CellView
from ganzfeld.values.previews import HIGHEST, LONGEST_LINE, LOWEST, MOST_VARIANTS, PreviewDrawn, PreviewVariant
from ganzfeld.values.status import PatchSource, Status

PatchName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

# From the studio to the page


class EncodedFrame(msgspec.Struct, frozen=True, tag_field="kind", tag="frame"):
    """A picture. t: the show's time in seconds. width, height: in pixels. sent: the studio's clock in Unix seconds when
    the JPEG was ready. jpeg: the picture over black. alpha: a grey JPEG of its transparency, empty if it is opaque or
    was not asked for."""

    number: int
    t: float
    width: int
    height: int
    sent: float
    jpeg: bytes
    alpha: bytes = b""


class Beat(msgspec.Struct, frozen=True, tag_field="kind", tag="beat"):
    """Says to a clean page that the studio lives, while there is no picture."""


class You(msgspec.Struct, frozen=True, tag_field="kind", tag="you"):
    """What a page is told first: what it may do (`role`), what it is called (`client` for programs, `name` for people),
    whether it is shown at the machine that plays, and whether nobody between can overhear it."""

    role: Role
    client: str
    name: str
    is_here: bool
    is_secure: bool


class Refusal(msgspec.Struct, frozen=True, tag_field="kind", tag="notice"):
    """The answer to a command that could not be done, or not as a person may think."""

    what: str
    hint: str = ""


class Edited(msgspec.Struct, frozen=True, tag_field="kind", tag="edited"):
    """The answer to `Edit`: the change of the document at that version, which the page makes as one of its own, so that
    it can undo it. start, end: what it concerns, in the text afterwards. changes None: it cannot be done; `what` and
    `hint` say why, or `late` that the document has a newer version, so that the page may ask again when it has it."""

    request: int
    log: str
    version: int
    changes: Changes | None = None
    start: int = 0
    end: int = 0
    late: bool = False
    what: str = ""
    hint: str = ""


class CellOfPage(CellShown, frozen=True, kw_only=True):
    """A cell, by the number that the page gave its view."""

    id: int


class EncodedAtlas(msgspec.Struct, frozen=True, tag_field="kind", tag="atlas"):
    """The pictures of all that a page looks at, in one JPEG. t: the show's time in seconds."""

    number: int
    t: float
    width: int
    height: int
    jpeg: bytes
    cells: tuple[CellOfPage, ...]


# From the page to the studio


class _FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    pass


class Acknowledgement(_FromPage, frozen=True, tag="ack"):
    """The frame of this number, and all sent before it, are on the screen or passed over."""

    number: int


class PageCommand(_FromPage, frozen=True, tag="command"):
    """Something to do (see `StudioShow.command`); `path` goes with "trust"."""

    name: CommandName
    path: str | None = None


class KnobTurned(_FromPage, frozen=True, tag="turn"):
    """A hand turned what is at an address."""

    address: str
    value: float


class KnobReleased(_FromPage, frozen=True, tag="release"):
    """A hand gave what is at an address back to its text."""

    address: str


SnapshotVerb = Literal[
    "store",
    "recall",
    "morph",
    "release",
    "rename",
    "delete",
    "undelete",
    "order",
    "undo",
    "place",
    "fade",
    "readdress",
]


class SnapshotAction(_FromPage, frozen=True, tag="snapshot"):
    """Something is done with snapshots; the arguments are those of the OSC address `/snapshot/…`, or those of
    `engine.snapshots.Snapshots.arrange`."""

    do: SnapshotVerb
    arguments: list[str | float] = []


CONTROL = r"\A(?:(cc|note) \d{1,2}/\d{1,3}|osc /[^\x00-\x1f\x7f]{1,255})\Z"


class LearnControl(_FromPage, frozen=True, tag="learn"):
    """The next control that is touched is to turn this (None: what is chosen next); `do` "stop": never mind, "forget":
    no control turns it any more, "touch": `control` ("cc 1/74", "osc /push") was picked from what arrives, as if it
    were touched."""

    target: str | None = None
    do: Literal["learn", "stop", "forget", "touch"] = "learn"
    control: Annotated[str, msgspec.Meta(pattern=CONTROL)] | None = None


class MasterMoved(_FromPage, frozen=True, tag="master"):
    """A hand moves the master: level and black from 0 to 1, freeze 0 or 1, with a fade in seconds; of all doors (None),
    or of a door or an output by name."""

    what: Literal["level", "black", "freeze"]
    value: float
    seconds: float = 0.0
    door: str | None = None


class SoundFloor(_FromPage, frozen=True, tag="floor"):
    """Sound that is quieter than this, in decibels of full scale, is silence from now on."""

    decibels: float


class SoundChosen(_FromPage, frozen=True, tag="sound"):
    """This sound device is to be heard from now on, "": the system's own. From the machine that plays only."""

    device: Annotated[str, msgspec.Meta(max_length=300)]


class DoorAction(_FromPage, frozen=True, tag="door"):
    """Something is done with a door. "open": `door` is what is opened, as on the command line. "change": give it other
    options. "again": start one that had ended. "start", "stop": a film. "record": begin a film beside the patch,
    whatever `door` says. Doors are opened and changed from the machine that plays only."""

    do: DoorVerb
    door: str
    options: dict[str, str | float | bool] = {}


class KeepAs(_FromPage, frozen=True, tag="keep_as"):
    """Give what plays a file of its own, of this name, in the person's folder; the show goes on in it."""

    name: PatchName


class OpenPatch(_FromPage, frozen=True, tag="open"):
    """Play another patch: the name of a shipped example or of one of the person's patches (`/api/patches`)."""

    what: PatchName


class PushUpdates(_FromPage, frozen=True, tag="push"):
    """A writer's changes, each of the text that the one before makes; the first of the document at this version of the
    log. The answer is `DocumentUpdates` since that version with these among them, or `DocumentText` if the log cannot
    be continued from there. Without drafts it only asks what there is since. client: made up by the page when it is
    loaded, and the same until it is loaded again."""

    log: LogId
    version: Place
    client: Client
    updates: Annotated[list[Draft], msgspec.Meta(max_length=200)] = []


class MergeEdits(_FromPage, frozen=True, tag="merge"):
    """A writer's edits that could not be pushed, because the studio's log does not know (any more) what they began
    from: `changes` of `base`. What fits is merged into the document; where it does not, both are kept."""

    client: Client
    base: str
    changes: Changes


class PlayText(_FromPage, frozen=True, tag="play"):
    """Play the block from `start` to `end` (a caret, or what is selected, at this version of the document; it is
    widened to whole statements), or all of the document where `start` is None. now: without the patch's bar or fade."""

    client: Client
    log: LogId
    version: Place
    start: Place | None = None
    end: Place | None = None
    now: bool = False


class SaveText(_FromPage, frozen=True, tag="save"):
    """Write the document, with all that was pushed before this message, into its file. It plays nothing."""


class ResolveConflict(_FromPage, frozen=True, tag="resolve"):
    """End a disagreement (None: all of them): the document keeps what it says, takes what the file says, or has
    both."""

    take: Literal["ours", "theirs", "both"]
    number: int | None = None


Scalar = str | int | float | bool | None
EditArguments = Annotated[dict[str, Scalar | list[Scalar]], msgspec.Meta(max_length=16)]


class Edit(_FromPage, frozen=True, tag="edit"):
    """A hand does something that changes the text: an act of `patch.language.edits`, by its word, on the document at
    this version, with everything that this page wrote in it. The answer is `Edited` with the same `request`, which the
    page makes up."""

    request: int
    log: LogId
    version: Place
    do: Annotated[str, msgspec.Meta(max_length=40)]
    arguments: EditArguments = {}


class CaretMoved(_FromPage, frozen=True, tag="caret"):
    """Where a writer is now, and what they want to be called ("": a name is found). `head` None: they left the text."""

    client: Client
    log: LogId
    version: Place
    name: WriterName = ""
    anchor: Place = 0
    head: Place | None = None


class ViewOfPage(CellView, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A view, and the number by which the page knows its cell."""

    id: Place


class Look(_FromPage, frozen=True, tag="look"):
    """All that this page looks at from now on beside the picture; nothing, if there are no views."""

    views: Annotated[list[ViewOfPage], msgspec.Meta(max_length=MOST_VIEWS)] = []


class AtlasDrawn(_FromPage, frozen=True, tag="drawn"):
    """The atlas of this number, and all sent before it, are drawn or passed over: the next one may come."""

    number: int


class AskPreviews(_FromPage, frozen=True, tag="preview"):
    """Draw these variants of what plays, again and again, small and beside the show, until the page asks for others.
    request: a number that grows; the newest of a page counts, one without variants ends it. log, version: the document
    that changes are of. height: of the pictures, in pixels. Answered with `PreviewDrawn`."""

    request: int
    log: LogId = ""
    version: Place = 0
    height: Annotated[int, msgspec.Meta(ge=LOWEST, le=HIGHEST)] = 120
    variants: Annotated[list[PreviewVariant], msgspec.Meta(max_length=MOST_VARIANTS)] = []


class TakeRoll(_FromPage, frozen=True, tag="take_roll"):
    """Keep this line in the place of the one that dice propose."""

    line: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_LINE)]


FromStudio = (
    EncodedFrame
    | EncodedAtlas
    | Beat
    | Status
    | PatchSource
    | Refusal
    | Desk
    | DocumentText
    | DocumentUpdates
    | DocumentState
    | BlockPlayed
    | Carets
    | You
    | Edited
    | PreviewDrawn
)
AtDesk = KnobTurned | KnobReleased | SnapshotAction | LearnControl | MasterMoved | SoundFloor | SoundChosen
AtText = PushUpdates | MergeEdits | PlayText | SaveText | ResolveConflict | CaretMoved | Edit
AtPreviews = AskPreviews | TakeRoll
FromPage = (
    Acknowledgement | AtlasDrawn | Look | PageCommand | DoorAction | KeepAs | OpenPatch | AtDesk | AtText | AtPreviews
)

encode = msgspec.msgpack.Encoder().encode
Message = TypeVar("Message")

_decode_from_page = msgspec.msgpack.Decoder(FromPage).decode
_decode_from_clean_page = msgspec.msgpack.Decoder(Acknowledgement).decode


def decode_from_page(data: bytes) -> FromPage:
    """A message of the page. Raises msgspec.DecodeError for whatever is none."""
    return _decoded(_decode_from_page, data)


def decode_from_clean_page(data: bytes) -> Acknowledgement:
    """A message of a clean page. Raises msgspec.DecodeError for whatever is none."""
    return _decoded(_decode_from_clean_page, data)


def _decoded(decode: Callable[[bytes], Message], data: bytes) -> Message:
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
