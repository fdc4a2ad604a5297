"""An independent engine, backtesting.py, makes the same trades on the same tapes under the same fill rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from live_trader.core.bars import Tape, Ticker
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.risk import Limits
from live_trader.core.sizing import Plan
from live_trader.core.strategies.crossing import SmaCross
from live_trader.edge.tapes import read
from live_trader.lab.backtest import Entrant, Terms, run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy

REAL = Path(__file__).parents[4] / "shared" / "data"
FAST, SLOW, UNITS, FEE = 5, 12, 10, 0.0002
STOP, TARGET = 1.3717, 1.2319
"""Odd enough that no distance lies half way between two ticks, where their running sums would decide."""
TICK = 0.00001


def theirs(tape: Tape, stops: bool, at_close: bool, tick: float) -> list[tuple[Any, ...]]:
    """The trades of backtesting.py: side, when and at what price in and out, and the profit."""
    frame = pd.DataFrame(
        {"Open": tape.open, "High": tape.high, "Low": tape.low, "Close": tape.close},
        index=pd.to_datetime(tape.times, unit="s"),
    )
    before = frame.Close.shift()
    true_range = np.maximum(frame.High, before) - np.minimum(frame.Low, before)
    reach = STOP * true_range.rolling(14).mean()
    far, away = (reach / tick).round() * tick, (TARGET * reach / tick).round() * tick

    class Cross(Strategy):
        """Turns round at each cross, its stop and target cancelled when it leaves at the market."""

        def init(self) -> None:
            self.fast = self.I(lambda c: pd.Series(c).rolling(FAST).mean(), self.data.Close)
            self.slow = self.I(lambda c: pd.Series(c).rolling(SLOW).mean(), self.data.Close)

        def next(self) -> None:
            before, now = (round(self.fast[at] - self.slow[at], 9) for at in (-2, -1))
            sign = int(before < 0 < now) - int(now < 0 < before)
            at, close = len(self.data) - 1, self.data.Close[-1]
            if not sign or self.position.size * sign > 0 or (stops and not far.iloc[at] > 0):
                return
            for trade in self.trades:
                trade.sl = trade.tp = None
                trade.close()
            guard = {}
            if stops:
                guard = {
                    "sl": round(close - sign * far.iloc[at], 9),
                    "tp": round(close + sign * away.iloc[at], 9),
                }
            (self.buy if sign > 0 else self.sell)(size=UNITS, **guard)

    test = Backtest(
        frame, Cross, cash=1e9, commission=FEE, trade_on_close=at_close, finalize_trades=False, hedging=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = test.run()._trades
    return [
        (
            int(np.sign(row.Size)),
            row.EntryTime.timestamp(),
            row.ExitTime.timestamp(),
            row.EntryPrice,
            row.ExitPrice,
            row.PnL,
        )
        for row in found.sort_values(["ExitTime", "EntryTime"]).itertuples()
    ]


def ours(tape: Tape, stops: bool, at_close: bool, tick: float) -> list[tuple[Any, ...]]:
    """Our trades in the same words, but for what was still open at the end."""
    symbol, step = tape.ticker.symbol, tape.ticker.timeframe.seconds
    instrument = Instrument(
        symbol=symbol,
        currency="USD",
        tick=Decimal(str(tick)),
        lot=Decimal(1),
        minimum=Decimal(1),
        maximum=Decimal(UNITS),
    )
    guard = {"stop_atr": STOP, "target_ratio": TARGET} if stops else {"stop_atr": None, "target_ratio": None}
    market = Market(fee_rate=Decimal(str(FEE)), fill_at=FillAt.CLOSE if at_close else FillAt.OPEN)
    terms = Terms({symbol: instrument}, Decimal(10**9), limits=Limits(max_daily_loss=None), market=market)
    entrant = Entrant("x", tape, SmaCross(FAST, SLOW), Plan(risk=None, **guard))
    rows = []
    for trade in run(entrant, terms).trades:
        if trade.reason == "end":
            continue
        entered, left = trade.opened.timestamp(), trade.closed.timestamp()
        if at_close:  # they name the bar, we the moment it closed
            entered -= step
            left -= step if trade.reason == "opposite" else 0
        money = (float(trade.entry), float(trade.exit), float(trade.profit))
        rows.append((trade.direction.sign, entered, left, *money))
    return sorted(rows, key=lambda row: (row[2], row[1]))


def agree(tape: Tape, stops: bool, at_close: bool, tick: float, least: int) -> None:
    """The same trades, bar for bar and price for price."""
    mine, yours = ours(tape, stops, at_close, tick), theirs(tape, stops, at_close, tick)
    assert len(mine) > least
    assert [row[:3] for row in mine] == [row[:3] for row in yours]
    assert np.array([row[3:] for row in mine]) == pytest.approx(
        np.array([row[3:] for row in yours]), abs=1e-6
    )


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_random_tapes_at_the_next_open(walk: Callable[..., Tape], seed: int, stops: bool) -> None:
    agree(walk(seed, 2500), stops, False, TICK, 100)


@pytest.mark.parametrize("seed", [4, 5])
def test_on_random_tapes_at_the_close(walk: Callable[..., Tape], seed: int) -> None:
    agree(walk(seed, 2500), False, True, TICK, 100)


@pytest.mark.parametrize(
    ("name", "ticker", "tick"),
    [
        ("AUDUSD_H1.csv.gz", "AUDUSD H1", 0.00001),
        ("USDJPY_H1.csv.gz", "USDJPY H1", 0.001),
        ("GBPUSD_M1_bid.csv.gz", "GBPUSD M1", 0.00001),
        ("BTCPERP_M1.csv.gz", "BTCPERP M1", 1.0),
    ],
)
@pytest.mark.parametrize("stops", [False, True])
def test_on_real_tapes(name: str, ticker: str, tick: float, stops: bool) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"the real tape {name} is not on this machine")
    agree(read(path, Ticker.parse(ticker)).tape.cut(0, 6000), stops, False, tick, 150)
