"""Back-tests from the command line: files a person can open, JSON a program can read, and refusals."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.edge.tapes import write
from live_trader.edge.wire import classic
from live_trader.errors import BadSettings
from live_trader.verbs.backtest import backtest


def walk(symbol: str, seed: int, length: int = 4000, timeframe: Timeframe = Timeframe.M5) -> Tape:
    random = np.random.default_rng(seed)
    close = np.round(1.2 + np.cumsum(random.normal(0, 0.0005, length)), 5)
    open_ = np.concatenate((close[:1], close[:-1]))
    times = timeframe.seconds * (1_577_836_800 // timeframe.seconds + np.arange(length, dtype=np.int64))
    high, low = np.maximum(open_, close) + 0.0002, np.minimum(open_, close) - 0.0002
    return Tape(Ticker(symbol, timeframe), times, open_, high, low, close, np.full(length, 10.0))


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tapes")
    for seed, symbol in enumerate(("EURUSD", "GBPUSD")):
        write(folder / f"{symbol}_M5.csv.gz", walk(symbol, seed))
    return folder


def ask(tmp_path: Path, *words: str, settings: str = "") -> Result:
    common = ("--work-path", str(tmp_path / "work"), "--config", str(tmp_path / "none.toml"))
    (tmp_path / "none.toml").write_text(settings)
    return CliRunner().invoke(backtest, [*common, *words], catch_exceptions=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_run_leaves_its_trades_equity_factors_summary_report_and_portfolio(
    tmp_path: Path, tapes: Path
) -> None:
    out = tmp_path / "out"
    done = ask(
        tmp_path,
        "--json",
        "--tape",
        str(tapes / "EURUSD_M5.csv.gz"),
        "--strategy",
        "donchian",
        "--out",
        str(out),
    )
    facts = json.loads(done.stdout)
    (run,) = facts["runs"]
    trades = rows(out / "trades.csv")
    assert run["performance"]["trades"] == len(trades) > 20
    assert run["run"] == "donchian EURUSD M5"
    net = sum(Decimal(each["profit"]) for each in trades)
    assert float(net) == pytest.approx(run["performance"]["net_profit"])
    equity = rows(out / "equity.csv")
    assert float(equity[-1]["equity"]) == pytest.approx(100_000 + float(net), abs=0.01)
    factors = rows(out / "factors.csv")
    assert [each["id"] for each in factors] == [each["id"] for each in trades]
    assert [each["profit_loss_quote"] for each in factors] == [each["profit"] for each in trades]
    assert list(factors[0])[2:5] == ["n10_highrel", "n10_lowrel", "n10_openrel"]
    assert json.loads((out / "summary.json").read_text())["runs"] == facts["runs"]
    assert run["fingerprint"] in (out / "report.html").read_text()
    assert sorted(facts["files"]) == sorted(str(path) for path in out.iterdir())
    assert classic.portfolio((out / "portfolio.json").read_bytes()).allocations[0].weight == 1.0


def test_a_grid_is_told_run_by_run_and_as_one_portfolio(tmp_path: Path, tapes: Path) -> None:
    out = tmp_path / "out"
    words = [
        "--json",
        "--processes",
        "1",
        "--weights",
        "risk-parity",
        "--rebalance",
        "week",
        "--out",
        str(out),
    ]
    for name in ("EURUSD", "GBPUSD"):
        words += ["--tape", str(tapes / f"{name}_M5.csv.gz")]
    done = ask(tmp_path, *words, "--timeframe", "M5,M15", "--param", "fast=4,8")
    facts = json.loads(done.stdout)
    names = [run["run"] for run in facts["runs"]]
    assert len(names) == len(set(names)) == 8
    assert sum(facts["weights"].values()) == pytest.approx(1.0)
    assert set(facts["portfolio"]) >= {"sharpe", "drawdown", "total_return"}
    assert {each["run"] for each in rows(out / "trades.csv")} == set(names)
    assert rows(out / "portfolio-equity.csv")[-1]["run"] == "portfolio"
    reading = classic.portfolio((out / "portfolio.json").read_bytes())
    assert not reading.skipped
    assert sum(each.weight for each in reading.allocations) == pytest.approx(1.0)
    assert {str(each.ticker) for each in reading.allocations} == {
        "EURUSD M5",
        "EURUSD M15",
        "GBPUSD M5",
        "GBPUSD M15",
    }


def test_each_run_can_have_files_of_its_own(tmp_path: Path, tapes: Path) -> None:
    out = tmp_path / "out"
    ask(
        tmp_path,
        *("--tape", str(tapes / "EURUSD_M5.csv.gz"), "--strategy", "trend", "--strategy", "reversal"),
        *("--separate", "--processes", "1", "--out", str(out)),
    )
    names = {path.name for path in out.glob("trades*.csv")}
    assert names == {"trades-trend_EURUSD_M5.csv", "trades-reversal_EURUSD_M5.csv"}


def test_a_shared_account_is_one_result(tmp_path: Path, tapes: Path) -> None:
    out = tmp_path / "out"
    done = ask(
        tmp_path,
        *("--json", "--shared", "--tape", str(tapes / "EURUSD_M5.csv.gz"), "--param", "fast=4,8"),
        *("--weight", "sma_cross(fast=4) EURUSD M5=0.7", "--weight", "sma_cross(fast=8) EURUSD M5=0.3"),
        *("--out", str(out), "--from", "2020-01-02", "--to", "2020-01-08"),
    )
    facts = json.loads(done.stdout)
    assert facts["weights"] == {"sma_cross(fast=4) EURUSD M5": 0.7, "sma_cross(fast=8) EURUSD M5": 0.3}
    trades = rows(out / "trades.csv")
    assert len(trades) == facts["performance"]["trades"] > 10
    factors = rows(out / "factors.csv")
    assert [each["id"] for each in factors] == [each["id"] for each in trades]
    assert [each["profit_loss_quote"] for each in factors] == [each["profit"] for each in trades]
    entries = json.loads((out / "portfolio.json").read_text())
    assert [each["weight"] for each in entries] == [0.7, 0.3]
    report = (out / "report.html").read_text()
    assert "2 strategies on one account" in report
    assert all(name in report for name in facts["weights"])
    assert all("2020-01-02" <= each["entry_time"] < "2020-01-08T00:00:01" for each in trades)


def test_a_person_reads_a_table(tmp_path: Path, tapes: Path) -> None:
    done = ask(tmp_path, "--tape", str(tapes / "EURUSD_M5.csv.gz"))
    assert "net profit" in done.stdout
    assert "sma_cross EURUSD M5" in done.stdout


def test_a_strategy_of_ones_own_is_a_file(tmp_path: Path, tapes: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "import numpy as np\n"
        "from live_trader.core.strategies.chartist import Chartist\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Monday(Chartist):\n"
        "    memory = 2\n\n"
        "    def wishes(self, tape):\n"
        "        return np.where(tape.times // 86400 % 7 == 4, 1, 0).astype(np.int8)\n"
    )
    done = ask(tmp_path, "--json", "--tape", str(tapes / "EURUSD_M5.csv.gz"), "--strategy", str(path))
    (run,) = json.loads(done.stdout)["runs"]
    assert run["run"] == "mine EURUSD M5"
    assert run["performance"]["trades"] >= 2
    settings = f'[lab]\nstrategies = ["mondays = {path}:Monday"]\n'
    words = ("--json", "--tape", str(tapes / "EURUSD_M5.csv.gz"), "--strategy", "mondays")
    done = ask(tmp_path, *words, settings=settings)
    (named,) = json.loads(done.stdout)["runs"]
    assert named["run"] == "mondays EURUSD M5"
    assert named["performance"] == run["performance"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--strategy", "donchain"), "Did you mean donchian"),
        (("--param", "quick=3"), "has no parameter 'quick'"),
        (("--plan", "stop_atr=far"), "stop_atr=far"),
        (("--capital", "much"), "is no number"),
        (("--capital", "0"), "begins with 0"),
        (("--weights", "static", "--weight", "x=0.5", "--param", "fast=3,4"), "which is no run"),
        (("--weight", "nothing"), "is not a run with a weight"),
        (("--strategy", "sma_cross", "--strategy", "sma_cross"), "two runs are called"),
        (("--strategy", "bundle"), "no bundle of EURUSD M5 is deployed"),
    ],
)
def test_a_wrong_word_is_a_sentence(tmp_path: Path, tapes: Path, words: Any, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        ask(tmp_path, "--processes", "1", "--tape", str(tapes / "EURUSD_M5.csv.gz"), *words)
