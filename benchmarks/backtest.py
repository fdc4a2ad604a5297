"""The back-test against backtesting.py: an SMA cross, both directions, stops and fees, on the same bars."""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from live_trader.core.bars import Tape, Ticker
from live_trader.core.fills import Market
from live_trader.core.instruments import Instrument
from live_trader.core.plans import plan_of
from live_trader.core.risk import Limits
from live_trader.core.strategies.crossing import SmaCross
from live_trader.lab.backtest import Entrant, Terms, Walked, run, stepwise

FAST, SLOW, FEE = 10, 30, "0.00002"
CAPITAL = 10_000_000
BEGAN = 1_577_836_800

T = TypeVar("T")


def random_walk(bars: int, seed: int) -> Tape:
    """Minutes of a pair that goes nowhere in particular."""
    random = np.random.default_rng(seed)
    close = np.round(1.2 * np.exp(np.cumsum(random.normal(0.0, 0.0001, bars))), 5)
    open_ = np.concatenate((close[:1], close[:-1]))
    reach = np.abs(random.normal(0.0, 0.00006, (2, bars)))
    return Tape(
        Ticker.parse("EURUSD M1"),
        BEGAN + 60 * np.arange(bars, dtype=np.int64),
        open_,
        np.round(np.maximum(open_, close) + reach[0], 5),
        np.round(np.minimum(open_, close) - reach[1], 5),
        close,
        random.integers(1, 100, bars).astype(np.float64),
    )


def ours(tape: Tape) -> tuple[Entrant, Terms]:
    """The cross with its usual plan: a stop 1.5 average ranges away, a target 1.2 times as far."""
    instrument = Instrument(
        symbol="EURUSD",
        currency="USD",
        base="EUR",
        tick=Decimal("0.00001"),
        lot=Decimal(1),
        minimum=Decimal(1),
    )
    limits = Limits(max_drawdown=Decimal("0.9"), max_daily_loss=None)  # so that it trades to the end
    terms = Terms(
        {"EURUSD": instrument}, Decimal(CAPITAL), limits=limits, market=Market(fee_rate=Decimal(FEE))
    )
    return Entrant("cross", tape, SmaCross(FAST, SLOW), plan_of(SmaCross)), terms


def theirs(tape: Tape) -> Callable[[], Any]:
    """The same for backtesting.py, as its documentation writes such a strategy."""
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover

    frame = pd.DataFrame(
        {"Open": tape.open, "High": tape.high, "Low": tape.low, "Close": tape.close, "Volume": tape.volume},
        index=pd.to_datetime(tape.times, unit="s"),
    )
    before = frame.Close.shift()
    far = 1.5 * (np.maximum(frame.High, before) - np.minimum(frame.Low, before)).rolling(14).mean()

    class Cross(Strategy):
        """Long where the fast average crosses above the slow one, short where below."""

        def init(self) -> None:
            self.fast = self.I(lambda close: pd.Series(close).rolling(FAST).mean(), self.data.Close)
            self.slow = self.I(lambda close: pd.Series(close).rolling(SLOW).mean(), self.data.Close)
            self.far = self.I(lambda: far, plot=False)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self._turn(1)
            elif crossover(self.slow, self.fast):
                self._turn(-1)

        def _turn(self, sign: int) -> None:
            close, far = self.data.Close[-1], self.far[-1]
            enter = self.buy if sign > 0 else self.sell
            enter(size=1000, sl=close - sign * far, tp=close + 1.2 * sign * far)

    test = Backtest(
        frame, Cross, cash=CAPITAL, commission=float(FEE), exclusive_orders=True, finalize_trades=True
    )
    return test.run


def timed(call: Callable[[], T], rounds: int) -> tuple[T, float]:
    """What the call gives, and the seconds of its quickest round."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        found = call()
        best = min(best, time.perf_counter() - began)
    return found, best


def peak(call: Callable[[], object]) -> int:
    """The bytes that were in use at once at most."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def measured(bars: int, seed: int, rounds: int) -> dict[str, Any]:
    """Every figure, all in one run."""
    tape = random_walk(bars, seed)
    entrant, terms = ours(tape)
    quick, quick_s = timed(lambda: run(entrant, terms), 3 * rounds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, their_s = timed(theirs(tape), rounds)
    again, quick_again_s = timed(lambda: run(entrant, terms), 3 * rounds)
    slow, slow_s = timed(lambda: stepwise([entrant], terms), 1)
    ours_s = min(quick_s, quick_again_s)
    most = peak(lambda: run(*ours(random_walk(bars, seed))))
    return {
        "bars": bars,
        "trades": len(quick.trades),
        "ours_bars_per_s": round(bars / ours_s),
        "stepwise_bars_per_s": round(bars / slow_s),
        "backtesting_py_bars_per_s": round(bars / their_s),
        "backtesting_py_trades": len(found["_trades"]),
        "ratio": round(their_s / ours_s, 1),
        "bytes_per_bar": round(most / bars),
        "trades_equal": same(quick, slow) and same(again, slow),
        "fingerprint": quick.fingerprint,
    }


def same(one: Walked, other: Walked) -> bool:
    """Whether both paths made the same trades, to the last digit."""
    return one.fingerprint == other.fingerprint and one.trades == other.trades and one.cash == other.cash


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description=__doc__)
    parser.add_argument("--bars", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rounds", type=int, default=2, help="of backtesting.py; ours runs three times as often"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    facts = measured(asked.bars, asked.seed, asked.rounds)
    if asked.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name:28} {value:>16,}" if isinstance(value, (int, float)) else f"{name:28} {value}")
    return 0 if facts["trades_equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
