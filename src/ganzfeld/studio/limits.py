"""What visitors by link may have, and how fast anybody may speak. All numbers of it are here.

A visitor *by link* came with one of the links that `ganzfeld play --host` prints; without `--host` there are none.
Thirty of them at 1024 x 1024 pixels and 60 pictures a second would be a gigabit a second, and the network that they
share is the one that OSC comes by.
"""

from __future__ import annotations

VIEWER_FPS = 15
"""Pictures a second for who has a link to watch, at most."""
PLAYER_FPS = 30
"""And for who has a link to play."""
VIEWER_HEIGHT = 720
"""Their height in pixels where a page does not say how large it shows them."""
VIEWER_HEIGHTS = (180, 240, 360, 480, 720, 1080)
"""What a page may say, rounded up to one of these: so many different encodings there are at most for viewers."""
LINKED_BYTES_A_SECOND = 12_000_000
"""Of pictures to all who watch or play by link together (about 100 Mbit/s, half of what an ordinary Wi-Fi carries);
each has the same share of it."""
OUTPUT_BYTES_A_SECOND = 25_000_000
"""Of pictures to all clean pages by a link to the output together. They are shown as they are asked for, because an
audience sees them: each is one more projector that somebody set up."""
ANSWERED_BYTES_A_SECOND = 12_000_000
"""Of answers to their other requests (the page's own files, stills), in the long run."""
ANSWERED_BYTES_AT_ONCE = 200_000_000
"""So much for a moment: a class of thirty opens the page together."""
REQUEST_COSTS = 64 * 1024
"""Bytes that any such request counts for, beside its answer; this keeps them below 200 a second."""
STILL_COSTS = 1024 * 1024
"""What a still counts for besides, because it has to be encoded."""
MOST_LINKED = 100
"""Open sockets of visitors by link. Those of this machine are not counted."""

MESSAGES_A_SECOND = 250.0
"""Messages of one connection, in the long run; a page that drags two faders sends 120, and 60 acknowledgements."""
MESSAGES_AT_ONCE = 500.0
"""So many may come at once."""
BYTES_A_SECOND = 256 * 1024.0
"""Bytes of all messages of one connection, in the long run."""
BYTES_AT_ONCE = 1024 * 1024.0
MOST_WAITED = 5.0
"""Seconds that the messages of one connection have to wait, one after the other, before it is closed."""
LARGEST_MESSAGE = 1024 * 1024
"""One message from a page, in bytes: a text that was pasted."""
LARGEST_WORD = 64 * 1024
"""One that brings no text."""
PUSHES_A_SECOND = 50.0
"""Changes of the document from one connection; a page waits for the answer to each."""
PUSHES_AT_ONCE = 100.0
PLAYS_A_SECOND = 10.0
"""Of the document, and saves, from one connection."""
PLAYS_AT_ONCE = 20.0
EDITS_AT_ONCE = 4
"""Edits by a hand of one connection that wait for their answer."""
CARETS_A_SECOND = 30.0
"""Of moves of a caret, those above are passed over: the next one says where it is."""
CARETS_AT_ONCE = 30.0

LARGEST_PAINTING = 1024 * 1024
"""Bytes of a mask that was painted in a page."""
LARGEST_PAINTED_SIDE = 1024
"""Its pixels along a side, at most."""
SLOWEST_PAINTING = 20.0
"""Seconds within which all of it comes."""
PAINTED_BYTES_A_SECOND = 1_000_000.0
"""Of paintings from all pages together, in the long run."""
PAINTED_BYTES_AT_ONCE = 8_000_000.0
PREVIEWS_A_SECOND = 15.0
"""Questions for previews from one connection: whoever rolls dice as fast as a hand can asks so often."""
PREVIEWS_AT_ONCE = 30.0
PREVIEW_BYTES_A_SECOND = 1024 * 1024.0
"""Of previews to one connection; pictures above that are left out."""
PREVIEW_BYTES_AT_ONCE = 2 * 1024 * 1024.0

SLOWEST_SEND = 20.0
"""Seconds within which a connection takes what it is sent; one that does not is closed."""
MOST_UNSENT = 4 * 1024 * 1024
"""Bytes that wait in this process for one connection to take them, in the worst case (one picture above the system's
own buffer is usual)."""
MOST_FRAGMENTS = 1024
"""Pieces in which one message may come."""

LARGEST_FILES = {"network": 4 << 30, "film": 8 << 30, "picture": 200 << 20, "song": 1 << 30, "patch": 1 << 20}
"""Bytes of one file that a page brings into the library, by its kind."""
UPLOADS_AT_ONCE = 4
"""Files that are on their way at a time, of all pages together."""
UPLOADS_WAITING = 12
"""Those, and those that have come and that nobody has said a place for."""
LINKED_AT_ONCE, LINKED_WAITING = 3, 8
"""The same of all visitors by link together: whoever plays at this machine always has places."""
EACH_AT_ONCE, EACH_WAITING = 2, 3
"""And of one of them: of one link, from one address."""
UPLOAD_KEPT_SECONDS = 900.0
"""How long a file waits for a place; then it is forgotten."""
SLOWEST_UPLOAD = 20.0
"""Seconds in which something of a file comes; then it is given up."""
SLOWEST_BYTES_A_SECOND = 16 * 1024
"""Of a file that comes, in the long run: so few come at a time that one who says a byte now and then would keep others
out."""
UPLOADED_BYTES_A_SECOND = 25_000_000
"""Of files from visitors by link, all of them together: the network that they share is the one that OSC comes by."""
BYTES_HERE_A_SECOND = 200_000_000
"""Of files from this machine: whoever looks at the show is sent pictures by the same thread."""
UPLOADED_BYTES_AT_ONCE = 8_000_000
FREE_DISK = 2 << 30
"""Bytes that stay free on a disk that files are brought to: a show writes films and takes there."""
MOST_FILES = 500
"""Of one kind in one folder that are listed; and a page brings no more there."""
LARGEST_QUESTION = 64 * 1024
"""Bytes of what is asked as JSON."""
LOOKUPS_WAITING = 200
"""Questions to the process that knows the language, of all pages together: a class of thirty asks at one moment."""
LIBRARY_WAITING = 40
"""Questions what there is, of all pages together."""
TRIES_WAITING = 4
"""Questions whether a network fits: each may take the time that a network takes to be read."""
