"""A strategy in a file of one's own: found, made, and refused with a sentence that helps."""

from pathlib import Path

import pytest

from live_trader.core.bars import Timeframe
from live_trader.core.strategies.crossing import SmaCross
from live_trader.core.strategies.registry import make
from live_trader.edge.homemade import own, strategy
from live_trader.errors import BadSettings

MINE = """
from dataclasses import dataclass

from live_trader.core.rolling import shift
from live_trader.core.strategies.chartist import Chartist, signs


@dataclass(frozen=True)
class Momentum(Chartist):
    bars: int = 10

    @property
    def memory(self):
        return self.bars + 1

    def wishes(self, tape):
        before = shift(tape.close, self.bars)
        return signs(tape.close > before, tape.close < before)
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.py"
    path.write_text(text)
    return str(path)


def test_a_name_is_a_strategy_of_the_house() -> None:
    assert strategy("sma_cross") is SmaCross


def test_a_file_is_a_strategy_with_its_parameters(tmp_path: Path) -> None:
    kind = strategy(written(tmp_path, MINE))
    assert make(kind, Timeframe.M1, {"bars": "7"}).memory == 8


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    assert make(strategy(written(tmp_path, MINE)), Timeframe.M1, {}).memory == 11
    assert make(strategy(written(tmp_path, MINE.replace("= 10", "= 20"))), Timeframe.M1, {}).memory == 21


def test_one_of_several_is_named_after_a_colon(tmp_path: Path) -> None:
    path = written(
        tmp_path, MINE + "\n\n@dataclass(frozen=True)\nclass Other(Momentum):\n    bars: int = 3\n"
    )
    assert make(strategy(f"{path}:Other"), Timeframe.M1, {}).memory == 4
    with pytest.raises(BadSettings, match="2 strategies"):
        strategy(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 strategies"),
        ("x = ", "cannot be loaded"),
        ("import nowhere_to_be_found", "cannot be loaded"),
        ("class Thing:\n    pass\n", "0 strategies"),
    ],
)
def test_a_file_without_a_strategy_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        strategy(written(tmp_path, text))


def test_settings_give_files_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = own(["dip = mine.py:Dip", "rise=/other/one.py"])
    assert found == {"dip": f"{tmp_path / 'mine.py'}:Dip", "rise": "/other/one.py"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine.py"], "is not a name with a file"),
        (["dip ="], "is not a name with a file"),
        (["dip = mine.txt"], "is not a name with a file"),
        (["donchian = mine.py"], "there is a strategy donchian already"),
        (["dip = a.py", "dip = b.py"], "there is a strategy dip already"),
    ],
)
def test_names_that_cannot_be_given_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        own(words)


def test_a_missing_file_or_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        strategy(str(tmp_path / "none.py"))
    with pytest.raises(BadSettings, match="There are: Momentum"):
        strategy(written(tmp_path, MINE) + ":Nope")
