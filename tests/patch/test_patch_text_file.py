"""A patch's file as text: what is no UTF-8, and paths with backslashes, are told with the way out, everywhere alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.resources import Resources
from ganzfeld.patch.text_file import LONGEST_TEXT, read_text_file
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.watch import read_text

TEXT = "# Größe\nout(noise())\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (TEXT.encode("latin-1"), "line 1 holds a letter in another encoding"),
        (b"a = 1\r\n# \x80\n", "line 2 holds"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (b"\x80\x02}q\x00X\x04\x00\x00\x00G_emaq\x01", "is no text"),
        (b"#" * (LONGEST_TEXT + 1), "more than 1 MB"),
    ],
)
def test_play_and_render_say_the_same_of_what_is_no_utf_8(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "show.ganz"
    path.write_bytes(data)
    with pytest.raises(PatchError, match=words) as rendered:
        read_text_file(path)
    with pytest.raises(PatchError) as played:
        PatchFile(path).read()
    assert (rendered.value.what, rendered.value.hint) == (played.value.what, played.value.hint)
    assert read_text(path).problem == rendered.value.what
    if "encoding" in words or "UTF" in words:
        assert "UTF-8" in rendered.value.hint


def test_a_mark_before_the_text_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "show.ganz"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert read_text_file(path) == TEXT
    assert "there is no file" in read_text(tmp_path / "other.ganz").problem


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (r"C:\temp\new.png", "became a tab"),
        (r"frames\0001.png", "became a control character"),
        (r"media\new.png", "became the end of a line"),
        (r"C:\Users\me\a.png", "this is none"),
        (r"C:\xylo\a.png", "this is none"),
        (r"a\x07.png", "a control character"),
    ],
)
@pytest.mark.parametrize("line", ['img = image("{}")', 'for k in [1]:\n    img = image(f"{}")', 'img = script("{}")'])
def test_a_windows_path_in_a_plain_text_is_told(line: str, path: str, words: str) -> None:
    with pytest.raises(GanzfeldError, match=words) as caught:
        Graph(parse(line.format(path) + "\nout(img)\n"))
    assert "with /" in caught.value.hint and 'r"' in caught.value.hint
    assert caught.value.where.line == line.count("\n") + 1


@pytest.mark.parametrize("written", [r'r"media\new.png"', r'"media\\new.png"', '"media/new.png"'])
def test_paths_as_they_should_be_written_are_read_and_found(tmp_path: Path, written: str) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "new.png").touch()
    graph = Graph(parse(f"img = image({written})\nout(img)"))
    [name] = graph.slots["/img/file"].candidates
    assert Resources(tmp_path).resolve(name) == tmp_path / "media" / "new.png"


def test_real_ends_of_lines_in_a_text_stay() -> None:
    Graph(parse('a = seq("""1 2\n3\t4""")\nout(noise())'))


def test_a_name_that_a_program_wrote_with_a_null_is_told(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="no name has"):
        Resources(tmp_path).resolve("a\0.png")
