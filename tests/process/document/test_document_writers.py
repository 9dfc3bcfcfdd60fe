"""Several writers at once, the real CodeMirror at each end: nothing typed is lost, and all come to the same text."""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from document_changes import changes_of, letters
from ganzfeld.process.document.changes import ChangeSet, units_of
from ganzfeld.process.document.line_merge import change_to
from ganzfeld.process.document.shared_text import SharedText
from ganzfeld.values.document import Draft

SLOWLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = count()


class Writer:
    """One page. It hears of updates when the test lets it, and then only as many as the test says."""

    def __init__(self, ask, shared: SharedText) -> None:
        self.ask, self.shared, self.client = ask, shared, f"writer {next(_numbers)}"
        whole, _ = shared.told("", 0)
        self.log, self.version, self.text = whole.log, whole.version, whole.text
        ask("open", client=self.client, text=self.text, version=self.version)

    def type(self, changes) -> None:
        self.text = self.ask("type", client=self.client, changes=changes)

    def push(self) -> bool:
        sendable = self.ask("sendable", client=self.client)
        assert sendable["version"] == self.version
        drafts = [Draft(changes) for changes in sendable["updates"]]
        return bool(drafts) and self.shared.push(self.log, self.version, self.client, drafts)

    def hear(self, most: int = 1000) -> None:
        _, told = self.shared.told(self.log, self.version)
        assert told is not None
        updates = told.updates[:most]
        if updates:
            plain = [{"client": update.client, "changes": update.changes} for update in updates]
            self.text = self.ask("receive", client=self.client, updates=plain)
            self.version += len(updates)


@SLOWLY
@given(st.data())
def test_writers_come_to_the_same_text_and_no_keystroke_is_lost(codemirror, data):
    shared = SharedText(data.draw(st.lists(letters, max_size=12).map("".join)))
    writers = [Writer(codemirror, shared) for _ in range(data.draw(st.integers(2, 3)))]
    typed = count(0xE000)  # letters that nobody else types, nor takes away
    expected = []
    for _ in range(data.draw(st.integers(1, 14))):
        writer = data.draw(st.sampled_from(writers))
        match data.draw(st.sampled_from(["type", "type", "change", "push", "push", "hear", "elsewhere"])):
            case "type":
                place = data.draw(st.integers(0, len(writer.text)))
                at, length = units_of(writer.text[:place]), units_of(writer.text)
                expected.append(chr(next(typed)))
                writer.type(ChangeSet.splices(length, [(at, at, expected[-1] + data.draw(letters))]).json())
            case "change":
                changes = data.draw(changes_of(writer.text))
                if not any(letter in expected for letter in _gone(writer.text, changes)):
                    writer.type(changes)
            case "push":
                writer.push()
            case "hear":
                writer.hear(data.draw(st.integers(1, 3)))
            case "elsewhere":
                with shared.lock:
                    text = shared.text
                    shared._change(change_to(text, f"{data.draw(letters)}\n{text}\n"), "file")
    for _ in range(10):
        for writer in writers:
            writer.hear()
            writer.push()
    for writer in writers:
        writer.hear()
        assert not codemirror("sendable", client=writer.client)["updates"]
        assert writer.text == shared.text
    assert sorted(letter for letter in shared.text if letter >= "\ue000" and letter <= "\uf8ff") == expected


def _gone(text: str, changes) -> str:
    units, at, gone = text.encode("utf-16-le"), 0, []
    for length, put in ChangeSet.of(changes).sections:
        if put is not None:
            gone.append(units[2 * at : 2 * (at + length)].decode("utf-16-le"))
        at += length
    return "".join(gone)


def test_what_is_pushed_twice_is_taken_once():
    shared = SharedText("one")
    whole, _ = shared.told("", 0)
    draft = Draft([3, [0, "!"]])
    assert shared.push(whole.log, 0, "ada", [draft])
    assert not shared.push(whole.log, 0, "ada", [draft]), "the answer was lost; it hears its own update instead"
    _, told = shared.told(whole.log, 0)
    assert told is not None and [update.client for update in told.updates] == ["ada"]
    assert shared.text == "one!"


def test_of_a_push_all_is_taken_or_nothing():
    shared = SharedText("one")
    whole, _ = shared.told("", 0)
    try:
        shared.push(whole.log, 0, "ada", [Draft([3, [0, "!"]]), Draft([3, [0, "!"]])])
    except Exception as error:
        assert "3 units" in str(error)
    assert shared.text == "one" and shared.told("", 0)[0].version == 0


def test_carets_move_with_the_text():
    shared = SharedText("one 😀 two")
    whole, _ = shared.told("", 0)
    shared.caret("ada", whole.log, 0, "Ada", 7, 7)
    shared.caret("bob", whole.log, 0, "", 0, 2)
    shared.push(whole.log, 0, "bob", [Draft([4, [2, "😀😀"], 4])])
    carets = {caret.client: caret for caret in shared.carets().carets}
    assert (carets["ada"].head, carets["ada"].version) == (9, 1)
    assert carets["bob"].name == "writer 2" and carets["ada"].colour != carets["bob"].colour
    shared.caret("bob", whole.log, 0, "", 0, 10**6)  # of the version before: it is moved, and stays within the text
    assert {caret.client: caret for caret in shared.carets().carets}["bob"].head == 12
    shared.caret("bob", "another log", 0, "", 0, 1)
    shared.leave("ada")
    assert [caret.head for caret in shared.carets().carets] == [12]
    for number in range(100):
        shared.caret(f"crowd {number}", whole.log, 1, "", 0, 0)
    assert len(shared.carets().carets) == 32
