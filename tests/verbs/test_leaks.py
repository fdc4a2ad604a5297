"""The verb for leaks finds none in the house, proves itself on the zoo, and tells people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from live_trader.verbs.door import enter


def test_the_house_has_no_leak_and_the_zoo_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["leaks", "--zoo", "--indicators", "rsi,macd,bbands", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["leaks"] == []
    assert facts["indicators"] == 3
    assert facts["caught"] >= 0.95 * facts["zoo"] >= 30
    assert facts["false_alarms"] == 0


def test_a_person_reads_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["leaks", "--indicators", "none"]) == 0
    assert capsys.readouterr().out == "0 indicators and the steps of a training examined: 0 leaks\n"


def test_bars_of_ones_own_can_be_given_and_too_few_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"2024-01-01T00:{minute:02}:00Z,1,1.1,0.9,1,5" for minute in range(0, 60, 5)]
    bars = tmp_path / "few.csv"
    bars.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    assert enter(["leaks", "--bars", str(bars), "--indicators", "sma"]) == 1
    assert "EURUSD M5 has 12 bars: too few" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--indicators", "rsy"], ["--timeframe", "M7"]])
def test_unknown_names_are_refused_with_a_sentence(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(["leaks", *wrong]) in (1, 4)
    assert "is not a" in capsys.readouterr().err
