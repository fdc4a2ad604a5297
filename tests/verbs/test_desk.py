"""The verbs of the desk and of the proof, where there is nothing to show, and where there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from live_trader.edge.journal import parts
from live_trader.verbs.door import enter
from tests.farm.desk.market import Account, facts


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["positions"], 3, "no desk has ever kept a journal"),
        (["panic", "--yes"], 3, "nothing is held"),
        (["replay"], 1, "there is no journal"),
        (["parity"], 1, "the store"),
        (["export", "--out", "out"], 1, "the store"),
    ],
)
def test_where_no_desk_ever_traded_each_verb_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], code: int, sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert enter([*words, "--work-path", str(tmp_path / "work")]) == code
    assert sentence in capsys.readouterr().err


def test_positions_panic_and_replay_of_a_desk_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    account = Account(tmp_path / "work" / "desk")
    account.run(facts(4))
    assert account.working
    say = ["--work-path", str(tmp_path / "work"), "--json"]
    assert enter(["positions", *say]) == 0
    held = json.loads(capsys.readouterr().out)
    assert held["positions"]
    assert enter(["panic", "--yes", *say]) == 0
    told = capsys.readouterr()
    assert "will be told when the desk starts again" in told.err
    done = json.loads(told.out)
    assert (done["state"], done["left"], done["ended"]) == ("HALTED", 0, None)
    assert done["server_told"] is False
    assert enter(["positions", *say]) == 0
    after = json.loads(capsys.readouterr().out)
    assert (after["state"], after["positions"], after["orders"]) == ("HALTED", [], [])
    assert enter(["replay", *say]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True


def test_a_panic_that_leaves_something_open_says_so_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADER__DESK__PAPER__REJECTED", "1.0")
    account = Account(tmp_path / "work" / "desk")
    held = account.run(facts(4)).book.held
    assert enter(["panic", "--yes", "--work-path", str(tmp_path / "work"), "--json"]) == 6
    told = capsys.readouterr()
    assert f"{len(held)} positions are still held" in told.err
    assert (json.loads(told.out)["state"], json.loads(told.out)["left"]) == ("HALTED", len(held))


def test_a_panic_asks_first_and_no_is_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    account = Account(tmp_path / "work" / "desk")
    desk = account.run(facts(4))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert enter(["panic", "--work-path", str(tmp_path / "work")]) == 130
    capsys.readouterr()
    assert account.run([]).book == desk.book
    assert len(parts(account.folder)) == 1
