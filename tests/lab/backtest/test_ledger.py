"""Trades and equity as columns: what the book says, in floats."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.book import Book, advance
from live_trader.core.events import BarSeen, Event
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.risk import Limits
from live_trader.core.sizing import Plan
from live_trader.lab.backtest import Entrant, Terms, run, stepwise
from live_trader.lab.backtest.ledger import columns, earned, equity

FEES = Market(fee_rate=Decimal("0.0001"), fee_fixed=Decimal("0.1"))


@pytest.mark.parametrize("fill_at", list(FillAt))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_equity_is_the_books_own_at_every_bar(
    walk: Callable[..., Tape],
    whim: Any,
    eurusd: Instrument,
    monkeypatch: pytest.MonkeyPatch,
    fill_at: FillAt,
    seed: int,
) -> None:
    marked: list[float] = []

    def watched(book: Book, event: Event) -> Any:
        book, commands = advance(book, event)
        if isinstance(event, BarSeen):
            marked.append(float(book.equity))
        return book, commands

    monkeypatch.setattr("live_trader.lab.backtest.stepping.advance", watched)
    terms = Terms(
        {"EURUSD": eurusd},
        limits=Limits(max_daily_loss=None),
        market=Market(fill_at=fill_at, fee_rate=Decimal("0.0001")),
    )
    entrant = Entrant("w", walk(seed, 600, gaps=0.05), whim(seed, 6), Plan())
    walked = stepwise([entrant], terms)
    found = equity([(entrant, walked.trades)], terms)
    assert len(walked.trades) > 20
    assert found.values[:-1] == pytest.approx(marked[:-1], abs=1e-6)
    assert found.values[-1] == pytest.approx(float(walked.cash), abs=1e-6)


def test_two_strategies_on_two_tapes_add_up(walk: Callable[..., Tape], whim: Any, eurusd: Instrument) -> None:
    terms = Terms({"EURUSD": eurusd}, market=FEES)
    short, long = walk(1, 600), walk(1, 200, timeframe=Timeframe.M3)
    entrants = [
        Entrant("a", short, whim(1), Plan(), Decimal("0.5")),
        Entrant("b", long, whim(2), Plan(), Decimal("0.5")),
    ]
    walked = stepwise(entrants, terms)
    runs = [(each, [t for t in walked.trades if t.slot == each.slot]) for each in entrants]
    assert all(trades for _, trades in runs)
    found = equity(runs, terms)
    assert found.values[-1] == pytest.approx(float(walked.cash))
    assert np.all(np.diff(found.times) > 0)
    assert len(found.times) == len(set(short.times) | set(long.times))


def test_columns_are_told_in_the_accounts_money() -> None:
    times = 60 * np.arange(40, dtype=np.int64) + 1_600_000_000 // 60 * 60
    close = 100.0 + np.arange(40.0)
    tape = Tape(Ticker("USDJPY", Timeframe.M1), times, close, close + 0.5, close - 0.5, close, close)
    yen = Instrument(
        symbol="USDJPY",
        currency="JPY",
        tick=Decimal("0.1"),
        lot=Decimal(1),
        minimum=Decimal(1),
        multiplier=Decimal(3),
    )
    terms = Terms({"USDJPY": yen}, rates={"JPY": Decimal("0.01")})

    class Long:
        """Always long."""

        memory = 20

        def decide(self, window: Any) -> Any:
            from live_trader.core.strategies.chartist import decision

            return decision(1)

        def prepare(self, window: Any) -> None:
            """Nothing to prepare."""

    entrant = Entrant("w", tape, Long(), Plan(stop_atr=None, target_ratio=None))
    (trade,) = run(entrant, terms).trades
    table = columns([trade], terms)
    assert table.quantity[0] == pytest.approx(float(trade.quantity) * 3 * 0.01)
    assert table.profit[0] == pytest.approx((table.exit[0] - table.entry[0]) * table.quantity[0])
    assert earned(entrant, [trade], terms)[-1] == pytest.approx(table.profit[0])
    assert trade.reason == "end"
