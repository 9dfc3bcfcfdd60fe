"""`ganzfeld bench` measures every inner size, and says which one holds the rate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganzfeld.cli import main


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return 0 if ended.value.code is None else int(ended.value.code)


def test_every_size_is_measured(small_network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", small_network, "--device", "cpu", "--seconds", 0.1, "--fps", 1, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["size"] for row in told["sizes"]] == [32], "a network this small has one size worth having"
    row = told["sizes"][0]
    assert 0 < row["ms"] <= row["worst_ms"]
    assert row["fps"] == pytest.approx(920 / row["ms"])
    assert told["holds"] == 32
    assert "cpu" in told["device"]


def test_smaller_sizes_are_offered(
    small_network: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganzfeld.cli.bench as module

    monkeypatch.setattr("ganzfeld.cli.bench.SMALLEST", 8)
    costs = {32: 30.0, 16: 15.0, 8: 8.0}
    real = module._at_size

    def at_size(patch: str, device: str, seconds: float):
        size = next((size for size in (16, 8) if f"resolution={size}" in patch), 32)
        assert real(patch, device, 0.05)["ms"] > 0, "each size plays"
        return {"ms": costs[size], "worst_ms": costs[size], "fps": 920 / costs[size]}

    monkeypatch.setattr(module, "_at_size", at_size)
    assert run("bench", small_network, "--device", "cpu") == 0
    said = capsys.readouterr().out
    assert "60 fps hold at 16 px" in said
    assert "hold(60)" in said
    assert run("bench", small_network, "--device", "cpu", "--fps", 30) == 0
    assert "30 fps hold at the full size, 32 px" in capsys.readouterr().out
    assert run("bench", small_network, "--device", "cpu", "--fps", 500) == 0
    assert "No size holds 500 fps" in capsys.readouterr().out


def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "nowhere.pkl") == 1
    assert run("bench", "planets", "--device", "cuda:17") == 1
    assert "cuda:17" in capsys.readouterr().err
