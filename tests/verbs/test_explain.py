"""Explain recomputes a stored signal with the same bits, and dashboard prints links that open once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from live_trader.edge.server.dashboard.sessions import Sessions
from live_trader.verbs.door import enter
from tests.edge.server.dashboard.stage import stage
from tests.edge.server.house import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = stage(tmp_path_factory.mktemp("explain"))
    yield found
    found.stop()


@pytest.fixture(autouse=True)
def settings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    root = house.folder.parent
    monkeypatch.chdir(root)
    text = f'[farm]\nwork_path = "{root / "work"}"\nmodels_path = "{root / "models"}"\n'
    address = f'[server]\naddress = "http://127.0.0.1:{house.port}/"\ntoken_file = "{root / "token"}"\n'
    (root / "token").write_text(house.tokens["read"])
    (root / "token").chmod(0o600)
    Path("instant_trader.toml").write_text(text + address)


def newest(house: House) -> dict[str, Any]:
    reply = house.ask("GET", "/v1/signals?symbol=AUDUSD&timeframe=M1&limit=1", holder="read")
    found: dict[str, Any] = reply.json["signals"][0]
    return found


def test_a_signal_is_worked_out_again_with_the_same_bits(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bars and bundle alone give the stored probabilities back, and what each feature added."""
    signal = newest(house)
    assert enter(["explain", str(signal["seq"]), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (model,) = told["models"]
    assert told["same"]
    assert [side["probability"] for side in model["sides"]] == list(
        signal["probabilities"][model["name"]].values()
    )
    assert {side["method"] for side in model["sides"]} == {"TreeSHAP"}


def test_a_person_reads_why(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names the features, the thresholds and whether the bits agree."""
    assert enter(["explain", str(newest(house)["seq"])]) == 0
    text = capsys.readouterr().out
    assert "The bits agree." in text
    assert "aroonosc_12" in text


def test_what_is_not_stored_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A number that no signal has is refused with where to look."""
    assert enter(["explain", "999999999"]) == 6
    assert "no signal number 999999999" in capsys.readouterr().err


def test_a_link_of_the_verb_opens_one_session(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key in the printed link is good once, for as much as was asked for."""
    monkeypatch.chdir(tmp_path)
    assert enter(["dashboard", "--read-only", "--json"]) == 0
    link = json.loads(capsys.readouterr().out)["link"]
    sessions = Sessions(tmp_path / "work_dir" / "server", house.hands)
    entered = sessions.enter(link.rsplit("/", 1)[1])
    assert entered is not None
    assert not entered[1].admin
    assert sessions.enter(link.rsplit("/", 1)[1]) is None
