"""The library over HTTP: what is listed, and files that pages bring."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fake_show import FakeShow
from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import cache_folder, home_folder
from ganzfeld.networks.shipped import SHIPPED
from ganzfeld.patch.library import ListedPatch
from ganzfeld.studio import limits
from ganzfeld.studio.asked_child import AskedChild
from ganzfeld.studio.library import looking, places
from ganzfeld.studio.library.questions import Fitting, LookAtFile, SeenFile, TryNetwork, UnfitLine
from ganzfeld.studio.library.uploads import RefusedFileError, Upload, Uploads
from ganzfeld.studio.links import Links
from ganzfeld.studio.server import StudioServer
from studio_client import port_of
from waiting import until

JPEG = b"\xff\xd8\xff small"


class FakeLooks:
    """In the place of the process that looks at files. seen: what it says of any; asked: what it was asked."""

    def __init__(self) -> None:
        self.seen = SeenFile("64 px", JPEG)
        self.fits = Fitting()
        self.asked: list[Any] = []
        self.waits_for: Any = None

    def look(self, process: Any, question: LookAtFile, patience: float = 0) -> SeenFile:
        self.asked.append(question)
        if self.waits_for is not None:
            self.waits_for.wait(20)
        return self.seen

    def fitting(self, process: Any, question: TryNetwork) -> Fitting:
        self.asked.append(question)
        return self.fits


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeLooks:
    """Folders of this test's own, and nothing looked at for real."""
    for name in ("HOME", "CACHE"):
        monkeypatch.setenv(f"GANZFELD_{name}", str(tmp_path / name.lower()))
    fake = FakeLooks()
    monkeypatch.setattr(looking.LookingProcess, "look", lambda *arguments: fake.look(*arguments))
    monkeypatch.setattr(looking.LookingProcess, "fitting", lambda *arguments: fake.fitting(*arguments))
    return fake


@pytest.fixture
def beside(show: FakeShow, tmp_path: Path) -> Path:
    """The folder of the patch that plays."""
    folder = tmp_path / "show"
    folder.mkdir()
    show.patch_file = folder / "organ.ganz"
    show.patch_file.write_text("out()")
    return folder


def call(
    studio: StudioServer, method: str, path: str, body: Any = None, raw: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    """(status, what was answered). body: sent as JSON; raw: as bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(studio), timeout=20)
    said = raw if raw is not None else None if body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if raw is not None else "application/json"
    connection.request(method, path, said, {"content-type": kind, **headers} if said is not None else headers)
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, json.loads(found) if answer.headers["content-type"] == "application/json" else found


def announce(studio: StudioServer, name: str, size: int) -> tuple[int, Any]:
    return call(studio, "POST", "/api/library/uploads", {"name": name, "size": size})


def bring(studio: StudioServer, name: str, data: bytes) -> Any:
    """Announce and send a file that is to be taken."""
    status, upload = announce(studio, name, len(data))
    assert status == 200, upload
    status, arrived = call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=data)
    assert status == 200, arrived
    return arrived


def place(studio: StudioServer, arrived: Any, where: str, **more: Any) -> tuple[int, Any]:
    return call(studio, "POST", f"/api/library/uploads/{arrived['id']}", {"place": where, **more})


def left_behind() -> list[Path]:
    folder = cache_folder() / "brought"
    return list(folder.iterdir()) if folder.is_dir() else []


# What there is


def test_shipped_found_and_own_things_are_listed(studio, show, looks, beside):
    (beside / "faces").mkdir()
    for name in ("faces/one.pkl", "a.png", "film.mp4", "song.wav", "notes.txt", ".hidden.png"):
        (beside / name).write_bytes(b"x")
    home_folder().mkdir()
    (home_folder() / "two.safetensors").write_bytes(b"x")
    show.own_patches = [ListedPatch("beside:organ.ganz", "organ", "beside", "An organ.", str(beside))]
    status, library = call(studio, "GET", "/api/library")
    assert status == 200
    items = {item["what"]: item for item in library["items"]}
    assert {item["said"] for item in items.values() if item["place"] == "shipped"} == set(SHIPPED)
    assert items["beside:faces/one.pkl"]["said"] == "faces/one.pkl"
    assert items["mine:two.safetensors"]["kind"] == "network"
    assert items["mine:two.safetensors"]["said"].endswith("home/two.safetensors")
    assert [items[f"beside:{name}"]["kind"] for name in ("a.png", "film.mp4", "song.wav")] == [
        "picture",
        "film",
        "song",
    ]
    assert items["beside:organ.ganz"]["about"] == "An organ." and items["example:organ"]["place"] == "example"
    assert not any("notes" in what or "hidden" in what for what in items)
    assert (library["beside"], library["mine"]) == (str(beside), str(home_folder()))


def test_a_link_out_of_the_folder_leads_nowhere_strange(studio, looks, beside, tmp_path):
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "x.png").write_bytes(b"x")
    (beside / "loop").symlink_to(beside)
    (beside / "out").symlink_to(outside)
    (beside / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(beside / "pipe.png")
    _, library = call(studio, "GET", "/api/library")
    assert [item["what"] for item in library["items"] if item["place"] == "beside"] == []


def test_pictures_are_made_one_at_a_time_and_kept(studio, looks, beside):
    (beside / "a.png").write_bytes(b"x")

    def item() -> Any:
        _, library = call(studio, "GET", "/api/library?first=picture")
        return next(item for item in library["items"] if item["what"] == "beside:a.png")

    first = item()
    assert first["key"] and not first["has_picture"]
    until(lambda: item()["has_picture"], seconds=20)
    assert item()["about"] == "64 px"
    assert call(studio, "GET", f"/api/library/pictures/{first['key']}") == (200, JPEG)
    assert isinstance(looks.asked[0], LookAtFile) and looks.asked[0].path.endswith("a.png")
    (beside / "a.png").write_bytes(b"another")
    assert item()["key"] != first["key"]
    for wrong in ("..%2f..%2fx", "0" * 23, "g" * 24):
        assert call(studio, "GET", f"/api/library/pictures/{wrong}")[0] == 404


def test_what_was_seen_outlives_the_studio(show, looks, beside):
    for name in ("a.png", "song.wav"):
        (beside / name).write_bytes(b"x")
    looks.seen = SeenFile("0:05, 2 channels")
    for _ in range(2):
        with StudioServer(show, port=0) as studio:
            until(lambda: call(studio, "GET", "/api/library")[1]["waits"] == 0, seconds=20)
            _, library = call(studio, "GET", "/api/library")
            abouts = {item["name"]: (item["about"], item["key"]) for item in library["items"]}
            assert abouts["song.wav"] == abouts["a.png"] == ("0:05, 2 channels", "")
    assert len([asked for asked in looks.asked if asked.kind == "song"]) == 1


def test_what_nobody_expects_ends_no_pictures(studio, looks, beside, monkeypatch):
    (beside / "bad.png").write_bytes(b"?")
    (beside / "good.png").write_bytes(b"?")
    look = looks.look

    def stumble(process: Any, question: LookAtFile, patience: float = 0) -> SeenFile:
        if question.path.endswith("bad.png"):
            raise UnicodeEncodeError("utf-8", "x", 0, 1, "no")
        return look(process, question, patience)

    looks.look = stumble

    def good() -> bool:
        items = call(studio, "GET", "/api/library?first=picture")[1]["items"]
        return next(item for item in items if item["name"] == "good.png")["has_picture"]

    assert until(good, seconds=20)


def test_what_makes_no_picture_is_not_tried_again_and_again(studio, looks, beside):
    (beside / "a.pkl").write_bytes(b"x")
    looks.seen = SeenFile(what="it is damaged")
    first = lambda: call(studio, "GET", "/api/library")[1]["items"][0]  # noqa: E731
    assert first()["what"] == "beside:a.pkl"
    until(lambda: first()["key"] == "", seconds=20)
    assert len([each for each in looks.asked if each.path.endswith("a.pkl")]) == 1


# What is brought


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("face.pkl", "network"),
        ("Face.PT", "network"),
        ("face.safetensors", "network"),
        ("clip.mp4", "film"),
        ("photo.JPG", "picture"),
        ("song.wav", "song"),
        ("my patch.ganz", "patch"),
    ],
)
def test_every_kind_of_file_finds_its_place(studio, looks, beside, name, kind):
    arrived = bring(studio, name, b"12345")
    assert (arrived["kind"], arrived["size"], arrived["about"], arrived["taken"]) == (kind, 5, "64 px", [])
    asked = looks.asked[-1]
    assert asked.kind == kind and Path(asked.path).suffix == Path(name).suffix.lower()
    assert call(studio, "GET", f"/api/library/uploads/{arrived['id']}/picture") == (200, JPEG)
    status, item = place(studio, arrived, "beside")
    assert status == 200 and item["kind"] == kind
    target = beside / item["what"].removeprefix("beside:")
    assert target.read_bytes() == b"12345"
    assert item["said"] == ("" if kind == "patch" else target.name)
    assert left_behind() == [] and not [path for path in beside.iterdir() if path.name.startswith(".")]
    assert place(studio, arrived, "beside")[0] == 404  # it has a place


def test_the_persons_folder_is_made_for_what_goes_there(studio, looks):
    arrived = bring(studio, "a.png", b"1")
    status, refused = place(studio, arrived, "beside")
    assert status == 422 and "no file yet" in refused["what"]
    status, item = place(studio, arrived, "mine", name="My picture")
    assert status == 200 and item["what"] == "mine:My picture.png" and item["has_picture"]
    assert (home_folder() / "My picture.png").read_bytes() == b"1"


def test_a_folder_that_is_away_is_not_made_again(studio, looks, beside):
    arrived = bring(studio, "a.png", b"1")
    away = beside.rename(beside.with_name("away"))
    status, refused = place(studio, arrived, "beside")
    assert status == 422 and "no such folder" in refused["what"] and not beside.exists()
    away.rename(beside)
    assert place(studio, arrived, "beside")[0] == 200


def test_nothing_is_written_over_unasked(studio, looks, beside):
    (beside / "a.png").write_bytes(b"old")
    arrived = bring(studio, "a.png", b"new")
    assert arrived["taken"] == ["beside"]
    status, refused = place(studio, arrived, "beside")
    assert status == 409 and "already" in refused["what"] and (beside / "a.png").read_bytes() == b"old"
    assert place(studio, arrived, "beside", name="b")[0] == 200
    assert (beside / "b.png").read_bytes() == b"new"
    again = bring(studio, "a.png", b"newer")
    assert place(studio, again, "beside", replace=True)[0] == 200
    assert (beside / "a.png").read_bytes() == b"newer"


def test_a_patch_replaces_none_and_a_link_is_not_followed(studio, looks, beside, tmp_path):
    arrived = bring(studio, "organ.ganz", b"# mine")
    status, refused = place(studio, arrived, "beside", replace=True)
    assert status == 422 and "never replaced" in refused["what"]
    assert (beside / "organ.ganz").read_text() == "out()"
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"theirs")
    (beside / "a.png").symlink_to(outside)
    assert place(studio, bring(studio, "a.png", b"new"), "beside", replace=True)[0] == 409
    assert outside.read_bytes() == b"theirs"


def test_a_damaged_file_is_refused_with_words_and_gone(studio, looks, beside):
    looks.seen = SeenFile(what="the file is cut off", hint="Get it again.")
    _, upload = announce(studio, "face.pkl", 3)
    status, refused = call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=b"abc")
    assert status == 422 and refused == {
        "kind": "notice",
        "what": "'face.pkl' cannot be used: the file is cut off",
        "hint": "Get it again.",
    }
    assert left_behind() == []


@pytest.mark.parametrize("kind", limits.LARGEST_FILES)
def test_what_is_too_large_is_refused_before_it_comes(studio, looks, kind):
    end = {"network": "pkl", "film": "mp4", "picture": "png", "song": "wav", "patch": "ganz"}[kind]
    status, refused = announce(studio, f"x.{end}", limits.LARGEST_FILES[kind] + 1)
    assert status == 413 and "at most" in refused["what"] and left_behind() == []


def test_more_or_less_than_was_said_is_refused(studio, looks):
    for said, sent in ((2, b"12345"), (9, b"12345")):
        _, upload = announce(studio, "a.png", said)
        status, _ = call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=sent)
        assert status in (413, 422) and left_behind() == []
        assert call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=sent)[0] == 404


@pytest.mark.parametrize("name", ["x.exe", "x.py", "x", "", "..", ".png", "x.png.sh"])
def test_what_is_no_file_of_the_library_is_refused(studio, looks, name):
    assert announce(studio, name, 3)[0] == 422


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\me\\a.png", "a.png"),
        ("a\x00b\r\n.png", "ab.png"),
        ('he said "hi"?.png', "he said _hi__.png"),
        ("con.png", "_con.png"),
        ("~root.png", "root.png"),
        ("\u202egnp.exe.png", "gnp.exe.png"),
        ("e\u0301.png", "\u00e9.png"),
        ("  . x . .png", "x.png"),
        ("x" * 300 + ".png", "x" * 80 + ".png"),
        ("\U0001f525" * 80 + ".png", "\U0001f525" * 49 + ".png"),
    ],
)
def test_names_are_made_safe(name, safe):
    assert places.safe_name(name) == safe


def test_a_name_stays_in_its_folder_whatever_the_page_says(studio, looks, beside):
    arrived = bring(studio, "a.png", b"1")
    status, item = place(studio, arrived, "beside", name="../../../x.sh")
    assert status == 200 and item["what"] == "beside:x.sh.png" and (beside / "x.sh.png").is_file()


def test_who_hangs_up_leaves_nothing_behind(studio, looks):
    _, upload = announce(studio, "film.mp4", 4 << 20)
    head = f"PUT /api/library/uploads/{upload['id']} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(studio)}\r\n"
    with socket.create_connection(("127.0.0.1", port_of(studio))) as raw:
        raw.sendall(f"{head}Content-Type: application/octet-stream\r\nContent-Length: {4 << 20}\r\n\r\n".encode())
        raw.sendall(b"x" * (3 << 20))
        until(lambda: sum(path.stat().st_size for path in left_behind()) > 0, seconds=20)
    until(lambda: left_behind() == [], seconds=20)
    assert call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=b"x")[0] == 404


def test_who_hangs_up_while_it_is_looked_at_leaves_nothing_behind(studio, looks):
    looks.waits_for = threading.Event()
    _, upload = announce(studio, "face.pkl", 3)
    head = f"PUT /api/library/uploads/{upload['id']} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(studio)}\r\n"
    with socket.create_connection(("127.0.0.1", port_of(studio))) as raw:
        raw.sendall(f"{head}Content-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc".encode())
        until(lambda: bool(looks.asked), seconds=20)
        assert len(left_behind()) == 1
    until(lambda: left_behind() == [], seconds=20)
    looks.waits_for.set()
    assert call(studio, "POST", f"/api/library/uploads/{upload['id']}", {"place": "mine"})[0] == 404


def test_what_is_cancelled_while_it_is_looked_at_holds_up_no_other(studio, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    silent = "import sys\nfor line in sys.stdin:\n    if '.pkl' in line: sys.stdin.read()\n    print('{}', flush=True)"
    service = studio._library
    service._checks.child.arguments = ("python3", "-S", "-c", silent)
    _, upload = announce(studio, "face.pkl", 3)
    head = f"PUT /api/library/uploads/{upload['id']} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(studio)}\r\n"
    with socket.create_connection(("127.0.0.1", port_of(studio))) as raw:
        raw.sendall(f"{head}Content-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc".encode())
        until(lambda: service.uploads._looked_at == upload["id"], seconds=20)
    assert bring(studio, "a.png", b"1")["kind"] == "picture"
    until(lambda: len(left_behind()) == 1, seconds=20)


def test_never_mind_and_a_studio_that_ends_leave_nothing_behind(show, looks):
    with StudioServer(show, port=0) as studio:
        arrived = bring(studio, "a.png", b"1")
        assert len(left_behind()) == 1
        assert call(studio, "DELETE", f"/api/library/uploads/{arrived['id']}")[0] == 200
        assert left_behind() == []
        bring(studio, "b.png", b"1")
    assert left_behind() == []


def test_who_sends_nothing_is_given_up(studio, looks, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_UPLOAD", 0.2)
    _, upload = announce(studio, "film.mp4", 1000)
    head = f"PUT /api/library/uploads/{upload['id']} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(studio)}\r\n"
    with socket.create_connection(("127.0.0.1", port_of(studio)), timeout=20) as raw:
        raw.sendall(f"{head}Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n".encode())
        assert b" 408 " in raw.recv(100)
    assert left_behind() == []


def test_who_sends_a_byte_now_and_then_keeps_nobody_out(looks, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_UPLOAD", 0.1)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    async def bring() -> None:
        uploads = Uploads(lambda asked: SeenFile())
        upload = uploads.announce("film.mp4", 10**9, owner="a link")
        with pytest.raises(RefusedFileError, match="too slowly"):
            await asyncio.wait_for(uploads.receive(upload.id, drip()), 10)

    asyncio.run(bring())
    assert left_behind() == []


def test_a_disk_without_room_is_told_before_anything_comes(studio, looks, monkeypatch):
    class Full:
        free = limits.FREE_DISK + 10

    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: Full)
    assert announce(studio, "a.png", 10)[0] == 200
    status, refused = announce(studio, "b.png", 10)  # the first has not come yet, and is counted
    assert status == 422 and "no room" in refused["what"]


def test_a_disk_that_fills_up_is_told_and_leaves_nothing_behind(studio, looks, beside, monkeypatch):
    arrived = bring(studio, "a.png", b"1")

    def full(source: Path, part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(places, "_copy", full)
    status, refused = place(studio, arrived, "beside")
    assert status == 422 and "the disk is full" in refused["what"]
    assert sorted(path.name for path in beside.iterdir()) == ["organ.ganz"]
    monkeypatch.undo()


def test_only_so_many_come_at_once(studio, looks):
    for number in range(limits.UPLOADS_AT_ONCE):
        assert announce(studio, f"{number}.png", 1)[0] == 200
    assert announce(studio, "more.png", 1)[0] == 429


def test_only_so_many_wait_for_a_place(studio, looks, monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS_WAITING", 3)
    for number in range(3):
        bring(studio, f"{number}.png", b"1")
    assert announce(studio, "more.png", 1)[0] == 429
    monkeypatch.setattr(limits, "UPLOAD_KEPT_SECONDS", -1.0)
    assert announce(studio, "more.png", 1)[0] == 200  # the others were forgotten
    assert left_behind() == []


def test_visitors_by_link_have_a_share_each_and_leave_places_to_who_is_here(looks):
    """However many there are, and whether their files are on their way or wait for a place."""
    uploads = Uploads(lambda asked: SeenFile())

    def announced(owner: str) -> Upload | None:
        try:
            return uploads.announce("a.png", 1, owner=owner)
        except RefusedFileError as error:
            assert error.status == 429
            return None

    def arrives(owner: str) -> bool:
        upload = announced(owner)
        if upload is not None:
            uploads._files[upload.id].state = "arrived"
        return upload is not None

    assert [bool(announced("ada")) for _ in range(4)] == [True, True, False, False]
    assert [bool(announced("bob")) for _ in range(2)] == [True, False], "all by link have a share together"
    assert announced(""), "who is here has a place"
    uploads.close()
    came = [arrives(f"guest {number}") for number in range(4) for _ in range(5)]
    assert came == [True, True, True, False, False, True, True, True, False, False, True, True] + 8 * [False]
    assert [arrives("") for _ in range(5)] == [True, True, True, True, False]
    uploads.close()


def test_forms_of_other_pages_are_no_questions(studio, looks):
    path = "/api/library/uploads"
    plain = {"content-type": "text/plain"}
    connection = http.client.HTTPConnection("127.0.0.1", port_of(studio), timeout=20)
    connection.request("POST", path, json.dumps({"name": "a.png", "size": 1}), plain)
    assert connection.getresponse().status == 415
    connection.close()
    said = {"name": "a.png", "size": 1}
    assert call(studio, "POST", path, said, origin="http://evil.example")[0] == 403
    assert call(studio, "POST", path, said, host="evil.example")[0] == 403
    assert call(studio, "POST", path, {"name": "a.png", "size": 1, "more": 1})[0] == 400
    assert call(studio, "POST", path, {"name": "a" * limits.LARGEST_QUESTION + ".png", "size": 1})[0] == 413


@pytest.fixture
def shared(show: FakeShow, looks: FakeLooks, tmp_path: Path) -> Iterator[tuple[StudioServer, Links]]:
    links = Links(tmp_path / "links.json")
    with StudioServer(show, port=0, links=links) as server:
        yield server, links


def test_only_who_may_play_sees_the_library_and_brings_files(shared):
    studio, links = shared
    said = {"name": "a.png", "size": 1}
    for role in ("watch", "output"):
        token = f"Bearer {links.token(role)}"
        assert call(studio, "GET", "/api/library", authorization=token)[0] == 403
        assert call(studio, "POST", "/api/library/uploads", said, authorization=token)[0] == 403
    assert call(studio, "POST", "/api/library/uploads", said)[0] == 401
    token = f"Bearer {links.token('play')}"
    assert call(studio, "POST", "/api/library/uploads", said, authorization=token)[0] == 200


def test_a_play_link_cannot_fill_the_places_of_who_plays_here(shared):
    studio, links = shared
    here = {"authorization": f"Bearer {links.token('play')}"}
    away = {**here, "forwarded": "for=192.0.2.1"}
    said, path = {"name": "a.png", "size": 1}, "/api/library/uploads"
    statuses = [call(studio, "POST", path, said, **away)[0] for _ in range(20)]
    assert statuses == [200, 200] + [429] * 18
    assert call(studio, "POST", path, said, **here)[0] == 200


def test_files_by_link_come_at_a_rate(shared, monkeypatch):
    studio, links = shared
    service = studio._library.uploads
    spent: list[int] = []
    monkeypatch.setattr(service._linked, "spend", spent.append)
    token = {"authorization": f"Bearer {links.token('play')}", "forwarded": "for=192.0.2.1"}
    _, upload = call(studio, "POST", "/api/library/uploads", {"name": "a.png", "size": 4}, **token)
    assert call(studio, "PUT", f"/api/library/uploads/{upload['id']}", raw=b"1234", **token)[0] == 200
    assert sum(spent) == 4


# What is done with it


def test_which_lines_would_not_fit_is_asked_of_a_process(studio, show, looks):
    looks.fits = Fitting((UnfitLine(7, 'face.bend("b64")', "the network has no layer 'b64'", ("b64",)),))
    status, fitting = call(studio, "POST", "/api/library/try", {"what": "shipped:orbits", "node": "face"})
    assert status == 200 and fitting["lines"][0]["line"] == 7
    assert looks.asked[-1] == TryNetwork(show.now.patch_text, "", "face", "orbits")
    status, refused = call(studio, "POST", "/api/library/try", {"what": "beside:../x.pkl", "node": "face"})
    assert status == 422 and "any more" in refused["what"]


def test_a_song_is_heard(studio, show, looks, beside):
    (beside / "song.wav").write_bytes(b"x")
    assert call(studio, "POST", "/api/library/listen", {"what": "beside:song.wav"})[0] == 200
    assert show.done == [("hear", beside / "song.wav")]
    (beside / "clip.mp4").write_bytes(b"x")
    assert call(studio, "POST", "/api/library/listen", {"what": "beside:clip.mp4", "kind": "film"})[0] == 200
    assert show.done[-1] == ("hear", beside / "clip.mp4")
    show.refuses = GanzfeldError("a take is being recorded")
    status, refused = call(studio, "POST", "/api/library/listen", {"what": "beside:song.wav"})
    assert status == 422 and "take" in refused["what"]


# The process that looks


def test_the_real_process_says_what_is_in_files(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    process = looking.LookingProcess()
    try:
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "a.png")
        seen = process.look(LookAtFile(str(tmp_path / "a.png"), "picture", 20))
        assert seen.about == "60 × 40 px" and Image.open(io.BytesIO(seen.jpeg)).size == (30, 20)
        (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
        assert process.look(LookAtFile(str(tmp_path / "b.png"), "picture", 20)).what
        seen = process.look(LookAtFile(str(SHIPPED["orbits"].path), "network", 64))
        assert seen.about.startswith("stylegan3") and Image.open(io.BytesIO(seen.jpeg)).size == (64, 64)
        assert not (tmp_path / "cache" / "networks").exists()  # it was merely looked at
        text = 'face = network("planets")\nface.bend("b64", rotate=3)\nface.show("b16")\nout(face)\n'
        fitting = process.fitting(TryNetwork(text, "", "face", "orbits"))
        assert [(line.line, line.names) for line in fitting.lines] == [(2, ("b64",)), (3, ("show",))]
        assert process.fitting(TryNetwork(text, "", "face", "flowers")) == Fitting()
    finally:
        process.close()
    assert process.child.process is None


def test_a_question_that_nobody_reads_holds_up_nothing():
    child = AskedChild(("python3", "-S", "-c", "import time; time.sleep(60)"), idle=60, longest=100)
    asking = threading.Thread(target=child.ask, args=(b"x" * 300_000, 60))
    asking.start()
    until(lambda: child.process is not None, seconds=20)
    child.close()
    asking.join(20)
    assert not asking.is_alive() and child.ask(b"", 1) is None


def test_a_process_that_dies_of_a_file_is_a_word_about_the_file(monkeypatch):
    monkeypatch.setattr(looking, "ARGUMENTS", ("python3", "-S", "-c", "import sys; sys.stdin.readline()"))
    process = looking.LookingProcess()
    with pytest.raises(GanzfeldError, match="could not be looked at"):
        process.look(LookAtFile("x", "picture"))
    process.close()


def test_what_a_process_left_that_was_ended_is_removed(monkeypatch, tmp_path):
    """Half a large network fills the disk, if it can be brought again and again."""
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    leaves = (
        "import os, pathlib; p = pathlib.Path(os.environ['GANZFELD_CACHE']) / 'library' / f'looking-{os.getpid()}-ab';"
        "p.mkdir(parents=True); (p / 'half.safetensors').write_bytes(bytes(9)); input()"
    )
    own = tmp_path / "library" / f"looking-{os.getpid()}-cd"
    own.mkdir(parents=True)
    process = looking.LookingProcess()
    process.child.arguments = (sys.executable, "-S", "-c", leaves)
    with pytest.raises(GanzfeldError, match="could not be looked at"):
        process.look(LookAtFile("/x.pkl", "network"), patience=20)
    process.close()
    assert list((tmp_path / "library").iterdir()) == [own], "who lives still works there"
