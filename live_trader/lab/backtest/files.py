"""What a back-test leaves on disk: trades, equity and factors as CSV, a summary as JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from live_trader.core.bars import epoch, moment
from live_trader.core.factors import NAMES
from live_trader.core.outcome import Equity
from live_trader.core.portfolio import Allocation
from live_trader.core.positions import Trade
from live_trader.core.signals import Coefficients
from live_trader.edge.wire.classic import spell_portfolio
from live_trader.lab.backtest.grid import Result, Task, models, thinned
from live_trader.lab.backtest.observed import Table
from live_trader.lab.backtest.setting import spelled
from live_trader.lab.backtest.together import Together

TRADE = (
    "run",
    "id",
    "symbol",
    "timeframe",
    "direction",
    "quantity",
    "entry_time",
    "entry_price",
    "exit_time",
    "exit_price",
    "stop",
    "target",
    "reason",
    "fees",
    "profit",
    "risked",
)
FACTOR = ("time", "id", *NAMES, "profit_loss_quote", "risked_quote", "run")
EQUITY = ("run", "time", "equity")


def save(folder: Path, results: Sequence[Result], *, separate: bool) -> list[Path]:
    """trades.csv, equity.csv and factors.csv of all runs, or of each run its own."""
    folder.mkdir(parents=True, exist_ok=True)
    if not separate:
        return _tables(folder, "", results)
    return [path for each in results for path in _tables(folder, f"-{slug(each.task.name)}", [each])]


def _tables(folder: Path, suffix: str, results: Sequence[Result]) -> list[Path]:
    tables = {
        "trades": (TRADE, (row for each in results for row in _trades(each.task.name, each.trades))),
        "equity": (EQUITY, (row for each in results for row in equity_rows(each.task.name, each.equity))),
    }
    if all(each.factors is not None for each in results):
        tables["factors"] = (FACTOR, (row for each in results for row in _factors(each)))
    return [written(folder / f"{name}{suffix}.csv", head, rows) for name, (head, rows) in tables.items()]


def shared(folder: Path, done: Together, facts: Mapping[str, Any]) -> list[Path]:
    """The trades, the equity and the factors of an account that many shared, and the facts about it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = (row for each in done.trades for row in _trades(each.slot, [each]))
    equity = equity_rows("account", thinned(done.equity))
    paths = [written(folder / "trades.csv", TRADE, rows), written(folder / "equity.csv", EQUITY, equity)]
    if done.factors is not None:
        found = (_factor_row(each.slot, each, done.factors[each.id]) for each in done.trades)
        paths.append(written(folder / "factors.csv", FACTOR, found))
    return [*paths, summary(folder / "summary.json", facts)]


def portfolio(path: Path, tasks: Iterable[Task], weights: Mapping[str, float], method: str) -> Path:
    """The weights as the file that `resetter.py --portfolio` takes; what has none is left out."""
    allocations = [
        Allocation(
            each.ticker,
            weights[each.name],
            Coefficients(dict.fromkeys(models(each), 1.0), {}),
            str(("BACKTEST", each.bot, method)),
        )
        for each in tasks
        if weights[each.name] > 0.0
    ]
    path.write_bytes(spell_portfolio(allocations) + b"\n")
    return path


def slug(name: str) -> str:
    """The name as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.=]+", "_", name).strip("_")


def written(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A CSV file with these rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    return path


def summary(path: Path, facts: Mapping[str, Any]) -> Path:
    """The facts as JSON for a person and a program."""
    path.write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def facts(result: Result) -> dict[str, Any]:
    """One run in words and numbers."""
    task = result.task
    return {
        "run": task.name,
        "symbol": task.ticker.symbol,
        "timeframe": task.ticker.timeframe.name,
        "strategy": task.strategy,
        "parameters": dict(task.parameters),
        "bars": result.bars,
        "bars_trained_on": result.taught,
        "from": _time(moment(result.first)),
        "to": _time(moment(result.last)),
        "performance": asdict(result.performance),
        "refused": dict(result.refused),
        "fingerprint": result.fingerprint,
        "bars_per_s": round(result.bars / result.seconds),
    }


def _trades(run: str, trades: Iterable[Trade]) -> Iterator[tuple[object, ...]]:
    for each in trades:
        yield (
            run,
            each.id,
            each.ticker.symbol,
            each.ticker.timeframe.name,
            each.direction.value,
            spelled(each.quantity),
            _time(each.opened),
            spelled(each.entry),
            _time(each.closed),
            spelled(each.exit),
            "" if each.stop is None else spelled(each.stop),
            "" if each.target is None else spelled(each.target),
            each.reason,
            spelled(each.fees),
            spelled(each.profit),
            spelled(each.risked),
        )


def equity_rows(run: str, equity: Equity) -> Iterator[tuple[object, ...]]:
    """The equity of one run, a row for each time."""
    for time, value in zip(equity.times.tolist(), equity.values.tolist(), strict=True):
        yield run, _time(moment(time)), f"{value:.2f}"


def _factors(result: Result) -> Iterator[tuple[object, ...]]:
    assert result.factors is not None
    for trade, row in zip(result.trades, result.factors, strict=True):
        yield _factor_row(result.task.name, trade, row)


def _factor_row(run: str, trade: Trade, row: Table) -> tuple[object, ...]:
    values = ["" if np.isnan(value) else f"{value:.7g}" for value in row.tolist()]
    return epoch(trade.opened), trade.id, *values, spelled(trade.profit), spelled(trade.risked), run


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
