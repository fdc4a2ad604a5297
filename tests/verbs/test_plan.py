"""`plan` says what this machine carries, from what it measures on it."""

from __future__ import annotations

import json

from live_trader.verbs.door import enter


def test_what_is_said_follows_from_what_was_measured(capsys, tmp_path, monkeypatch):
    """One object; the tickers fit into the free memory and into half of the processors' time."""
    monkeypatch.chdir(tmp_path)
    assert enter(["plan", "--json", "--timeframe", "M5"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["timeframe"] == "M5"
    assert 1 < said["worker_mb"] < 100
    assert said["worker_ms"] > 0
    assert said["server_ms"] > 0
    assert said["tickers"] * (said["worker_mb"] - 0.05) <= said["free_mb"]
    assert said["tickers"] * (said["worker_ms"] + said["server_ms"]) / 1000 <= 0.51 * said["cores"] * 300
    assert said["limit"] in ("memory", "processors")
    assert list(tmp_path.iterdir()) == []


def test_a_timeframe_nobody_knows(capsys):
    """It is refused before anything is measured."""
    assert enter(["plan", "--timeframe", "M7"]) != 0
    assert "M7" in capsys.readouterr().err
