"""What is written, what plays and what is on disk; and what is left after the process was killed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document import document as module
from ganzfeld.process.document import log as log_module
from ganzfeld.process.document import store as store_module
from ganzfeld.process.document.changes import ChangeSet, units_of
from ganzfeld.process.document.document import Document
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.watch import Change
from ganzfeld.values.document import Draft
from ganzfeld.values.status import Status

PATCH = "# mine\nface = network()\n\nout(face)\n"


class Show:
    """A document and what plays of it. file: the patch's, with what it holds."""

    def __init__(self, file: Path | None = None, text: str = PATCH) -> None:
        self.file = PatchFile(file) if file else None
        self.path = file
        self.plays: list[tuple[str, bool]] = []
        self.newest = ""
        self.document = Document(
            "mine.ganz",
            self.file.read() if self.file else text,
            self.file,
            newest=lambda: self.newest,
            play=self.play,
        )
        self.newest = self.document.first_played

    def play(self, text: str, at_once: bool) -> int:
        self.newest = text
        self.plays.append((text, at_once))
        return len(self.plays) + 1

    def type(self, before: str, after: str, client: str = "ada") -> None:
        text = self.document.text
        at = units_of(text[: text.index(before)])
        whole, _ = self.document.told("", 0)
        change = ChangeSet.splices(units_of(text), [(at, at + units_of(before), after)])
        assert self.document.push(whole.log, whole.version, client, [Draft(change.json())])

    def save_elsewhere(self, text: str) -> None:
        assert self.path is not None and self.file is not None
        self.path.write_bytes(text.encode())
        told = self.file.changed(Change(self.path, text))
        if told is not None:
            self.document.saved_elsewhere(told)

    def play_at(self, word: str, client: str = "ada") -> None:
        whole, _ = self.document.told("", 0)
        at = units_of(whole.text[: whole.text.index(word)])
        self.document.play_block(client, whole.log, whole.version, at, at, now=False)

    def stored(self) -> None:
        self.document.look(1e9)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "mine.ganz"
    path.write_text(PATCH)
    return path


def state(show: Show, **status):
    return show.document.state(Status(**{"patch_version": 1, "playing_version": 1, **status}))


# Written, played, saved


def test_typing_neither_plays_nor_saves_and_saving_does_not_play(file):
    show = Show(file)
    assert state(show).saved is True
    show.type("network()", "network('flowers')")
    assert show.plays == [] and file.read_text() == PATCH and state(show).saved is False
    show.document.save()
    assert file.read_text() == PATCH.replace("network()", "network('flowers')") == show.document.text
    assert show.plays == [] and state(show).saved is True
    show.save_elsewhere(show.document.text)  # as the watcher reports what we wrote
    assert show.plays == [], "what we wrote ourselves is nobody's save"
    show.save_elsewhere(show.document.text)  # somebody saves it once more: that asks to try again
    assert [text for text, _ in show.plays] == [PATCH]


def test_ends_of_lines_and_a_mark_stay_as_they_were(file):
    file.write_bytes(b"\xef\xbb\xbf" + PATCH.replace("\n", "\r\n").encode())
    show = Show(file)
    assert show.document.text == PATCH == show.newest
    show.type("# mine", "# m\u00efne")
    show.document.save()
    assert file.read_bytes() == b"\xef\xbb\xbf" + PATCH.replace("# mine", "# m\u00efne").replace("\n", "\r\n").encode()


def test_a_file_that_says_something_unknown_is_not_written_over(file):
    show = Show(file)
    show.type("# mine", "# ours")
    file.write_text("# theirs\n")
    with pytest.raises(GanzfeldError, match="something else"):
        show.document.save()
    assert file.read_text() == "# theirs\n" and state(show).saved is False
    file.unlink()
    show.document.save()
    assert file.read_text() == show.document.text


def test_a_block_plays_while_another_is_broken(file):
    show = Show(file)
    show.type("network()", "network(")
    show.type("out(face)", "out(face, fps=30)")
    show.play_at("fps")
    assert show.newest == PATCH.replace("out(face)", "out(face, fps=30)")
    show.type("network(", "network('flowers')")
    show.play_at("flowers")
    assert show.newest == show.document.text
    assert show.document.last_played is not None and show.document.last_played.patch_version == 3
    show.document.play_all("ada", now=True)
    assert show.plays[-1] == (show.document.text, True)


def test_what_would_play_with_a_change_is_told_and_nothing_is_changed(file):
    show = Show(file)
    show.type("network()", "network(")  # half a line elsewhere
    before, plays = show.document.text, len(show.plays)
    told, _ = show.document.told("", 0)
    at = units_of(told.text[: told.text.index("out(face)") + 8])
    change = ChangeSet.splices(units_of(told.text), [(at, at, ", fps=30")]).json()
    show.type("# ", "#  ")  # somebody else goes on meanwhile
    assert show.document.text_with(told.log, told.version, change) == PATCH.replace("out(face)", "out(face, fps=30)")
    assert show.document.text_with(told.log, told.version, [units_of(told.text)]) == PATCH, "nothing: what plays"
    assert show.document.text == before.replace("# ", "#  ", 1) and len(show.plays) == plays
    for log, version, wrong in (
        ("another", told.version, change),
        (told.log, told.version + 9, change),
        (told.log, told.version, [3]),
        (told.log, told.version, [[units_of(told.text), "x\ny"]]),
        (told.log, told.version, [units_of(told.text), [0, "x" * 20_000_000]]),
    ):
        with pytest.raises(GanzfeldError, match=r"changed too much|no change"):
            show.document.text_with(log, version, wrong)


def test_a_place_of_a_version_that_is_unknown_is_not_guessed(file):
    show = Show(file)
    with pytest.raises(GanzfeldError, match="changed too much"):
        show.document.play_block("ada", "another", 0, 3, 3, now=False)
    show.document.play_block("ada", show.document.told("", 0)[0].log, 0, 10**9, 10**9, now=False)


# Others


def test_a_save_of_others_is_merged_and_plays(file):
    show = Show(file)
    show.type("# mine", "# half a li")
    show.save_elsewhere(PATCH.replace("out(face)", "out(face, fps=30)"))
    assert show.newest == PATCH.replace("out(face)", "out(face, fps=30)"), "and what is typed does not"
    assert show.document.text == "# half a li" + show.newest[len("# mine") :]
    assert state(show).saved is False and not state(show).disagreements


@pytest.mark.parametrize(
    ("take", "result"), [("ours", "# ours\n"), ("theirs", "# theirs\n"), ("both", "# ours\n# theirs\n")]
)
def test_what_cannot_merge_is_kept_twice_until_somebody_says(file, take, result):
    show = Show(file)
    show.type("# mine", "# ours")
    show.save_elsewhere(PATCH.replace("# mine", "# theirs"))
    assert show.newest.startswith("# theirs\n") and show.document.text.startswith("# ours\n")
    show.type("# ours", "#  ours")
    show.type("#  ours", "# ours")
    show.type("# ours", "# above\n# ours")  # beside it: no part of it
    show.type("# above\n# ours", "# ours")
    (found,) = state(show).disagreements
    assert (found.start, found.end, found.ours, found.theirs) == (0, 7, "# ours\n", "# theirs\n")
    with pytest.raises(GanzfeldError, match="otherwise"):
        show.document.save()
    played = len(show.plays)
    show.document.resolve(take, found.number)
    assert show.document.text == PATCH.replace("# mine\n", result) and not state(show).disagreements
    assert len(show.plays) == played
    show.document.save()
    with pytest.raises(GanzfeldError):
        show.document.resolve(take, found.number)


def test_who_types_what_the_file_says_ends_the_disagreement(file):
    show = Show(file)
    show.type("# mine", "# ours")
    show.save_elsewhere(PATCH.replace("# mine", "# theirs"))
    show.save_elsewhere(PATCH.replace("# mine", "# theirs!"))
    (found,) = state(show).disagreements
    assert found.theirs == "# theirs!\n", "the newest save alone"
    show.type("# ours", "# theirs!")
    assert state(show).disagreements == () and state(show).saved is True


def test_what_a_hand_learns_is_written_beside_what_is_typed(file):
    show = Show(file)
    show.type("# mine", "# half")
    edited = show.newest.replace("network()", "network(psi=push)")
    show.document.edit(edited)
    assert show.newest == edited == file.read_text()
    assert show.document.text == edited.replace("# mine", "# half")
    show.type("psi=push", "psi=(push")
    with pytest.raises(GanzfeldError, match="somebody is changing"):
        show.document.edit(show.newest.replace("psi=push", "psi=pull"))
    assert file.read_text() == edited == show.newest


# What is on its way


def test_a_text_that_waits_counts_down_and_one_that_failed_says_so(file):
    show = Show(file)
    newest = {"patch_version": 2, "playing_version": 1}
    assert state(show).waits is None and state(show).failed is None
    building = state(show, **newest, heard_version=1).waits
    assert building is not None and building.phase == "building"
    assert state(show, **newest, heard_version=2, is_building=True).waits == building
    waiting = state(show, **newest, heard_version=2, ready_version=2, ready_beats=4.0, beat=6.5, bpm=120.0)
    assert waiting.waits is not None and waiting.failed is None
    assert (waiting.waits.phase, waiting.waits.beats_left, waiting.waits.seconds_left) == ("waiting", 1.5, 0.8)
    aside = show.document.state(Status(patch_version=3, playing_version=2, heard_version=2), set_aside=True)
    assert aside.waits is None and aside.failed == 3
    failed = state(show, **newest, heard_version=2)
    assert failed.waits is None and failed.failed == 2


# Killed, ended, and begun again


def test_after_a_crash_all_is_there_and_plays_as_it_did(file):
    show = Show(file)
    show.type("out(face)", "out(face, fps=30)")
    show.play_at("fps")
    show.stored()
    show.type("# mine", "# 😀 not yet written down")  # the journal has it
    before, _ = show.document.told("", 0)
    show.document._store.close()  # as a killed process does
    again = Show(file)
    whole, updates = again.document.told(before.log, before.version - 1)
    assert whole.text == before.text and again.newest == show.newest != PATCH
    if store_module.boot_id():
        assert (whole.log, whole.version) == (before.log, before.version)
        assert updates is not None and [update.client for update in updates.updates] == ["ada"]


def test_after_the_power_failed_pages_do_not_go_on_from_what_may_be_lost(file, monkeypatch):
    show = Show(file)
    show.type("# mine", "# typed")
    show.stored()
    before, _ = show.document.told("", 0)
    show.document._store.close()
    monkeypatch.setattr(module, "boot_id", lambda: "another")
    whole, updates = Show(file).document.told(before.log, before.version)
    assert whole.text == before.text and whole.log != before.log and updates is None


def test_a_show_that_was_ended_begins_with_its_file_and_keeps_what_is_typed(file):
    show = Show(file)
    show.type("out(face)", "out(face, fps=30)")
    show.document.play_all("ada", now=False)
    show.document.close()
    file.write_text(PATCH + "# by night\n")
    again = Show(file)
    assert again.newest == PATCH + "# by night\n"
    assert again.document.text == again.newest.replace("out(face)", "out(face, fps=30)")


def test_a_show_without_a_file_is_kept_over_a_crash_only():
    show = Show()
    show.type("# mine", "# typed")
    show.stored()
    show.document._store.close()
    another = Show(text="another()")
    assert another.document.text == "another()"
    another.document._store.close()
    again = Show()
    assert again.document.text.startswith("# typed")
    again.document.close()
    assert Show().document.text == PATCH


def test_a_new_file_has_nothing_of_one_that_had_its_name(file, tmp_path):
    show = Show(file)
    show.type("# mine", "# long ago")
    show.document.close()
    opening = Show()
    opening.type("# mine", "# kept")
    file.write_text(opening.document.text)
    opening.document.go_on_in("mine.ganz", opening.document.text, PatchFile(file), is_new=True)
    assert opening.document.text == PATCH.replace("# mine", "# kept") and state(opening).saved is True
    opening.type("# kept", "# kept, and typed")
    opening.document.close()
    assert Show(file).document.text.startswith("# kept, and typed")


def test_what_is_written_behind_a_torn_end_of_the_journal_is_found(file, tmp_path):
    show = Show(file)
    show.stored()
    show.type("# mine", "# one")
    show.document._store.close()
    (journal,) = (tmp_path / "cache" / "documents").glob("*.changes")
    journal.write_bytes(journal.read_bytes() + b"\x40\x00\x00\x00torn")
    again = Show(file)
    assert again.document.text.startswith("# one")
    again.type("# one", "# two")
    again.document._store.close()
    assert Show(file).document.text.startswith("# two")


@pytest.mark.parametrize("which", ["document", "changes"])
def test_what_was_written_down_and_makes_no_sense_counts_as_nothing(file, tmp_path, which):
    show = Show(file)
    show.stored()
    show.type("# mine", "# typed")
    show.document._store.close()
    (path,) = (tmp_path / "cache" / "documents").glob(f"*.{which}")
    path.write_bytes(path.read_bytes()[:-3] + b"\xff\xff\xff\xff\xff\xff")
    assert Show(file).document.text == PATCH


def test_of_two_shows_of_one_file_one_writes_down(file):
    show, beside = Show(file), Show(file)
    assert show.document._store.works and not beside.document._store.works
    beside.type("# mine", "# beside")
    beside.document.close()
    show.type("# mine", "# typed")
    show.stored()
    show.document._store.close()
    assert Show(file).document.text.startswith("# typed")


def test_a_disk_that_is_full_begins_another_log(file, monkeypatch):
    show = Show(file)
    before, _ = show.document.told("", 0)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module.os, "write", full)
    show.type("# mine", "# typed")
    whole, updates = show.document.told(before.log, before.version)
    assert whole.text.startswith("# typed") and whole.log != before.log and updates is None
    assert show.document.problem is not None and "save it" in show.document.problem.what


def test_a_killed_process_loses_nothing_that_it_told(file, tmp_path):
    """With SIGKILL in the midst of typing: everything that a page was told of is there."""
    script = f"""
        import sys
        from pathlib import Path
        sys.path[:0] = {[str(Path(__file__).parent)]!r}
        from test_document import Show
        show = Show(Path({str(file)!r}))
        show.stored()
        for number in range(10**6):
            show.type("# mine", f"# mine {{number}}")
            print(number, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 20:
                break
        process.kill()
        told = int((process.stdout.read().splitlines() or [line])[-1])
    typed = Show(file).document.text.split("\n")[0].split()
    assert typed[:2] == ["#", "mine"] and typed[2:] in (
        [str(n) for n in range(last, -1, -1)] for last in (told, told + 1)
    )


# Bounds


def test_old_changes_are_forgotten_and_huge_texts_are_not_taken(file, monkeypatch):
    monkeypatch.setattr(log_module, "MOST_UPDATES", 5)
    show = Show(file)
    for number in range(9):
        show.type("# mine", f"# mine{number}")
    whole, _ = show.document.told("", 0)
    assert (whole.version, whole.first) == (9, 4)
    assert show.document.told(whole.log, 3)[1] is None and show.document.told(whole.log, 10)[1] is None
    monkeypatch.setattr(log_module, "MOST_UNITS_KEPT", 1000)
    show.type("# mine", "x" * 2000 + "# mine")
    assert show.document.told(whole.log, 9)[1] is None
    monkeypatch.setattr(log_module, "MOST_PIECES", 2)
    with pytest.raises(GanzfeldError, match="pieces"):
        show.type("face", "fact")
    monkeypatch.undo()
    with pytest.raises(GanzfeldError, match="longer"):
        show.type("# mine", "x" * log_module.MOST_UNITS)


def test_many_changes_of_a_long_text_at_once_keep_no_copy_of_it_each(file):
    file.write_text("\n".join(f"line{number} = noise()" for number in range(30_000)))
    show = Show(file)
    document, drafts, length = show.document, [], units_of(show.document.text)
    whole, _ = document.told("", 0)
    for number in range(200):
        drafts.append(Draft(ChangeSet.splices(length, [(7 * number, 7 * number + 1, f"<{number}>")]).json()))
        length += len(f"<{number}>") - 1
    expected = document.text
    for number in range(200):
        expected = expected[: 7 * number] + f"<{number}>" + expected[7 * number + 1 :]
    tracemalloc.start()
    try:
        assert document.push(whole.log, 0, "ada", drafts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert document.text == expected
    assert peak < 10 * 2 * len(expected)
    assert document.told(whole.log, 0)[0].version == 200


def test_of_thousands_of_disagreements_the_last_are_kept_where_they_are(file):
    count = 3000
    base = "\n".join(f"€{number} = 1\nsame{number}" for number in range(count))
    file.write_text(base.replace("= 1", "= 2"))
    show = Show(file)
    text = show.document.text
    theirs = base.replace("= 1", "= 3")
    show.document.merge_edits(base, ChangeSet.splices(units_of(base), [(0, units_of(base), theirs)]).json())
    known = show.document.state(Status()).disagreements
    assert len(known) == 200
    assert [each.theirs for each in known] == [f"€{number} = 3\n" for number in range(count - 200, count)]
    show.type("€0 = 2", "€0 = 22")
    for each in show.document.state(Status()).disagreements:
        number = each.theirs.split(" ")[0]
        assert show.document.text[each.start : each.end].startswith(f"{number} = 2")
    show.document.resolve("theirs", None)
    assert show.document.text.count("= 3") >= 200 and text.count("= 3") == 0


def test_a_long_journal_is_begun_anew(file, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "LONGEST_JOURNAL", 500)
    show = Show(file)
    (journal,) = (tmp_path / "cache" / "documents").glob("*.changes")
    for number in range(30):
        show.type("# mine", f"# mine{number}")
    assert journal.stat().st_size > 500
    show.stored()
    assert journal.stat().st_size == 0
    show.document._store.close()
    assert Show(file).document.text == show.document.text
