"""`ganzfeld doctor`: every check is made, none can end it, and what is essential decides its exit code."""

from __future__ import annotations

import json
import os
import re
import socket
import tomllib
from pathlib import Path

import torch

from command_line import exit_code
from ganzfeld.cli._doctor.finding import Finding
from ganzfeld.cli._doctor.python import NEEDED
from ganzfeld.cli.doctor import CHECKS, examine
from ganzfeld.studio import server


def test_what_doctor_imports_is_what_the_package_needs():
    told = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[<>=~ ;\[]", line)[0] for line in told["project"]["dependencies"]}
    # Those have checks of their own, or nothing could be shown without them.
    assert {"pillow" if name == "PIL" else name for name in NEEDED} == needed - {"torch", "av", "typer", "rich"}


def test_doctor_looks_at_everything_and_nothing_essential_is_broken(capsys):
    assert exit_code("doctor", "--json") == 0
    findings = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in findings] == list(CHECKS)
    by_name = {finding["name"]: finding for finding in findings}
    assert by_name["PyTorch"]["found"].startswith(torch.__version__)
    assert "x264" in by_name["video"]["found"] and by_name["video"]["state"] == "works"
    assert os.environ["GANZFELD_CACHE"] in by_name["cache"]["found"]
    for finding in findings:
        assert finding["found"] and "Error: " not in finding["found"], "a check fell over"
        assert finding["state"] == "works" or finding["do"] or finding["name"] == "Triton"
    assert exit_code("doctor") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in CHECKS)


def test_doctor_survives_a_check_that_raises_and_fails_for_what_is_essential(monkeypatch, capsys):
    def raises():
        raise RuntimeError("the driver\nis confused")

    monkeypatch.setitem(CHECKS, "sound", raises)
    assert Finding("sound", "missing", "RuntimeError: the driver") in examine()
    assert exit_code("doctor") == 0
    monkeypatch.setitem(CHECKS, "packages", lambda: ("broken", "not usable: numpy", "Install it"))
    assert exit_code("doctor") == 1
    assert "→ Install it" in capsys.readouterr().out


def test_doctor_finds_a_taken_port_and_a_bad_cache(monkeypatch, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(server, "PORT", port)
        found = {finding.name: finding for finding in examine()}["port"]
        assert f"{port} is taken" in found.found and found.state == "works"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "file"))
    assert {finding.name: finding.state for finding in examine()}["cache"] == "broken"
