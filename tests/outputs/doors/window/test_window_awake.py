"""What keeps a machine awake ends with us, and nothing fails where it cannot be had."""

from __future__ import annotations

import pytest

from ganzfeld.outputs.doors.window import awake
from ganzfeld.outputs.doors.window.awake import Awake
from waiting import until


@pytest.fixture(autouse=True)
def on_linux(monkeypatch):
    monkeypatch.setattr(awake.sys, "platform", "linux")


def test_helpers_run_until_it_is_closed(monkeypatch):
    monkeypatch.setattr(awake, "_LINUX", (("cat",), ("no-such-program-here", "cat")))
    keeps = Awake()
    (helper,) = keeps._helpers
    assert helper.poll() is None
    assert keeps.note == ""
    keeps.close()
    assert helper.poll() is not None
    keeps.close()


def test_helpers_end_when_we_do(monkeypatch):
    monkeypatch.setattr(awake, "_LINUX", (("cat",),))
    keeps = Awake()
    helper = keeps._helpers[0]
    helper.stdin.close()  # as the system does when a process is killed
    until(lambda: helper.poll() == 0)
    keeps.close()


def test_where_nothing_is_installed_it_says_so(monkeypatch):
    monkeypatch.setattr(awake.shutil, "which", lambda name: None)
    assert "may fall asleep" in Awake().note
