"""`show-config` shows everything that is set and where it came from, but no secret."""

from __future__ import annotations

import json

import pytest

from live_trader.edge.settings import LEAVES
from live_trader.verbs.door import enter


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a file, a `.env` and an environment that each set something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADER__SERVER__TOKEN", "wolfram-hides-here")
    (tmp_path / "instant_trader.toml").write_text('[farm]\ntickers = ["AUDUSD M1"]\n')
    (tmp_path / ".env").write_text("threshold=0.25\n")
    return tmp_path


def test_as_json(here, capsys):
    """One object on standard output with every key, its value and its origin."""
    assert enter(["show-config", "--json", "--work-path", "elsewhere"]) == 0
    said = capsys.readouterr()
    shown = json.loads(said.out)["settings"]
    assert set(shown) == set(LEAVES)
    assert shown["farm.tickers"] == {"value": ["AUDUSD M1"], "from": "instant_trader.toml"}
    assert shown["farm.threshold"] == {"value": 0.25, "from": ".env"}
    assert shown["farm.work_path"] == {"value": "elsewhere", "from": "command line"}
    assert shown["server.token"] == {"value": "(hidden)", "from": "environment"}
    assert shown["demo.seed"]["from"] == "default"
    assert "wolfram" not in said.out + said.err


def test_for_a_person(here, capsys):
    """One line for each key; the secret is hidden here, too."""
    assert enter(["show-config"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == len(LEAVES)
    assert "wolfram" not in said


def test_what_cannot_be_is_one_sentence(here, capsys):
    """A setting that cannot be ends with exit code 4 and nothing on standard output."""
    (here / ".env").write_text("treshold=0.3")
    assert enter(["show-config", "--json"]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "instant-trader: .env: there is no setting 'treshold'. Did you mean threshold?\n"


def test_a_config_that_is_not_there(here, capsys):
    """A named file must exist."""
    assert enter(["show-config", "--config", "none.toml"]) == 4
    assert "none.toml cannot be read" in capsys.readouterr().err
