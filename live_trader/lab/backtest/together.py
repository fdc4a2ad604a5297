"""Several back-tests on one account, where each meets what the others hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from live_trader.core.outcome import Equity
from live_trader.core.performance import Performance, measure
from live_trader.core.positions import Trade
from live_trader.lab.backtest.grid import Task, entrant
from live_trader.lab.backtest.ledger import columns, equity
from live_trader.lab.backtest.observed import Table, at_entries
from live_trader.lab.backtest.setting import Entrant, fingerprint
from live_trader.lab.backtest.stepping import stepwise


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """What came of one account that many strategies shared, with the factors at the entry of each trade."""

    trades: tuple[Trade, ...]
    refused: Mapping[str, int]
    performance: Performance
    equity: Equity
    factors: Mapping[int, Table] | None

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.trades)


def together(asked: Sequence[Task], weights: Mapping[str, float]) -> Together:
    """All of these tasks bar by bar on one account, each with its weight, under the first task's terms."""
    terms = asked[0].terms
    entrants = [entrant(task, Decimal(repr(weights[task.name]))) for task in asked]
    walked = stepwise(entrants, terms)
    runs = [(each, [trade for trade in walked.trades if trade.slot == each.slot]) for each in entrants]
    worth = equity(runs, terms)
    done = measure(columns(walked.trades, terms), worth)
    return Together(walked.trades, walked.refused, done, worth, _factors(runs, asked[0].cache))


def _factors(
    runs: Sequence[tuple[Entrant, Sequence[Trade]]], cache: Path | None
) -> Mapping[int, Table] | None:
    if cache is None:
        return None
    return {
        trade.id: row
        for each, trades in runs
        for trade, row in zip(trades, at_entries(each.tape, trades, cache), strict=True)
    }
