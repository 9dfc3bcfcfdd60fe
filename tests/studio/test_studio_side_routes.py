"""What the page asks beside its WebSocket."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
from typing import Any

import msgspec
import pytest

from fake_show import FakeShow
from ganzfeld.errors import GanzfeldError
from ganzfeld.studio import machine, side_routes
from ganzfeld.studio.machine import DoorKindHere, Examined, MachineQuestion
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.inputs import Arrival, Inputs, SoundHeard
from hands_show import KnownOutputs


def ask(code: str, kind: Any = list[Examined], times: int = 1) -> Any:
    async def asked() -> Any:
        question: MachineQuestion[Any] = MachineQuestion((), kind, keep=60, command=(sys.executable, "-S", "-c", code))
        answers = await asyncio.gather(*(question.ask() for _ in range(times)))
        assert all(answer is answers[0] for answer in answers)
        return answers[0]

    return asyncio.run(asked())


def test_a_command_is_asked_once_for_all_who_ask_at_a_time() -> None:
    found = ask('import os; print(\'[{"name": "%d", "state": "works"}]\' % os.getpid())', times=5)
    assert found[0].state == "works"


@pytest.mark.parametrize("code", ["print('Traceback')", "import sys; sys.exit(3)", "print('[{\"name\": 1}]')"])
def test_an_answer_that_is_none_is_told(code: str) -> None:
    with pytest.raises(GanzfeldError, match="could not be looked at"):
        ask(code)


def test_it_does_not_wait_for_ever_nor_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(GanzfeldError, match="longer than"):
        ask("import time; time.sleep(60)")
    monkeypatch.setattr(machine, "PATIENCE_SECONDS", 20.0)
    monkeypatch.setattr(machine, "MOST_BYTES", 1000)
    with pytest.raises(GanzfeldError, match="more about itself"):
        ask("while True: print('x' * 1000)")


def get(studio: StudioServer, path: str) -> Any:
    with urllib.request.urlopen(studio.url + path, timeout=30) as answer:
        return json.load(answer)


def test_what_comes_in(studio: StudioServer, show: FakeShow) -> None:
    assert get(studio, "api/meters")["sound"] is None
    show.inputs_now = Inputs(
        osc="127.0.0.1:9000", arrivals=(Arrival("osc", "/push", "0.5", 60.0),), sound=SoundHeard(source="Scarlett")
    )
    assert msgspec.convert(get(studio, "api/meters"), Inputs) == show.inputs_now


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_routes, "outputs_here", KnownOutputs)


def test_where_pictures_can_go_from_here(known: None, studio: StudioServer) -> None:
    kinds = {kind["kind"]: kind for kind in get(studio, "api/outputs")["kinds"]}
    assert kinds["film"]["found"] == ["codec=h264  plays everywhere"]
    assert kinds["window"]["mend"] == "pip install glfw"


def test_the_command_says_it_in_these_words() -> None:
    from ganzfeld.cli.outputs import _facts
    from ganzfeld.outputs.doors.kinds.film import Film

    assert msgspec.convert(_facts(Film), DoorKindHere).kind == "film"


def test_no_picture_of_a_snapshot_is_a_plain_no(studio: StudioServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(studio, "api/snapshots/0123456789abcdef")
